/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Full listen queues, provoked on loopback: how many, whose, and who holds the socket. */
#include "tests/unit/watch_fixture.h"

#include "sys/nl_sockdiag.h"

#define LOCAL_CLIENTS 24

/* More connections than the queue holds; nobody accepts. */
static void connect_many(uint16_t port, int fd[LOCAL_CLIENTS])
{
	for (size_t i = 0; i < LOCAL_CLIENTS; i++)
		fd[i] = client(port, SOCK_NONBLOCK);
}

static void close_many(int fd[LOCAL_CLIENTS])
{
	for (size_t i = 0; i < LOCAL_CLIENTS; i++)
		close(fd[i]);
}

static void name_of(uint16_t port, char name[64])
{
	snprintf(name, 64, "tcp 127.0.0.1:%u", port);
}

static void overflow_is_named(bool bpf)
{
	struct fixture f = {0};
	uint16_t port, innocent_port;
	int clients[LOCAL_CLIENTS];
	char name[64], innocent[64], detail[64], text[DETAIL_TEXT_MAX];

	temp_netns(&f.host);
	int full = listener(1, &port);
	int other = listener(128, &innocent_port);

	name_of(port, name);
	name_of(innocent_port, innocent);
	uint64_t before = counter(&f, "TcpExtListenOverflows");

	open_watch(&f, bpf);
	connect_many(port, clients);
	serve_one(other, innocent_port);
	watch_for(&f, 2000);
	close_many(clients);
	watch_finish(f.watch);

	uint64_t overflows = counter(&f, "TcpExtListenOverflows") - before;
	const struct alert *a = find(&f, "listen.accept_overflow", name);

	assert_true(overflows >= LOCAL_CLIENTS - 2);
	assert_non_null(a);
	assert_int_equal(a->count, overflows);
	assert_int_equal(a->port, port);
	assert_true(a->exact);
	assert_string_equal(a->source, "inet_diag");
	/* A limit of 1 admits 2. */
	snprintf(detail, sizeof(detail), "queue 2 of 1");
	assert_string_equal(detail_text(&a->detail, text), detail);
	assert_int_equal(a->process.pid, getpid());
	assert_int_equal(a->process.holders, 1);
	assert_string_equal(a->process.comm, "test_watch_list");
	assert_true(a->first_ns > 0 && a->first_ns <= a->last_ns);
	/* SYNs are sent again after a second. */
	assert_true(a->last_ns > 900 * NS_PER_MS && a->last_ns <= f.seen.duration_ns);
	assert_int_equal(total(&f, "listen.accept_overflow"), overflows);
	assert_null(find(&f, "listen.accept_overflow", innocent));
	assert_int_equal(f.seen.alerts, 1);
	close(full);
	close(other);
	close_fixture(&f);
}

static void test_overflow(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		overflow_is_named(false);
}

static void test_overflow_with_bpf(void **state unused_)
{
	struct host h;

	if (!skip_unless(temp_is_root()))
		return;
	temp_netns(&h);
	bool can = bpf_loads(&h);

	host_close(&h);
	if (skip_unless(can))
		overflow_is_named(true);
}

static void test_two_listeners_share(void **state unused_)
{
	struct fixture f = {0};
	uint16_t port[2];
	int clients[2][LOCAL_CLIENTS];
	char name[2][64];

	if (!skip_unless(temp_is_root()))
		return;
	temp_netns(&f.host);
	for (int i = 0; i < 2; i++) {
		listener(1, &port[i]);
		name_of(port[i], name[i]);
	}
	uint64_t before = counter(&f, "TcpExtListenOverflows");

	open_watch(&f, false);
	connect_many(port[0], clients[0]);
	connect_many(port[1], clients[1]);
	watch_for(&f, 300);
	close_many(clients[0]);
	close_many(clients[1]);
	watch_finish(f.watch);

	uint64_t overflows = counter(&f, "TcpExtListenOverflows") - before;

	assert_int_equal(total(&f, "listen.accept_overflow"), overflows);
	assert_int_equal(f.seen.alerts, 2);
	for (int i = 0; i < 2; i++)
		assert_true(find(&f, "listen.accept_overflow", name[i])->count >=
			    LOCAL_CLIENTS - 2);
	close_fixture(&f);
}

/* The owner is asked for at the first alert: it may not live as long as the watch. */
static void test_owner_that_ends(void **state unused_)
{
	struct fixture f = {0};
	int ready[2], clients[LOCAL_CLIENTS];
	uint16_t port = 0;
	char name[64];

	if (!skip_unless(temp_is_root()))
		return;
	temp_netns(&f.host);
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		uint16_t p;

		listener(1, &p);
		if (write(ready[1], &p, sizeof(p)) == sizeof(p))
			for (int i = 0; i < 100; i++)
				usleep(100000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &port, sizeof(port)), sizeof(port));
	name_of(port, name);
	open_watch(&f, false);
	connect_many(port, clients);
	watch_for(&f, 250);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	watch_for(&f, 250);
	close_many(clients);
	watch_finish(f.watch);

	const struct alert *a = find(&f, "listen.accept_overflow", name);

	assert_non_null(a);
	assert_int_equal(a->process.pid, pid);
	assert_true(a->count >= LOCAL_CLIENTS - 2);
	close(ready[0]);
	close(ready[1]);
	close_fixture(&f);
}

static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

/*
 * sk_drops and ListenDrops rise as well where the SYN queue is full: that is another cause. No
 * SYN-ACK gets out, so every connection stays half-open.
 */
static void test_syn_queue_is_not_accept_queue(void **state unused_)
{
	struct fixture f = {0};
	uint16_t port;
	int clients[LOCAL_CLIENTS];
	char name[64];

	if (!skip_unless(temp_is_root() && has_nft()))
		return;
	temp_netns(&f.host);
	write_sysctl("/proc/sys/net/ipv4/tcp_syncookies", "0");
	assert_true(run_nft("table inet t { chain out { type filter hook output priority 0; "
			    "tcp flags & (syn | ack) == (syn | ack) drop; }; }"));
	int full = listener(4, &port);

	name_of(port, name);
	uint64_t before = counter(&f, "TcpExtTCPReqQFullDrop");

	open_watch(&f, false);
	connect_many(port, clients);
	watch_for(&f, 250);
	close_many(clients);
	watch_finish(f.watch);

	uint64_t dropped = counter(&f, "TcpExtTCPReqQFullDrop") - before;
	const struct alert *a = find(&f, "listen.syn_overflow", name);

	assert_true(dropped >= LOCAL_CLIENTS - 5);
	assert_non_null(a);
	assert_int_equal(a->count, dropped);
	assert_int_equal(f.seen.alerts, 1);
	close(full);
	close_fixture(&f);
}

/* sk_drops of the only listener. */
static uint32_t socket_drops(const struct fixture *f)
{
	cleanup_free struct listener *l = NULL;
	struct err e = {0};
	size_t len = 0;

	assert_ok(sockdiag_listeners(&f->host, &l, &len, &e), &e);
	assert_int_equal(len, 1);
	return l[0].drops;
}

/*
 * A dropped final ACK raises sk_drops by two and ListenOverflows by one. Final ACKs are held up
 * until more of them are due than the queue has room for; the repeated SYN-ACK brings them back.
 */
static void test_final_acks_count_once(void **state unused_)
{
	struct fixture f = {0};
	uint16_t port;
	int clients[12];
	char name[64], text[DETAIL_TEXT_MAX];

	if (!skip_unless(temp_is_root() && has_nft()))
		return;
	temp_netns(&f.host);
	int full = listener(8, &port);

	name_of(port, name);
	uint64_t before = counter(&f, "TcpExtListenOverflows");

	open_watch(&f, false);
	for (int i = 0; i < 5; i++)
		clients[i] = client(port, 0);
	assert_true(run_nft("table inet t { chain in { type filter hook input priority 0; "
			    "tcp flags == ack drop; }; }"));
	for (int i = 5; i < 12; i++)
		clients[i] = client(port, SOCK_NONBLOCK);
	watch_for(&f, 200);
	assert_int_equal(counter(&f, "TcpExtListenOverflows") - before, 0);
	assert_true(run_nft("flush ruleset"));
	watch_for(&f, 1400);
	for (int i = 0; i < 12; i++)
		close(clients[i]);
	watch_finish(f.watch);

	uint64_t overflows = counter(&f, "TcpExtListenOverflows") - before;
	const struct alert *a = find(&f, "listen.accept_overflow", name);

	/* 12 connections, 9 of which fit. */
	assert_true(overflows >= 3);
	assert_non_null(a);
	assert_int_equal(a->count, overflows);
	assert_int_equal(f.seen.alerts, 1);
	assert_true(a->exact);
	assert_string_equal(detail_text(&a->detail, text), "queue 9 of 8");
	assert_true(socket_drops(&f) > overflows);
	close(full);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_overflow_with_bpf),
		cmocka_unit_test(test_two_listeners_share),
		cmocka_unit_test(test_owner_that_ends),
		cmocka_unit_test(test_syn_queue_is_not_accept_queue),
		cmocka_unit_test(test_final_acks_count_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

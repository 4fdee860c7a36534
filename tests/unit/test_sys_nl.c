/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/cleanup.h"
#include "sys/nl.h"
#include "sys/nl_sockdiag.h"

#define RECORD4 "/netlink/inet_diag-tcp4-listen.hex"
#define RECORD6 "/netlink/inet_diag-tcp6-listen.hex"

/*
 * One IPv4 listener as the kernel sends it: 0.0.0.0:8080, queue 3, limit 128, uid 1000, inode
 * 10001; struct nlmsghdr, struct inet_diag_msg, then nine numbers of INET_DIAG_SKMEMINFO, the last
 * of them drops (7).
 */
#define ZERO16 "00000000000000000000000000000000"
#define SOCKET4                                                                                    \
	"020a0000"                                                                                 \
	"1f900000" ZERO16 ZERO16 "00000000"                                                        \
	"2a00000001000000"                                                                         \
	"00000000"                                                                                 \
	"03000000"                                                                                 \
	"80000000"                                                                                 \
	"e8030000"                                                                                 \
	"11270000"
#define MEMINFO_DATA "0000000000000200000000000040000000000000000000000000000000000000"
#define HEADER(len)                                                                                \
	len "0000001400020000000000"                                                               \
	    "00000000"
#define LINE4 HEADER("80") SOCKET4 "28000700" MEMINFO_DATA "07000000"

static int listen_on(int family, uint16_t *port, int backlog, int reuse)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				   .sin6_port = htons(*port)};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_addr = {htonl(INADDR_LOOPBACK)},
				   .sin_port = htons(*port)};
	struct sockaddr *a =
		family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t len = family == AF_INET6 ? sizeof(six) : sizeof(four);
	int on = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (reuse)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, a, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, a, &len), 0);
	*port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
	return fd;
}

static const struct listener *find(const struct listener *l, size_t len, uint64_t cookie)
{
	for (size_t i = 0; i < len; i++) {
		if (l[i].cookie == cookie)
			return &l[i];
	}
	return NULL;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
	return cookie;
}

static void test_live_listeners(void **state unused_)
{
	struct host h;
	struct err e = {0};
	cleanup_free struct listener *l = NULL;
	size_t len = 99;
	char name[LISTENER_NAME_MAX];
	struct stat st;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	assert_ok(sockdiag_listeners(&h, &l, &len, &e), &e);
	assert_int_equal(len, 0);

	uint16_t four = 8080, six = 0, shared = 8081;
	int fds[] = {listen_on(AF_INET, &four, 16, 0), listen_on(AF_INET6, &six, 64, 0),
		     listen_on(AF_INET, &shared, 5, 1), listen_on(AF_INET, &shared, 6, 1)};
	free(TAKE_PTR(l));
	assert_ok(sockdiag_listeners(&h, &l, &len, &e), &e);
	assert_int_equal(len, 4);
	for (size_t i = 1; i < len; i++)
		assert_true(l[i - 1].port <= l[i].port);

	const struct listener *a = find(l, len, cookie_of(fds[0]));
	assert_non_null(a);
	assert_int_equal(a->limit, 16);
	assert_int_equal(a->queue, 0);
	assert_int_equal(a->drops, 0);
	assert_int_equal(fstat(fds[0], &st), 0);
	assert_int_equal(a->inode, st.st_ino);
	assert_string_equal(listener_name(a, name), "tcp 127.0.0.1:8080");

	const struct listener *b = find(l, len, cookie_of(fds[1]));
	assert_non_null(b);
	assert_int_equal(b->family, AF_INET6);
	assert_int_equal(b->limit, 64);
	char expected[LISTENER_NAME_MAX];
	snprintf(expected, sizeof(expected), "tcp [::1]:%u", six);
	assert_string_equal(listener_name(b, name), expected);

	/* Two sockets of one SO_REUSEPORT group are two rows with their own limits. */
	const struct listener *c = find(l, len, cookie_of(fds[2])),
			      *d = find(l, len, cookie_of(fds[3]));
	assert_non_null(c);
	assert_non_null(d);
	assert_int_equal(c->limit, 5);
	assert_int_equal(d->limit, 6);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	host_close(&h);
}

static int connect_nonblocking(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {htonl(INADDR_LOOPBACK)},
				.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == EINPROGRESS);
	return fd;
}

/* The kernel takes limit + 1 connections and drops the SYN of the rest. */
static void test_live_overflow(void **state unused_)
{
	struct host h;
	struct err e = {0};
	cleanup_free struct listener *l = NULL;
	size_t len = 0;
	uint16_t port = 8080;
	int clients[8];

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	int server = listen_on(AF_INET, &port, 2, 0);

	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		struct pollfd p = {.fd = clients[i] = connect_nonblocking(port), .events = POLLOUT};

		poll(&p, 1, i < 3 ? 1000 : 20);
	}
	assert_ok(sockdiag_listeners(&h, &l, &len, &e), &e);
	assert_int_equal(len, 1);
	assert_int_equal(l[0].queue, 3);
	assert_int_equal(l[0].limit, 2);
	assert_true(l[0].drops >= ARRAY_LEN(clients) - 3);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
	close(server);
	host_close(&h);
}

static void test_captured(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	cleanup_free struct listener *l = NULL;
	size_t len = 0;
	char name[LISTENER_NAME_MAX];

	temp_open(&t);
	temp_write(&t, RECORD4, "# a comment\n\n" LINE4 "\n" LINE4 " # behind\n");
	temp_write(&t, RECORD6, "# none\n");
	assert_ok(sockdiag_listeners(&t.host, &l, &len, &e), &e);
	assert_int_equal(len, 2);
	assert_int_equal(l[0].queue, 3);
	assert_int_equal(l[0].limit, 128);
	assert_int_equal(l[0].drops, 7);
	assert_int_equal(l[0].uid, 1000);
	assert_int_equal(l[0].inode, 10001);
	assert_int_equal(l[0].cookie, 0x10000002a);
	assert_string_equal(listener_name(&l[0], name), "tcp 0.0.0.0:8080");
	temp_close(&t);
}

/* Each line is wrong in its own way; none may be read, and each is told with its number. */
static void test_captured_malformed(void **state unused_)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"xyz\n", "line 1 is not hex"},
		{"123\n", "line 1 is not hex"},
		{LINE4 "\n7000\n", "line 2 holds 2 bytes"},
		{LINE4 "00\n", "line 1 holds 129 bytes"},
		{HEADER("80") SOCKET4 "\n", "line 1 holds 88 bytes"},
		{HEADER("14") "02000000\n", "line 1: Protocol error"},	   /* no inet_diag_msg */
		{"8000000013000200" ZERO16 "\n", "line 1 holds 24 bytes"}, /* another type */
		{"18000000"
		 "13000200" ZERO16 "\n",
		 "line 1: Protocol error"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct temp_host t;
		struct err e = {0};
		struct listener *l = NULL;
		size_t len = 77;

		temp_open(&t);
		temp_write(&t, RECORD4, cases[i].text);
		temp_write(&t, RECORD6, "");
		assert_int_equal(sockdiag_listeners(&t.host, &l, &len, &e), -EPROTO);
		assert_int_equal(e.code, EPROTO);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("case %zu: '%s' does not say '%s'", i, e.msg, cases[i].says);
		assert_null(l);
		assert_int_equal(len, 77);
		temp_close(&t);
	}
}

/* Attributes that are shorter than they should be, or reach beyond the message: drops stays 0. */
static void test_captured_short_attributes(void **state unused_)
{
	static const char *const lines[] = {
		HEADER("7c") SOCKET4 "24000700" MEMINFO_DATA "\n", /* before 4.7: no drops yet */
		HEADER("80") SOCKET4 "ff000700" MEMINFO_DATA "07000000\n",
		HEADER("80") SOCKET4 "00000700" MEMINFO_DATA "07000000\n",
		HEADER("58") SOCKET4 "\n",
		HEADER("5a") SOCKET4 "0400\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct temp_host t;
		struct err e = {0};
		cleanup_free struct listener *l = NULL;
		size_t len = 0;

		temp_open(&t);
		temp_write(&t, RECORD4, lines[i]);
		temp_write(&t, RECORD6, "");
		assert_ok(sockdiag_listeners(&t.host, &l, &len, &e), &e);
		assert_int_equal(len, 1);
		assert_int_equal(l[0].limit, 128);
		assert_int_equal(l[0].drops, 0);
		temp_close(&t);
	}
}

static void test_captured_missing(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct listener *l = NULL;
	size_t len;

	temp_open(&t);
	assert_int_equal(sockdiag_listeners(&t.host, &l, &len, &e), -ENODATA);
	assert_non_null(
		strstr(e.msg, "the captured host has no record of 'inet_diag-tcp4-listen'"));
	temp_write(&t, RECORD4, LINE4 "\n");
	assert_int_equal(sockdiag_listeners(&t.host, &l, &len, &e), -ENODATA);
	temp_close(&t);
}

/* A recorded refusal is one; -ENOENT for IPv6 is a kernel without it. */
static void test_captured_refusal(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	cleanup_free struct listener *l = NULL;
	size_t len = 0;
	/* NLMSG_ERROR, flags CAPPED | ACK_TLVS, -1 or -2, the request's header, "no, thanks". */
#define REFUSAL(errno_hex)                                                                         \
	"34000000"                                                                                 \
	"02000003"                                                                                 \
	"0000000000000000" errno_hex "1400000014000500"                                            \
	"0000000000000000"                                                                         \
	"0f000100"                                                                                 \
	"6e6f2c207468616e6b7300"                                                                   \
	"00\n"

	temp_open(&t);
	temp_write(&t, RECORD4, REFUSAL("ffffffff"));
	temp_write(&t, RECORD6, REFUSAL("feffffff"));
	assert_int_equal(sockdiag_listeners(&t.host, &l, &len, &e), -EPERM);
	assert_non_null(strstr(e.msg, "Operation not permitted (no, thanks)"));
	temp_write(&t, RECORD4, LINE4 "\n");
	assert_ok(sockdiag_listeners(&t.host, &l, &len, &e), &e);
	assert_int_equal(len, 1);
	temp_close(&t);
}

static int never(const struct nlmsghdr *m unused_, void *data unused_)
{
	fail_msg("an answer to a question that must be refused");
	return MNL_CB_ERROR;
}

/* The live kernel's own words come through: rtnetlink says why it refuses. */
static void test_live_extended_ack(void **state unused_)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct host h;
	struct err e = {0};

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	m->nlmsg_type = 30; /* RTM_GETNEIGH of no address */
	mnl_nlmsg_put_extra_header(m, 12);
	((unsigned char *)mnl_nlmsg_get_payload(m))[0] = AF_INET;
	struct nl_question q = {.bus = NETLINK_ROUTE, .record = "neighbour", .request = m};

	assert_int_equal(nl_ask(&h, &q, never, NULL, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "ask the kernel for 'neighbour': Invalid argument ("));
	host_close(&h);
}

struct dump_state {
	unsigned answers, resets, stop_after;
};

static int count_answer(const struct nlmsghdr *m unused_, void *data)
{
	struct dump_state *s = data;

	return ++s->answers == s->stop_after ? MNL_CB_STOP : MNL_CB_OK;
}

/* A dump that its reader has seen enough of ends at once, and the next question is answered. */
static void test_live_stop(void **state unused_)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct host h;
	struct err e = {0};
	struct dump_state s = {.stop_after = 1};

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	m->nlmsg_type = 18; /* RTM_GETLINK */
	mnl_nlmsg_put_extra_header(m, 16);
	struct nl_question q = {.bus = NETLINK_ROUTE,
				.record = "links",
				.request = m,
				.dump = true};
	assert_ok(nl_ask(&h, &q, count_answer, NULL, &s, &e), &e);
	assert_int_equal(s.answers, 1);
	s = (struct dump_state){0};
	assert_ok(nl_ask(&h, &q, count_answer, NULL, &s, &e), &e);
	assert_true(s.answers >= 1);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_listeners),
		cmocka_unit_test(test_live_overflow),
		cmocka_unit_test(test_captured),
		cmocka_unit_test(test_captured_malformed),
		cmocka_unit_test(test_captured_short_attributes),
		cmocka_unit_test(test_captured_missing),
		cmocka_unit_test(test_captured_refusal),
		cmocka_unit_test(test_live_extended_ack),
		cmocka_unit_test(test_live_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

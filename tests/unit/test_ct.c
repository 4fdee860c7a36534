/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/ct.h"
#include "sys/file.h"

#define STAT "/proc/net/stat/nf_conntrack"
#define HEADER                                                                                     \
	"entries  clashres found new invalid ignore delete chainlength insert insert_failed drop " \
	"early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"
#define ZERO16 "00000000000000000000000000000000"

/* nft reads the rules from its standard input: no shell and no file between. */
static void load_rules(const char *rules)
{
	int in[2], status;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(in[0], STDIN_FILENO);
		execlp("nft", "nft", "-f", "-", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	assert_int_equal(write(in[1], rules, strlen(rules)), strlen(rules));
	close(in[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static const char accept_all[] = "table inet runup_test {\n"
				 "chain in { type filter hook input priority 0; policy accept;\n"
				 "ct state established accept\n}\n}\n";

static struct ct_stats *read_stats(const struct host *h)
{
	struct ct_stats *s = malloc(sizeof(*s));
	struct err e = {0};

	assert_non_null(s);
	memset(s, 0x55, sizeof(*s));
	assert_ok(ct_read_stats(h, s, &e), &e);
	return s;
}

/* From a new port each time; false: refused (EPERM where the packet was dropped on its way). */
static bool try_udp(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)},
				 .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	ssize_t n = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return n == 1;
}

static void send_udp(uint16_t port)
{
	assert_true(try_udp(port));
}

/* Closed by the client first, so the entry goes to TIME_WAIT. */
static void tcp_session(int server, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)},
				 .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	int peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(read(peer, &byte, 1), 0);
	close(peer);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {htonl(INADDR_LOOPBACK)},
				.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int needs_tracking(const struct host *h)
{
	if (file_exists(h, STAT))
		return 1;
	printf("connection tracking is not loaded here (modprobe nf_conntrack)\n");
	return 0;
}

static void test_live_empty(void **state unused_)
{
	struct host h;
	struct err e = {0};
	uint64_t max;
	cleanup_free struct ct_group *groups = NULL;
	size_t len = 9;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	if (!needs_tracking(&h))
		skip();
	cleanup_free struct ct_stats *s = read_stats(&h);
	assert_true(s->present);
	assert_int_equal(s->entries, 0);
	assert_true(s->cpus >= 1);
	assert_int_equal(s->total.drop, 0);
	assert_ok(file_read_u64(&h, "/proc/sys/net/netfilter/nf_conntrack_max", &max, &e), &e);
	assert_int_equal(s->max, max);
	if (ct_netlink_loaded(&h)) {
		assert_string_equal(s->source, "ctnetlink");
		assert_ok(ct_breakdown(&h, &groups, &len, &e), &e);
		assert_int_equal(len, 0);
	} else {
		assert_string_equal(s->source, STAT);
		assert_int_equal(ct_breakdown(&h, &groups, &len, &e), -EOPNOTSUPP);
	}
	host_close(&h);
}

static uint64_t entries_of(const struct ct_group *g, size_t len, int protocol, const char *state,
			   uint16_t port)
{
	for (size_t i = 0; i < len; i++) {
		if (g[i].protocol == protocol && !strcmp(g[i].state, state) && g[i].port == port)
			return g[i].entries;
	}
	return 0;
}

static void test_live_flows(void **state unused_)
{
	struct host h;
	struct err e = {0};
	cleanup_free struct ct_group *g = NULL;
	size_t len = 0;
	uint64_t sum = 0;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	if (!needs_tracking(&h))
		skip();
	load_rules(accept_all);
	for (int i = 0; i < 3; i++)
		send_udp(9000);
	for (uint16_t port = 9001; port < 9041; port++)
		send_udp(port);
	int server = listen_on(8080);
	for (int i = 0; i < 5; i++)
		tcp_session(server, 8080);
	close(server);

	cleanup_free struct ct_stats *s = read_stats(&h);
	assert_int_equal(s->entries, 48);
	assert_true(s->total.insert_failed == 0 && s->total.drop == 0);
	if (!ct_netlink_loaded(&h)) {
		printf("asking ctnetlink would load a module (modprobe nf_conntrack_netlink)\n");
		skip();
	}
	assert_ok(ct_breakdown(&h, &g, &len, &e), &e);
	assert_int_equal(entries_of(g, len, IPPROTO_TCP, "TIME_WAIT", 8080), 5);
	assert_int_equal(entries_of(g, len, IPPROTO_UDP, "-", 9000), 3);
	/* 42 ports, 16 of them shown apart, the rest in one group; nothing is lost. */
	for (size_t i = 0; i < len; i++) {
		sum += g[i].entries;
		assert_true(i == 0 || g[i - 1].entries >= g[i].entries);
	}
	assert_int_equal(sum, 48);
	assert_int_equal(len, CT_GROUPS_APART + 1);
	assert_int_equal(entries_of(g, len, IPPROTO_UDP, "-", 0), 40 - (CT_GROUPS_APART - 2));
	assert_int_equal(g[0].port, 0);
	host_close(&h);
}

/* The file that anybody may read says the same as the messages, drops of each CPU included. */
static void test_live_fallback_agrees(void **state unused_)
{
	struct host h;
	int status;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	if (!needs_tracking(&h))
		skip();
	/* All flows get one source port, so all but the first clash and are dropped. */
	load_rules("table ip runup_test {\n"
		   "chain post { type nat hook postrouting priority 100; policy accept;\n"
		   "udp dport 9000 snat to 127.0.0.1:5000\n}\n}\n");
	int sent = 0;
	for (int i = 0; i < 5; i++)
		sent += try_udp(9000);
	assert_int_equal(sent, 1);
	cleanup_free struct ct_stats *netlink = read_stats(&h);
	assert_int_equal(netlink->entries, 1);
	assert_int_equal(netlink->total.drop, 4);
	uint64_t by_cpu = 0;
	for (unsigned i = 0; i < CT_CPUS_MAX; i++)
		by_cpu += netlink->drop_by_cpu[i];
	assert_int_equal(by_cpu, 4);

	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct ct_stats *file = calloc(1, sizeof(*file));

		if (!file || setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (ct_read_stats(&h, file, NULL) < 0)
			_exit(3);
		if (strcmp(file->source, STAT) != 0)
			_exit(4);
		if (file->entries != netlink->entries || file->max != netlink->max ||
		    file->cpus != netlink->cpus)
			_exit(5);
		if (memcmp(&file->total, &netlink->total, sizeof(file->total)) != 0 ||
		    memcmp(file->drop_by_cpu, netlink->drop_by_cpu, sizeof(file->drop_by_cpu)) != 0)
			_exit(6);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	host_close(&h);
}

static void test_captured_file(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};

	temp_open(&t);
	cleanup_free struct ct_stats *s = read_stats(&t.host);
	assert_false(s->present);
	assert_null(s->source);

	temp_write(&t, STAT,
		   HEADER
		   "0003d090  00000001 00000002 00000000 00000003 00000000 00000000 00000004 "
		   "00000005 00000006 0000000a 00000007 00000008  00000000 00000000 00000000 "
		   "00000009\n"
		   "0003d090  00000001 00000002 00000000 00000003 00000000 00000000 00000004 "
		   "00000005 00000006 ffffffff 00000007 00000008  00000000 00000000 00000000 "
		   "00000009\n");
	temp_write(&t, "/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
	free(TAKE_PTR(s));
	s = read_stats(&t.host);
	assert_true(s->present);
	assert_string_equal(s->source, STAT);
	assert_int_equal(s->entries, 250000);
	assert_int_equal(s->max, 262144);
	assert_int_equal(s->cpus, 2);
	assert_int_equal(s->drop_by_cpu[0], 10);
	assert_int_equal(s->drop_by_cpu[1], 0xffffffff);
	assert_int_equal(s->total.drop, UINT64_C(0xffffffff) + 10);
	assert_int_equal(s->total.clash_resolve, 2);
	assert_int_equal(s->total.found, 4);
	assert_int_equal(s->total.invalid, 6);
	assert_int_equal(s->total.chain_toolong, 8);
	assert_int_equal(s->total.insert, 10);
	assert_int_equal(s->total.insert_failed, 12);
	assert_int_equal(s->total.early_drop, 14);
	assert_int_equal(s->total.error, 16);
	assert_int_equal(s->total.search_restart, 18);

	/* Columns are found by name, wherever a kernel puts them. */
	temp_write(&t, STAT, "entries  drop searched\n00000001  00000002 00000003\n");
	free(TAKE_PTR(s));
	s = read_stats(&t.host);
	assert_int_equal(s->total.drop, 2);
	assert_int_equal(s->total.found, 0);

	static const char *const broken[] = {"", "entries drop\n", "drop entries\n1 2\n",
					     "entries drop\n1 g\n", "entries drop\n1\n"};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		temp_write(&t, STAT, broken[i]);
		if (ct_read_stats(&t.host, s, &e) != -EPROTO)
			fail_msg("broken file %zu was taken", i);
	}
	temp_close(&t);
}

static void test_captured_messages(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, STAT, HEADER);
	/* CPU 0 and CPU 5, one attribute each: CTA_STATS_DROP 10, CTA_STATS_FOUND 7. */
	temp_write(&t, "/netlink/ctnetlink-stats-cpu.hex",
		   "1c00000004010200"
		   "0000000000000000"
		   "00000000"
		   "08000a00"
		   "0000000a\n"
		   "1c00000004010200"
		   "0000000000000000"
		   "00000005"
		   "08000200"
		   "00000007\n");
	temp_write(&t, "/netlink/ctnetlink-stats.hex",
		   "2400000005010000"
		   "0000000000000000"
		   "00000000"
		   "08000100"
		   "0003d090"
		   "08000200"
		   "00040000\n");
	cleanup_free struct ct_stats *s = read_stats(&t.host);
	assert_string_equal(s->source, "ctnetlink");
	assert_int_equal(s->cpus, 2);
	assert_int_equal(s->drop_by_cpu[0], 10);
	assert_int_equal(s->drop_by_cpu[5], 0);
	assert_int_equal(s->total.found, 7);
	assert_int_equal(s->entries, 250000);
	assert_int_equal(s->max, 262144);
	temp_close(&t);
}

/* udp, port 53, unreplied, as the kernel sends it: header, nfgenmsg, tuple, protoinfo. */
#define DUMP "/netlink/ctnetlink-dump.hex"
#define TUPLE                                                                                      \
	"34000180"                                                                                 \
	"14000180"                                                                                 \
	"080001007f000001"                                                                         \
	"080002007f000001"                                                                         \
	"1c000280"                                                                                 \
	"0500010011000000"                                                                         \
	"0600020004d20000"                                                                         \
	"060003000035"                                                                             \
	"0000"
#define ENTRY(len, type)                                                                           \
	len "0000000001020000000000"                                                               \
	    "00000000"                                                                             \
	    "02000000" type

static void test_captured_dump(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	cleanup_free struct ct_group *g = NULL;
	size_t len = 0;

	temp_open(&t);
	assert_int_equal(ct_breakdown(&t.host, &g, &len, &e), -ENODATA);
	temp_write(&t, DUMP, ENTRY("48", TUPLE) "\n" ENTRY("48", TUPLE) "\n");
	assert_ok(ct_breakdown(&t.host, &g, &len, &e), &e);
	assert_int_equal(len, 1);
	assert_int_equal(entries_of(g, len, IPPROTO_UDP, "-", 53), 2);
	temp_close(&t);
}

/* tcp, port 8080, TIME_WAIT, with all that a record has. */
static const char tcp_entry[] = "cc0000000001020000000000000000000200000034000180140001800800"
				"0100c000020208000200c633640a1c000280050001000600000006000200"
				"80890000060003001f900000340002801400018008000100c633640a0800"
				"0200c00002021c0002800500010006000000060002001f90000006000300"
				"80890000080003000000000e0800070000000061300004802c0001800500"
				"010007000000050002000700000005000300070000000600040023000000"
				"060005002300000008000c000000000108000b0000000001";

/* Every single digit of a record, changed in turn: an answer or an error, never a crash. */
static void mutate(const struct temp_host *t, const char *entry)
{
	char line[1024];

	for (size_t i = 0; entry[i]; i++) {
		for (const char *c = "0137f"; *c; c++) {
			struct err e = {0};
			struct ct_group *g = NULL;
			size_t len = 0;

			snprintf(line, sizeof(line), "%s", entry);
			line[i] = *c;
			temp_write(t, DUMP, line);
			if (ct_breakdown(&t->host, &g, &len, &e) < 0)
				assert_int_equal(e.code, EPROTO);
			free(g);
		}
	}
}

static void test_captured_dump_mutated(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	cleanup_free struct ct_group *g = NULL;
	size_t len = 0;

	temp_open(&t);
	temp_write(&t, DUMP, tcp_entry);
	assert_ok(ct_breakdown(&t.host, &g, &len, &e), &e);
	assert_int_equal(entries_of(g, len, IPPROTO_TCP, "TIME_WAIT", 8080), 1);
	mutate(&t, tcp_entry);
	mutate(&t, ENTRY("48", TUPLE));
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_empty),
		cmocka_unit_test(test_live_flows),
		cmocka_unit_test(test_live_fallback_agrees),
		cmocka_unit_test(test_captured_file),
		cmocka_unit_test(test_captured_messages),
		cmocka_unit_test(test_captured_dump),
		cmocka_unit_test(test_captured_dump_mutated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

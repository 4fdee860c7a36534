/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include <netinet/in.h>

#include "sys/procnet.h"

#define NETSTAT "/proc/net/netstat"
#define SNMP "/proc/net/snmp"
#define SNMP6 "/proc/net/snmp6"

static uint64_t get(const struct counters *c, const char *name)
{
	uint64_t value = UINT64_MAX;

	if (!counters_get(c, name, &value))
		fail_msg("no counter '%s'", name);
	return value;
}

static void test_captured(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct counters c = {0};
	uint64_t value = 5;

	temp_open(&t);
	temp_write(&t, NETSTAT,
		   "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 42 43\n"
		   "IpExt: InOctets\nIpExt: 18446744073709551615\n");
	temp_write(&t, SNMP,
		   "Tcp: RtoMax MaxConn ActiveOpens\nTcp: 120000 -1 13\n"
		   "IcmpMsg: InType3\nIcmpMsg: 4\nUdp: RcvbufErrors\nUdp: 7\n");
	temp_write(&t, SNMP6, "Ip6InReceives                   \t93\nUdp6RcvbufErrors \t8\n");
	assert_ok(procnet_counters(&t.host, &c, &e), &e);
	assert_int_equal(get(&c, "TcpExtListenOverflows"), 42);
	assert_int_equal(get(&c, "TcpExtListenDrops"), 43);
	assert_true(get(&c, "IpExtInOctets") == UINT64_MAX);
	assert_int_equal(get(&c, "TcpActiveOpens"), 13);
	assert_int_equal(get(&c, "IcmpMsgInType3"), 4);
	assert_int_equal(get(&c, "UdpRcvbufErrors"), 7);
	assert_int_equal(get(&c, "Udp6RcvbufErrors"), 8);
	/* -1 means "no fixed limit", which is no count. */
	assert_false(counters_get(&c, "TcpMaxConn", &value));
	assert_false(counters_get(&c, "TcpExtNoSuch", &value));
	assert_int_equal(value, 5);

	/* A second reading replaces the first, and IPv6 may be missing. */
	char path[512];
	snprintf(path, sizeof(path), "%s%s", t.folder, SNMP6);
	assert_int_equal(unlink(path), 0);
	temp_write(&t, NETSTAT, "TcpExt: ListenOverflows\nTcpExt: 50\n");
	assert_ok(procnet_counters(&t.host, &c, &e), &e);
	assert_int_equal(get(&c, "TcpExtListenOverflows"), 50);
	assert_false(counters_get(&c, "TcpExtListenDrops", &value));
	assert_false(counters_get(&c, "Udp6RcvbufErrors", &value));
	counters_done(&c);
	temp_close(&t);
}

static void test_malformed(void **state unused_)
{
	static const char *const texts[] = {
		"TcpExt: A B\nTcpExt: 1\n",		     /* too few values */
		"TcpExt: A\nTcpExt: 1 2\n",		     /* too many */
		"TcpExt: A\nIpExt: 1\n",		     /* another prefix */
		"TcpExt: A\n",				     /* no values */
		"TcpExt A\nTcpExt 1\n",			     /* no colon */
		"TcpExt: A\nTcpExt: one\n",		     /* not a number */
		"TcpExt: A\nTcpExt: 1x\n",		     /* not only a number */
		"TcpExt: A\nTcpExt: --1\n",		     /* not a negative number either */
		"TcpExt: A\nTcpExt: 18446744073709551616\n", /* 2^64 */
		":\n:\n",
		" \n \n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct temp_host t;
		struct err e = {0};
		struct counters c = {0};

		temp_open(&t);
		temp_write(&t, NETSTAT, texts[i]);
		temp_write(&t, SNMP, "Udp: RcvbufErrors\nUdp: 7\n");
		if (procnet_counters(&t.host, &c, &e) != -EPROTO)
			fail_msg("case %zu was taken", i);
		assert_non_null(strstr(e.msg, "'/proc/net/netstat': lines 1 and 2"));
		assert_int_equal(c.len, 0);
		temp_close(&t);
	}
}

/* Every name of the live kernel fits, and one of our own packets is counted. */
static void test_live(void **state unused_)
{
	struct host h;
	struct err e = {0};
	struct counters before = {0}, after = {0};
	struct sockaddr_in nobody = {.sin_family = AF_INET,
				     .sin_addr = {htonl(INADDR_LOOPBACK)},
				     .sin_port = htons(9)};

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	assert_ok(procnet_counters(&h, &before, &e), &e);
	assert_true(before.len > 100);
	for (size_t i = 0; i < before.len; i++)
		assert_true(strlen(before.item[i].name) < sizeof(before.item[i].name) - 1);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)), 1);
	close(fd);
	assert_ok(procnet_counters(&h, &after, &e), &e);
	assert_int_equal(get(&after, "UdpNoPorts") - get(&before, "UdpNoPorts"), 1);
	assert_int_equal(get(&after, "TcpExtListenOverflows"), 0);
	counters_done(&before);
	counters_done(&after);
	host_close(&h);
}

static void test_sockstat(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct sockstat s = {.tcp_inuse = 99};

	temp_open(&t);
	assert_int_equal(procnet_sockstat(&t.host, &s, &e), -ENOENT);
	temp_write(&t, "/proc/net/sockstat",
		   "sockets: used 14\nTCP: inuse 1 orphan 2\nUDP: inuse 9 mem 8\n");
	assert_int_equal(procnet_sockstat(&t.host, &s, &e), -EPROTO);
	assert_non_null(strstr(e.msg, "no 'tw'"));
	assert_int_equal(s.tcp_inuse, 99);
	temp_write(&t, "/proc/net/sockstat",
		   "sockets: used 14\nTCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n"
		   "UDP: inuse 9 mem 8\n");
	assert_ok(procnet_sockstat(&t.host, &s, &e), &e);
	assert_int_equal(s.tcp_inuse, 1);
	assert_int_equal(s.tcp_orphan, 2);
	assert_int_equal(s.tcp_time_wait, 3);
	assert_int_equal(s.tcp_alloc, 4);
	assert_int_equal(s.tcp_mem_pages, 5);
	assert_int_equal(s.tcp6_inuse, 0);
	temp_write(&t, "/proc/net/sockstat6", "TCP6: inuse 6\nUDP6: inuse 0\n");
	assert_ok(procnet_sockstat(&t.host, &s, &e), &e);
	assert_int_equal(s.tcp6_inuse, 6);
	temp_close(&t);
}

static void test_sockstat_live(void **state unused_)
{
	struct host h;
	struct err e = {0};
	struct sockstat s;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen(fd, 1), 0); /* an unbound socket gets a port */
	assert_ok(procnet_sockstat(&h, &s, &e), &e);
	assert_int_equal(s.tcp_inuse, 1);
	assert_int_equal(s.tcp_time_wait, 0);
	close(fd);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured),      cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_live),	      cmocka_unit_test(test_sockstat),
		cmocka_unit_test(test_sockstat_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

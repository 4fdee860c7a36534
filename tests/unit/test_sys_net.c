/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices, qdiscs, ethtool, steering, softnet and neighbours, as they are read. */
#include "tests/unit/temp_host.h"

#include <arpa/inet.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "base/cpumask.h"
#include "sys/neigh.h"
#include "sys/nl_ethtool.h"
#include "sys/nl_link.h"
#include "sys/nl_sockets.h"
#include "sys/procnet.h"
#include "sys/softnet.h"
#include "sys/sysnet.h"

static struct host open_vm(void)
{
	struct host h;
	struct err e = {0};

	assert_ok(host_open(&h, "tests/fixtures/hosts/vm", NULL, &e), &e);
	return h;
}

static void test_captured_links(void **state unused_)
{
	struct host h = open_vm();
	struct err e = {0};
	cleanup_free struct link *l = NULL;
	cleanup_free struct qdisc *d = NULL;
	size_t len, qdiscs;
	const struct link *eth0 = NULL;

	assert_ok(links_read(&h, true, &l, &len, &e), &e);
	assert_true(len >= 2);
	assert_string_equal(l[0].name, "lo");
	assert_true(l[0].loopback && !link_is_hardware(&l[0]));
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(l[i].address_len, 0); /* taken out */
		if (strcmp(l[i].name, "eth0") == 0)
			eth0 = &l[i];
		else if (!l[i].loopback)
			assert_true(strncmp(l[i].name, "if", 2) == 0);
	}
	assert_non_null(eth0);
	assert_true(eth0->up && eth0->carrier && link_is_hardware(eth0));
	assert_int_equal(eth0->type, ARPHRD_ETHER);
	assert_int_equal(eth0->queue_length, 1000);
	assert_true(eth0->stats.rx_packets > 0);

	assert_ok(qdiscs_read(&h, &d, &qdiscs, &e), &e);
	bool found = false;
	for (size_t i = 0; i < qdiscs; i++)
		found |= d[i].ifindex == eth0->index && d[i].parent == QDISC_PARENT_ROOT &&
			 strcmp(d[i].kind, eth0->qdisc) == 0;
	assert_true(found);
	host_close(&h);
}

static void test_captured_ethtool(void **state unused_)
{
	struct host h = open_vm();
	struct err e = {0};

	for (enum ethtool_ask ask = 0; ask < ETHTOOL_ASKS; ask++) {
		cleanup_free struct ethtool_device *d = NULL;
		const struct ethtool_device *eth0 = NULL;
		size_t len;

		assert_ok(ethtool_read(&h, ask, &d, &len, &e), &e);
		for (size_t i = 0; i < len; i++)
			if (strcmp(d[i].name, "eth0") == 0)
				eth0 = &d[i];
		assert_non_null(eth0);
		switch (ask) {
		case ETHTOOL_ASK_RINGS:
			assert_int_equal(eth0->rx_ring, 256);
			assert_int_equal(eth0->rx_ring_max, 256);
			assert_int_equal(eth0->tx_ring, 256);
			break;
		case ETHTOOL_ASK_CHANNELS:
			assert_int_equal(eth0->combined, 1);
			assert_int_equal(eth0->combined_max, 1);
			break;
		case ETHTOOL_ASK_MODES:
			assert_int_equal(eth0->speed, ETHTOOL_SPEED_UNKNOWN);
			assert_int_equal(eth0->duplex, ETHTOOL_DUPLEX_UNKNOWN);
			break;
		default:
			assert_true(eth0->active & 1u << ETHTOOL_GRO);
			assert_true(eth0->changeable & 1u << ETHTOOL_TSO);
		}
	}
	host_close(&h);
}

/* Too short, another type, another command: none may be read as an answer. */
/* What 6.1 refuses without (tests/vm shows it on a real one), and later kernels do not mind. */
static void test_ethtool_header(void **state unused_)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];

	for (enum ethtool_ask ask = 0; ask < ETHTOOL_ASKS; ask++) {
		struct nl_question q = ethtool_question(ask, 21, buf);
		const struct nlattr *header =
			mnl_nlmsg_get_payload_offset(q.request, sizeof(struct genlmsghdr));

		assert_int_equal(mnl_nlmsg_get_payload_len(q.request),
				 sizeof(struct genlmsghdr) + sizeof(*header));
		assert_int_equal(mnl_attr_get_type(header), ETHTOOL_A_RINGS_HEADER);
		assert_int_equal(mnl_attr_get_payload_len(header), 0);
	}
}

static void test_malformed(void **state unused_)
{
	struct temp_host t;
	struct err e = {0};
	struct link *l = NULL;
	struct qdisc *d = NULL;
	struct ethtool_device *dev = NULL;
	size_t len;

	temp_open(&t);
	temp_write(&t, "/netlink/rtnl-link.hex",
		   "1400000010000200"
		   "0000000000000000"
		   "00000000\n");
	assert_int_equal(links_read(&t.host, false, &l, &len, &e), -EPROTO);
	temp_write(&t, "/netlink/rtnl-link.hex",
		   "2000000011000200"
		   "0000000000000000"
		   "00000000000000000000000000000000\n");
	assert_int_equal(links_read(&t.host, false, &l, &len, &e), -EPROTO);
	temp_write(&t, "/netlink/rtnl-qdisc.hex",
		   "1400000024000200"
		   "0000000000000000"
		   "00000000\n");
	assert_int_equal(qdiscs_read(&t.host, &d, &len, &e), -EPROTO);

	/* A family without a number; then one, and an answer to another question. */
	temp_write(&t, "/netlink/genl-ethtool.hex",
		   "1400000010000000"
		   "0000000000000000"
		   "01020000\n");
	assert_int_equal(ethtool_read(&t.host, ETHTOOL_ASK_RINGS, &dev, &len, &e), -EPROTO);
	temp_write(&t, "/netlink/genl-ethtool.hex",
		   "1c00000010000000"
		   "0000000000000000"
		   "010200000600010015000000\n");
	temp_write(&t, "/netlink/ethtool-rings.hex",
		   "1400000015000200"
		   "0000000000000000"
		   "12010000\n");
	assert_int_equal(ethtool_read(&t.host, ETHTOOL_ASK_RINGS, &dev, &len, &e), -EPROTO);
	assert_int_equal(ethtool_read(&t.host, ETHTOOL_ASK_CHANNELS, &dev, &len, &e), -ENODATA);
	/* A refusal with -ENOENT: a kernel before 5.6. */
	temp_write(&t, "/netlink/genl-ethtool.hex",
		   "2400000002000000"
		   "0000000000000000"
		   "feffffff1400000010000500"
		   "0000000000000000\n");
	assert_int_equal(ethtool_read(&t.host, ETHTOOL_ASK_RINGS, &dev, &len, &e), -EOPNOTSUPP);
	temp_close(&t);
}

static void test_live_sockets(void **state unused_)
{
	struct host h;
	struct err e = {0};
	cleanup_free struct inet_socket *s = NULL;
	size_t len;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(a);
	struct sockstat_udp totals;

	if (!temp_is_root())
		skip();
	temp_netns(&h);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(server, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&a, &size), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_ok(sockets_read(&h, SOCKETS_TCP_PORTS, &s, &len, &e), &e);
	assert_int_equal(len, 2); /* both ends, and not the listener */
	assert_true(s[0].peer_port == ntohs(a.sin_port) || s[1].peer_port == ntohs(a.sin_port));
	assert_int_equal(s[0].peer_port, s[1].local_port);

	a.sin_port = 0;
	assert_int_equal(bind(udp, (struct sockaddr *)&a, sizeof(a)), 0);
	int buffer = 5000;
	assert_int_equal(setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	free(TAKE_PTR(s));
	assert_ok(sockets_read(&h, SOCKETS_UDP, &s, &len, &e), &e);
	assert_int_equal(len, 1);
	assert_int_equal(s[0].receive_buffer, 10000);
	assert_ok(procnet_sockstat_udp(&h, &totals, &e), &e);
	assert_int_equal(totals.inuse, 1);
	close(server);
	close(client);
	close(udp);
	host_close(&h);
}

static void test_masks(void **state unused_)
{
	struct ranges r = {0};
	struct strbuf text = {0};

	assert_int_equal(cpu_mask_parse("00000001,8000000f", &r), 0);
	ranges_format(&r, &text);
	assert_string_equal(strbuf_get(&text), "0-3,31-32");
	ranges_done(&r);
	assert_int_equal(cpu_mask_parse("0", &r), 0);
	assert_int_equal(r.len, 0);
	assert_int_equal(cpu_mask_parse("", &r), -EPROTO);
	assert_int_equal(cpu_mask_parse("0x3", &r), -EPROTO);
	ranges_done(&r);
	strbuf_done(&text);
}

static void test_softnet(void **state unused_)
{
	struct temp_host t;
	struct softnet s;
	struct err e = {0};

	temp_open(&t);
	temp_write(&t, "/proc/net/softnet_stat",
		   "0000000a 00000001 00000002 0 0\n0000000b 000000ff 00000003 0 0\n");
	assert_ok(softnet_read(&t.host, &s, &e), &e);
	assert_int_equal(s.cpus, 2);
	assert_int_equal(s.processed, 21);
	assert_int_equal(s.dropped, 256);
	assert_int_equal(s.squeezed, 5);
	temp_write(&t, "/proc/net/softnet_stat", "0000000a 00000001\n");
	assert_int_equal(softnet_read(&t.host, &s, &e), -EPROTO);
	temp_close(&t);
}

static void test_neighbours(void **state unused_)
{
	static const char *const bad[] = {"", "allocs table_fulls\n1 2\n", "entries  table_fulls\n",
					  "entries  table_fulls\n0000001\n",
					  "entries  table_fulls\n000000g 00000001\n"};
	struct temp_host t;
	struct neigh_stats s;
	struct err e = {0};

	temp_open(&t);
	assert_int_equal(neigh_read(&t.host, AF_INET6, &s, &e), -ENOENT);
	temp_write(&t, "/proc/net/stat/arp_cache",
		   "entries  allocs   table_fulls\n0000000c 00000003 00000001\n"
		   "0000000c 00000004 00000010\n");
	assert_ok(neigh_read(&t.host, AF_INET, &s, &e), &e);
	assert_int_equal(s.entries, 12);
	assert_int_equal(s.table_fulls, 17);
	/* Before 4.19 there was no such column. */
	temp_write(&t, "/proc/net/stat/arp_cache", "entries  allocs\n0000000c 00000003\n");
	assert_ok(neigh_read(&t.host, AF_INET, &s, &e), &e);
	assert_int_equal(s.table_fulls, 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		temp_write(&t, "/proc/net/stat/arp_cache", bad[i]);
		assert_int_equal(neigh_read(&t.host, AF_INET, &s, &e), -EPROTO);
	}
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured_links), cmocka_unit_test(test_captured_ethtool),
		cmocka_unit_test(test_ethtool_header), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_live_sockets),   cmocka_unit_test(test_masks),
		cmocka_unit_test(test_softnet),	       cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

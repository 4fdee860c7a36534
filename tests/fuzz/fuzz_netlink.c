/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of the kernel. The first byte says which question they answer; then each message: two
 * bytes of length, two of type, the rest of it. The lengths in the header are made right, as the
 * kernel's are: what is inside is what readers have to doubt.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "sys/ct.h"
#include "sys/nl_ethtool.h"
#include "sys/nl_link.h"
#include "sys/nl_sockdiag.h"
#include "sys/nl_sockets.h"
#include "tests/fuzz/fuzz.h"

static void listeners(const struct host *h)
{
	struct listener *l;
	size_t len;
	struct err e;
	char name[LISTENER_NAME_MAX];

	if (sockdiag_listeners(h, &l, &len, &e) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		fuzz_require(*listener_name(&l[i], name));
	free(l);
}

static void sockets(const struct host *h)
{
	struct inet_socket *s;
	size_t len;
	struct err e;

	for (int ask = SOCKETS_TCP_PORTS; ask <= SOCKETS_TCP_BOUND; ask++)
		if (sockets_read(h, (enum sockets_ask)ask, &s, &len, &e) == 0)
			free(s);
}

static void links(const struct host *h)
{
	struct link *l;
	struct qdisc *q;
	size_t len;
	struct err e;

	if (links_read(h, true, &l, &len, &e) == 0)
		free(l);
	if (qdiscs_read(h, &q, &len, &e) == 0)
		free(q);
}

static void ethtool(const struct host *h)
{
	struct ethtool_device *d;
	size_t len;
	struct err e;

	for (int ask = 0; ask < ETHTOOL_ASKS; ask++)
		if (ethtool_read(h, (enum ethtool_ask)ask, &d, &len, &e) == 0)
			free(d);
}

static void conntrack(const struct host *h)
{
	struct ct_stats s;
	struct ct_group *g;
	size_t len;
	struct err e;

	(void)!ct_read_stats(h, &s, &e);
	if (ct_breakdown(h, &g, &len, &e) == 0)
		free(g);
}

static const struct {
	const char *record;
	void (*read)(const struct host *h);
} questions[] = {
	{"inet_diag-tcp4-listen", listeners},
	{"inet_diag-tcp6-listen", listeners},
	{"inet_diag-tcp4-ports", sockets},
	{"inet_diag-udp6", sockets},
	{"rtnl-link", links},
	{"rtnl-qdisc", links},
	{"ethtool-rings", ethtool},
	{"ethtool-channels", ethtool},
	{"ethtool-linkmodes", ethtool},
	{"ethtool-features", ethtool},
	{"ctnetlink-stats-cpu", conntrack},
	{"ctnetlink-stats", conntrack},
	{"ctnetlink-dump", conntrack},
};

/* Without the conntrack module's files nobody would be asked. */
static void prepare(struct host *h)
{
	fuzz_open_host(h);
	fuzz_write("/proc/sys/net/netfilter/nf_conntrack_max", "100\n", 4);
	fuzz_write("/proc/sys/net/netfilter/nf_conntrack_count", "7\n", 2);
	fuzz_write("/proc/modules", "nf_conntrack_netlink 1 0 - Live 0x0\n", 36);
	/* The family's number, which every question to ethtool begins with. */
	struct nlmsghdr nlh = {.nlmsg_len = 28, .nlmsg_type = 16};
	const uint8_t body[12] = {1, 2, 0, 0, 6, 0, 1, 0, 20, 0, 0, 0};
	struct strbuf out = {0};

	fuzz_hex(&out, &nlh, sizeof(nlh));
	fuzz_hex(&out, body, sizeof(body));
	strbuf_add(&out, "\n");
	fuzz_write("/netlink/genl-ethtool.hex", strbuf_get(&out), out.len);
	strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host host;
	struct fuzz_input in = {data, size};
	struct strbuf out = {0};
	char path[128];

	if (!host.root)
		prepare(&host);

	size_t i = fuzz_byte(&in) % (sizeof(questions) / sizeof(questions[0]));

	while (in.left)
		fuzz_message(&in, &out);
	snprintf(path, sizeof(path), "/netlink/%s.hex", questions[i].record);
	fuzz_write(path, strbuf_get(&out), out.len);
	questions[i].read(&host);
	fuzz_remove(path);
	strbuf_done(&out);
	return 0;
}

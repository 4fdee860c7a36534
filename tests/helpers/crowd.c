/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd LISTENERS TIME_WAITS ENTRIES: fills its network namespace, prints how many of each there
 * are, and stays until it is told to go. For the bench that shows what a check costs then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/parse.h"

#define FIRST_PORT 2000	  /* the listeners'; outgoing connections take theirs above */
#define BATCH (32u << 10) /* bytes of one datagram */
#define TARGETS 16	  /* so that no destination has more than a quarter of the range */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in local(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void listen_on_all(int *fd, unsigned n)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		die("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("setrlimit");
	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in a = local(FIRST_PORT + i);

		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd[i] < 0 || bind(fd[i], (struct sockaddr *)&a, sizeof(a)) < 0 ||
		    listen(fd[i], 128) < 0)
			die("listen");
	}
}

/* The client closes first, so that the TIME_WAIT holds one of its ports. */
static unsigned long wait_in_time(const int *listener, unsigned long n)
{
	unsigned long made = 0;

	for (; made < n; made++) {
		struct sockaddr_in to = local(FIRST_PORT + made % TARGETS);
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (client < 0 || connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
			die("connect");
		int server = accept4(listener[made % TARGETS], NULL, NULL, SOCK_CLOEXEC);

		if (server < 0)
			die("accept");
		close(client);
		close(server);
	}
	return made;
}

static void put_entry(struct nlmsghdr *m, unsigned long n)
{
	struct nf_conntrack *ct = nfct_new();

	if (!ct)
		die("nfct_new");
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000000u + (uint32_t)(n / 50000)));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x0a630001u));
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons((uint16_t)(1024 + n % 50000)));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 1200);
	m->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;

	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(m, sizeof(*nf));

	nf->nfgen_family = AF_INET;
	if (nfct_nlmsg_build(m, ct) < 0)
		die("build an entry");
	nfct_destroy(ct);
}

static unsigned long tracked(void)
{
	FILE *f = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
	unsigned long n = 0;

	if (!f || fscanf(f, "%lu", &n) != 1)
		die("count the entries");
	fclose(f);
	return n;
}

/*
 * Stops at nf_conntrack_max, which is the host's. Many in one datagram, and nothing is answered to
 * what went well: a question for each would take minutes in a VM.
 */
static unsigned long track(unsigned long n)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	static char buf[BATCH * 2];
	unsigned long made = 0;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("open ctnetlink");
	while (made < n) {
		struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, BATCH);
		char answer[4096];

		do
			put_entry(mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b)), made);
		while (mnl_nlmsg_batch_next(b) && ++made < n);
		if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b)) < 0)
			die("send entries");
		mnl_nlmsg_batch_stop(b);
		if (recv(mnl_socket_get_fd(nl), answer, sizeof(answer), MSG_DONTWAIT) > 0)
			break; /* an error: the table is full */
	}
	mnl_socket_close(nl);
	return tracked();
}

int main(int argc, char **argv)
{
	uint64_t listeners, time_waits, entries;

	if (argc != 4 || parse_u64(argv[1], TARGETS, 8000, &listeners) < 0 ||
	    parse_u64(argv[2], 1, 1000000, &time_waits) < 0 ||
	    parse_u64(argv[3], 0, 10000000, &entries) < 0) {
		fprintf(stderr, "usage: crowd LISTENERS TIME_WAITS ENTRIES\n");
		return 2;
	}
	int *fd = calloc(listeners, sizeof(*fd));

	if (!fd)
		die("calloc");
	listen_on_all(fd, (unsigned)listeners);
	/* Entries first: they last longer than a TIME_WAIT's minute. */
	unsigned long entered = track(entries), waiting = wait_in_time(fd, time_waits);

	printf("%llu %lu %lu\n", (unsigned long long)listeners, waiting, entered);
	fflush(stdout);
	poll(NULL, 0, 300 * 1000); /* nobody told it to go: the bench is dead */
	free(fd);
	return 0;
}

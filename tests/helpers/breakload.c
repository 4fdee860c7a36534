/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives one resource of the host up to its break and prints how much it held. For the tests that
 * compare runup's predictions with the kernel; to be run in a network namespace of its own.
 *
 *   serve|listen BACKLOG PORT…      take connections and close them after their client; or never
 *   hold PORT[,PORT…] [bind]        open connections until one fails: how many are open
 *   churn PORT RATE                 open and close RATE a second until one fails, or until a
 *                                   TIME_WAIT finds no place: how many were opened
 *   recycle PORT SECONDS            the same as fast as it goes, waiting for ports: how many a
 *                                   second their number and the time each is kept allow
 *   queue PORT                      open connections until one has to wait: how many got in
 *   syn ADDRESS PORT MAX            begin handshakes that nobody ends until one finds no place
 *   fork PORT                       a process for each connection until there can be no more
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/parse.h"
#include "base/units.h"
#include "sys/procnet.h"

#define PORTS_MAX 8
#define WAITS_NS (300 * NS_PER_MS) /* a connect on loopback that takes longer was dropped */
#define TRIES_MAX 200000

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "breakload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t number(const char *s, uint64_t max)
{
	uint64_t n;

	if (parse_u64(s, 1, max, &n) < 0) {
		fprintf(stderr, "breakload: '%s' is not a number up to %llu\n", s,
			(unsigned long long)max);
		exit(2);
	}
	return n;
}

static struct sockaddr_in loopback(uint64_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int listener(const char *port, int backlog)
{
	struct sockaddr_in a = loopback(number(port, 65535));
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = INADDR_ANY;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, backlog) < 0)
		die("listen");
	return fd;
}

/* Reads end-of-file, then closes: the client closes first. */
static void serve(int backlog, char **ports)
{
	struct epoll_event ev[64], add = {.events = EPOLLIN};
	struct rlimit files;
	int listeners[PORTS_MAX + 1] = {0}, len = 0, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		die("epoll");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("setrlimit");
	for (; *ports && len < PORTS_MAX; ports++) {
		listeners[len] = listener(*ports, backlog);
		add.data.fd = listeners[len++];
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, add.data.fd, &add) < 0)
			die("epoll");
	}
	for (;;) {
		int n = epoll_wait(epoll, ev, ARRAY_LEN(ev), -1);

		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd, lowest = listeners[0];

			if (fd < lowest || fd >= lowest + len) {
				close(fd);
				continue;
			}
			add.data.fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (add.data.fd >= 0)
				epoll_ctl(epoll, EPOLL_CTL_ADD, add.data.fd, &add);
		}
	}
}

/* A connection, or -errno. */
static int open_one(uint64_t port, bool bind_first)
{
	struct sockaddr_in to = loopback(port), any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if ((bind_first && bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

/*
 * The client closes first and the server has closed too when this returns: a TIME_WAIT that still
 * waits for the server's FIN may be taken again at once (measured on 6.18: 3 in 100 were).
 */
static void close_first(int fd)
{
	char byte;

	shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

static void report(double held, const char *why)
{
	printf("%.1f\n", held);
	fprintf(stderr, "breakload: %.1f, then: %s\n", held, why);
}

static void hold(char *ports, bool bind_first)
{
	uint64_t port[PORTS_MAX];
	unsigned len = 0, opened = 0;
	char *save;
	int fd = 0;

	for (char *p = strtok_r(ports, ",", &save); p && len < PORTS_MAX;
	     p = strtok_r(NULL, ",", &save))
		port[len++] = number(p, 65535);
	if (!len)
		exit(2);
	while (opened < TRIES_MAX && (fd = open_one(port[opened % len], bind_first)) >= 0)
		opened++;
	report(opened, strerror(-fd));
}

/* A counter of this namespace, by nstat's name. */
static uint64_t counter(const struct host *h, struct counters *all, const char *name)
{
	struct err e;
	uint64_t n = 0;

	if (procnet_counters(h, all, &e) < 0) {
		fprintf(stderr, "breakload: %s\n", e.msg);
		exit(1);
	}
	counters_get(all, name, &n);
	return n;
}

static void sleep_until(uint64_t when_ns)
{
	struct timespec ts = {.tv_sec = (time_t)(when_ns / NS_PER_S),
			      .tv_nsec = (long)(when_ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void churn(const struct host *h, uint64_t port, uint64_t rate)
{
	struct counters all = {0};
	uint64_t start = now_monotonic_ns(), opened = 0;
	uint64_t before = counter(h, &all, "TcpExtTCPTimeWaitOverflow");
	const char *why = "enough";

	for (; opened < TRIES_MAX; opened++) {
		sleep_until(start + opened * NS_PER_S / rate);
		int fd = open_one(port, false);

		if (fd < 0) {
			why = strerror(-fd);
			break;
		}
		close_first(fd);
		if (counter(h, &all, "TcpExtTCPTimeWaitOverflow") != before) {
			why = "a TIME_WAIT found no place";
			break;
		}
	}
	counters_done(&all);
	report((double)opened, why);
}

/* What is known of a local port: between which times it was closed last. */
struct used_port {
	uint64_t closing_ns, closed_ns; /* 0: not yet */
};

/* How long ports are kept: no sooner than `most` were they back, and not back after `least` yet. */
struct kept {
	uint64_t least_ns, most_ns;
	unsigned ports, returned;
};

static uint16_t local_port(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		die("getsockname");
	return ntohs(a.sin_port);
}

/* Whatever is in use was not to be had at that time. */
static void none_was_left(const struct used_port *used, uint64_t asked_ns, struct kept *k)
{
	for (size_t i = 0; i <= UINT16_MAX; i++)
		if (used[i].closed_ns && asked_ns - used[i].closed_ns > k->least_ns)
			k->least_ns = asked_ns - used[i].closed_ns;
}

static void use_port(int fd, struct used_port *used, struct kept *k)
{
	struct used_port *p = &used[local_port(fd)];
	uint64_t got_ns = now_monotonic_ns();

	if (!p->closing_ns) {
		k->ports++;
	} else {
		k->returned++;
		if (got_ns - p->closing_ns < k->most_ns)
			k->most_ns = got_ns - p->closing_ns;
	}
	p->closing_ns = now_monotonic_ns();
	close_first(fd);
	p->closed_ns = now_monotonic_ns();
}

/*
 * How many a second the ports allow is their number by the time each is kept. Both are measured,
 * and not how many this program gets through: on a busy machine it comes late for a port that is
 * back. A port that it gets was back by then; one of those in use when none was left was not.
 */
static void recycle(uint64_t port, uint64_t seconds)
{
	struct used_port *used = calloc(UINT16_MAX + 1, sizeof(*used));
	uint64_t end = now_monotonic_ns() + seconds * NS_PER_S;
	struct kept k = {.most_ns = UINT64_MAX};

	if (!used)
		die("calloc");
	for (uint64_t now; (now = now_monotonic_ns()) < end;) {
		int fd = open_one(port, false);

		if (fd >= 0) {
			use_port(fd, used, &k);
		} else if (fd == -EADDRNOTAVAIL) {
			none_was_left(used, now, &k);
			usleep(1000);
		} else {
			errno = -fd;
			die("connect");
		}
	}
	free(used);
	fprintf(stderr, "breakload: %u ports, %u times one was back, after %.3f to %.3f s\n",
		k.ports, k.returned, (double)k.least_ns / (double)NS_PER_S,
		(double)k.most_ns / (double)NS_PER_S);
	if (k.returned < k.ports || k.least_ns > k.most_ns + k.most_ns / 20)
		exit(1);
	report(k.ports * (double)NS_PER_S / (double)k.most_ns, "time was up");
}

static void queue(uint64_t port)
{
	struct sockaddr_in to = loopback(port);
	unsigned in = 0;

	for (; in < TRIES_MAX; in++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (fd < 0)
			die("socket");
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
			die("connect");
		if (poll(&p, 1, (int)(WAITS_NS / NS_PER_MS)) == 0)
			break;
	}
	report(in, "a SYN was not answered");
}

static uint16_t checksum(const void *data, size_t len, uint32_t sum)
{
	const uint16_t *word = data;

	for (; len > 1; len -= 2)
		sum += *word++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* From 10.99.0.0/16 and a port of its own: where it answers to, nobody is. */
static void send_syn(int raw, const struct sockaddr_in *to, uint32_t n)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} p = {
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP},
		.tcp = {.syn = 1, .doff = 5},
	};

	p.ip.tot_len = htons(sizeof(p));
	p.ip.saddr = htonl(0x0a630000 + 256 + n % 60000);
	p.ip.daddr = to->sin_addr.s_addr;
	p.tcp.source = htons((uint16_t)(1024 + n % 60000));
	p.tcp.dest = to->sin_port;
	p.tcp.seq = htonl(n * 64000);
	p.tcp.window = htons(65535);

	uint32_t pseudo = htons(IPPROTO_TCP) + htons(sizeof(p.tcp));

	pseudo += (p.ip.saddr & 0xffff) + (p.ip.saddr >> 16);
	pseudo += (p.ip.daddr & 0xffff) + (p.ip.daddr >> 16);
	p.tcp.check = checksum(&p.tcp, sizeof(p.tcp), pseudo);
	if (sendto(raw, &p, sizeof(p), 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("send a SYN");
}

/* No place: a cookie had to be sent, or the SYN was dropped. */
static void syn(const struct host *h, const char *address, uint64_t port, uint64_t max)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	static const char *const names[] = {"TcpExtTCPReqQFullDoCookies", "TcpExtTCPReqQFullDrop",
					    "TcpExtListenDrops"};
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct counters all = {0};
	uint64_t before = 0, now = 0;
	uint32_t n = 0;

	if (raw < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die("syn");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		before += counter(h, &all, names[i]);
	for (now = before; now == before && n < max; n++) {
		send_syn(raw, &to, n);
		now = 0;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			now += counter(h, &all, names[i]);
	}
	counters_done(&all);
	report(now == before ? n : n - 1, now == before ? "enough" : "a SYN found no place");
}

/* Server and client in one: what counts is the process that each connection has. */
static void fork_each(const char *port)
{
	int fd = listener(port, 16);
	unsigned children = 0;
	const char *why = "enough";

	for (; children < TRIES_MAX; children++) {
		int client = open_one(number(port, 65535), false);
		int server = client < 0 ? -1 : accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (server < 0)
			die("connect");
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0) {
			why = strerror(errno);
			break;
		}
		close(server);
		close(client);
	}
	report(children, why);
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM); /* the group is this program's own: see main() */
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	struct host h;
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "serve") && argc > 3) {
		serve((int)number(argv[2], 65535), argv + 3);
	} else if (!strcmp(what, "listen") && argc == 4) {
		listener(argv[3], (int)number(argv[2], 65535));
		pause();
	} else if (!strcmp(what, "hold")) {
		hold(argv[2], argc > 3 && !strcmp(argv[3], "bind"));
	} else if (!strcmp(what, "recycle") && argc == 4) {
		recycle(number(argv[2], 65535), number(argv[3], 60));
	} else if (!strcmp(what, "queue")) {
		queue(number(argv[2], 65535));
	} else if (!strcmp(what, "fork")) {
		if (setpgid(0, 0) < 0)
			die("setpgid");
		fork_each(argv[2]);
	} else if (host_open(&h, NULL, NULL, &e) < 0) {
		fprintf(stderr, "breakload: %s\n", e.msg);
		return 1;
	} else if (!strcmp(what, "churn") && argc == 4) {
		churn(&h, number(argv[2], 65535), number(argv[3], 1000000));
	} else if (!strcmp(what, "syn") && argc == 5) {
		syn(&h, argv[2], number(argv[3], 65535), number(argv[4], 60000));
	} else {
		fprintf(stderr, "breakload: see the head of its source\n");
		return 2;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For unit tests: a watch in a namespace of its own, and traffic to watch. */
#ifndef RUNUP_TESTS_UNIT_WATCH_FIXTURE_H
#define RUNUP_TESTS_UNIT_WATCH_FIXTURE_H

#include "tests/unit/temp_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/procnet.h"
#include "watch/watch.h"

struct fixture {
	struct host host;
	struct observation seen;
	struct watch *watch;
};

static inline void open_watch(struct fixture *f, bool bpf)
{
	const struct watch_options o = {.bpf = bpf, .interval_ns = 100 * NS_PER_MS};
	struct err e = {0};

	assert_ok(watch_open(&f->host, &o, &f->seen, &f->watch, &e), &e);
	for (size_t i = 0; i < f->seen.blinds; i++)
		fail_msg("%s: %s", f->seen.blind[i].source, f->seen.blind[i].reason);
}

static inline void watch_for(struct fixture *f, uint64_t ms)
{
	uint64_t end = now_monotonic_ns() + ms * NS_PER_MS;

	while (now_monotonic_ns() < end) {
		struct pollfd p = {.fd = watch_fd(f->watch), .events = POLLIN};

		assert_true(poll(&p, 1, 1000) == 1);
		watch_turn(f->watch);
	}
}

static inline void close_fixture(struct fixture *f)
{
	watch_close(f->watch);
	observation_done(&f->seen);
	host_close(&f->host);
}

static inline uint64_t counter(const struct fixture *f, const char *name)
{
	cleanup_with(counters_done) struct counters c = {0};
	struct err e = {0};
	uint64_t value = 0;

	assert_ok(procnet_counters(&f->host, &c, &e), &e);
	assert_true(counters_get(&c, name, &value));
	return value;
}

static inline const struct alert *find(const struct fixture *f, const char *cause,
				       const char *subject)
{
	return observation_find(&f->seen, cause_find(cause), subject);
}

static inline uint64_t total(const struct fixture *f, const char *cause)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->seen.alerts; i++)
		if (strcmp(f->seen.alert[i].cause->id, cause) == 0)
			sum += f->seen.alert[i].count;
	return sum;
}

static inline int skip_unless(bool can)
{
	if (!can)
		skip();
	return can;
}

/* Prints why BPF cannot be used, for run.sh to show. */
static inline bool bpf_loads(const struct host *h)
{
	struct err e = {0};

	if (watch_probe_bpf(h, &e) == 0)
		return true;
	printf("%s\n", e.msg);
	return false;
}

static inline int bound_socket(int family, int type, uint16_t *port)
{
	struct sockaddr_in6 a = {0};
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	a.sin6_family = (sa_family_t)family;
	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.sin6_addr = in6addr_loopback;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin6_port); /* at the same place in both */
	return fd;
}

static inline int listener(int backlog, uint16_t *port)
{
	int fd = bound_socket(AF_INET, SOCK_STREAM, port);

	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static inline int client(uint16_t port, int flags)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS);
	return fd;
}

/* One connection that is accepted and answered: a listener with nothing to be blamed for. */
static inline void serve_one(int listening, uint16_t port)
{
	char buf[8];
	int c = client(port, 0), s = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	assert_true(s >= 0);
	assert_int_equal(write(c, "ping", 4), 4);
	assert_int_equal(read(s, buf, sizeof(buf)), 4);
	close(c);
	close(s);
}

static inline bool run_nft(const char *ruleset)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/usr/sbin/nft", "nft", ruleset, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline bool has_nft(void)
{
	if (access("/usr/sbin/nft", X_OK) == 0)
		return true;
	printf("nft is not installed\n");
	return false;
}

static inline void flood_udp(int family, uint16_t port, unsigned datagrams)
{
	struct sockaddr_in6 a = {.sin6_family = (sa_family_t)family, .sin6_port = htons(port)};
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char payload[512] = {0};

	assert_true(fd >= 0);
	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.sin6_addr = in6addr_loopback;
	for (unsigned i = 0; i < datagrams; i++)
		assert_int_equal(sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&a,
					len),
				 sizeof(payload));
	close(fd);
}

#endif

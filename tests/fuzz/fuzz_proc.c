/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file of /proc, /sys or /etc each: the first byte says which reader gets the rest. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cpumask.h"
#include "core/limit_origin.h"
#include "core/sysctl_origin.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/cpu.h"
#include "sys/file.h"
#include "sys/kallsyms.h"
#include "sys/meminfo.h"
#include "sys/neigh.h"
#include "sys/pressure.h"
#include "sys/proc.h"
#include "sys/proc_tasks.h"
#include "sys/procnet.h"
#include "sys/softnet.h"
#include "sys/sysnet.h"
#include "gen/k6_plan.h"
#include "gen/shell.h"
#include "tests/fuzz/fuzz.h"

static void counters(const struct host *h)
{
	struct counters c = {0};
	struct err e;
	uint64_t n;

	if (procnet_counters(h, &c, &e) == 0)
		(void)counters_get(&c, "TcpExtListenOverflows", &n);
	counters_done(&c);
}

static void sockstat(const struct host *h)
{
	struct sockstat s;
	struct sockstat_udp u;
	struct err e;

	(void)!procnet_sockstat(h, &s, &e);
	(void)!procnet_sockstat_udp(h, &u, &e);
}

static void limits(const struct host *h)
{
	struct proc_limit l;
	struct err e;

	if (proc_limit(h, 0, "Max open files", &l, &e) == 0)
		fuzz_require(l.soft <= PROC_UNLIMITED && l.hard <= PROC_UNLIMITED);
}

static void identity(const struct host *h)
{
	struct proc_identity i;
	struct err e;

	(void)!proc_identity(h, 0, &i, &e);
}

static void user(const struct host *h)
{
	struct proc_user u;
	struct err e;

	(void)!proc_user(h, 0, &u, &e);
}

static void memory(const struct host *h)
{
	struct meminfo m;
	struct err e;

	(void)!meminfo_read(h, &m, &e);
}

static void stalls(const struct host *h)
{
	struct pressure p;
	struct err e;

	(void)!pressure_read(h, "cpu", &p, &e);
}

static void backlog(const struct host *h)
{
	struct softnet s;
	struct err e;

	(void)!softnet_read(h, &s, &e);
}

static void neighbours(const struct host *h)
{
	struct neigh_stats s;
	struct err e;

	(void)!neigh_read(h, 2 /* AF_INET */, &s, &e);
}

static void times(const struct host *h)
{
	struct cpu_times t;
	struct err e;

	(void)!cpu_read_times(h, &t, &e);
}

static void clock_source(const struct host *h)
{
	struct clock_source s;
	struct err e;

	(void)!clock_read_source(h, &s, &e);
}

static void groups(const struct host *h)
{
	struct cgroup_cpu c;
	struct cgroup_room r;
	struct err e;

	(void)!cgroup_cpu(h, 0, &c, &e);
	(void)!cgroup_pids(h, 0, &r, &e);
	(void)!cgroup_memory(h, 0, &r, &e);
}

static void sysctl_conf(const struct host *h)
{
	struct sysctl_config c = {0};

	sysctl_config_read(h, &c);
	(void)sysctl_config_find(&c, "net.core.somaxconn");
	(void)sysctl_config_find(&c, "net.ipv4.conf.eth0/100.rp_filter");
	sysctl_config_done(&c);
}

static void symbols(const struct host *h)
{
	static const uint64_t addr[] = {0xffffffff81000000, 0xffffffff81001234};
	const char *names[2];
	struct arena a = {0};
	struct err e;

	cleanup_close int fd = kallsyms_open(h, &e);

	if (fd >= 0)
		(void)!kallsyms_names(fd, addr, 2, &a, names, &e);
	arena_done(&a);
}

static void mask(const struct host *h)
{
	struct ranges r = {0};
	char text[4096];
	struct err e;

	if (file_read(h, "/mask", text, sizeof(text), &e) >= 0)
		(void)!cpu_mask_parse(text, &r);
	ranges_done(&r);
}

static void shell(const struct host *h)
{
	struct arena a = {0};
	struct shell_line line;
	char *text = NULL;
	struct err e;

	if (file_read_all(h, "/line", 65536, &text, &e) >= 0)
		(void)!!shell_split(text, &a, &line);
	free(text);
	arena_done(&a);
}

static void k6_plan(const struct host *h)
{
	struct load l = {0};
	char *text = NULL;
	struct err e;

	if (file_read_all(h, "/plan", 65536, &text, &e) >= 0)
		(void)!k6_plan_state(text, &l, &e);
	free(text);
	load_done(&l);
}

static void limits_of(const struct host *h, pid_t pid)
{
	struct limit_origin o;
	const struct proc_limit now = {.soft = 1024, .hard = 4096};

	for (int kind = LIMIT_NOFILE; kind <= LIMIT_MEMLOCK; kind++) {
		limit_origin_read(h, pid, (enum limit_kind)kind, &o);
		fuzz_require(!o.soft.set || o.soft.file);
		fuzz_require(!o.hard.set || o.hard.file);
		(void)limit_below_configured(&o, &now);
		limit_origin_done(&o);
	}
}

/* Processes of a login, of a unit whose file is the input, and of one that sets no limits. */
enum { LOGIN = 77, UNIT, BARE };

static void login_limits(const struct host *h)
{
	limits_of(h, LOGIN);
}

static void unit_limits(const struct host *h)
{
	limits_of(h, UNIT);
}

static void default_limits(const struct host *h)
{
	limits_of(h, BARE);
}

static const struct {
	const char *path, *text;
} around[] = {
	{"/proc/77/cgroup", "0::/user.slice/user-1000.slice/session-4.scope\n"},
	{"/proc/78/cgroup", "0::/system.slice/x.service\n"},
	{"/proc/79/cgroup", "0::/system.slice/y.service\n"},
	{"/proc/77/status", "Name:\tx\nUid:\t1000\t0\t0\t0\nThreads:\t1\n"},
	{"/proc/sys/fs/nr_open", "1048576\n"},
	{"/etc/passwd", "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n"},
	{"/etc/security/limits.d/a.conf", "@load soft nofile 77\n"},
	{"/etc/systemd/system/y.service", "[Service]\n"},
};

static const struct {
	const char *path;
	void (*read)(const struct host *h);
} readers[] = {
	{"/proc/net/netstat", counters},
	{"/proc/net/snmp", counters},
	{"/proc/net/snmp6", counters},
	{"/proc/net/sockstat", sockstat},
	{"/proc/net/sockstat6", sockstat},
	{"/proc/self/limits", limits},
	{"/proc/self/stat", identity},
	{"/proc/self/status", user},
	{"/proc/meminfo", memory},
	{"/proc/pressure/cpu", stalls},
	{"/proc/net/softnet_stat", backlog},
	{"/proc/net/stat/arp_cache", neighbours},
	{"/proc/stat", times},
	{"/sys/devices/system/clocksource/clocksource0/current_clocksource", clock_source},
	{"/proc/self/cgroup", groups},
	{"/proc/self/mountinfo", groups},
	{"/etc/sysctl.conf", sysctl_conf},
	{"/proc/kallsyms", symbols},
	{"/mask", mask},
	{"/line", shell},
	{"/plan", k6_plan},
	{"/etc/security/limits.conf", login_limits},
	{"/etc/group", login_limits},
	{"/etc/systemd/system/x.service", unit_limits},
	{"/etc/systemd/system.conf", default_limits},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host host;
	struct fuzz_input in = {data, size};

	if (!host.root) {
		fuzz_open_host(&host);
		for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
			fuzz_write(around[i].path, around[i].text, strlen(around[i].text));
	}

	size_t i = fuzz_byte(&in) % (sizeof(readers) / sizeof(readers[0]));

	fuzz_write(readers[i].path, in.at, in.left);
	readers[i].read(&host);
	fuzz_remove(readers[i].path);
	return 0;
}

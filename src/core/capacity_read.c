/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/capacity_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/ranges.h"
#include "sys/file.h"
#include "sys/proc_tasks.h"
#include "sys/procnet.h"
#include "sys/sysctl.h"

#define MEMINFO_MAX 8192

/* Of the processes that hold a listener: the one that has the least room. */
struct tightest {
	const struct host *host;
	pid_t pid;
	uint64_t soft, start;
};

/*
 * A server's master and its workers hold the same listener, and a worker may have lowered or been
 * given a limit of its own (nginx's worker_rlimit_nofile): it is the one that accepts. Of equals
 * the oldest stands for all.
 */
static bool keep_tightest(pid_t pid, int fd unused_, void *data)
{
	struct tightest *t = data;
	struct proc_identity who;
	struct proc_limit limit;
	struct err ignored;

	if (pid == t->pid || proc_limit(t->host, pid, "Max open files", &limit, &ignored) < 0 ||
	    proc_identity(t->host, pid, &who, &ignored) < 0)
		return true;
	if (t->pid &&
	    (limit.soft > t->soft || (limit.soft == t->soft && who.start_ticks >= t->start)))
		return true;
	t->pid = pid;
	t->soft = limit.soft;
	t->start = who.start_ticks;
	return true;
}

pid_t facts_find_server(const struct host *h, const struct load *l, unsigned *unreadable)
{
	cleanup_free struct listener *all = NULL;
	struct tightest t = {.host = h};
	size_t len;
	unsigned hidden = 0;
	struct err ignored;

	if (sockdiag_listeners(h, &all, &len, &ignored) < 0)
		len = 0;
	for (size_t i = 0; i < len && !t.pid; i++)
		if (ranges_contain(&l->ports, all[i].port, all[i].port) &&
		    proc_socket_each(h, all[i].inode, keep_tightest, &t, &hidden, &ignored) < 0)
			t.pid = 0;
	if (unreadable)
		*unreadable = hidden;
	return t.pid;
}

/* The load's process; false: which it is cannot be told, and p says why. */
static bool find_process(const struct host *h, const struct load *l, struct process_facts *p)
{
	bool serves = l->role == ROLE_SERVER || l->role == ROLE_PROXY;
	unsigned unreadable = 0;

	if (load_states(l, LOAD_PID))
		p->pid = l->pid;
	else if (serves && load_states(l, LOAD_PORT))
		p->pid = facts_find_server(h, l, &unreadable);
	if (p->pid || !serves)
		return true;
	if (!load_states(l, LOAD_PORT))
		knowing_not(&p->is, UNREADABLE,
			    "which process is the server was not stated: state --port or --pid");
	else if (unreadable)
		knowing_not(&p->is, UNREADABLE,
			    "%u processes of other users may not be looked into: use sudo, or "
			    "state --pid",
			    unreadable);
	else
		knowing_not(&p->is, UNREADABLE,
			    "no process was found that listens on the load's port");
	return false;
}

static void read_process(const struct host *h, const struct load *l, struct process_facts *p)
{
	struct proc_limit limit;
	struct err e;

	if (!find_process(h, l, p))
		return;
	if (proc_limit(h, p->pid, "Max open files", &limit, &e) < 0) {
		knowing_not(&p->is, UNREADABLE, "%s", e.msg);
		return;
	}
	p->is.known = KNOWN;
	p->soft = limit.soft;
	p->hard = limit.hard;
	if (!p->pid)
		return;
	proc_comm(h, p->pid, p->comm);
	if (proc_open_files(h, p->pid, &p->open, &e) < 0)
		p->open = 0; /* another user's: what it needs at least stands in for it */
}

static void read_pids(const struct host *h, const struct process_facts *p, struct pids_facts *ret)
{
	struct proc_limit limit;
	struct proc_user user;
	struct err e;

	if (p->is.known == UNREADABLE || proc_tasks(h, &ret->tasks, &e) < 0 ||
	    cgroup_pids(h, p->pid, &ret->cgroup, &e) < 0) {
		knowing_not(&ret->is, UNREADABLE, "%s",
			    p->is.known == UNREADABLE ? p->is.why : e.msg);
		return;
	}
	ret->is.known = KNOWN;
	if (fact_sysctl(h, "kernel.pid_max", &ret->pid_max, &e) < 0)
		ret->pid_max = 0;
	if (fact_sysctl(h, "kernel.threads-max", &ret->threads_max, &e) < 0)
		ret->threads_max = 0;
	if (proc_limit(h, p->pid, "Max processes", &limit, &e) < 0 ||
	    limit.soft == PROC_UNLIMITED || proc_user(h, p->pid, &user, &e) < 0 || user.exempt ||
	    proc_user_tasks(h, user.uid, &ret->user_tasks, &e) < 0)
		return;
	ret->nproc_applies = true;
	ret->nproc = limit.soft;
	/* The load's process is there already, or it will stand in the place of this one. */
	ret->user_tasks -= user.threads < ret->user_tasks ? user.threads : ret->user_tasks;
}

void facts_read_process(const struct host *h, const struct load *l, unsigned resources,
			struct facts *ret)
{
	if (resources & (1u << RESOURCE_descriptors | 1u << RESOURCE_pids))
		read_process(h, l, &ret->process);
	if (resources & 1u << RESOURCE_pids)
		read_pids(h, &ret->process, &ret->pids);
}

static void read_system_files(const struct host *h, struct used_facts *f)
{
	char text[SYSCTL_VALUE_MAX];
	uint64_t allocated, unused;
	struct err e;

	if (sysctl_read(h, "fs.file-nr", text, &e) < 0)
		knowing_not(&f->is, UNREADABLE, "%s", e.msg);
	else if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &allocated, &unused, &f->max) !=
		 3)
		knowing_not(&f->is, UNREADABLE, "fs.file-nr: '%s' is not three numbers", text);
	else
		*f = (struct used_facts){{KNOWN, ""}, f->max, allocated - unused};
}

static void read_time_wait(const struct host *h, struct used_facts *f)
{
	struct sockstat s;
	struct err e;

	if (fact_sysctl(h, "net.ipv4.tcp_max_tw_buckets", &f->max, &e) < 0 ||
	    procnet_sockstat(h, &s, &e) < 0) {
		knowing_not(&f->is, UNREADABLE, "%s", e.msg);
		return;
	}
	f->is.known = KNOWN;
	f->used = s.tcp_time_wait;
}

static void read_tcp_memory(const struct host *h, struct facts *ret)
{
	struct used_facts *f = &ret->tcp_memory;
	char text[SYSCTL_VALUE_MAX];
	uint64_t low;
	struct sockstat s;
	struct err e;
	int r = sysctl_read(h, "net.ipv4.tcp_mem", text, &e);

	if (r < 0)
		knowing_sysctl(&f->is, h, "net.ipv4.tcp_mem", r, &e);
	else if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &low, &f->max,
			&ret->tcp_memory_high) != 3)
		knowing_not(&f->is, UNREADABLE, "net.ipv4.tcp_mem: '%s' is not three numbers",
			    text);
	else if (procnet_sockstat(h, &s, &e) < 0)
		knowing_not(&f->is, UNREADABLE, "%s", e.msg);
	else
		*f = (struct used_facts){{KNOWN, ""}, f->max, s.tcp_mem_pages};
}

static void read_cpu(const struct host *h, pid_t pid, struct cpu_facts *c)
{
	cleanup_with(ranges_done) struct ranges online = {0};
	char text[256];
	struct err e;

	if (file_read(h, "/sys/devices/system/cpu/online", text, sizeof(text), &e) < 0 ||
	    cgroup_cpu(h, pid, &c->quota, &e) < 0) {
		knowing_not(&c->is, UNREADABLE, "%s", e.msg);
		return;
	}
	if (ranges_parse(&online, text, 65535) < 0) {
		knowing_not(&c->is, UNREADABLE, "'%s' is no list of CPUs", text);
		return;
	}
	c->is.known = KNOWN;
	c->online = ranges_count_within(&online, 0, 65535);
}

static void read_memory(const struct host *h, pid_t pid, struct memory_facts *m)
{
	char text[MEMINFO_MAX];
	struct err e;
	uint64_t kib;

	if (file_read(h, "/proc/meminfo", text, sizeof(text), &e) < 0 ||
	    cgroup_memory(h, pid, &m->cgroup, &e) < 0) {
		knowing_not(&m->is, UNREADABLE, "%s", e.msg);
		return;
	}
	const char *line = strstr(text, "MemAvailable:");

	if (!line || sscanf(line, "MemAvailable: %" SCNu64, &kib) != 1) {
		knowing_not(&m->is, UNREADABLE, "/proc/meminfo has no MemAvailable");
		return;
	}
	m->is.known = KNOWN;
	m->available_bytes = kib * 1024;
}

/*
 * /proc/net/stat/arp_cache: names, then a row a CPU, the number of entries (of the whole table, in
 * hexadecimal) first in each (neigh_stat_seq_show(), net/core/neighbour.c).
 */
static void read_neighbours(const struct host *h, struct used_facts *f)
{
	static const char key[] = "net.ipv4.neigh.default.gc_thresh3";
	cleanup_free char *text = NULL;
	struct err e;
	int r = fact_sysctl(h, key, &f->max, &e);

	if (r < 0) {
		knowing_sysctl(&f->is, h, key, r, &e);
		return;
	}
	long n = file_read_all(h, "/proc/net/stat/arp_cache", 1u << 20, &text, &e);

	if (n < 0) { /* a host that was captured before this was looked at has no such file */
		knowing_not(&f->is, n == -ENOENT ? NOT_HERE : UNREADABLE, "%s", e.msg);
		return;
	}
	const char *row = strchr(text, '\n');

	if (!row || sscanf(row, "%" SCNx64, &f->used) != 1)
		knowing_not(&f->is, UNREADABLE, "/proc/net/stat/arp_cache has no row");
	else
		f->is.known = KNOWN;
}

void facts_read_system(const struct host *h, const struct load *l, unsigned resources,
		       struct facts *ret)
{
	pid_t pid = load_states(l, LOAD_PID) ? l->pid : ret->process.pid;

	if (resources & 1u << RESOURCE_system_files)
		read_system_files(h, &ret->system_files);
	if (resources & 1u << RESOURCE_time_wait)
		read_time_wait(h, &ret->time_wait);
	if (resources & 1u << RESOURCE_socket_memory)
		read_tcp_memory(h, ret);
	if (resources & 1u << RESOURCE_cpu)
		read_cpu(h, pid, &ret->cpu);
	if (resources & 1u << RESOURCE_generator_memory)
		read_memory(h, pid, &ret->memory);
	if (resources & 1u << RESOURCE_neighbours)
		read_neighbours(h, &ret->neighbours);
}

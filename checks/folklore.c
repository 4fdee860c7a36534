/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that old guides recommend and that harm or do nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "sys/meminfo.h"
#include "sys/proc.h"
#include "sys/sysctl.h"

enum belief { FINE, FOLKLORE, NOT_KNOWN };

struct folklore {
	struct check_member member;
	const char *harm; /* in a few words, for the finding */
	const char *key;
	enum belief (*judge)(const struct host *h, const char *value);
	const char *predicts[2]; /* cause ids; none: it does nothing */
};

static enum belief folklore_if(bool found)
{
	return found ? FOLKLORE : FINE;
}

static enum belief below_60(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n < 60);
}

static enum belief is_zero(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n == 0);
}

static enum belief is_set(const struct host *h, const char *value)
{
	int n;

	(void)h;
	return folklore_if(sscanf(value, "%d", &n) == 1 && n != 0);
}

/* Three equal values, or a limit of more pages than there is memory: bytes were meant. */
static enum belief bad_tcp_mem(const struct host *h, const char *value)
{
	uint64_t low, pressure, high;
	struct meminfo m;
	struct err ignored;

	if (sscanf(value, "%" SCNu64 " %" SCNu64 " %" SCNu64, &low, &pressure, &high) != 3)
		return NOT_KNOWN;
	if (low == pressure && pressure == high)
		return FOLKLORE;
	/* A page has at least 4 KiB; larger ones make the limit larger still. */
	return folklore_if(meminfo_read(h, &m, &ignored) == 0 && high > m.total_kib / 4);
}

static bool number(const char *value, uint64_t *ret)
{
	return sscanf(value, "%" SCNu64, ret) == 1;
}

/*
 * tcp_sk_init() (tcp_ipv4.c) makes both half of the entries of the established hash, which
 * tcp_ehash_entries shows since 6.1: negative where a namespace shares the host's. Before, the
 * kernel's own choice cannot be told from what somebody wrote.
 */
static enum belief below_default(const struct host *h, const char *value)
{
	char text[SYSCTL_VALUE_MAX];
	int64_t entries;
	uint64_t n;
	struct err ignored;

	if (!number(value, &n) ||
	    sysctl_read(h, "net.ipv4.tcp_ehash_entries", text, &ignored) < 0 ||
	    sscanf(text, "%" SCNd64, &entries) != 1)
		return NOT_KNOWN;
	return folklore_if(n < (uint64_t)(entries < 0 ? -entries : entries) / 2);
}

/*
 * files_maxfiles_init() (fs/file_table.c) takes a tenth of the memory in KiB, less what was in use
 * at boot; systemd then raises it to the largest number there is. Half of that tenth leaves room
 * for memory that was taken at boot or added since.
 */
static enum belief below_memory(const struct host *h, const char *value)
{
	struct meminfo m;
	struct err ignored;
	uint64_t n;

	if (!number(value, &n) || meminfo_read(h, &m, &ignored) < 0)
		return NOT_KNOWN;
	return folklore_if(n < m.total_kib / 10 / 2);
}

/*
 * The ceiling alone harms nothing, and systemd may raise it itself; processes that inherit a limit
 * as high do (moby/moby#45534, containerd/containerd#7566).
 */
static enum belief huge_in_force(const struct host *h, const char *value)
{
	const uint64_t usual = 1 << 20; /* the kernel's default, fs/file.c sysctl_nr_open */
	struct proc_limit limit;
	struct err ignored;
	uint64_t n;

	if (!number(value, &n))
		return NOT_KNOWN;
	if (n <= usual)
		return FINE;
	if (proc_limit(h, 0, "Max open files", &limit, &ignored) < 0)
		return NOT_KNOWN;
	return folklore_if(limit.soft > usual);
}

static const struct folklore rows[] = {
	{
		.member =
			{
				.id = "folklore.tcp_fin_timeout",
				.title = "tcp_fin_timeout lowered",
				.why = "TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN, "
				       "include/net/tcp.h), and no setting changes that. "
				       "tcp_fin_timeout is how long a connection that no process "
				       "holds any more may stay in FIN_WAIT_2, waiting for the "
				       "other end's FIN. With 5 s all 200 connections of a test "
				       "were still in TIME_WAIT after 60 s (Linux 6.18), and "
				       "peers that are slow to close are cut off.",
				.fix = "leave it at 60; for ports see tcp.tw_reuse",
			},
		.harm = "it does not shorten TIME_WAIT, which is 60 s by compile time; it only "
			"drops orphaned connections in FIN_WAIT_2 earlier",
		.key = "net.ipv4.tcp_fin_timeout",
		.judge = below_60,
	},
	{
		.member =
			{
				.id = "folklore.tcp_syncookies",
				.title = "SYN cookies off",
				.why = "A SYN that finds the SYN queue full is answered with a "
				       "cookie, and the client gets in without an entry of the "
				       "queue (tcp_conn_request(), net/ipv4/tcp_input.c). With 0 "
				       "the SYN is dropped, and the client comes back after one "
				       "second, then three, then seven. Cookies sent during a "
				       "test still mean that the listener's backlog is too small "
				       "for it: see listen.syn_queue.",
				.fix = "sysctl -w net.ipv4.tcp_syncookies=1",
			},
		.harm = "without SYN cookies a full SYN queue drops connection attempts",
		.key = "net.ipv4.tcp_syncookies",
		.predicts = {"listen.syn_overflow"},
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_abort_on_overflow",
				.title = "tcp_abort_on_overflow on",
				.why = "If the accept queue is full when a handshake ends, the "
				       "kernel drops the client's last ACK, and the client tries "
				       "again (tcp_check_req(), net/ipv4/tcp_minisocks.c). With 1 "
				       "it answers with a reset, so the client sees an error "
				       "although there may be room a moment later. It makes a "
				       "short backlog visible and does not make it longer: see "
				       "listen.backlog.",
				.fix = "sysctl -w net.ipv4.tcp_abort_on_overflow=0",
			},
		.harm = "a full accept queue then answers with a reset, where the client would "
			"otherwise have tried again",
		.key = "net.ipv4.tcp_abort_on_overflow",
		.predicts = {"tcp.reset"},
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_tw_recycle",
				.title = "tcp_tw_recycle on",
				.why = "It ended TIME_WAIT early by remembering the last "
				       "timestamp that each address had sent, and dropped "
				       "whatever came with an older one. Clients behind one NAT "
				       "address have clocks of their own, so most of their "
				       "connections were dropped without a word. Linux 4.12 "
				       "removed it, and setting it on later kernels is an error.",
				.fix = "sysctl -w net.ipv4.tcp_tw_recycle=0",
			},
		.harm = "it drops connections of clients behind one NAT address (removed in Linux "
			"4.12; on later kernels setting it is an error)",
		.key = "net.ipv4.tcp_tw_recycle",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_max_tw_buckets",
				.title = "tcp_max_tw_buckets lowered",
				.why = "A connection that closes while this many are in TIME_WAIT "
				       "skips that state and is gone at once (inet_twsk_alloc(), "
				       "net/ipv4/inet_timewait_sock.c). Late segments of it may "
				       "then end up in a new connection with the same ports, "
				       "which is what TIME_WAIT is there to prevent. Only the "
				       "counter TCPTimeWaitOverflow tells, and ip-sysctl.rst says "
				       "not to lower the limit.",
				.fix = "give the kernel's default back (half of "
				       "net.ipv4.tcp_ehash_entries); for ports see tcp.tw_reuse",
			},
		.harm = "connections above it skip TIME_WAIT and its protection against stray "
			"segments, with a counter and no log line; the kernel's own documentation "
			"says not to lower it",
		.key = "net.ipv4.tcp_max_tw_buckets",
		.predicts = {"timewait.overflow"},
		.judge = below_default,
	},
	{
		.member =
			{
				.id = "folklore.tcp_max_orphans",
				.title = "tcp_max_orphans lowered",
				.why = "An orphan is a connection that its process has closed and "
				       "that still has data to send or an answer to wait for. "
				       "Above the limit the kernel resets it (tcp_check_oom(), "
				       "net/ipv4/tcp.c), and the client loses the end of what it "
				       "was being sent. A server that closes after each answer "
				       "has many of them for a moment, so the kernel's default "
				       "follows the size of the memory.",
				.fix = "give the kernel's default back (half of "
				       "net.ipv4.tcp_ehash_entries)",
			},
		.harm = "closed connections that still have data to send are reset above it, so "
			"clients lose the ends of answers",
		.key = "net.ipv4.tcp_max_orphans",
		.predicts = {"tcp.orphans"},
		.judge = below_default,
	},
	{
		.member =
			{
				.id = "folklore.tcp_mem",
				.title = "tcp_mem with equal values, or in bytes",
				.why = "The three numbers are pages of memory for all TCP sockets "
				       "together: from the second on buffers shrink, at the third "
				       "memory is refused (__sk_mem_raise_allocated(), "
				       "net/core/sock.c). Three equal values take away the "
				       "pressure phase, so what comes without warning are dropped "
				       "segments. A number of bytes written there is 4 096 times "
				       "too much: a limit above all memory, which is none.",
				.fix = "give the kernel's defaults back: they follow the memory "
				       "size",
			},
		.harm = "three equal values take away the pressure phase: at the limit memory is "
			"refused without warning; and the unit is pages, so a number of bytes is "
			"a limit above all memory, which is none",
		.key = "net.ipv4.tcp_mem",
		.predicts = {"tcp.memory"},
		.judge = bad_tcp_mem,
	},
	{
		.member =
			{
				.id = "folklore.tcp_window_scaling",
				.title = "window scaling off",
				.why = "A segment has 16 bits to say how much its sender may "
				       "still receive, so without the scale option no more than "
				       "64 KiB are under way. The option is agreed on with the "
				       "SYN, and a connection that began without it never gets "
				       "it. At 50 ms from end to end and back that is 1.3 MB/s "
				       "for a connection, whatever its buffers are.",
				.fix = "sysctl -w net.ipv4.tcp_window_scaling=1",
			},
		.harm = "no connection then has more than 64 KiB under way, whatever its buffers "
			"are",
		.key = "net.ipv4.tcp_window_scaling",
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_sack",
				.title = "selective acknowledgements off",
				.why = "With selective acknowledgements a receiver says which "
				       "segments behind a hole have arrived (RFC 2018). Without "
				       "them the sender only knows where the hole begins: it "
				       "mends one loss in each round trip, or waits for a "
				       "timeout. Guides turned them off for a hole of 2019 "
				       "(CVE-2019-11477), which kernels since then have mended.",
				.fix = "sysctl -w net.ipv4.tcp_sack=1",
			},
		.harm = "after one lost segment everything behind it is sent again or waited for",
		.key = "net.ipv4.tcp_sack",
		.judge = is_zero,
	},
	{
		.member =
			{
				.id = "folklore.tcp_low_latency",
				.title = "tcp_low_latency on",
				.why = "It once made segments skip the prequeue, on which they "
				       "waited for the process that reads. Linux 4.14 took the "
				       "prequeue away, and nothing reads the setting since. The "
				       "key is kept so that old scripts do not fail.",
				.fix = "take it out of the configuration",
			},
		.harm = "it does nothing since Linux 4.14, which took the prequeue away; the key "
			"is kept for old scripts",
		.key = "net.ipv4.tcp_low_latency",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.tcp_fack",
				.title = "tcp_fack on",
				.why = "It once made the kernel take everything below the highest "
				       "acknowledged segment for lost. Since Linux 4.15 losses "
				       "are recovered by time (RACK), and nothing reads the "
				       "setting any more. The key is kept so that old scripts do "
				       "not fail.",
				.fix = "take it out of the configuration",
			},
		.harm = "it does nothing since Linux 4.15, which recovers losses by time (RACK); "
			"the key is kept for old scripts",
		.key = "net.ipv4.tcp_fack",
		.judge = is_set,
	},
	{
		.member =
			{
				.id = "folklore.file_max",
				.title = "file-max lowered",
				.why = "fs.file-max limits the open files of all processes "
				       "together. The kernel takes a tenth of the memory in KiB "
				       "(files_maxfiles_init(), fs/file_table.c) and systemd the "
				       "largest number there is, so what a guide says is the "
				       "lower one by now. At the limit open(), socket() and "
				       "accept() fail with ENFILE for everybody but root.",
				.fix = "take it out of the configuration: the default is enough",
			},
		.harm = "the kernel takes a tenth of the memory in KiB and systemd far more, so "
			"the number from a guide is the lower one; at the limit the whole host "
			"fails with ENFILE",
		.key = "fs.file-max",
		.predicts = {"fd.exhausted"},
		.judge = below_memory,
	},
	{
		.member =
			{
				.id = "folklore.nr_open",
				.title = "a huge nr_open, and a limit that uses it",
				.why = "fs.nr_open is the ceiling up to which a process's own "
				       "limit of open files may be raised, 1 048 576 by default "
				       "(fs/file.c). Programs that close or look at every "
				       "descriptor they may have take seconds or gigabytes with a "
				       "limit of hundreds of millions (moby/moby#45534). A load "
				       "needs a descriptor for each connection and a few more.",
				.fix = "keep the soft limit of open files near what the load "
				       "needs (ulimit -Sn)",
			},
		.harm = "programs that close or look at every descriptor they may have (daemons "
			"at their start, old language runtimes) take seconds or gigabytes with a "
			"limit of hundreds of millions",
		.key = "fs.nr_open",
		.judge = huge_in_force,
	},
};

static const struct check_member *member(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i].member : NULL;
}

static void judge_row(const struct check_input *in, const struct folklore *row,
		      struct findings *out)
{
	char value[SYSCTL_VALUE_MAX];
	struct err e;
	int r = sysctl_read(in->host, row->key, value, &e);

	if (r == -ENOENT)
		return; /* not in this namespace, or gone from this kernel: nothing to find */

	struct finding *f = finding_add(out, row->member.id, FINDING_PASS, row->key);

	f->predicts = row->predicts[0] ? row->predicts : NULL;
	f->observed = finding_value(out, r < 0 ? e.msg : value);
	if (r < 0) {
		f->status = FINDING_UNKNOWN;
		return;
	}
	switch (row->judge(in->host, value)) {
	case FINE:
		break;
	case FOLKLORE:
		f->status = FINDING_WARN;
		f->why = row->harm;
		f->fix = row->member.fix;
		check_name_origin(in, row->key, f, out);
		break;
	case NOT_KNOWN:
		f->status = FINDING_NA;
		f->why = "what the kernel itself would have chosen cannot be told here";
		break;
	}
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		judge_row(in, &rows[i], out);
	return 0;
}

const struct check check_folklore = {
	.id = "folklore",
	.title = "no settings from old guides that harm or do nothing",
	.why = "Many guides hand on settings that once helped, never did, or were misread: "
	       "tcp_fin_timeout against TIME_WAIT, tcp_tw_recycle, SYN cookies off, equal tcp_mem "
	       "values. They are named here with what they really do. A value is found where it "
	       "is worse than what the kernel itself would have chosen, and that is a warning, "
	       "never a failure.",
	.member = member,
	.run = run,
};

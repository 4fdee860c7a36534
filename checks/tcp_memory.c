/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of all TCP sockets together, and what the load's connections may take of it. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/units.h"
#include "core/check_key.h"
#include "sys/procnet.h"

/* tcp_too_many_orphans() doubles or quadruples what misbehaving sockets count for. */
#define ORPHANS_WARN_PERCENT 25

static const char *const predicts_memory[] = {"tcp.memory", "tcp.receive_queue", NULL};
static const char *const predicts_orphans[] = {"tcp.orphans", "tcp.reset", NULL};

static uint64_t page_size(const struct host *h)
{
	long n = h->captured ? 4096 : sysconf(_SC_PAGESIZE);

	return n > 0 ? (uint64_t)n : 4096;
}

/* Sockets: both sides of a proxy are in this kernel. */
static uint64_t sockets_of(const struct load *l)
{
	return l->connections * (l->role == ROLE_PROXY ? 2 : 1);
}

static const char *kib(uint64_t bytes, char buf[UNITS_MAX])
{
	return units_count(bytes / 1024, buf);
}

static void judge_memory_now(const uint64_t mem[3], uint64_t pages, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	struct finding *f = finding_add(out, "tcp.memory", FINDING_PASS, "memory now");

	f->observed =
		finding_text(out, "%s pages; under pressure from %s, refused from %s on",
			     units_count(pages, a), units_count(mem[1], b), units_count(mem[2], c));
	if (pages < mem[1])
		return;
	f->status = pages >= mem[2] ? FINDING_FAIL : FINDING_WARN;
	f->required = finding_text(out, "less than %s pages", b);
	f->why = "under pressure all windows shrink; at the limit connections are reset";
	f->fix = "find who does not read (ss -tm), or raise net.ipv4.tcp_mem";
}

static void judge_memory_load(const struct check_input *in, const uint64_t mem[3], uint64_t pages,
			      struct findings *out)
{
	uint64_t rmem[3], wmem[3], page = page_size(in->host), sockets = sockets_of(in->load);
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];

	if (!sockets)
		return;
	check_read_key_or(in, "net.ipv4.tcp_rmem", rmem, 3, page);
	check_read_key_or(in, "net.ipv4.tcp_wmem", wmem, 3, page);

	uint64_t left = mem[1] > pages ? (mem[1] - pages) * page : 0;
	uint64_t each = left / sockets, need = rmem[0] + wmem[0];
	struct finding *f = finding_add(out, "tcp.memory", FINDING_PASS, "memory for the load");

	f->needed = true;
	f->observed = finding_text(out, "%s KiB for each connection before pressure", kib(each, a));
	f->required = finding_text(out, "%s KiB", kib(need, b));
	f->arithmetic = finding_text(out, "%s KiB left of tcp_mem / %s connections", kib(left, c),
				     units_count(sockets, b));
	if (each >= need)
		return;
	f->status = FINDING_FAIL;
	f->why = "less than the smallest receive and send buffer (tcp_rmem, tcp_wmem): connections "
		 "stall, and are reset at the limit";
	f->fix = finding_text(
		out,
		"on the host: raise the three values of net.ipv4.tcp_mem, the second to "
		"at least %" PRIu64,
		(sockets * need + page - 1) / page + pages);
}

static int run_memory(const struct check_input *in, struct findings *out, struct err *e)
{
	struct sockstat s;
	uint64_t mem[3];

	check_profile_sysctls(in, "tcp.memory", out);
	int r = check_read_key(in, "tcp.memory", "net.ipv4.tcp_mem", mem, 3, out, e);

	if (r <= 0)
		return r;
	r = procnet_sockstat(in->host, &s, e);
	if (r < 0)
		return r;
	judge_memory_now(mem, s.tcp_mem_pages, out);
	judge_memory_load(in, mem, s.tcp_mem_pages, out);
	return 0;
}

static int judge_buffers(const struct check_input *in, const uint64_t rmem[3],
			 const uint64_t wmem[3], struct findings *out, struct err *e)
{
	uint64_t mem[3], page = page_size(in->host), sockets = sockets_of(in->load);
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], d[UNITS_MAX];
	int r = check_read_key(in, "tcp.buffers", "net.ipv4.tcp_mem", mem, 3, out, e);

	if (r <= 0)
		return r;

	uint64_t each = rmem[1] + wmem[1], all, limit = mem[2] * page;

	if (__builtin_mul_overflow(each, sockets, &all))
		all = UINT64_MAX;
	struct finding *f =
		finding_add(out, "tcp.buffers", FINDING_PASS, "initial buffers of the load");

	f->needed = true;
	f->observed = finding_text(out, "%s KiB of tcp_mem for all", kib(limit, a));
	f->required = finding_text(out, "%s KiB if all were full", kib(all, b));
	f->arithmetic =
		finding_text(out, "%s connections x (%s + %s bytes)", units_count(sockets, a),
			     units_count(rmem[1], c), units_count(wmem[1], d));
	if (all <= limit)
		return 0;
	/* A limit, not an allocation: only data that waits takes memory. */
	f->status = FINDING_WARN;
	f->why = "if readers fall behind on all connections, TCP runs out of memory before their "
		 "buffers are full, and resets connections";
	f->fix = finding_text(out,
			      "make the second values of tcp_rmem and tcp_wmem smaller (together "
			      "%" PRIu64 " bytes), or raise net.ipv4.tcp_mem on the host",
			      limit / sockets);
	return 0;
}

static int run_buffers(const struct check_input *in, struct findings *out, struct err *e)
{
	uint64_t rmem[3], wmem[3], scaling;

	check_profile_sysctls(in, "tcp.buffers", out);
	int r = check_read_key(in, "tcp.buffers", "net.ipv4.tcp_rmem", rmem, 3, out, e);
	if (r > 0)
		r = check_read_key(in, "tcp.buffers", "net.ipv4.tcp_wmem", wmem, 3, out, e);
	if (r > 0)
		r = check_read_key(in, "tcp.buffers", "net.ipv4.tcp_window_scaling", &scaling, 1,
				   out, e);
	if (r <= 0)
		return r;

	struct finding *f =
		finding_add(out, "tcp.buffers", FINDING_PASS, "buffers of a connection");

	f->observed = finding_text(out,
				   "receive %" PRIu64 " growing to %" PRIu64 ", send %" PRIu64
				   " growing to %" PRIu64 " bytes, window scaling %s",
				   rmem[1], rmem[2], wmem[1], wmem[2], scaling ? "on" : "off");
	if (!scaling) {
		f->status = FINDING_WARN;
		f->required = "window scaling on";
		f->arithmetic = "65 535 bytes / 10 ms of round trip = 6.5 MB/s";
		f->why = "a connection then has no more than 64 KiB under way, however large its "
			 "buffers are";
		f->fix = "sysctl -w net.ipv4.tcp_window_scaling=1";
	}
	return load_states(in->load, LOAD_CONNECTIONS) && in->load->connections
		       ? judge_buffers(in, rmem, wmem, out, e)
		       : 0;
}

static int run_orphans(const struct check_input *in, struct findings *out, struct err *e)
{
	struct sockstat s;
	uint64_t max, need = sockets_of(in->load);
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];

	check_profile_sysctls(in, "tcp.orphans", out);
	int r = check_read_key(in, "tcp.orphans", "net.ipv4.tcp_max_orphans", &max, 1, out, e);

	if (r <= 0)
		return r;
	r = procnet_sockstat(in->host, &s, e);
	if (r < 0)
		return r;

	struct finding *f = finding_add(out, "tcp.orphans", FINDING_PASS, "orphaned connections");

	f->observed =
		finding_text(out, "%s of %s", units_count(s.tcp_orphan, a), units_count(max, b));
	if (s.tcp_orphan * 100 >= max * ORPHANS_WARN_PERCENT) {
		f->status = s.tcp_orphan >= max ? FINDING_FAIL : FINDING_WARN;
		f->required = finding_text(out, "less than %d%%", ORPHANS_WARN_PERCENT);
		f->why =
			"the kernel resets orphans at the limit, and at a quarter of it those that "
			"retransmit";
		f->fix =
			"find out why peers do not answer a FIN, or raise net.ipv4.tcp_max_orphans";
	} else if (need > max) {
		f->status = FINDING_WARN;
		f->required = finding_text(out, "%s", units_count(need, c));
		f->arithmetic = finding_text(out, "%s connections that end together", c);
		f->why = "when the test ends and all connections are closed at once, those whose "
			 "peer "
			 "has not answered yet are orphans; above the limit they are reset";
		f->fix = finding_text(out,
				      "on the host: sysctl -w net.ipv4.tcp_max_orphans=%" PRIu64,
				      need);
	}
	return 0;
}

const struct check check_tcp_memory = {
	.id = "tcp.memory",
	.title = "memory for all TCP connections",
	.why = "net.ipv4.tcp_mem limits what all TCP sockets of the host hold together, in pages: "
	       "the data that waits to be read or to be acknowledged. From the second value on the "
	       "kernel is under pressure and makes windows smaller; at the third it refuses memory "
	       "and resets connections. The defaults are 6 and 9 % of the memory, so many "
	       "connections with full buffers reach them.",
	.predicts = predicts_memory,
	.run = run_memory,
};

const struct check check_tcp_buffers = {
	.id = "tcp.buffers",
	.title = "buffers that fit the number of connections",
	.why = "The second values of tcp_rmem and tcp_wmem are what a connection's buffers may "
	       "hold "
	       "at first, the third what they may grow to. They are limits and not allocations, "
	       "but "
	       "when readers fall behind on many connections at once the sum becomes real. Without "
	       "tcp_window_scaling no more than 64 KiB of a connection are ever under way.",
	.predicts = predicts_memory,
	.run = run_buffers,
};

const struct check check_tcp_orphans = {
	.id = "tcp.orphans",
	.title = "room for connections that nobody holds any more",
	.why = "A connection that its program has closed while data or the FIN is still on its way "
	       "belongs to no process: an orphan. net.ipv4.tcp_max_orphans limits how many the "
	       "host "
	       "keeps, and above it (or above a quarter, for those that retransmit) the kernel "
	       "resets them. A test that ends all its connections at once makes as many orphans.",
	.predicts = predicts_orphans,
	.run = run_orphans,
};

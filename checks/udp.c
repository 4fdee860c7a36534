/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets: how long a reader may pause before datagrams are dropped. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "core/check_key.h"
#include "sys/nl_sockets.h"
#include "sys/procnet.h"

#define ID "udp.buffers"

/*
 * What a small datagram takes of a receive buffer: a struct sk_buff and its data, at least 256 +
 * 512 bytes on 64 bits (skb->truesize, SKB_TRUESIZE()), whatever it carries.
 */
#define DATAGRAM_BYTES 768

/* A reader that shares its CPU is away for some milliseconds now and then (a scheduler's slice). */
#define PAUSE_MS 10

#define MANY_SOCKETS 1000

static const char *const predicts[] = {"udp.receive_buffer", "udp.send_buffer", NULL};

static void judge_default(const struct check_input *in, struct findings *out)
{
	uint64_t buffer, errors = 0, errors6 = 0;
	struct counters c = {0};
	struct err ignored;
	char a[UNITS_MAX], b[UNITS_MAX], n[UNITS_MAX];

	check_read_key_or(in, "net.core.rmem_default", &buffer, 1, 0);
	struct finding *f = finding_add(out, ID, buffer ? FINDING_PASS : FINDING_UNKNOWN,
					"receive buffer of a socket");

	if (!buffer) {
		f->observed = "net.core.rmem_default cannot be read";
		return;
	}
	if (procnet_counters(in->host, &c, &ignored) == 0) {
		(void)counters_get(&c, "UdpRcvbufErrors", &errors);
		(void)counters_get(&c, "Udp6RcvbufErrors", &errors6);
	}
	counters_done(&c);
	f->observed =
		finding_text(out,
			     "%s bytes unless the program sets SO_RCVBUF; %s datagrams dropped "
			     "since boot",
			     units_count(buffer, a), units_count(errors + errors6, n));
	f->arithmetic = finding_text(out, "%s / %d bytes = %s small datagrams", a, DATAGRAM_BYTES,
				     units_count(buffer / DATAGRAM_BYTES, b));
}

/* udp_mem is the host's: pages that all UDP sockets together may hold. */
static int judge_memory(const struct check_input *in, struct findings *out, struct err *e)
{
	uint64_t mem[3];
	struct sockstat_udp s;
	char a[UNITS_MAX], b[UNITS_MAX];
	int r = check_read_key(in, ID, "net.ipv4.udp_mem", mem, 3, out, e);

	if (r > 0)
		r = procnet_sockstat_udp(in->host, &s, e) < 0 ? -e->code : 1;
	if (r <= 0)
		return r;

	struct finding *f = finding_add(out, ID, FINDING_PASS, "memory of all UDP sockets");

	f->observed = finding_text(out, "%s of %s pages", units_count(s.mem_pages, a),
				   units_count(mem[2], b));
	if (s.mem_pages < mem[1])
		return 0;
	f->status = s.mem_pages >= mem[2] ? FINDING_FAIL : FINDING_WARN;
	f->required = finding_text(out, "less than %s pages", units_count(mem[1], a));
	f->why = "at the limit the kernel drops datagrams of every UDP socket of the host";
	f->fix = "find the sockets that are not read (ss -uanm), or raise net.ipv4.udp_mem";
	return 0;
}

static void judge_socket(const struct check_input *in, const struct inet_socket *s,
			 struct findings *out)
{
	char address[INET6_ADDRSTRLEN], a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX];
	uint64_t holds = s->receive_buffer / DATAGRAM_BYTES;

	inet_ntop(s->family, s->local, address, sizeof(address));
	struct finding *f =
		finding_add(out, ID, FINDING_PASS,
			    finding_text(out, s->family == AF_INET6 ? "udp [%s]:%u" : "udp %s:%u",
					 address, s->local_port));

	f->needed = true;
	f->observed =
		finding_text(out,
			     "buffer of %s bytes, %s waiting, %" PRIu32 " datagrams dropped since "
			     "it was opened",
			     units_count(s->receive_buffer, a), units_count(s->receive_queue, b),
			     s->drops);
	if (!load_states(in->load, LOAD_RATE))
		return;

	double pause_ms = (double)holds * 1000.0 / (double)in->load->rate;
	uint64_t need = in->load->rate * PAUSE_MS / 1000 * DATAGRAM_BYTES;

	f->required = finding_text(out, "%s bytes", units_count(need, b));
	f->arithmetic = finding_text(
		out, "%s / %d bytes = %s small datagrams; at %s/s that is %.1f ms, of %d ms", a,
		DATAGRAM_BYTES, units_count(holds, b), units_count(in->load->rate, c), pause_ms,
		PAUSE_MS);
	if (s->receive_buffer >= need)
		return;
	f->status = FINDING_WARN;
	f->why =
		finding_text(out,
			     "when its reader is away for more than %.1f ms, the kernel drops what "
			     "comes; the sender is not told",
			     pause_ms);
	/* The kernel doubles what SO_RCVBUF asks for (sock_setsockopt). */
	f->fix =
		finding_text(out,
			     "let the program set SO_RCVBUF to %" PRIu64 " (net.core.rmem_max caps "
			     "it), or raise net.core.rmem_default and restart it",
			     (need + 1) / 2);
}

/* The load may be of UDP: then its ports have UDP sockets. Unconnected ones are the servers'. */
static int judge_ports(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_free struct inet_socket *s = NULL;
	struct sockstat_udp totals;
	size_t len;
	int r = procnet_sockstat_udp(in->host, &totals, e);

	if (r < 0 || totals.inuse + totals.inuse6 == 0)
		return r;
	if (totals.inuse + totals.inuse6 > MANY_SOCKETS && !in->verbose) {
		finding_add(out, ID, FINDING_UNKNOWN, "sockets of the load's ports")->observed =
			finding_text(out, "not broken down: %" PRIu64 " UDP sockets (-v does)",
				     totals.inuse + totals.inuse6);
		return 0;
	}
	r = sockets_read(in->host, SOCKETS_UDP, &s, &len, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++)
		if (!s[i].peer_port &&
		    ranges_contain(&in->load->ports, s[i].local_port, s[i].local_port))
			judge_socket(in, &s[i], out);
	return 0;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	check_profile_sysctls(in, ID, out);
	judge_default(in, out);
	int r = judge_memory(in, out, e);

	if (r == 0 && load_states(in->load, LOAD_PORT)) {
		struct err why = {0};

		/* Most loads are of TCP: not being able to list UDP sockets takes nothing away. */
		if (judge_ports(in, out, &why) < 0)
			finding_add(out, ID, FINDING_UNKNOWN, "sockets of the load's ports")
				->observed = finding_text(out, "%s", why.msg);
	}
	return r;
}

const struct check check_udp_buffers = {
	.id = "udp.buffers",
	.title = "UDP buffers outlast a pause of the reader",
	.why = "A datagram waits in its socket's receive buffer until the program reads it, and "
	       "when the buffer is full the kernel drops what comes without telling the sender. "
	       "The "
	       "buffer is net.core.rmem_default unless the program asks for another with "
	       "SO_RCVBUF, "
	       "which net.core.rmem_max caps. A small datagram takes some 768 bytes of it whatever "
	       "it carries, so the default holds only a few hundred: milliseconds of a fast load.",
	.predicts = predicts,
	.run = run,
};

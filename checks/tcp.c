/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP settings that decide how fast ports come back. */
#include "core/check_key.h"

static const char *const predicts[] = {"ports.exhausted", NULL};

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	uint64_t reuse, timestamps;

	check_profile_sysctls(in, "tcp.tw_reuse", out);
	int r = check_read_key(in, "tcp.tw_reuse", "net.ipv4.tcp_tw_reuse", &reuse, 1, out, e);

	if (r > 0)
		r = check_read_key(in, "tcp.tw_reuse", "net.ipv4.tcp_timestamps", &timestamps, 1,
				   out, e);
	if (r <= 0)
		return r;

	struct finding *f =
		finding_add(out, "tcp.tw_reuse", FINDING_PASS, "tcp_tw_reuse and timestamps");

	f->observed = finding_text(out, "tcp_tw_reuse %d, tcp_timestamps %d", (int)reuse,
				   (int)timestamps);
	if (reuse != 0 && timestamps == 0) {
		f->status = FINDING_WARN;
		f->why = "without timestamps tcp_tw_reuse does nothing: a port stays in TIME_WAIT "
			 "for "
			 "60 s";
		f->fix = "sysctl -w net.ipv4.tcp_timestamps=1";
	}
	return 0;
}

const struct check check_tcp_tw_reuse = {
	.id = "tcp.tw_reuse",
	.title = "ports in TIME_WAIT can be taken again",
	.why = "With tcp_tw_reuse=1 and timestamps on both sides, a new outgoing connection may "
	       "take a "
	       "port that has been in TIME_WAIT for a second instead of sixty. The default 2 does "
	       "so "
	       "between loopback addresses only, so a rehearsal on localhost hides the problem. It "
	       "does nothing for servers, nor for clients that bind() before they connect().",
	.predicts = predicts,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queueing disciplines: what waits before a device, and what slows it down on purpose. */
#include <errno.h>
#include <inttypes.h>
#include <net/if_arp.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "core/check_key.h"
#include "sys/nl_link.h"
#include "sys/sysctl.h"

#define ID "qdisc.default"

/* A tenth of what the kernel gives an Ethernet device (DEFAULT_TX_QUEUE_LEN, linux/netdevice.h). */
#define SHORT_QUEUE 100
#define DEVICES_MAX 16

static const char *const predicts[] = {"qdisc.drop", "udp.send_buffer", NULL};

static bool is_one_of(const char *kind, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, kind) == 0)
			return true;
	return false;
}

/* What the qdiscs of one device come to: the root, or below mq the one of each queue. */
struct summary {
	const struct qdisc *root;
	uint64_t drops, overlimits, waiting;
	uint32_t limit; /* packets; UINT32_MAX: not known */
};

static struct summary summarize(const struct link *l, const struct qdisc *d, size_t len)
{
	static const char *const fifos[] = {"pfifo", "pfifo_fast", "bfifo", NULL};
	struct summary s = {.limit = UINT32_MAX};

	for (size_t i = 0; i < len; i++) {
		if (d[i].ifindex != l->index)
			continue;
		if (d[i].parent == QDISC_PARENT_ROOT) {
			/* mq's own numbers are the sum of those below it (mq_dump). */
			s.root = &d[i];
			s.drops = d[i].drops;
			s.overlimits = d[i].overlimits;
			s.waiting = d[i].waiting;
		}
		/* pfifo_fast takes txqueuelen for each of its bands (pfifo_fast_init, 4.16). */
		if (d[i].has_limit && d[i].limit < s.limit)
			s.limit = d[i].limit;
		else if (!d[i].has_limit && is_one_of(d[i].kind, fifos) &&
			 l->queue_length < s.limit)
			s.limit = l->queue_length;
	}
	return s;
}

static void judge_device(const struct check_input *in, const struct link *l,
			 const struct summary *s, struct findings *out)
{
	static const char *const shapers[] = {"tbf", "htb", "cbq", "hfsc", "cake", NULL};
	char a[UNITS_MAX], b[UNITS_MAX];
	struct finding *f = finding_add(out, ID, FINDING_PASS, l->name);

	f->observed =
		finding_text(out,
			     "%s, txqueuelen %" PRIu32 ", %s waiting, %s dropped since it was "
			     "attached",
			     s->root->kind, l->queue_length, units_count(s->waiting, a),
			     units_count(s->drops, b));
	if (strcmp(s->root->kind, "netem") == 0) {
		f->status = FINDING_WARN;
		f->why = "netem delays or loses packets on purpose: the test would measure it";
		f->fix = finding_text(out, "tc qdisc del dev %s root", l->name);
	} else if (is_one_of(s->root->kind, shapers) && check_asked(in)) {
		f->status = FINDING_WARN;
		f->why = "it limits the rate on purpose: the test may measure that limit";
		f->fix = finding_text(out,
				      "look at it (tc -s qdisc show dev %s), and remove it if it "
				      "is not part of the test",
				      l->name);
	} else if (s->limit < SHORT_QUEUE && l->type == ARPHRD_ETHER &&
		   strcmp(l->kind, "ifb") != 0) {
		f->status = FINDING_WARN;
		f->required = finding_text(out, "room for at least %d packets", SHORT_QUEUE);
		f->arithmetic =
			finding_text(out, "%s holds %" PRIu32 " packets", s->root->kind, s->limit);
		f->why = "a burst that is longer is dropped before the device sees it; UDP senders "
			 "are told nothing";
		f->fix = finding_text(
			out, "ip link set dev %s txqueuelen 1000, and attach the qdisc anew",
			l->name);
	}
}

static void tell_default(const struct check_input *in, struct findings *out)
{
	static const char key[] = "net.core.default_qdisc";
	char text[SYSCTL_VALUE_MAX];
	struct err e;
	int r = sysctl_read(in->host, key, text, &e);

	if (r == -ENOENT) {
		/* Only told, never judged: not to see it takes nothing away. */
		check_not_here(in, ID, key, out)->status = FINDING_NA;
		return;
	}
	struct finding *f = finding_add(out, ID, r < 0 ? FINDING_UNKNOWN : FINDING_PASS, key);

	f->observed = finding_value(out, r < 0 ? e.msg : text);
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_free struct link *l = NULL;
	cleanup_free struct qdisc *d = NULL;
	size_t links, qdiscs, shown = 0, left = 0;

	check_profile_sysctls(in, ID, out);
	check_profile_settings(in, ID, out);
	if (!in->profile || !profile_want(in->profile, "sysctl", "net.core.default_qdisc"))
		tell_default(in, out);
	if (links_read(in->host, false, &l, &links, e) < 0 ||
	    qdiscs_read(in->host, &d, &qdiscs, e) < 0)
		return check_untold(ID, e, out);
	for (size_t i = 0; i < links; i++) {
		struct summary s = summarize(&l[i], d, qdiscs);

		/* noqueue has nothing that could be full, noop is of a device that is down. */
		if (!l[i].up || !s.root || strcmp(s.root->kind, "noqueue") == 0 ||
		    strcmp(s.root->kind, "noop") == 0)
			continue;
		if (shown++ < DEVICES_MAX || in->verbose)
			judge_device(in, &l[i], &s, out);
		else
			left++;
	}
	if (left)
		finding_add(out, ID, FINDING_NA, "other devices")->observed =
			finding_text(out, "%zu not looked at (-v does)", left);
	return 0;
}

const struct check check_qdisc_default = {
	.id = "qdisc.default",
	.title = "no short queue and no shaper before a device",
	.why = "What is sent waits in the device's queueing discipline until the device takes it. "
	       "net.core.default_qdisc is what a device gets when it comes up; the simple ones "
	       "(pfifo_fast, pfifo) hold txqueuelen packets and drop what comes after. Virtual "
	       "devices have none (noqueue), and a netem or tbf left over from another test delays "
	       "or limits everything that goes through it.",
	.predicts = predicts,
	.run = run,
};

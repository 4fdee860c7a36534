/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's packet work on each CPU: its backlog, its budget, who does it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "base/strbuf.h"
#include "core/check_key.h"
#include "sys/file.h"
#include "sys/softnet.h"
#include "sys/sysnet.h"

/* net/core/hotdata.c, 6.18; sysctl_net_core.c before */
#define DEFAULT_BACKLOG 1000

/* A host of containers has a pair of devices for each: the first ones tell how it is set up. */
#define DEVICES_MAX 16

static const char *const predicts_backlog[] = {"softnet.backlog", NULL};
static const char *const predicts_budget[] = {"softnet.squeeze", NULL};

static int run_backlog(const struct check_input *in, struct findings *out, struct err *e)
{
	static const char key[] = "net.core.netdev_max_backlog";
	uint64_t backlog;
	struct softnet s;
	char a[UNITS_MAX], b[UNITS_MAX];

	check_profile_sysctls(in, "softnet.backlog", out);
	int r = check_read_key(in, "softnet.backlog", key, &backlog, 1, out, e);

	if (r <= 0)
		return r;
	if (softnet_read(in->host, &s, e) < 0)
		return check_untold("softnet.backlog", e, out);

	struct finding *f = finding_add(out, "softnet.backlog", FINDING_PASS, "backlog of a CPU");

	f->observed = finding_text(out, "%s packets, %s dropped since boot",
				   units_count(backlog, a), units_count(s.dropped, b));
	if (backlog >= DEFAULT_BACKLOG)
		return 0;
	f->status = FINDING_WARN;
	f->required = finding_text(out, "at least %d, the kernel's default", DEFAULT_BACKLOG);
	f->why = "somebody lowered it: packets of virtual devices, loopback and RPS are dropped "
		 "earlier";
	f->fix = finding_text(out, "sysctl -w %s=%d", key, DEFAULT_BACKLOG);
	return 0;
}

static int run_budget(const struct check_input *in, struct findings *out, struct err *e)
{
	uint64_t budget, usecs, weight;
	struct softnet s;
	char a[UNITS_MAX], b[UNITS_MAX];

	check_profile_sysctls(in, "softnet.budget", out);
	int r = check_read_key(in, "softnet.budget", "net.core.netdev_budget", &budget, 1, out, e);

	if (r <= 0)
		return r;
	if (softnet_read(in->host, &s, e) < 0)
		return check_untold("softnet.budget", e, out);
	check_read_key_or(in, "net.core.netdev_budget_usecs", &usecs, 1, 2000);
	check_read_key_or(in, "net.core.dev_weight", &weight, 1, 64);

	struct finding *f = finding_add(out, "softnet.budget", FINDING_PASS, "budget of a round");

	f->observed = finding_text(out, "%s packets or %s us, used up %s times since boot",
				   units_count(budget, a), finding_text(out, "%" PRIu64, usecs),
				   units_count(s.squeezed, b));
	if (budget >= weight && usecs > 0)
		return 0;
	f->status = FINDING_WARN;
	f->required = finding_text(out, "at least net.core.dev_weight, %" PRIu64, weight);
	f->why = "a single device's poll uses up the round, and the packets of the others wait";
	f->fix = "sysctl -w net.core.netdev_budget=300 net.core.netdev_budget_usecs=2000";
	return 0;
}

static const char *format_ranges(const struct ranges *r, struct findings *out)
{
	struct strbuf text = {0};

	ranges_format(r, &text);
	const char *said = finding_text(out, "%s", strbuf_get(&text));

	strbuf_done(&text);
	return said;
}

/* What the host has beside the device: CPUs online, and entries of the table of RFS. */
struct cpus {
	struct ranges online;
	uint64_t count;
	uint64_t flow_entries; /* net.core.rps_sock_flow_entries; UINT64_MAX: not to be seen here */
};

static void read_cpus(const struct check_input *in, struct cpus *c)
{
	char text[4096];
	struct err ignored;

	if (file_read(in->host, "/sys/devices/system/cpu/online", text, sizeof(text), &ignored) >
		    0 &&
	    ranges_parse(&c->online, text, 65535) == 0)
		c->count = ranges_count_within(&c->online, 0, 65535);
	check_read_key_or(in, "net.core.rps_sock_flow_entries", &c->flow_entries, 1, UINT64_MAX);
}

static uint64_t online_of(const struct cpus *c, const struct ranges *mask)
{
	uint64_t n = 0;

	for (size_t i = 0; i < mask->len; i++)
		n += ranges_count_within(&c->online, mask->item[i].low, mask->item[i].high);
	return n;
}

/* What a profile says to have the packets of a device spread. */
static const char *spread_line(const struct link *l, struct findings *out)
{
	return finding_text(out,
			    "in a profile: [sysfs] /sys/class/net/%s/queues/rx-*/rps_cpus = all",
			    l->name);
}

static void judge_mask(const struct cpus *c, const struct link *l, const struct steering *s,
		       struct finding *f, struct findings *out)
{
	uint64_t online = online_of(c, &s->cpus);

	if (s->rps && c->count && online == 0) {
		f->status = FINDING_WARN;
		f->why = "get_rps_cpu() takes only CPUs that are online, so RPS does nothing here";
		f->fix = finding_text(out, "write a mask of CPUs %s, or %s",
				      format_ranges(&c->online, out), spread_line(l, out));
	} else if (s->rps && c->count > 1 && online == 1) {
		f->status = FINDING_WARN;
		f->why = "one CPU takes all packets, and is full while the others are idle";
		f->fix = finding_text(out, "write a mask of CPUs %s, or none (0); %s",
				      format_ranges(&c->online, out), spread_line(l, out));
	} else if (s->flow_counts && c->flow_entries == 0) {
		f->status = FINDING_WARN;
		f->why = "rps_flow_cnt does nothing while net.core.rps_sock_flow_entries is 0: "
			 "packets do not follow the thread that reads them";
		f->fix = finding_text(
			out, "on the host: sysctl -w net.core.rps_sock_flow_entries=%" PRIu64,
			s->flow_counts);
	}
}

static void judge_steering(const struct cpus *c, const struct sysnet *sys, const struct link *l,
			   struct findings *out)
{
	struct steering s = {0};
	struct err e;
	int r = steering_read(sys, l, &s, &e);
	struct finding *f = finding_add(out, "softnet.steering", FINDING_PASS, l->name);

	if (r == -ENOENT) {
		f->status = FINDING_NA;
		f->observed = "its queues cannot be steered";
	} else if (r < 0) {
		f->status = FINDING_UNKNOWN;
		f->observed = finding_text(out, "%s", e.msg);
	} else {
		f->observed =
			finding_text(out, "%u receive queue%s for %" PRIu64 " CPU%s, %s", s.queues,
				     s.queues == 1 ? "" : "s", c->count, c->count == 1 ? "" : "s",
				     s.rps ? finding_text(out, "RPS to CPUs %s",
							  format_ranges(&s.cpus, out))
					   : "no RPS");
		judge_mask(c, l, &s, f, out);
	}
	steering_done(&s);
}

static int run_steering(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_free struct link *l = NULL;
	struct sysnet sys;
	struct cpus c = {0};
	size_t len, shown = 0, left = 0;
	int r = links_read(in->host, false, &l, &len, e);

	check_profile_settings(in, "softnet.steering", out);
	if (r == 0)
		r = sysnet_open(&sys, in->host, e);
	if (r < 0)
		return check_untold("softnet.steering", e, out);
	read_cpus(in, &c);
	for (size_t i = 0; i < len; i++) {
		if (!l[i].up || l[i].loopback)
			continue;
		if (shown++ < DEVICES_MAX || in->verbose)
			judge_steering(&c, &sys, &l[i], out);
		else
			left++;
	}
	if (left)
		finding_add(out, "softnet.steering", FINDING_NA, "other devices")->observed =
			finding_text(out, "%zu not looked at (-v does)", left);
	if (!shown)
		finding_add(out, "softnet.steering", FINDING_NA, NULL)->observed =
			"no network device is up but loopback";
	ranges_done(&c.online);
	sysnet_close(&sys);
	return 0;
}

const struct check check_softnet_backlog = {
	.id = "softnet.backlog",
	.title = "room in each CPU's packet backlog",
	.why = "Packets of virtual devices (veth, bridges, loopback) and those that RPS hands to "
	       "another CPU wait in that CPU's backlog until its softirq runs. With "
	       "net.core.netdev_max_backlog packets in it the kernel drops the next one and counts "
	       "it in the second column of /proc/net/softnet_stat. Raise it only if that column "
	       "grows during a load (check --observe tells): a network card's own packets never "
	       "pass through it.",
	.predicts = predicts_backlog,
	.run = run_backlog,
};

const struct check check_softnet_budget = {
	.id = "softnet.budget",
	.title = "a round of packet work is long enough",
	.why = "In one round the kernel takes at most net.core.netdev_budget packets from all "
	       "devices, for at most netdev_budget_usecs. What is left waits for the next round, "
	       "and the third column of /proc/net/softnet_stat counts that. It is no drop, but "
	       "while rings fill up it may become one.",
	.predicts = predicts_budget,
	.run = run_budget,
};

const struct check check_softnet_steering = {
	.id = "softnet.steering",
	.title = "packet work is spread over the CPUs",
	.why = "The CPU that gets a receive queue's interrupt does all work on its packets, so a "
	       "device with one queue keeps one CPU busy however many there are. RPS "
	       "(queues/rx-N/rps_cpus) hands packets on to a mask of CPUs by a hash of their "
	       "addresses, and RFS to the CPU whose thread reads them. A mask of CPUs that are "
	       "offline, or of a single one, helps nobody.",
	.predicts = predicts_backlog,
	.run = run_steering,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cards: rings, channels, the link and its offloads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/ranges.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "core/check_key.h"
#include "sys/file.h"
#include "sys/nl_ethtool.h"

/* Names of devices in a row of those that have nothing to judge. */
#define NAMES_SHOWN 6

static const char *const predicts_rings[] = {"nic.ring", NULL};
static const char *const predicts_channels[] = {"softnet.squeeze", NULL};
static const char *const predicts_link[] = {"nic.error", NULL};

/* Devices that are up, and what ethtool says of some of them. */
struct nics {
	struct link *link;
	struct ethtool_device *device;
	size_t links, devices;
};

static void nics_done(struct nics *n)
{
	free(n->link);
	free(n->device);
}

static int nics_read(const struct check_input *in, enum ethtool_ask ask, bool stats,
		     struct nics *ret, struct err *e)
{
	int r = links_read(in->host, stats, &ret->link, &ret->links, e);

	return r < 0 ? r : ethtool_read(in->host, ask, &ret->device, &ret->devices, e);
}

/* What ethtool says of a piece of hardware that is up; NULL: nothing, or it is none. */
static const struct ethtool_device *device_of(const struct nics *n, const struct link *l)
{
	for (size_t i = 0; l->up && link_is_hardware(l) && i < n->devices; i++)
		if (n->device[i].index == l->index)
			return &n->device[i];
	return NULL;
}

/* One `na` for all devices without: a host of containers has hundreds of veth. */
static void tell_without(const struct nics *n, const char *id, const char *what,
			 struct findings *out)
{
	struct strbuf names = {0};
	size_t count = 0;

	for (size_t i = 0; i < n->links; i++) {
		if (!n->link[i].up || device_of(n, &n->link[i]))
			continue;
		if (count++ < NAMES_SHOWN)
			strbuf_addf(&names, "%s%s", count > 1 ? ", " : "", n->link[i].name);
	}
	if (count > NAMES_SHOWN)
		strbuf_addf(&names, " and %zu more", count - NAMES_SHOWN);
	if (count)
		finding_add(out, id, FINDING_NA, strbuf_get(&names))->observed = what;
	else if (!n->links)
		finding_add(out, id, FINDING_NA, NULL)->observed = "no network device here";
	strbuf_done(&names);
}

static uint64_t online_cpus(const struct host *h)
{
	char text[4096];
	struct ranges r = {0};
	struct err ignored;
	uint64_t n = 0;

	if (file_read(h, "/sys/devices/system/cpu/online", text, sizeof(text), &ignored) > 0 &&
	    ranges_parse(&r, text, 65535) == 0)
		n = ranges_count_within(&r, 0, 65535);
	ranges_done(&r);
	return n;
}

static void judge_rings(const struct check_input *in, const struct ethtool_device *d,
			const struct link *l, struct findings *out)
{
	char a[UNITS_MAX], b[UNITS_MAX], c[UNITS_MAX], t[UNITS_MAX], n[UNITS_MAX];
	struct finding *f = finding_add(out, "nic.rings", FINDING_PASS, l->name);

	f->observed =
		finding_text(out,
			     "receive %s of %s, send %s of %s descriptors; %s missed since boot",
			     units_count(d->rx_ring, a), units_count(d->rx_ring_max, b),
			     units_count(d->tx_ring, c), units_count(d->tx_ring_max, t),
			     units_count(l->stats.rx_missed + l->stats.rx_fifo, n));
	if (!load_states(in->load, LOAD_BURST))
		return;

	/* Spread over the queues at best; all in one at worst, and that is what may happen. */
	uint64_t need = in->load->burst;

	f->needed = true;
	f->required = finding_text(out, "%s descriptors", units_count(need, n));
	f->arithmetic =
		finding_text(out, "a burst of %s connections begins with as many packets", n);
	if (d->rx_ring >= need || d->rx_ring >= d->rx_ring_max)
		return;
	if (need > d->rx_ring_max)
		need = d->rx_ring_max;
	f->status = FINDING_WARN;
	f->why = "a packet that finds no free descriptor is dropped by the card; the kernel sees "
		 "only "
		 "a counter";
	f->fix = finding_text(out,
			      "ethtool -G %s rx %" PRIu64
			      ", or in a profile: [nic %s] rx_ring = >= %" PRIu64,
			      l->name, need, l->name, need);
}

static int run_rings(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_with(nics_done) struct nics n = {0};
	int r = nics_read(in, ETHTOOL_ASK_RINGS, true, &n, e);

	check_profile_settings(in, "nic.rings", out);
	for (size_t i = 0; r == 0 && i < n.links; i++) {
		const struct ethtool_device *d = device_of(&n, &n.link[i]);

		if (d)
			judge_rings(in, d, &n.link[i], out);
	}
	if (r < 0)
		return check_untold("nic.rings", e, out);
	tell_without(&n, "nic.rings", "no rings", out);
	return 0;
}

static void judge_channels(const struct check_input *in, const struct ethtool_device *d,
			   const struct link *l, uint64_t cpus, struct findings *out)
{
	/* A driver has channels for both ways, or one kind for each. */
	uint64_t now = (uint64_t)d->combined + d->rx_channels;
	uint64_t max = (uint64_t)d->combined_max + d->rx_channels_max;
	uint64_t want = max < cpus ? max : cpus;
	struct finding *f = finding_add(out, "nic.channels", FINDING_PASS, l->name);

	f->observed =
		finding_text(out,
			     "%" PRIu64 " of %" PRIu64 " receive channels, for %" PRIu64 " CPUs",
			     now, max, cpus);
	if (!check_asked(in) || now >= want)
		return;
	f->status = FINDING_WARN;
	f->required = finding_text(out, "%" PRIu64, want);
	f->arithmetic =
		finding_text(out, "the smaller of %" PRIu64 " channels and %" PRIu64 " CPUs", max,
			     cpus);
	f->why = "CPUs without a channel of their own do no work on the packets of this device";

	const char *which = d->combined_max ? "combined" : "rx";

	f->fix = finding_text(out,
			      "ethtool -L %s %s %" PRIu64
			      ", or in a profile: [nic %s] %s_channels = >= %" PRIu64,
			      l->name, which, want, l->name, which, want);
}

static int run_channels(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_with(nics_done) struct nics n = {0};
	uint64_t cpus = online_cpus(in->host);
	int r = nics_read(in, ETHTOOL_ASK_CHANNELS, false, &n, e);

	check_profile_settings(in, "nic.channels", out);
	for (size_t i = 0; r == 0 && i < n.links; i++) {
		const struct ethtool_device *d = device_of(&n, &n.link[i]);

		if (d)
			judge_channels(in, d, &n.link[i], cpus, out);
	}
	if (r < 0)
		return check_untold("nic.channels", e, out);
	tell_without(&n, "nic.channels", "no channels", out);
	return 0;
}

static const char *speed_text(const struct ethtool_device *d, struct findings *out)
{
	if (d->speed == ETHTOOL_SPEED_UNKNOWN)
		return "speed not told";
	return finding_text(out, "%" PRIu32 " Mb/s%s", d->speed,
			    d->duplex == ETHTOOL_DUPLEX_HALF	  ? ", half duplex"
			    : d->duplex == ETHTOOL_DUPLEX_UNKNOWN ? ""
								  : ", full duplex");
}

static const char *errors_text(const struct link_stats *s, struct findings *out)
{
	return finding_text(out,
			    "since boot %" PRIu64 " receive errors (%" PRIu64 " CRC), %" PRIu64
			    " dropped, %" PRIu64 " missed; %" PRIu64 " send errors (%" PRIu64
			    " carrier)",
			    s->rx_errors, s->rx_crc, s->rx_dropped, s->rx_missed, s->tx_errors,
			    s->tx_carrier);
}

static void judge_link(const struct ethtool_device *d, const struct link *l, struct findings *out)
{
	struct finding *f = finding_add(out, "nic.link", FINDING_PASS, l->name);

	if (!l->carrier) {
		f->status = FINDING_NA;
		f->observed = "up, but without a carrier: it carries nothing";
		return;
	}
	f->observed = finding_text(out, "%s; %s", speed_text(d, out), errors_text(&l->stats, out));
	if (d->speed == ETHTOOL_SPEED_UNKNOWN)
		return;
	if (d->duplex == ETHTOOL_DUPLEX_HALF) {
		f->status = FINDING_WARN;
		f->required = "full duplex";
		f->why = "one side negotiates and the other does not: packets collide under load";
	} else if (d->speed <= 100 && d->speed_max >= 1000) {
		f->status = FINDING_WARN;
		f->required = finding_text(out, "%" PRIu32 " Mb/s", d->speed_max);
		f->why = "the card can do more: a bad cable or a port that is set by hand makes "
			 "both "
			 "sides fall back";
	}
	if (f->status == FINDING_WARN)
		f->fix = finding_text(
			out,
			"let both sides negotiate (ethtool -s %s autoneg on) and change "
			"the cable",
			l->name);
}

/* Offloads that the driver could do and that are off; only told where a load has to be carried. */
static void judge_offloads(const struct check_input *in, const struct ethtool_device *d,
			   const struct link *l, struct findings *out)
{
	struct strbuf on = {0}, off = {0};
	unsigned missing = d->changeable & ~d->active;

	for (unsigned i = 0; i < ETHTOOL_OFFLOADS; i++) {
		if (d->active & 1u << i)
			strbuf_addf(&on, "%s%s", on.len ? ", " : "", ethtool_offload_name(i));
		else if (missing & 1u << i)
			strbuf_addf(&off, "%s%s", off.len ? " off " : "", ethtool_offload_name(i));
	}
	struct finding *f = finding_add(out, "nic.link", FINDING_PASS,
					finding_text(out, "offloads of %s", l->name));

	f->observed = finding_text(out, "on: %s%s%s", on.len ? strbuf_get(&on) : "none",
				   off.len ? "; off: " : "", off.len ? strbuf_get(&off) : "");
	if (off.len && check_asked(in)) {
		f->status = FINDING_WARN;
		f->why = "without them each packet costs more CPU time; somebody switched them off";
		f->fix = finding_text(out, "ethtool -K %s %s on", l->name, strbuf_get(&off));
	}
	strbuf_done(&on);
	strbuf_done(&off);
}

static int run_link(const struct check_input *in, struct findings *out, struct err *e)
{
	cleanup_with(nics_done) struct nics n = {0};
	cleanup_free struct ethtool_device *features = NULL;
	size_t features_len = 0;
	struct err why = {0};
	int r = nics_read(in, ETHTOOL_ASK_MODES, true, &n, e);

	if (r < 0)
		return check_untold("nic.link", e, out);
	int told = ethtool_read(in->host, ETHTOOL_ASK_FEATURES, &features, &features_len, &why);

	for (size_t i = 0; i < n.links; i++) {
		const struct link *l = &n.link[i];
		const struct ethtool_device *d = device_of(&n, l);

		if (d)
			judge_link(d, l, out);
		for (size_t k = 0; d && l->carrier && k < features_len; k++)
			if (features[k].index == l->index)
				judge_offloads(in, &features[k], l, out);
	}
	if (told < 0)
		finding_add(out, "nic.link", FINDING_UNKNOWN, "offloads")->observed =
			finding_text(out, "%s", why.msg);
	tell_without(&n, "nic.link", "made by software: no link", out);
	return 0;
}

const struct check check_nic_rings = {
	.id = "nic.rings",
	.title = "receive rings hold a burst",
	.why = "A network card puts packets into a ring of descriptors, and the kernel takes them "
	       "out in its softirq. When packets come faster than that for a moment, the ring is "
	       "all the room there is: the card drops what finds no free descriptor, and only "
	       "rx_missed or rx_fifo tells. Drivers start with a fraction of what the card can do.",
	.predicts = predicts_rings,
	.run = run_rings,
};

const struct check check_nic_channels = {
	.id = "nic.channels",
	.title = "as many channels as CPUs",
	.why = "A channel is a queue of the network card with an interrupt of its own, and the "
	       "card "
	       "spreads connections over its channels by a hash. The CPU that gets the interrupt "
	       "does all the kernel's work on those packets. With fewer channels than CPUs some "
	       "CPUs are full of packet work while others have none.",
	.predicts = predicts_channels,
	.run = run_channels,
};

const struct check check_nic_link = {
	.id = "nic.link",
	.title = "links at full speed, no errors, offloads on",
	.why = "Both ends of a cable agree on speed and duplex, and where that goes wrong they "
	       "fall "
	       "back to a slower speed or to half duplex without a word. Offloads let the card or "
	       "the driver do segmentation, merging and checksums for many packets at once; with "
	       "them off the same load costs several times the CPU time. Errors are counted since "
	       "boot, so only their growth says something (check --observe).",
	.predicts = predicts_link,
	.run = run_link,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sysnet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cpumask.h"

#define QUEUES_MAX 256
#define VALUE_MAX 4096 /* of a mask: 8192 CPUs are 2 KiB */

int sysnet_open(struct sysnet *s, const struct host *h, struct err *e)
{
	int r = sysfs_open_net(&s->fs, h, e);

	/* Of /sys each device is proven to be the one of this namespace (check_identity()). */
	return r < 0 && !h->netns ? sysfs_open(&s->fs, h, e) : r;
}

void sysnet_close(struct sysnet *s)
{
	sysfs_close(&s->fs);
}

static long read_device(const struct sysnet *s, const struct link *l, const char *name, char *buf,
			struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "class/net/%s/%s", l->name, name);
	return sysfs_read(&s->fs, path, buf, VALUE_MAX, e);
}

static void format_address(const struct link *l, char buf[LINK_ADDRESS_MAX * 3 + 1])
{
	buf[0] = '\0';
	for (unsigned i = 0; i < l->address_len; i++)
		sprintf(buf + strlen(buf), "%s%02x", i ? ":" : "", l->address[i]);
}

/* The same device as the one netlink told of? */
static int check_identity(const struct sysnet *s, const struct link *l, struct err *e)
{
	char text[VALUE_MAX], address[LINK_ADDRESS_MAX * 3 + 1];
	unsigned index;
	long n = read_device(s, l, "ifindex", text, e);

	if (n >= 0 && sscanf(text, "%u", &index) == 1 && index == l->index) {
		if (!l->address_len)
			return 0;
		format_address(l, address);
		n = read_device(s, l, "address", text, e);
		if (n >= 0 && strcmp(text, address) == 0)
			return 0;
	}
	if (n < 0 && n != -ENOENT)
		return (int)n;
	return err_set(e, s->fs.host->captured ? ENODATA : ESTALE,
		       s->fs.host->captured ? "the captured host has no sysfs of '%s'"
					    : "/sys does not show '%s' of this network namespace: "
					      "mount a sysfs in it, or use --netns from outside",
		       l->name);
}

static int read_queue(const struct sysnet *s, const struct link *l, unsigned queue,
		      struct steering *ret, struct err *e)
{
	char name[64], text[VALUE_MAX];
	struct ranges mask = {0};
	uint64_t flows;

	snprintf(name, sizeof(name), "queues/rx-%u/rps_cpus", queue);
	long n = read_device(s, l, name, text, e);
	if (n < 0)
		return (int)n;
	if (cpu_mask_parse(text, &mask) < 0) {
		ranges_done(&mask);
		return err_set(e, EPROTO, "read '%s' of '%s': no mask of CPUs", name, l->name);
	}
	ret->rps += mask.len > 0;
	ranges_add_all(&ret->cpus, &mask);
	ranges_done(&mask);

	snprintf(name, sizeof(name), "queues/rx-%u/rps_flow_cnt", queue);
	n = read_device(s, l, name, text, e);
	if (n >= 0 && sscanf(text, "%" SCNu64, &flows) == 1)
		ret->flow_counts += flows;
	return 0;
}

int steering_read(const struct sysnet *s, const struct link *l, struct steering *ret, struct err *e)
{
	int r = check_identity(s, l, e);

	while (r == 0 && ret->queues < QUEUES_MAX) {
		r = read_queue(s, l, ret->queues, ret, e);
		if (r == 0)
			ret->queues++;
	}
	/* One after the last is not there; without any, the kernel was built without RPS. */
	if (r == -ENOENT && ret->queues)
		return 0;
	return r;
}

void steering_done(struct steering *s)
{
	ranges_done(&s->cpus);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings and channels of network cards: which devices a pattern names, and what is set of them. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/nic_key.h"
#include "core/setting_kind.h"
#include "core/sysfs_key.h"

static void about(const char *key, struct setting_about *ret)
{
	char device[LINK_NAME_MAX];
	const struct nic_key *k = nic_key_find(key, device);

	*ret = k ? (struct setting_about){k->check, k->severity, k->why, false}
		 : (struct setting_about){0};
}

static int bad_key(const char *key, struct err *e)
{
	return err_set(e, ERR_BAD_INPUT, "'%s' is nothing of a network card that can be set", key);
}

static const struct ethtool_device *device_of(const struct ethtool_device *d, size_t len,
					      uint32_t index)
{
	for (size_t i = 0; i < len; i++)
		if (d[i].index == index)
			return &d[i];
	return NULL;
}

static int read_number(const struct host *h, const char *key, uint32_t *ret_now, uint32_t *ret_max,
		       struct err *e)
{
	char device[LINK_NAME_MAX];
	cleanup_free struct ethtool_device *d = NULL;
	const struct nic_key *k = nic_key_find(key, device);
	struct link l;
	size_t len;

	if (!k)
		return bad_key(key, e);
	int r = nic_find(h, device, &l, e);
	if (r < 0)
		return r;
	r = ethtool_read(h, ethtool_number_ask(k->number), &d, &len, e);
	if (r < 0)
		return r;

	const struct ethtool_device *found = device_of(d, len, l.index);

	/* The kernel leaves a driver without the operation out of its answer (EOPNOTSUPP). */
	if (!found)
		return err_set(e, ENOENT,
			       "'%s'%s%s%s has no %s that can be set: not supported by "
			       "its driver",
			       device, *l.kind ? " (" : "", l.kind, *l.kind ? ")" : "", k->what);
	ethtool_number(found, k->number, ret_now, ret_max);
	if (*ret_max == 0)
		return err_set(e, ENOENT, "'%s' has no %s: its driver has others", device, k->what);
	return 0;
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	uint32_t now, max;
	int r = read_number(h, key, &now, &max, e);

	if (r < 0)
		return r;
	snprintf(buf, SETTING_VALUE_MAX, "%" PRIu32, now);
	return 0;
}

static int resolve(const struct host *h, const char *key, const char *want, char *buf,
		   struct err *e)
{
	uint32_t now, max;
	uint64_t n;
	int r = read_number(h, key, &now, &max, e);

	if (r < 0)
		return r;
	if (strcmp(want, NIC_MAX) == 0) {
		snprintf(buf, SETTING_VALUE_MAX, "%" PRIu32, max);
		return 0;
	}
	if (parse_u64(want, 1, UINT32_MAX, &n) < 0)
		return err_set(e, ERR_BAD_INPUT, "'%s = %s': not a number", key, want);
	if (n > max)
		return err_set(e, ERR_BAD_INPUT,
			       "'%s = %s': the device takes at most %" PRIu32 " (write " NIC_MAX
			       " for that)",
			       key, want, max);
	snprintf(buf, SETTING_VALUE_MAX, "%" PRIu64, n);
	return 0;
}

/* A pattern means hardware that is up, as the checks look at it: "*" is not every veth. */
static int expand(const struct host *h, const char *key, setting_each_fn *each, void *data,
		  struct err *e)
{
	char device[LINK_NAME_MAX], full[LINK_NAME_MAX + 32];
	cleanup_free struct link *l = NULL;
	cleanup_free struct ethtool_device *d = NULL;
	const struct nic_key *k = nic_key_find(key, device);
	size_t links, devices;

	if (!k)
		return bad_key(key, e);
	if (!sysfs_is_pattern(device)) {
		each(key, data);
		return 0;
	}
	int r = links_read(h, false, &l, &links, e);
	if (r == 0)
		r = ethtool_read(h, ethtool_number_ask(k->number), &d, &devices, e);
	for (size_t i = 0; r == 0 && i < links; i++) {
		const struct ethtool_device *found = device_of(d, devices, l[i].index);
		uint32_t now, max = 0;

		if (found)
			ethtool_number(found, k->number, &now, &max);
		if (!max || !l[i].up || !link_is_hardware(&l[i]) ||
		    fnmatch(device, l[i].name, FNM_NOESCAPE) != 0)
			continue;
		snprintf(full, sizeof(full), "%s:%s", l[i].name, k->name);
		each(full, data);
	}
	return r;
}

const struct setting_kind setting_nic = {
	.kind = "nic",
	.about = about,
	.expand = expand,
	.resolve = resolve,
	.read = read_value,
};

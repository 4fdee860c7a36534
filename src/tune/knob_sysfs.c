/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/setting_kind.h"
#include "core/sysfs_open.h"
#include "sys/caps.h"
#include "tune/scope.h"

#define NET_FOLDER "/sys/class/net/"

static int expand(const struct host *h, const char *key, struct knob_keys *ret, struct err *e)
{
	return knob_expand(&setting_sysfs, sysfs_is_pattern(key), h, key, ret, e);
}

static int resolve(const struct host *h, const char *key, const char *want, char *buf,
		   struct err *e)
{
	return setting_sysfs.resolve(h, key, want, buf, e);
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	return setting_sysfs.read(h, key, buf, e);
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};
	char value[KNOB_VALUE_MAX];

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = k->of_netns ? knob_netns_known(h, key, e) : knob_host_here(h, key, e);
	if (r == 0)
		r = sysfs_open_for(&s, h, k, e);
	/* Says better than an open what is missing. */
	if (r == 0)
		r = setting_sysfs.read(h, key, value, e);
	if (r == 0)
		r = sysfs_writable(&s, sysfs_beneath(key), e);
	return r == -EACCES
		       ? err_set(e, EACCES, "set '%s': %s (run it as root)", key, strerror(EACCES))
		       : r;
}

/* The words that a governor or preference may be, where the kernel lists them beside it. */
static void name_choices(const struct sysfs *s, const char *key, struct err *e)
{
	static const struct {
		const char *file, *list;
	} lists[] = {
		{"/scaling_governor", "/scaling_available_governors"},
		{"/energy_performance_preference", "/energy_performance_available_preferences"},
	};
	const char *file = strrchr(key, '/');
	char path[SYSFS_PATH_MAX + 64], text[512];
	struct err ignored, first = *e;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(lists[i].file, file) != 0)
			continue;
		snprintf(path, sizeof(path), "%.*s%s", (int)(file - key), key, lists[i].list);
		if (sysfs_read(s, sysfs_beneath(path), text, sizeof(text), &ignored) > 0)
			(void)!err_set(e, first.code, "%s (there are: %s)", first.msg, text);
	}
}

static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = sysfs_open_for(&s, h, k, e);
	if (r < 0)
		return r;
	r = sysfs_write(&s, sysfs_beneath(key), value, e);
	if (r == -EINVAL)
		name_choices(&s, key, e);
	/* Seen when it was planned; what the same profile writes first is the channels. */
	if (r == -ENOENT)
		return err_set(e, ENOENT,
			       "write '%s' to '%s': it is gone since the change was planned (with "
			       "fewer channels a device has fewer queues: set those alone, first)",
			       value, key);
	if (r == -EOPNOTSUPP)
		return err_set(e, EOPNOTSUPP, "write '%s' to '%s': not supported by this device",
			       value, key);
	return r;
}

static enum value_kind value_kind(const char *key)
{
	const struct sysfs_key *k = sysfs_key_find(key);

	return k ? k->kind : VALUE_TEXT;
}

static void normalise(const struct host *h unused_, const char *key, const char *value, char *buf)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(strbuf_done) struct strbuf text = {0};
	char *end;

	value_merge(value_kind(key), OP_EXACT, "", value, &text);
	snprintf(buf, KNOB_VALUE_MAX, "%s", strbuf_get(&text));
	if (!k || !k->power_of_two)
		return;

	uint64_t n = strtoumax(buf, &end, 10), rounded = 1;

	if (*end || !n || n > k->max)
		return;
	while (rounded < n)
		rounded *= 2;
	snprintf(buf, KNOB_VALUE_MAX, "%" PRIu64, rounded);
}

/* A device's index is not used again while its namespace lives (dev_index_reserve()). */
static int identity(const struct host *h, const char *key, char *buf, struct err *e)
{
	const struct sysfs_key *k = sysfs_key_find(key);
	cleanup_with(sysfs_close) struct sysfs s = {.fd = -1};
	char path[SYSFS_PATH_MAX];
	uint32_t index;

	if (!k)
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	if (!k->of_netns) {
		snprintf(buf, KNOB_IDENTITY_MAX, "host");
		return 0;
	}
	int r = sysfs_open_for(&s, h, k, e);
	if (r < 0)
		return r;

	const char *device = key + strlen(NET_FOLDER);

	snprintf(path, sizeof(path), NET_FOLDER "%.*s/ifindex", (int)strcspn(device, "/"), device);
	r = sysfs_read_u32(&s, sysfs_beneath(path), &index, e);
	if (r == 0)
		snprintf(buf, KNOB_IDENTITY_MAX, "netns:%" PRIu64 " if:%" PRIu32, h->netns_cookie,
			 index);
	return r;
}

/*
 * After the number of channels: a driver that changes it may set its queues' masks anew
 * (virtnet_set_channels()).
 */
static int rank(const char *key unused_)
{
	return KNOB_RANK_SYSFS;
}

/*
 * Of a device: netdev_store() and store_rps_map() ask for CAP_NET_ADMIN (net/core/net-sysfs.c), and
 * another namespace's sysfs has to be mounted. The others are root's files.
 */
static uint64_t caps(const char *key)
{
	const struct sysfs_key *k = sysfs_key_find(key);

	return k && k->of_netns ? CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_SYS_ADMIN) : 0;
}

const struct knob knob_sysfs = {
	.kind = "sysfs",
	.expand = expand,
	.resolve = resolve,
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.normalise = normalise,
	.identity = identity,
	.rank = rank,
	.caps = caps,
};

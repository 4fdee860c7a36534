/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "core/nic_key.h"
#include "core/setting_kind.h"
#include "core/sysfs_key.h"
#include "sys/caps.h"
#include "tune/scope.h"

static int expand(const struct host *h, const char *key, struct knob_keys *ret, struct err *e)
{
	return knob_expand(&setting_nic, sysfs_is_pattern(key), h, key, ret, e);
}

static int resolve(const struct host *h, const char *key, const char *want, char *buf,
		   struct err *e)
{
	return setting_nic.resolve(h, key, want, buf, e);
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	return setting_nic.read(h, key, buf, e);
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	char device[LINK_NAME_MAX], value[KNOB_VALUE_MAX];

	if (!nic_key_find(key, device))
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = knob_netns_known(h, key, e);
	if (r == 0)
		r = setting_nic.read(h, key, value, e);
	if (r == 0 && !caps_effective(CAP_NET_ADMIN))
		return err_set(e, EPERM, "set '%s': needs %s (run it as root)", key,
			       caps_name(CAP_NET_ADMIN));
	return r;
}

static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	char device[LINK_NAME_MAX];
	const struct nic_key *k = nic_key_find(key, device);
	struct link l;
	struct err why;
	uint64_t n;

	if (!k || parse_u64(value, 1, UINT32_MAX, &n) < 0)
		return err_set(e, ERR_BAD_INPUT, "'%s = %s' may not be set", key, value);
	int r = nic_find(h, device, &l, e);
	if (r < 0)
		return r;
	r = ethtool_set(h, k->number, l.index, (uint32_t)n, &why);
	if (r < 0)
		return err_set(e, why.code, "set the %s of '%s' to %s: %s", k->what, device, value,
			       why.msg);
	return 0;
}

/*
 * By index and by the address it was made with: a card that is taken out and put in again, or its
 * driver loaded anew, has another index and its driver's own rings.
 */
static int identity(const struct host *h, const char *key, char *buf, struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf text = {0};
	char device[LINK_NAME_MAX];
	struct link l;

	if (!nic_key_find(key, device))
		return err_set(e, ERR_BAD_INPUT, "'%s' may not be set by a profile", key);
	int r = nic_find(h, device, &l, e);
	if (r < 0)
		return r;
	strbuf_addf(&text, "netns:%" PRIu64 " if:%" PRIu32 " address:", h->netns_cookie, l.index);
	for (unsigned i = 0; i < l.permanent_len; i++)
		strbuf_addf(&text, "%s%02x", i ? ":" : "", l.permanent[i]);
	snprintf(buf, KNOB_IDENTITY_MAX, "%s%s", strbuf_get(&text), l.permanent_len ? "" : "none");
	return 0;
}

static int rank(const char *key unused_)
{
	return KNOB_RANK_NIC;
}

/* ethnl_set_rings() and its likes are GENL_UNS_ADMIN_PERM (net/ethtool/netlink.c). */
static uint64_t caps(const char *key unused_)
{
	return CAP_BIT(CAP_NET_ADMIN);
}

/* Drivers may round a ring up, each in its own way: nothing foretells it, reading it back tells. */
const struct knob knob_nic = {
	.kind = "nic",
	.expand = expand,
	.resolve = resolve,
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.identity = identity,
	.rank = rank,
	.caps = caps,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [sysfs] and [nic DEVICE] of a profile. */
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/nic_key.h"
#include "core/profile_parse.h"
#include "core/sysfs_key.h"

/* There is no sum for any of these yet. */
static bool is_auto(const char *value)
{
	(void)profile_split_op(&value);
	return strcmp(value, "auto") == 0;
}

int profile_parse_sysfs(struct parser *ps, const char *key, const char *value)
{
	const char *path = key + (*key == '-'), *operand = value;
	const struct sysfs_key *k = sysfs_key_find(path);
	struct err why;

	if (!k)
		return profile_fail(ps,
				    "'%s' may not be set by a profile (runup-profile(5) lists the "
				    "files of /sys that may)",
				    path);
	if (is_auto(value))
		return profile_fail(ps, "'%s = auto': there is no sum for this key; give a value",
				    path);
	if (!profile_add_want(ps, "sysfs", key, value, k->kind, SYSFS_ALL_CPUS))
		return 0;
	(void)profile_split_op(&operand);
	if (sysfs_value_check(k, operand, &why) < 0)
		return profile_fail(ps, "'%s = %s': %s", key, value, why.msg);
	return 1;
}

int profile_parse_nic(struct parser *ps, const char *key, const char *value)
{
	bool optional = *key == '-';
	const char *name = key + optional, *operand = value;
	cleanup_with(strbuf_done) struct strbuf known = {0};
	char device[LINK_NAME_MAX];
	struct err why;

	if (!nic_key_named(name)) {
		nic_key_list(&known);
		return profile_fail(ps, "unknown key '%s' in [nic %s] (known: %s)", name,
				    ps->subject, strbuf_get(&known));
	}

	const char *full = arena_printf(&ps->profile->arena, "%s%s:%s", optional ? "-" : "",
					ps->subject, name);

	if (!nic_key_find(full + optional, device))
		return profile_fail(ps, "[nic %.60s]: no network device can have this name",
				    ps->subject);
	if (is_auto(value))
		return profile_fail(ps,
				    "'%s = auto': there is no sum for this key; give a number, "
				    "or " NIC_MAX,
				    name);
	if (!profile_add_want(ps, "nic", full, value, VALUE_NUMBERS, NIC_MAX))
		return 0;

	enum op op = profile_split_op(&operand);

	if (nic_value_check(op, operand, &why) < 0)
		return profile_fail(ps, "'%s = %s': %s", key, value, why.msg);
	return 1;
}

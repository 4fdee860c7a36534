/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/scope.h"

#include <errno.h>

int knob_netns_known(const struct host *h, const char *key, struct err *e)
{
	if (h->init_netns || h->netns_cookie)
		return 0;
	return err_set(e, EOPNOTSUPP,
		       "set '%s' in this network namespace: the kernel has no SO_NETNS_COOKIE "
		       "(5.14) to find it again by",
		       key);
}

int knob_host_here(const struct host *h, const char *key, struct err *e)
{
	if (h->init_netns)
		return 0;
	return err_set(e, EROFS,
		       "'%s' belongs to the host, not to this network namespace: set it on the "
		       "host, without --netns",
		       key);
}

static void take(const char *key, void *data)
{
	knob_keys_add(data, "%s", key);
}

int knob_expand(const struct setting_kind *kind, bool pattern, const struct host *h,
		const char *key, struct knob_keys *ret, struct err *e)
{
	char ignored[KNOB_VALUE_MAX];
	struct err why;
	int r = kind->expand(h, key, take, ret, e);

	if (r < 0 || pattern)
		return r;
	for (size_t i = 0; i < ret->len; i++)
		if (kind->read(h, ret->item[i], ignored, &why) == -ENOENT)
			return err_set(e, ENOENT, "%s", why.msg);
	return 0;
}

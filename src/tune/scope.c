/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/scope.h"

#include <errno.h>

#include "tune/knob.h"

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

void knob_keys_take(const char *key, void *data)
{
	knob_keys_add(data, "%s", key);
}

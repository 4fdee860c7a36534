/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

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

static bool same_place(const char *a, const char *b)
{
	size_t len = strcspn(a, " ");

	return len == strcspn(b, " ") && memcmp(a, b, len) == 0;
}

/* Is there still a device of the recorded index? One keeps it for life, but not its name. */
static int find_device(const struct host *h, const char *recorded, char device[LINK_NAME_MAX],
		       struct err *e)
{
	cleanup_free struct link *l = NULL;
	const char *at = strstr(recorded, " if:");
	char digits[16];
	uint64_t index;
	size_t len;

	if (!at)
		return 0;
	at += strlen(" if:");
	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(at, " "), at);
	if (parse_u64(digits, 1, UINT32_MAX, &index) < 0)
		return 0;
	int r = links_read(h, false, &l, &len, e);
	for (size_t i = 0; r == 0 && i < len; i++) {
		if (l[i].index == index) {
			memcpy(device, l[i].name, LINK_NAME_MAX);
			return 1;
		}
	}
	return r;
}

int knob_holder(const struct host *h, const struct knob *k, const char *key, const char *recorded,
		char *now, char device[LINK_NAME_MAX], struct err *e)
{
	int r = k->identity(h, key, now, e);
	bool none = r == -ENOENT;

	if (r < 0 && !none)
		return r;
	if (!none && strcmp(now, recorded) == 0)
		return HOLDER_SAME;
	if (!none && !same_place(now, recorded))
		return HOLDER_NOT_PROVEN;
	r = find_device(h, recorded, device, e);
	if (r < 0)
		return r;
	return r ? HOLDER_RENAMED : none ? HOLDER_NONE : HOLDER_ANOTHER;
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit in force of live TCP listeners: one key for each socket, with its cookie. */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/listen_key.h"
#include "sys/caps.h"
#include "sys/listener_limit.h"
#include "sys/nl_sockdiag.h"

static int expand(const struct host *h, const char *key, struct knob_keys *ret, struct err *e)
{
	cleanup_free struct listener *all = NULL;
	char name[LISTEN_KEY_MAX];
	struct listen_key k;
	size_t len = 0;

	if (listen_key_parse(key, &k) < 0)
		return err_set(e, ERR_BAD_INPUT, "'%s' does not name a listener", key);
	int r = sockdiag_listeners(h, &all, &len, e);
	for (size_t i = 0; r == 0 && i < len; i++)
		if (listen_key_matches(&k, &all[i]))
			knob_keys_add(ret, "%s", listen_key_of(&all[i], name));
	return r;
}

/* The one live socket that a key with a cookie names. */
static int find(const struct host *h, const char *key, struct listener *ret, struct err *e)
{
	cleanup_free struct listener *all = NULL;
	struct listen_key k;
	size_t len = 0;

	if (listen_key_parse(key, &k) < 0 || !k.cookie)
		return err_set(e, ERR_BAD_INPUT, "'%s' does not name one listener", key);
	int r = sockdiag_listeners(h, &all, &len, e);
	if (r < 0)
		return r == -ENOENT ? err_set(e, EOPNOTSUPP, "%s", e->msg) : r;
	for (size_t i = 0; i < len; i++) {
		if (listen_key_matches(&k, &all[i])) {
			*ret = all[i];
			return 0;
		}
	}
	return err_set(e, ENOENT, "listener '%s' is not there any more", key);
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	struct listener l;
	int r = find(h, key, &l, e);

	if (r < 0)
		return r;
	/* Before 5.14 only the first namespace can be told from its likes later. */
	if (!h->init_netns && !h->netns_cookie)
		return err_set(e, EOPNOTSUPP,
			       "change listener '%s' in this network namespace: the kernel has no "
			       "SO_NETNS_COOKIE (5.14) to find it again by",
			       key);
	/* Whether its process gives it away is known by asking; the duplicate changes nothing. */
	cleanup_close int fd = listener_take(h, &l, e);

	return fd < 0 ? fd : 0;
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	struct listener l;
	int r = find(h, key, &l, e);

	if (r == 0)
		snprintf(buf, KNOB_VALUE_MAX, "%" PRIu32, l.limit);
	return r;
}

static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	struct listener l;
	uint64_t limit;

	if (parse_u64(value, 0, INT32_MAX, &limit) < 0)
		return err_set(e, EINVAL, "'%s' is no limit of a listener", value);
	int r = find(h, key, &l, e);
	return r < 0 ? r : listener_set_limit(h, &l, (uint32_t)limit, e);
}

/* Socket cookies were counted per namespace before 5.11 (sock_gen_cookie()). */
static int identity(const struct host *h, const char *key, char *buf, struct err *e)
{
	struct listener l;
	int r = find(h, key, &l, e);

	if (r == 0)
		snprintf(buf, KNOB_IDENTITY_MAX, "netns:%" PRIu64 " socket:%" PRIu64,
			 h->netns_cookie, l.cookie);
	return r;
}

static bool ends(const char *key unused_)
{
	return true;
}

/* After net.core.somaxconn, which caps it. */
static int rank(const char *key unused_)
{
	return 7;
}

/* Whose socket it is: /proc/PID/fd of any user; the socket itself: pidfd_getfd(2). */
static uint64_t caps(const char *key unused_)
{
	return CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_DAC_READ_SEARCH);
}

/* What is foretold is without somaxconn's cap: a limit that was cut is no success. */
const struct knob knob_listen = {
	.kind = "listen",
	.expand = expand,
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.identity = identity,
	.ends = ends,
	.rank = rank,
	.caps = caps,
};

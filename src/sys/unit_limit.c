/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/unit_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/dropin.h"
#include "sys/systemctl.h"

static bool same(const struct proc_limit *a, const struct proc_limit *b)
{
	return a->soft == b->soft && a->hard == b->hard;
}

static int no_systemd(const char *unit, struct err *e)
{
	return err_set(e, ENOENT,
		       "limits of unit '%s': systemd does not run on this host, so there is no "
		       "such unit (start the profile's line with '-' if that is fine)",
		       unit);
}

/* What systemd has of a unit: unit file, drop-ins and defaults together, as it last read them. */
struct shown {
	struct proc_limit limit;
	bool loaded;
	/* Files were changed since; systemd 252 does not notice those of a new folder. */
	bool stale;
	char state[SYSTEMCTL_VALUE_MAX];
};

static bool parse_number(const char *text, uint64_t *ret)
{
	*ret = PROC_UNLIMITED;
	return strcmp(text, "infinity") == 0 || parse_u64(text, 0, UINT64_MAX, ret) == 0;
}

static int show(const char *unit, const struct rlimit_key *k, struct shown *ret, struct err *e)
{
	char answer[1024], properties[128], soft[64], value[SYSTEMCTL_VALUE_MAX];

	snprintf(soft, sizeof(soft), "%sSoft", k->unit_name);
	snprintf(properties, sizeof(properties), "LoadState,NeedDaemonReload,%s,%s", k->unit_name,
		 soft);
	int r = systemctl_show(unit, properties, answer, sizeof(answer), e);
	if (r < 0)
		return r;
	systemctl_value(answer, "LoadState", ret->state);
	ret->loaded = strcmp(ret->state, "loaded") == 0;
	ret->stale = strcmp(systemctl_value(answer, "NeedDaemonReload", value), "yes") == 0;
	if (!ret->loaded)
		return 0;
	if (!parse_number(systemctl_value(answer, k->unit_name, value), &ret->limit.hard) ||
	    !parse_number(systemctl_value(answer, soft, value), &ret->limit.soft))
		return err_set(e, EPROTO, "ask systemctl for %s of '%s': '%s' is not a limit",
			       k->unit_name, unit, value);
	return 0;
}

static int in_force(const char *unit, const struct rlimit_key *k, struct proc_limit *ret,
		    struct err *e)
{
	struct shown s;
	int r = show(unit, k, &s, e);

	if (r < 0)
		return r;
	if (!s.loaded)
		return err_set(e, ENOENT, "limits of unit '%s': systemd says it is '%s'", unit,
			       s.state);
	*ret = s.limit;
	return 0;
}

int unit_limit_permitted(const struct host *h, const char *unit, const struct rlimit_key *k,
			 struct err *e)
{
	struct dropin d;
	struct shown s;

	if (!systemctl_runs(h))
		return no_systemd(unit, e);

	int r = dropin_read(h, unit, k, &d, e);

	if (r == 0)
		r = dropin_left(h, unit, k, &d, e);
	if (r < 0)
		return r;
	/* With ours there, it may be taken away even if the unit is gone. */
	if (r == 0) {
		r = show(unit, k, &s, e);
		if (r == 0 && !s.loaded)
			r = err_set(e, ENOENT, "limits of unit '%s': systemd says it is '%s'", unit,
				    s.state);
		if (r == 0 && s.stale)
			r = err_set(e, EBUSY,
				    "limits of unit '%s': its files were changed since systemd "
				    "read them, so what is in force is not what they say: run "
				    "`systemctl daemon-reload` first",
				    unit);
	}
	if (r < 0)
		return r;
	if (geteuid() != 0)
		return err_set(e, EACCES, "write a drop-in for unit '%s': run it as root", unit);
	return 0;
}

int unit_limit_read(const struct host *h, const char *unit, const struct rlimit_key *k,
		    struct proc_limit *ret, struct err *e)
{
	struct dropin d;

	if (!systemctl_runs(h))
		return no_systemd(unit, e);

	int r = dropin_read(h, unit, k, &d, e);

	if (r == 1) {
		*ret = d.limit;
		return 0;
	}
	/* A file that is not ours does not count as our change: what is in force does. */
	return r < 0 && r != -EEXIST ? r : in_force(unit, k, ret, e);
}

static int take_away(const struct host *h, const char *unit, const struct rlimit_key *k,
		     struct err *e)
{
	int r = dropin_remove(h, unit, k, e);

	if (r == 0)
		r = systemctl_reload(e);
	return r == 0 ? dropin_sweep(h, unit, k, e) : r;
}

static int put(const struct host *h, const char *unit, const struct rlimit_key *k,
	       const struct dropin *d, struct err *e)
{
	struct proc_limit now = {0};
	int r = dropin_write(h, unit, k, d, e);

	if (r == 0)
		r = systemctl_reload(e);
	if (r == 0)
		r = in_force(unit, k, &now, e);
	if (r == 0 && !same(&now, &d->limit))
		r = err_set(e, EINVAL,
			    "limit %s of unit '%s': systemd uses %" PRIu64 ":%" PRIu64
			    ", another file of the unit overrides runup's drop-in (systemctl cat "
			    "shows which)",
			    k->name, unit, now.soft, now.hard);
	return r;
}

int unit_limit_write(const struct host *h, const char *unit, const struct rlimit_key *k,
		     const struct proc_limit *l, struct err *e)
{
	struct dropin before = {0}, with;
	struct err ignored;
	int there = dropin_read(h, unit, k, &before, e), left = 0, r = 0;

	if (there < 0)
		return there;
	if (!there)
		left = dropin_left(h, unit, k, &before, e);
	if (left < 0)
		return left;
	if (!there && !left)
		r = in_force(unit, k, &before.before, e);
	if (r < 0)
		return r;
	if (same(l, &before.before))
		return there || left ? take_away(h, unit, k, e) : dropin_sweep(h, unit, k, e);
	with = before;
	with.limit = *l;
	r = put(h, unit, k, &with, e);
	if (r == 0)
		return 0;
	/* As it was before the call; the error that led here is the one that counts. */
	if (!there)
		(void)!take_away(h, unit, k, &ignored);
	else if (dropin_write(h, unit, k, &before, &ignored) == 0)
		(void)!systemctl_reload(&ignored);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of live processes, by prlimit(2), and of systemd units, by a drop-in. Values: SOFT HARD.
 */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/limit_key.h"
#include "sys/caps.h"
#include "sys/unit_limit.h"

static int parse_key(const char *key, struct limit_key *ret, struct err *e)
{
	if (limit_key_parse(key, ret) < 0)
		return err_set(e, ERR_BAD_INPUT, "'%s' does not name a limit", key);
	return 0;
}

/* One that is written: a unit's drop-in or one process. */
static int parse_object(const char *key, struct limit_key *ret, struct err *e)
{
	int r = parse_key(key, ret, e);

	if (r == 0 && ret->subject != LIMIT_OF_UNIT && ret->subject != LIMIT_OF_PID)
		return err_set(e, ERR_BAD_INPUT, "'%s' does not name one object", key);
	return r;
}

static int expand(const struct host *h, const char *key, struct knob_keys *ret, struct err *e)
{
	cleanup_free pid_t *pids = NULL;
	struct limit_key k;
	size_t len;
	int r = parse_key(key, &k, e);

	if (r == 0 && k.subject == LIMIT_OF_UNIT) {
		struct proc_limit now;

		r = unit_limit_read(h, k.name, k.limit, &now, e);
		if (r == 0)
			knob_keys_add(ret, "%s", key);
	}
	if (r == 0)
		r = limit_key_pids(h, &k, &pids, &len, e);
	for (size_t i = 0; r == 0 && i < len; i++)
		knob_keys_add(ret, "pid:%d/%s", (int)pids[i], k.limit->name);
	return r;
}

/* The command that `run` starts is not on this host yet: runup gives it its limits itself. */
static bool none_is_fine(const char *key)
{
	struct limit_key k;

	return limit_key_parse(key, &k) == 0 && k.subject == LIMIT_OF_COMMAND;
}

/* A wish is of the limit in force, so of the soft one; the hard one has to be as high. */
static int resolve(const struct host *h unused_, const char *key unused_, const char *want,
		   char *buf, struct err *e unused_)
{
	snprintf(buf, KNOB_VALUE_MAX, "%s %s", want, want);
	return 0;
}

static int gone(int r, const struct limit_key *k, struct err *e)
{
	if (r != -ESRCH)
		return r;
	return err_set(e, ENOENT, "process '%d' is not there any more", (int)k->pid);
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	struct limit_key k;
	int r = parse_object(key, &k, e);

	if (r < 0)
		return r;
	return k.subject == LIMIT_OF_UNIT ? unit_limit_permitted(h, k.name, k.limit, e)
					  : gone(rlimit_settable(k.pid, k.limit, e), &k, e);
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	struct proc_limit l;
	struct limit_key k;
	int r = parse_object(key, &k, e);

	if (r < 0)
		return r;
	r = k.subject == LIMIT_OF_UNIT
		    ? unit_limit_read(h, k.name, k.limit, &l, e)
		    : gone(proc_limit(h, k.pid, k.limit->proc_name, &l, e), &k, e);
	if (r == 0)
		snprintf(buf, KNOB_VALUE_MAX, "%" PRIu64 " %" PRIu64, l.soft, l.hard);
	return r;
}

/*
 * prlimit(2) takes no pidfd: between the proof of identity and the call a pid could be given to
 * another process, but only after all others were (alloc_pid(), kernel/pid.c).
 */
static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	char soft[24], hard[24];
	struct limit_key k;
	struct proc_limit l;
	int r = parse_object(key, &k, e);

	if (r < 0)
		return r;

	const char *rest = parse_word(value, soft, sizeof(soft));

	if (!rest || !parse_word(rest, hard, sizeof(hard)) ||
	    parse_u64(soft, 0, UINT64_MAX, &l.soft) < 0 ||
	    parse_u64(hard, 0, UINT64_MAX, &l.hard) < 0)
		return err_set(e, EINVAL, "'%s' is not a soft and a hard limit", value);
	return k.subject == LIMIT_OF_UNIT ? unit_limit_write(h, k.name, k.limit, &l, e)
					  : gone(rlimit_set(h, k.pid, k.limit, &l, e), &k, e);
}

static int identity(const struct host *h, const char *key, char *buf, struct err *e)
{
	struct proc_identity p;
	struct limit_key k;
	int r = parse_object(key, &k, e);

	if (r < 0)
		return r;
	/* The unit's name is what a drop-in belongs to, whatever becomes of the unit. */
	if (k.subject == LIMIT_OF_UNIT) {
		snprintf(buf, KNOB_IDENTITY_MAX, "host");
		return 0;
	}
	r = gone(proc_identity(h, k.pid, &p, e), &k, e);
	if (r == 0)
		snprintf(buf, KNOB_IDENTITY_MAX, "pid:%d start:%" PRIu64, (int)p.pid,
			 p.start_ticks);
	return r;
}

static bool ends(const char *key)
{
	struct limit_key k;

	return limit_key_parse(key, &k) == 0 && k.subject == LIMIT_OF_PID;
}

static bool durable(const char *key)
{
	struct limit_key k;

	return limit_key_parse(key, &k) == 0 && k.subject == LIMIT_OF_UNIT;
}

/* After fs.nr_open, which caps them; what lies on disk first, so that it goes back last. */
static int rank(const char *key)
{
	return durable(key) ? 5 : 6;
}

/*
 * systemd knows root without CAP_SYS_ADMIN by polkit alone (sd_bus_query_sender_privilege()), which
 * a server may not have. Other users' processes and hard limits: prlimit(2).
 */
static uint64_t caps(const char *key)
{
	return durable(key) ? CAP_BIT(CAP_SYS_ADMIN) : CAP_BIT(CAP_SYS_RESOURCE);
}

const struct knob knob_rlimit = {
	.kind = "rlimit",
	.expand = expand,
	.none_is_fine = none_is_fine,
	.resolve = resolve,
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.identity = identity,
	.ends = ends,
	.durable = durable,
	.rank = rank,
	.caps = caps,
};

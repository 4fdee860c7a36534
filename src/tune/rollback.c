/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tune/apply.h"
#include "tune/chain.h"
#include "tune/journal_line.h"
#include "tune/knob.h"
#include "tune/scope.h"

/* One rollback under way. */
struct undo {
	const struct host *host; /* as in the changeset's namespace */
	const struct state_dir *dir;
	const struct rollback_options *options;
	struct changeset cs;
	struct chain chain;
	struct journal journal; /* fd -1: dry run */
	bool *pending;		/* per change: not undone before this call */
	bool journal_failed;
	struct err journal_err; /* the first one */
};

static void undo_done(struct undo *u)
{
	journal_close(&u->journal);
	chain_done(&u->chain);
	changeset_done(&u->cs);
}

static enum change_result result(struct undo *u, size_t n, enum change_result r, const char *fmt,
				 ...) printf_(4, 5);

static enum change_result result(struct undo *u, size_t n, enum change_result r, const char *fmt,
				 ...)
{
	struct change *c = &u->cs.changes.item[n];
	va_list ap;

	va_start(ap, fmt);
	c->why = arena_vprintf(&u->cs.changes.arena, fmt, ap);
	va_end(ap);
	c->result = r;
	return r;
}

static const char *ours(const struct changeset *cs, size_t n)
{
	return cs->done[n] ? cs->changes.item[n].after : cs->changes.item[n].write;
}

static enum change_result restore(struct undo *u, const struct knob *k, size_t n)
{
	struct change *c = &u->cs.changes.item[n];
	char back[KNOB_VALUE_MAX];
	struct err e;

	if (k->permitted(u->host, c->key, &e) < 0)
		return result(u, n, CHANGE_FAILED, "%s", e.msg);
	if (u->options->dry_run)
		return result(u, n, CHANGE_PLANNED, "now %s, would be set back to %s", c->now,
			      c->before);
	if (k->write(u->host, c->key, c->before, &e) < 0 || k->read(u->host, c->key, back, &e) < 0)
		return result(u, n, CHANGE_FAILED, "%s", e.msg);
	if (!value_equal(c->value_kind, back, c->before))
		return result(u, n, CHANGE_FAILED, "set back to %s, but the kernel kept %s",
			      c->before, back);
	return result(u, n, CHANGE_RESTORED, "was %s, set back to %s", c->now, c->before);
}

/* A later changeset holds the key: its values stay, and it is the one that returns to `before`. */
static enum change_result hand_over(struct undo *u, size_t n, struct changeset *heir, size_t m)
{
	struct change *c = &u->cs.changes.item[n];
	struct change *theirs = &heir->changes.item[m];
	enum value_is found = chain_judge(&u->cs, n, theirs->before);
	struct journal j = {.fd = -1};
	struct err e;

	if (found == VALUE_IS_BEFORE && !heir->first_before[m])
		return result(u, n, CHANGE_UNCHANGED, "changeset %s found %s when it took over",
			      heir->id, theirs->before);
	if (found == VALUE_IS_OTHERS && !u->options->force)
		return result(u, n, CHANGE_DRIFTED,
			      "runup wrote %s, changeset %s found %s later: somebody changed it in "
			      "between, left alone",
			      ours(&u->cs, n), heir->id, theirs->before);
	if (found != VALUE_IS_BEFORE && !u->options->dry_run) {
		int r = journal_reopen(&j, u->dir, heir, &e);

		if (r == 0)
			r = journal_before(&j, m, c->before, &e);
		if (r == 0) {
			heir->next_seq = j.seq;
			heir->good_end = lseek(j.fd, 0, SEEK_END);
			heir->first_before[m] = theirs->before;
			theirs->before = arena_strdup(&heir->changes.arena, c->before);
		}
		journal_close(&j);
		if (r < 0)
			return result(u, n, CHANGE_FAILED, "%s", e.msg);
	}
	return result(u, n, CHANGE_INHERITED, "changeset %s holds it now and returns to %s",
		      heir->id, c->before);
}

static enum change_result undo_by_value(struct undo *u, const struct knob *k, size_t n)
{
	struct change *c = &u->cs.changes.item[n];
	char now[KNOB_VALUE_MAX];
	struct err e;
	int r = k->read(u->host, c->key, now, &e);

	if (r == -ENOENT)
		return result(u, n, CHANGE_GONE, "it is not there any more, nothing to set back");
	if (r < 0)
		return result(u, n, CHANGE_UNKNOWN, "%s", e.msg);
	c->now = arena_strdup(&u->cs.changes.arena, now);

	enum value_is found = chain_judge(&u->cs, n, now);

	/* On disk, a write that was killed half-way may have left more than the value shows. */
	if (found == VALUE_IS_BEFORE && knob_durable(k, c->key) && !u->options->dry_run &&
	    k->write(u->host, c->key, c->before, &e) < 0)
		return result(u, n, CHANGE_FAILED, "%s", e.msg);
	if (found == VALUE_IS_BEFORE)
		return result(u, n, CHANGE_UNCHANGED, "%s is there already", c->before);
	if (found == VALUE_IS_OTHERS && !u->options->force)
		return result(u, n, CHANGE_DRIFTED,
			      "now %s, runup wrote %s: somebody changed it since, left alone "
			      "(runup rollback --force %s sets it back to %s)",
			      now, ours(&u->cs, n), u->cs.id, c->before);
	return restore(u, k, n);
}

/* False: nothing is written, and why. */
static bool still_its_own(struct undo *u, const struct knob *k, size_t n)
{
	struct change *c = &u->cs.changes.item[n];
	char identity[KNOB_IDENTITY_MAX], device[LINK_NAME_MAX];
	struct err e;
	int r = knob_holder(u->host, k, c->key, u->cs.identity[n], identity, device, &e);

	if (r < 0) {
		(void)result(u, n, CHANGE_UNKNOWN, "%s", e.msg);
		return false;
	}
	switch ((enum holder)r) {
	case HOLDER_SAME:
		return true;
	case HOLDER_NONE:
		(void)result(u, n, CHANGE_GONE, "it is not there any more, nothing to set back");
		break;
	case HOLDER_ANOTHER:
		(void)result(u, n, CHANGE_GONE, "its name belongs to another one now (%s, was %s)",
			     identity, u->cs.identity[n]);
		break;
	case HOLDER_RENAMED:
		(void)result(u, n, CHANGE_UNKNOWN,
			     "its device is called '%s' now: give it its name back and roll back "
			     "again, or set %s there and then close this (runup rollback --force "
			     "%s)",
			     device, c->before, u->cs.id);
		break;
	case HOLDER_NOT_PROVEN:
		(void)result(u, n, CHANGE_UNKNOWN,
			     "the journal says it belongs to '%s', but here it is of '%s'",
			     u->cs.identity[n], identity);
		break;
	}
	return false;
}

static enum change_result undo_change(struct undo *u, size_t n)
{
	struct change *c = &u->cs.changes.item[n];
	const struct knob *k = knob_find(c->kind);
	struct err e;
	size_t m;

	c->now = NULL;
	if (!*c->kind)
		return result(u, n, CHANGE_UNKNOWN,
			      "its line in the journal is not proven, nothing was done");
	if (!k || k->permitted(u->host, c->key, &e) == -ERR_BAD_INPUT)
		return result(u, n, CHANGE_UNKNOWN, "runup does not set %s '%s'", c->kind, c->key);
	if (!still_its_own(u, k, n))
		return c->result;
	chain_inherit(&u->chain, &u->cs, n);

	struct changeset *heir = chain_heir(&u->chain, &u->cs, n, &m);

	return heir ? hand_over(u, n, heir, m) : undo_by_value(u, k, n);
}

static void note_journal(struct undo *u, int r, const struct err *e)
{
	if (r < 0 && !u->journal_failed) {
		u->journal_failed = true;
		u->journal_err = *e;
	}
}

static bool dealt_with(enum change_result r)
{
	return r == CHANGE_RESTORED || r == CHANGE_UNCHANGED || r == CHANGE_DRIFTED ||
	       r == CHANGE_GONE || r == CHANGE_INHERITED;
}

static bool pending(const struct undo *u, size_t n)
{
	return !u->cs.undone[n] ||
	       (u->options->force && u->cs.changes.item[n].result == CHANGE_DRIFTED);
}

/* What lies on disk is still there whatever took the rest along. */
static bool durable(const struct undo *u, size_t n)
{
	const struct change *c = &u->cs.changes.item[n];
	const struct knob *k = knob_find(c->kind);

	return k && knob_durable(k, c->key);
}

/*
 * Backwards; `gone`: nothing to write but on disk, and why. Closes the changeset if nothing is left
 * to do.
 */
static void undo_all(struct undo *u, const char *gone)
{
	/* --force gives up what the journal does not prove; nothing is written for it. */
	bool left = !gone && !u->cs.count_proven && !u->options->force;
	struct err e;

	for (size_t n = u->cs.changes.len; n-- > 0;) {
		if (!pending(u, n))
			continue;
		enum change_result r = gone && !durable(u, n)
					       ? result(u, n, CHANGE_GONE, "%s", gone)
					       : undo_change(u, n);
		if (!dealt_with(r))
			left = left || r != CHANGE_UNKNOWN || !u->options->force;
		else if (!u->options->dry_run)
			note_journal(u,
				     journal_undone(&u->journal, n, r, u->cs.changes.item[n].now,
						    &e),
				     &e);
	}
	if (!left && !u->options->dry_run && !u->journal_failed)
		note_journal(u, journal_closed(&u->journal, &e), &e);
}

/* Cut before `planned`: nothing was written, so that is all there is to say. */
static int close_empty(struct undo *u, struct err *e)
{
	char name[JOURNAL_NAME_MAX];

	for (size_t n = 0; n < u->cs.changes.len; n++)
		(void)result(u, n, CHANGE_UNCHANGED, "it was never written");
	if (u->options->dry_run)
		return 0;
	/* Without a whole header there is nothing to add a record to. */
	if (!*u->cs.boot_id) {
		if (unlinkat(u->dir->fd, journal_name(u->cs.id, name), 0) < 0)
			return err_errno(e, errno, "remove the empty journal '%s'", u->cs.id);
		return 0;
	}
	int r = journal_reopen(&u->journal, u->dir, &u->cs, e);
	return r < 0 ? r : journal_closed(&u->journal, e);
}

/* The namespace or the boot is over; what lies on disk is undone from here. */
static int undo_gone(struct undo *u, const struct host *h, const char *why, struct err *e)
{
	int r = chain_load(&u->chain, u->dir, &u->cs, e);

	if (r < 0)
		return r;
	u->host = h;
	undo_all(u, why);
	u->host = NULL;
	return 0;
}

/* In the changeset's own namespace, if that is still there. */
static int undo_in_place(struct undo *u, const struct host *h, struct err *e)
{
	struct place place;
	int r = place_enter(&place, h, &u->cs, e);

	if (r == -ENOENT)
		return undo_gone(u, h, "its network namespace is gone, and the value with it", e);
	if (r < 0)
		return r;
	u->host = &place.host;
	r = chain_load(&u->chain, u->dir, &u->cs, e);
	if (r == 0)
		undo_all(u, NULL);
	u->host = NULL;

	struct err back;
	if (place_leave(&place, &back) < 0)
		return err_set(e, back.code, "%s", back.msg);
	return r;
}

static int undo_open(struct undo *u, const struct host *h, struct err *e)
{
	int r;

	if (!*h->boot_id || !*u->cs.boot_id)
		return err_set(e, EIO,
			       "roll back changeset '%s': cannot tell whether the host was "
			       "rebooted since",
			       u->cs.id);
	if (!u->options->dry_run) {
		r = journal_reopen(&u->journal, u->dir, &u->cs, e);
		if (r < 0)
			return r;
	}
	if (strcmp(h->boot_id, u->cs.boot_id) != 0)
		r = undo_gone(u, h, "the host was rebooted since, which took the value along", e);
	else
		r = undo_in_place(u, h, e);
	if (r == 0 && u->journal_failed)
		return err_set(e, u->journal_err.code, "%s", u->journal_err.msg);
	return r;
}

static int undo_changeset(struct undo *u, const struct host *h, struct err *e)
{
	bool drifted = false;

	switch (u->cs.state) {
	case CHANGESET_UNREADABLE:
		return err_set(e, EBADMSG,
			       "roll back changeset '%s': line %u of its journal: %s; nothing was "
			       "touched",
			       u->cs.id, u->cs.bad_len ? u->cs.bad[0].line : 1,
			       u->cs.bad_len ? u->cs.bad[0].reason : "no header");
	case CHANGESET_EMPTY:
		return close_empty(u, e);
	case CHANGESET_CLOSED:
		for (size_t n = 0; n < u->cs.changes.len; n++)
			drifted |= pending(u, n);
		return drifted ? undo_open(u, h, e) : 0;
	case CHANGESET_UNFINISHED:
	case CHANGESET_OPEN:
		break;
	}
	return undo_open(u, h, e);
}

/* Which changes this call is about: what an earlier one has undone is not done again. */
static void mark_pending(struct undo *u)
{
	u->pending = arena_alloc(&u->cs.changes.arena, u->cs.changes.len + 1);
	for (size_t n = 0; n < u->cs.changes.len; n++)
		u->pending[n] = pending(u, n);
}

static struct changes take_pending(struct undo *u)
{
	struct changes *all = &u->cs.changes;
	size_t kept = 0;

	for (size_t n = 0; n < all->len; n++)
		if (u->pending[n])
			all->item[kept++] = all->item[n];
	all->len = kept;

	struct changes taken = *all;

	*all = (struct changes){0};
	return taken;
}

int rollback_changeset(const struct host *h, const struct state_dir *d, const char *id,
		       const struct rollback_options *o, struct changes *ret, struct err *e)
{
	cleanup_with(undo_done) struct undo u = {.dir = d, .options = o, .journal = {.fd = -1}};

	if (h->captured)
		return err_set(e, EROFS, "roll back '%s': a captured host is never written",
			       h->root);
	int r = changeset_read(d, id, &u.cs, e);
	if (r < 0)
		return r;
	mark_pending(&u);
	r = undo_changeset(&u, h, e);
	*ret = take_pending(&u);
	return r;
}

static uint64_t caps_of(const struct host *h, const struct changeset *cs)
{
	uint64_t caps = place_is_elsewhere(h, cs) ? PLACE_CAPS : 0;

	for (size_t i = 0; i < cs->changes.len; i++) {
		const struct knob *k = knob_find(cs->changes.item[i].kind);

		caps |= k ? knob_caps(k, cs->changes.item[i].key) : 0;
	}
	return caps;
}

int rollback_caps(const struct host *h, const struct state_dir *d, const char *id, uint64_t *ret,
		  struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	uint64_t caps = 0;
	size_t len;
	int r = changeset_ids(d, &ids, &len, e);

	for (size_t i = 0; r == 0 && i < len; i++) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		struct err unread;

		/* Of what cannot be read nothing can be rolled back. */
		if (changeset_read(d, ids[i], &cs, &unread) == 0 &&
		    (changeset_stands(&cs) || (id && strcmp(id, ids[i]) == 0)))
			caps |= caps_of(h, &cs);
	}
	if (r == 0)
		*ret = caps;
	return r;
}

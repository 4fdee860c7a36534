/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tune/knob.h"
#include "tune/plan.h"

/* Where an object ended by itself: as, with the reason; else r. */
static int unless_ended(struct changes *plan, struct change *c, int r, enum change_result as,
			const struct err *e)
{
	if (r != -ENOENT || !knob_ends(knob_find(c->kind), c->key))
		return r;
	c->result = as;
	c->why = arena_strdup(&plan->arena, e->msg);
	return 0;
}

/*
 * The plan may be older than the lock: another apply or rollback may have changed what it found,
 * also what it found satisfied.
 */
static int read_again(const struct host *h, struct changes *plan, struct err *e)
{
	for (size_t i = 0; i < plan->len; i++) {
		struct change *c = &plan->item[i];
		const struct knob *k = knob_find(c->kind);
		bool satisfied = c->result == CHANGE_SATISFIED;

		if (c->result != CHANGE_PLANNED && !satisfied)
			continue;
		int r = plan_value(h, k, plan, c, e);
		if (r == 0 && satisfied && c->result == CHANGE_PLANNED)
			r = k->permitted(h, c->key, e);
		r = unless_ended(plan, c, r, CHANGE_MISSING, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Copies of the identities, parallel to the plan, in its arena; the array is the caller's. */
static int identities(const struct host *h, struct changes *plan, const char ***ret, struct err *e)
{
	cleanup_free const char **identity = calloc(plan->len, sizeof(*identity));

	if (!identity)
		out_of_memory();
	for (size_t i = 0; i < plan->len; i++) {
		struct change *c = &plan->item[i];
		char text[KNOB_IDENTITY_MAX];
		int r;

		if (c->result != CHANGE_PLANNED)
			continue;
		r = knob_find(c->kind)->identity(h, c->key, text, e);
		r = unless_ended(plan, c, r, CHANGE_MISSING, e);
		if (r < 0)
			return r;
		if (c->result != CHANGE_PLANNED)
			continue;
		identity[i] = arena_strdup(&plan->arena, text);
	}
	*ret = TAKE_PTR(identity);
	return 0;
}

/*
 * Writes, reads back and records one change. What the kernel shows afterwards is recorded even if
 * the write failed or did not take, since both may leave another value than the one before:
 * do_proc_dointvec() stores the fields of a triple one by one and refuses at the first bad one.
 */
static int write_change(const struct host *h, struct journal *j, struct changes *plan,
			struct change *c, size_t n, struct err *e)
{
	const struct knob *k = knob_find(c->kind);
	char after[KNOB_VALUE_MAX];
	struct err other;
	int written = k->write(h, c->key, c->write, e);
	int r = k->read(h, c->key, after, written < 0 ? &other : e);

	if (r < 0)
		return written < 0 ? written : r;
	if (written < 0 && value_equal(c->value_kind, after, c->before))
		return written;
	c->after = arena_strdup(&plan->arena, after);
	r = journal_done(j, n, after, knob_durable(k, c->key), written < 0 ? &other : e);
	if (written < 0)
		return written;
	if (r < 0)
		return r;
	if (!plan_satisfied(c, after))
		return err_set(e, EINVAL, "write '%s' to %s '%s': the kernel kept '%s'", c->write,
			       c->kind, c->key, after);
	c->result = CHANGE_WRITTEN;
	return 0;
}

/*
 * keep_going: what fails is marked and the rest is written all the same; but not without a journal,
 * since rollback has to know of each.
 */
static int write_changes(const struct host *h, struct journal *j, struct changes *plan,
			 bool keep_going, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->len; i++) {
		struct change *c = &plan->item[i];

		if (c->result != CHANGE_PLANNED)
			continue;
		int r = write_change(h, j, plan, c, n++, e);
		r = unless_ended(plan, c, r, CHANGE_GONE, e);
		if (r < 0) {
			c->result = CHANGE_FAILED;
			c->why = arena_strdup(&plan->arena, e->msg);
			if (!keep_going || j->failed)
				return r;
		}
	}
	return journal_applied(j, e);
}

/* Tells the plan what became of its changes in the rollback: intents are its planned ones. */
static void take_results(struct changes *plan, const struct changes *undone)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->len && n < undone->len; i++) {
		struct change *c = &plan->item[i];

		if (c->result == CHANGE_SATISFIED || c->result == CHANGE_MISSING)
			continue;
		const struct change *u = &undone->item[n++];

		if (c->result != CHANGE_WRITTEN)
			continue;
		c->result = u->result;
		c->now = u->now ? arena_strdup(&plan->arena, u->now) : NULL;
		c->why = u->why ? arena_strdup(&plan->arena, u->why) : NULL;
	}
}

/* Takes back what a failed apply wrote; returns the apply's own error, with what is left to do. */
static int take_back(const struct host *h, const struct state_dir *d, const char *id,
		     struct changes *plan, int failed, struct err *e)
{
	cleanup_with(changes_done) struct changes undone = {0};
	struct rollback_options options = {0};
	struct err undo;
	int r = rollback_changeset(h, d, id, &options, &undone, &undo);

	take_results(plan, &undone);
	size_t left = changes_count(&undone, CHANGE_UNKNOWN) +
		      changes_count(&undone, CHANGE_FAILED) +
		      changes_count(&undone, CHANGE_DRIFTED);
	struct err first = *e;

	if (r < 0)
		return err_set(e, first.code,
			       "%s; taking back what was written before it: %s (`runup rollback "
			       "%s`)",
			       first.msg, undo.msg, id);
	if (left)
		return err_set(e, first.code,
			       "%s; %zu of the values written before it could not be taken back "
			       "(`runup rollback %s --force`)",
			       first.msg, left, id);
	return failed;
}

int apply_changes(const struct host *h, const struct state_dir *d,
		  const struct journal_header *header, struct changes *plan,
		  char id[CHANGESET_ID_MAX], struct err *e)
{
	struct journal j;

	id[0] = '\0';
	if (h->captured)
		return err_set(e, EROFS, "apply to '%s': a captured host is never written",
			       h->root);
	int r = read_again(h, plan, e);
	if (r < 0)
		return r;
	if (changes_count(plan, CHANGE_PLANNED) == 0)
		return 0;

	cleanup_free const char **identity = NULL;

	r = identities(h, plan, &identity, e);
	if (r < 0 || changes_count(plan, CHANGE_PLANNED) == 0)
		return r;
	r = journal_create(&j, d, h, header, plan, identity, e);
	if (r < 0)
		return r;
	memcpy(id, j.id, CHANGESET_ID_MAX);
	r = write_changes(h, &j, plan, header->keep_going, e);
	journal_close(&j);
	return r < 0 ? take_back(h, d, id, plan, r, e) : 0;
}

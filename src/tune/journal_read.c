/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "tune/journal.h"
#include "tune/journal_line.h"
#include "tune/knob.h"

struct reader {
	struct changeset *cs;
	size_t change_cap;	       /* of the arrays beside cs->changes */
	unsigned line;		       /* from 1 */
	int64_t last;		       /* SEQ of the last proven line, -1 before the first */
	bool header;		       /* proven */
	bool applied, closed, touched; /* touched: a record that only follows `planned` */
};

static void bad_line(struct reader *r, const char *reason)
{
	struct changeset *cs = r->cs;
	struct bad_line *b = array_push((void **)&cs->bad, &cs->bad_len, &cs->bad_cap, sizeof(*b));

	*b = (struct bad_line){r->line, reason};
}

/*
 * Makes changes 0…n exist. One whose intent is not proven stays CHANGE_UNKNOWN, with texts that are
 * empty and never written.
 */
static void make_room(struct reader *r, size_t n)
{
	struct changeset *cs = r->cs;

	while (cs->changes.len <= n) {
		size_t i = cs->changes.len;
		struct change *c = changes_add(&cs->changes, "", "");

		c->want = c->before = c->write = c->expect = "";
		c->result = CHANGE_UNKNOWN;
		c->why = "its line in the journal is not proven";
		if (i == r->change_cap) {
			r->change_cap = r->change_cap ? r->change_cap * 2 : 16;
			cs->identity = reallocarray(cs->identity, r->change_cap, sizeof(char *));
			cs->first_before =
				reallocarray(cs->first_before, r->change_cap, sizeof(char *));
			cs->done = reallocarray(cs->done, r->change_cap, sizeof(bool));
			cs->undone = reallocarray(cs->undone, r->change_cap, sizeof(bool));
			if (!cs->identity || !cs->first_before || !cs->done || !cs->undone)
				out_of_memory();
		}
		cs->identity[i] = "";
		cs->first_before[i] = NULL;
		cs->done[i] = cs->undone[i] = false;
	}
}

static const char *keep(struct changeset *cs, const char *text)
{
	return arena_strdup(&cs->changes.arena, text);
}

/* The number of a change that later records name; NULL, or why it is none. */
static const char *change_number(struct reader *r, json_t *rec, size_t *ret)
{
	json_int_t n;

	if (json_unpack(rec, "{s:I}", "n", &n) < 0 || n < 0 || n >= JOURNAL_CHANGES_MAX)
		return "names no change";
	if (r->cs->count_proven && (size_t)n >= r->cs->changes.len)
		return "names a change that was never planned";
	make_room(r, (size_t)n);
	*ret = (size_t)n;
	r->touched = true;
	return NULL;
}

/* A process as two fields of the header tell it; both or none. */
static const char *take_process(json_t *rec, const char *pid_key, const char *start_key,
				struct proc_identity *ret)
{
	json_int_t pid = 0, start = 0;

	if (json_unpack(rec, "{s?I, s?I}", pid_key, &pid, start_key, &start) < 0 || pid < 0 ||
	    pid > INT_MAX || start < 0)
		return "a header with a process that cannot be one";
	*ret = (struct proc_identity){.pid = (pid_t)pid, .start_ticks = (uint64_t)start};
	return NULL;
}

/* Its name is handed to systemctl: one of ours, or it is none. */
static bool timer_sane(const char *name)
{
	size_t front = strlen(TENURE_TIMER);

	return strncmp(name, TENURE_TIMER, front) == 0 && strlen(name) < 64 &&
	       name[front + strspn(name + front, "0123456789")] == '\0';
}

/* Fields of format 2: journals of format 1 have none of them, and are for good. */
static const char *take_tenure(struct changeset *cs, json_t *rec)
{
	struct tenure t = {.run = false};
	const char *until = NULL, *timer = NULL, *reason;
	json_int_t deadline = 0;
	int run = 0;

	if (json_unpack(rec, "{s?b, s?I, s?s, s?s}", "run", &run, "deadline_ns", &deadline, "until",
			&until, "timer", &timer) < 0 ||
	    deadline < 0 || (deadline > 0) != (until != NULL) || (timer && !timer_sane(timer)))
		return "a header with a deadline that cannot be one";
	reason = take_process(rec, "pid", "start", &t.maker);
	if (!reason)
		reason = take_process(rec, "guardian_pid", "guardian_start", &t.guardian);
	if (reason)
		return reason;
	t.run = run;
	t.deadline_ns = (uint64_t)deadline;
	t.until = until ? keep(cs, until) : NULL;
	t.timer = timer ? keep(cs, timer) : NULL;
	cs->tenure = t;
	return NULL;
}

static const char *take_header(struct reader *r, json_t *rec, uint32_t seq)
{
	struct changeset *cs = r->cs;
	const char *id, *boot_id, *cookie, *netns, *user, *time, *profile, *command;
	int format;

	if (seq != 0 || r->line != 1)
		return "a header is not at the beginning";
	if (json_unpack(rec, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", &format,
			"id", &id, "boot_id", &boot_id, "netns_cookie", &cookie, "netns", &netns,
			"user", &user, "time", &time, "profile", &profile, "command", &command) < 0)
		return "a header without all its fields";
	if (format < JOURNAL_FORMAT_OLDEST || format > JOURNAL_FORMAT)
		return "a format that this version of runup does not know";
	if (strcmp(id, cs->id) != 0)
		return "the header of another changeset";
	if (parse_u64(cookie, 0, UINT64_MAX, &cs->netns_cookie) < 0)
		return "a header with a wrong namespace cookie";

	const char *reason = take_tenure(cs, rec);

	if (reason)
		return reason;
	cs->boot_id = keep(cs, boot_id);
	cs->netns = keep(cs, netns);
	cs->user = keep(cs, user);
	cs->time = keep(cs, time);
	cs->profile = keep(cs, profile);
	cs->command = keep(cs, command);
	r->header = true;
	return NULL;
}

static const char *take_intent(struct reader *r, json_t *rec, uint32_t seq)
{
	struct changeset *cs = r->cs;
	const char *kind, *key, *identity, *value_kind, *op, *before, *want, *write, *expect;
	json_int_t n;
	enum value_kind vk;
	enum op o;

	if (json_unpack(rec, "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "n", &n, "kind",
			&kind, "key", &key, "identity", &identity, "value_kind", &value_kind, "op",
			&op, "before", &before, "want", &want, "write", &write, "expect",
			&expect) < 0)
		return "an intent without all its fields";
	if (n < 0 || n >= JOURNAL_CHANGES_MAX || (uint32_t)n + 1 != seq || cs->count_proven)
		return "an intent out of place";
	if (!value_kind_find(value_kind, &vk) || !op_find(op, &o) || !knob_value_sane(before) ||
	    !knob_value_sane(want) || !knob_value_sane(write) || !knob_value_sane(expect))
		return "an intent with a value that cannot be one";
	make_room(r, (size_t)n);

	struct change *c = &cs->changes.item[n];

	*c = (struct change){
		.kind = keep(cs, kind),
		.key = keep(cs, key),
		.value_kind = vk,
		.op = o,
		.want = keep(cs, want),
		.before = keep(cs, before),
		.write = keep(cs, write),
		.expect = keep(cs, expect),
		.result = CHANGE_PLANNED,
	};
	cs->identity[n] = keep(cs, identity);
	return NULL;
}

static const char *take_planned(struct reader *r, json_t *rec, uint32_t seq)
{
	json_int_t count;

	if (json_unpack(rec, "{s:I}", "count", &count) < 0 || count < 0 ||
	    count > JOURNAL_CHANGES_MAX || (uint32_t)count + 1 != seq || r->cs->count_proven ||
	    r->cs->changes.len > (size_t)count)
		return "a plan that does not fit the lines before it";
	if (count > 0)
		make_room(r, (size_t)count - 1);
	r->cs->count_proven = true;
	return NULL;
}

static const char *take_done(struct reader *r, json_t *rec, uint32_t seq unused_)
{
	struct changeset *cs = r->cs;
	const char *after, *reason;
	size_t n;

	if (json_unpack(rec, "{s:s}", "after", &after) < 0 || !knob_value_sane(after))
		return "a result without a value";
	reason = change_number(r, rec, &n);
	if (reason)
		return reason;
	cs->done[n] = true;
	cs->changes.item[n].after = keep(cs, after);
	if (cs->changes.item[n].result == CHANGE_PLANNED)
		cs->changes.item[n].result = CHANGE_WRITTEN;
	return NULL;
}

static const char *take_applied(struct reader *r, json_t *rec unused_, uint32_t seq unused_)
{
	r->applied = r->touched = true;
	return NULL;
}

static const char *take_confirmed(struct reader *r, json_t *rec unused_, uint32_t seq unused_)
{
	r->cs->confirmed = r->touched = true;
	return NULL;
}

static const char *take_before(struct reader *r, json_t *rec, uint32_t seq unused_)
{
	struct changeset *cs = r->cs;
	const char *before, *reason;
	size_t n;

	if (json_unpack(rec, "{s:s}", "before", &before) < 0 || !knob_value_sane(before))
		return "a value to return to that cannot be one";
	reason = change_number(r, rec, &n);
	if (reason)
		return reason;

	struct change *c = &cs->changes.item[n];

	if (!cs->first_before[n])
		cs->first_before[n] = c->before;
	c->before = keep(cs, before);
	return NULL;
}

static const char *take_undone(struct reader *r, json_t *rec, uint32_t seq unused_)
{
	struct changeset *cs = r->cs;
	enum change_result result;
	const char *name, *reason;
	json_t *now;
	size_t n;

	if (json_unpack(rec, "{s:s, s:o}", "result", &name, "now", &now) < 0 ||
	    !change_result_find(name, &result))
		return "a rollback without a result";
	reason = change_number(r, rec, &n);
	if (reason)
		return reason;
	cs->undone[n] = true;

	struct change *c = &cs->changes.item[n];

	/* Of an intent that is not proven nothing is known, whatever became of it. */
	if (!*c->kind)
		return NULL;
	c->result = result;
	c->why = "by an earlier rollback";
	c->now = json_is_string(now) ? keep(cs, json_string_value(now)) : NULL;
	return NULL;
}

static const char *take_closed(struct reader *r, json_t *rec unused_, uint32_t seq unused_)
{
	r->closed = r->touched = true;
	return NULL;
}

static const struct {
	const char *type;
	const char *(*take)(struct reader *r, json_t *rec, uint32_t seq);
} records[] = {
	{"header", take_header}, {"intent", take_intent},   {"planned", take_planned},
	{"done", take_done},	 {"applied", take_applied}, {"before", take_before},
	{"undone", take_undone}, {"closed", take_closed},   {"confirmed", take_confirmed},
};

static const char *take_record(struct reader *r, const char *json, size_t len, uint32_t seq)
{
	json_t *rec = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const char *type, *reason = "no record, though its checksum fits";

	if (rec && json_unpack(rec, "{s:s}", "type", &type) == 0) {
		reason = "a record of an unknown type";
		for (size_t i = 0; i < ARRAY_LEN(records); i++)
			if (strcmp(records[i].type, type) == 0)
				reason = records[i].take(r, rec, seq);
	}
	json_decref(rec);
	return reason;
}

static void take_line(struct reader *r, const char *line, size_t len)
{
	uint32_t seq, *next = &r->cs->next_seq;
	const char *reason = journal_prove_line(r->cs->id, line, len, &seq);

	if (!reason && (int64_t)seq <= r->last)
		reason = "a record out of order";
	if (reason) {
		/* A bad line stands for one record, as far as can be told. */
		bad_line(r, reason);
		++*next;
		return;
	}
	if (seq > *next)
		bad_line(r, "records are missing before it");
	r->last = seq;
	*next = seq + 1;
	reason = take_record(r, line + JOURNAL_FRAME, len - JOURNAL_FRAME, seq);
	if (reason)
		bad_line(r, reason);
}

/*
 * What follows the last newline. A torn write leaves the beginning of a line there, and that is
 * nothing. But a whole record is one, whatever became of its newline: it may be `planned`, and to
 * take that for torn would be to say that nothing was written.
 */
static void take_tail(struct reader *r, const char *line, size_t len)
{
	struct changeset *cs = r->cs;
	size_t whole = len;
	uint32_t seq;

	if (journal_prove_line(cs->id, line, whole, &seq)) {
		if (len == 0 || journal_prove_line(cs->id, line, --whole, &seq))
			return;
	}
	r->line++;
	take_line(r, line, whole);
	if (whole < len)
		bad_line(r, "it ends in something else than a newline");
	cs->good_end += (off_t)whole;
	cs->unended = true;
}

static enum changeset_state state_of(const struct reader *r)
{
	const struct changeset *cs = r->cs;

	/* Without one whole line it is what a crash leaves of journal_create(). */
	if (!r->header)
		return cs->good_end == 0 ? CHANGESET_EMPTY : CHANGESET_UNREADABLE;
	if (r->closed)
		return CHANGESET_CLOSED;
	if (r->applied)
		return CHANGESET_OPEN;
	/* A bad line may have been `planned`. */
	if (cs->count_proven || r->touched || cs->bad_len > 0)
		return CHANGESET_UNFINISHED;
	return CHANGESET_EMPTY;
}

static int read_lines(const struct state_dir *d, const char *id, bool header_only,
		      struct changeset *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	long len = journal_slurp(d, id, &text, e);

	if (len < 0)
		return (int)len;
	*ret = (struct changeset){.dir = d,
				  .boot_id = "",
				  .netns = "",
				  .user = "",
				  .time = "",
				  .profile = "",
				  .command = ""};
	/* Its length was checked with the id. */
	strncpy(ret->id, id, sizeof(ret->id) - 1);

	struct reader r = {.cs = ret, .last = -1};
	const char *at = text, *end;

	while (!(header_only && r.line) && (end = memchr(at, '\n', (size_t)(text + len - at)))) {
		r.line++;
		take_line(&r, at, (size_t)(end - at));
		at = end + 1;
		ret->good_end = at - text;
	}
	/* Behind a header that is all that was asked for is the rest, not a tail. */
	if (!(header_only && r.line))
		take_tail(&r, at, (size_t)(text + len - at));
	ret->state = state_of(&r);
	/* Records that are proven, but not the one that says whose they are. */
	if (ret->state == CHANGESET_UNREADABLE && ret->bad_len == 0) {
		r.line = 1;
		bad_line(&r, "no header is before it");
	}
	return 0;
}

int changeset_read(const struct state_dir *d, const char *id, struct changeset *ret, struct err *e)
{
	return read_lines(d, id, false, ret, e);
}

int changeset_read_header(const struct state_dir *d, const char *id, struct changeset *ret,
			  struct err *e)
{
	return read_lines(d, id, true, ret, e);
}

bool changeset_stands(const struct changeset *cs)
{
	return cs->state == CHANGESET_OPEN || cs->state == CHANGESET_UNFINISHED;
}

void changeset_done(struct changeset *cs)
{
	changes_done(&cs->changes);
	free(cs->identity);
	free(cs->first_before);
	free(cs->done);
	free(cs->undone);
	free(cs->bad);
	*cs = (struct changeset){0};
}

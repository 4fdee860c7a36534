/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/changeset_out.h"

#include <string.h>

#include "base/units.h"
#include "cli/cmd.h"
#include "report/json.h"

const char *changeset_state_name(enum changeset_state s)
{
	static const char *const names[] = {
		[CHANGESET_EMPTY] = "empty",
		[CHANGESET_UNFINISHED] = "unfinished",
		[CHANGESET_OPEN] = "open",
		[CHANGESET_CLOSED] = "closed",
		[CHANGESET_UNREADABLE] = "unreadable",
	};

	return names[s];
}

void raise_exit(int *exit_code, int code)
{
	if (*exit_code == EXIT_CLEAN || code == EXIT_FINDINGS)
		*exit_code = code;
}

const char *proven(const char *text)
{
	return text && *text ? text : NULL;
}

json_t *changeset_to_json(const struct changeset *cs)
{
	json_t *j = json_new_object(), *bad = json_new_array();

	for (size_t i = 0; i < cs->bad_len; i++) {
		json_t *line = json_new_object();

		json_put_int(line, "line", cs->bad[i].line);
		json_put_text(line, "reason", cs->bad[i].reason);
		json_append(bad, line);
	}
	json_put_text(j, "id", cs->id);
	json_put_text(j, "profile", proven(cs->profile));
	json_put_text(j, "state", changeset_state_name(cs->state));
	json_put(j, "bad_lines", bad);
	return j;
}

void changeset_bad_lines(const struct changeset *cs, struct strbuf *out)
{
	for (size_t i = 0; i < cs->bad_len; i++)
		strbuf_addf(out, "line %u of its journal is not believed: %s\n", cs->bad[i].line,
			    cs->bad[i].reason);
}

static void put_pid(json_t *j, const char *key, const struct proc_identity *p)
{
	json_put(j, key, p->pid ? json_integer(p->pid) : json_null());
}

json_t *tenure_to_json(const struct host *h, const struct changeset *cs, enum tenure_state ts)
{
	const struct tenure *t = &cs->tenure;
	json_t *j;

	/* Journals of format 1 do not name their maker. */
	if (!t->maker.pid)
		return json_null();
	j = json_new_object();
	json_put_text(j, "state", tenure_state_name(ts));
	json_put_bool(j, "run", t->run);
	put_pid(j, "pid", &t->maker);
	put_pid(j, "guardian", &t->guardian);
	json_put_text(j, "timer", t->timer);
	json_put_text(j, "until", t->until);
	json_put(j, "left_s",
		 t->deadline_ns && !cs->confirmed
			 ? json_real((double)tenure_left_ns(h, cs) / (double)NS_PER_S)
			 : json_null());
	json_put_bool(j, "confirmed", cs->confirmed);
	return j;
}

static void waiting_text(const struct host *h, const struct changeset *cs, enum tenure_state ts,
			 struct strbuf *out)
{
	uint64_t left_ns = tenure_left_ns(h, cs);
	char left[UNITS_MAX];

	/* Nobody needs the milliseconds. */
	if (left_ns > NS_PER_S)
		left_ns -= left_ns % NS_PER_S;
	units_duration(left_ns, left);
	if (ts == TENURE_WAITING)
		strbuf_addf(out,
			    "will be rolled back by itself in %s (%s),\nunless confirmed: runup "
			    "confirm %s\n",
			    left, cs->tenure.until, cs->id);
	else
		strbuf_addf(
			out,
			"to be rolled back in %s (%s), but its guardian is gone: the next runup "
			"after that does it; now: runup rollback %s, keep it: runup confirm %s\n",
			left, cs->tenure.until, cs->id, cs->id);
}

void tenure_text(const struct host *h, const struct changeset *cs, enum tenure_state ts,
		 struct strbuf *out)
{
	const struct tenure *t = &cs->tenure;

	switch (ts) {
	case TENURE_PLAIN:
		if (cs->confirmed && cs->state != CHANGESET_CLOSED)
			strbuf_add(out, "confirmed: it stays until it is rolled back\n");
		return;
	case TENURE_WORKING:
		strbuf_addf(
			out,
			t->run ? "a run is in progress (pid %d), which puts it back at its end\n"
			       : "an apply is under way (pid %d)\n",
			(int)t->maker.pid);
		return;
	case TENURE_RESTORING:
		strbuf_addf(out, "its guardian (pid %d) is putting it back\n",
			    (int)t->guardian.pid);
		return;
	case TENURE_LOST:
		strbuf_addf(out,
			    "the run (pid %d) was killed, and so was its guardian; undo it: runup "
			    "rollback %s\n",
			    (int)t->maker.pid, cs->id);
		return;
	case TENURE_WAITING:
	case TENURE_UNWATCHED:
		waiting_text(h, cs, ts, out);
		return;
	case TENURE_OVER:
		strbuf_addf(out, "%s; undo it: runup rollback %s\n",
			    strcmp(h->boot_id, cs->boot_id) == 0
				    ? "past its time (--for), and nobody rolled it back"
				    : "not confirmed (--for) before the host was rebooted",
			    cs->id);
	}
}

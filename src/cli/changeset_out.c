/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/changeset_out.h"

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/record.h"

#include "base/units.h"
#include "report/json.h"
#include "report/redact.h"

static double seconds(uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS;

	return (double)ms / 1000.0;
}

static json_t *number_or_null(bool known, int n)
{
	return known ? json_integer(n) : json_null();
}

static json_t *command_to_json(const struct run_record *r)
{
	json_t *command = json_new_object(), *argv = json_null();
	char **words = r->hide_argv ? NULL : redact_argv(r->argv);

	if (words) {
		argv = json_new_array();
		for (size_t i = 0; words[i]; i++)
			json_append(argv, json_new_text(words[i]));
	}
	redact_free(words);
	json_put(command, "argv", argv);
	json_put_text(command, "user", r->user);
	json_put(command, "exit_code", number_or_null(r->exit_code >= 0, r->exit_code));
	json_put(command, "signal", number_or_null(r->signal != 0, r->signal));
	return command;
}

static json_t *alerts_to_json(const struct alert *const *list, size_t len)
{
	json_t *array = json_new_array();

	for (size_t i = 0; i < len; i++)
		json_append(array, alert_to_json(list[i]));
	return array;
}

static json_t *verdict_to_json(const struct verdict *v)
{
	json_t *object = json_new_object(), *reasons = json_new_array();

	json_put_text(object, "verdict", verdict_name(v->word));
	json_put_text(object, "blame", v->blame);
	json_put(object, "causes", alerts_to_json(v->causes, v->causes_len));
	json_put(object, "background", alerts_to_json(v->background, v->background_len));
	for (size_t i = 0; i < v->reasons_len; i++)
		json_append(reasons, json_new_text(v->reasons[i]));
	json_put(object, "reasons", reasons);
	return object;
}

json_t *record_to_json(const struct run_record *r)
{
	json_t *object = json_new_object();
	char time[RFC3339_MAX];
	bool changed = r->changeset && *r->changeset;

	json_put_text(object, "schema", "runup/run/1");
	json_put_text(object, "version", r->version);
	json_put_text(object, "time", format_rfc3339(r->time_ns, time));
	json_put(object, "duration_s", json_real(seconds(r->duration_ns)));
	json_put(object, "host", host_to_json(r->host));
	json_put(object, "command", command_to_json(r));
	json_put_text(object, "profile", r->profile);
	json_put(object, "load", load_to_json(r->load));
	json_put(object, "findings", findings_to_json(r->findings));
	json_put(object, "skipped", skipped_to_json(r->selection));
	json_put(object, "changes", changes_to_json(r->changes));
	json_put_text(object, "changeset", changed ? r->changeset : NULL);
	json_put(object, "verdict", verdict_to_json(r->verdict));
	json_put(object, "blind", blind_to_json(r->observed));
	json_put(object, "results", json_null());
	return object;
}

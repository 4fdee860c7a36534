/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "base/utf8.h"

static json_t *made(json_t *j)
{
	if (!j)
		out_of_memory();
	return j;
}

json_t *json_new_object(void)
{
	return made(json_object());
}

json_t *json_new_array(void)
{
	return made(json_array());
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, made(value)) < 0)
		out_of_memory();
}

void json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, made(value)) < 0)
		out_of_memory();
}

json_t *json_new_text(const char *text)
{
	json_t *plain = json_string(text);

	if (plain)
		return plain;

	/* jansson refuses text that is not UTF-8 whole. */
	struct strbuf clean = {0};

	utf8_clean(text, &clean);
	plain = made(json_string(strbuf_get(&clean)));
	strbuf_done(&clean);
	return plain;
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	json_put(object, key, text ? json_new_text(text) : json_null());
}

void json_put_int(json_t *object, const char *key, uint64_t n)
{
	json_put(object, key, json_integer((json_int_t)n));
}

void json_put_bool(json_t *object, const char *key, bool b)
{
	json_put(object, key, json_boolean(b));
}

json_t *host_to_json(const struct host *h)
{
	json_t *j = json_new_object();

	if (*h->hostname)
		json_put_text(j, "hostname", h->hostname);
	json_put_text(j, "kernel", h->release);
	json_put_bool(j, "captured", h->captured);
	json_put_text(j, "netns", h->netns);
	json_put_text(j, "root", h->root);
	return j;
}

static json_t *targets_to_json(const struct load *l)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < l->targets_len; i++) {
		struct strbuf text = {0};
		bool v6 = strchr(l->targets[i].host, ':') != NULL;

		strbuf_addf(&text, "%s%s%s:%u", v6 ? "[" : "", l->targets[i].host, v6 ? "]" : "",
			    l->targets[i].port);
		json_append(list, json_new_text(strbuf_get(&text)));
		strbuf_done(&text);
	}
	return list;
}

static void put_counts(json_t *j, const struct load *l)
{
	const struct {
		enum load_field field;
		const char *key;
		uint64_t value;
	} counts[] = {
		{LOAD_RATE, "rate", l->rate},
		{LOAD_CONNECTIONS, "connections", l->connections},
		{LOAD_NEW_CONNECTIONS, "new_connections", l->new_connections},
		{LOAD_BURST, "burst", l->burst},
		{LOAD_SOURCE_IPS, "source_ips", l->source_ips},
		{LOAD_PID, "pid", (uint64_t)l->pid},
	};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (load_states(l, counts[i].field))
			json_put_int(j, counts[i].key, counts[i].value);
}

/* A command was given; name null: it is no generator that is known. */
static json_t *generator_to_json(const struct generator *g)
{
	json_t *j = json_new_object();

	json_put_text(j, "name", g->name);
	json_put_text(j, "model", model_name(g->model));
	json_put_bool(j, "binds_first", g->binds_first);
	json_put_bool(j, "raises_nofile", g->raises_nofile);
	json_put(j, "threads", g->threads ? json_integer((json_int_t)g->threads) : json_null());
	json_put_text(j, "message", g->message);
	return j;
}

json_t *load_to_json(const struct load *l)
{
	bool command = l->generator.name || l->generator.message;

	if (!l->stated && !command)
		return json_null();

	json_t *j = json_new_object();
	const double second = (double)NS_PER_S;

	if (load_states(l, LOAD_ROLE))
		json_put_text(j, "role", role_name(l->role));
	put_counts(j, l);
	if (load_states(l, LOAD_PROCESS))
		json_put_text(j, "process", l->process);
	if (load_states(l, LOAD_UNIT))
		json_put_text(j, "unit", l->unit);
	if (load_states(l, LOAD_KEEPALIVE))
		json_put_bool(j, "keepalive", l->keepalive);
	if (load_states(l, LOAD_CLOSES))
		json_put_text(j, "closes", closes_name(l->closes));
	if (load_states(l, LOAD_BIND_FIRST))
		json_put_bool(j, "bind_first", l->bind_first);
	if (load_states(l, LOAD_TARGET))
		json_put(j, "target", targets_to_json(l));
	if (load_states(l, LOAD_PORT)) {
		struct strbuf ports = {0};

		ranges_format(&l->ports, &ports);
		json_put_text(j, "port", strbuf_get(&ports));
		strbuf_done(&ports);
	}
	if (load_states(l, LOAD_DURATION))
		json_put(j, "duration_s", json_real((double)l->duration_ns / second));
	if (load_states(l, LOAD_LATENCY))
		json_put(j, "latency_s", json_real((double)l->latency_ns / second));
	if (command)
		json_put(j, "generator", generator_to_json(&l->generator));
	return j;
}

json_t *process_to_json(const struct process_ref *p)
{
	if (!p->pid)
		return json_null();

	json_t *j = json_new_object();

	json_put_int(j, "pid", (uint64_t)p->pid);
	json_put_text(j, "comm", p->comm ? p->comm : "");
	json_put_int(j, "holders", p->holders ? p->holders : 1);
	json_put_text(j, "cgroup", p->group);
	return j;
}

static json_t *finding_to_json(const struct finding *f)
{
	json_t *j = json_new_object(), *predicts = json_new_array();

	for (const char *const *id = f->predicts; id && *id; id++)
		json_append(predicts, json_new_text(*id));
	json_put_text(j, "id", f->id);
	json_put_text(j, "subject", f->subject);
	json_put_text(j, "status", finding_status_name(f->status));
	json_put_text(j, "observed", f->observed);
	json_put_text(j, "required", f->required);
	json_put_text(j, "why", f->why);
	json_put_text(j, "fix", f->fix);
	json_put_text(j, "arithmetic", f->arithmetic);
	json_put(j, "predicts", predicts);
	json_put(j, "process", process_to_json(&f->process));
	json_put_bool(j, "needed", f->needed);
	return j;
}

json_t *findings_to_json(const struct findings *fs)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < fs->len; i++)
		json_append(list, finding_to_json(&fs->item[i]));
	return list;
}

json_t *skipped_to_json(const struct check_selection *sel)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < checks_len; i++)
		if (!check_selected(checks[i], sel))
			json_append(list, json_new_text(checks[i]->id));
	/* Members of a family that were named one by one; an area is its checks. */
	for (const char *const *id = sel ? sel->skip : NULL; id && *id; id++)
		if (check_find(*id) && strcmp(check_find(*id)->id, *id) != 0)
			json_append(list, json_new_text(*id));
	return list;
}

static json_t *change_to_json(const struct change *c)
{
	json_t *j = json_new_object();
	struct strbuf want = {0};

	/* A line of a journal that is not proven names nothing. */
	bool named = *c->key != '\0';

	json_put_text(j, "kind", named ? c->kind : NULL);
	json_put_text(j, "key", named ? c->key : NULL);
	json_put_text(j, "before", named ? c->before : NULL);
	if (c->want && named)
		strbuf_addf(&want, "%s%s%s", op_name(c->op), c->op == OP_EXACT ? "" : " ", c->want);
	json_put_text(j, "want", want.len ? strbuf_get(&want) : NULL);
	json_put_text(j, "after", c->after);
	json_put_text(j, "now", c->now);
	json_put_text(j, "result", change_result_name(c->result));
	json_put_text(j, "why", c->why);
	json_put_text(j, "reason", c->reason);
	strbuf_done(&want);
	return j;
}

json_t *changes_to_json(const struct changes *cs)
{
	json_t *list = json_new_array();

	for (size_t i = 0; i < cs->len; i++)
		json_append(list, change_to_json(&cs->item[i]));
	return list;
}

json_t *alert_to_json(const struct alert *a)
{
	json_t *j = json_new_object();
	const double second = (double)NS_PER_S;
	char detail[DETAIL_TEXT_MAX];

	json_put_text(j, "cause", a->cause->id);
	json_put_text(j, "kind", cause_kind_name(a->cause->kind));
	json_put_int(j, "count", a->count);
	json_put_bool(j, "exact", a->exact);
	json_put(j, "first_s", json_real((double)a->first_ns / second));
	json_put(j, "last_s", json_real((double)a->last_ns / second));
	json_put_text(j, "subject", a->subject);
	json_put(j, "process", process_to_json(&a->process));
	json_put_text(j, "source", a->source);
	json_put_text(j, "detail", detail_text(&a->detail, detail));
	return j;
}

json_t *blind_to_json(const struct observation *o)
{
	json_t *array = json_new_array();

	for (size_t i = 0; i < o->blinds; i++) {
		json_t *object = json_new_object();

		json_put_text(object, "source", o->blind[i].source);
		json_put_text(object, "reason", o->blind[i].reason);
		json_append(array, object);
	}
	return array;
}

static char *render(const json_t *j, size_t flags)
{
	char *text = json_dumps(j, flags | JSON_REAL_PRECISION(9));

	if (!text)
		out_of_memory();

	size_t len = strlen(text);
	char *line = realloc(text, len + 2);

	if (!line)
		out_of_memory();
	line[len] = '\n';
	line[len + 1] = '\0';
	return line;
}

char *json_render(const json_t *j)
{
	return render(j, JSON_INDENT(2));
}

char *json_render_line(const json_t *j)
{
	return render(j, JSON_COMPACT);
}

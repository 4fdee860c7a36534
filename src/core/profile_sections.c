/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of a profile: each of its keys is checked where it stands. */
#include "core/profile_parse.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/service.h"
#include "core/check.h"
#include "core/limit_key.h"
#include "core/listen_key.h"

int profile_fail(struct parser *ps, const char *fmt, ...)
{
	char msg[400];
	va_list ap;

	if (ps->failed)
		return 0;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	ps->failed = true;
	(void)!err_set(ps->err, ERR_BAD_INPUT, "%s:%u: %s", ps->path, ps->line, msg);
	return 0;
}

/* Splits "op value"; a bare value is exact. */
enum op profile_split_op(const char **value)
{
	static const enum op ops[] = {OP_AT_LEAST, OP_AT_MOST, OP_COVERS};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		size_t len = strlen(op_name(ops[i]));

		if (strncmp(*value, op_name(ops[i]), len) != 0)
			continue;
		/* "covers" must end there; ">=4096" is fine. */
		if (isalpha((unsigned char)op_name(ops[i])[0]) &&
		    !isspace((unsigned char)(*value)[len]))
			continue;
		*value += len;
		*value += strspn(*value, " \t");
		return ops[i];
	}
	return OP_EXACT;
}

int profile_add_want(struct parser *ps, const char *kind, const char *key, const char *value,
		     enum value_kind value_kind, const char *word)
{
	struct profile *p = ps->profile;
	const struct want *before = profile_want(p, kind, key + (*key == '-'));
	const char *operand = value;
	enum op op = profile_split_op(&operand);
	struct err why;

	if (before)
		return profile_fail(ps, "'%s' is set twice (line %u)", key + (*key == '-'),
				    before->line);
	if (!*operand)
		return profile_fail(ps, "'%s' has no value", key);
	if (strchr("<>=!", *operand))
		return profile_fail(ps, "'%s': no such operator (>=, <=, covers, or a bare value)",
				    value);
	if (!op_allowed(op, value_kind))
		return profile_fail(ps, "'%s %s': this operator does not fit '%s'", op_name(op),
				    operand, key);

	struct want *w = array_push((void **)&p->wants, &p->wants_len, &p->wants_cap, sizeof(*w));

	w->kind = kind;
	w->optional = *key == '-';
	w->key = arena_strdup(&p->arena, key + w->optional);
	w->value_kind = value_kind;
	w->op = op;
	w->is_auto = strcmp(operand, "auto") == 0;
	w->file = ps->path;
	w->line = ps->line;
	if (ps->behind && *ps->behind)
		w->comment = ps->behind;
	else if (ps->above->len)
		w->comment = arena_strdup(&p->arena, strbuf_get(ps->above));
	if (!w->is_auto) {
		w->value = arena_strdup(&p->arena, operand);
		if ((!word || strcmp(operand, word) != 0) &&
		    value_check(value_kind, operand, &why) < 0)
			return profile_fail(ps, "'%s = %s': %s", key, value, why.msg);
	}
	return 1;
}

static int add_want(struct parser *ps, const char *kind, const char *key, const char *value,
		    enum value_kind value_kind)
{
	return profile_add_want(ps, kind, key, value, value_kind, NULL);
}

/* Keys that no row describes may hold words: net.ipv4.tcp_congestion_control = bbr. */
static enum value_kind kind_of_value(const struct sysctl_key *k, const char *name,
				     const char *value)
{
	struct err ignored;
	bool listed = strcmp(k->key, name) == 0;
	bool exact = profile_split_op(&value) == OP_EXACT;

	if (listed || !exact || value_check(k->kind, value, &ignored) == 0 ||
	    strcmp(value, "auto") == 0 || strchr("<>=!", *value))
		return k->kind;
	return VALUE_TEXT;
}

static int parse_sysctl(struct parser *ps, const char *key, const char *value)
{
	const char *name = key + (*key == '-');
	const struct sysctl_key *k = sysctl_key_find(name);

	if (!sysctl_key_valid(name))
		return profile_fail(ps, "'%s' is not the name of a sysctl", name);
	if (!k)
		return profile_fail(
			ps,
			"sysctl '%s' is not one that a profile may set (net.*, vm.* and the fs.* "
			"and kernel.* keys that runup-profile(5) lists)",
			name);
	if (!add_want(ps, "sysctl", key, value, kind_of_value(k, name, value)))
		return 0;

	struct want *w = &ps->profile->wants[ps->profile->wants_len - 1];

	w->sysctl = k;
	struct err why;
	if (!w->is_auto && w->value_kind != VALUE_TEXT && sysctl_value_check(k, w->value, &why) < 0)
		return profile_fail(ps, "'%s = %s': %s", key, value, why.msg);
	if (w->is_auto && k->auto_value == AUTO_NONE)
		return profile_fail(ps, "'%s = auto': there is no sum for this key; give a value",
				    name);
	return 1;
}

static void list_limits(struct strbuf *out)
{
	const struct rlimit_key *k;

	for (size_t i = 0; (k = rlimit_key_at(i)); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", k->name);
}

/*
 * The whole key, with the section's subject in front: "unit:nginx.service/nofile". NULL after
 * profile_fail().
 */
static const char *limit_name(struct parser *ps, const char *limit)
{
	struct arena *a = &ps->profile->arena;
	const char *subject = ps->subject, *name;
	struct limit_key k;

	if (!subject)
		return limit;
	/* As systemctl takes it: a unit without a suffix is a service. */
	bool bare_unit = strncmp(subject, "unit:", 5) == 0 && !strchr(subject, '.');

	name = arena_printf(a, "%s%s/%s", subject, bare_unit ? ".service" : "", limit);
	/* A pid is no name that a file could keep. */
	if (limit_key_parse(name, &k) < 0 || k.subject == LIMIT_OF_PID)
		return profile_fail(ps,
				    "section [rlimit %.60s]: expected unit:NAME.service or "
				    "process:NAME",
				    subject),
		       NULL;
	return name;
}

static int parse_rlimit(struct parser *ps, const char *key, const char *value)
{
	cleanup_with(strbuf_done) struct strbuf known = {0};
	/* Of the command that `run` starts nothing can be missing. */
	bool optional = ps->subject && *key == '-', automatic;
	const struct rlimit_key *k = rlimit_key_find(key + optional);
	const char *operand = value, *name;
	uint64_t n;

	list_limits(&known);
	if (!k)
		return profile_fail(ps, "unknown limit '%s' in [rlimit] (known: %s)", key,
				    strbuf_get(&known));
	name = limit_name(ps, k->name);
	if (!name)
		return 0;
	if (profile_split_op(&operand) != OP_AT_LEAST)
		return profile_fail(ps,
				    "'%s = %s': a limit is only raised; write '>= N' or '>= auto'",
				    key, value);
	automatic = strcmp(operand, "auto") == 0;
	if (automatic && k->resource != RLIMIT_NOFILE)
		return profile_fail(ps, "'%s = auto': there is no sum for this limit; give a value",
				    key);
	if (!automatic && parse_u64(operand, 1, INT64_MAX, &n) < 0)
		return profile_fail(ps, "'%s = %s': expected a whole number or auto", key, value);
	if (optional)
		name = arena_printf(&ps->profile->arena, "-%s", name);
	return add_want(ps, "rlimit", name, value, VALUE_NUMBERS);
}

static int parse_listen(struct parser *ps, const char *key, const char *value)
{
	const char *name = key + (*key == '-'), *operand = value;
	struct listen_key k;
	uint64_t n;

	if (listen_key_parse(name, &k) < 0 || k.cookie)
		return profile_fail(ps,
				    "'%s' is not a listener: tcp:PORT, tcp:ADDRESS:PORT or "
				    "tcp:[ADDRESS]:PORT",
				    name);
	if (profile_split_op(&operand) == OP_COVERS)
		return profile_fail(ps, "'%s = %s': a limit is one number", key, value);
	if (strcmp(operand, "auto") != 0 && parse_u64(operand, 1, INT_MAX, &n) < 0)
		return profile_fail(ps, "'%s = %s': expected a whole number up to %d, or auto", key,
				    value, INT_MAX);
	return add_want(ps, "listen", key, value, VALUE_NUMBERS);
}

/* "notrack = tcp:8080, udp:53": a wish for each. */
static int parse_notrack(struct parser *ps, const char *key, const char *value)
{
	char *words = arena_strdup(&ps->profile->arena, value), *save;
	bool optional = *key == '-', any = false;
	struct service ignored;

	for (char *word = strtok_r(words, ", \t", &save); word;
	     word = strtok_r(NULL, ", \t", &save)) {
		const char *name =
			arena_printf(&ps->profile->arena, "%s%s", optional ? "-" : "", word);

		if (service_parse(word, &ignored) < 0)
			return profile_fail(ps,
					    "'%s = %s': expected tcp:PORT or udp:PORT, several of "
					    "them with commas between",
					    key, value);
		if (!add_want(ps, "notrack", name, "untracked", VALUE_TEXT))
			return 0;
		any = true;
	}
	return any ? 1 : profile_fail(ps, "'%s' has no value", key);
}

/* [conntrack] is the short way to write what are sysctls: one knob, one name in the journal. */
static int parse_conntrack(struct parser *ps, const char *key, const char *value)
{
	static const struct {
		const char *key, *sysctl;
	} names[] = {
		{"max", "net.netfilter.nf_conntrack_max"},
		{"buckets", "net.netfilter.nf_conntrack_buckets"},
		{"timeout_established", "net.netfilter.nf_conntrack_tcp_timeout_established"},
		{"timeout_time_wait", "net.netfilter.nf_conntrack_tcp_timeout_time_wait"},
		{"timeout_udp", "net.netfilter.nf_conntrack_udp_timeout"},
		{"timeout_udp_stream", "net.netfilter.nf_conntrack_udp_timeout_stream"},
	};
	cleanup_with(strbuf_done) struct strbuf known = {0};
	bool optional = *key == '-';

	if (strcmp(key + optional, "notrack") == 0)
		return parse_notrack(ps, key, value);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].key, key + optional) == 0) {
			const char *name = arena_printf(&ps->profile->arena, "%s%s",
							optional ? "-" : "", names[i].sysctl);

			return parse_sysctl(ps, name, value);
		}
		strbuf_addf(&known, "%s%s", i ? ", " : "", names[i].key);
	}
	return profile_fail(ps, "unknown key '%s' in [conntrack] (known: %s, notrack)", key,
			    strbuf_get(&known));
}

static int parse_load(struct parser *ps, const char *key, const char *value)
{
	const struct load_key *k = strchr(key, '-') ? NULL : load_key_find(key);
	struct err why;

	if (!k)
		return profile_fail(ps, "unknown key '%s' in [load]", key);
	if (k->field == LOAD_PID)
		return profile_fail(
			ps, "'pid' does not belong in a profile; give --pid on the command line");

	unsigned *seen = &ps->load_lines[__builtin_ctz(k->field)];

	if (*seen)
		return profile_fail(ps, "'%s' is set twice (line %u)", key, *seen);
	*seen = ps->line;
	if (load_set(&ps->profile->load, k, value, &why) < 0)
		return profile_fail(ps, "%s '%s': %s", key, value, why.msg);
	ps->profile->load.from[__builtin_ctz(k->field)] =
		arena_printf(&ps->profile->load.arena, "%s:%u", ps->path, ps->line);
	return 1;
}

static int parse_profile(struct parser *ps, const char *key, const char *value)
{
	if (strcmp(key, "summary") == 0) {
		if (ps->profile->summary)
			return profile_fail(ps, "'summary' is set twice");
		ps->profile->summary = arena_strdup(&ps->profile->arena, value);
		return 1;
	}
	if (strcmp(key, "include") == 0) {
		if (ps->include)
			return profile_fail(ps, "'include' is set twice");
		if (strchr(value, '/'))
			return profile_fail(ps, "include '%s': the name of a profile, not a path",
					    value);
		ps->include = arena_strdup(&ps->profile->arena, value);
		ps->include_line = ps->line;
		return 1;
	}
	return profile_fail(ps, "unknown key '%s' in [profile] (known: summary, include)", key);
}

/* "fail", "warn", "ignore", each with "above N%" behind it where the check knows a threshold. */
static int parse_rule(struct parser *ps, const char *key, const char *value)
{
	static const struct {
		const char *word;
		enum finding_status status;
	} severities[] = {{"fail", FINDING_FAIL}, {"warn", FINDING_WARN}, {"ignore", FINDING_NA}};
	struct profile *p = ps->profile;
	const struct check *check = check_find(key);
	char word[16], above[16] = "", percent[16] = "";
	struct check_rule rule = {.above_percent = -1, .file = ps->path, .line = ps->line};
	const char *rest = parse_word(value, word, sizeof(word));
	size_t i = 0;

	if (!check_id_valid(key))
		return profile_fail(ps, "there is no check '%s' (runup explain lists them)", key);
	for (size_t j = 0; j < p->rules_len; j++)
		if (strcmp(p->rules[j].id, key) == 0)
			return profile_fail(ps, "'%s' is set twice (line %u)", key,
					    p->rules[j].line);
	while (i < ARRAY_LEN(severities) && (!rest || strcmp(word, severities[i].word) != 0))
		i++;
	if (i == ARRAY_LEN(severities))
		return profile_fail(ps, "'%s = %s': expected fail, warn or ignore", key, value);
	rule.severity = severities[i].status;

	rest = parse_word(rest, above, sizeof(above));
	if (rest) {
		uint64_t n;
		const char *end = parse_word(rest, percent, sizeof(percent));
		size_t len = strlen(percent);

		if (strcmp(above, "above") != 0 || !end || len < 2 || percent[len - 1] != '%' ||
		    parse_word(end, word, sizeof(word)))
			return profile_fail(ps, "'%s = %s': expected '%s above N%%'", key, value,
					    word);
		percent[len - 1] = '\0';
		if (parse_u64(percent, 1, 100, &n) < 0)
			return profile_fail(ps, "'%s = %s': a percentage from 1 to 100", key,
					    value);
		if (!check->has_threshold)
			return profile_fail(ps, "'%s' has no threshold to set", key);
		rule.above_percent = (int)n;
	}
	rule.id = arena_strdup(&p->arena, key);

	struct check_rule *place =
		array_push((void **)&p->rules, &p->rules_len, &p->rules_cap, sizeof(*place));
	*place = rule;
	return 1;
}

static const struct section sections[] = {
	{"profile", NULL, true, parse_profile},
	{"load", NULL, true, parse_load},
	{"sysctl", NULL, true, parse_sysctl},
	{"sysfs", NULL, true, profile_parse_sysfs},
	{"rlimit", "unit:nginx.service", true, parse_rlimit},
	{"conntrack", NULL, true, parse_conntrack},
	{"listen", NULL, true, parse_listen},
	{"nic", "a device", false, profile_parse_nic},
	{"check", NULL, true, parse_rule},
};

/* Section names, for messages: "profile, load, …". */
static void list_sections(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", sections[i].name);
}

const struct section *section_find(struct parser *ps, const char *text)
{
	size_t len = strcspn(text, " \t");
	const char *subject = text + len + strspn(text + len, " \t");
	cleanup_with(strbuf_done) struct strbuf known = {0};

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct section *s = &sections[i];

		if (strlen(s->name) != len || strncmp(s->name, text, len) != 0)
			continue;
		if (*subject && !s->subject)
			return profile_fail(ps, "section [%s]: nothing may stand behind '%s'", text,
					    s->name),
			       NULL;
		if (!*subject && !s->bare)
			return profile_fail(ps, "section [%s] needs %s, as in [%s %s]", text,
					    s->subject, s->name, s->subject),
			       NULL;
		ps->subject = *subject ? arena_strdup(&ps->profile->arena, subject) : NULL;
		return s;
	}
	list_sections(&known);
	profile_fail(ps, "unknown section [%.60s] (known: %s)", text, strbuf_get(&known));
	return NULL;
}

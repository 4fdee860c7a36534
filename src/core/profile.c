/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles, parsed by inih; every line is checked where it stands. */
#include "core/profile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/check.h"

#define INCLUDE_DEPTH_MAX 8
#define LINES_MAX 10000

struct parser {
	struct profile *profile;
	const char *path;
	unsigned line;
	FILE *file;
	struct err *err;
	bool failed;
	const char *include; /* NULL: none */
	unsigned include_line;
	unsigned load_lines[32]; /* by bit of enum load_field: where it was set, for duplicates */
};

/* "server.ini:12: message"; the reader stops at the first. Returns inih's "error". */
static int fail(struct parser *ps, const char *fmt, ...) printf_(2, 3);
static int fail(struct parser *ps, const char *fmt, ...)
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
static enum op split_op(const char **value)
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

static int add_want(struct parser *ps, const char *kind, const char *key, const char *value,
		    enum value_kind value_kind)
{
	struct profile *p = ps->profile;
	const struct want *before = profile_want(p, kind, key + (*key == '-'));
	const char *operand = value;
	enum op op = split_op(&operand);
	struct err why;

	if (before)
		return fail(ps, "'%s' is set twice (line %u)", key + (*key == '-'), before->line);
	if (!*operand)
		return fail(ps, "'%s' has no value", key);
	if (strchr("<>=!", *operand))
		return fail(ps, "'%s': no such operator (>=, <=, covers, or a bare value)", value);
	if (!op_allowed(op, value_kind))
		return fail(ps, "'%s %s': this operator does not fit '%s'", op_name(op), operand,
			    key);

	struct want *w = array_push((void **)&p->wants, &p->wants_len, &p->wants_cap, sizeof(*w));

	w->kind = kind;
	w->optional = *key == '-';
	w->key = arena_strdup(&p->arena, key + w->optional);
	w->value_kind = value_kind;
	w->op = op;
	w->is_auto = strcmp(operand, "auto") == 0;
	w->file = ps->path;
	w->line = ps->line;
	if (!w->is_auto) {
		w->value = arena_strdup(&p->arena, operand);
		if (value_check(value_kind, operand, &why) < 0)
			return fail(ps, "'%s = %s': %s", key, value, why.msg);
	}
	return 1;
}

/* Keys that no row describes may hold words: net.ipv4.tcp_congestion_control = bbr. */
static enum value_kind kind_of_value(const struct sysctl_key *k, const char *name,
				     const char *value)
{
	struct err ignored;
	bool listed = strcmp(k->key, name) == 0;
	bool exact = split_op(&value) == OP_EXACT;

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
		return fail(ps, "'%s' is not the name of a sysctl", name);
	if (!k)
		return fail(
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
		return fail(ps, "'%s = %s': %s", key, value, why.msg);
	if (w->is_auto && k->auto_value == AUTO_NONE)
		return fail(ps, "'%s = auto': there is no sum for this key; give a value", name);
	return 1;
}

static const struct rlimit_key rlimit_keys[] = {
	{"nofile", "Max open files"},
};

const struct rlimit_key *rlimit_key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rlimit_keys); i++)
		if (strcmp(rlimit_keys[i].name, name) == 0)
			return &rlimit_keys[i];
	return NULL;
}

static int parse_rlimit(struct parser *ps, const char *key, const char *value)
{
	const char *operand = value;
	uint64_t n;

	if (!rlimit_key_find(key))
		return fail(ps, "unknown limit '%s' in [rlimit] (known: nofile)", key);
	if (split_op(&operand) != OP_AT_LEAST)
		return fail(ps, "'%s = %s': a limit is only raised; write '>= N' or '>= auto'", key,
			    value);
	if (strcmp(operand, "auto") != 0 && parse_u64(operand, 1, INT64_MAX, &n) < 0)
		return fail(ps, "'%s = %s': expected a whole number or auto", key, value);
	return add_want(ps, "rlimit", key, value, VALUE_NUMBERS);
}

static int parse_load(struct parser *ps, const char *key, const char *value)
{
	const struct load_key *k = strchr(key, '-') ? NULL : load_key_find(key);
	struct err why;

	if (!k)
		return fail(ps, "unknown key '%s' in [load]", key);
	if (k->field == LOAD_PID)
		return fail(ps,
			    "'pid' does not belong in a profile; give --pid on the command line");

	unsigned *seen = &ps->load_lines[__builtin_ctz(k->field)];

	if (*seen)
		return fail(ps, "'%s' is set twice (line %u)", key, *seen);
	*seen = ps->line;
	if (load_set(&ps->profile->load, k, value, &why) < 0)
		return fail(ps, "%s '%s': %s", key, value, why.msg);
	ps->profile->load.from[__builtin_ctz(k->field)] =
		arena_printf(&ps->profile->load.arena, "%s:%u", ps->path, ps->line);
	return 1;
}

static int parse_profile(struct parser *ps, const char *key, const char *value)
{
	if (strcmp(key, "summary") == 0) {
		if (ps->profile->summary)
			return fail(ps, "'summary' is set twice");
		ps->profile->summary = arena_strdup(&ps->profile->arena, value);
		return 1;
	}
	if (strcmp(key, "include") == 0) {
		if (ps->include)
			return fail(ps, "'include' is set twice");
		if (strchr(value, '/'))
			return fail(ps, "include '%s': the name of a profile, not a path", value);
		ps->include = arena_strdup(&ps->profile->arena, value);
		ps->include_line = ps->line;
		return 1;
	}
	return fail(ps, "unknown key '%s' in [profile] (known: summary, include)", key);
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
		return fail(ps, "there is no check '%s' (runup explain lists them)", key);
	for (size_t j = 0; j < p->rules_len; j++)
		if (strcmp(p->rules[j].id, key) == 0)
			return fail(ps, "'%s' is set twice (line %u)", key, p->rules[j].line);
	while (i < ARRAY_LEN(severities) && (!rest || strcmp(word, severities[i].word) != 0))
		i++;
	if (i == ARRAY_LEN(severities))
		return fail(ps, "'%s = %s': expected fail, warn or ignore", key, value);
	rule.severity = severities[i].status;

	rest = parse_word(rest, above, sizeof(above));
	if (rest) {
		uint64_t n;
		const char *end = parse_word(rest, percent, sizeof(percent));
		size_t len = strlen(percent);

		if (strcmp(above, "above") != 0 || !end || len < 2 || percent[len - 1] != '%' ||
		    parse_word(end, word, sizeof(word)))
			return fail(ps, "'%s = %s': expected '%s above N%%'", key, value, word);
		percent[len - 1] = '\0';
		if (parse_u64(percent, 1, 100, &n) < 0)
			return fail(ps, "'%s = %s': a percentage from 1 to 100", key, value);
		if (!check->has_threshold)
			return fail(ps, "'%s' has no threshold to set", key);
		rule.above_percent = (int)n;
	}
	rule.id = arena_strdup(&p->arena, key);

	struct check_rule *place =
		array_push((void **)&p->rules, &p->rules_len, &p->rules_cap, sizeof(*place));
	*place = rule;
	return 1;
}

static const struct {
	const char *name;
	int (*parse)(struct parser *ps, const char *key, const char *value);
} sections[] = {
	{"profile", parse_profile}, {"load", parse_load},  {"sysctl", parse_sysctl},
	{"rlimit", parse_rlimit},   {"check", parse_rule},
};

static int on_line(void *user, const char *section, const char *key, const char *value)
{
	struct parser *ps = user;

	if (ps->failed)
		return 0;
	if (!*section)
		return fail(ps, "'%s' stands before any [section]", key);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, section) == 0)
			return sections[i].parse(ps, key, value);
	return fail(ps, "unknown section [%s]", section);
}

/* inih calls nobody for a section without keys, so section lines are judged as they are read. */
static void judge_section(struct parser *ps, const char *line)
{
	size_t len = strcspn(line + 1, "]");

	if (line[1 + len] != ']')
		return; /* inih says so itself */
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strlen(sections[i].name) == len &&
		    strncmp(sections[i].name, line + 1, len) == 0)
			return;
	fail(ps, "unknown section [%.*s] (known: profile, load, sysctl, rlimit, check)",
	     (int)(len < 60 ? len : 60), line + 1);
}

/*
 * inih's reader: counts lines, and refuses what inih would quietly cut in two (a line longer than
 * its buffer) or cannot see (a NUL byte). Leading blanks are taken off, since inih would join such
 * a line to the one before.
 */
static char *read_line(char *buf, int size, void *user)
{
	struct parser *ps = user;
	int len = 0, c = 0;

	if (ps->failed)
		return NULL;
	ps->line++;
	while (len < size - 1 && (c = getc(ps->file)) != EOF) {
		if (c == '\0' || (iscntrl(c) && !strchr("\t\r\n", c))) {
			fail(ps, "not a text file: byte 0x%02x", (unsigned)c);
			return NULL;
		}
		if (len == 0 && (c == ' ' || c == '\t'))
			continue;
		buf[len++] = (char)c;
		if (c == '\n')
			break;
	}
	if (c == EOF && len == 0)
		return NULL;
	if (c != '\n' && c != EOF) {
		fail(ps, "line longer than %d characters", size - 2);
		return NULL;
	}
	if (ps->line > LINES_MAX) {
		fail(ps, "more than %d lines", LINES_MAX);
		return NULL;
	}
	buf[len] = '\0';
	if (buf[0] == '[')
		judge_section(ps, buf);
	return ps->failed ? NULL : buf;
}

static int load_file(struct profile *p, const char *name, const char *beside, int depth,
		     struct err *e);

/* Adds what the included profile says and this one does not. */
static int include(struct parser *ps, int depth, struct err *e)
{
	struct profile *p = ps->profile;
	struct profile inc = {0};

	if (depth >= INCLUDE_DEPTH_MAX)
		return err_set(e, ERR_BAD_INPUT,
			       "%s:%u: include '%s': more than %d deep (a circle?)", ps->path,
			       ps->include_line, ps->include, INCLUDE_DEPTH_MAX);
	int r = load_file(&inc, ps->include, ps->path, depth + 1, e);

	/* An error inside that file names it already; that there is none is this line's. */
	if (r < 0 && !inc.path)
		r = err_wrap(e, "%s:%u", ps->path, ps->include_line);
	if (r < 0)
		goto out;
	load_merge(&p->load, &inc.load);
	for (size_t i = 0; i < inc.wants_len; i++) {
		const struct want *from = &inc.wants[i];

		if (profile_want(p, from->kind, from->key))
			continue;
		struct want *w =
			array_push((void **)&p->wants, &p->wants_len, &p->wants_cap, sizeof(*w));

		*w = *from;
		w->key = arena_strdup(&p->arena, from->key);
		w->value = from->value ? arena_strdup(&p->arena, from->value) : NULL;
		w->file = arena_strdup(&p->arena, from->file);
	}
	for (size_t i = 0; i < inc.rules_len; i++) {
		const struct check_rule *from = &inc.rules[i];

		if (profile_rule(p, from->id))
			continue;
		struct check_rule *rule =
			array_push((void **)&p->rules, &p->rules_len, &p->rules_cap, sizeof(*rule));

		*rule = *from;
		rule->id = arena_strdup(&p->arena, from->id);
		rule->file = arena_strdup(&p->arena, from->file);
	}
out:
	profile_done(&inc);
	return r;
}

static int load_file(struct profile *p, const char *name, const char *beside, int depth,
		     struct err *e)
{
	struct parser ps = {.profile = p, .err = e};
	int fd = profile_open(&p->arena, name, beside, &ps.path, e);

	if (fd < 0)
		return fd;
	cleanup_fclose FILE *file = fdopen(fd, "r");

	if (!file)
		out_of_memory();
	ps.file = file;
	p->path = ps.path;

	int bad_line = ini_parse_stream(read_line, &ps, on_line, &ps);

	if (bad_line && !ps.failed) {
		ps.line = (unsigned)bad_line;
		fail(&ps, "neither a [section] nor 'key = value'");
	}
	if (!ps.failed && ferror(file))
		return err_errno(e, errno, "read profile '%s'", ps.path);
	if (ps.failed)
		return -ERR_BAD_INPUT;
	return ps.include ? include(&ps, depth, e) : 0;
}

int profile_load(struct profile *p, const char *name, struct err *e)
{
	p->name = arena_strdup(&p->arena, name);
	return load_file(p, name, NULL, 0, e);
}

const struct want *profile_want(const struct profile *p, const char *kind, const char *key)
{
	for (size_t i = 0; i < p->wants_len; i++)
		if (strcmp(p->wants[i].kind, kind) == 0 && strcmp(p->wants[i].key, key) == 0)
			return &p->wants[i];
	return NULL;
}

const struct check_rule *profile_rule(const struct profile *p, const char *id)
{
	for (size_t i = 0; i < p->rules_len; i++)
		if (strcmp(p->rules[i].id, id) == 0)
			return &p->rules[i];
	return NULL;
}

void profile_done(struct profile *p)
{
	free(p->wants);
	free(p->rules);
	load_done(&p->load);
	arena_done(&p->arena);
	*p = (struct profile){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles, parsed by inih; every line is checked where it stands. */
#include "core/profile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/profile_parse.h"

#define INCLUDE_DEPTH_MAX 8
#define LINES_MAX 10000

/*
 * inih calls nobody for a section without keys and cuts long names, so section lines are judged as
 * they are read.
 */
static void judge_section(struct parser *ps, const char *line)
{
	size_t len = strcspn(line + 1, "]");

	if (line[1 + len] != ']')
		return; /* inih says so itself */
	ps->section = section_find(ps, arena_strndup(&ps->profile->arena, line + 1, len));
}

/*
 * inih also takes a ':' for the end of a key; here it belongs to the key if an '=' follows it
 * ("tcp:8080 = >= auto"). Control characters do not occur in a profile, so one stands in for it.
 */
#define COLON '\x1f'

static void hide_colons(char *line)
{
	char *end = strchr(line, '=');

	for (char *p = line; end && p < end; p++)
		if (*p == ':')
			*p = COLON;
}

static int on_line(void *user, const char *section unused_, const char *key, const char *value)
{
	struct parser *ps = user;

	if (ps->failed)
		return 0;

	char *name = arena_strdup(&ps->profile->arena, key);

	for (char *p = name; *p; p++)
		if (*p == COLON)
			*p = ':';
	if (!ps->section)
		return profile_fail(ps, "'%s' stands before any [section]", name);
	return ps->section->parse(ps, name, value);
}

/* Where a comment begins behind a value, as inih sees it: a ';' after a blank. Or NULL. */
static const char *comment_behind(const char *line)
{
	for (const char *p = line; *p; p++)
		if (*p == ';' && p > line && (p[-1] == ' ' || p[-1] == '\t'))
			return p;
	return NULL;
}

/* The words of a comment, without its marks and the end of the line. */
static const char *comment_words(struct arena *a, const char *text)
{
	text += strspn(text, ";# \t");

	size_t len = strcspn(text, "\r\n");

	while (len && strchr(" \t", text[len - 1]))
		len--;
	return arena_strndup(a, text, len);
}

/*
 * Keeps the comment that belongs to a line: what stands above it without an empty line between,
 * for all lines that follow so; what stands behind it is its own.
 */
static void keep_comment(struct parser *ps, const char *line)
{
	struct arena *a = &ps->profile->arena;

	ps->behind = NULL;
	if (*line == ';' || *line == '#') {
		if (ps->above_taken)
			strbuf_reset(ps->above);
		ps->above_taken = false;
		if (ps->above->len)
			strbuf_add(ps->above, " ");
		strbuf_add(ps->above, comment_words(a, line));
	} else if (strchr("[\r\n", *line)) {
		strbuf_reset(ps->above);
	} else {
		const char *behind = comment_behind(line);

		ps->above_taken = true;
		ps->behind = behind ? comment_words(a, behind) : NULL;
	}
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
			profile_fail(ps, "not a text file: byte 0x%02x", (unsigned)c);
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
		profile_fail(ps, "line longer than %d characters", size - 2);
		return NULL;
	}
	if (ps->line > LINES_MAX) {
		profile_fail(ps, "more than %d lines", LINES_MAX);
		return NULL;
	}
	buf[len] = '\0';
	keep_comment(ps, buf);
	if (buf[0] == '[')
		judge_section(ps, buf);
	else
		hide_colons(buf);
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
		w->comment = from->comment ? arena_strdup(&p->arena, from->comment) : NULL;
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
	cleanup_with(strbuf_done) struct strbuf above = {0};
	struct parser ps = {.profile = p, .err = e, .above = &above};
	int fd = profile_open(&p->arena, name, beside, &ps.path, e);

	if (fd < 0)
		return fd;
	cleanup_fclose FILE *file = fdopen(fd, "r");

	if (!file) {
		int r = err_errno(e, errno, "read profile '%s'", ps.path);

		close(fd);
		return r;
	}
	ps.file = file;
	p->path = ps.path;

	int bad_line = ini_parse_stream(read_line, &ps, on_line, &ps);

	if (bad_line && !ps.failed) {
		ps.line = (unsigned)bad_line;
		profile_fail(&ps, "neither a [section] nor 'key = value'");
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

const char *want_reason(const struct want *w)
{
	if (w->comment)
		return w->comment;
	return w->sysctl ? w->sysctl->why : NULL;
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

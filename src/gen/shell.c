/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/shell.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

struct reader {
	const char *s;
	struct arena *arena;
	struct shell_line line;
	size_t parts_cap, argv_cap;
	struct strbuf word;
	bool in_word;	   /* also an empty one: '' */
	bool skip_word;	   /* the target of a redirection */
	const char *fancy; /* why it is given up */
};

static void begin_part(struct reader *r)
{
	if (r->line.parts == r->parts_cap) {
		struct shell_part *more;

		r->parts_cap = r->parts_cap ? r->parts_cap * 2 : 4;
		more = arena_alloc(r->arena, r->parts_cap * sizeof(*more));
		for (size_t i = 0; i < r->line.parts; i++)
			more[i] = r->line.part[i];
		r->line.part = more;
	}
	r->argv_cap = 8;
	r->line.part[r->line.parts++] = (struct shell_part){
		.argv = arena_alloc(r->arena, r->argv_cap * sizeof(char *)),
	};
}

static void end_word(struct reader *r)
{
	struct shell_part *p = &r->line.part[r->line.parts - 1];

	if (!r->in_word)
		return;
	r->in_word = false;
	if (r->skip_word) {
		r->skip_word = false;
		strbuf_reset(&r->word);
		return;
	}
	if (p->argc + 1 >= r->argv_cap) {
		char **more = arena_alloc(r->arena, r->argv_cap * 2 * sizeof(*more));

		for (size_t i = 0; i < p->argc; i++)
			more[i] = p->argv[i];
		p->argv = more;
		r->argv_cap *= 2;
	}
	p->argv[p->argc++] = arena_strdup(r->arena, strbuf_get(&r->word));
	strbuf_reset(&r->word);
}

static void add(struct reader *r, char c)
{
	strbuf_addn(&r->word, &c, 1);
	r->in_word = true;
}

/* Behind the opening quote; true when the closing one was found. */
static bool single_quotes(struct reader *r)
{
	r->in_word = true;
	while (*r->s && *r->s != '\'')
		add(r, *r->s++);
	if (!*r->s)
		return false;
	r->s++;
	return true;
}

static bool double_quotes(struct reader *r)
{
	r->in_word = true;
	while (*r->s && *r->s != '"') {
		if (*r->s == '$' || *r->s == '`') {
			r->fancy = "a variable or a substitution";
			return true;
		}
		/* Before other characters the backslash stays (POSIX, 2.2.3). */
		if (*r->s == '\\' && r->s[1] && strchr("$`\"\\\n", r->s[1])) {
			r->s++;
			if (*r->s == '\n') {
				r->s++;
				continue;
			}
		}
		add(r, *r->s++);
	}
	if (!*r->s)
		return false;
	r->s++;
	return true;
}

/* ">file", "2>&1", "<file", with the number already read as the word. */
static void redirection(struct reader *r)
{
	const char *text = strbuf_get(&r->word);
	bool number = r->in_word && text[strspn(text, "0123456789")] == '\0' && *text;

	if (number) {
		strbuf_reset(&r->word);
		r->in_word = false;
	}
	end_word(r);
	if (r->skip_word || strncmp(r->s, "<<", 2) == 0 || strncmp(r->s, "<(", 2) == 0 ||
	    strncmp(r->s, ">(", 2) == 0) {
		r->fancy = "a here-document or a process substitution";
		return;
	}
	r->s += strcspn(r->s, "<>") + 1;
	r->s += *r->s == '>' || *r->s == '&' || *r->s == '|';
	r->skip_word = true;
}

static void pipe_or_more(struct reader *r)
{
	end_word(r);
	if (r->s[1] == '|' || r->s[1] == '&' || r->skip_word) {
		r->fancy = "more than one command line";
		return;
	}
	r->s++;
	begin_part(r);
}

/* One character that is not a quote, or what it stands for. */
static void plain(struct reader *r)
{
	char c = *r->s;
	bool start = !r->in_word;

	if (c == '\\' && r->s[1] == '\n') {
		r->s += 2;
	} else if (c == '\\' && r->s[1]) {
		add(r, r->s[1]);
		r->s += 2;
	} else if (c == '\\' || c == '$' || c == '`') {
		r->fancy = "a variable or a substitution";
	} else if (c == '|') {
		pipe_or_more(r);
	} else if (c == '<' || c == '>') {
		redirection(r);
	} else if (strchr(";&()\n", c)) {
		end_word(r);
		/* What only ends the line changes nothing. */
		if ((c == '\n' || c == ';') && !r->s[strspn(r->s, "; \t\n")])
			r->s += strlen(r->s);
		else
			r->fancy = "more than one command line";
	} else if (start && strchr("#{}!~", c)) {
		r->fancy = "a comment, a group or an expansion";
	} else if (c == '{' && strchr(r->s, '}')) {
		r->fancy = "a brace expansion";
	} else if (c == ' ' || c == '\t') {
		end_word(r);
		r->s++;
	} else {
		add(r, c);
		r->s++;
	}
}

const char *shell_split(const char *line, struct arena *a, struct shell_line *ret)
{
	struct reader r = {.s = line, .arena = a};
	bool closed = true;

	begin_part(&r);
	while (*r.s && closed && !r.fancy) {
		if (*r.s == '\'') {
			r.s++;
			closed = single_quotes(&r);
		} else if (*r.s == '"') {
			r.s++;
			closed = double_quotes(&r);
		} else {
			plain(&r);
		}
	}
	end_word(&r);
	strbuf_done(&r.word);
	if (!closed)
		return "a quote that is not closed";
	if (!r.fancy)
		*ret = r.line;
	return r.fancy;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"

#define HIDDEN "***"

/* A name that holds one of these names a secret. */
static const char *const secret_parts[] = {"pass",	 "secret",	 "token",     "apikey",
					   "api-key",	 "api_key",	 "accesskey", "cookie",
					   "credential", "private",	 "bearer",    "session",
					   "signature",	 "authorization"};

/* So does a name that has one of these between its dashes. */
static const char *const secret_words[] = {"auth", "jwt", "key", "pw", "pwd", "sid", "sig"};

/* Tokens of well-known services begin so. */
static const char *const token_heads[] = {"ghp_",  "gho_",  "ghs_",	"github_pat_", "glpat-",
					  "xoxb-", "xoxp-", "sk_live_", "AKIA"};

/* What the word before said about this one. */
enum expect {
	EXPECT_NOTHING,
	EXPECT_SECRET,	    /* --password WORD */
	EXPECT_USER,	    /* -u USER:PASSWORD */
	EXPECT_ENVIRONMENT, /* -e NAME=VALUE */
	EXPECT_COOKIE,	    /* -b NAME=VALUE */
	EXPECT_HEADER,	    /* -H 'NAME: VALUE' */
};

struct redaction {
	struct strbuf *out;
	enum expect expect;
	bool first; /* at the first character of an argument */
	bool plain; /* no blank and no quote came before it in there: no script */
};

/* Headers whose value is no secret; of any other it may be. */
static const char *const plain_headers[] = {"accept",	     "accept-encoding", "accept-language",
					    "connection",    "content-length",	"content-type",
					    "cache-control", "expect",		"host",
					    "user-agent"};

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool holds(const char *s, size_t len, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(s + i, part, n) == 0)
			return true;
	return false;
}

static bool secret_name(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(secret_parts); i++)
		if (holds(s, len, secret_parts[i]))
			return true;
	for (size_t start = 0; start < len;) {
		size_t end = start;

		while (end < len && s[end] != '-' && s[end] != '_')
			end++;
		for (size_t i = 0; i < ARRAY_LEN(secret_words); i++)
			if (strlen(secret_words[i]) == end - start &&
			    strncasecmp(s + start, secret_words[i], end - start) == 0)
				return true;
		start = end + 1;
	}
	return false;
}

/*
 * Where a value without quotes of its own ends. A header has blanks and quotes in it: where it is
 * an argument it goes to the end, inside a script to the end of what quotes it there.
 */
static const char *value_end(const struct redaction *r, const char *s, char separator)
{
	if (separator == ':')
		return s + strcspn(s, r->plain ? "\n" : "\n\"'");
	return s + strcspn(s, r->first ? " \t\n" : "& \t\n\"'");
}

/*
 * "name=value", "Name: value", "\"name\": \"value\"" with a secret name at s: writes it with the
 * value hidden and returns what follows; NULL: it is not one.
 */
static const char *hide_field(const struct redaction *r, const char *s)
{
	size_t len = 0;

	while (name_char(s[len]))
		len++;
	if (!len || !secret_name(s, len))
		return NULL;

	const char *p = s + len;

	if (*p == '"' || *p == '\'')
		p++;
	p += strspn(p, " ");
	if ((*p != '=' && *p != ':') || strncmp(p, "://", 3) == 0)
		return NULL;

	char separator = *p++;

	p += strspn(p, " ");

	char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
	const char *end =
		quote ? p + strcspn(p, quote == '"' ? "\"" : "'") : value_end(r, p, separator);

	if (end == p)
		return NULL;
	strbuf_addn(r->out, s, (size_t)(p - s));
	strbuf_add(r->out, HIDDEN);
	return end;
}

/* "://user:password@": writes "://user:***@" and returns what follows, or NULL. */
static const char *hide_userinfo(const char *s, struct strbuf *out)
{
	if (strncmp(s, "://", 3) != 0)
		return NULL;

	const char *from = s + 3, *end = from + strcspn(from, "/?# \t\n\"'"), *at = NULL;

	for (const char *p = from; p < end; p++)
		if (*p == '@')
			at = p; /* the last one: a password may hold others */
	if (!at)
		return NULL;

	const char *colon = memchr(from, ':', (size_t)(at - from));

	strbuf_addn(out, s, colon ? (size_t)(colon + 1 - s) : 3);
	strbuf_add(out, HIDDEN);
	return at;
}

/* A word that is a token by its shape: a known head, or a JSON web token. */
static size_t token_length(const char *s)
{
	size_t len = strcspn(s, " \t\n\"'&;,)}");

	for (size_t i = 0; i < ARRAY_LEN(token_heads); i++)
		if (strncmp(s, token_heads[i], strlen(token_heads[i])) == 0)
			return len;
	if (strncmp(s, "eyJ", 3) == 0 && len > 20)
		return len;
	return 0;
}

/* "user:password@host" without a scheme. */
static const char *hide_bare_userinfo(const char *s, struct strbuf *out)
{
	size_t user = strcspn(s, ":@/ \t\n\"'=");

	if (!user || s[user] != ':' || s[user + 1] == '/')
		return NULL;

	const char *password = s + user + 1;
	size_t len = strcspn(password, "@/ \t\n\"'");

	if (!len || password[len] != '@')
		return NULL;
	strbuf_addn(out, s, user + 1);
	strbuf_add(out, HIDDEN);
	return password + len;
}

/* Where the value of an option ends: with its argument, or inside a script at its quote or blank.
 */
static const char *option_end(const struct redaction *r, const char *s, char before)
{
	if (r->plain)
		return s + strlen(s);
	if (before == '"' || before == '\'')
		return s + strcspn(s, before == '"' ? "\"" : "'");
	return s + strcspn(s, " \t\n");
}

/* "Name: value" of -H: the value is hidden unless the name is known to be harmless. */
static const char *hide_header(const struct redaction *r, const char *s, const char *end)
{
	const char *colon = memchr(s, ':', (size_t)(end - s));

	if (!colon)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(plain_headers); i++)
		if (strlen(plain_headers[i]) == (size_t)(colon - s) &&
		    strncasecmp(s, plain_headers[i], (size_t)(colon - s)) == 0)
			return NULL;
	colon += 1 + strspn(colon + 1, " ");
	if (colon >= end)
		return NULL;
	strbuf_addn(r->out, s, (size_t)(colon - s));
	strbuf_add(r->out, HIDDEN);
	return end;
}

/* The value of an option whose name promised a secret; returns what follows, or NULL. */
static const char *hide_expected(struct redaction *r, const char *s, char before)
{
	const char *end = option_end(r, s, before), *head = s;
	enum expect expect = r->expect;

	r->expect = EXPECT_NOTHING;
	if (end == s || (expect == EXPECT_SECRET && *s == '-'))
		return NULL;
	if (expect == EXPECT_HEADER)
		return hide_header(r, s, end);
	if (expect != EXPECT_SECRET) {
		head = memchr(s, expect == EXPECT_USER ? ':' : '=', (size_t)(end - s));
		if (!head || strncmp(head, "://", 3) == 0)
			return NULL;
		head++;
	}
	strbuf_addn(r->out, s, (size_t)(head - s));
	strbuf_add(r->out, HIDDEN);
	return end;
}

static enum expect short_option(char letter)
{
	switch (letter) {
	case 'u': /* curl, wget, vegeta's kin */
	case 'a': /* hey */
	case 'A': /* ab */
	case 'P': /* ab: proxy */
	case 'U': /* curl: proxy */
		return EXPECT_USER;
	case 'e': /* k6, docker */
		return EXPECT_ENVIRONMENT;
	case 'H': /* curl, wrk, hey, ab, autocannon */
		return EXPECT_HEADER;
	case 'b': /* curl */
	case 'C': /* ab */
		return EXPECT_COOKIE;
	default:
		return EXPECT_NOTHING;
	}
}

static enum expect long_option(const char *name, size_t len)
{
	if (len == 3 && strncmp(name, "env", len) == 0)
		return EXPECT_ENVIRONMENT;
	if ((len == 4 && strncmp(name, "user", len) == 0) ||
	    (len == 10 && strncmp(name, "proxy-user", len) == 0))
		return EXPECT_USER;
	if ((len == 6 && strncmp(name, "header", len) == 0) ||
	    (len == 7 && strncmp(name, "headers", len) == 0))
		return EXPECT_HEADER;
	return secret_name(name, len) ? EXPECT_SECRET : EXPECT_NOTHING;
}

/*
 * An option at s: sets what to expect of the word that follows, or of the rest of this one
 * ("-uUSER:PASSWORD", "--env=NAME=VALUE"). Returns how many characters the name took. Long names
 * may have one dash (Go's flags).
 */
static size_t read_option(struct redaction *r, const char *s)
{
	size_t dashes = strspn(s, "-"), len = 0;
	const char *name = s + dashes;

	r->expect = EXPECT_NOTHING;
	if (dashes < 1 || dashes > 2)
		return 0;
	while (name_char(name[len]))
		len++;
	/* Followed by something else ("-HCookie: …") it is no name of an option. */
	if (len > 1 && (!name[len] || strchr("= \t\n\"'", name[len])))
		r->expect = long_option(name, len);
	if (r->expect != EXPECT_NOTHING)
		return dashes + len + (name[len] == '=');
	if (dashes == 1 && len)
		r->expect = short_option(*name);
	return r->expect != EXPECT_NOTHING ? 2 : 0;
}

/* Whatever hides something at s; NULL when nothing does. */
static const char *hide_at(const struct redaction *r, const char *s, bool at_word)
{
	const char *next = hide_userinfo(s, r->out);

	if (!next && at_word)
		next = hide_field(r, s);
	if (!next && at_word)
		next = hide_bare_userinfo(s, r->out);
	if (!next && at_word && token_length(s)) {
		strbuf_add(r->out, HIDDEN);
		next = s + token_length(s);
	}
	if (!next && at_word && strncasecmp(s, "bearer ", 7) == 0) {
		strbuf_addn(r->out, s, 7);
		strbuf_add(r->out, HIDDEN);
		next = s + 7 + strcspn(s + 7, "\n\"'");
	}
	return next;
}

static bool blank_or_quote(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '"' || c == '\'';
}

/* One argument. It may be a whole script (sh -c '…'), so options are looked for inside it too. */
static void redact_word(struct redaction *r, const char *word)
{
	char before = ' ';

	r->plain = true;
	for (const char *s = word; *s; before = s[-1]) {
		bool starts = blank_or_quote(before) && !blank_or_quote(*s);
		const char *next = NULL;

		r->first = s == word;
		if (starts && r->expect != EXPECT_NOTHING)
			next = hide_expected(r, s, before);
		if (!next && starts) {
			size_t n = read_option(r, s);

			strbuf_addn(r->out, s, n);
			s += n;
			if (n && *s && !blank_or_quote(*s))
				next = hide_expected(r, s, ' ');
			if (n && !next)
				continue;
		}
		if (!next)
			next = hide_at(r, s, !name_char(before));
		if (!next) {
			r->plain = r->plain && !blank_or_quote(*s);
			strbuf_addn(r->out, s, 1);
			next = s + 1;
		}
		s = next;
	}
}

char **redact_argv(char *const *argv)
{
	size_t len = 0;

	while (argv[len])
		len++;

	char **copy = calloc(len + 1, sizeof(*copy));
	struct strbuf out = {0};
	struct redaction r = {.out = &out};

	if (!copy)
		out_of_memory();
	for (size_t i = 0; i < len; i++) {
		strbuf_reset(&out);
		redact_word(&r, argv[i]);
		copy[i] = strdup(strbuf_get(&out));
		if (!copy[i])
			out_of_memory();
	}
	strbuf_done(&out);
	return copy;
}

void redact_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static void add_quoted(const char *word, struct strbuf *out)
{
	if (*word && !strpbrk(word, " \t\n\"'\\$`|&;<>()?[]{}")) {
		strbuf_add(out, word);
		return;
	}
	strbuf_add(out, "'");
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			strbuf_add(out, "'\\''");
		else
			strbuf_addn(out, p, 1);
	}
	strbuf_add(out, "'");
}

char *redact_line(char *const *argv)
{
	char **words = redact_argv(argv);
	struct strbuf out = {0};

	for (size_t i = 0; words[i]; i++) {
		strbuf_add(&out, i ? " " : "");
		add_quoted(words[i], &out);
	}
	redact_free(words);

	char *line = strdup(strbuf_get(&out));

	if (!line)
		out_of_memory();
	strbuf_done(&out);
	return line;
}

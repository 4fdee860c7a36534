/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/words.h"

#include <ctype.h>
#include <string.h>

/* Up to its '=': what follows may be a secret. */
static int unknown(const struct words *w, const char *word, struct err *e)
{
	return err_set(e, ERR_BAD_INPUT, "%s's option '%.*s' is not known here", w->program,
		       (int)strcspn(word, "="), word);
}

static int no_value(const struct words *w, const char *dashes, const char *name, struct err *e)
{
	return err_set(e, ERR_BAD_INPUT, "%s's option '%s%s' lacks its value", w->program, dashes,
		       name);
}

static const struct words_option *find_letter(const struct words *w, char letter)
{
	for (size_t i = 0; letter && i < w->options_len; i++)
		if (w->options[i].letter == letter)
			return &w->options[i];
	return NULL;
}

/* name[0..len), exactly or, with getopt_long, by the only option that begins so. */
static const struct words_option *find_name(const struct words *w, const char *name, size_t len)
{
	const struct words_option *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->options_len; i++) {
		const struct words_option *o = &w->options[i];

		if (!o->name || strncmp(o->name, name, len) != 0)
			continue;
		if (!o->name[len])
			return o;
		found = o;
		n++;
	}
	return w->style == WORDS_GETOPT && n == 1 && len ? found : NULL;
}

/* minimist's rule for the word behind an option: a word with a dash is the next option. */
static bool looks_like_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && (word[1] != '-' || (word[2] && word[2] != '-'));
}

/* The value of an option without an attached one. */
static int take_next(struct words *w, const struct words_option *o, const char **ret_value)
{
	*ret_value = NULL;
	if (o->arg != WORDS_VALUE)
		return 0;
	if (!*w->next || (w->style == WORDS_MINIMIST && looks_like_option(*w->next)))
		return -1;
	*ret_value = *w->next++;
	return 0;
}

static int take_long(struct words *w, const char *word, const char *name, const char **ret_value,
		     struct err *e)
{
	size_t len = strcspn(name, "=");
	const struct words_option *o = find_name(w, name, len);
	char text[64];

	if (!o && w->style == WORDS_MINIMIST) {
		if (!name[len] && strncmp(name, "no-", 3) != 0 && *w->next &&
		    !looks_like_option(*w->next))
			w->next++;
		return 0;
	}
	/* Go's flag takes -c and --c for the same. */
	if (!o && w->style == WORDS_GO && len == 1)
		o = find_letter(w, name[0]);
	if (!o)
		return unknown(w, word, e);
	if (name[len]) {
		*ret_value = name + len + 1;
		/* getopt_long refuses it; Go, pflag and minimist read true or false. */
		if (o->arg == WORDS_FLAG && w->style == WORDS_GETOPT)
			return err_set(e, ERR_BAD_INPUT, "%s's option '--%s' takes no value",
				       w->program, o->name);
		return o->id;
	}
	if (take_next(w, o, ret_value) < 0) {
		strncpy(text, name, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		return no_value(w, w->style == WORDS_GO ? "-" : "--", text, e);
	}
	return o->id;
}

/* What minimist takes for a value stuck to its letter: "-c16", "-c=16", "-H'x'". */
static bool sticks(const char *rest)
{
	size_t digits = strspn(rest, "0123456789.-e");

	return *rest &&
	       (*rest == '=' || !rest[digits] || !(isalnum((unsigned char)*rest) || *rest == '_'));
}

static int take_letter(struct words *w, const char **ret_value, struct err *e)
{
	char letter = *w->cluster++, text[2] = {letter, '\0'};
	const char *rest = *w->cluster ? w->cluster : NULL;
	const struct words_option *o = find_letter(w, letter);
	const struct words_option any = {.letter = letter, .arg = WORDS_VALUE};

	if (!o && w->style != WORDS_MINIMIST)
		return unknown(w, (char[]){'-', letter, '\0'}, e);
	if (!o)
		o = &any;
	if (rest && w->style == WORDS_MINIMIST && !sticks(rest))
		return o->id; /* a letter of a cluster has no value */
	if (rest && (o->arg != WORDS_FLAG || (*rest == '=' && w->style >= WORDS_PFLAG))) {
		bool assigned = *rest == '=' && w->style >= WORDS_PFLAG;

		*ret_value = assigned ? rest + 1 : rest;
		w->cluster = NULL;
		return o->id;
	}
	if (rest)
		return o->id;
	w->cluster = NULL;
	if (take_next(w, o, ret_value) < 0 && o != &any)
		return no_value(w, "-", text, e);
	return o->id;
}

/* One word or letter; 0: nothing of interest. */
static int take(struct words *w, const char **ret_value, struct err *e)
{
	const char *word;

	if (w->cluster && *w->cluster)
		return take_letter(w, ret_value, e);
	word = *w->next++;
	if (w->operands_only || word[0] != '-' || !word[1]) {
		/* The first operand ends the options of these two. */
		if (w->style == WORDS_APR || w->style == WORDS_GO)
			w->operands_only = true;
		*ret_value = word;
		return WORDS_OPERAND;
	}
	if (strcmp(word, "--") == 0) {
		w->operands_only = true;
		return 0;
	}
	if (w->style == WORDS_GO)
		return take_long(w, word, word + (word[1] == '-' ? 2 : 1), ret_value, e);
	if (word[1] == '-' && w->style != WORDS_APR)
		return take_long(w, word, word + 2, ret_value, e);
	w->cluster = word + 1;
	return take_letter(w, ret_value, e);
}

int words_next(struct words *w, const char **ret_value, struct err *e)
{
	*ret_value = NULL;
	while (*w->next || (w->cluster && *w->cluster)) {
		int r = take(w, ret_value, e);

		if (r != 0)
			return r;
		*ret_value = NULL;
	}
	return WORDS_END;
}

int words_each(struct words *w,
	       int (*each)(int option, const char *value, void *data, struct err *e), void *data,
	       struct err *e)
{
	const char *value;
	int r;

	while ((r = words_next(w, &value, e)) != WORDS_END) {
		if (r >= WORDS_OPERAND)
			r = each(r, value, data, e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool words_flag_off(const char *value)
{
	/* strconv.ParseBool's words. */
	static const char *const off[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; value && i < ARRAY_LEN(off); i++)
		if (strcmp(value, off[i]) == 0)
			return true;
	return false;
}

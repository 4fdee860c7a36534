/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/opts.h"

#include <string.h>

#include "base/nearest.h"
#include "base/parse.h"

/* What an argument on the command line turned out to be. */
struct found {
	const struct opt *opt;
	void *store;
	const struct load_key *load;
	const char *name;
	const char *value; /* "--name=VALUE", "-xVALUE"; NULL: in the next word */
};

static int unknown_option(const struct opt_set *set, const char *word, struct err *e)
{
	struct nearest near = {.word = word};

	for (size_t i = 0; i < set->len; i++)
		nearest_offer(&near, set->opts[i].name);
	for (size_t i = 0; set->load && i < load_keys_len; i++) {
		char name[40] = "";

		/* A key of a profile, spelled as an option. */
		strncpy(name, load_keys[i].name, sizeof(name) - 1);
		for (char *p = name; *p; p++)
			if (*p == '_')
				*p = '-';
		nearest_offer(&near, name);
	}
	if (!nearest_found(&near))
		return err_set(e, ERR_BAD_INPUT, "unknown option '--%s' (see --help)", word);
	return err_set(e, ERR_BAD_INPUT, "unknown option '--%s': did you mean --%s?", word,
		       nearest_found(&near));
}

static bool find_long(const struct opt_set *set, const char *arg, struct arena *a, struct found *f)
{
	size_t len = strcspn(arg, "=");

	f->name = arena_strndup(a, arg, len);
	f->value = arg[len] ? arg + len + 1 : NULL;
	const struct opt_set *in = set;

	do {
		for (size_t i = 0; i < in->len; i++) {
			if (strcmp(in->opts[i].name, f->name) == 0) {
				f->opt = &in->opts[i];
				f->store = in->store;
				return true;
			}
		}
		in = in->also;
	} while (in);
	/* Options are spelled with '-': --new_connections is a slip, not a second way. */
	if (set->load && !strchr(f->name, '_'))
		f->load = load_key_find(f->name);
	return f->load != NULL;
}

static bool find_short(const struct opt_set *set, const char *arg, struct arena *a, struct found *f)
{
	for (const struct opt_set *in = set; in; in = in->also) {
		for (size_t i = 0; i < in->len; i++) {
			if (!in->opts[i].letter || in->opts[i].letter != arg[0])
				continue;
			f->opt = &in->opts[i];
			f->store = in->store;
			f->name = f->opt->name;
			f->value = arg[1] ? arena_strdup(a, arg + 1) : NULL;
			return true;
		}
	}
	return false;
}

static int store_choice(const struct opt *o, const char *value, int *place, struct err *e)
{
	int index = 0;

	for (const char *s = o->metavar;; index++) {
		size_t len = strcspn(s, "|");

		if (strlen(value) == len && strncmp(s, value, len) == 0) {
			*place = index;
			return 0;
		}
		if (!s[len])
			break;
		s += len + 1;
	}
	return err_set(e, ERR_BAD_INPUT, "--%s '%s': expected %s", o->name, value, o->metavar);
}

/* Appends the comma-separated words of value to the list. */
static int store_list(const struct opt *o, const char *value, const char ***place, struct arena *a,
		      struct err *e)
{
	size_t have = 0, more = 1;

	for (const char *p = value; *p; p++)
		more += *p == ',';
	while (*place && (*place)[have])
		have++;

	const char **list = arena_alloc(a, (have + more + 1) * sizeof(*list));

	for (size_t i = 0; i < have; i++)
		list[i] = (*place)[i];
	for (const char *s = value;; s += strcspn(s, ",") + 1) {
		size_t len = strcspn(s, ",");

		if (len == 0)
			return err_set(e, ERR_BAD_INPUT, "--%s '%s': an empty word in the list",
				       o->name, value);
		list[have++] = arena_strndup(a, s, len);
		if (!s[len])
			break;
	}
	*place = list;
	return 0;
}

static int store(const struct found *f, struct arena *a, struct err *e)
{
	char *place = (char *)f->store + f->opt->offset;

	switch (f->opt->kind) {
	case OPT_FLAG:
		*(bool *)place = true;
		return 0;
	case OPT_TEXT:
		*(const char **)place = f->value;
		return 0;
	case OPT_CHOICE:
		return store_choice(f->opt, f->value, (int *)place, e);
	case OPT_DURATION:
		if (parse_duration_ns(f->value, (uint64_t *)place) < 0)
			return err_set(
				e, ERR_BAD_INPUT,
				"--%s '%s': expected a duration with its unit (250ms, 2s, 1m)",
				f->name, f->value);
		return 0;
	case OPT_LIST:
		return store_list(f->opt, f->value, (const char ***)place, a, e);
	}
	return 0;
}

/* Takes one option and, where it has one, its value; returns the words used. */
static int take(const struct opt_set *set, char **argv, struct arena *a, struct err *e)
{
	struct found f = {0};
	int r;

	if (argv[0][1] == '-') {
		if (!find_long(set, argv[0] + 2, a, &f))
			return unknown_option(set, f.name, e);
	} else if (!find_short(set, argv[0] + 1, a, &f)) {
		return err_set(e, ERR_BAD_INPUT, "unknown option '-%c' (see --help)", argv[0][1]);
	}

	bool wants_value = f.load ? f.load->metavar != NULL : f.opt->kind != OPT_FLAG;
	int used = 1;

	if (wants_value && !f.value) {
		f.value = argv[1];
		used = 2;
	}
	if (wants_value && !f.value)
		return err_set(e, ERR_BAD_INPUT, "--%s needs a value: %s", f.name,
			       f.load ? f.load->metavar : f.opt->metavar);
	if (!wants_value && f.value)
		return err_set(e, ERR_BAD_INPUT, "--%s takes no value", f.name);

	if (f.load) {
		r = load_set(set->load, f.load, f.value, e);
		if (r < 0)
			return err_wrap(e, "--%s '%s'", f.name, f.value ? f.value : "");
	} else {
		r = store(&f, a, e);
	}
	return r < 0 ? r : used;
}

int opts_parse(const struct opt_set *set, char **argv, struct arena *a, char **operands,
	       size_t *operands_len, char ***rest, bool *help, struct err *e)
{
	*operands_len = 0;
	*rest = NULL;
	while (*argv) {
		const char *arg = *argv;

		if (strcmp(arg, "--") == 0) {
			*rest = argv + 1;
			break;
		}
		if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
			*help = true;
			argv++;
		} else if (arg[0] == '-' && arg[1]) {
			int used = take(set, argv, a, e);

			if (used < 0)
				return used;
			argv += used;
		} else if (set->stop_at_operand) {
			*rest = argv;
			break;
		} else {
			operands[(*operands_len)++] = *argv++;
		}
	}
	operands[*operands_len] = NULL;
	return 0;
}

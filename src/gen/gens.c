/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"

#include "gen/gen.h"
#include "gen/shell.h"
#include "gen/wrap.h"

#define X_POINTER(name) &gen_##name,
const struct gen *const gens[] = {GENS(X_POINTER)};
#undef X_POINTER
const size_t gens_len = ARRAY_LEN(gens);

/* As --connections and its like have it. */
#define COUNT_MAX UINT64_C(1000000000000)

/* sudo env sh -c 'sudo env …': nobody nests deeper, and a loop must end. */
#define WRAPPERS_MAX 12

void gen_say(struct load *l, const char *fmt, ...)
{
	const char *before = l->generator.message;
	va_list ap;

	va_start(ap, fmt);

	const char *text = arena_vprintf(&l->arena, fmt, ap);

	va_end(ap);
	l->generator.message = before ? arena_printf(&l->arena, "%s; %s", before, text) : text;
}

static uint64_t *place_of(struct load *l, enum load_field field)
{
	switch (field) {
	case LOAD_RATE:
		return &l->rate;
	case LOAD_CONNECTIONS:
		return &l->connections;
	case LOAD_NEW_CONNECTIONS:
		return &l->new_connections;
	case LOAD_SOURCE_IPS:
		return &l->source_ips;
	default:
		return &l->duration_ns;
	}
}

int gen_state(struct load *l, enum load_field field, uint64_t value, struct err *e)
{
	/* Nanoseconds: thirty years. */
	const uint64_t max = field == LOAD_DURATION ? COUNT_MAX * 1000000 : COUNT_MAX;

	if (value > max)
		return err_set(e, ERR_BAD_INPUT, "its numbers are beyond any host");
	if (value) {
		*place_of(l, field) = value;
		l->stated |= field;
	}
	return 0;
}

int gen_state_product(struct load *l, enum load_field field, uint64_t a, uint64_t b, struct err *e)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		product = UINT64_MAX;
	return gen_state(l, field, product, e);
}

int gen_state_real(struct load *l, enum load_field field, double value, struct err *e)
{
	uint64_t whole = value < 1e18 ? (uint64_t)value : UINT64_MAX - 1;

	return gen_state(l, field, whole + ((double)whole < value), e);
}

void gen_state_keepalive(struct load *l, bool keepalive)
{
	l->keepalive = keepalive;
	l->stated |= LOAD_KEEPALIVE;
}

bool gen_header_closes(const char *header)
{
	size_t name = strcspn(header, ":=");
	const char *value = header + name + (header[name] != '\0');

	value += strspn(value, " \t");
	return name == 10 && strncasecmp(header, "connection", name) == 0 &&
	       strncasecmp(value, "close", 5) == 0;
}

int gen_bad_value(const char *option, const char *value, const char *expected, struct err *e)
{
	return err_set(e, ERR_BAD_INPUT, "%s '%.40s' is not %s", option, value ? value : "",
		       expected);
}

const struct gen *gen_find(char *const *argv)
{
	for (size_t i = 0; i < gens_len; i++)
		if (gens[i]->match(argv))
			return gens[i];
	return NULL;
}

static const struct gen *resolve(struct gen_command *c, unsigned *wrappers, struct load *l);

/* `echo "GET http://…" | vegeta attack`: the words of the part in front, where they are its output.
 */
static char *const *piped_words(const struct shell_part *before)
{
	const char *name = before->argc ? path_basename(before->argv[0]) : "";

	return strcmp(name, "echo") == 0 || strcmp(name, "printf") == 0 ? before->argv + 1 : NULL;
}

/* The one part of a pipeline that is a generator. */
static const struct gen *resolve_script(struct gen_command *c, const char *script,
					unsigned *wrappers, struct load *l)
{
	struct shell_line line;
	const char *fancy = shell_split(script, &l->arena, &line);
	const struct gen *found = NULL;
	struct gen_command chosen = *c;

	if (fancy) {
		gen_say(l, "the shell's command line has %s in it and was not read", fancy);
		return NULL;
	}
	for (size_t i = 0; i < line.parts; i++) {
		struct gen_command part = *c;

		part.argv = line.part[i].argv;
		part.input = i ? piped_words(&line.part[i - 1]) : NULL;

		const struct gen *g = resolve(&part, wrappers, l);

		if (!g)
			continue;
		if (found) {
			gen_say(l, "the pipeline has more than one generator in it");
			return NULL;
		}
		found = g;
		chosen = part;
	}
	*c = chosen;
	return found;
}

static const struct gen *resolve(struct gen_command *c, unsigned *wrappers, struct load *l)
{
	for (; *wrappers < WRAPPERS_MAX; ++*wrappers) {
		const char *script = NULL;

		wrap_assignments(c, l);
		if (!c->argv[0])
			return NULL;

		const struct gen *g = gen_find(c->argv);

		if (g)
			return g;
		switch (wrap_strip(c, &script, l)) {
		case WRAP_STRIPPED:
			break;
		case WRAP_SHELL:
			++*wrappers;
			return resolve_script(c, script, wrappers, l);
		case WRAP_NONE:
		case WRAP_OPAQUE:
			return NULL;
		}
	}
	return NULL;
}

/* What was stated before the reader gave up is not the command's load. */
static void forget(struct load *l)
{
	l->stated = 0;
	l->rate = l->connections = l->new_connections = l->source_ips = l->duration_ns = 0;
	l->targets = NULL;
	l->targets_len = 0;
	l->role = ROLE_NONE;
}

/* "-c 400", "-c400", "--connections=400": the last word that is the option, as it stands. */
static const char *find_option(const struct gen_says *o, char *const *argv, struct arena *a)
{
	const char *const names[] = {o->letter, o->name};
	const char *found = NULL;

	for (size_t i = 1; argv[i]; i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			const char *name = names[k];
			size_t len = name ? strlen(name) : 0;

			if (!name || strncmp(argv[i], name, len) != 0)
				continue;
			if (!argv[i][len] && argv[i + 1] && !o->alone)
				found = arena_printf(a, "%s %.40s", name, argv[i + 1]);
			else if (!argv[i][len] || argv[i][len] == '=' || k == 0)
				found = arena_printf(a, "%.60s", argv[i]);
		}
	}
	return found;
}

/* What the load states came from this command; by which of its options, where one says it. */
static void name_origins(const struct gen *g, char *const *argv, struct load *l)
{
	for (unsigned i = 0; i < LOAD_FIELDS; i++) {
		const enum load_field field = (enum load_field)(1u << i);
		const char *option = NULL;

		if (!load_states(l, field))
			continue;
		for (size_t k = 0; k < GEN_SAYS && g->says[k].field && !option; k++)
			if (g->says[k].field == field)
				option = find_option(&g->says[k], argv, &l->arena);
		const char *name = path_basename(argv[0]);

		l->from[i] = option ? arena_printf(&l->arena, "%s %s", name, option)
				    : arena_printf(&l->arena, "%s's command line", name);
	}
}

static void read_with(const struct gen *g, const struct gen_command *c, struct load *l)
{
	struct err e;

	l->generator.name = g->name;
	l->role = ROLE_GENERATOR;
	l->stated |= LOAD_ROLE;
	if (g->load(c, l, &e) < 0) {
		forget(l);
		l->generator = (struct generator){
			.name = g->name,
			.container = l->generator.container,
			.container_nofile = l->generator.container_nofile,
			.message = l->generator.message,
		};
		gen_say(l, "its command line was not read: %s; state the load with LOAD options",
			e.msg);
		return;
	}
	name_origins(g, c->argv, l);
	if (c->at_most_ns && (!load_states(l, LOAD_DURATION) || l->duration_ns > c->at_most_ns)) {
		l->duration_ns = c->at_most_ns;
		l->stated |= LOAD_DURATION;
		l->from[__builtin_ctz(LOAD_DURATION)] = "timeout, which ends the command";
	}
}

void gen_read(char *const *argv, const struct gen_context *context, struct load *l)
{
	struct gen_command c = {.argv = argv, .context = context};
	unsigned wrappers = 0;
	const struct gen *g = argv[0] ? resolve(&c, &wrappers, l) : NULL;

	if (g) {
		read_with(g, &c, l);
		return;
	}
	/* The innermost command that was seen; a variable in front of it may be a secret. */
	gen_say(l,
		"what load '%.40s' makes is not known; state it with LOAD options (--connections, "
		"--rate, --target, ...)",
		c.argv[0] ? path_basename(c.argv[0]) : "");
}

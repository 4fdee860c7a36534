/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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
	const char *name = before->argc ? wrap_basename(before->argv[0]) : "";

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
	if (c->at_most_ns && (!load_states(l, LOAD_DURATION) || l->duration_ns > c->at_most_ns)) {
		l->duration_ns = c->at_most_ns;
		l->stated |= LOAD_DURATION;
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
		c.argv[0] ? wrap_basename(c.argv[0]) : "");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wrk, and wrk2, which is wrk with a rate and is often installed under its name. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/path.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

static const struct words_option options[] = {
	{"connections", 'c', WORDS_VALUE, 'c'},
	{"duration", 'd', WORDS_VALUE, 'd'},
	{"threads", 't', WORDS_VALUE, 't'},
	{"script", 's', WORDS_VALUE, 's'},
	{"header", 'H', WORDS_VALUE, 'H'},
	{"rate", 'R', WORDS_VALUE, 'R'},
	{"latency", 'L', WORDS_FLAG, 0},
	{"timeout", 'T', WORDS_VALUE, 0},
	{"u_latency", 'U', WORDS_FLAG, 0},
	{"batch_latency", 'B', WORDS_FLAG, 0},
	{NULL, 'r', WORDS_FLAG, 0},
	{"version", 'v', WORDS_FLAG, 0},
	{"help", 'h', WORDS_FLAG, 'h'},
};

struct wrk {
	uint64_t connections, threads, duration_s, rate;
	bool closes, script;
	const char *url;
};

/* A number and one unit in either case, as scan_units() of wrk's units.c takes it. */
static int scan(const char *s, const char *units, const uint64_t *factors, uint64_t *ret)
{
	uint64_t n = 0;

	s += strspn(s, " \t\n");
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -EINVAL;
	s += strspn(s, " \t\n");
	if (*s) {
		const char *unit = strchr(units, tolower((unsigned char)*s));

		if (!unit || s[1] || __builtin_mul_overflow(n, factors[unit - units], &n))
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

static int scan_count(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	static const uint64_t factors[] = {1000, 1000000, 1000000000, 1000000000000,
					   1000000000000000};

	if (scan(value, "kmgtp", factors, ret) < 0)
		return gen_bad_value(option, value, "a number (1000, 1k)", e);
	return 0;
}

static int scan_time(const char *value, uint64_t *ret, struct err *e)
{
	static const uint64_t factors[] = {1, 60, 3600};

	if (scan(value, "smh", factors, ret) < 0)
		return gen_bad_value("-d", value, "a time (30s, 2m)", e);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct wrk *w = data;

	switch (option) {
	case 'c':
		return scan_count("-c", value, &w->connections, e);
	case 't':
		return scan_count("-t", value, &w->threads, e);
	case 'R':
		return scan_count("-R", value, &w->rate, e);
	case 'd':
		return scan_time(value, &w->duration_s, e);
	case 's':
		w->script = true;
		return 0;
	case 'H':
		w->closes = w->closes || gen_header_closes(value);
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default: /* the first operand is the URL, the others are the script's */
		w->url = w->url ? w->url : value;
		return 0;
	}
}

/* What wrk itself refuses. */
static int check(const struct wrk *w, const struct load *l, struct err *e)
{
	if (!w->url)
		return err_set(e, ERR_BAD_INPUT, "it names no URL");
	if (!load_states(l, LOAD_TARGET))
		return err_set(e, ERR_BAD_INPUT, "its URL is none (http://HOST:PORT/)");
	if (!w->threads || !w->duration_s)
		return err_set(e, ERR_BAD_INPUT, "it asks for no threads or no time");
	if (w->connections < w->threads)
		return err_set(e, ERR_BAD_INPUT,
			       "it asks for fewer connections (%" PRIu64 ") than threads (%" PRIu64
			       ")",
			       w->connections, w->threads);
	return 0;
}

static int state(const struct wrk *w, struct load *l, struct err *e)
{
	uint64_t opened = w->connections - w->connections % w->threads, duration_ns;

	/* main() of wrk.c divides the connections by the threads, without the rest. */
	if (opened != w->connections)
		gen_say(l,
			"wrk opens %" PRIu64 " of the %" PRIu64 " connections, as many per thread",
			opened, w->connections);
	if (__builtin_mul_overflow(w->duration_s, NS_PER_S, &duration_ns))
		duration_ns = UINT64_MAX;

	int r = gen_state(l, LOAD_CONNECTIONS, opened, e);

	if (r == 0)
		r = gen_state(l, LOAD_DURATION, duration_ns, e);
	if (r == 0)
		r = gen_state(l, LOAD_RATE, w->rate, e);
	return r;
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	/* The defaults of parse_args() in wrk.c; wrk2's are the same. */
	struct wrk w = {.connections = 10, .threads = 2, .duration_s = 10};
	struct words words = {.program = l->generator.name,
			      .style = WORDS_GETOPT,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	r = words_each(&words, take, &w, e);
	if (r < 0)
		return r;
	/* wrk2 resolves the name of the scheme where there is no port, as wrk does. */
	if (w.url && url_add_target(l, w.url, false) < 0)
		l->stated &= ~(unsigned)LOAD_TARGET;
	r = check(&w, l, e);
	if (r == 0)
		r = state(&w, l, e);
	if (r < 0)
		return r;
	l->generator.threads = w.threads;
	l->generator.model = w.rate ? MODEL_OPEN : MODEL_CLOSED;
	if (w.closes)
		gen_state_keepalive(l, false);
	else if (!w.script)
		gen_state_keepalive(l, true);
	if (w.script)
		gen_say(l, "its Lua script was not read, and may change what is sent");
	return 0;
}

static int load_wrk2(const struct gen_command *c, struct load *l, struct err *e)
{
	int r = load(c, l, e);

	if (r == 0 && !load_states(l, LOAD_RATE))
		return err_set(e, ERR_BAD_INPUT, "wrk2 needs a rate (-R)");
	return r;
}

/* Does wrk's own grammar find a rate in it? Then it is wrk2, which wrk would refuse to be. */
static bool has_rate(char *const *argv)
{
	struct words words = {.program = "wrk",
			      .style = WORDS_GETOPT,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = argv + 1};
	const char *value;
	struct err ignored;
	int r;

	while ((r = words_next(&words, &value, &ignored)) >= WORDS_OPERAND && r != WORDS_END)
		if (r == 'R')
			return true;
	return false;
}

static bool match_wrk(char *const *argv)
{
	return strcmp(path_basename(argv[0]), "wrk") == 0 && !has_rate(argv);
}

static bool match_wrk2(char *const *argv)
{
	const char *name = path_basename(argv[0]);

	return strcmp(name, "wrk2") == 0 || (strcmp(name, "wrk") == 0 && has_rate(argv));
}

#define SAYS                                                                                       \
	{                                                                                          \
		{LOAD_CONNECTIONS, "-c", "--connections", false},                                  \
			{LOAD_DURATION, "-d", "--duration", false},                                \
		{                                                                                  \
			LOAD_RATE, "-R", "--rate", false                                           \
		}                                                                                  \
	}

const struct gen gen_wrk = {.name = "wrk", .says = SAYS, .match = match_wrk, .load = load};
const struct gen gen_wrk2 = {.name = "wrk2", .says = SAYS, .match = match_wrk2, .load = load_wrk2};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/path.h"

#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

static const struct words_option options[] = {
	{"n", '\0', WORDS_VALUE, 'n'},
	{"c", '\0', WORDS_VALUE, 'c'},
	{"q", '\0', WORDS_VALUE, 'q'},
	{"z", '\0', WORDS_VALUE, 'z'},
	{"H", '\0', WORDS_VALUE, 'H'},
	{"x", '\0', WORDS_VALUE, 'x'},
	{"cpus", '\0', WORDS_VALUE, 'p'},
	{"disable-keepalive", '\0', WORDS_FLAG, 'k'},
	{"help", '\0', WORDS_FLAG, 'h'},
	{"o", '\0', WORDS_VALUE, 0},
	{"m", '\0', WORDS_VALUE, 0},
	{"h", '\0', WORDS_VALUE, 0},
	{"t", '\0', WORDS_VALUE, 0},
	{"A", '\0', WORDS_VALUE, 0},
	{"d", '\0', WORDS_VALUE, 0},
	{"D", '\0', WORDS_VALUE, 0},
	{"T", '\0', WORDS_VALUE, 0},
	{"U", '\0', WORDS_VALUE, 0},
	{"a", '\0', WORDS_VALUE, 0},
	{"host", '\0', WORDS_VALUE, 0},
	{"h2", '\0', WORDS_FLAG, 0},
	{"disable-compression", '\0', WORDS_FLAG, 0},
	{"disable-redirects", '\0', WORDS_FLAG, 0},
};

/* http.Transport's MaxIdleConnsPerHost in hey's requester.go: min(workers, maxIdleConn). */
#define IDLE_MAX 500

struct hey {
	uint64_t requests, workers, duration_ns, cpus;
	double rate_each;
	bool closes;
	const char *url, *proxy;
	unsigned behind; /* words behind the URL */
};

static int take_number(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	if (number_go_int(value, ret) < 0)
		return gen_bad_value(option, value, "a whole number", e);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct hey *h = data;

	switch (option) {
	case 'n':
		return take_number("-n", value, &h->requests, e);
	case 'c':
		return take_number("-c", value, &h->workers, e);
	case 'p':
		return take_number("-cpus", value, &h->cpus, e);
	case 'q':
		return number_real(value, &h->rate_each) < 0
			       ? gen_bad_value("-q", value, "a number", e)
			       : 0;
	case 'z':
		return number_go_duration(value, &h->duration_ns) < 0
			       ? gen_bad_value("-z", value, "a duration (10s, 3m)", e)
			       : 0;
	case 'k':
		h->closes = !words_flag_off(value);
		return 0;
	case 'H':
		h->closes = h->closes || gen_header_closes(value);
		return 0;
	case 'x':
		h->proxy = value;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default:
		h->behind += h->url != NULL;
		h->url = h->url ? h->url : value;
		return 0;
	}
}

/* What hey itself refuses. */
static int check(const struct hey *h, struct load *l, struct err *e)
{
	if (!h->url)
		return err_set(e, ERR_BAD_INPUT, "it names no URL");
	if (!h->workers || (!h->duration_ns && h->requests < h->workers))
		return err_set(e, ERR_BAD_INPUT,
			       "it asks for fewer requests (-n) than workers (-c)");
	/* Connections go to the proxy, not to the URL. */
	if (url_add_target(l, h->proxy ? h->proxy : h->url, h->proxy != NULL) < 0)
		return err_set(e, ERR_BAD_INPUT, "its URL is none (http://HOST:PORT/)");
	return 0;
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct hey h = {.requests = 200, .workers = 50};
	struct words words = {.program = "hey",
			      .style = WORDS_GO,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	r = words_each(&words, take, &h, e);
	if (r < 0)
		return r;
	r = check(&h, l, e);
	if (r == 0)
		r = gen_state(l, LOAD_CONNECTIONS, h.workers, e);
	if (r == 0)
		r = gen_state(l, LOAD_DURATION, h.duration_ns, e);
	if (r == 0)
		r = gen_state_real(l, LOAD_RATE, h.rate_each * (double)h.workers, e);
	if (r < 0)
		return r;
	gen_state_keepalive(l, !h.closes);
	l->generator.model = MODEL_CLOSED;
	l->generator.raises_nofile = true;
	l->generator.threads = h.cpus;
	if (h.behind)
		gen_say(l, "hey ignores what stands behind the URL");
	if (h.workers > IDLE_MAX && !h.closes)
		gen_say(l,
			"hey keeps %d idle connections at most, so that with more workers some "
			"requests open a new one",
			IDLE_MAX);
	return 0;
}

static bool match(char *const *argv)
{
	return strcmp(path_basename(argv[0]), "hey") == 0;
}

const struct gen gen_hey = {
	.name = "hey",
	.says =
		{
			{LOAD_CONNECTIONS, NULL, "-c", false},
			{LOAD_DURATION, NULL, "-z", false},
			{LOAD_RATE, NULL, "-q", false},
			{LOAD_KEEPALIVE, NULL, "-disable-keepalive", true},
		},
	.match = match,
	.load = load,
};

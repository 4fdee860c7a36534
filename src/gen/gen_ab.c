/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/path.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

/* "n:c:t:s:b:T:p:u:v:lrkVhwiIx:y:z:C:H:P:A:g:X:de:SqB:m:Z:f:E:" of ab.c */
static const struct words_option options[] = {
	{NULL, 'n', WORDS_VALUE, 'n'}, {NULL, 'c', WORDS_VALUE, 'c'}, {NULL, 't', WORDS_VALUE, 't'},
	{NULL, 'k', WORDS_FLAG, 'k'},  {NULL, 'H', WORDS_VALUE, 'H'}, {NULL, 'X', WORDS_VALUE, 'X'},
	{NULL, 'B', WORDS_VALUE, 'B'}, {NULL, 'h', WORDS_FLAG, 'h'},  {NULL, 'V', WORDS_FLAG, 'h'},
	{NULL, 's', WORDS_VALUE, 0},   {NULL, 'b', WORDS_VALUE, 0},   {NULL, 'T', WORDS_VALUE, 0},
	{NULL, 'p', WORDS_VALUE, 0},   {NULL, 'u', WORDS_VALUE, 0},   {NULL, 'v', WORDS_VALUE, 0},
	{NULL, 'l', WORDS_FLAG, 0},    {NULL, 'r', WORDS_FLAG, 0},    {NULL, 'w', WORDS_FLAG, 0},
	{NULL, 'i', WORDS_FLAG, 0},    {NULL, 'I', WORDS_FLAG, 0},    {NULL, 'x', WORDS_VALUE, 0},
	{NULL, 'y', WORDS_VALUE, 0},   {NULL, 'z', WORDS_VALUE, 0},   {NULL, 'C', WORDS_VALUE, 0},
	{NULL, 'P', WORDS_VALUE, 0},   {NULL, 'A', WORDS_VALUE, 0},   {NULL, 'g', WORDS_VALUE, 0},
	{NULL, 'd', WORDS_FLAG, 0},    {NULL, 'e', WORDS_VALUE, 0},   {NULL, 'S', WORDS_FLAG, 0},
	{NULL, 'q', WORDS_FLAG, 0},    {NULL, 'm', WORDS_VALUE, 0},   {NULL, 'Z', WORDS_VALUE, 0},
	{NULL, 'f', WORDS_VALUE, 0},   {NULL, 'E', WORDS_VALUE, 0},
};

struct ab {
	uint64_t requests, concurrency, limit_s;
	bool keepalive, binds;
	const char *url, *proxy;
	unsigned operands;
};

static int take_number(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	if (number_atoi(value, ret) < 0)
		return gen_bad_value(option, value, "a number", e);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct ab *a = data;

	switch (option) {
	case 'n':
		return take_number("-n", value, &a->requests, e);
	case 'c':
		return take_number("-c", value, &a->concurrency, e);
	case 't':
		/* A later -n takes back the 50 000. */
		a->requests = 50000;
		return take_number("-t", value, &a->limit_s, e);
	case 'k':
		a->keepalive = true;
		return 0;
	case 'H':
		a->keepalive = a->keepalive && !gen_header_closes(value);
		return 0;
	case 'X':
		a->proxy = value;
		return 0;
	case 'B':
		a->binds = true;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default:
		a->url = value;
		a->operands++;
		return 0;
	}
}

/* What ab itself refuses. */
static int check(const struct ab *a, struct load *l, struct err *e)
{
	const char *host;

	if (a->operands != 1)
		return err_set(e, ERR_BAD_INPUT, "ab takes one URL, behind its options");
	if (!a->requests || !a->concurrency || a->concurrency > a->requests)
		return err_set(e, ERR_BAD_INPUT,
			       "it asks for fewer requests (-n) than connections (-c)");
	host = strstr(a->url, "://");
	if (!strchr(host ? host + 3 : a->url, '/'))
		return err_set(e, ERR_BAD_INPUT, "ab refuses a URL without a path (add a /)");
	if (url_add_target(l, a->proxy ? a->proxy : a->url, true) < 0)
		return err_set(e, ERR_BAD_INPUT, "its URL is none (http://HOST:PORT/)");
	return 0;
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct ab a = {.requests = 1, .concurrency = 1};
	struct words words = {.program = "ab",
			      .style = WORDS_APR,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	r = words_each(&words, take, &a, e);
	if (r < 0)
		return r;
	r = check(&a, l, e);
	if (r == 0)
		r = gen_state(l, LOAD_CONNECTIONS, a.concurrency, e);
	if (r == 0)
		r = gen_state(l, LOAD_DURATION, a.limit_s * NS_PER_S, e);
	if (r < 0)
		return r;
	gen_state_keepalive(l, a.keepalive);
	l->generator.model = MODEL_CLOSED;
	l->generator.binds_first = a.binds;
	l->generator.threads = 1;
	if (a.binds)
		return gen_state(l, LOAD_SOURCE_IPS, 1, e);
	return 0;
}

static bool match(char *const *argv)
{
	return strcmp(path_basename(argv[0]), "ab") == 0;
}

const struct gen gen_ab = {
	.name = "ab",
	.says =
		{
			{LOAD_CONNECTIONS, "-c", NULL, false},
			{LOAD_DURATION, "-t", NULL, false},
			{LOAD_KEEPALIVE, NULL, "-k", true},
		},
	.match = match,
	.load = load,
};

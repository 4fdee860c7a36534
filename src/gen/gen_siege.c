/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

/* "VhvqCDNFpgl::ibr:t:f:d:c:m:H:R:A:T:j" of siege's main.c */
static const struct words_option options[] = {
	{"concurrent", 'c', WORDS_VALUE, 'c'}, {"time", 't', WORDS_VALUE, 't'},
	{"header", 'H', WORDS_VALUE, 'H'},     {"file", 'f', WORDS_VALUE, 'f'},
	{"get", 'g', WORDS_FLAG, 'g'},	       {"print", 'p', WORDS_FLAG, 'g'},
	{"version", 'V', WORDS_FLAG, 'h'},     {"help", 'h', WORDS_FLAG, 'h'},
	{"config", 'C', WORDS_FLAG, 'h'},      {"verbose", 'v', WORDS_FLAG, 0},
	{"quiet", 'q', WORDS_FLAG, 0},	       {"debug", 'D', WORDS_FLAG, 0},
	{"no-parser", 'N', WORDS_FLAG, 0},     {"no-follow", 'F', WORDS_FLAG, 0},
	{"internet", 'i', WORDS_FLAG, 0},      {"benchmark", 'b', WORDS_FLAG, 0},
	{"reps", 'r', WORDS_VALUE, 0},	       {"delay", 'd', WORDS_VALUE, 0},
	{"log", 'l', WORDS_MAYBE, 0},	       {"rc", 'R', WORDS_VALUE, 0},
	{"mark", 'm', WORDS_VALUE, 0},	       {"user-agent", 'A', WORDS_VALUE, 0},
	{"content-type", 'T', WORDS_VALUE, 0}, {"json-output", 'j', WORDS_FLAG, 0},
};

struct siege {
	uint64_t users, duration_s;
	bool users_said, once, closes;
	const char *url, *file;
};

/* parse_time() of siege's util.c: digits, then the first s, m or h in either case; minutes. */
static int parse_time(const char *s, uint64_t *ret)
{
	uint64_t n;
	int r = isdigit((unsigned char)*s) ? number_atoi(s, &n) : -1;

	if (r < 0)
		return r;
	s += strcspn(s, "sSmMhH");
	*ret = n * (tolower((unsigned char)*s) == 's'	? 1
		    : tolower((unsigned char)*s) == 'h' ? 3600
							: 60);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct siege *s = data;

	switch (option) {
	case 'c':
		s->users_said = true;
		return number_atoi(value, &s->users) < 0
			       ? gen_bad_value("-c", value, "a number of users", e)
			       : 0;
	case 't':
		return parse_time(value, &s->duration_s) < 0
			       ? gen_bad_value("-t", value, "a time (30S, 1M)", e)
			       : 0;
	case 'H':
		s->closes = s->closes || gen_header_closes(value);
		return 0;
	case 'f':
		s->file = value;
		return 0;
	case 'g': /* one request, to show it */
		s->once = true;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it makes no load");
	default: /* the last operand counts */
		s->url = value;
		return 0;
	}
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct siege s = {.users = 0};
	struct words words = {.program = "siege",
			      .style = WORDS_GETOPT,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	r = words_each(&words, take, &s, e);
	if (r < 0)
		return r;
	if (s.once) {
		s.users = 1;
		s.users_said = true;
	}
	if (s.users_said && !s.users)
		return gen_bad_value("-c", "0", "a number of users", e);
	if (s.url && url_add_target(l, s.url, true) < 0)
		return err_set(e, ERR_BAD_INPUT, "its URL is none (http://HOST:PORT/)");
	r = gen_state(l, LOAD_CONNECTIONS, s.users, e);
	if (r == 0)
		r = gen_state(l, LOAD_DURATION, s.duration_s * NS_PER_S, e);
	if (r < 0)
		return r;
	if (s.closes)
		gen_state_keepalive(l, false);
	l->generator.model = MODEL_CLOSED;
	l->generator.threads = s.users; /* a thread for each */
	if (!s.url)
		gen_say(l, "the file of its URLs was not read; state --target");
	gen_say(l,
		"siege's resource file was not read: %sits connection = close, which is the "
		"default, is --no-keepalive here, and its limit caps the users",
		s.users_said ? "" : "the number of users is in it (state --connections); ");
	return 0;
}

static bool match(char *const *argv)
{
	return strcmp(path_basename(argv[0]), "siege") == 0;
}

const struct gen gen_siege = {
	.name = "siege",
	.says =
		{
			{LOAD_CONNECTIONS, "-c", "--concurrent", false},
			{LOAD_DURATION, "-t", "--time", false},
		},
	.match = match,
	.load = load,
};

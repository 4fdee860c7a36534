/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/path.h"

#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

static const struct words_option options[] = {
	{"connections", 'c', WORDS_VALUE, 'c'},
	{"duration", 'd', WORDS_VALUE, 'd'},
	{"amount", 'a', WORDS_VALUE, 'a'},
	{"overallRate", 'R', WORDS_VALUE, 'R'},
	{"connectionRate", 'r', WORDS_VALUE, 'r'},
	{"reconnectRate", 'D', WORDS_VALUE, 'D'},
	{"workers", 'w', WORDS_VALUE, 'w'},
	{"headers", 'H', WORDS_VALUE, 'H'},
	{"header", '\0', WORDS_VALUE, 'H'},
	{"socketPath", 'S', WORDS_VALUE, 'S'},
	{"forever", 'f', WORDS_FLAG, 'f'},
	{"help", 'h', WORDS_FLAG, 'h'},
	{"version", 'v', WORDS_FLAG, 'h'},
	{"on-port", '\0', WORDS_FLAG, 0},
	{"onPort", '\0', WORDS_FLAG, 0},
	{"json", 'j', WORDS_FLAG, 0},
	{"no-progress", 'n', WORDS_FLAG, 0},
	{"latency", 'l', WORDS_FLAG, 0},
	{"renderLatencyTable", '\0', WORDS_FLAG, 0},
	{"renderProgressBar", '\0', WORDS_FLAG, 0},
	{"progress", '\0', WORDS_FLAG, 0},
	{"renderStatusCodes", '\0', WORDS_FLAG, 0},
	{"statusCodes", '\0', WORDS_FLAG, 0},
	{"idReplacement", 'I', WORDS_FLAG, 0},
	{"excludeErrorStats", 'x', WORDS_FLAG, 0},
	{"ignoreCoordinatedOmission", 'C', WORDS_FLAG, 0},
	{"verbose", 'V', WORDS_FLAG, 0},
	{"debug", '\0', WORDS_FLAG, 0},
};

struct autocannon {
	struct load *load; /* targets are stated as they are met */
	uint64_t connections, amount, overall_rate, connection_rate, reconnect, workers,
		duration_ns;
	bool closes, forever, socket, unknown_url;
};

/* timestring's "10s", "1m30s", "2 min"; a number alone is seconds. */
static int parse_duration(const char *s, uint64_t *ret_ns)
{
	static const struct {
		const char *units;
		double seconds;
	} known[] = {
		{" ms milli millisecond milliseconds ", 1e-3},
		{" s sec secs second seconds ", 1},
		{" m min mins minute minutes ", 60},
		{" h hr hrs hour hours ", 3600},
		{" d day days ", 86400},
	};
	double total = 0, n;

	if (number_real(s, &n) == 0)
		return number_seconds(n, ret_ns);
	while (*s) {
		char number[32], word[16] = " ";
		size_t len = strspn(s, "0123456789."), i = 0, letters = 0;

		if (!len || len >= sizeof(number))
			return -EINVAL;
		memcpy(number, s, len);
		number[len] = '\0';
		s += len + strspn(s + len, " ");
		while (isalpha((unsigned char)s[letters]) && letters + 3 < sizeof(word)) {
			word[letters + 1] = (char)tolower((unsigned char)s[letters]);
			letters++;
		}
		memcpy(word + letters + 1, " ", 2);
		while (i < ARRAY_LEN(known) && !strstr(known[i].units, word))
			i++;
		if (!letters || i == ARRAY_LEN(known) || number_real(number, &n) < 0)
			return -EINVAL;
		total += n * known[i].seconds;
		s += letters + strspn(s + letters, " ,");
	}
	return number_seconds(total, ret_ns);
}

static int take_number(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	double n;

	if (!value || number_real(value, &n) < 0 || n < 1 || n > 1e12 || (double)(uint64_t)n != n)
		return gen_bad_value(option, value, "a whole number of at least 1", e);
	*ret = (uint64_t)n;
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct autocannon *a = data;
	struct load *l = a->load;

	switch (option) {
	case 'c':
		return take_number("-c", value, &a->connections, e);
	case 'a':
		return take_number("-a", value, &a->amount, e);
	case 'R':
		return take_number("-R", value, &a->overall_rate, e);
	case 'r':
		return take_number("-r", value, &a->connection_rate, e);
	case 'D':
		return take_number("-D", value, &a->reconnect, e);
	case 'w':
		return take_number("-w", value, &a->workers, e);
	case 'd':
		return !value || parse_duration(value, &a->duration_ns) < 0
			       ? gen_bad_value("-d", value, "a number of seconds", e)
			       : 0;
	case 'H':
		a->closes = a->closes || (value && gen_header_closes(value));
		return 0;
	case 'S':
		a->socket = true;
		return 0;
	case 'f':
		a->forever = !words_flag_off(value);
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default:
		/* A path alone is of the port in $PORT, or of --on-port. */
		if (value[0] == '/')
			a->unknown_url = true;
		else if (url_add_target(l, value, true) < 0)
			return err_set(e, ERR_BAD_INPUT, "its URL is none (http://HOST:PORT/)");
		return 0;
	}
}

/*
 * Up to "--", with each group in brackets ("--warmup [ -c 1 -d 3 ]") as one word, as subarg has it.
 */
static char *const *without_groups(char *const *argv, struct load *l)
{
	size_t n = 0, kept = 0, level = 0;

	while (argv[n])
		n++;

	char **words = arena_alloc(&l->arena, (n + 1) * sizeof(*words));

	for (size_t i = 0; i < n && strcmp(argv[i], "--") != 0; i++) {
		size_t len = strlen(argv[i]);
		bool opens = argv[i][0] == '[', closes = len && argv[i][len - 1] == ']';

		if (opens && level++ == 0)
			words[kept++] = arena_strdup(&l->arena, "group");
		else if (level == 0)
			words[kept++] = argv[i];
		if (closes && level)
			level--;
	}
	return words;
}

static int state(const struct autocannon *a, struct load *l, struct err *e)
{
	uint64_t workers = a->workers ? a->workers : 1, each = a->connections / workers;
	int r;

	if (!each)
		each = 1;
	/* No more connections than requests a second (run.js), and each worker keeps the whole
	 * rate (manager.js; measured with 9.0.0). */
	if (a->overall_rate && a->overall_rate < each)
		each = a->overall_rate;
	r = gen_state_product(l, LOAD_CONNECTIONS, each, workers, e);
	if (r == 0 && a->connection_rate)
		r = gen_state_product(l, LOAD_RATE, a->connection_rate, l->connections, e);
	else if (r == 0)
		r = gen_state_product(l, LOAD_RATE, a->overall_rate, workers, e);
	if (r == 0 && !a->amount && !a->forever)
		r = gen_state(l, LOAD_DURATION, a->duration_ns, e);
	if (r == 0 && a->reconnect > 1 && !a->closes)
		r = gen_state_real(l, LOAD_NEW_CONNECTIONS, (double)l->rate / (double)a->reconnect,
				   e);
	if (r == 0)
		gen_state_keepalive(l, !a->closes && a->reconnect != 1);
	return r;
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct autocannon a = {.load = l, .connections = 10, .duration_ns = UINT64_C(10000000000)};
	struct words words = {.program = "autocannon",
			      .style = WORDS_MINIMIST,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = without_groups(c->argv + 1, l)};
	int r;

	r = words_each(&words, take, &a, e);
	if (r < 0)
		return r;
	if (!load_states(l, LOAD_TARGET) && !a.unknown_url && !a.socket)
		return err_set(e, ERR_BAD_INPUT, "it names no URL");
	if (a.socket) { /* no port, no conntrack entry */
		l->targets_len = 0;
		l->stated &= ~(unsigned)LOAD_TARGET;
	} else if (a.unknown_url) {
		gen_say(l, "where its path leads was not said; state --target");
	}
	r = state(&a, l, e);
	if (r < 0)
		return r;
	l->generator.model = MODEL_CLOSED;
	l->generator.raises_nofile = true;
	l->generator.threads = a.workers;
	return 0;
}

static bool match(char *const *argv)
{
	const char *name = path_basename(argv[0]);

	/* npx autocannon@7 */
	return strncmp(name, "autocannon", 10) == 0 && (!name[10] || name[10] == '@');
}

const struct gen gen_autocannon = {
	.name = "autocannon",
	.says =
		{
			{LOAD_CONNECTIONS, "-c", "--connections", false},
			{LOAD_DURATION, "-d", "--duration", false},
			{LOAD_RATE, "-R", "--overallRate", false},
			{LOAD_RATE, "-r", "--connectionRate", false},
			{LOAD_NEW_CONNECTIONS, "-D", "--reconnectRate", false},
		},
	.match = match,
	.load = load,
};

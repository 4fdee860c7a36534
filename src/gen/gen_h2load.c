/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

enum { OPT_PERIOD = 256, OPT_RPS, OPT_WARM_UP, OPT_CONNECT_TO, OPT_TIMING };

static const struct words_option options[] = {
	{"requests", 'n', WORDS_VALUE, 'n'},
	{"clients", 'c', WORDS_VALUE, 'c'},
	{"threads", 't', WORDS_VALUE, 't'},
	{"duration", 'D', WORDS_VALUE, 'D'},
	{"rate", 'r', WORDS_VALUE, 'r'},
	{"input-file", 'i', WORDS_VALUE, 'i'},
	{"base-uri", 'B', WORDS_VALUE, 'B'},
	{"rate-period", '\0', WORDS_VALUE, OPT_PERIOD},
	{"rps", '\0', WORDS_VALUE, OPT_RPS},
	{"warm-up-time", '\0', WORDS_VALUE, OPT_WARM_UP},
	{"connect-to", '\0', WORDS_VALUE, OPT_CONNECT_TO},
	{"timing-script-file", '\0', WORDS_VALUE, OPT_TIMING},
	{"help", 'h', WORDS_FLAG, 'h'},
	{"version", '\0', WORDS_FLAG, 'h'},
	{"max-concurrent-streams", 'm', WORDS_VALUE, 0},
	{"max-frame-size", 'f', WORDS_VALUE, 0},
	{"window-bits", 'w', WORDS_VALUE, 0},
	{"connection-window-bits", 'W', WORDS_VALUE, 0},
	{"header", 'H', WORDS_VALUE, 0},
	{"ciphers", '\0', WORDS_VALUE, 0},
	{"tls13-ciphers", '\0', WORDS_VALUE, 0},
	{"no-tls-proto", 'p', WORDS_VALUE, 0},
	{"data", 'd', WORDS_VALUE, 0},
	{"connection-active-timeout", 'T', WORDS_VALUE, 0},
	{"connection-inactivity-timeout", 'N', WORDS_VALUE, 0},
	{"npn-list", '\0', WORDS_VALUE, 0},
	{"alpn-list", '\0', WORDS_VALUE, 0},
	{"h1", '\0', WORDS_FLAG, 0},
	{"header-table-size", '\0', WORDS_VALUE, 0},
	{"encoder-header-table-size", '\0', WORDS_VALUE, 0},
	{"log-file", '\0', WORDS_VALUE, 0},
	{"output-file", '\0', WORDS_VALUE, 0},
	{"qlog-file-base", '\0', WORDS_VALUE, 0},
	{"groups", '\0', WORDS_VALUE, 0},
	{"no-udp-gso", '\0', WORDS_FLAG, 0},
	{"max-udp-payload-size", '\0', WORDS_VALUE, 0},
	{"ktls", '\0', WORDS_FLAG, 0},
	{"sni", '\0', WORDS_VALUE, 0},
	{"verbose", 'v', WORDS_FLAG, 0},
};

struct h2load {
	uint64_t clients, threads, requests, duration_ns, warm_up_ns, rate, period_ns;
	double rps_each;
	const char *url, *base, *connect_to, *file;
	bool timing;
};

/* util::parse_duration_with_unit() of nghttp2: digits and h, m, s or ms in either case. */
static int parse_duration(const char *s, uint64_t *ret_ns)
{
	uint64_t n = 0, unit = NS_PER_S;
	size_t digits = strspn(s, "0123456789");
	char number[24];

	if (!digits || digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, s, digits);
	number[digits] = '\0';
	s += digits;
	if (tolower((unsigned char)s[0]) == 'm' && tolower((unsigned char)s[1]) == 's' && !s[2])
		unit = NS_PER_MS;
	else if (tolower((unsigned char)s[0]) == 'm' && !s[1])
		unit = 60 * NS_PER_S;
	else if (tolower((unsigned char)s[0]) == 'h' && !s[1])
		unit = 3600 * NS_PER_S;
	else if (s[0] && (tolower((unsigned char)s[0]) != 's' || s[1]))
		return -EINVAL;
	if (parse_u64(number, 0, UINT64_MAX / unit, &n) < 0)
		return -EINVAL;
	*ret_ns = n * unit;
	return 0;
}

static int take_number(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	if (parse_u64(value, 0, UINT64_MAX, ret) < 0)
		return gen_bad_value(option, value, "a whole number", e);
	return 0;
}

static int take_duration(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	if (parse_duration(value, ret) < 0)
		return gen_bad_value(option, value, "a duration (30s, 500ms)", e);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct h2load *h = data;

	switch (option) {
	case 'n':
		return take_number("-n", value, &h->requests, e);
	case 'c':
		return take_number("-c", value, &h->clients, e);
	case 't':
		return take_number("-t", value, &h->threads, e);
	case 'r':
		return take_number("-r", value, &h->rate, e);
	case 'D':
		return take_duration("-D", value, &h->duration_ns, e);
	case OPT_WARM_UP:
		return take_duration("--warm-up-time", value, &h->warm_up_ns, e);
	case OPT_PERIOD:
		return take_duration("--rate-period", value, &h->period_ns, e);
	case OPT_RPS:
		return number_real(value, &h->rps_each) < 0
			       ? gen_bad_value("--rps", value, "a number", e)
			       : 0;
	case 'i':
		h->file = value;
		return 0;
	case 'B':
		h->base = value;
		return 0;
	case OPT_CONNECT_TO:
		h->connect_to = value;
		return 0;
	case OPT_TIMING:
		h->timing = true;
		h->file = value;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default: /* scheme, host and port of the first URI are used */
		h->url = h->url ? h->url : value;
		return 0;
	}
}

/* What h2load itself refuses. */
static int check(const struct h2load *h, struct err *e)
{
	if (!h->url && !h->file && !h->base)
		return err_set(e, ERR_BAD_INPUT, "it names no URI");
	if (!h->clients || !h->threads || h->clients < h->threads)
		return err_set(e, ERR_BAD_INPUT,
			       "it asks for fewer clients (-c) than threads (-t)");
	if (!h->duration_ns && !h->timing && h->requests < h->clients)
		return err_set(e, ERR_BAD_INPUT,
			       "it asks for fewer requests (-n) than clients (-c)");
	if (h->rate && h->duration_ns)
		return err_set(e, ERR_BAD_INPUT, "-r and -D exclude each other");
	if (h->rate && !h->period_ns)
		return err_set(e, ERR_BAD_INPUT, "its --rate-period is 0");
	return 0;
}

/* --connect-to HOST[:PORT]: the URI's port where it says none. */
static int connect_elsewhere(const char *to, struct load *l)
{
	const char *bracket = strchr(to, ']'), *colon = strrchr(bracket ? bracket : to, ':');
	unsigned port = l->targets_len ? l->targets[0].port : 0;

	l->targets_len = 0;
	l->stated &= ~(unsigned)LOAD_TARGET;
	if (!colon && !port)
		return -EINVAL;
	return url_add_target(l,
			      colon ? arena_printf(&l->arena, "http://%s/", to)
				    : arena_printf(&l->arena, "http://%s:%u/", to, port),
			      false);
}

static int state_target(const struct h2load *h, struct load *l, struct err *e)
{
	const char *url = h->base ? h->base : h->file ? NULL : h->url;
	int r = 0;

	if (h->base && strncmp(h->base, "unix:", 5) == 0)
		return 0; /* no port, no conntrack entry */
	if (url)
		r = url_add_target(l, url, false);
	if (r == 0 && h->connect_to)
		r = connect_elsewhere(h->connect_to, l);
	else if (!url)
		gen_say(l, "the file of its URIs was not read; state --target");
	if (r < 0)
		return err_set(e, ERR_BAD_INPUT, "its URI is none (http://HOST:PORT/)");
	return 0;
}

/* With one request per client, a rate per client says nothing. */
static bool shares_connections(const struct h2load *h)
{
	return h->duration_ns || h->timing || h->requests > h->clients;
}

static int state(const struct h2load *h, struct load *l, struct err *e)
{
	int r = gen_state(l, LOAD_CONNECTIONS, h->clients, e);

	if (r == 0)
		r = gen_state(l, LOAD_DURATION, h->duration_ns ? h->duration_ns + h->warm_up_ns : 0,
			      e);
	if (r == 0 && !h->rate && shares_connections(h))
		r = gen_state_real(l, LOAD_RATE, h->rps_each * (double)h->clients, e);
	if (r == 0 && h->rate)
		r = gen_state_real(l, LOAD_NEW_CONNECTIONS,
				   (double)h->rate * (double)NS_PER_S / (double)h->period_ns, e);
	return r == 0 ? state_target(h, l, e) : r;
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct h2load h = {.clients = 1, .threads = 1, .requests = 1, .period_ns = NS_PER_S};
	struct words words = {.program = "h2load",
			      .style = WORDS_GETOPT,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	r = words_each(&words, take, &h, e);
	if (r < 0)
		return r;
	r = check(&h, e);
	if (r == 0)
		r = state(&h, l, e);
	if (r < 0)
		return r;
	/* Each client does its share of the requests over one connection. */
	gen_state_keepalive(l, shares_connections(&h));
	l->generator.model = h.rate || h.timing ? MODEL_OPEN : MODEL_CLOSED;
	l->generator.threads = h.threads;
	if (h.rate)
		gen_say(l, "its rate is one of new connections; how many are open at once depends "
			   "on the answers, at most the clients of -c");
	return 0;
}

static bool match(char *const *argv)
{
	return strcmp(path_basename(argv[0]), "h2load") == 0;
}

const struct gen gen_h2load = {
	.name = "h2load",
	.says =
		{
			{LOAD_CONNECTIONS, "-c", "--clients", false},
			{LOAD_DURATION, "-D", "--duration", false},
			{LOAD_NEW_CONNECTIONS, "-r", "--rate", false},
			{LOAD_RATE, NULL, "--rps", false},
		},
	.match = match,
	.load = load,
};

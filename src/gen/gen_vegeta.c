/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/number.h"
#include "gen/url.h"
#include "gen/words.h"
#include "gen/wrap.h"

/* Of a file of targets; more of them would change no sum. */
#define TARGETS_BYTES 262144
#define TARGETS_MAX 256

static const struct words_option options[] = {
	{"rate", '\0', WORDS_VALUE, 'r'},
	{"duration", '\0', WORDS_VALUE, 'd'},
	{"targets", '\0', WORDS_VALUE, 't'},
	{"format", '\0', WORDS_VALUE, 'f'},
	{"max-workers", '\0', WORDS_VALUE, 'w'},
	{"max-connections", '\0', WORDS_VALUE, 'c'},
	{"keepalive", '\0', WORDS_FLAG, 'k'},
	{"header", '\0', WORDS_VALUE, 'H'},
	{"unix-socket", '\0', WORDS_VALUE, 'u'},
	{"laddr", '\0', WORDS_VALUE, 'l'},
	{"help", '\0', WORDS_FLAG, 'h'},
	{"h", '\0', WORDS_FLAG, 'h'},
	{"workers", '\0', WORDS_VALUE, 0},
	{"connections", '\0', WORDS_VALUE, 0},
	{"name", '\0', WORDS_VALUE, 0},
	{"output", '\0', WORDS_VALUE, 0},
	{"body", '\0', WORDS_VALUE, 0},
	{"chunked", '\0', WORDS_FLAG, 0},
	{"cert", '\0', WORDS_VALUE, 0},
	{"key", '\0', WORDS_VALUE, 0},
	{"root-certs", '\0', WORDS_VALUE, 0},
	{"http2", '\0', WORDS_FLAG, 0},
	{"h2c", '\0', WORDS_FLAG, 0},
	{"insecure", '\0', WORDS_FLAG, 0},
	{"lazy", '\0', WORDS_FLAG, 0},
	{"timeout", '\0', WORDS_VALUE, 0},
	{"redirects", '\0', WORDS_VALUE, 0},
	{"max-body", '\0', WORDS_VALUE, 0},
	{"proxy-header", '\0', WORDS_VALUE, 0},
	{"prometheus-addr", '\0', WORDS_VALUE, 0},
	{"dns-ttl", '\0', WORDS_VALUE, 0},
	{"session-tickets", '\0', WORDS_FLAG, 0},
	{"connect-to", '\0', WORDS_VALUE, 0},
	{"resolvers", '\0', WORDS_VALUE, 0},
};

struct vegeta {
	double rate; /* requests/s; 0: as many as the workers can */
	uint64_t duration_ns, max_workers, max_connections;
	bool keepalive, socket, json, laddr;
	const char *targets;
};

/* rateFlag.Set() of vegeta's flags.go: "200", "200/s", "6000/1m", "0", "infinity". */
static int parse_rate(const char *s, double *ret)
{
	char number[24], period[32] = "1s";
	size_t len = strcspn(s, "/");
	uint64_t n, ns;

	if (strcmp(s, "infinity") == 0) {
		*ret = 0;
		return 0;
	}
	if (len >= sizeof(number))
		return -EINVAL;
	memcpy(number, s, len);
	number[len] = '\0';
	if (number_go_int(number, &n) < 0)
		return -EINVAL;
	if (s[len]) {
		const char *unit = s + len + 1;
		bool bare = !strpbrk(unit, "0123456789");

		if (strlen(unit) + 2 > sizeof(period))
			return -EINVAL;
		strcpy(period, bare ? "1" : "");
		strcat(period, unit);
	}
	if (n == 0) {
		*ret = 0;
		return 0;
	}
	if (number_go_duration(period, &ns) < 0 || ns == 0)
		return -EINVAL;
	*ret = (double)n * (double)NS_PER_S / (double)ns;
	return 0;
}

static int take_number(const char *option, const char *value, uint64_t *ret, struct err *e)
{
	if (number_go_int(value, ret) < 0)
		return gen_bad_value(option, value, "a whole number", e);
	return 0;
}

static int take(int option, const char *value, void *data, struct err *e)
{
	struct vegeta *v = data;

	switch (option) {
	case 'r':
		return parse_rate(value, &v->rate) < 0
			       ? gen_bad_value("-rate", value, "a rate (200, 200/s, 6000/1m)", e)
			       : 0;
	case 'd':
		return number_go_duration(value, &v->duration_ns) < 0
			       ? gen_bad_value("-duration", value, "a duration (30s, 2m)", e)
			       : 0;
	case 'w':
		return take_number("-max-workers", value, &v->max_workers, e);
	case 'c':
		return take_number("-max-connections", value, &v->max_connections, e);
	case 'k':
		v->keepalive = !words_flag_off(value);
		return 0;
	case 'H':
		v->keepalive = v->keepalive && !gen_header_closes(value);
		return 0;
	case 't':
		v->targets = value;
		return 0;
	case 'f':
		v->json = strcmp(value, "json") == 0;
		return 0;
	case 'u':
		v->socket = true;
		return 0;
	case 'l':
		v->laddr = true;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default: /* attack takes no operands and ignores them */
		return 0;
	}
}

struct opening {
	const char *path;
};

static int open_file(void *data, int *fd, struct err *e)
{
	const struct opening *o = data;

	/* A FIFO would wait for its writer, and reading it would take the targets from vegeta. */
	*fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return *fd < 0 ? err_errno(e, errno, "open '%s'", o->path) : 0;
}

static void add_targets(char *text, struct load *l)
{
	static const char *const schemes[] = {"http://", "https://"};
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line && l->targets_len < TARGETS_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *url = NULL;

		/* "GET http://…", not the headers below it, which may hold URLs as well. */
		for (size_t i = 0; i < ARRAY_LEN(schemes) && !url; i++) {
			const char *s = strstr(line, schemes[i]);
			size_t method = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
			size_t blanks = strspn(line + method, " \t");

			if (s && method && blanks && line + method + blanks == s)
				url = s;
		}
		/* A line that vegeta refuses has no target. */
		if (url && url_add_target(l, url, false) < 0)
			continue;
	}
}

/* Read as the user who will run it: root follows no path for somebody else. */
static bool read_targets(const char *path, const struct run_as *user, struct load *l)
{
	struct opening o = {path};
	cleanup_close int fd = -1;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (run_as(user, open_file, &o, &fd, NULL) < 0 || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return false;

	char *text = arena_alloc(&l->arena, TARGETS_BYTES + 1);

	while (len < TARGETS_BYTES && (n = read(fd, text + len, TARGETS_BYTES - len)) > 0)
		len += (size_t)n;
	add_targets(text, l);
	return true;
}

/* `printf 'GET http://a/\nGET http://b/'`, or JSON with a URL in quotes. */
static void add_urls(const char *text, struct load *l)
{
	for (const char *s = text; (s = strstr(s, "http"));) {
		size_t len = strcspn(s, " \t\n\\\"'");

		/* What is no URL is a word that happens to begin so. */
		if (l->targets_len < TARGETS_MAX &&
		    url_add_target(l, arena_strndup(&l->arena, s, len), false) < 0)
			len = 4;
		s += len;
	}
}

static void state_targets(const struct gen_command *c, const struct vegeta *v, struct load *l)
{
	bool from_stdin = !v->targets || strcmp(v->targets, "stdin") == 0;

	if (v->socket)
		return; /* no port, no conntrack entry */
	for (char *const *w = from_stdin ? c->input : NULL; w && *w; w++)
		add_urls(*w, l);
	if (!from_stdin && !v->json && !c->container && c->context->user)
		read_targets(v->targets, c->context->user, l);
	if (!load_states(l, LOAD_TARGET))
		gen_say(l, "its targets were not read; state --target");
}

/*
 * What it may have open at once, where it says so: a worker has one request under way, and idle
 * connections are used again.
 */
static int state_connections(const struct vegeta *v, struct load *l, struct err *e)
{
	uint64_t targets = l->targets_len, by_hosts = 0, most = v->max_workers;

	if (v->max_connections && targets &&
	    __builtin_mul_overflow(v->max_connections, targets, &by_hosts))
		by_hosts = UINT64_MAX;
	if (by_hosts && (!most || by_hosts < most))
		most = by_hosts;
	return gen_state(l, LOAD_CONNECTIONS, most, e);
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	/* 50/s is the default of -rate. */
	struct vegeta v = {.rate = 50, .keepalive = true};
	struct words words = {.program = "vegeta",
			      .style = WORDS_GO,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = c->argv + 1};
	int r;

	while (strcmp(*words.next, "attack") != 0)
		words.next++;
	words.next++;
	r = words_each(&words, take, &v, e);
	if (r < 0)
		return r;
	if (v.rate <= 0 && !v.max_workers)
		return err_set(e, ERR_BAD_INPUT, "-rate=0 needs -max-workers");
	state_targets(c, &v, l);
	r = state_connections(&v, l, e);
	if (r == 0)
		r = gen_state_real(l, LOAD_RATE, v.rate, e);
	if (r == 0)
		r = gen_state(l, LOAD_DURATION, v.duration_ns, e);
	if (r == 0 && v.laddr)
		r = gen_state(l, LOAD_SOURCE_IPS, 1, e);
	if (r < 0)
		return r;
	gen_state_keepalive(l, v.keepalive);
	l->generator.model = v.rate > 0 ? MODEL_OPEN : MODEL_CLOSED;
	/* Its dialer has a local address even where none is asked for (DefaultLocalAddr in
	 * lib/attack.go), and Go binds to that before it connects. */
	l->generator.binds_first = true;
	l->generator.raises_nofile = true;
	return 0;
}

/* `vegeta [-cpus N] [-profile WHAT] attack …`; the other commands make no load. */
static bool match(char *const *argv)
{
	if (strcmp(path_basename(argv[0]), "vegeta") != 0)
		return false;
	for (argv++; *argv && **argv == '-'; argv++) {
		bool apart = !strchr(*argv, '=') &&
			     (strstr(*argv, "-cpus") || strstr(*argv, "-profile"));

		if (apart && argv[1])
			argv++;
	}
	return *argv && strcmp(*argv, "attack") == 0;
}

const struct gen gen_vegeta = {
	.name = "vegeta",
	.says =
		{
			{LOAD_RATE, NULL, "-rate", false},
			{LOAD_RATE, NULL, "--rate", false},
			{LOAD_DURATION, NULL, "-duration", false},
			{LOAD_CONNECTIONS, NULL, "-max-connections", false},
			{LOAD_CONNECTIONS, NULL, "-max-workers", false},
			{LOAD_KEEPALIVE, NULL, "-keepalive", true},
		},
	.match = match,
	.load = load,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/k6_ips.h"
#include "gen/k6_plan.h"
#include "gen/number.h"
#include "gen/words.h"
#include "gen/wrap.h"
#include "sys/capture.h"

/* A script's start-up code may do anything; what takes longer is no preflight. */
#define INSPECT_TIMEOUT_NS (10 * NS_PER_S)
#define INSPECT_MAX (4U << 20)

enum {
	OPT_RPS = 256,
	OPT_NO_REUSE,
	OPT_NO_VU_REUSE,
	OPT_LOCAL_IPS,
	OPT_LOCAL,
	OPT_PASS,
	OPT_SYSTEM_ENV
};

static const struct words_option options[] = {
	{"vus", 'u', WORDS_VALUE, 'u'},
	{"duration", 'd', WORDS_VALUE, 'd'},
	{"iterations", 'i', WORDS_VALUE, 'i'},
	{"stage", 's', WORDS_VALUE, 's'},
	{"rps", '\0', WORDS_VALUE, OPT_RPS},
	{"no-connection-reuse", '\0', WORDS_FLAG, OPT_NO_REUSE},
	{"no-vu-connection-reuse", '\0', WORDS_FLAG, OPT_NO_VU_REUSE},
	{"local-ips", '\0', WORDS_VALUE, OPT_LOCAL_IPS},
	{"local-execution", '\0', WORDS_FLAG, OPT_LOCAL},
	{"env", 'e', WORDS_VALUE, 'e'},
	{"config", 'c', WORDS_VALUE, 'c'},
	{"type", 't', WORDS_VALUE, 't'},
	{"compatibility-mode", '\0', WORDS_VALUE, OPT_PASS},
	{"help", 'h', WORDS_FLAG, 'h'},
	{"http-debug", '\0', WORDS_MAYBE, 0},
	{"execution-segment", '\0', WORDS_VALUE, 'x'},
	{"execution-segment-sequence", '\0', WORDS_VALUE, 'x'},
	{"include-system-env-vars", '\0', WORDS_FLAG, OPT_SYSTEM_ENV},
	{"paused", 'p', WORDS_FLAG, 0},
	{"no-setup", '\0', WORDS_FLAG, 0},
	{"no-teardown", '\0', WORDS_FLAG, 0},
	{"insecure-skip-tls-verify", '\0', WORDS_FLAG, 0},
	{"throw", 'w', WORDS_FLAG, 0},
	{"discard-response-bodies", '\0', WORDS_FLAG, 0},
	{"no-thresholds", '\0', WORDS_FLAG, 0},
	{"no-summary", '\0', WORDS_FLAG, 0},
	{"new-machine-readable-summary", '\0', WORDS_FLAG, 0},
	{"linger", 'l', WORDS_FLAG, 0},
	{"no-usage-report", '\0', WORDS_FLAG, 0},
	{"no-color", '\0', WORDS_FLAG, 0},
	{"profiling-enabled", '\0', WORDS_FLAG, 0},
	{"quiet", 'q', WORDS_FLAG, 0},
	{"verbose", 'v', WORDS_FLAG, 0},
	{"no-archive-upload", '\0', WORDS_FLAG, 0},
	{"show-logs", '\0', WORDS_FLAG, 0},
	{"exit-on-running", '\0', WORDS_FLAG, 0},
	{"max-redirects", '\0', WORDS_VALUE, 0},
	{"batch", '\0', WORDS_VALUE, 0},
	{"batch-per-host", '\0', WORDS_VALUE, 0},
	{"user-agent", '\0', WORDS_VALUE, 0},
	{"min-iteration-duration", '\0', WORDS_VALUE, 0},
	{"blacklist-ip", '\0', WORDS_VALUE, 0},
	{"block-hostnames", '\0', WORDS_VALUE, 0},
	{"summary-trend-stats", '\0', WORDS_VALUE, 0},
	{"summary-time-unit", '\0', WORDS_VALUE, 0},
	{"summary-mode", '\0', WORDS_VALUE, 0},
	{"summary-export", '\0', WORDS_VALUE, 0},
	{"system-tags", '\0', WORDS_VALUE, 0},
	{"tag", '\0', WORDS_VALUE, 0},
	{"console-output", '\0', WORDS_VALUE, 0},
	{"dns", '\0', WORDS_VALUE, 0},
	{"traces-output", '\0', WORDS_VALUE, 0},
	{"out", 'o', WORDS_VALUE, 0},
	{"features", '\0', WORDS_VALUE, 0},
	{"address", 'a', WORDS_VALUE, 0},
	{"log-format", '\0', WORDS_VALUE, 0},
	{"log-output", '\0', WORDS_VALUE, 0},
	{"secret-source", '\0', WORDS_VALUE, 0},
};

/* The command line; texts are NULL where it does not say. */
struct k6 {
	const char *vus, *duration, *iterations, *stages, *rps, *local_ips, *config, *script;
	const char *pass[64]; /* options that k6 inspect takes as well */
	size_t pass_len;
	bool no_reuse, no_vu_reuse, cloud, local, segment, hide_env;
};

static int pass_on(struct k6 *k, const char *option, const char *value, struct err *e)
{
	if (k->pass_len + 2 > ARRAY_LEN(k->pass))
		return err_set(e, ERR_BAD_INPUT, "it has too many options");
	k->pass[k->pass_len++] = option;
	k->pass[k->pass_len++] = value;
	return 0;
}

static int take(int option, const char *value, struct k6 *k, struct load *l, struct err *e)
{
	switch (option) {
	case 'u':
		k->vus = value;
		return 0;
	case 'd':
		k->duration = value;
		return 0;
	case 'i':
		k->iterations = value;
		return 0;
	case 's':
		k->stages = k->stages ? arena_printf(&l->arena, "%s,%s", k->stages, value) : value;
		return 0;
	case OPT_RPS:
		k->rps = value;
		return 0;
	case OPT_NO_REUSE:
		k->no_reuse = !words_flag_off(value);
		return 0;
	case OPT_NO_VU_REUSE:
		k->no_vu_reuse = !words_flag_off(value);
		return 0;
	case OPT_LOCAL_IPS:
		k->local_ips = value;
		return 0;
	case OPT_LOCAL:
		k->local = !words_flag_off(value);
		return 0;
	case 'x':
		k->segment = true;
		return 0;
	case 'e':
		return pass_on(k, "-e", value, e);
	case 't':
		return pass_on(k, "-t", value, e);
	case OPT_PASS:
		return pass_on(k, "--compatibility-mode", value, e);
	case OPT_SYSTEM_ENV:
		k->hide_env = words_flag_off(value);
		return 0;
	case 'c':
		k->config = value;
		return 0;
	case 'h':
		return err_set(e, ERR_BAD_INPUT, "it only prints its help");
	default:
		k->script = k->script ? k->script : value;
		return 0;
	}
}

/* `k6 [flags] run|cloud …`: words of the command are operands to pflag, too. */
static int parse(char *const *argv, struct k6 *k, struct load *l, struct err *e)
{
	struct words words = {.program = "k6",
			      .style = WORDS_PFLAG,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = argv + 1};
	bool command = false;
	const char *value;
	int r;

	while ((r = words_next(&words, &value, e)) != WORDS_END) {
		bool operand = r == WORDS_OPERAND;

		if (operand && !command) {
			command = true;
			k->cloud = strcmp(value, "cloud") == 0;
			continue;
		}
		if (operand && k->cloud && !k->script && strcmp(value, "run") == 0)
			continue;
		if (r >= WORDS_OPERAND)
			r = take(r, value, k, l, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A variable of the command: what wrappers set, else what is in the environment. */
static const char *variable(const struct gen_command *c, const char *name)
{
	size_t len = strlen(name);
	const char *value = getenv(name);

	for (char *const *v = c->env; v && *v; v++)
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			value = *v + len + 1;
	return value && *value ? value : NULL;
}

/*
 * Options stand above variables, and one that says how to execute takes back all of those
 * (Options.Apply(), lib/options.go).
 */
static void take_variables(const struct gen_command *c, struct k6 *k)
{
	if (!k->vus)
		k->vus = variable(c, "K6_VUS");
	if (!k->duration && !k->iterations && !k->stages) {
		k->duration = variable(c, "K6_DURATION");
		k->iterations = variable(c, "K6_ITERATIONS");
		k->stages = variable(c, "K6_STAGES");
	}
	if (!k->rps)
		k->rps = variable(c, "K6_RPS");
	if (!k->local_ips)
		k->local_ips = variable(c, "K6_LOCAL_IPS");
}

static char *assignment(struct load *l, const char *name, const char *value)
{
	return value ? arena_printf(&l->arena, "%s=%s", name, value)
		     : arena_strdup(&l->arena, name);
}

/* k6 inspect takes no options of execution, but the variables that stand for them. */
static char **inspect_environment(const struct gen_command *c, const struct k6 *k, struct load *l)
{
	size_t n = 0;

	while (c->env && c->env[n])
		n++;

	char **env = arena_alloc(&l->arena, (n + 8) * sizeof(*env));

	for (size_t i = 0; i < n; i++)
		env[i] = c->env[i];
	env[n++] = assignment(l, "K6_VUS", k->vus);
	env[n++] = assignment(l, "K6_DURATION", k->duration);
	env[n++] = assignment(l, "K6_ITERATIONS", k->iterations);
	env[n++] = assignment(l, "K6_STAGES", k->stages);
	env[n++] = assignment(l, "K6_RPS", k->rps);
	if (k->no_reuse)
		env[n++] = assignment(l, "K6_NO_CONNECTION_REUSE", "true");
	if (k->no_vu_reuse)
		env[n++] = assignment(l, "K6_NO_VU_CONNECTION_REUSE", "true");
	return env;
}

static char **inspect_argv(const struct gen_command *c, const struct k6 *k, struct load *l)
{
	char **argv = arena_alloc(&l->arena, (k->pass_len + 8) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = c->argv[0];
	if (k->config) {
		argv[n++] = arena_strdup(&l->arena, "--config");
		argv[n++] = arena_strdup(&l->arena, k->config);
	}
	argv[n++] = arena_strdup(&l->arena, "inspect");
	argv[n++] = arena_strdup(&l->arena, "--execution-requirements");
	/* On for k6 run, off for k6 inspect: the script would see another environment. */
	if (!k->hide_env && !variable(c, "K6_INCLUDE_SYSTEM_ENV_VARS"))
		argv[n++] = arena_strdup(&l->arena, "--include-system-env-vars");
	for (size_t i = 0; i < k->pass_len; i++)
		argv[n++] = arena_strdup(&l->arena, k->pass[i]);
	argv[n++] = arena_strdup(&l->arena, k->script);
	return argv;
}

static int inspect(const struct gen_command *c, const struct k6 *k, struct load *l, struct err *e)
{
	struct capture_options o = {
		.argv = inspect_argv(c, k, l),
		.env = inspect_environment(c, k, l),
		.user = c->context->user,
		.netns_fd = c->context->netns_fd,
		.timeout_ns = INSPECT_TIMEOUT_NS,
		.max = INSPECT_MAX,
	};
	cleanup_free char *answer = NULL;
	int status;
	int r = capture(&o, &answer, &status, e);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "k6 is not here to read it");
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, EPROTO, "k6 inspect ended with %d",
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return k6_plan_state(answer, l, e);
}

/* "10s:100,30s:0" */
static int state_stages(const char *text, uint64_t vus, struct load *l, struct err *e)
{
	uint64_t most = vus, total_ns = 0;

	for (const char *s = text;; s += strcspn(s, ",") + 1) {
		char *stage = arena_strndup(&l->arena, s, strcspn(s, ","));
		char *colon = strchr(stage, ':');
		uint64_t ns = 0, target = 0;

		if (colon)
			*colon = '\0';
		if ((*stage && number_go_duration(stage, &ns) < 0) ||
		    (colon && colon[1] && number_go_int(colon + 1, &target) < 0))
			return gen_bad_value("--stage", s, "DURATION:VUS", e);
		total_ns += ns < UINT64_MAX - total_ns ? ns : 0;
		most = target > most ? target : most;
		if (!s[strcspn(s, ",")])
			break;
	}

	int r = gen_state(l, LOAD_CONNECTIONS, most, e);

	return r == 0 ? gen_state(l, LOAD_DURATION, total_ns, e) : r;
}

/* What options and variables say where the script could not be read. */
static int state_options(const struct k6 *k, struct load *l, struct err *e)
{
	uint64_t vus = 0, iterations, rps = 0, ns = 0;
	int r;

	if (k->vus && number_go_int(k->vus, &vus) < 0)
		return gen_bad_value("--vus", k->vus, "a whole number", e);
	if (k->iterations && number_go_int(k->iterations, &iterations) < 0)
		return gen_bad_value("--iterations", k->iterations, "a whole number", e);
	if (k->rps && number_go_int(k->rps, &rps) < 0)
		return gen_bad_value("--rps", k->rps, "a whole number", e);
	if (k->duration && number_go_duration(k->duration, &ns) < 0)
		return gen_bad_value("--duration", k->duration, "a duration (30s, 2m)", e);
	r = k->stages ? state_stages(k->stages, vus, l, e) : gen_state(l, LOAD_CONNECTIONS, vus, e);
	/* With iterations, the duration is only the most it may take. */
	if (r == 0 && !k->iterations)
		r = gen_state(l, LOAD_DURATION, ns, e);
	if (r == 0)
		r = gen_state(l, LOAD_RATE, rps, e);
	if (k->duration || k->iterations || k->stages)
		l->generator.model = MODEL_CLOSED;
	if (k->no_reuse)
		gen_state_keepalive(l, false);
	return r;
}

static int state_local_ips(const struct k6 *k, struct load *l, struct err *e)
{
	uint64_t n;

	if (!k->local_ips)
		return 0;
	if (k6_ips_count(k->local_ips, &n) < 0)
		return gen_bad_value("--local-ips", k->local_ips, "a list of addresses", e);
	l->generator.binds_first = true;
	return gen_state(l, LOAD_SOURCE_IPS, n, e);
}

/* Forgets what a plan stated before it turned out to be none. */
static void not_read(const char *why, struct load *l)
{
	l->stated &= LOAD_ROLE;
	l->generator.model = MODEL_UNKNOWN;
	l->rate = l->connections = l->new_connections = l->duration_ns = 0;
	gen_say(l,
		"the script was not read (%s): what its options ask for is not in the load; state "
		"it with LOAD options",
		why);
}

static int load(const struct gen_command *c, struct load *l, struct err *e)
{
	struct k6 k = {.vus = NULL};
	struct err why;
	int r = parse(c->argv, &k, l, e);

	if (r < 0)
		return r;
	if (!k.script)
		return err_set(e, ERR_BAD_INPUT, "it names no script");
	if (k.cloud && !k.local)
		return err_set(e, ERR_BAD_INPUT, "the load comes from the cloud, not from here");
	take_variables(c, &k);
	l->generator.raises_nofile = true;
	if (c->container)
		r = err_set(&why, EPERM, "it is in the container");
	else if (!c->context->user)
		r = err_set(&why, EPERM, "nothing is executed here");
	else if (strcmp(k.script, "-") == 0)
		r = err_set(&why, EPERM, "it comes on standard input");
	else
		r = inspect(c, &k, l, &why);
	if (r < 0) {
		not_read(why.msg, l);
		r = state_options(&k, l, e);
	}
	if (r == 0)
		r = state_local_ips(&k, l, e);
	if (k.segment)
		gen_say(l, "its execution segment was not counted: this is the whole test");
	gen_say(l, "where its requests go was not read; state --target");
	return r;
}

/* `k6 run` and `k6 cloud`; its other commands make no load. */
static bool match(char *const *argv)
{
	struct words words = {.program = "k6",
			      .style = WORDS_PFLAG,
			      .options = options,
			      .options_len = ARRAY_LEN(options),
			      .next = argv + 1};
	const char *value;
	struct err ignored;
	int r;

	if (strcmp(path_basename(argv[0]), "k6") != 0)
		return false;
	while ((r = words_next(&words, &value, &ignored)) > WORDS_END)
		;
	return r == WORDS_OPERAND && (strcmp(value, "run") == 0 || strcmp(value, "cloud") == 0);
}

const struct gen gen_k6 = {
	.name = "k6",
	.says =
		{
			{LOAD_CONNECTIONS, "-u", "--vus", false},
			{LOAD_DURATION, "-d", "--duration", false},
			{LOAD_RATE, NULL, "--rps", false},
			{LOAD_CONNECTIONS, "-s", "--stage", false},
			{LOAD_KEEPALIVE, NULL, "--no-connection-reuse", true},
		},
	.match = match,
	.load = load,
};

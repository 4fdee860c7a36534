/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docker run IMAGE, podman run IMAGE: which generator is in it. */
#include <string.h>

#include "base/parse.h"
#include "base/path.h"
#include "gen/wrap.h"

/* Options of `docker run`, `podman run` and `nerdctl run` without a value; the others have one. */
static const char *const flags[] = {
	"detach",
	"disable-content-trust",
	"env-host",
	"help",
	"http-proxy",
	"init",
	"interactive",
	"no-healthcheck",
	"no-hosts",
	"no-hostname",
	"oom-kill-disable",
	"passwd",
	"privileged",
	"publish-all",
	"quiet",
	"read-only",
	"read-only-tmpfs",
	"replace",
	"rm",
	"rmi",
	"sig-proxy",
	"tls-verify",
	"tty",
};

struct container {
	char *const *image; /* the word, with its arguments behind it */
	const char *entrypoint;
	bool host_network;
	uint64_t nofile; /* of --ulimit; 0: not said */
};

static bool is_flag(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i]) == len && strncmp(flags[i], name, len) == 0)
			return true;
	return false;
}

/* "nofile=1024:65536": what it starts with is the soft one. */
static void take_ulimit(const char *value, struct container *ret)
{
	char number[24] = "";

	if (strncmp(value, "nofile=", 7) != 0)
		return;
	strncat(number, value + 7, strcspn(value + 7, ":") < 23 ? strcspn(value + 7, ":") : 0);
	if (parse_u64(number, 1, INT32_MAX, &ret->nofile) < 0)
		ret->nofile = 0;
}

/* Takes one option; returns its words. */
static size_t take_option(char *const *argv, struct container *ret)
{
	const char *word = argv[0], *name = word + 2;
	size_t len = strcspn(name, "=");

	if (word[1] != '-') {
		/* -it, -itd; -e NAME=VALUE, -eNAME=VALUE */
		const char *letter = word + 1 + strspn(word + 1, "ditPq");

		return *letter && !letter[1] ? 2 : 1;
	}
	if (is_flag(name, len))
		return 1;

	const char *value = name[len] ? name + len + 1 : argv[1] ? argv[1] : "";

	if (len == 10 && strncmp(name, "entrypoint", len) == 0)
		ret->entrypoint = value;
	if ((len == 7 && strncmp(name, "network", len) == 0) ||
	    (len == 3 && strncmp(name, "net", len) == 0))
		ret->host_network = strcmp(value, "host") == 0;
	if (len == 6 && strncmp(name, "ulimit", len) == 0)
		take_ulimit(value, ret);
	return name[len] ? 1 : 2;
}

static bool find_image(char *const *argv, struct container *ret)
{
	/* `docker --context x container run …` */
	while (*argv && strcmp(*argv, "run") != 0)
		argv++;
	if (!*argv)
		return false;
	argv++;
	/* A dash alone is no option, and two end them (pflag). */
	while (*argv && **argv == '-' && (*argv)[1]) {
		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		size_t words = take_option(argv, ret);

		while (words-- && *argv)
			argv++;
	}
	ret->image = argv;
	return *argv != NULL;
}

/* "registry:5000/grafana/k6:latest@sha256:…" is called k6. */
static const char *image_name(const char *image, struct load *l)
{
	const char *base = path_basename(image);

	return arena_strndup(&l->arena, base, strcspn(base, ":@"));
}

/* name and the words behind the image, as the container would execute them. */
static char *const *with_name(const char *name, char *const *args, struct load *l)
{
	size_t n = 0;

	while (args[n])
		n++;

	char **argv = arena_alloc(&l->arena, (n + 2) * sizeof(*argv));

	argv[0] = arena_strdup(&l->arena, name);
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = args[i];
	return argv;
}

enum wrap_result wrap_container(struct gen_command *c, struct load *l)
{
	struct container found = {.image = NULL};
	const char *program = path_basename(c->argv[0]);

	if (!find_image(c->argv + 1, &found)) {
		gen_say(l, "what %s runs here cannot be told", program);
		return WRAP_OPAQUE;
	}
	c->container = true;
	l->generator.container = true;
	l->generator.container_nofile = found.nofile;
	gen_say(l,
		"it runs in a container, whose descriptor limits%s are its own, not this shell's",
		found.host_network ? "" : " and network namespace");

	char *const *args = found.image + 1;
	char *const *named = with_name(image_name(found.image[0], l), args, l);

	if (found.entrypoint)
		c->argv = with_name(found.entrypoint, args, l);
	/* Its arguments first: the image may have no entry point, or a shell's. */
	else if (gen_find(named) && !(*args && gen_find(args)))
		c->argv = named;
	else if (*args)
		c->argv = args;
	else
		return WRAP_NONE;
	return WRAP_STRIPPED;
}

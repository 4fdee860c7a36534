/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program: global options, dispatch, the one place that prints errors and picks exit codes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/nearest.h"
#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/version.h"
#include "core/profile.h"

static int unknown_command(const char *name, struct err *e)
{
	struct nearest near = {.word = name};

	for (size_t i = 0; i < cmds_len; i++)
		nearest_offer(&near, cmds[i]->name);
	if (nearest_found(&near))
		return err_set(e, ERR_BAD_INPUT, "no command '%s': did you mean %s?", name,
			       nearest_found(&near));
	return err_set(e, ERR_BAD_INPUT, "no command '%s' (see runup --help)", name);
}

static void decide_color(struct app *app)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */

	app->use_color =
		app->color == COLOR_ALWAYS ||
		(app->color == COLOR_AUTO && isatty(STDOUT_FILENO) && !(no_color && *no_color));
}

static void is_that(const char *name, const char *path unused_, void *data)
{
	const char **word = data;

	if (*word && strcmp(name, *word) == 0)
		*word = NULL;
}

/* Is the word what a profile is called? */
static bool is_profile(const char *word)
{
	profile_list(is_that, &word);
	return !word;
}

static int check_shape(const struct app *app, const struct cmd *c, const struct input *in,
		       struct err *e)
{
	if (app->root && !c->reads_only)
		return err_set(e, ERR_BAD_INPUT,
			       "--root '%s' goes with commands that only read a host, not with %s",
			       app->root, c->name);
	if (in->operands_len > c->operands_max && c->takes_command && is_profile(in->operands[0]))
		return err_set(
			e, ERR_BAD_INPUT,
			"%s: '%s' is a profile: runup %s -p %s (a command would stand behind "
			"--)",
			c->name, in->operands[0], c->name, in->operands[0]);
	if (in->operands_len > c->operands_max && c->takes_command)
		return err_set(e, ERR_BAD_INPUT,
			       "%s: the command stands behind --, as in: runup %s -- %s", c->name,
			       c->name, in->operands[0]);
	if (in->operands_len > c->operands_max)
		return err_set(e, ERR_BAD_INPUT,
			       "%s: '%s' is one operand too many (see runup %s "
			       "--help)",
			       c->name, in->operands[c->operands_max], c->name);
	if (in->command && !c->takes_command)
		return err_set(e, ERR_BAD_INPUT, "%s takes no command behind --", c->name);
	return 0;
}

/* What can only be settled once all options are read, those behind the command too. */
static void settle(struct app *app)
{
	log_set_verbose(app->verbose);
	decide_color(app);
}

static int run_command(struct app *app, const struct cmd *c, char **argv, struct arena *a,
		       struct err *e)
{
	struct load load = {0};
	struct input in = {.opts = NULL};
	size_t words = 0;
	bool help = false;

	while (argv[words])
		words++;
	in.operands = arena_alloc(a, (words + 1) * sizeof(*in.operands));

	void *store = arena_alloc(a, c->opts_size ? c->opts_size : 1);
	struct opt_set global = {.opts = global_opts, .len = global_opts_len, .store = app};
	struct opt_set set = {.opts = c->opts,
			      .len = c->opts_len,
			      .store = store,
			      .load = c->takes_load ? &load : NULL,
			      .also = &global};
	int r = opts_parse(&set, argv, a, in.operands, &in.operands_len, &in.command, &help, e);

	in.opts = store;
	in.load = load;
	settle(app);
	if (r == 0 && help) {
		help_command(c);
		r = EXIT_CLEAN;
	} else if (r == 0) {
		r = check_shape(app, c, &in, e);
		if (r == 0)
			r = c->run(app, &in, e);
	}
	load_done(&in.load);
	return r;
}

static int dispatch(char **argv, struct arena *a, struct err *e)
{
	struct app app = {.argv = argv};
	struct opt_set set = {.opts = global_opts,
			      .len = global_opts_len,
			      .store = &app,
			      .stop_at_operand = true};
	char *none[1];
	size_t none_len;
	char **rest;
	bool help = false;
	int r = opts_parse(&set, argv + 1, a, none, &none_len, &rest, &help, e);

	if (r < 0)
		return r;
	if (app.version) {
		printf("runup %s\n", runup_version);
		return EXIT_CLEAN;
	}
	if (help) {
		help_program();
		return EXIT_CLEAN;
	}
	if (!rest || !*rest)
		return err_set(e, ERR_BAD_INPUT,
			       "no command given: try `runup check`, or "
			       "runup --help");

	const struct cmd *c = cmd_find(*rest);

	if (!c)
		return unknown_command(*rest, e);
	return run_command(&app, c, rest + 1, a, e);
}

/*
 * Started with descriptors 0 to 2 closed, a journal or a netlink socket would become standard
 * output and be written into. What was closed is opened onto nothing.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
			exit(EXIT_COULD_NOT);
}

/*
 * Whose rights it has is not asked where it trusts its options, its environment and the owner of a
 * profile: that is for sudo, which asks first.
 */
static bool has_rights_of_another(void)
{
	return getuid() != geteuid() || getgid() != getegid();
}

/* A full disk or a closed pipe must not look like success, nor be silent. */
static int end_output(int r)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return r;
	fprintf(stderr, "runup: write to standard output: %s (the output is not complete)\n",
		strerror(errno ? errno : EIO));
	return r == EXIT_CLEAN ? EXIT_COULD_NOT : r;
}

int main(int argc, char **argv)
{
	struct arena a = {0};
	struct err e = {0};

	if (argc < 1)
		return EXIT_BAD_INPUT;
	fill_standard_descriptors();
	if (has_rights_of_another()) {
		fputs("runup: it is set-user-ID or set-group-ID, and so would tune this host for "
		      "anybody (chmod ug-s, and use sudo)\n",
		      stderr);
		return EXIT_COULD_NOT;
	}
	/* A file size limit must fail a write that can be undone, not kill between two of them. */
	signal(SIGXFSZ, SIG_IGN);

	int r = dispatch(argv, &a, &e);

	if (r < 0) {
		fprintf(stderr, "runup: %s\n", e.msg);
		r = e.code == ERR_BAD_INPUT ? EXIT_BAD_INPUT : EXIT_COULD_NOT;
	}
	arena_done(&a);
	return end_output(r);
}

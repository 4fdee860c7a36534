/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "gen/gen.h"
#include "sys/proc_find.h"
#include "sys/run_as.h"

/* How much load, as against where and by whom. */
#define QUANTITIES                                                                                 \
	(LOAD_RATE | LOAD_CONNECTIONS | LOAD_NEW_CONNECTIONS | LOAD_KEEPALIVE | LOAD_BURST |       \
	 LOAD_DURATION)

/* What the options or the profile say of a server on this host. */
static bool names_server(const struct session *s, const struct load *options)
{
	unsigned stated = options->stated | (s->has_profile ? s->profile.load.stated : 0);

	return stated & (LOAD_ROLE | LOAD_PORT | LOAD_PID | LOAD_PROCESS | LOAD_UNIT);
}

/*
 * The load of the command behind `--`. k6's script is executed to be read, so it matters whose it
 * is and where it would run.
 */
static int read_command(const struct session *s, const struct load *options, struct load *ret,
			struct err *e)
{
	struct run_as user;
	struct gen_context context = {.user = &user, .netns_fd = s->host.origin_netns_fd};
	int r = run_as_find(s->command_user, &user, e);

	if (r < 0)
		return r;
	gen_read(s->command, &context, ret);
	/* Both ends may be on this host: that it runs the generator does not make it none but that.
	 */
	if (names_server(s, options))
		ret->stated &= ~(unsigned)LOAD_ROLE;
	return 0;
}

/* Options win over the command, which wins over the profile. */
static int merge_loads(struct session *s, const struct load *options, struct err *e)
{
	struct load command = {0};
	unsigned profile_stated = s->profile.load.stated;
	int r = s->command ? read_command(s, options, &command, e) : 0;

	load_merge(&s->load, options);
	load_merge(&s->load, &command);
	/* The profile's numbers are of another load: half of each would contradict itself. */
	if (load_sized(&command))
		s->profile.load.stated &= ~(unsigned)QUANTITIES;
	if (s->has_profile)
		load_merge(&s->load, &s->profile.load);
	s->profile.load.stated = profile_stated;
	load_done(&command);
	return r == 0 ? load_complete(&s->load, e) : r;
}

/* --process and --unit become a pid, once: from here on it is as if that had been stated. */
static int find_process(struct session *s, struct err *e)
{
	int r = 0;

	if (load_states(&s->load, LOAD_PROCESS))
		r = proc_find_name(&s->host, s->load.process, &s->load.pid, e);
	else if (load_states(&s->load, LOAD_UNIT))
		r = proc_find_unit(&s->host, s->load.unit, &s->load.pid, e);
	if (r == 0 && s->load.pid)
		s->load.stated |= LOAD_PID;
	return r;
}

/*
 * A server in a container has sockets and sysctls of its own: who names its process and no
 * namespace means those. Judging the namespace that runup happens to be in would be a wrong answer
 * without a word, so when that one cannot be entered it is an error.
 */
static int follow_process(struct session *s, const struct app *app, struct err *e)
{
	bool same = true;

	if (!s->follow_process || !s->load.pid || app->netns || s->host.captured)
		return 0;
	int r = proc_same_netns(&s->host, s->load.pid, &same, e);
	/* That it is not there is told by the checks that look at it. */
	if (r == -ESRCH || (r == 0 && same))
		return 0;
	if (r < 0)
		return r;
	snprintf(s->process_netns, sizeof(s->process_netns), "%d", (int)s->load.pid);
	host_close(&s->host);
	r = host_open(&s->host, app->root, s->process_netns, e);
	if (r < 0)
		return err_wrap(e, "process '%s' is in another network namespace",
				s->process_netns);
	output_note(app, "process %s is in another network namespace, which is judged here",
		    s->process_netns);
	return 0;
}

int session_open(struct session *s, const struct app *app, const char *profile,
		 const struct load *options, bool strict, struct err *e)
{
	/* The profile first: what is wrong with it is said before anything of the host is touched.
	 */
	if (profile) {
		int r = profile_load(&s->profile, profile, e);

		if (r < 0)
			return r;
		s->has_profile = true;
	}
	int r = host_open(&s->host, app->root, app->netns, e);
	if (r < 0)
		return r;
	r = merge_loads(s, options, e);
	if (r == 0)
		r = find_process(s, e);
	if (r == 0)
		r = follow_process(s, app, e);
	if (r < 0)
		return r;
	sysctl_config_read(&s->host, &s->configured);
	return s->has_profile ? profile_resolve(&s->profile, &s->load, &s->host, strict, e) : 0;
}

struct check_input session_input(const struct session *s, const struct app *app,
				 const struct observation *observed)
{
	return (struct check_input){
		.host = &s->host,
		.profile = s->has_profile ? &s->profile : NULL,
		.load = &s->load,
		.observed = observed,
		.verbose = app->verbose,
		.configured = &s->configured,
	};
}

int session_exit_code(const struct findings *fs, bool fail_on_warn)
{
	if (findings_count(fs, FINDING_FAIL) || (fail_on_warn && findings_count(fs, FINDING_WARN)))
		return EXIT_FINDINGS;
	return findings_count_needed_unknown(fs) ? EXIT_COULD_NOT : EXIT_CLEAN;
}

static int no_such_check(const char *id, struct err *e)
{
	struct nearest near = {.word = id};

	check_offer_ids(&near);
	if (nearest_found(&near))
		return err_set(e, ERR_BAD_INPUT, "there is no check '%s': did you mean %s?", id,
			       nearest_found(&near));
	return err_set(e, ERR_BAD_INPUT, "there is no check '%s' (runup explain lists them)", id);
}

int selection_check(const struct check_selection *sel, struct err *e)
{
	const char *const *lists[] = {sel->only, sel->skip};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const char *const *id = lists[i]; id && *id; id++)
			if (!check_selects(*id))
				return no_such_check(*id, e);
	return 0;
}

void session_done(struct session *s)
{
	profile_done(&s->profile);
	load_done(&s->load);
	sysctl_config_done(&s->configured);
	host_close(&s->host);
}

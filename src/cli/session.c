/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/session.h"

#include <string.h>

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
	load_merge(&s->load, options);
	if (s->has_profile)
		load_merge(&s->load, &s->profile.load);
	r = load_complete(&s->load, e);
	if (r < 0)
		return r;
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
	};
}

int session_exit_code(const struct findings *fs, bool fail_on_warn)
{
	if (findings_count(fs, FINDING_FAIL) || (fail_on_warn && findings_count(fs, FINDING_WARN)))
		return EXIT_FINDINGS;
	return findings_count_needed_unknown(fs) ? EXIT_COULD_NOT : EXIT_CLEAN;
}

int selection_check(const struct check_selection *sel, struct err *e)
{
	const char *const *lists[] = {sel->only, sel->skip};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const char *const *id = lists[i]; id && *id; id++)
			if (!check_id_valid(*id))
				return err_set(e, ERR_BAD_INPUT,
					       "there is no check '%s' (runup explain lists them)",
					       *id);
	return 0;
}

void session_done(struct session *s)
{
	profile_done(&s->profile);
	load_done(&s->load);
	host_close(&s->host);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the profile wants and no other check owns. */
#include "core/check.h"

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	(void)e;
	check_profile_sysctls(in, "config.profile", out);
	return 0;
}

const struct check check_config_profile = {
	.id = "config.profile",
	.title = "the profile's other settings",
	.why = "A profile may want settings that no check has a sum for. They are compared with "
	       "what "
	       "is in force, field by field as numbers and sets, as the kernel reads them.",
	.run = run,
};

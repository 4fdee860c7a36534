/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNUP_CLI_VERSION_H
#define RUNUP_CLI_VERSION_H

/* "v1.2", or a commit between versions; set when building. */
extern const char runup_version[];

#endif

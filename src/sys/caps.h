/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities of this process, by libcap. */
#ifndef RUNUP_SYS_CAPS_H
#define RUNUP_SYS_CAPS_H

#include <stdbool.h>
#include <sys/capability.h>

/* Is it effective? (capabilities(7); cap is a CAP_… number.) */
bool caps_effective(cap_value_t cap);

/* "cap_net_admin"; borrowed from a static table of names, "cap_?" for an unknown number. */
const char *caps_name(cap_value_t cap);

#endif

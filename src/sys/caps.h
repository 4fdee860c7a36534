/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities of this process, by libcap. */
#ifndef RUNUP_SYS_CAPS_H
#define RUNUP_SYS_CAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/capability.h>

#include "base/attr.h"
#include "base/err.h"

/* Is it effective? (capabilities(7); cap is a CAP_… number.) */
bool caps_effective(cap_value_t cap);

/* A set of capabilities: one bit a CAP_ number, as /proc/PID/status prints it. */
#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/*
 * Gives up every capability that is not in the set, for good: permitted, effective, inheritable,
 * ambient and bounding set, and no execve(2) brings one back. What this process does not have it
 * does not get. The bounding set takes CAP_SETPCAP to be lowered; without, it stays, which nothing
 * can be made of under no_new_privs.
 */
must_check int caps_keep(uint64_t set, struct err *e);

/*
 * What works() says while this thread has no effective capability; then it has them again. For
 * asking what caps_keep() would break, since no version tells what a distribution backported.
 */
bool caps_works_without(bool (*works)(void *data), void *data);

/* "cap_net_admin"; borrowed from a static table of names, "cap_?" for an unknown number. */
const char *caps_name(cap_value_t cap);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sysctls whose writing changes more than their own value, so that writing it back undoes less. */
#ifndef RUNUP_CORE_SYSCTL_TIED_H
#define RUNUP_CORE_SYSCTL_TIED_H

/* What else writing this key does, and what to do instead; NULL: nothing else is known. */
const char *sysctl_side_effect(const char *key);

/*
 * The key that becomes 0 when this one is written, since only one of the two is in force; NULL:
 * there is none. Where it is 0 already, writing this one can be undone.
 */
const char *sysctl_counterpart(const char *key);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What knobs of the host's and of a network namespace's objects share. */
#ifndef RUNUP_TUNE_SCOPE_H
#define RUNUP_TUNE_SCOPE_H

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* Behind the sysctls (knob_sysctl.c); channels come before what is set for each queue. */
#define KNOB_RANK_NIC 10
#define KNOB_RANK_SYSFS 11

/* -EOPNOTSUPP: this namespace could not be told from others later (before 5.14). */
must_check int knob_netns_known(const struct host *h, const char *key, struct err *e);

/* -EROFS: what the host owns is not set from another network namespace. */
must_check int knob_host_here(const struct host *h, const char *key, struct err *e);

/* A setting_each_fn that adds to the struct knob_keys behind data. */
void knob_keys_take(const char *key, void *data);

#endif

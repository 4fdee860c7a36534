/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the host that are no sysctls: what a check compares and a knob writes. */
#ifndef RUNUP_CORE_SETTING_KIND_H
#define RUNUP_CORE_SETTING_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/finding.h"
#include "core/profile.h"
#include "sys/host.h"
#include "sys/sysctl.h"

/* Of a buffer for a value. */
#define SETTING_VALUE_MAX SYSCTL_VALUE_MAX

/* What is known of a setting, from its row in its kind's table. */
struct setting_about {
	const char *check; /* id of the check that judges it */
	enum finding_status severity;
	const char *why;
	bool of_host; /* not of a network namespace */
};

typedef void setting_each_fn(const char *key, void *data);

/* Reading only, so that checks and knobs see the same objects and the same values. */
struct setting_kind {
	const char *kind; /* section of the profile */
	void (*about)(const char *key, struct setting_about *ret);
	/* Calls each() with every object that a wish's key names, in order. None is no error. */
	int (*expand)(const struct host *h, const char *key, setting_each_fn *each, void *data,
		      struct err *e);
	/* What the wanted text comes to for one object, into buf of SETTING_VALUE_MAX. */
	int (*resolve)(const struct host *h, const char *key, const char *want, char *buf,
		       struct err *e);
	/* The value now. -ENOENT: this host does not have it, the message says what is missing. */
	int (*read)(const struct host *h, const char *key, char *buf, struct err *e);
};

extern const struct setting_kind setting_sysfs, setting_nic;

/* NULL: not one of these ("sysctl"). */
const struct setting_kind *setting_kind_find(const char *kind);

#endif

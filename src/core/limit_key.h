/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose limits: "nofile", "unit:nginx.service/nofile", "process:nginx/nofile", "pid:4242/nofile".
 */
#ifndef RUNUP_CORE_LIMIT_KEY_H
#define RUNUP_CORE_LIMIT_KEY_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"
#include "sys/rlimit.h"

enum limit_subject {
	LIMIT_OF_COMMAND, /* that `run` starts: no word in front */
	LIMIT_OF_UNIT,	  /* of systemd, by its full name */
	LIMIT_OF_PROCESS, /* all of that name in this network namespace */
	LIMIT_OF_PID,	  /* one live process; in a journal, never in a profile */
};

/* systemd's UNIT_NAME_MAX is 256 with the NUL; a program's name is no longer than NAME_MAX. */
#define LIMIT_NAME_MAX 256

struct limit_key {
	enum limit_subject subject;
	char name[LIMIT_NAME_MAX]; /* of unit or process; "" else */
	pid_t pid;
	const struct rlimit_key *limit;
};

/* -EINVAL: not a key of this kind. A unit has to be a service, and has to say so. */
must_check int limit_key_parse(const char *text, struct limit_key *ret);

/*
 * The live processes that a key of a unit or a process name means now, oldest first: *ret is the
 * caller's to free, and may be NULL for none.
 */
must_check int limit_key_pids(const struct host *h, const struct limit_key *k, pid_t **ret,
			      size_t *ret_len, struct err *e);

#endif

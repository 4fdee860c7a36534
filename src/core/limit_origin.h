/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a process gets its limits from when it starts: limits.conf, its unit, its container. */
#ifndef RUNUP_CORE_LIMIT_ORIGIN_H
#define RUNUP_CORE_LIMIT_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "sys/host.h"
#include "sys/proc.h"

enum limit_kind { LIMIT_NOFILE, LIMIT_NPROC, LIMIT_MEMLOCK };

const char *limit_item(enum limit_kind k); /* "nofile": of limits.conf(5), ulimit, prlimit(1) */
const char *limit_directive(enum limit_kind k); /* "LimitNOFILE": of systemd.exec(5) */

const char *limit_row(enum limit_kind k); /* "Max open files": of /proc/PID/limits */

/*
 * Who sets the limits that a process starts with. A service ignores limits.conf, which PAM applies
 * to logins; a login's shell ignores units; a container's process both.
 */
enum limit_giver {
	GIVER_LOGIN,
	GIVER_UNIT,
	GIVER_USER_UNIT, /* a unit of a user's own service manager */
	GIVER_CONTAINER,
};

struct limit_setting {
	bool set;
	uint64_t value; /* as the limit is: bytes for memlock; PROC_UNLIMITED */
	const char *file;
	unsigned line;
};

/* limit_origin_done() releases. */
struct limit_origin {
	enum limit_giver giver;
	const char *name; /* of the unit; "" for another giver */
	struct limit_setting soft, hard;
	const char *doubt; /* why what is configured cannot be told; NULL: it can */
	const char *note;  /* why what is configured has no effect; NULL: it has */
	struct arena arena;
};

/*
 * What is configured for the limit of a process (pid 0: this one). Never fails: what could not be
 * read is a doubt. Whose it is is told by its control group: the unit in its path (v2, or the v1
 * hierarchy name=systemd), a container's folder, else a login.
 *
 * - Logins, by pam_limits(8): limits.conf of /etc/security, then the files of limits.d by name. For
 *   its real user the line of the narrowest domain counts, user before @group before *, and of two
 *   such the later (process_limit(), Linux-PAM 1.5); `%` is about maxlogins only; a line `USER -`
 *   exempts the user. Debian's PAM applies neither groups nor * to root (limits.conf(5)), others
 * do.
 * - Units: the unit file, then the files of NAME.service.d, of its template's and its prefixes'
 *   folders and of service.d by file name, over the folders of systemd.unit(5) in their
 *   precedence; where none sets it, DefaultLimit…= of system.conf and system.conf.d.
 */
void limit_origin_read(const struct host *h, pid_t pid, enum limit_kind kind,
		       struct limit_origin *ret);

/* Is less in force than is configured? Of the soft or of the hard limit. */
bool limit_below_configured(const struct limit_origin *o, const struct proc_limit *now);

void limit_origin_done(struct limit_origin *o);

#endif

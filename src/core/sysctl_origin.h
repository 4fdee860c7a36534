/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which configuration file sets a sysctl, as systemd-sysctl would apply them at boot. */
#ifndef RUNUP_CORE_SYSCTL_ORIGIN_H
#define RUNUP_CORE_SYSCTL_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "sys/host.h"

/* One line of a file. */
struct sysctl_line {
	const char *key;   /* spelled as runup does: "net.ipv4.conf.eth0/100.rp_filter" */
	const char *value; /* NULL: "-key" alone takes the key out of what globs set */
	const char *file;
	unsigned line;
	bool is_glob;
	bool optional; /* a leading '-': a failure to set it is ignored */
};

/* A file that is there and could not be read: what it sets is not known. */
struct sysctl_unread {
	const char *file, *reason;
};

/* Zero-initialise; sysctl_config_done() releases. Lines are in the order they are applied in. */
struct sysctl_config {
	struct sysctl_line *item;
	size_t len, cap;
	struct sysctl_unread *unread;
	size_t unreads, unreads_cap;
	size_t files; /* that were read */
	struct arena arena;
};

/*
 * Reads *.conf of /etc/sysctl.d, /run/sysctl.d, /usr/local/lib/sysctl.d, /usr/lib/sysctl.d and
 * /lib/sysctl.d: of two with one name the first folder's counts (a link to /dev/null hides it), and
 * names in their order (sysctl.d(5)). Then /etc/sysctl.conf, unless one of the former is a link to
 * it, as Debian 12 has it: systemd leaves it alone, `sysctl --system` reads it last. Never fails:
 * what could not be read is in `unread`.
 */
void sysctl_config_read(const struct host *h, struct sysctl_config *ret);

/*
 * The line that decides about a key: the last one that names it, else the last glob that matches
 * and is not excluded. NULL: no file sets it.
 */
const struct sysctl_line *sysctl_config_find(const struct sysctl_config *c, const char *key);

void sysctl_config_done(struct sysctl_config *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sysctls by their dotted names. */
#ifndef RUNUP_SYS_SYSCTL_H
#define RUNUP_SYS_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

#define SYSCTL_KEY_MAX 128
#define SYSCTL_VALUE_MAX 4096

/*
 * Is this a key that names one file beneath /proc/sys and nothing else? Letters, digits, '_', '-',
 * '.' and '/', no empty part, no part that is "." or "..". As in sysctl(8), dots separate and
 * a '/' stands for a dot inside a name ("net.ipv4.conf.eth0/100.rp_filter").
 */
bool sysctl_key_valid(const char *key);

/*
 * The value as the kernel prints it, final newline removed, blanks as they are. buf holds
 * SYSCTL_VALUE_MAX. -ENOENT: the key is not there (no module, another namespace, another kernel).
 * Otherwise 0 or -errno.
 */
must_check int sysctl_read(const struct host *h, const char *key, char *buf, struct err *e);

/*
 * May it be written here? 0; -ENOENT; -EROFS: shown in this namespace but owned by the host (the
 * kernel clears the write bits of such a key, e.g. nf_conntrack_max or rmem_max outside init_net);
 * -EACCES / -EPERM: not with these privileges.
 */
must_check int sysctl_writable(const struct host *h, const char *key, struct err *e);

/*
 * Writes the value in one write(2), unbuffered, so that the kernel's refusal comes back as errno.
 * Only src/tune calls this, after the journal holds what was there (make lint checks that).
 */
must_check int sysctl_write(const struct host *h, const char *key, const char *value,
			    struct err *e);

#endif

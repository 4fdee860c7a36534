/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of sysfs, of this host and of this network namespace. */
#ifndef RUNUP_SYS_SYSFS_H
#define RUNUP_SYS_SYSFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/* A sysfs that paths are looked up in, written without the "/sys/" in front. */
struct sysfs {
	int fd;
	const struct host *host; /* borrowed */
};

/*
 * /sys itself, for what is the host's. -ENODEV: what is mounted there is no sysfs.
 */
must_check int sysfs_open(struct sysfs *s, const struct host *h, struct err *e);

/*
 * The sysfs whose class/net is that of the calling thread's network namespace. A mounted one shows
 * the devices of the namespace it was mounted in, whoever looks (net_grab_current_ns(),
 * net/core/net-sysfs.c). So outside the host's first namespace, and wherever --netns was given, one
 * is made that is mounted nowhere and is gone with its descriptor (fsopen(2), 5.2); that takes
 * CAP_SYS_ADMIN (-EPERM).
 */
must_check int sysfs_open_net(struct sysfs *s, const struct host *h, struct err *e);
void sysfs_close(struct sysfs *s);

/*
 * A path is followed only inside this sysfs: its own links lead on (class/net/eth0 is one), but
 * none out of it, and nothing that somebody mounted upon a folder of it.
 */
must_check long sysfs_read(const struct sysfs *s, const char *path, char *buf, size_t size,
			   struct err *e);
must_check int sysfs_read_u32(const struct sysfs *s, const char *path, uint32_t *ret,
			      struct err *e);

/* May it be written? 0, -ENOENT, -EACCES, -EPERM (also where sysfs is mounted read-only). */
must_check int sysfs_writable(const struct sysfs *s, const char *path, struct err *e);

/*
 * Writes the value in one write(2). Only src/tune calls this, after the journal holds what was
 * there (make lint checks that).
 */
must_check int sysfs_write(const struct sysfs *s, const char *path, const char *value,
			   struct err *e);

/* Calls each() with the name of everything in a folder; any value but 0 ends it and is returned. */
must_check int sysfs_list(const struct sysfs *s, const char *path,
			  int (*each)(const char *name, void *data), void *data, struct err *e);

/* The last part of what a link names ("policy0"). -EINVAL: it is no link. */
must_check int sysfs_link(const struct sysfs *s, const char *path, char *buf, size_t size,
			  struct err *e);

#endif

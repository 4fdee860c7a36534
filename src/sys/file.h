/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the host, beneath its root. */
#ifndef RUNUP_SYS_FILE_H
#define RUNUP_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

/*
 * openat2(2) beneath a folder, with RESOLVE_… besides RESOLVE_NO_MAGICLINKS, and O_CLOEXEC: a
 * descriptor, or -errno.
 */
must_check int file_open_beneath(int folder_fd, const char *path, int flags, uint64_t resolve);

/*
 * Opens path ("/proc/…", "/sys/…") beneath the host's root: openat2(2) with RESOLVE_IN_ROOT, so a
 * captured folder's links stay inside it, and O_CLOEXEC. Returns a descriptor or -errno.
 */
must_check int file_open(const struct host *h, const char *path, int flags, struct err *e);

/*
 * Reads a small file whole into buf, NUL-terminated, the final newline removed. Returns its length,
 * or -errno; -EFBIG when it does not fit. Kernel files are read in one read(2) where they fit, so
 * that what is seen is of one moment.
 */
must_check long file_read(const struct host *h, const char *path, char *buf, size_t size,
			  struct err *e);

/* The same of a file that is open; path is for messages. */
must_check long file_read_fd(int fd, const char *path, char *buf, size_t size, struct err *e);

/* The same for a file of unknown size up to max; *ret is the caller's to free. */
must_check long file_read_all(const struct host *h, const char *path, size_t max, char **ret,
			      struct err *e);

/* A file that holds one decimal number. -EINVAL when it does not. */
must_check int file_read_u64(const struct host *h, const char *path, uint64_t *ret, struct err *e);

bool file_exists(const struct host *h, const char *path);

#endif

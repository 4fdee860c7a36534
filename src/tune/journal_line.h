/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer and the reader of journals share: names, and the frame of a line. */
#ifndef RUNUP_TUNE_JOURNAL_LINE_H
#define RUNUP_TUNE_JOURNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "tune/journal.h"

#define JOURNAL_FORMAT 2
#define JOURNAL_FORMAT_OLDEST 1 /* still read: 2 added to it and changed nothing */
#define JOURNAL_NAME_MAX (CHANGESET_ID_MAX + 16)
#define JOURNAL_FRAME 18 /* "SEQ CRC " */

/* "<id>.journal"; returns buf. */
const char *journal_name(const char *id, char buf[JOURNAL_NAME_MAX]);

/* CRC-32 over id, SEQ and the JSON text. */
uint32_t journal_crc(const char *id, uint32_t seq, const char *json, size_t len);

/* Checks a line's frame and checksum. NULL when it is proven, else why not. */
const char *journal_prove_line(const char *id, const char *line, size_t len, uint32_t *ret_seq);

/*
 * Opens a file of ours for writing, mode 0600, and makes it where missing; flags: more of
 * open(2)'s. Without the umask, that may take the owner's bits as well: a file that a kill left
 * behind before it got them back could not be opened again. A descriptor, or -1 with errno.
 */
int open_private(int folder, const char *name, int flags);

/*
 * Opens a journal beneath the folder: never a link, never waiting for a FIFO's other end. A
 * descriptor, or -errno; -ENOENT is set as such.
 */
must_check int journal_open_file(const struct state_dir *d, const char *id, int flags,
				 struct err *e);

/* The whole text of a journal, ended by a NUL; its length or -errno. *ret is the caller's. */
must_check long journal_slurp(const struct state_dir *d, const char *id, char **ret, struct err *e);

#endif

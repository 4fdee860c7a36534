/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration in NAME.d folders: which *.conf files count, in which order, and their lines. */
#ifndef RUNUP_CORE_CONF_FILES_H
#define RUNUP_CORE_CONF_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

#define CONF_BLANKS " \t\r\n"

/* A file to be read; the name is what is sorted by. */
struct conf_file {
	const char *path, *name;
};

/* Zero-initialise; conf_files_done() releases. The texts are in the arena that was given. */
struct conf_files {
	struct conf_file *item;
	size_t len, cap;
};

/* Which file was read, however it was reached. */
struct conf_id {
	dev_t device;
	ino_t inode;
};

/* Who is told what. text is one line without its end, and may be written into. */
struct conf_reader {
	const struct host *host;
	struct arena *arena; /* of paths and names */
	void (*line)(void *data, char *text, const char *file, unsigned number);
	/* A file or folder that is there and could not be read. */
	void (*unread)(void *data, const char *path, const struct err *e);
	void *data;
};

/*
 * Adds the *.conf files of a folder, but for those whose name is in the list already: of two files
 * with one name that of the folder listed first counts. A folder that is not there has none.
 */
void conf_list(const struct conf_reader *r, const char *folder, struct conf_files *files);

/* By name, over all folders. */
void conf_sort(struct conf_files *files);

/*
 * Calls line() for each line of a file: 1, with *id (may be NULL) set. 0: a pipe or a device, which
 * holds no settings (a link to /dev/null hides a file so). -ENOENT: nothing is there.
 */
must_check int conf_read(const struct conf_reader *r, const char *path, struct conf_id *id,
			 struct err *e);

/* All files of the list in their order; a link to nothing hides a file as one to /dev/null does. */
void conf_read_all(const struct conf_reader *r, const struct conf_files *files);

/* Without the blanks around it; writes into s. */
char *conf_trim(char *s);

void conf_files_done(struct conf_files *files);

#endif

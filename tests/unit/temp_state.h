/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state folder for one test, under a temporary one. Included after cmocka.h. */
#ifndef RUNUP_TESTS_TEMP_STATE_H
#define RUNUP_TESTS_TEMP_STATE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temp_state {
	char top[64], path[80], changesets[96];
};

static inline void temp_state_make(struct temp_state *t)
{
	snprintf(t->top, sizeof(t->top), "/tmp/runup-test-XXXXXX");
	assert_non_null(mkdtemp(t->top));
	snprintf(t->path, sizeof(t->path), "%s/state", t->top);
	snprintf(t->changesets, sizeof(t->changesets), "%s/changesets", t->path);
	assert_int_equal(setenv("RUNUP_STATE_DIR", t->path, 1), 0);
}

static inline int temp_state_remove_one(const char *path, const struct stat *st, int type,
					struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void temp_state_remove(struct temp_state *t)
{
	nftw(t->top, temp_state_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	unsetenv("RUNUP_STATE_DIR");
}

#endif

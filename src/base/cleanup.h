/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ownership that the compiler ends: what a block owns is released on every way out of it. */
#ifndef RUNUP_BASE_CLEANUP_H
#define RUNUP_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_closedir_(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void cleanup_fclose_(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define cleanup_free __attribute__((cleanup(cleanup_free_)))
#define cleanup_close __attribute__((cleanup(cleanup_close_)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_)))

/*
 * `cleanup_with(thing_done) struct thing t = {0};` calls thing_done(&t) at the end of the block; fn
 * must accept an object that was only zero-initialised.
 */
#define cleanup_with(fn) __attribute__((cleanup(fn)))

/* Hands the object over: yields the value and leaves nothing for the cleanup to release. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean …?": the word of a list that is next to one with a typing slip. */
#ifndef RUNUP_BASE_NEAREST_H
#define RUNUP_BASE_NEAREST_H

#include <stddef.h>

/* Begin with {.word = WORD}, offer candidates, then ask; the best is copied. */
struct nearest {
	const char *word;
	char best[64];
	size_t distance; /* of best; 0: none yet */
};

/*
 * Keeps the candidate if it is nearer than the best so far: an edit distance of at most 2, and less
 * than the word is long, so that a word of two letters is not like every other one.
 */
void nearest_offer(struct nearest *n, const char *candidate);

/* The nearest candidate, or NULL. */
const char *nearest_found(const struct nearest *n);

#endif

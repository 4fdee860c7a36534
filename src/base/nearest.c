/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"

#define DISTANCE_MAX 2

static size_t edit_distance(const char *a, const char *b)
{
	size_t row[64], lb = strlen(b);

	if (lb >= ARRAY_LEN(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t d = edit_distance(n->word, candidate);

	if (d == 0 || d > DISTANCE_MAX || d >= strlen(n->word) || (n->distance && d >= n->distance))
		return;
	n->distance = d;
	strncpy(n->best, candidate, sizeof(n->best) - 1);
}

const char *nearest_found(const struct nearest *n)
{
	return n->distance ? n->best : NULL;
}

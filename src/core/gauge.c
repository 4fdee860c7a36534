/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/gauge.h"

/* value / limit as a fraction; a limit of 0 admits one (listen(2) with 0), so it counts as 1. */
static void fraction(const struct gauge *g, uint64_t *over, uint64_t *under)
{
	*over = g->has_limit ? g->value : 0;
	*under = g->has_limit && g->limit ? g->limit : 1;
}

bool gauge_fuller(const struct gauge *a, const struct gauge *b)
{
	uint64_t a_over, a_under, b_over, b_under;

	fraction(a, &a_over, &a_under);
	fraction(b, &b_over, &b_under);
	return (unsigned __int128)a_over * b_under > (unsigned __int128)b_over * a_under;
}

void gauges_add(struct gauges *g, const struct gauge *one)
{
	size_t least = 0;

	if (g->len < GAUGES_MAX) {
		g->item[g->len++] = *one;
		return;
	}
	g->left_out++;
	for (size_t i = 1; i < g->len; i++)
		if (gauge_fuller(&g->item[least], &g->item[i]))
			least = i;
	if (gauge_fuller(one, &g->item[least]))
		g->item[least] = *one;
}

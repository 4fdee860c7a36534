/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that a CPU's backlog had no room for: /proc/net/softnet_stat. */
#include "watch/list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

/*
 * One line a CPU, of hexadecimal words; the second is softnet_data.dropped, which counts both
 * netdev_max_backlog and the flow limit (softnet_seq_show, net/core/net-procfs.c;
 * enqueue_to_backlog, net/core/dev.c). The file shows the whole host in every namespace.
 */
static int read_dropped(const struct host *h, uint64_t *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, "/proc/net/softnet_stat", 1 << 20, &text, e);

	if (n < 0)
		return (int)n;
	uint64_t sum = 0;
	char *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t dropped;

		if (sscanf(line, "%*x %" SCNx32, &dropped) != 1)
			return err_set(e, EPROTO,
				       "read '/proc/net/softnet_stat': '%.40s' is not a row of "
				       "hexadecimal numbers",
				       line);
		sum += dropped;
	}
	*ret = sum;
	return 0;
}

static int softnet_open(const struct watch_context *ctx, void **ret_state, struct err *e)
{
	uint64_t *last = malloc(sizeof(*last));

	if (!last)
		out_of_memory();
	int r = read_dropped(ctx->host, last, e);

	if (r < 0) {
		free(last);
		return r;
	}
	tally_has_counter(ctx->tally, cause_by_counter("softnet.dropped"), source_softnet.id);
	*ret_state = last;
	return 0;
}

static int softnet_drain(const struct watch_context *ctx, void *state, struct err *e)
{
	uint64_t *last = state, now;
	int r = read_dropped(ctx->host, &now, e);

	if (r < 0)
		return r;
	/* Less: a CPU went offline and took its line with it, or a 32-bit word came round. */
	if (now > *last)
		tally_count(ctx->tally, cause_by_counter("softnet.dropped"), now - *last);
	*last = now;
	return 0;
}

const struct source source_softnet = {
	.id = "softnet",
	.open = softnet_open,
	.drain = softnet_drain,
	.close = free,
};

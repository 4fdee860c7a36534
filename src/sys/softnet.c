/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/softnet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

int softnet_read(const struct host *h, struct softnet *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, "/proc/net/softnet_stat", 1 << 20, &text, e);
	struct softnet sum = {0};
	char *save;

	if (n < 0)
		return (int)n;
	/* A line a CPU (softnet_seq_show, net/core/net-procfs.c): the first three columns have
	 * meant the same since 2.6. */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t processed, dropped, squeezed;

		if (sscanf(line, "%" SCNx32 " %" SCNx32 " %" SCNx32, &processed, &dropped,
			   &squeezed) != 3)
			return err_set(e, EPROTO,
				       "read '/proc/net/softnet_stat': '%.40s' is not a row of "
				       "hexadecimal numbers",
				       line);
		sum.cpus++;
		sum.processed += processed;
		sum.dropped += dropped;
		sum.squeezed += squeezed;
	}
	*ret = sum;
	return 0;
}

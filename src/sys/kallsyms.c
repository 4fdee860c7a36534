/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

/* The symbol so far that starts closest below an address. */
struct nearest {
	uint64_t start;
	char name[128];
};

/* "ffffffff81f653d0 T nft_do_chain\t[nf_tables]": text symbols only, data lies between them. */
static bool parse_symbol(const char *line, uint64_t *start, char name[128])
{
	char type;

	return sscanf(line, "%" SCNx64 " %c %127s", start, &type, name) == 3 &&
	       strchr("tTwW", type) != NULL;
}

int kallsyms_names(const struct host *h, const uint64_t *addr, size_t len, struct arena *a,
		   const char **name, struct err *e)
{
	int fd = file_open(h, "/proc/kallsyms", O_RDONLY, e);

	if (fd < 0)
		return fd;
	cleanup_fclose FILE *f = fdopen(fd, "r");

	if (!f)
		out_of_memory();
	cleanup_free struct nearest *best = calloc(len ? len : 1, sizeof(*best));
	char line[512], symbol[128];
	bool visible = false;

	if (!best)
		out_of_memory();
	while (fgets(line, sizeof(line), f)) {
		uint64_t start;

		if (!parse_symbol(line, &start, symbol) || start == 0)
			continue;
		visible = true;
		for (size_t i = 0; i < len; i++) {
			/* The file is not sorted: modules come after the kernel. */
			if (start > addr[i] || start <= best[i].start)
				continue;
			best[i].start = start;
			memcpy(best[i].name, symbol, sizeof(symbol));
		}
	}
	if (!visible)
		return err_set(e, EACCES,
			       "read '/proc/kallsyms': addresses are hidden; needs CAP_SYSLOG and "
			       "kernel.kptr_restrict below 2");
	for (size_t i = 0; i < len; i++)
		name[i] = best[i].start ? arena_strdup(a, best[i].name) : NULL;
	return 0;
}

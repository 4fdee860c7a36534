/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int kallsyms_open(const struct host *h, struct err *e)
{
	return file_open(h, "/proc/kallsyms", O_RDONLY, e);
}

/* A stream of its own on the descriptor, from the start. */
static FILE *stream_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0 || lseek(copy, 0, SEEK_SET) < 0) {
		close(copy);
		return NULL;
	}
	FILE *f = fdopen(copy, "r");

	if (!f)
		out_of_memory();
	return f;
}

int kallsyms_names(int fd, const uint64_t *addr, size_t len, struct arena *a, const char **name,
		   struct err *e)
{
	cleanup_fclose FILE *f = stream_of(fd);

	if (!f)
		return err_errno(e, errno, "read '/proc/kallsyms'");
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/neigh.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define COLUMNS_MAX 32

/* The column of that name, -1: there is none. */
static int column(const char *header, const char *name)
{
	char copy[1024], *save;
	int i = 0;

	if (strlen(header) >= sizeof(copy))
		return -1;
	strcpy(copy, header);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save), i++)
		if (strcmp(w, name) == 0)
			return i;
	return -1;
}

/* Adds what a line has; false: it is not a row of as many hexadecimal numbers. */
static bool add_row(char *line, int entries, int fulls, struct neigh_stats *s)
{
	uint64_t value[COLUMNS_MAX];
	int n = 0;
	char *save;

	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *end;

		if (n == COLUMNS_MAX)
			return false;
		value[n++] = strtoull(w, &end, 16);
		if (*end)
			return false;
	}
	if (entries >= n || fulls >= n)
		return false;
	/* Each CPU's row repeats the table's entries (neigh_stat_seq_show). */
	s->entries = value[entries];
	if (fulls >= 0)
		s->table_fulls += value[fulls];
	return true;
}

int neigh_read(const struct host *h, int family, struct neigh_stats *ret, struct err *e)
{
	const char *path =
		family == AF_INET ? "/proc/net/stat/arp_cache" : "/proc/net/stat/ndisc_cache";
	cleanup_free char *text = NULL;
	long n = file_read_all(h, path, 1 << 20, &text, e);
	struct neigh_stats s = {0};
	char *save;

	if (n < 0)
		return (int)n;
	char *line = strtok_r(text, "\n", &save);
	int entries = line ? column(line, "entries") : -1;
	int fulls = line ? column(line, "table_fulls") : -1;
	bool rows = false;

	if (entries < 0)
		return err_set(e, EPROTO, "read '%s': no column 'entries'", path);
	while ((line = strtok_r(NULL, "\n", &save))) {
		rows = true;
		if (!add_row(line, entries, fulls, &s))
			return err_set(e, EPROTO, "read '%s': a row does not fit its header", path);
	}
	if (!rows)
		return err_set(e, EPROTO, "read '%s': no row", path);
	*ret = s;
	return 0;
}

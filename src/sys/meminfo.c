/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/meminfo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/parse.h"
#include "sys/file.h"

static bool find(const char *text, const char *name, uint64_t *ret)
{
	char word[24];
	const char *line = text;

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, strlen(name)) == 0)
			return parse_word(line + strlen(name), word, sizeof(word)) &&
			       parse_u64(word, 0, UINT64_MAX / 1024, ret) == 0;
	}
	return false;
}

int meminfo_read(const struct host *h, struct meminfo *ret, struct err *e)
{
	char text[8192];
	struct meminfo m;
	long n = file_read(h, "/proc/meminfo", text, sizeof(text), e);

	if (n < 0)
		return (int)n;
	if (!find(text, "MemTotal:", &m.total_kib) ||
	    !find(text, "MemAvailable:", &m.available_kib) ||
	    !find(text, "SwapTotal:", &m.swap_total_kib) ||
	    !find(text, "SwapFree:", &m.swap_free_kib))
		return err_set(e, EPROTO, "read '/proc/meminfo': not what is looked for in it");
	*ret = m;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/modules.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define MODULES_FILE "/proc/modules"
#define MODULES_MAX (1u << 20)

char *modules_read(const struct host *h)
{
	char *text;
	struct err ignored;

	return file_read_all(h, MODULES_FILE, MODULES_MAX, &text, &ignored) < 0 ? NULL : text;
}

bool modules_list(const char *modules, const char *name)
{
	size_t len = strlen(name);

	while (modules) {
		if (!strncmp(modules, name, len) && modules[len] == ' ')
			return true;
		modules = strchr(modules, '\n');
		modules = modules ? modules + 1 : NULL;
	}
	return false;
}

enum module_state module_state(const struct host *h, const char *name)
{
	cleanup_free char *modules = modules_read(h), *builtin = NULL;
	char path[160], file[80];
	const char *found;
	struct err ignored;

	if (!modules || modules_list(modules, name))
		return MODULE_HERE;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", h->release);
	if (file_read_all(h, path, MODULES_MAX, &builtin, &ignored) < 0)
		return MODULE_UNKNOWN;
	snprintf(file, sizeof(file), "/%s.ko", name);
	found = strstr(builtin, file);
	return found && strchr("\n", found[strlen(file)]) ? MODULE_HERE : MODULE_ABSENT;
}

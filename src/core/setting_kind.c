/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/setting_kind.h"

#include <string.h>

static const struct setting_kind *const kinds[] = {&setting_sysfs, &setting_nic};

const struct setting_kind *setting_kind_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i]->kind, kind) == 0)
			return kinds[i];
	return NULL;
}

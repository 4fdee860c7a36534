/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/knob.h"

#include <ctype.h>
#include <string.h>

/* All kinds of settings that can be written; one knob_KIND.c each. */
static const struct knob *const knobs[] = {
	&knob_sysctl,
};

const struct knob *knob_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
		if (strcmp(knobs[i]->kind, kind) == 0)
			return knobs[i];
	return NULL;
}

bool knob_value_sane(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)value[i]) && value[i] != '\t')
			return false;
	return len < KNOB_VALUE_MAX;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding rows of the table in cause.c. */
#include <stdbool.h>
#include <string.h>

#include "core/cause.h"

const struct cause *cause_find(const char *id)
{
	for (size_t i = 0; i < causes_len; i++)
		if (strcmp(causes[i].id, id) == 0)
			return &causes[i];
	return NULL;
}

static bool listed(const char *const *names, size_t max, const char *name)
{
	for (size_t i = 0; i < max && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

const struct cause *cause_by_counter(const char *counter)
{
	for (size_t i = 0; i < causes_len; i++)
		if (listed(causes[i].counters, CAUSE_COUNTERS, counter))
			return &causes[i];
	return NULL;
}

const struct cause *cause_by_reason(const char *reason, uint8_t protocol)
{
	for (size_t i = 0; i < causes_len; i++) {
		if (causes[i].protocol && causes[i].protocol != protocol)
			continue;
		if (listed(causes[i].reasons, CAUSE_REASONS, reason))
			return &causes[i];
	}
	return NULL;
}

const char *cause_kind_name(enum cause_kind k)
{
	static const char *const names[] = {
		[CAUSE_LOSS] = "loss",
		[CAUSE_LIMIT] = "limit",
		[CAUSE_PRESSURE] = "pressure",
		[CAUSE_SYMPTOM] = "symptom",
	};

	return names[k];
}

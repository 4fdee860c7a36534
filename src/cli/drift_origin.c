/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/drift_origin.h"

#include <string.h>

void drift_name_origins(struct drift_origin *d, const struct host *h, struct changes *cs)
{
	for (size_t i = 0; i < cs->len; i++) {
		struct change *c = &cs->item[i];

		if (c->result != CHANGE_DRIFTED || strcmp(c->kind, "sysctl") != 0 || !c->now)
			continue;
		if (!d->read)
			sysctl_config_read(h, &d->configured);
		d->read = true;

		const struct sysctl_line *l = sysctl_config_find(&d->configured, c->key);

		if (l && value_equal(c->value_kind, l->value, c->now))
			c->why = arena_printf(&cs->arena, "%s; %s:%u sets that value",
					      c->why ? c->why : "changed since", l->file, l->line);
	}
}

void drift_origin_done(struct drift_origin *d)
{
	sysctl_config_done(&d->configured);
}

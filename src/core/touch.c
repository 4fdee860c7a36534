/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/touch.h"

#include <string.h>

bool load_states_ports(const struct load *l)
{
	return (l->stated & (LOAD_PORT | LOAD_TARGET | LOAD_PID)) != 0;
}

static bool own_port(const struct ownership *o, uint16_t port)
{
	if (ranges_contain(&o->load->ports, port, port))
		return true;
	for (size_t i = 0; i < o->load->targets_len; i++)
		if (o->load->targets[i].port == port)
			return true;
	return o->pid_ports && ranges_contain(o->pid_ports, port, port);
}

/* Causes of these kinds belong to a port, whether or not somebody saw which. */
static bool is_of_port(const struct alert *a)
{
	static const char *const kinds[] = {"listener", "socket"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], a->cause->subject_kind) == 0)
			return true;
	return a->port != 0;
}

enum touch alert_touches(const struct ownership *o, const struct alert *a)
{
	const struct load *l = o->load;

	if (!is_of_port(a) || !load_states_ports(l))
		return TOUCH_YES;
	if (a->port == 0)
		return TOUCH_MAYBE;
	if (own_port(o, a->port))
		return TOUCH_YES;
	if (load_states(l, LOAD_PID) && a->process.pid == l->pid)
		return TOUCH_YES;
	/* Whether it is a port of the process is not known then. */
	return o->pid_ports_unknown ? TOUCH_MAYBE : TOUCH_NO;
}

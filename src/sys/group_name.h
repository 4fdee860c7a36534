/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people call a control group: the unit or the container in its path. */
#ifndef RUNUP_SYS_GROUP_NAME_H
#define RUNUP_SYS_GROUP_NAME_H

#include "base/strbuf.h"

/*
 * Adds "nginx.service" or "container 4fa6e0f0c43e" for a group's path as proc_group() has it, and
 * nothing where its path names neither: a login's session, the root. A container is told by the 64
 * hexadecimal digits that docker, containerd, CRI-O and podman name its group by, or by lxc's
 * folder; it is named rather than a unit that runs inside it.
 */
void group_short_name(const char *path, struct strbuf *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/group_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ID_DIGITS 64
#define ID_SHOWN 12 /* as `docker ps` and `crictl ps` have it */

static const char hex[] = "0123456789abcdef";

/* A part of a path: "docker-4fa6….scope". */
struct part {
	const char *text;
	size_t len;
};

/* The part behind *at, which then stands behind it; len 0: that was the last. */
static struct part next_part(const char **at)
{
	struct part p = {*at + strspn(*at, "/"), 0};

	p.len = strcspn(p.text, "/");
	*at = p.text + p.len;
	return p;
}

static bool begins(struct part p, const char *with)
{
	return strlen(with) <= p.len && strncmp(p.text, with, strlen(with)) == 0;
}

static bool ends(struct part p, const char *with)
{
	size_t len = strlen(with);

	return len < p.len && strncmp(p.text + p.len - len, with, len) == 0;
}

/* The digits of a container's id: the whole part, or what stands between its dash and ".scope". */
static const char *container_id(struct part p)
{
	size_t len = ends(p, ".scope") ? p.len - strlen(".scope") : p.len;

	if (len < ID_DIGITS || strspn(p.text + len - ID_DIGITS, hex) < ID_DIGITS)
		return NULL;
	return len == ID_DIGITS || p.text[len - ID_DIGITS - 1] == '-' ? p.text + len - ID_DIGITS
								      : NULL;
}

/* lxc's: "/lxc/web1" and, since 4.0, "/lxc.payload.web1". */
static struct part lxc_name(struct part p, const char *rest)
{
	static const char payload[] = "lxc.payload.";

	if (begins(p, payload))
		return (struct part){p.text + strlen(payload), p.len - strlen(payload)};
	return p.len == 3 && begins(p, "lxc") ? next_part(&rest) : (struct part){0};
}

void group_short_name(const char *path, struct strbuf *out)
{
	struct part unit = {0};

	for (struct part p; (p = next_part(&path)).len;) {
		const char *id = container_id(p);
		struct part lxc = lxc_name(p, path);

		if (id)
			lxc = (struct part){id, ID_SHOWN};
		if (lxc.len) {
			strbuf_add(out, "container ");
			strbuf_addn(out, lxc.text, lxc.len);
			return;
		}
		if (ends(p, ".service"))
			unit = p;
	}
	if (unit.len)
		strbuf_addn(out, unit.text, unit.len);
}

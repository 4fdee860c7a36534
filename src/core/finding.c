/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/finding.h"

#include <stdarg.h>
#include <stdlib.h>

struct finding *finding_add(struct findings *fs, const char *id, enum finding_status status,
			    const char *subject)
{
	struct finding *f =
		array_push((void **)&fs->item, &fs->len, &fs->cap, sizeof(struct finding));

	f->id = id;
	f->status = status;
	f->subject = subject ? arena_strdup(&fs->arena, subject) : NULL;
	return f;
}

const char *finding_text(struct findings *fs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const char *s = arena_vprintf(&fs->arena, fmt, ap);
	va_end(ap);
	return s;
}

int finding_cannot_tell(struct findings *fs, const char *id, bool needed, const struct err *e)
{
	struct finding *f = finding_add(fs, id, FINDING_UNKNOWN, NULL);

	f->observed = finding_text(fs, "%s", e->msg);
	f->needed = needed;
	return 0;
}

const char *finding_value(struct findings *fs, const char *value)
{
	char *copy = arena_strdup(&fs->arena, value);

	for (char *p = copy; *p; p++)
		if (*p == '\t' || *p == '\n')
			*p = ' ';
	return copy;
}

const char *finding_status_name(enum finding_status s)
{
	static const char *const names[] = {
		[FINDING_PASS] = "pass", [FINDING_WARN] = "warn",	[FINDING_FAIL] = "fail",
		[FINDING_NA] = "na",	 [FINDING_UNKNOWN] = "unknown",
	};

	return names[s];
}

size_t findings_count(const struct findings *fs, enum finding_status s)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->len; i++)
		n += fs->item[i].status == s;
	return n;
}

size_t findings_count_needed_unknown(const struct findings *fs)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->len; i++)
		n += fs->item[i].status == FINDING_UNKNOWN && fs->item[i].needed;
	return n;
}

void findings_done(struct findings *fs)
{
	free(fs->item);
	arena_done(&fs->arena);
	*fs = (struct findings){0};
}

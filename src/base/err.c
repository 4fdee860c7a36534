/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As they are, not as err.h shows them to the analyzer. */
#undef err_set
#undef err_errno
#undef err_wrap

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		e->code = code;
		va_start(ap, fmt);
		vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
		va_end(ap);
	}
	return -code;
}

int err_errno(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		e->code = code;
		va_start(ap, fmt);
		int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof(e->msg))
			snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", strerror(code));
	}
	return -code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -1;

	char front[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	strncat(front, ": ", sizeof(front) - strlen(front) - 1);

	size_t len = strlen(front);
	size_t kept = strlen(e->msg);

	if (kept > sizeof(e->msg) - 1 - len)
		kept = sizeof(e->msg) - 1 - len;
	memmove(e->msg + len, e->msg, kept);
	memcpy(e->msg, front, len);
	e->msg[len + kept] = '\0';
	return -e->code;
}

void out_of_memory(void)
{
	fputs("runup: out of memory\n", stderr);
	abort();
}

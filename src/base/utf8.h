/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of the host (file names, process names) made fit for documents that must be UTF-8. */
#ifndef RUNUP_BASE_UTF8_H
#define RUNUP_BASE_UTF8_H

#include <stddef.h>

#include "base/strbuf.h"

/* Length of the UTF-8 sequence at s, 0 if there is none. */
size_t utf8_length(const char *s);

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Appends the text, each byte that is no UTF-8 replaced. */
void utf8_clean(const char *text, struct strbuf *out);

#endif

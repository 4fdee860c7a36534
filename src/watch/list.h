/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of sources: a new one is one word here and its file. */
#ifndef RUNUP_WATCH_LIST_H
#define RUNUP_WATCH_LIST_H

#include "watch/source.h"

#define SOURCES(X)                                                                                 \
	X(listen)                                                                                  \
	X(conntrack)                                                                               \
	X(drops)                                                                                   \
	X(softnet)                                                                                 \
	X(netstat)

#define X_EXTERN(name) extern const struct source source_##name;
SOURCES(X_EXTERN)
#undef X_EXTERN

#endif

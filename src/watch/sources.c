/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch/source.h"

#include "watch/list.h"

/*
 * Opened in this order and drained in reverse, so that the time a place is watched encloses the
 * time its counter is: every counted event has then been seen by what attributes it, and what was
 * seen too much is carried over (tally.c). Listeners attribute netstat's counts and BPF attributes
 * netstat's and softnet's; conntrack's counts explain what BPF saw, so they enclose BPF.
 */
#define X_ADDRESS(name) &source_##name,
const struct source *const sources[] = {SOURCES(X_ADDRESS)};
#undef X_ADDRESS
const size_t sources_len = ARRAY_LEN(sources);

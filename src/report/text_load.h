/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The load that a generator's command line says, for people. */
#ifndef RUNUP_REPORT_TEXT_LOAD_H
#define RUNUP_REPORT_TEXT_LOAD_H

#include "base/strbuf.h"
#include "core/load.h"

/*
 * "load     wrk, closed model: 400 connections, 30s, to 10.0.0.5:8080", and below it what could not
 * be read. Nothing without a command, or with one that is not known where the load was stated
 * otherwise.
 */
void text_load(const struct load *l, struct strbuf *out);

#endif

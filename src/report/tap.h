/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as the Test Anything Protocol, version 14. */
#ifndef RUNUP_REPORT_TAP_H
#define RUNUP_REPORT_TAP_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "core/finding.h"

/*
 * One test point a finding, the details as YAML. A fail is "not ok", and so is an unknown that the
 * load or profile needs; another unknown and what does not apply are "ok # SKIP" with the reason. A
 * warning is "not ok # TODO", which harnesses show and do not fail on, unless fail_on_warn.
 */
void tap_findings(const struct findings *fs, bool fail_on_warn, struct strbuf *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings for CI: JUnit's XML and the Test Anything Protocol. */
#ifndef RUNUP_REPORT_JUNIT_H
#define RUNUP_REPORT_JUNIT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "core/finding.h"
#include "sys/host.h"

/*
 * One test case a finding. A fail is a failure; an unknown that the load or profile needs is an
 * error, another one is skipped with its reason, as is what does not apply. A warning passes, with
 * its text in system-out, unless fail_on_warn makes it a failure: so that the file says ready or
 * not as the exit code does.
 */
void junit_findings(const struct findings *fs, const struct host *h, bool fail_on_warn,
		    struct strbuf *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that the readers of facts share. */
#ifndef RUNUP_CORE_CAPACITY_READ_H
#define RUNUP_CORE_CAPACITY_READ_H

#include "base/attr.h"
#include "core/capacity_facts.h"

void knowing_not(struct knowing *is, enum known known, const char *fmt, ...) printf_(3, 4);

/* The first number of a sysctl. */
must_check int fact_sysctl(const struct host *h, const char *key, uint64_t *ret, struct err *e);

/* Why a sysctl could not be read: it may belong to the host rather than to the namespace. */
void knowing_sysctl(struct knowing *is, const struct host *h, const char *key, int r,
		    const struct err *e);

/* The timeout in force, or the kernel's own where it cannot be read. */
uint64_t conntrack_time_wait_s(const struct host *h);

/* Descriptors, threads; and what is the host's: files, memory, CPUs, tables. */
void facts_read_process(const struct host *h, const struct load *l, unsigned resources,
			struct facts *ret);
void facts_read_system(const struct host *h, const struct load *l, unsigned resources,
		       struct facts *ret);

#endif

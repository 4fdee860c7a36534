/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of k6's --local-ips. */
#ifndef RUNUP_GEN_K6_IPS_H
#define RUNUP_GEN_K6_IPS_H

#include <stdint.h>

#include "base/attr.h"

/*
 * Counts "192.168.220.1,192.168.0.10-192.168.0.25,10.0.0.0/24" as k6's lib/types/ipblock.go does:
 * an IPv4 network of more than two addresses without its first and last. -EINVAL: not such a list.
 */
must_check int k6_ips_count(const char *list, uint64_t *ret);

#endif

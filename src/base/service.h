/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "tcp:8080": a protocol and a port, as profiles and journals name a service. */
#ifndef RUNUP_BASE_SERVICE_H
#define RUNUP_BASE_SERVICE_H

#include <stdint.h>

#include "base/attr.h"

struct service {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;
};

/* The whole of s: tcp or udp, a colon, a port from 1 without leading zeros. 0 or -EINVAL. */
must_check int service_parse(const char *s, struct service *ret);

const char *service_protocol(const struct service *s); /* "tcp" */

#endif

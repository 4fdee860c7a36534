/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How listeners are named: in a profile "tcp:8080", in a journal "tcp:[::1]:8080/4711". */
#ifndef RUNUP_CORE_LISTEN_KEY_H
#define RUNUP_CORE_LISTEN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "sys/nl_sockdiag.h"

#define LISTEN_KEY_MAX 96

struct listen_key {
	uint8_t family; /* AF_INET, AF_INET6; 0: any address */
	uint8_t address[16];
	uint16_t port;
	uint64_t cookie; /* of one socket; 0: every one */
};

/*
 * "tcp:8080" is every listener of that port; "tcp:10.0.0.1:8080" and "tcp:[::1]:8080" those bound
 * to that address (0.0.0.0 and [::] are addresses like any other); "/4711" behind it is the one
 * socket with that cookie. -EINVAL: not a name of this kind.
 */
must_check int listen_key_parse(const char *text, struct listen_key *ret);

bool listen_key_matches(const struct listen_key *k, const struct listener *l);

/* The name of one socket, with its cookie; returns buf. */
const char *listen_key_of(const struct listener *l, char buf[LISTEN_KEY_MAX]);

#endif

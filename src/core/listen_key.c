/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/listen_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define PREFIX "tcp:"

/* "10.0.0.1" or "[::1]", changed in place. */
static int parse_address(char *text, struct listen_key *k)
{
	size_t len = strlen(text);

	k->family = AF_INET;
	if (text[0] == '[' && text[len - 1] == ']') {
		k->family = AF_INET6;
		text[len - 1] = '\0';
		text++;
	}
	return inet_pton(k->family, text, k->address) == 1 ? 0 : -EINVAL;
}

int listen_key_parse(const char *text, struct listen_key *ret)
{
	struct listen_key k = {0};
	char copy[LISTEN_KEY_MAX];
	uint64_t port;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text + strlen(PREFIX));

	char *cookie = strchr(copy, '/');

	if (cookie) {
		*cookie++ = '\0';
		if (parse_u64(cookie, 1, UINT64_MAX, &k.cookie) < 0)
			return -EINVAL;
	}

	char *colon = strrchr(copy, ':');

	if (colon) {
		*colon = '\0';
		if (!*copy || parse_address(copy, &k) < 0)
			return -EINVAL;
	}
	if (parse_u64(colon ? colon + 1 : copy, 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	k.port = (uint16_t)port;
	*ret = k;
	return 0;
}

bool listen_key_matches(const struct listen_key *k, const struct listener *l)
{
	size_t size = l->family == AF_INET ? 4 : 16;

	if (k->port != l->port || (k->cookie && k->cookie != l->cookie))
		return false;
	return !k->family || (k->family == l->family && memcmp(k->address, l->address, size) == 0);
}

const char *listen_key_of(const struct listener *l, char buf[LISTEN_KEY_MAX])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(l->family, l->address, address, sizeof(address));
	snprintf(buf, LISTEN_KEY_MAX,
		 l->family == AF_INET6 ? PREFIX "[%s]:%u/%" PRIu64 : PREFIX "%s:%u/%" PRIu64,
		 address, l->port, l->cookie);
	return buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/service.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/parse.h"

static const struct {
	const char *name;
	uint8_t protocol;
} protocols[] = {
	{"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP},
};

int service_parse(const char *s, struct service *ret)
{
	uint64_t port;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		size_t len = strlen(protocols[i].name);

		if (strncmp(s, protocols[i].name, len) != 0 || s[len] != ':')
			continue;
		/* One spelling for one service: it names an object in the journal. */
		if (s[len + 1] == '0' || parse_u64(s + len + 1, 1, UINT16_MAX, &port) < 0)
			return -EINVAL;
		*ret = (struct service){protocols[i].protocol, (uint16_t)port};
		return 0;
	}
	return -EINVAL;
}

const char *service_protocol(const struct service *s)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].protocol == s->protocol)
			return protocols[i].name;
	return "";
}

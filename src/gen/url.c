/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/url.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

#define HOST_MAX 255

static int scheme_port(const char *url, size_t len, uint64_t *ret)
{
	static const struct {
		const char *scheme;
		uint16_t port;
	} known[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].scheme) == len && strncasecmp(url, known[i].scheme, len) == 0) {
			*ret = known[i].port;
			return 0;
		}
	}
	return -EINVAL;
}

/* host[0..len) is a name or an address; v6 stood in brackets. */
static bool host_valid(const char *host, size_t len, bool v6)
{
	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];

		/* An IPv6 address may carry a zone, "fe80::1%eth0". */
		if (!isalnum(c) && !strchr(v6 ? ":.%-_" : "-._", c) && (v6 || c < 0x80))
			return false;
	}
	return true;
}

static void add_once(struct load *l, const char *host, size_t len, uint16_t port)
{
	for (size_t i = 0; i < l->targets_len; i++)
		if (l->targets[i].port == port && strlen(l->targets[i].host) == len &&
		    strncasecmp(l->targets[i].host, host, len) == 0)
			return;

	struct target *all = arena_alloc(&l->arena, (l->targets_len + 1) * sizeof(*all));

	for (size_t i = 0; i < l->targets_len; i++)
		all[i] = l->targets[i];
	all[l->targets_len] = (struct target){arena_strndup(&l->arena, host, len), port};
	l->targets = all;
	l->targets_len++;
	l->stated |= LOAD_TARGET;
}

int url_add_target(struct load *l, const char *url, bool bare)
{
	const char *colon = strstr(url, "://");
	uint64_t port = 80;

	if (colon && scheme_port(url, (size_t)(colon - url), &port) == 0)
		url = colon + 3;
	else if (!bare || (colon && !memchr(url, '/', (size_t)(colon - url))))
		return -EINVAL;

	size_t len = strcspn(url, "/?# \t");
	const char *host = url;

	/* The password may hold an @ of its own. */
	for (size_t i = 0; i < len; i++)
		if (url[i] == '@')
			host = url + i + 1;
	len -= (size_t)(host - url);

	bool v6 = len && host[0] == '[';
	const char *close = v6 ? memchr(host, ']', len) : NULL;
	const char *end = host + len, *behind = close ? close + 1 : memchr(host, ':', len);

	if (v6 && !close)
		return -EINVAL;

	size_t host_len = len;

	if (close)
		host_len = (size_t)(close - host);
	else if (behind)
		host_len = (size_t)(behind - host);
	if (v6) {
		host++;
		host_len--;
	}
	if (behind && behind < end) {
		char text[8];
		size_t digits = (size_t)(end - behind) - 1;

		if (*behind != ':' || digits >= sizeof(text))
			return -EINVAL;
		memcpy(text, behind + 1, digits);
		text[digits] = '\0';
		if (digits && parse_u64(text, 1, 65535, &port) < 0)
			return -EINVAL;
	}
	if (!host_valid(host, host_len, v6))
		return -EINVAL;
	add_once(l, host, host_len, (uint16_t)port);
	return 0;
}

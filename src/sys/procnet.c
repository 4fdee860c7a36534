/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/procnet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

#define FILE_MAX (256u << 10)

void counters_done(struct counters *c)
{
	free(c->item);
	*c = (struct counters){0};
}

bool counters_get(const struct counters *c, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < c->len; i++) {
		if (!strcmp(c->item[i].name, name)) {
			*ret = c->item[i].value;
			return true;
		}
	}
	return false;
}

/* -EPROTO: value is not a number. */
static int add(struct counters *c, const char *prefix, const char *name, const char *value)
{
	uint64_t v;
	bool negative = value[0] == '-';

	if (parse_u64(value + negative, 0, UINT64_MAX, &v) < 0)
		return -EPROTO;
	if (negative)
		return 0;

	struct counter *n = array_push((void **)&c->item, &c->len, &c->cap, sizeof(*n));
	int len = snprintf(n->name, sizeof(n->name), "%s%s", prefix, name);
	if (len < 0 || (size_t)len >= sizeof(n->name))
		c->len--; /* no kernel has one so long; a name that was cut would be another's */
	else
		n->value = v;
	return 0;
}

/* One pair of lines; both are cut into words. 0 or -EPROTO. */
static int add_pair(struct counters *c, char *names, char *values)
{
	char *save_name, *save_value;
	char *prefix = strtok_r(names, " ", &save_name);
	const char *again = strtok_r(values, " ", &save_value);
	size_t len = prefix ? strlen(prefix) : 0;

	if (len < 2 || prefix[len - 1] != ':' || !again || strcmp(prefix, again) != 0)
		return -EPROTO;
	prefix[len - 1] = '\0';

	for (;;) {
		const char *name = strtok_r(NULL, " ", &save_name);
		const char *value = strtok_r(NULL, " ", &save_value);

		if (!name && !value)
			return 0;
		if (!name || !value || add(c, prefix, name, value) < 0)
			return -EPROTO;
	}
}

static int read_pairs(const struct host *h, const char *path, struct counters *c, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, path, FILE_MAX, &text, e);

	if (n < 0)
		return (int)n;
	char *save, *names = strtok_r(text, "\n", &save);
	for (unsigned line = 1; names; line += 2) {
		char *values = strtok_r(NULL, "\n", &save);

		if (!values || add_pair(c, names, values) < 0)
			return err_set(e, EPROTO,
				       "read '%s': lines %u and %u are not names and their values",
				       path, line, line + 1);
		names = strtok_r(NULL, "\n", &save);
	}
	return 0;
}

/* "Ip6InReceives   	93": one counter a line. Without IPv6 there is no such file. */
static int read_lines(const struct host *h, const char *path, struct counters *c, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, path, FILE_MAX, &text, e);

	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return (int)n;
	char *save, *line = strtok_r(text, "\n", &save);
	for (unsigned number = 1; line; number++) {
		char *word;
		const char *name = strtok_r(line, " \t", &word);
		const char *value = name ? strtok_r(NULL, " \t", &word) : NULL;

		if (!value || strtok_r(NULL, " \t", &word) || add(c, "", name, value) < 0)
			return err_set(e, EPROTO, "read '%s': line %u is not a name and its value",
				       path, number);
		line = strtok_r(NULL, "\n", &save);
	}
	return 0;
}

int procnet_counters(const struct host *h, struct counters *ret, struct err *e)
{
	cleanup_with(counters_done) struct counters c = {0};
	int r = read_pairs(h, "/proc/net/netstat", &c, e);

	if (r == 0)
		r = read_pairs(h, "/proc/net/snmp", &c, e);
	if (r == 0)
		r = read_lines(h, "/proc/net/snmp6", &c, e);
	if (r < 0)
		return r;
	counters_done(ret);
	*ret = c;
	c = (struct counters){0};
	return 0;
}

struct field {
	const char *name;
	uint64_t *ret;
	bool seen;
};

/* "TCP: inuse 1 orphan 0 tw 0 …": the fields of one line. */
static int read_sockstat(const struct host *h, const char *path, const char *prefix,
			 struct field *fields, size_t len, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, path, FILE_MAX, &text, e);
	char *save, *word;

	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *first = strtok_r(line, " ", &word);

		if (!first || strcmp(first, prefix) != 0)
			continue;
		const char *name, *value;
		while ((name = strtok_r(NULL, " ", &word)) &&
		       (value = strtok_r(NULL, " ", &word))) {
			for (size_t i = 0; i < len; i++) {
				if (!strcmp(name, fields[i].name) &&
				    parse_u64(value, 0, UINT64_MAX, fields[i].ret) == 0)
					fields[i].seen = true;
			}
		}
	}
	for (size_t i = 0; i < len; i++) {
		if (!fields[i].seen)
			return err_set(e, EPROTO, "read '%s': no '%s' in a line '%s'", path,
				       fields[i].name, prefix);
	}
	return 0;
}

int procnet_sockstat(const struct host *h, struct sockstat *ret, struct err *e)
{
	struct sockstat s = {0};
	struct field tcp[] = {
		{.name = "inuse", .ret = &s.tcp_inuse},	  {.name = "orphan", .ret = &s.tcp_orphan},
		{.name = "tw", .ret = &s.tcp_time_wait},  {.name = "alloc", .ret = &s.tcp_alloc},
		{.name = "mem", .ret = &s.tcp_mem_pages},
	};
	struct field tcp6[] = {{.name = "inuse", .ret = &s.tcp6_inuse}};
	int r = read_sockstat(h, "/proc/net/sockstat", "TCP:", tcp, ARRAY_LEN(tcp), e);

	if (r < 0)
		return r;
	r = read_sockstat(h, "/proc/net/sockstat6", "TCP6:", tcp6, ARRAY_LEN(tcp6), e);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = s;
	return 0;
}

int procnet_sockstat_udp(const struct host *h, struct sockstat_udp *ret, struct err *e)
{
	struct sockstat_udp s = {0};
	struct field udp[] = {
		{.name = "inuse", .ret = &s.inuse},
		{.name = "mem", .ret = &s.mem_pages},
	};
	struct field udp6[] = {{.name = "inuse", .ret = &s.inuse6}};
	int r = read_sockstat(h, "/proc/net/sockstat", "UDP:", udp, ARRAY_LEN(udp), e);

	if (r < 0)
		return r;
	r = read_sockstat(h, "/proc/net/sockstat6", "UDP6:", udp6, ARRAY_LEN(udp6), e);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = s;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that old guides recommend and that harm or do nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "sys/sysctl.h"

struct folklore {
	const char *id;
	const char *key;
	bool (*found)(const char *value);
	const char *why, *fix;
};

static bool below_60(const char *value)
{
	int n;

	return sscanf(value, "%d", &n) == 1 && n < 60;
}

static bool is_zero(const char *value)
{
	int n;

	return sscanf(value, "%d", &n) == 1 && n == 0;
}

static bool is_set(const char *value)
{
	int n;

	return sscanf(value, "%d", &n) == 1 && n != 0;
}

static bool all_equal(const char *value)
{
	uint64_t low, pressure, high;

	return sscanf(value, "%" SCNu64 " %" SCNu64 " %" SCNu64, &low, &pressure, &high) == 3 &&
	       low == pressure && pressure == high;
}

static const struct folklore rows[] = {
	{
		.id = "folklore.tcp_fin_timeout",
		.key = "net.ipv4.tcp_fin_timeout",
		.found = below_60,
		.why = "it does not shorten TIME_WAIT, which is 60 s by compile time; it only "
		       "drops "
		       "orphaned connections in FIN_WAIT_2 earlier",
		.fix = "leave it at 60; for ports see tcp.tw_reuse",
	},
	{
		.id = "folklore.tcp_syncookies",
		.key = "net.ipv4.tcp_syncookies",
		.found = is_zero,
		.why = "without SYN cookies a full SYN queue drops connection attempts",
		.fix = "sysctl -w net.ipv4.tcp_syncookies=1",
	},
	{
		.id = "folklore.tcp_abort_on_overflow",
		.key = "net.ipv4.tcp_abort_on_overflow",
		.found = is_set,
		.why = "a full accept queue then answers with a reset, where the client would "
		       "otherwise "
		       "have tried again",
		.fix = "sysctl -w net.ipv4.tcp_abort_on_overflow=0",
	},
	{
		.id = "folklore.tcp_tw_recycle",
		.key = "net.ipv4.tcp_tw_recycle",
		.found = is_set,
		.why = "it drops connections of clients behind one NAT address (removed in Linux "
		       "4.12)",
		.fix = "sysctl -w net.ipv4.tcp_tw_recycle=0",
	},
	{
		.id = "folklore.tcp_mem",
		.key = "net.ipv4.tcp_mem",
		.found = all_equal,
		.why = "three equal values take away the pressure phase: at the limit memory is "
		       "refused "
		       "without warning (the unit is pages, not bytes)",
		.fix = "give the kernel's defaults back: they follow the memory size",
	},
};

static bool has_member(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].id, id) == 0)
			return true;
	return false;
}

static int run(const struct check_input *in, struct findings *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char value[SYSCTL_VALUE_MAX];
		int r = sysctl_read(in->host, rows[i].key, value, e);

		if (r == -ENOENT)
			continue; /* not in this namespace, or gone from this kernel: nothing to
				     find */

		struct finding *f = finding_add(out, rows[i].id, FINDING_PASS, rows[i].key);

		f->observed = finding_value(out, r < 0 ? e->msg : value);
		if (r < 0) {
			f->status = FINDING_UNKNOWN;
		} else if (rows[i].found(value)) {
			f->status = FINDING_WARN;
			f->why = rows[i].why;
			f->fix = rows[i].fix;
		}
	}
	return 0;
}

const struct check check_folklore = {
	.id = "folklore",
	.title = "no settings from old guides that harm or do nothing",
	.why = "Many guides hand on settings that once helped, never did, or were misread: "
	       "tcp_fin_timeout against TIME_WAIT, tcp_tw_recycle, SYN cookies off, equal tcp_mem "
	       "values. They are named here with what they really do.",
	.has_member = has_member,
	.run = run,
};

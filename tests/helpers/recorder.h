/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For nlrecord: what was met so far, and the file that is being written. */
#ifndef RUNUP_TESTS_RECORDER_H
#define RUNUP_TESTS_RECORDER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "sys/nl.h"

#define MESSAGE_MAX 4096

/* What was met so far, in order: its place is its new number. */
struct numbers {
	struct key {
		unsigned char byte[16];
	} * item;
	size_t len, cap;
};

enum kind {
	KIND_INET4,
	KIND_INET6,
	KIND_INODE,
	KIND_COOKIE,
	KIND_USER,
	KIND_INTERFACE,
	KIND_ID,
	KINDS
};

struct recorder {
	struct numbers numbers[KINDS];
	FILE *out;
	uint64_t entries, entries_max;
};

/* 1 for the first of its kind that is met, 2 for the second … */
static uint32_t number(struct recorder *r, enum kind kind, const void *value, size_t size)
{
	struct numbers *n = &r->numbers[kind];
	struct key key = {{0}};

	memcpy(key.byte, value, size);
	for (size_t i = 0; i < n->len; i++) {
		if (!memcmp(&n->item[i], &key, sizeof(key)))
			return (uint32_t)i + 1;
	}
	struct key *added = array_push((void **)&n->item, &n->len, &n->cap, sizeof(*added));
	*added = key;
	return (uint32_t)n->len;
}

static void write_message(struct recorder *r, const struct nlmsghdr *m)
{
	const unsigned char *byte = (const unsigned char *)m;

	for (uint32_t i = 0; i < m->nlmsg_len; i++)
		fprintf(r->out, "%02x", byte[i]);
	fputc('\n', r->out);
}

/* An empty message of the same type; sequence number and port id stay 0. */
static struct nlmsghdr *start_message(void *buf, const struct nlmsghdr *like)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	m->nlmsg_type = like->nlmsg_type;
	m->nlmsg_flags = like->nlmsg_flags;
	return m;
}

#endif

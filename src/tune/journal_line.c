/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/journal_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

uint32_t journal_crc(const char *id, uint32_t seq, const char *json, size_t len)
{
	char front[CHANGESET_ID_MAX + 16];
	int n = snprintf(front, sizeof(front), "%s %08" PRIu32 " ", id, seq);
	uLong crc = crc32(0, (const Bytef *)front, (uInt)n);

	return (uint32_t)crc32(crc, (const Bytef *)json, (uInt)len);
}

/* Exactly `digits` digits of the base, lower case, and a blank. */
static bool frame_number(const char *text, int digits, unsigned base, uint32_t *ret)
{
	uint64_t v = 0;

	for (int i = 0; i < digits; i++) {
		const char *set = "0123456789abcdef";
		const char *at = text[i] ? memchr(set, text[i], base) : NULL;

		if (!at)
			return false;
		v = v * base + (uint64_t)(at - set);
	}
	*ret = (uint32_t)v;
	return text[digits] == ' ';
}

const char *journal_prove_line(const char *id, const char *line, size_t len, uint32_t *ret_seq)
{
	uint32_t crc;

	if (len <= JOURNAL_FRAME || !frame_number(line, 8, 10, ret_seq) ||
	    !frame_number(line + 9, 8, 16, &crc))
		return "not a record";
	if (len >= JOURNAL_LINE_MAX)
		return "too long for a record";
	if (journal_crc(id, *ret_seq, line + JOURNAL_FRAME, len - JOURNAL_FRAME) != crc)
		return "its checksum does not fit";
	return NULL;
}

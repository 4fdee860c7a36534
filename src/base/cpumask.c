/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cpumask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define GROUP_DIGITS 8 /* 32 CPUs */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whole groups behind the first one? */
static bool well_grouped(const char *text)
{
	size_t first = strcspn(text, ",");

	if (first == 0 || (text[first] && first > GROUP_DIGITS))
		return false;
	for (text += first; *text; text += 1 + GROUP_DIGITS)
		if (strcspn(text + 1, ",") != GROUP_DIGITS)
			return false;
	return true;
}

int cpu_mask_parse(const char *text, struct ranges *ret)
{
	size_t len = strlen(text);
	uint32_t cpu = 0;

	if (!well_grouped(text) || len > CPU_MASK_CPUS / 4)
		return -EPROTO;
	for (size_t i = len; i > 0; i--) {
		int digit = hex_digit(text[i - 1]);

		if (text[i - 1] == ',')
			continue;
		if (digit < 0)
			return -EPROTO;
		for (unsigned bit = 0; bit < 4; bit++, cpu++)
			if (digit & 1 << bit)
				ranges_add(ret, cpu, cpu);
	}
	return 0;
}

static uint32_t group_of(const struct ranges *cpus, uint32_t group)
{
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < 32; bit++)
		if (ranges_contain(cpus, group * 32 + bit, group * 32 + bit))
			bits |= UINT32_C(1) << bit;
	return bits;
}

void cpu_mask_format(const struct ranges *cpus, struct strbuf *out)
{
	uint32_t top = cpus->len ? cpus->item[cpus->len - 1].high / 32 : 0;

	strbuf_addf(out, "%" PRIx32, group_of(cpus, top));
	for (uint32_t group = top; group-- > 0;)
		strbuf_addf(out, ",%08" PRIx32, group_of(cpus, group));
}

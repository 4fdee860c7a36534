/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/setting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cpumask.h"
#include "base/parse.h"
#include "base/ranges.h"

#define BLANKS " \t\n"
#define PORT_MAX 65535
/* "-0777…": the longest spelling of 64 bits, in octal, with room to spare. */
#define NUMBER_TEXT 32

static const char *const op_names[] = {
	[OP_EXACT] = "", [OP_AT_LEAST] = ">=", [OP_AT_MOST] = "<=", [OP_COVERS] = "covers"};

static const char *const kind_names[] = {[VALUE_TEXT] = "text",
					 [VALUE_NUMBERS] = "numbers",
					 [VALUE_RANGE] = "range",
					 [VALUE_SET] = "set",
					 [VALUE_MASK] = "mask"};

const char *op_name(enum op op)
{
	return (size_t)op < ARRAY_LEN(op_names) ? op_names[op] : "";
}

bool op_find(const char *name, enum op *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(op_names); i++) {
		if (strcmp(op_names[i], name) == 0) {
			*ret = (enum op)i;
			return true;
		}
	}
	return false;
}

const char *value_kind_name(enum value_kind kind)
{
	return (size_t)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : "";
}

bool value_kind_find(const char *name, enum value_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*ret = (enum value_kind)i;
			return true;
		}
	}
	return false;
}

bool op_allowed(enum op op, enum value_kind kind)
{
	switch (op) {
	case OP_EXACT:
		return true;
	case OP_AT_LEAST:
	case OP_AT_MOST:
		return kind == VALUE_NUMBERS;
	case OP_COVERS:
		return kind == VALUE_RANGE || kind == VALUE_SET || kind == VALUE_MASK;
	}
	return false;
}

/* A word inside a longer text, not terminated. */
struct word {
	const char *at;
	size_t len;
};

static bool next_word(const char **s, struct word *ret)
{
	*s += strspn(*s, BLANKS);
	*ret = (struct word){*s, strcspn(*s, BLANKS)};
	*s += ret->len;
	return ret->len > 0;
}

static bool word_equal(const struct word *a, const struct word *b)
{
	return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

/*
 * The kernel's longs and unsigned longs in one: fs.file-max and kernel.shmmax show values above
 * INT64_MAX, and taking one for a word would let ">=" lower it.
 */
struct number {
	bool negative;
	uint64_t magnitude;
};

static bool word_number(const struct word *w, struct number *ret)
{
	char text[NUMBER_TEXT];
	int64_t v;

	if (w->len >= sizeof(text))
		return false;
	memcpy(text, w->at, w->len);
	text[w->len] = '\0';

	int r = parse_kernel_number(text, &v);
	if (r == 0) {
		*ret = (struct number){v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v};
		return true;
	}
	if (r != -ERANGE || text[0] == '-')
		return false;
	errno = 0;
	*ret = (struct number){false, strtoumax(text, NULL, 0)};
	return errno == 0;
}

static int number_compare(const struct number *a, const struct number *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	if (a->magnitude == b->magnitude)
		return 0;
	return (a->magnitude < b->magnitude) == a->negative ? 1 : -1;
}

static void number_format(const struct number *n, struct strbuf *out)
{
	strbuf_addf(out, "%s%" PRIu64, n->negative ? "-" : "", n->magnitude);
}

static bool parse_range(const char *text, struct number ret[2])
{
	struct word w;

	for (int i = 0; i < 2; i++)
		if (!next_word(&text, &w) || !word_number(&w, &ret[i]) || ret[i].negative)
			return false;
	return !next_word(&text, &w) && number_compare(&ret[0], &ret[1]) <= 0;
}

/* As ranges_parse(), but people write "80, 443". */
static bool parse_set(const char *text, struct ranges *ret)
{
	cleanup_with(strbuf_done) struct strbuf tight = {0};

	for (size_t i = 0; text[i]; i++) {
		size_t run = strspn(text + i, BLANKS);

		if (run == 0) {
			strbuf_addn(&tight, text + i, 1);
			continue;
		}
		/* Blanks end an item; between two items without a comma they are an error. */
		bool at_edge = tight.len == 0 || tight.text[tight.len - 1] == ',' ||
			       text[i + run] == ',' || text[i + run] == '\0';
		if (!at_edge)
			return false;
		i += run - 1;
	}
	return ranges_parse(ret, strbuf_get(&tight), PORT_MAX) == 0;
}

static bool parse_mask(const char *text, struct ranges *ret)
{
	return cpu_mask_parse(text, ret) == 0;
}

static int check_numbers(const char *text, struct err *e)
{
	struct word w;
	struct number n;
	size_t fields = 0;

	for (; next_word(&text, &w); fields++)
		if (!word_number(&w, &n))
			return err_set(e, ERR_BAD_INPUT, "'%.*s' is not a number",
				       (int)(w.len < 60 ? w.len : 60), w.at);
	if (fields == 0)
		return err_set(e, ERR_BAD_INPUT, "a number is missing");
	return 0;
}

int value_check(enum value_kind kind, const char *text, struct err *e)
{
	struct number range[2];
	cleanup_with(ranges_done) struct ranges set = {0};

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return err_set(e, ERR_BAD_INPUT, "a value holds a control character");
	switch (kind) {
	case VALUE_TEXT:
		if (text[strspn(text, BLANKS)] == '\0')
			return err_set(e, ERR_BAD_INPUT, "a value is missing");
		return 0;
	case VALUE_NUMBERS:
		return check_numbers(text, e);
	case VALUE_RANGE:
		if (!parse_range(text, range))
			return err_set(e, ERR_BAD_INPUT,
				       "'%.60s' is not a range: two numbers, the lower one first",
				       text);
		return 0;
	case VALUE_SET:
		if (!parse_set(text, &set))
			return err_set(e, ERR_BAD_INPUT,
				       "'%.60s' is not a set of ports such as 80,9100-9102", text);
		return 0;
	case VALUE_MASK:
		if (!parse_mask(text, &set))
			return err_set(e, ERR_BAD_INPUT,
				       "'%.60s' is not a mask of CPUs in hex such as f or "
				       "3,00000000",
				       text);
		return 0;
	}
	return err_set(e, ERR_BAD_INPUT, "a value of an unknown kind");
}

static bool field_satisfies(enum op op, const struct word *now, const struct word *want)
{
	struct number a, b;
	bool now_number = word_number(now, &a), want_number = word_number(want, &b);

	if (!now_number && !want_number)
		return op == OP_EXACT && word_equal(now, want);
	if (!now_number || !want_number)
		return false;
	switch (op) {
	case OP_EXACT:
		return number_compare(&a, &b) == 0;
	case OP_AT_LEAST:
		return number_compare(&a, &b) >= 0;
	case OP_AT_MOST:
		return number_compare(&a, &b) <= 0;
	case OP_COVERS:
		break;
	}
	return false;
}

static bool words_satisfy(enum value_kind kind, enum op op, const char *now, const char *want)
{
	struct word a, b;

	for (;;) {
		bool more = next_word(&now, &a);

		if (next_word(&want, &b) != more)
			return false;
		if (!more)
			return true;
		if (kind == VALUE_TEXT ? !word_equal(&a, &b) : !field_satisfies(op, &a, &b))
			return false;
	}
}

static bool range_satisfies(enum op op, const char *now, const char *want)
{
	struct number a[2], b[2];

	if (!parse_range(now, a) || !parse_range(want, b))
		return false;

	int low = number_compare(&a[0], &b[0]), high = number_compare(&a[1], &b[1]);

	return op == OP_COVERS ? low <= 0 && high >= 0 : low == 0 && high == 0;
}

static bool parse_members(enum value_kind kind, const char *text, struct ranges *ret)
{
	return kind == VALUE_MASK ? parse_mask(text, ret) : parse_set(text, ret);
}

static bool set_satisfies(enum value_kind kind, enum op op, const char *now, const char *want)
{
	cleanup_with(ranges_done) struct ranges a = {0}, b = {0};

	if (!parse_members(kind, now, &a) || !parse_members(kind, want, &b))
		return false;
	return op == OP_COVERS ? ranges_cover(&a, &b) : ranges_equal(&a, &b);
}

bool value_satisfies(enum value_kind kind, enum op op, const char *now, const char *want)
{
	if (!op_allowed(op, kind))
		return false;
	switch (kind) {
	case VALUE_TEXT:
	case VALUE_NUMBERS:
		return words_satisfy(kind, op, now, want);
	case VALUE_RANGE:
		return range_satisfies(op, now, want);
	case VALUE_SET:
	case VALUE_MASK:
		return set_satisfies(kind, op, now, want);
	}
	return false;
}

bool value_equal(enum value_kind kind, const char *a, const char *b)
{
	return value_satisfies(kind, OP_EXACT, a, b);
}

/* Every word of want; as numbers, the larger or smaller of it and now's where that has one too. */
static void merge_words(enum value_kind kind, enum op op, const char *now, const char *want,
			struct strbuf *out)
{
	struct word a, b;
	struct number n, m;

	for (bool first = true; next_word(&want, &b); first = false) {
		bool other = next_word(&now, &a);

		if (!first)
			strbuf_add(out, " ");
		if (kind != VALUE_NUMBERS || !word_number(&b, &n)) {
			strbuf_addn(out, b.at, b.len);
			continue;
		}
		if (other && op != OP_EXACT && word_number(&a, &m) &&
		    (op == OP_AT_LEAST) == (number_compare(&m, &n) > 0))
			n = m;
		number_format(&n, out);
	}
}

static void merge_range(enum op op, const char *now, const char *want, struct strbuf *out)
{
	struct number a[2], b[2];

	if (!parse_range(want, b)) {
		merge_words(VALUE_TEXT, OP_EXACT, "", want, out);
		return;
	}
	if (op == OP_COVERS && parse_range(now, a)) {
		if (number_compare(&a[0], &b[0]) < 0)
			b[0] = a[0];
		if (number_compare(&a[1], &b[1]) > 0)
			b[1] = a[1];
	}
	number_format(&b[0], out);
	strbuf_add(out, " ");
	number_format(&b[1], out);
}

static void merge_set(enum value_kind kind, enum op op, const char *now, const char *want,
		      struct strbuf *out)
{
	cleanup_with(ranges_done) struct ranges a = {0}, b = {0};

	if (!parse_members(kind, want, &b)) {
		merge_words(VALUE_TEXT, OP_EXACT, "", want, out);
		return;
	}
	if (op == OP_COVERS && parse_members(kind, now, &a))
		ranges_add_all(&b, &a);
	if (kind == VALUE_MASK)
		cpu_mask_format(&b, out);
	else
		ranges_format(&b, out);
}

void value_merge(enum value_kind kind, enum op op, const char *now, const char *want,
		 struct strbuf *out)
{
	switch (kind) {
	case VALUE_TEXT:
	case VALUE_NUMBERS:
		merge_words(kind, op, now, want, out);
		break;
	case VALUE_RANGE:
		merge_range(op, now, want, out);
		break;
	case VALUE_SET:
	case VALUE_MASK:
		merge_set(kind, op, now, want, out);
		break;
	}
}

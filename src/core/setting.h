/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operators and values: when does a value satisfy what is wanted, and what would be written? */
#ifndef RUNUP_CORE_SETTING_H
#define RUNUP_CORE_SETTING_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"

enum op {
	OP_EXACT,    /* a bare value */
	OP_AT_LEAST, /* ">=": never lowers */
	OP_AT_MOST,  /* "<=": never raises */
	OP_COVERS,   /* ranges and sets: the union is written */
};

/* How the text of a value is read. */
enum value_kind {
	VALUE_TEXT,    /* compared word by word */
	VALUE_NUMBERS, /* one or more numbers, compared field by field: 0x1000 is 4096, a tab a
			  blank */
	VALUE_RANGE,   /* two numbers, low and high (ip_local_port_range) */
	VALUE_SET,     /* "9100-9102,9200" (ip_local_reserved_ports) */
	VALUE_MASK,    /* CPUs in hex, "00000000,0000000f" (rps_cpus) */
};

const char *op_name(enum op op); /* "", ">=", "<=", "covers" */
bool op_find(const char *name, enum op *ret);
bool op_allowed(enum op op, enum value_kind kind);

const char *value_kind_name(enum value_kind kind); /* "text", "numbers", "range" … */
bool value_kind_find(const char *name, enum value_kind *ret);

/* Is text a value of that kind? -ERR_BAD_INPUT with the reason. */
must_check int value_check(enum value_kind kind, const char *text, struct err *e);

/*
 * Does `now` satisfy `op want`? Values of another kind or number of fields than expected never do
 * (VALUE_NUMBERS falls back to words where a field is no number on both sides). An operator that
 * does not go with the kind is never satisfied.
 */
bool value_satisfies(enum value_kind kind, enum op op, const char *now, const char *want);

/* The same value, however it is spelled? */
bool value_equal(enum value_kind kind, const char *a, const char *b);

/*
 * What has to be written so that `op want` is satisfied and nothing that already was is lost: the
 * larger (smaller) of each field, the union of sets and masks, the lowest low and the highest high
 * of ranges. Spelled canonically, as the kernel would print it but with single blanks. Where `now`
 * is no value of that kind, it is `want`.
 */
void value_merge(enum value_kind kind, enum op op, const char *now, const char *want,
		 struct strbuf *out);

#endif

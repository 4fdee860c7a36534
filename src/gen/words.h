/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of other programs, split the way the library of each splits them. */
#ifndef RUNUP_GEN_WORDS_H
#define RUNUP_GEN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

enum words_style {
	WORDS_GETOPT, /* getopt_long: clusters, abbreviations, operands anywhere (wrk, h2load,
			 siege) */
	WORDS_APR,    /* apr_getopt: letters only, up to the first operand (ab) */
	WORDS_GO, /* Go's flag: -name value, -name=value, up to the first operand (hey, vegeta) */
	WORDS_PFLAG,	/* spf13/pflag: no abbreviations, operands anywhere (k6) */
	WORDS_MINIMIST, /* what is not known is taken too (autocannon) */
};

enum words_arg { WORDS_FLAG, WORDS_VALUE, WORDS_MAYBE /* only attached: --name=value, -xvalue */ };

struct words_option {
	const char *name; /* long; NULL: none */
	char letter;	  /* '\0': none */
	enum words_arg arg;
	int id; /* what words_next() returns, above 0; 0: of no interest, skipped */
};

struct words {
	const char *program; /* for errors */
	enum words_style style;
	const struct words_option *options;
	size_t options_len;
	char *const *next;   /* the word that is read next */
	const char *cluster; /* letters left of a word of several */
	bool operands_only;  /* the rest are operands */
};

enum { WORDS_END = 0, WORDS_OPERAND = -1 };

/*
 * The next option's id, with its value in *ret_value (NULL: it has none), or WORDS_OPERAND with the
 * word, or WORDS_END. -ERR_BAD_INPUT: an option that is not known or lacks its value.
 */
must_check int words_next(struct words *w, const char **ret_value, struct err *e);

/*
 * Hands every option, and every operand as WORDS_OPERAND, to take() until it fails. 0, or what
 * take() or words_next() returned.
 */
must_check int words_each(struct words *w,
			  int (*each)(int option, const char *value, void *data, struct err *e),
			  void *data, struct err *e);

/* Do the letters of a flag's value mean false? ("-keepalive=false") */
bool words_flag_off(const char *value);

#endif

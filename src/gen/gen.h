/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load generators: what load a command line will make. */
#ifndef RUNUP_GEN_GEN_H
#define RUNUP_GEN_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/load.h"
#include "sys/run_as.h"

/* Where the command will run. */
struct gen_context {
	const struct run_as *user; /* NULL: nothing is executed and no file is opened */
	int netns_fd;		   /* -1: this network namespace */
};

/* One generator's own words, out of the wrappers around it. */
struct gen_command {
	char *const *argv;
	char *const *env;   /* NAME=VALUE that wrappers set for it; NULL-terminated, may be NULL */
	char *const *input; /* words that echo or printf pipe to it; NULL: none are known */
	bool container;	    /* its files and limits are not this host's */
	/* It runs only so long (timeout(1)); 0: not said. */
	uint64_t at_most_ns;
	const struct gen_context *context;
};

/* Which option states a field of the load, by either of its spellings (NULL: it has one only). */
struct gen_says {
	enum load_field field;
	const char *letter, *name; /* "-c", "--connections" */
	bool alone;		   /* a switch: no value belongs to it */
};

#define GEN_SAYS 6

struct gen {
	const char *name;
	/* For load.from: where a contradiction is said to come from. Up to a row without a field.
	 */
	struct gen_says says[GEN_SAYS];
	/* Is argv (of at least one word) this generator, about to make load? */
	bool (*match)(char *const *argv);
	/*
	 * States in the load what the command says, or what the tool does where it says nothing,
	 * and nothing else. -ERR_BAD_INPUT with the reason when it cannot be read as the tool reads
	 * it; the load is then forgotten.
	 */
	int (*load)(const struct gen_command *c, struct load *l, struct err *e);
};

/* A new generator is one word here and its file gen_NAME.c (wrk2 is in wrk's). */
#define GENS(X) X(wrk) X(wrk2) X(k6) X(vegeta) X(hey) X(h2load) X(ab) X(siege) X(autocannon)

#define X_EXTERN(name) extern const struct gen gen_##name;
GENS(X_EXTERN)
#undef X_EXTERN

extern const struct gen *const gens[];
extern const size_t gens_len;

/* The generator that argv calls by its own name, or NULL. */
const struct gen *gen_find(char *const *argv);

/*
 * Reads a command line, through wrappers such as sudo, env, sh -c and docker run. Never fails:
 * generator.name stays NULL where no generator was recognised, and generator.message says what
 * could not be read and what to state instead. k6 is executed (`k6 inspect`) to read its script.
 */
void gen_read(char *const *argv, const struct gen_context *context, struct load *l);

/* Adds to generator.message, after a "; ". */
void gen_say(struct load *l, const char *fmt, ...) printf_(2, 3);

/*
 * States a whole number. value 0 states nothing; -ERR_BAD_INPUT when it is more than any host can
 * be asked for.
 */
must_check int gen_state(struct load *l, enum load_field field, uint64_t value, struct err *e);

/* The same for a product; overflow is refused. */
must_check int gen_state_product(struct load *l, enum load_field field, uint64_t a, uint64_t b,
				 struct err *e);

/* The same for a rate that need not be whole; it is rounded up. */
must_check int gen_state_real(struct load *l, enum load_field field, double value, struct err *e);

void gen_state_keepalive(struct load *l, bool keepalive);

/* "Connection: close", as a header is written ("K: V", or autocannon's "K=V"). */
bool gen_header_closes(const char *header);

/* -ERR_BAD_INPUT: "option 'value': expected …". */
must_check int gen_bad_value(const char *option, const char *value, const char *expected,
			     struct err *e);

#endif

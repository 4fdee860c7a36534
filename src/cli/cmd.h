/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a command, its options, and the list of them all. */
#ifndef RUNUP_CLI_CMD_H
#define RUNUP_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/load.h"

/* Exit codes of every command but `run`, whose command's own code passes through. */
enum {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1,	 /* not ready, drifted, causes seen */
	EXIT_BAD_INPUT = 2,	 /* usage or profile; nothing was done */
	EXIT_COULD_NOT = 3,	 /* could not tell or could not do */
	EXIT_REFUSED = 120,	 /* run: the preflight refused */
	EXIT_INVALID = 121,	 /* run: exited 0, but the verdict is INVALID */
	EXIT_RUNUP_FAILED = 125, /* run: runup itself failed */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JUNIT, OUTPUT_TAP };

/* The options in front of the command. */
struct app {
	const char *root;  /* NULL: the live host */
	const char *netns; /* NULL: the present one */
	int color;	   /* enum color */
	bool quiet, verbose, version;
	bool use_color;	   /* decided: a terminal, or asked for; NO_COLOR is respected */
	char *const *argv; /* the whole command line */
};

enum opt_kind {
	OPT_FLAG,     /* bool */
	OPT_TEXT,     /* const char * */
	OPT_CHOICE,   /* int: index of the word in metavar, "text|json" */
	OPT_DURATION, /* uint64_t, nanoseconds */
	OPT_LIST,     /* const char **, NULL-terminated: commas and repeats both add */
};

struct opt {
	const char *name; /* without "--" */
	char letter;	  /* '\0': none */
	enum opt_kind kind;
	const char *metavar; /* NULL for a flag */
	const char *help;
	size_t offset; /* of its field in the command's options struct */
};

/* What a command is run with; opts points to its own options struct. */
struct input {
	const void *opts;
	struct load load; /* of the LOAD options; empty unless the command takes them */
	char **operands;  /* NULL-terminated */
	size_t operands_len;
	char **command; /* behind `--`; NULL: there was none */
};

struct cmd {
	const char *name;
	const char *args; /* its operands, for the usage line */
	const char *summary;
	const char *details; /* more lines of --help; NULL: none */
	const struct opt *opts;
	size_t opts_len;
	size_t opts_size;
	bool takes_load;    /* LOAD options */
	bool reads_only;    /* goes with --root */
	bool takes_command; /* `-- CMD…` */
	size_t operands_max;
	/* Returns an exit code, or a negative number with *e set. */
	int (*run)(const struct app *app, const struct input *in, struct err *e);
};

/* The order of `runup --help`. A new command is one word here and its file cmd_NAME.c. */
#define CMDS(X)                                                                                    \
	X(check)                                                                                   \
	X(capacity)                                                                                \
	X(apply)                                                                                   \
	X(confirm) X(rollback) X(status) X(watch) X(run) X(profiles) X(explain) X(doctor) X(help)

#define X_EXTERN(name) extern const struct cmd cmd_##name;
CMDS(X_EXTERN)
#undef X_EXTERN

extern const struct cmd *const cmds[];
extern const size_t cmds_len;
extern const struct opt global_opts[];
extern const size_t global_opts_len;

const struct cmd *cmd_find(const char *name);

/* `runup --help`, `runup CMD --help`, and the table as tab-separated rows for lint and completion.
 */
void help_program(void);
void help_command(const struct cmd *c);
void help_tsv(void);

#endif

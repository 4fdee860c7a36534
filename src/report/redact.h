/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines without their secrets. */
#ifndef RUNUP_REPORT_REDACT_H
#define RUNUP_REPORT_REDACT_H

/*
 * A copy of argv (NULL-terminated; redact_free()) in which "***" stands for what looks secret:
 * passwords in addresses (user:pass@), values of headers and fields whose names say so
 * (Authorization, Cookie, token, password, api_key …), of -e NAME=VALUE, of user:password after
 * -u and the like, and words that are shaped like tokens. It would rather hide too much.
 */
char **redact_argv(char *const *argv);
void redact_free(char **argv);

/* The same as one line, with quotes around words that need them; the caller frees. */
char *redact_line(char *const *argv);

#endif

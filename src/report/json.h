/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pieces that every JSON output is made of; the shapes are in schemas/. */
#ifndef RUNUP_REPORT_JSON_H
#define RUNUP_REPORT_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "core/change.h"
#include "core/check.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/observation.h"
#include "sys/host.h"

/* All return a new reference (the caller's), never NULL: a failed allocation ends the program. */
json_t *json_new_object(void);
json_t *json_new_array(void);
json_t *json_new_text(const char *text);
void json_put(json_t *object, const char *key, json_t *value);	       /* takes the reference */
void json_append(json_t *array, json_t *value);			       /* takes the reference */
void json_put_text(json_t *object, const char *key, const char *text); /* NULL becomes null */
void json_put_int(json_t *object, const char *key, uint64_t n);
void json_put_bool(json_t *object, const char *key, bool b);

json_t *host_to_json(const struct host *h);
json_t *load_to_json(const struct load *l);	      /* what is stated; null if nothing is */
json_t *process_to_json(const struct process_ref *p); /* null for none */
json_t *findings_to_json(const struct findings *fs);
json_t *skipped_to_json(const struct check_selection *sel);
json_t *changes_to_json(const struct changes *cs);
json_t *alert_to_json(const struct alert *a);
json_t *blind_to_json(const struct observation *o);

/*
 * Indented, with a final newline; the caller frees. Text that is not UTF-8 (a file name, a comm)
 * has been made so by json_put_text: a bad byte becomes U+FFFD.
 */
char *json_render(const json_t *j);

/* The same on one line. */
char *json_render_line(const json_t *j);

#endif

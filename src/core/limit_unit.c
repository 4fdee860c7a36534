/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of services: what their unit says, or systemd's defaults. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "core/limit_sources.h"
#include "sys/file.h"

/* The system manager's folders for units, the one that wins first (systemd.unit(5), 252). */
static const char *const unit_folders[] = {
	"/etc/systemd/system.control", "/run/systemd/system.control",
	"/run/systemd/transient",      "/run/systemd/generator.early",
	"/etc/systemd/system",	       "/etc/systemd/system.attached",
	"/run/systemd/system",	       "/run/systemd/system.attached",
	"/run/systemd/generator",      "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",     "/lib/systemd/system",
	"/run/systemd/generator.late",
};

/* And for its own configuration (systemd-system.conf(5)). */
static const char *const manager_folders[] = {
	"/etc/systemd",	    "/run/systemd", "/usr/local/lib/systemd",
	"/usr/lib/systemd", "/lib/systemd",
};

#define NAME_MAX_UNIT 256
#define JOINED_MAX 512 /* what is longer is no limit */

/* One key of one section is looked for in all files. */
struct unit_reading {
	const char *section; /* "[Service]" */
	char key[40];
	bool in_section;
	bool is_size;
	char joined[JOINED_MAX]; /* lines before that ended in a backslash; "": none */
	struct limit_origin *origin;
};

static void note_unread(void *data, const char *path unused_, const struct err *e)
{
	struct unit_reading *u = data;

	limit_note_unread(u->origin, e);
}

/*
 * As safe_atou64() takes it (systemd, src/basic/parse-util.c, 252): 0x800, 010 and 0b11 are what
 * they are in C, blanks only in front, and the largest number is no limit but "infinity".
 */
static bool read_number(const char *text, uint64_t *ret)
{
	int base = 0;
	char *end;

	text += strspn(text, " \t");
	if (strncasecmp(text, "0b", 2) == 0 || strncasecmp(text, "0o", 2) == 0) {
		base = tolower((unsigned char)text[1]) == 'b' ? 2 : 8;
		text += 2;
	}
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno == 0 && !*end && *ret != UINT64_MAX;
}

/* Sizes may end in K, M, G or T, of 1024 (rlimit_parse_size(), systemd). */
static bool read_size(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "BKMGT";
	char digits[24];
	size_t len = strspn(text, "0123456789");
	const char *suffix = text[len] && !text[len + 1] ? strchr(suffixes, text[len]) : NULL;
	uint64_t unit = 1;

	if (len >= sizeof(digits) || (text[len] && !suffix))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (suffix)
		unit = UINT64_C(1) << (10 * (size_t)(suffix - suffixes));
	if (parse_u64(digits, 0, UINT64_MAX / unit, ret) < 0)
		return false;
	*ret *= unit;
	return true;
}

static bool read_one(const struct unit_reading *u, const char *text, uint64_t *ret)
{
	if (strcmp(text, "infinity") == 0) {
		*ret = PROC_UNLIMITED;
		return true;
	}
	return u->is_size ? read_size(text, ret) : read_number(text, ret);
}

/* What is no limit, or a soft one above the hard one, is skipped with a warning by systemd, too. */
static void read_value(const struct unit_reading *u, char *text, const char *file, unsigned number)
{
	char *value = conf_trim(text), *colon = strchr(value, ':');
	uint64_t soft, hard;

	if (colon)
		*colon = '\0';
	if (!read_one(u, value, &soft))
		return;
	hard = soft;
	if (colon && !read_one(u, colon + 1, &hard))
		return;
	if (soft <= hard)
		limit_set(u->origin, soft, hard, file, number);
}

static void read_whole(struct unit_reading *u, char *line, const char *file, unsigned number)
{
	char *equals = strchr(line, '=');

	if (*line == '[')
		u->in_section = strcmp(line, u->section) == 0;
	if (!u->in_section || !equals)
		return;
	*equals = '\0';
	if (strcmp(conf_trim(line), u->key) == 0)
		read_value(u, equals + 1, file, number);
}

static bool goes_on(const char *line)
{
	size_t len = strlen(line), n = 0;

	while (n < len && line[len - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* A line that ends in a backslash goes on in the next one, over comments (systemd.syntax(7)). */
static void read_line(void *data, char *text, const char *file, unsigned number)
{
	struct unit_reading *u = data;
	char *line = conf_trim(text);

	if (number == 1) {
		u->in_section = false;
		u->joined[0] = '\0';
	}
	if (*line && strchr("#;", *line))
		return;

	bool more = goes_on(line), whole = !more && !u->joined[0];
	size_t have = strlen(u->joined);

	if (more)
		line[strlen(line) - 1] = '\0';
	if (!whole)
		snprintf(u->joined + have, sizeof(u->joined) - have, "%s ", line);
	if (more)
		return;
	read_whole(u, whole ? line : conf_trim(u->joined), file, number);
	u->joined[0] = '\0';
}

/* The first folder that has the file; false: none has. */
static bool read_first(const struct conf_reader *r, const char *const *folders, size_t len,
		       const char *name)
{
	char path[512];

	for (size_t i = 0; i < len; i++) {
		struct err e;

		if (snprintf(path, sizeof(path), "%s/%s", folders[i], name) >= (int)sizeof(path))
			continue;

		int result = conf_read(r, path, NULL, &e);

		if (result == -ENOENT)
			continue;
		if (result < 0)
			r->unread(r->data, path, &e);
		return true;
	}
	return false;
}

static void read_drop_ins(const struct conf_reader *r, const char *const *folders, size_t len,
			  char names[][NAME_MAX_UNIT], size_t names_len)
{
	cleanup_with(conf_files_done) struct conf_files files = {0};
	char path[512];

	for (size_t n = 0; n < names_len; n++)
		for (size_t i = 0; i < len; i++)
			if (snprintf(path, sizeof(path), "%s/%s.d", folders[i], names[n]) <
			    (int)sizeof(path))
				conf_list(r, path, &files);
	conf_sort(&files);
	conf_read_all(r, &files);
}

#define NAMES_LEN 16

static void add_name(char names[NAMES_LEN][NAME_MAX_UNIT], size_t *n, const char *unit, size_t len,
		     const char *rest)
{
	if (*n < NAMES_LEN - 1)
		snprintf(names[(*n)++], NAME_MAX_UNIT, "%.*s%s", (int)len, unit, rest);
}

/*
 * Whose drop-ins count for "a-b@c.service", the narrowest first: its own, its template's
 * "a-b@.service", the same of its prefix "a-", and all services' "service".
 */
static size_t names_of(const char *unit, char names[NAMES_LEN][NAME_MAX_UNIT])
{
	size_t n = 0, stem = strcspn(unit, "@.");
	const char *rest = unit + stem;
	bool instance = rest[0] == '@' && rest[1] != '.';

	for (size_t len = stem; len > 0;) {
		add_name(names, &n, unit, len, rest);
		if (instance)
			add_name(names, &n, unit, len, "@.service");
		/* Up to and with the dash before, the one that the name ends in left aside. */
		for (len--; len > 0 && unit[len - 1] != '-'; len--)
			;
	}
	snprintf(names[n++], NAME_MAX_UNIT, "service");
	return n;
}

static bool is_template_file(const char *name)
{
	return strstr(name, "@.service") != NULL;
}

static void read_defaults(const struct host *h, enum limit_kind kind, struct limit_origin *ret)
{
	struct unit_reading u = {.section = "[Manager]",
				 .is_size = kind == LIMIT_MEMLOCK,
				 .origin = ret};
	const struct conf_reader r = {h, &ret->arena, read_line, note_unread, &u};
	char name[1][NAME_MAX_UNIT] = {"system.conf"};

	snprintf(u.key, sizeof(u.key), "Default%s", limit_directive(kind));
	(void)!read_first(&r, manager_folders, ARRAY_LEN(manager_folders), name[0]);
	read_drop_ins(&r, manager_folders, ARRAY_LEN(manager_folders), name, 1);
}

void limit_read_unit(const struct host *h, enum limit_kind kind, struct limit_origin *ret)
{
	struct unit_reading u = {.section = "[Service]",
				 .is_size = kind == LIMIT_MEMLOCK,
				 .origin = ret};
	const struct conf_reader r = {h, &ret->arena, read_line, note_unread, &u};
	char names[NAMES_LEN][NAME_MAX_UNIT];
	size_t len = names_of(ret->name, names);
	bool found;

	snprintf(u.key, sizeof(u.key), "%s", limit_directive(kind));
	found = read_first(&r, unit_folders, ARRAY_LEN(unit_folders), names[0]) ||
		(is_template_file(names[1]) &&
		 read_first(&r, unit_folders, ARRAY_LEN(unit_folders), names[1]));
	read_drop_ins(&r, unit_folders, ARRAY_LEN(unit_folders), names, len);
	if (!found && !ret->soft.set && !ret->doubt)
		ret->doubt = arena_printf(&ret->arena, "no file of unit %s is here", ret->name);
	if (!ret->soft.set && !ret->doubt)
		read_defaults(h, kind, ret);
}

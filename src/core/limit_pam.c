/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of logins: what pam_limits would set for a user. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/limit_sources.h"
#include "sys/file.h"
#include "sys/proc_tasks.h"

#define WORD_MAX 256
#define NAMES_MAX (4u << 20)

/* A line about this limit, or (item "") one that takes the limits off a user. */
struct pam_line {
	const char *domain, *type;
	bool exempts;
	uint64_t value;
	const char *file;
	unsigned line;
};

struct pam_lines {
	struct pam_line *item;
	size_t len, cap;
	enum limit_kind kind;
	struct limit_origin *origin;
};

/* Who logs in; groups is the text of /etc/group. */
struct pam_user {
	char name[WORD_MAX];
	uint64_t uid, gid;
	char *groups;
	bool root_is_spared; /* by Debian's PAM */
};

static void note_unread(void *data, const char *path unused_, const struct err *e)
{
	struct pam_lines *all = data;

	limit_note_unread(all->origin, e);
}

/* memlock is in KiB there. */
static bool read_value(enum limit_kind kind, const char *word, uint64_t *ret)
{
	if (!strcasecmp(word, "unlimited") || !strcasecmp(word, "infinity") || !strcmp(word, "-1"))
		*ret = PROC_UNLIMITED;
	else if (parse_u64(word, 0, UINT64_MAX / 1024, ret) < 0)
		return false;
	else if (kind == LIMIT_MEMLOCK)
		*ret *= 1024;
	return true;
}

static void read_line(void *data, char *text, const char *file, unsigned number)
{
	struct pam_lines *all = data;
	char domain[WORD_MAX], type[WORD_MAX], item[WORD_MAX], value[WORD_MAX];
	const char *rest = text;
	bool exempts;
	uint64_t n = 0;

	text[strcspn(text, "#\r")] = '\0';
	if (!(rest = parse_word(rest, domain, sizeof(domain))) ||
	    !(rest = parse_word(rest, type, sizeof(type))))
		return;
	rest = parse_word(rest, item, sizeof(item));
	exempts = !rest && strcmp(type, "-") == 0;
	if (!exempts &&
	    (!rest || strcasecmp(item, limit_item(all->kind)) != 0 ||
	     !parse_word(rest, value, sizeof(value)) || !read_value(all->kind, value, &n)))
		return;

	struct pam_line *l = array_push((void **)&all->item, &all->len, &all->cap, sizeof(*l));
	struct arena *a = &all->origin->arena;

	*l = (struct pam_line){
		arena_strdup(a, domain), arena_strdup(a, type), exempts, n, file, number};
}

/* "name:x:1000:1000:…": field `at` (0 the first) of a line of passwd or group. */
static bool field_of(const char *line, unsigned at, char *ret, size_t size)
{
	for (; at; at--) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return false;
	}

	size_t len = strcspn(line, ":\n");

	if (len >= size)
		return false;
	memcpy(ret, line, len);
	ret[len] = '\0';
	return true;
}

/* The name and group of the user; -ENOENT: /etc/passwd does not have it. */
static int find_user(const struct host *h, struct pam_user *u, struct err *e)
{
	cleanup_free char *text = NULL;
	char uid[24], gid[24];
	uint64_t n;
	long r = file_read_all(h, "/etc/passwd", NAMES_MAX, &text, e);

	if (r < 0)
		return (int)r;
	for (const char *line = text, *end; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (field_of(line, 2, uid, sizeof(uid)) && parse_u64(uid, 0, UINT32_MAX, &n) == 0 &&
		    n == u->uid && field_of(line, 3, gid, sizeof(gid)) &&
		    parse_u64(gid, 0, UINT32_MAX, &u->gid) == 0 &&
		    field_of(line, 0, u->name, sizeof(u->name)))
			return 0;
	}
	return err_set(e, ENOENT, "user %" PRIu64 " is not in /etc/passwd", u->uid);
}

static bool lists_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = members; *s; s += strcspn(s, ",") + (s[strcspn(s, ",")] == ','))
		if (strcspn(s, ",") == len && strncmp(s, name, len) == 0)
			return true;
	return false;
}

/* By name, or (name NULL) by number; the primary group counts like any other. */
static bool in_group(const struct pam_user *u, const char *name, uint64_t gid)
{
	char its_name[WORD_MAX], number[24], members[4096];
	uint64_t n;

	for (const char *line = u->groups, *end; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (!field_of(line, 0, its_name, sizeof(its_name)) ||
		    !field_of(line, 2, number, sizeof(number)) ||
		    parse_u64(number, 0, UINT32_MAX, &n) < 0 ||
		    (name ? strcmp(name, its_name) != 0 : n != gid))
			continue;
		if (n == u->gid ||
		    (field_of(line, 3, members, sizeof(members)) && lists_member(members, u->name)))
			return true;
	}
	return false;
}

/*
 * "1000:2000", "1000:", ":1000" (this very number) instead of a name. 0: it is no range, 1: the
 * number lies in it or may be (*only set) the one meant, -1: it does not.
 */
static int in_range(const char *domain, uint64_t id, bool *only, uint64_t *ret_only)
{
	uint64_t low = 0, high = UINT32_MAX;
	char first[24];
	size_t colon = strcspn(domain, ":");

	*only = colon == 0;
	if (!domain[colon] || colon >= sizeof(first))
		return 0;
	memcpy(first, domain, colon);
	first[colon] = '\0';
	if ((colon && parse_u64(first, 0, UINT32_MAX, &low) < 0) ||
	    (domain[colon + 1] && parse_u64(domain + colon + 1, 0, UINT32_MAX, &high) < 0))
		return 0;
	*ret_only = high;
	return *only ? (id == high ? 1 : -1) : (id >= low && id <= high ? 1 : -1);
}

/* How narrow a domain is that the user is in: 1 a user, 2 a group, 3 everybody; 0: not in it. */
static int rank(const struct pam_user *u, const char *domain)
{
	bool only, group = domain[0] == '@';
	bool spared = u->uid == 0 && u->root_is_spared;
	uint64_t one;

	if (strcmp(domain, u->name) == 0)
		return 1;
	if (group && spared)
		return 0;

	int r = in_range(domain + group, group ? u->gid : u->uid, &only, &one);

	if (group && r && only)
		return in_group(u, NULL, one) ? 2 : 0;
	if (r)
		return r < 0 ? 0 : group ? 2 : 1;
	if (group)
		return in_group(u, domain + 1, 0) ? 2 : 0;
	return strcmp(domain, "*") == 0 && !spared ? 3 : 0;
}

static void apply(const struct pam_lines *all, const struct pam_user *u)
{
	struct limit_setting soft = {0}, hard = {0};
	int soft_rank = 4, hard_rank = 4;

	for (size_t i = 0; i < all->len; i++) {
		const struct pam_line *l = &all->item[i];
		const struct limit_setting s = {true, l->value, l->file, l->line};
		int r = rank(u, l->domain);
		bool both = strcmp(l->type, "-") == 0;

		if (r == 0 || (l->exempts && r == 3))
			continue;
		if (l->exempts) /* nothing is set at all, not even by the lines above it */
			return;
		/* A soft limit that a narrower line set keeps both as they are. */
		if (both || strcasecmp(l->type, "soft") == 0) {
			if (soft_rank < r)
				continue;
			soft = s;
			soft_rank = r;
		}
		if ((both || strcasecmp(l->type, "hard") == 0) && hard_rank >= r) {
			hard = s;
			hard_rank = r;
		}
	}
	/* setup_limits(): the soft one is cut to the hard one. */
	if (soft.set && hard.set && soft.value > hard.value)
		soft.value = hard.value;
	all->origin->soft = soft;
	all->origin->hard = hard;
}

struct pam_use {
	bool found;
	struct limit_origin *origin;
};

static void look_for_module(void *data, char *text, const char *file unused_,
			    unsigned number unused_)
{
	struct pam_use *use = data;

	text[strcspn(text, "#")] = '\0';
	if (strstr(text, "pam_limits.so"))
		use->found = true;
}

static void use_unread(void *data, const char *path unused_, const struct err *e unused_)
{
	/* What cannot be read may well load it. */
	struct pam_use *use = data;

	use->found = true;
}

/* Does a login that is usual load pam_limits? Files by name; on hosts of other names it is taken
 * to. */
static bool pam_applies(const struct host *h, struct limit_origin *o)
{
	static const char *const names[] = {
		"login",
		"sshd",
		"su",
		"su-l",
		"sudo",
		"cron",
		"common-session",
		"crond",
		"system-auth",
		"system-login",
		"password-auth",
		"system-remote-login",
		"common-session-noninteractive",
	};
	struct pam_use use = {.origin = o};
	const struct conf_reader r = {h, &o->arena, look_for_module, use_unread, &use};
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && !use.found; i++) {
		struct err e;
		char path[64];

		snprintf(path, sizeof(path), "/etc/pam.d/%s", names[i]);

		int result = conf_read(&r, path, NULL, &e);

		seen += result != -ENOENT;
		use.found |= result < 0 && result != -ENOENT;
	}
	return use.found || !seen;
}

static void pam_lines_done(struct pam_lines *l)
{
	free(l->item);
}

void limit_read_pam(const struct host *h, pid_t pid, enum limit_kind kind, struct limit_origin *ret)
{
	cleanup_with(pam_lines_done) struct pam_lines all = {.kind = kind, .origin = ret};
	const struct conf_reader r = {h, &ret->arena, read_line, note_unread, &all};
	cleanup_with(conf_files_done) struct conf_files files = {0};
	struct proc_user who;
	struct err e;
	int result = conf_read(&r, "/etc/security/limits.conf", NULL, &e);

	if (result < 0 && result != -ENOENT)
		limit_note_unread(ret, &e);
	conf_list(&r, "/etc/security/limits.d", &files);
	conf_sort(&files);
	conf_read_all(&r, &files);
	if (!all.len || ret->doubt)
		return;
	if (proc_user(h, pid, &who, &e) < 0) {
		ret->doubt = "whose process it was is not known";
		return;
	}

	struct pam_user user = {.uid = who.uid,
				.root_is_spared = file_exists(h, "/etc/debian_version")};
	cleanup_free char *groups = NULL;

	if (find_user(h, &user, &e) < 0) {
		limit_note_unread(ret, &e);
		return;
	}
	if (file_read_all(h, "/etc/group", NAMES_MAX, &groups, &e) >= 0)
		user.groups = groups;
	apply(&all, &user);
	if ((ret->soft.set || ret->hard.set) && !pam_applies(h, ret))
		ret->note = "no login here loads pam_limits, so nobody applies it";
}

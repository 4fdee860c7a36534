/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/limit_key.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"
#include "sys/proc_find.h"

#define SERVICE ".service"

static const struct {
	const char *prefix;
	enum limit_subject subject;
} subjects[] = {
	{"unit:", LIMIT_OF_UNIT},
	{"process:", LIMIT_OF_PROCESS},
	{"pid:", LIMIT_OF_PID},
};

/* As systemd allows them (systemd.unit(5)); no '/' and no leading dot, since it names a folder. */
static bool unit_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	size_t len = strlen(name), suffix = strlen(SERVICE);

	return len > suffix && strcmp(name + len - suffix, SERVICE) == 0 && name[0] != '.' &&
	       strspn(name, letters) == len;
}

static bool name_valid(const struct limit_key *k)
{
	uint64_t pid;

	switch (k->subject) {
	case LIMIT_OF_UNIT:
		return unit_name_valid(k->name);
	case LIMIT_OF_PROCESS:
		return k->name[0] != '\0' && strcmp(k->name, ".") != 0 &&
		       strcmp(k->name, "..") != 0;
	case LIMIT_OF_PID:
		return parse_u64(k->name, 1, INT_MAX, &pid) == 0;
	case LIMIT_OF_COMMAND:
		break;
	}
	return k->name[0] == '\0';
}

int limit_key_parse(const char *text, struct limit_key *ret)
{
	const char *slash = strrchr(text, '/');
	struct limit_key k = {.limit = rlimit_key_find(slash ? slash + 1 : text)};
	uint64_t pid = 0;

	for (size_t i = 0; slash && i < ARRAY_LEN(subjects); i++) {
		size_t len = strlen(subjects[i].prefix);

		if (strncmp(text, subjects[i].prefix, len) != 0)
			continue;
		if ((size_t)(slash - text) - len >= sizeof(k.name))
			return -EINVAL;
		memcpy(k.name, text + len, (size_t)(slash - text) - len);
		k.subject = subjects[i].subject;
	}
	if (!k.limit || (slash && k.subject == LIMIT_OF_COMMAND) || strchr(k.name, '/') ||
	    !name_valid(&k))
		return -EINVAL;
	if (k.subject == LIMIT_OF_PID && parse_u64(k.name, 1, INT_MAX, &pid) == 0)
		k.pid = (pid_t)pid;
	*ret = k;
	return 0;
}

int limit_key_pids(const struct host *h, const struct limit_key *k, pid_t **ret, size_t *ret_len,
		   struct err *e)
{
	*ret = NULL;
	*ret_len = 0;
	if (k->subject == LIMIT_OF_UNIT)
		return proc_list_unit(h, k->name, ret, ret_len, e);
	if (k->subject == LIMIT_OF_PROCESS)
		return proc_list_name(h, k->name, ret, ret_len, e);
	return 0;
}

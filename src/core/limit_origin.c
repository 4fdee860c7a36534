/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/limit_origin.h"

#include <fnmatch.h>
#include <string.h>

#include "base/attr.h"
#include "core/limit_sources.h"
#include "sys/file.h"
#include "sys/proc_find.h"

static const struct {
	const char *item, *directive, *row;
} kinds[] = {
	[LIMIT_NOFILE] = {"nofile", "LimitNOFILE", "Max open files"},
	[LIMIT_NPROC] = {"nproc", "LimitNPROC", "Max processes"},
	[LIMIT_MEMLOCK] = {"memlock", "LimitMEMLOCK", "Max locked memory"},
};

const char *limit_item(enum limit_kind k)
{
	return kinds[k].item;
}

const char *limit_directive(enum limit_kind k)
{
	return kinds[k].directive;
}

const char *limit_row(enum limit_kind k)
{
	return kinds[k].row;
}

/* Which part of a control group's path says who started the process; the first row that fits. */
static const struct {
	const char *pattern;
	enum limit_giver giver;
} givers[] = {
	{"session-*.scope", GIVER_LOGIN},
	{"docker-*.scope", GIVER_CONTAINER},
	{"cri-containerd-*.scope", GIVER_CONTAINER},
	{"crio-*.scope", GIVER_CONTAINER},
	{"libpod-*.scope", GIVER_CONTAINER},
	{"docker", GIVER_CONTAINER},
	{"lxc", GIVER_CONTAINER},
	{"lxc.payload*", GIVER_CONTAINER},
	{"kubepods*", GIVER_CONTAINER},
	{"user@*.service", GIVER_USER_UNIT},
	/* Their sessions are logins, and stay in their group where pam_systemd is not used. */
	{"sshd.service", GIVER_LOGIN},
	{"ssh.service", GIVER_LOGIN},
	{"ssh@*.service", GIVER_LOGIN},
	{"sshd@*.service", GIVER_LOGIN},
	{"cron.service", GIVER_LOGIN},
	{"crond.service", GIVER_LOGIN},
	{"*getty@*.service", GIVER_LOGIN},
	{"*.service", GIVER_UNIT},
};

/* False: nothing in the path tells. */
static bool by_path(char *path, struct limit_origin *o)
{
	char *save;

	for (char *part = strtok_r(path, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		for (size_t i = 0; i < ARRAY_LEN(givers); i++) {
			if (fnmatch(givers[i].pattern, part, 0) != 0)
				continue;
			o->giver = givers[i].giver;
			if (o->giver == GIVER_UNIT)
				o->name = arena_strdup(&o->arena, part);
			return true;
		}
	}
	return false;
}

static void find_giver(const struct host *h, pid_t pid, struct limit_origin *o)
{
	char group[PROC_GROUP_MAX];

	o->name = "";
	proc_group(h, pid, group);
	if (by_path(group, o))
		return;
	/* In a control group namespace of its own a container's group is "/". */
	o->giver = file_exists(h, "/.dockerenv") || file_exists(h, "/run/.containerenv")
			   ? GIVER_CONTAINER
			   : GIVER_LOGIN;
}

void limit_note_unread(struct limit_origin *o, const struct err *e)
{
	if (!o->doubt)
		o->doubt = arena_strdup(&o->arena, e->msg);
}

void limit_set(struct limit_origin *o, uint64_t soft, uint64_t hard, const char *file,
	       unsigned line)
{
	o->soft = (struct limit_setting){true, soft, file, line};
	o->hard = (struct limit_setting){true, hard, file, line};
}

/* No process may have more descriptors than that, so "unlimited" means it (do_prlimit(): EPERM). */
static void cap_nofile(const struct host *h, struct limit_origin *o)
{
	struct limit_setting *both[] = {&o->soft, &o->hard};
	struct err ignored;
	uint64_t max;

	if (file_read_u64(h, "/proc/sys/fs/nr_open", &max, &ignored) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (both[i]->set && both[i]->value == PROC_UNLIMITED)
			both[i]->value = max;
}

void limit_origin_read(const struct host *h, pid_t pid, enum limit_kind kind,
		       struct limit_origin *ret)
{
	*ret = (struct limit_origin){0};
	find_giver(h, pid, ret);
	switch (ret->giver) {
	case GIVER_LOGIN:
		limit_read_pam(h, pid, kind, ret);
		break;
	case GIVER_UNIT:
		limit_read_unit(h, kind, ret);
		break;
	case GIVER_USER_UNIT:
		ret->doubt = "it belongs to a user's own service manager, whose units are not "
			     "looked up";
		break;
	case GIVER_CONTAINER:
		ret->doubt = "its container's runtime has set it, which keeps no file of it here";
		break;
	}
	if (kind == LIMIT_NOFILE)
		cap_nofile(h, ret);
}

bool limit_below_configured(const struct limit_origin *o, const struct proc_limit *now)
{
	return (o->soft.set && now->soft < o->soft.value) ||
	       (o->hard.set && now->hard < o->hard.value);
}

void limit_origin_done(struct limit_origin *o)
{
	arena_done(&o->arena);
	*o = (struct limit_origin){0};
}

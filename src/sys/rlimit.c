/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/rlimit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "sys/file.h"

static const struct rlimit_key keys[] = {
	{"nofile", "Max open files", "LimitNOFILE", "open files", RLIMIT_NOFILE},
	{"nproc", "Max processes", "LimitNPROC", "processes", RLIMIT_NPROC},
	{"memlock", "Max locked memory", "LimitMEMLOCK", "locked memory", RLIMIT_MEMLOCK},
};

const struct rlimit_key *rlimit_key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const struct rlimit_key *rlimit_key_at(size_t i)
{
	return i < ARRAY_LEN(keys) ? &keys[i] : NULL;
}

/* prlimit(2)'s numbers are 64 bits wide on every machine, and RLIM_INFINITY is PROC_UNLIMITED. */
static int prlimit64_(pid_t pid, const struct rlimit_key *k, const struct rlimit64 *set,
		      struct rlimit64 *ret)
{
	return prlimit64(pid, k->resource, set, ret) < 0 ? -errno : 0;
}

int rlimit_raise(const struct rlimit_key *k, uint64_t want, struct err *e)
{
	struct rlimit64 now;
	int r = prlimit64_(0, k, NULL, &now);

	if (r < 0)
		return err_errno(e, -r, "read the limit of %s", k->what);
	if (now.rlim_cur >= want)
		return 0;

	struct rlimit64 raised = {want, now.rlim_max < want ? want : now.rlim_max};

	r = prlimit64_(0, k, &raised, NULL);
	if (r == 0)
		return 0;
	if (r != -EPERM)
		return err_errno(e, -r, "raise the limit of %s to '%" PRIu64 "'", k->what, want);
	/* do_prlimit() (kernel/sys.c) says EPERM for fs.nr_open too. */
	return err_set(e, EPERM,
		       "raise the limit of %s to '%" PRIu64 "': the hard limit is %" PRIu64
		       ", and raising it needs root with CAP_SYS_RESOURCE%s (raise it in "
		       "limits.conf, by %s= or by --ulimit of the container)",
		       k->what, want, (uint64_t)now.rlim_max,
		       k->resource == RLIMIT_NOFILE ? " and an fs.nr_open that is no lower" : "",
		       k->unit_name);
}

/* Which of the reasons for EPERM it was. */
static int not_permitted(const struct host *h, pid_t pid, const struct rlimit_key *k,
			 const struct proc_limit *l, struct err *e)
{
	struct rlimit64 now;
	uint64_t nr_open;
	struct err ignored;

	if (k->resource == RLIMIT_NOFILE &&
	    file_read_u64(h, "/proc/sys/fs/nr_open", &nr_open, &ignored) == 0 && l->hard > nr_open)
		return err_set(e, EPERM,
			       "set the limit of open files of process '%d' to %" PRIu64
			       ": fs.nr_open is %" PRIu64 " and caps it (raise that first)",
			       (int)pid, l->hard, nr_open);
	if (prlimit64_(pid, k, NULL, &now) == 0 && l->hard > now.rlim_max)
		return err_set(e, EPERM,
			       "set the limit of %s of process '%d' to %" PRIu64
			       ": its hard limit is %" PRIu64
			       ", and raising that takes CAP_SYS_RESOURCE, which runup does not "
			       "have here",
			       k->what, (int)pid, l->soft, (uint64_t)now.rlim_max);
	return err_set(e, EPERM,
		       "set the limit of %s of process '%d': it belongs to another user, which "
		       "takes CAP_SYS_RESOURCE",
		       k->what, (int)pid);
}

int rlimit_set(const struct host *h, pid_t pid, const struct rlimit_key *k,
	       const struct proc_limit *l, struct err *e)
{
	struct rlimit64 set = {l->soft, l->hard};
	int r = prlimit64_(pid, k, &set, NULL);

	if (r == -EPERM)
		return not_permitted(h, pid, k, l, e);
	if (r < 0)
		return err_errno(e, -r, "set the limit of %s of process '%d'", k->what, (int)pid);
	return 0;
}

int rlimit_settable(pid_t pid, const struct rlimit_key *k, struct err *e)
{
	struct rlimit64 now;
	/* Reading takes the same right as setting (check_prlimit_permission(), kernel/sys.c). */
	int r = prlimit64_(pid, k, NULL, &now);

	if (r == -EPERM)
		return err_set(e, EPERM,
			       "set the limit of %s of process '%d': it belongs to another user, "
			       "which takes CAP_SYS_RESOURCE",
			       k->what, (int)pid);
	if (r < 0)
		return err_errno(e, -r, "set the limit of %s of process '%d'", k->what, (int)pid);
	return 0;
}

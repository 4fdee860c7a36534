/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the profile wants and no other check owns; what files want and is not in force. */
#include <errno.h>
#include <string.h>

#include "core/capacity.h"
#include "core/capacity_facts.h"
#include "core/check.h"
#include "core/check_limit.h"
#include "core/sysctl_key.h"
#include "sys/file.h"

static int run_profile(const struct check_input *in, struct findings *out, struct err *e)
{
	(void)e;
	check_profile_sysctls(in, "config.profile", out);
	check_profile_settings(in, "config.profile", out);
	return 0;
}

const struct check check_config_profile = {
	.id = "config.profile",
	.title = "the profile's other settings",
	.why = "A profile may want settings that no check has a sum for. They are compared with "
	       "what is in force, field by field as numbers and sets, as the kernel reads them. A "
	       "setting that is missing or cannot be read is never a pass, and one that belongs "
	       "to the host is told apart from a namespace's own.",
	.run = run_profile,
};

/* How many settings of the files are as they say. */
struct tally {
	size_t in_force, unread;
};

/* The kernel rounds a number of buckets up (nf_conntrack_hash_resize()). */
static bool is_in_force(const struct sysctl_key *row, const char *now, const char *wanted)
{
	if (strcmp(row->key, "net.netfilter.nf_conntrack_buckets") == 0)
		return value_satisfies(row->kind, OP_AT_LEAST, now, wanted);
	return value_equal(row->kind, now, wanted);
}

/*
 * systemd-sysctl runs at boot, so where systemd runs a difference means that somebody wrote the
 * value since, or that setting it failed. Elsewhere (a container, another init) nobody may ever
 * have read the files, and only what the profile asks about is worth a warning.
 */
static enum finding_status severity(const struct check_input *in, const char *key)
{
	bool wanted = in->profile && profile_want(in->profile, "sysctl", key);

	return wanted || file_exists(in->host, "/run/systemd/system") ? FINDING_WARN : FINDING_NA;
}

static void judge_line(const struct check_input *in, const struct sysctl_line *l, struct tally *t,
		       struct findings *out)
{
	const struct sysctl_key *row = sysctl_key_find(l->key);
	char now[SYSCTL_VALUE_MAX];
	struct err ignored;
	int r = row ? sysctl_read(in->host, l->key, now, &ignored) : 0;

	if (!row || (r == -ENOENT && (l->optional || !row->module)))
		return; /* no business of runup's, or a key of another kernel */
	if (r < 0 && r != -ENOENT) {
		t->unread++;
		return;
	}
	if (r == 0 && is_in_force(row, now, l->value)) {
		t->in_force++;
		return;
	}

	struct finding *f = finding_add(out, "config.elsewhere", severity(in, l->key), l->key);

	f->observed = r < 0 ? "not there: no module has brought it" : finding_value(out, now);
	f->required = finding_text(out, "%s (%s:%u)", l->value, l->file, l->line);
	if (f->status == FINDING_NA) {
		/* What is not applicable is told in one line. */
		f->observed = finding_text(out, "%s; %s:%u sets %s, but nothing reads it at boot",
					   f->observed, l->file, l->line, l->value);
		return;
	}
	f->why = r < 0 ? "files are read at boot; a module that comes later starts with the "
			 "kernel's own value"
		       : "somebody wrote another value since boot, or setting this one failed: a "
			 "reboot or `sysctl --system` may change what a test was sized for";
	f->fix = finding_text(out, "correct the file, or sysctl -w %s='%s'", l->key, l->value);
}

/*
 * The limits of the process that the load is about, or of this shell. Looking for the server by its
 * port takes a while, and its limits matter only to a load that says what it needs.
 */
static void judge_limits(const struct check_input *in, struct findings *out)
{
	const struct load *l = in->load;
	bool serves = l->role == ROLE_SERVER || l->role == ROLE_PROXY;
	pid_t pid = load_states(l, LOAD_PID) ? l->pid : 0;

	if (!pid && serves && demand_descriptors(l).known) {
		pid = load_states(l, LOAD_PORT) ? facts_find_server(in->host, l, NULL) : 0;
		if (!pid)
			return; /* limits.nofile says that it was not found */
	}
	check_limits_in_force(in, "config.elsewhere", pid, out);
}

static void judge_sysctls(const struct check_input *in, struct findings *out)
{
	const struct sysctl_config *c = in->configured;
	struct tally t = {0};

	if (!c || !in->host->init_netns || (!c->len && !c->unreads)) {
		finding_add(out, "config.elsewhere", FINDING_NA, NULL)->observed =
			c && !in->host->init_netns
				? "files set the host's values, not a namespace's"
				: "no file sets a sysctl here";
		return;
	}
	for (size_t i = 0; i < c->unreads; i++)
		finding_add(out, "config.elsewhere", FINDING_UNKNOWN, c->unread[i].file)->observed =
			c->unread[i].reason;
	/* A glob names no key; what it sets is found from the key (sysctl_config_find()). */
	for (size_t i = 0; i < c->len; i++)
		if (sysctl_config_find(c, c->item[i].key) == &c->item[i] && !c->item[i].is_glob)
			judge_line(in, &c->item[i], &t, out);
	if (t.in_force || t.unread)
		finding_add(out, "config.elsewhere", t.in_force ? FINDING_PASS : FINDING_UNKNOWN,
			    "sysctl.d")
			->observed =
			finding_text(out, "%zu setting%s in force%s", t.in_force,
				     t.in_force == 1 ? "" : "s",
				     t.unread ? finding_text(out, ", %zu cannot be read", t.unread)
					      : "");
}

static int run_elsewhere(const struct check_input *in, struct findings *out, struct err *e)
{
	(void)e;
	judge_sysctls(in, out);
	judge_limits(in, out);
	return 0;
}

const struct check check_config_elsewhere = {
	.id = "config.elsewhere",
	.title = "what configuration files set is in force",
	.why = "Files in sysctl.d and /etc/sysctl.conf are read at boot, in an order of their "
	       "own, and limits of a unit or a login when it starts; nobody looks again. A value "
	       "that was written since, a key whose module came later, a line that failed, or a "
	       "limit changed under a process that runs is not in force although it is "
	       "configured. A reboot or a restart then changes the host under a test. Files are "
	       "read as systemd-sysctl, systemd and PAM read them.",
	.run = run_elsewhere,
};

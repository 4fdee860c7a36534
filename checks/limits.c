/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of processes and of the host: descriptors. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "core/capacity_rows.h"
#include "core/check_limit.h"
#include "sys/caps.h"
#include "sys/proc.h"
#include "sys/sysctl.h"

#define FILES_WARN_PERCENT 70
#define FILES_FAIL_PERCENT 90

static const char *const predicts[] = {"fd.exhausted", NULL};

/* Whose limit counts, and how it was found. */
struct whose {
	pid_t pid; /* 0: this process, so the shell's and what is started from it */
	const char *subject;
	bool running; /* already started: its soft limit is what it has */
};

/* What looking into other users' processes takes (ptrace_may_access, kernel/ptrace.c). */
static const char *missing_capabilities(struct findings *out)
{
	bool ptrace = caps_effective(CAP_SYS_PTRACE), search = caps_effective(CAP_DAC_READ_SEARCH);

	if (ptrace && search)
		return "the host refuses it even so";
	return finding_text(out, "it takes %s%s%s", ptrace ? "" : caps_name(CAP_SYS_PTRACE),
			    ptrace || search ? "" : " and ",
			    search ? "" : caps_name(CAP_DAC_READ_SEARCH));
}

static void unknown_server(const struct check_input *in, const struct demand *d,
			   unsigned unreadable, struct findings *out)
{
	struct finding *f = finding_add(out, "limits.nofile", FINDING_UNKNOWN, "the server");

	f->needed = load_states(in->load, LOAD_PORT);
	f->required = finding_text(out, "%" PRIu64 " descriptors", d->value);
	f->arithmetic = finding_text(out, "%s", d->arithmetic);
	if (!load_states(in->load, LOAD_PORT)) {
		f->observed = "which process is the server was not stated";
		f->fix = "state --port, --pid, --process or --unit";
	} else if (unreadable) {
		f->observed =
			finding_text(out, "%u processes of other users may not be looked into",
				     unreadable);
		f->fix = finding_text(out, "use sudo (%s), or state --pid of a process of your own",
				      missing_capabilities(out));
	} else {
		f->observed = "no process was found that listens on the port";
		f->fix = "start the server, or state --pid";
	}
}

/* False when it cannot be told; the finding is then made. */
static bool find_process(const struct check_input *in, const struct demand *d, struct whose *ret,
			 struct findings *out)
{
	unsigned unreadable = 0;

	*ret = (struct whose){.subject = "this shell"};
	if (load_states(in->load, LOAD_PID))
		ret->pid = in->load->pid;
	else if (in->load->role != ROLE_SERVER && in->load->role != ROLE_PROXY)
		return true;
	else if (load_states(in->load, LOAD_PORT))
		ret->pid = facts_find_server(in->host, in->load, &unreadable);
	if (!ret->pid) {
		unknown_server(in, d, unreadable, out);
		return false;
	}

	char comm[PROC_COMM_MAX];

	proc_comm(in->host, ret->pid, comm);
	ret->subject = finding_text(out, "process %d (%s)", (int)ret->pid, comm);
	ret->running = true;
	return true;
}

/* A container has a limit of its own, which only its options tell before it runs. */
static void judge_container(const struct generator *g, const struct demand *d, struct findings *out)
{
	struct finding *f = finding_add(out, "limits.nofile", FINDING_PASS, "the container");

	f->needed = true;
	f->required = finding_text(out, "%" PRIu64 " descriptors", d->value);
	f->arithmetic = finding_text(out, "%s", d->arithmetic);
	f->observed = g->container_nofile
			      ? finding_text(out, "%" PRIu64, g->container_nofile)
			      : "not said; recent container runtimes give 1024, older ones 1048576";
	if (g->container_nofile >= d->value)
		return;
	f->status = g->container_nofile ? FINDING_FAIL : FINDING_UNKNOWN;
	f->fix = finding_text(out, "run it with --ulimit nofile=%" PRIu64, d->value);
}

/* The model's row for that process with those limits. */
static struct row row_of(const struct check_input *in, const struct whose *who,
			 const struct proc_limit *limit)
{
	struct facts facts = {.process = {.is = {.known = KNOWN},
					  .pid = who->pid,
					  .soft = limit->soft,
					  .hard = limit->hard}};
	struct err ignored;

	if (who->pid && proc_open_files(in->host, who->pid, &facts.process.open, &ignored) < 0)
		facts.process.open = 0;
	return row_for(RESOURCE_descriptors, &facts, in->load);
}

static void judge(const struct whose *who, const struct proc_limit *limit, const struct row *row,
		  bool starter_known, struct finding *f, struct findings *out)
{
	uint64_t need = row->demand;

	f->required = finding_text(out, "%" PRIu64 " descriptors", need);
	f->arithmetic = finding_text(out, "%s", row->arithmetic);
	if (row->state != ROW_BREAKS)
		return;
	f->status = FINDING_FAIL;
	f->why =
		"without a free descriptor accept() and socket() fail with EMFILE, which no kernel "
		"counter tells and which wrk, for one, hides";
	if (who->running) {
		f->fix =
			finding_text(out, "now: prlimit --pid %d --nofile=%" PRIu64 ":%s",
				     (int)who->pid, need,
				     limit->hard < need ? finding_text(out, "%" PRIu64, need) : "");
	} else if (limit->hard >= need) {
		/* What will be started is not known: it may raise the limit itself. */
		f->status = starter_known ? FINDING_FAIL : FINDING_WARN;
		f->fix = finding_text(out,
				      "ulimit -n %" PRIu64 " in this shell, or `runup run` with a "
				      "profile that has [rlimit] nofile",
				      need);
	}
	/* Above the hard limit only where it is configured helps, which check_limit_origin() says.
	 */
}

static int run_nofile(const struct check_input *in, struct findings *out, struct err *e)
{
	struct demand d = demand_descriptors(in->load);
	struct proc_limit limit;
	struct whose who;

	check_profile_sysctls(in, "limits.nofile", out);
	check_profile_limits(in, "limits.nofile", "nofile", out);
	if (d.known && in->load->generator.container && !load_states(in->load, LOAD_PID)) {
		judge_container(&in->load->generator, &d, out);
		return 0;
	}
	/* Who is the server matters only when a load says what it needs. */
	if (!d.known && !load_states(in->load, LOAD_PID))
		who = (struct whose){.subject = "this shell"};
	else if (!find_process(in, &d, &who, out))
		return 0;

	int r = proc_limit(in->host, who.pid, limit_row(LIMIT_NOFILE), &limit, e);

	if (r < 0 && r != -EACCES && r != -EPERM && r != -ENOENT && r != -ESRCH)
		return r;

	struct finding *f = finding_add(out, "limits.nofile", FINDING_PASS, who.subject);

	f->needed = d.known || load_states(in->load, LOAD_PID);
	if (d.known) {
		f->required = finding_text(out, "%" PRIu64 " descriptors", d.value);
		f->arithmetic = finding_text(out, "%s", d.arithmetic);
	}
	if (r < 0) {
		f->status = FINDING_UNKNOWN;
		f->observed = finding_text(out, "%s", e->msg);
		f->fix = r == -EACCES || r == -EPERM ? "use sudo to read another user's process"
						     : "state the --pid of a process that runs";
		return 0;
	}
	f->observed = finding_text(out, "%s soft, %s hard", check_limit_text(limit.soft, out),
				   check_limit_text(limit.hard, out));

	struct limit_seen seen = {.pid = who.pid, .kind = LIMIT_NOFILE, .now = limit};

	if (d.known) {
		struct row row = row_of(in, &who, &limit);

		seen.need = row.demand;
		judge(&who, &limit, &row, in->load->generator.name != NULL, f, out);
	}
	check_limit_origin(in, &seen, f, out);
	return 0;
}

static int run_system_files(const struct check_input *in, struct findings *out, struct err *e)
{
	char text[SYSCTL_VALUE_MAX], a[UNITS_MAX], b[UNITS_MAX];
	uint64_t used, max;
	unsigned long long allocated, unused, limit;

	check_profile_sysctls(in, "limits.system_files", out);
	int r = sysctl_read(in->host, "fs.file-nr", text, e);
	if (r < 0)
		return r;
	if (sscanf(text, "%llu %llu %llu", &allocated, &unused, &limit) != 3)
		return err_set(e, EPROTO, "read fs.file-nr: '%s' is not three numbers", text);
	used = allocated - unused;
	max = limit;

	struct finding *f = finding_add(out, "limits.system_files", FINDING_PASS, "fs.file-max");
	struct demand d = demand_descriptors(in->load);
	uint64_t after = used + (d.known ? d.value : 0);
	/* file-max is LONG_MAX on most hosts: in floating point the percentage cannot overflow. */
	double percent = max ? (double)after * 100.0 / (double)max : 100.0;

	f->needed = d.known;
	f->observed =
		finding_text(out, "%s of %s files open", units_count(used, a), units_count(max, b));
	if (d.known)
		f->required = finding_text(out, "room for %" PRIu64 " more", d.value);
	if (percent < FILES_WARN_PERCENT)
		return 0;
	f->status = percent < FILES_FAIL_PERCENT ? FINDING_WARN : FINDING_FAIL;
	f->why = "at the limit every open(), socket() and accept() on the host fails with ENFILE";
	f->fix = "raise fs.file-max on the host";
	return 0;
}

const struct check check_limits_nofile = {
	.id = "limits.nofile",
	.title = "descriptors for every connection",
	.why = "Each connection is a descriptor of the process that holds it, and RLIMIT_NOFILE "
	       "limits them per process. What counts is the limit of the running process; what a "
	       "file says counts from its next start on, for a service the unit's LimitNOFILE=, "
	       "for a login limits.conf, for a container its --ulimit, and each ignores the "
	       "others. Go, Node and the JVM raise their soft limit to the hard one when they "
	       "start; wrk, h2load, ab and most servers keep the soft limit.",
	.predicts = predicts,
	.run = run_nofile,
};

const struct check check_limits_system_files = {
	.id = "limits.system_files",
	.title = "open files of the whole host",
	.why = "fs.file-max limits the open files of all processes together. At the limit open(), "
	       "socket() and accept() fail with ENFILE for everybody but root, whatever a "
	       "process's own limit is (alloc_empty_file(), fs/file_table.c). Its default is far "
	       "above any need on current kernels, so a host that runs into it has usually had it "
	       "lowered by an old tuning guide.",
	.predicts = predicts,
	.run = run_system_files,
};

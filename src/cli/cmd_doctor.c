/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/version.h"
#include "core/observation.h"
#include "report/json.h"
#include "report/text.h"
#include "sys/bpf.h"
#include "sys/caps.h"
#include "sys/ct.h"
#include "sys/file.h"
#include "sys/nl_sockdiag.h"
#include "sys/procnet.h"
#include "sys/sysctl.h"
#include "tune/journal.h"
#include "watch/watch.h"

struct doctor_opts {
	int output;
};

static const struct opt opts[] = {
	{"output", 'o', OPT_CHOICE, "text|json", "how to print it",
	 offsetof(struct doctor_opts, output)},
};

enum feature_status { WORKS, LIMITED, NO };

struct feature {
	const char *id;
	enum feature_status status;
	const char *detail, *why, *fix; /* NULL: nothing to say */
};

/* Zero-initialise; texts live in the arena. */
struct features {
	struct feature item[24];
	size_t len;
	struct arena arena;
};

static struct feature *add(struct features *fs, const char *id, enum feature_status status)
{
	struct feature *f = &fs->item[fs->len++];

	*f = (struct feature){.id = id, .status = status};
	return f;
}

static struct feature *add_failed(struct features *fs, const char *id, const struct err *e,
				  const char *fix)
{
	struct feature *f = add(fs, id, NO);

	f->why = arena_strdup(&fs->arena, e->msg);
	f->fix = fix;
	return f;
}

static void probe_listeners(const struct host *h, struct features *fs)
{
	cleanup_free struct listener *l = NULL;
	struct err e;
	size_t len;

	if (sockdiag_listeners(h, &l, &len, &e) < 0) {
		add_failed(fs, "listeners", &e, "the kernel needs inet_diag (CONFIG_INET_DIAG)");
		return;
	}
	add(fs, "listeners", WORKS)->detail =
		arena_printf(&fs->arena, "inet_diag: %zu listening", len);
}

static void probe_conntrack(const struct host *h, struct features *fs)
{
	struct ct_stats s;
	struct err e;

	if (ct_read_stats(h, &s, &e) < 0) {
		add_failed(fs, "conntrack", &e, NULL);
		return;
	}
	if (!s.present) {
		add(fs, "conntrack", WORKS)->detail = "not loaded, so nothing is tracked";
		return;
	}

	bool netlink = strcmp(s.source, "ctnetlink") == 0;
	struct feature *f = add(fs, "conntrack", netlink ? WORKS : LIMITED);

	f->detail = arena_printf(&fs->arena, "%s, %u CPUs", s.source, s.cpus);
	if (!netlink && !h->captured) {
		f->why = "ctnetlink needs CAP_NET_ADMIN; what fills the table cannot be told";
		f->fix = "use sudo";
	}
}

static void probe_counters(const struct host *h, struct features *fs)
{
	struct counters c = {0};
	struct err e;

	if (procnet_counters(h, &c, &e) < 0)
		add_failed(fs, "counters", &e, NULL);
	else
		add(fs, "counters", WORKS)->detail =
			arena_printf(&fs->arena, "/proc/net/netstat and snmp: %zu counters", c.len);
	counters_done(&c);
}

static void probe_owners(struct features *fs)
{
	bool all = caps_effective(CAP_SYS_PTRACE) && caps_effective(CAP_DAC_READ_SEARCH);
	struct feature *f = add(fs, "socket_owners", all ? WORKS : LIMITED);

	f->detail = all ? "of all processes" : "of your own processes";
	if (!all) {
		f->why = "other users' descriptors need CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
		f->fix = "use sudo";
	}
}

static void probe_sysctls(const struct host *h, struct features *fs)
{
	struct err e;

	if (sysctl_writable(h, "net.core.somaxconn", &e) == 0)
		add(fs, "sysctl_writes", WORKS)->detail =
			h->init_netns ? "this host" : "this network namespace";
	else
		add_failed(fs, "sysctl_writes", &e, "use sudo");
}

/* Without making the folder: doctor leaves nothing behind. */
static void probe_journal(struct features *fs)
{
	const char *given = getenv("RUNUP_STATE_DIR");
	const char *dir = given && *given ? given : "/var/lib/runup";
	char parent[4096];
	struct feature *f;

	snprintf(parent, sizeof(parent), "%s", dir);
	while (access(parent, F_OK) < 0 && strrchr(parent, '/') && strrchr(parent, '/') != parent)
		*strrchr(parent, '/') = '\0';
	bool writable = access(parent, W_OK) == 0;

	f = add(fs, "journal", writable ? WORKS : NO);
	f->detail = arena_strdup(&fs->arena, dir);
	if (!writable) {
		f->why = arena_printf(&fs->arena, "'%s' cannot be written", parent);
		f->fix = "use sudo, or set RUNUP_STATE_DIR";
	}
}

static void probe_namespaces(struct features *fs)
{
	bool can = caps_effective(CAP_SYS_ADMIN);
	struct feature *f = add(fs, "other_namespaces", can ? WORKS : NO);

	f->detail = "reading and tuning them (--netns)";
	if (!can) {
		f->why = "setns(2) needs CAP_SYS_ADMIN";
		f->fix = "use sudo";
	}
}

static void probe_btf(struct features *fs)
{
	struct kfree_skb_features k;
	struct err e;

	if (bpf_kfree_skb_features(&fs->arena, &k, &e) < 0) {
		add_failed(fs, "drop_reasons", &e,
			   "drop reasons need a kernel with CONFIG_DEBUG_INFO_BTF");
		return;
	}
	struct feature *f = add(fs, "drop_reasons", k.has_reason ? WORKS : LIMITED);

	f->detail = arena_printf(&fs->arena, "%u by name%s", k.reasons.len,
				 k.has_rx_sk ? ", with the receiving socket" : "");
	if (!k.has_reason)
		f->why = "this kernel's kfree_skb tracepoint carries no reason (5.17 and later do)";
}

/* Each way of attaching a program, tried for real. */
static void probe_attach(const struct host *h, struct features *fs)
{
	struct bpf_probe probes[BPF_PROBES];

	bpf_probe_all(h, probes);
	for (size_t i = 0; i < BPF_PROBES; i++) {
		struct feature *f = add(fs, probes[i].name, probes[i].works ? WORKS : NO);

		f->detail = probes[i].used;
		if (probes[i].works)
			continue;
		f->why = arena_strdup(&fs->arena, probes[i].why);
		f->fix = "none needed: runup has another way";
	}
}

/* The real program of `check --observe`, loaded and attached. */
static void probe_watch(const struct host *h, struct features *fs)
{
	struct watch_options o = {.bpf = true};
	struct observation seen = {0};
	struct watch *w = NULL;
	struct err e;

	if (watch_open(h, &o, &seen, &w, &e) < 0) {
		add_failed(fs, "observe", &e, NULL);
		return;
	}
	watch_finish(w);
	watch_close(w);

	struct feature *f = add(fs, "observe", seen.blinds ? LIMITED : WORKS);

	f->detail = "all that check --observe reads, opened for real";
	for (size_t i = 0; i < seen.blinds; i++)
		f->why = arena_printf(&fs->arena, "%s%s%s: %s", f->why ? f->why : "",
				      f->why ? "; " : "", seen.blind[i].source,
				      seen.blind[i].reason);
	observation_done(&seen);
}

static void examine(const struct host *h, struct features *fs)
{
	probe_listeners(h, fs);
	probe_counters(h, fs);
	probe_conntrack(h, fs);
	/* The rest is about what can be done on a live host. */
	if (h->captured)
		return;
	probe_owners(fs);
	probe_sysctls(h, fs);
	probe_journal(fs);
	probe_namespaces(fs);
	probe_btf(fs);
	probe_attach(h, fs);
	probe_watch(h, fs);
}

static const cap_value_t useful_caps[] = {
	CAP_NET_ADMIN,	  CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
	CAP_SYS_RESOURCE, CAP_BPF,	 CAP_PERFMON,
};

static const char *const status_names[] = {[WORKS] = "works", [LIMITED] = "limited", [NO] = "no"};

static void print_json(const struct host *h, const struct features *fs)
{
	json_t *j = json_new_object(), *build = json_new_object();
	json_t *privileges = json_new_array(), *features = json_new_array();

	json_put_bool(build, "bpf", WITH_BPF);
	json_put_text(build, "version", runup_version);
	for (size_t i = 0; i < ARRAY_LEN(useful_caps); i++) {
		json_t *cap = json_new_object();

		json_put_text(cap, "name", caps_name(useful_caps[i]));
		json_put_bool(cap, "effective", caps_effective(useful_caps[i]));
		json_append(privileges, cap);
	}
	for (size_t i = 0; i < fs->len; i++) {
		const struct feature *f = &fs->item[i];
		json_t *one = json_new_object();

		json_put_text(one, "id", f->id);
		json_put_text(one, "status", status_names[f->status]);
		json_put_text(one, "detail", f->detail);
		json_put_text(one, "why", f->why);
		json_put_text(one, "fix", f->fix);
		json_append(features, one);
	}
	json_put_text(j, "schema", "runup/doctor/1");
	json_put(j, "host", host_to_json(h));
	json_put(j, "build", build);
	json_put(j, "privileges", privileges);
	json_put(j, "features", features);
	output_json(j);
}

/* "lacks cap_bpf cap_perfmon", wrapped; nothing if there is none to name. */
static void add_capabilities(const char *word, bool effective, struct strbuf *out)
{
	struct strbuf line = {0};
	size_t found = 0;

	strbuf_add(&line, word);
	for (size_t i = 0; i < ARRAY_LEN(useful_caps); i++) {
		if (caps_effective(useful_caps[i]) != effective)
			continue;
		strbuf_addf(&line, " %s", caps_name(useful_caps[i]));
		found++;
	}
	if (found)
		text_wrapped(strbuf_get(&line), 0, out);
	strbuf_done(&line);
}

static void print_text(const struct app *app, const struct host *h, const struct features *fs)
{
	static const enum text_color colors[] = {
		[WORKS] = TEXT_GREEN, [LIMITED] = TEXT_YELLOW, [NO] = TEXT_RED};
	struct text_style style = output_style(app);
	struct strbuf out = {0};

	strbuf_addf(&out, "Linux %s, runup %s%s\n", *h->release ? h->release : "(version unknown)",
		    runup_version, WITH_BPF ? "" : ", built without BPF");
	add_capabilities("has", true, &out);
	add_capabilities("lacks", false, &out);
	strbuf_add(&out, "\n");
	for (size_t i = 0; i < fs->len; i++) {
		const struct feature *f = &fs->item[i];
		const char *name = status_names[f->status];

		text_colored(name, colors[f->status], &style, &out);
		strbuf_addf(&out, "%*s%-18s%s\n", (int)(9 - strlen(name)), "", f->id,
			    f->detail ? f->detail : "");
		if (f->why)
			text_wrapped(f->why, 27, &out);
		if (f->fix) {
			strbuf_add(&out, "                           fix: ");
			strbuf_addf(&out, "%s\n", f->fix);
		}
	}
	output_text(&out);
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct doctor_opts *o = in->opts;
	struct features fs = {0};
	struct host h;
	int r = host_open(&h, app->root, app->netns, e);

	if (r == 0) {
		examine(&h, &fs);
		if (o->output == OUTPUT_JSON)
			print_json(&h, &fs);
		else
			print_text(app, &h, &fs);
	}
	host_close(&h);
	arena_done(&fs.arena);
	return r < 0 ? r : EXIT_CLEAN;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "what can be seen and done here, and how to make more of it possible",
	.details = "Tries each way of looking and attaching for real; changes nothing.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct doctor_opts),
	.reads_only = true,
	.run = run,
};

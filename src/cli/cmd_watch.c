/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/watching.h"
#include "sys/caps.h"
#include "sys/end_signals.h"

#define DEFAULT_INTERVAL_NS NS_PER_S
/* Below that the reading itself would be the load. */
#define LEAST_INTERVAL_NS (10 * NS_PER_MS)

struct watch_opts {
	const char *profile;
	uint64_t interval_ns, for_ns;
	int output;
};

static const struct opt opts[] = {
	{"profile", 'p', OPT_TEXT, "PROFILE", "the load by a profile: which ports are its own",
	 offsetof(struct watch_opts, profile)},
	{"interval", '\0', OPT_DURATION, "DURATION", "between two readings (default: 1s)",
	 offsetof(struct watch_opts, interval_ns)},
	{"for", '\0', OPT_DURATION, "DURATION", "end by itself after that long",
	 offsetof(struct watch_opts, for_ns)},
	{"output", 'o', OPT_CHOICE, "text|json", "lines for people, or JSON Lines",
	 offsetof(struct watch_opts, output)},
};

static void watching_done(struct watching *w)
{
	watch_close(w->watch);
	observation_done(&w->observed);
	ranges_done(&w->pid_ports);
	free(w->told);
	notify_close(&w->notify);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	session_done(&w->session);
}

/*
 * From here on it reads what strangers sent and wrote. What is kept names the owners of other
 * users' sockets, and what a source cannot go on without.
 */
static int drop_privileges(struct watching *w, struct err *e)
{
	uint64_t set =
		CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_DAC_READ_SEARCH) | watch_keeps(w->watch);
	int r = caps_keep(set, e);

	for (cap_value_t cap = 0; r == 0 && cap < 64; cap++)
		if ((set & CAP_BIT(cap)) && caps_effective(cap))
			w->kept |= CAP_BIT(cap);
	return r;
}

static int open_all(struct watching *w, const struct input *in, struct err *e)
{
	const struct watch_options wo = {.bpf = true, .interval_ns = w->interval_ns};
	int r = notify_open(&w->notify, e);

	if (r == 0)
		r = session_open(&w->session, w->app, w->profile, &in->load, false, e);
	if (r == 0)
		r = end_signals_take(&w->signal_fd, e);
	if (r == 0)
		r = watch_open(&w->session.host, &wo, &w->observed, &w->watch, e);
	if (r == 0)
		r = drop_privileges(w, e);
	if (r < 0)
		return r;
	watching_find_ports(w);
	/* What cannot be read without the privileges is known before anybody is told. */
	watch_read(w->watch);
	return 0;
}

static int end_code(const struct watching *w, struct err *e)
{
	struct watched_source any;

	if (w->write_error.code) {
		*e = w->write_error;
		return -e->code;
	}
	if (w->seen)
		return EXIT_FINDINGS;
	if (watch_sources(w->watch, &any, 1) == 0)
		return err_set(e, EIO, "watch: no source is left to read; the first, '%s': %s",
			       w->observed.blind[0].source, w->observed.blind[0].reason);
	return EXIT_CLEAN;
}

static int run(const struct app *app, const struct input *in, struct err *e)
{
	const struct watch_opts *o = in->opts;
	bool json = o->output == OUTPUT_JSON;
	cleanup_with(watching_done) struct watching w = {
		.app = app,
		.face = json ? &face_json : &face_text,
		.style = output_style(app),
		.silent = app->quiet && !json,
		.profile = o->profile,
		.interval_ns = o->interval_ns ? o->interval_ns : DEFAULT_INTERVAL_NS,
		.for_ns = o->for_ns,
		.session = SESSION_INIT,
		.notify = NOTIFY_NONE,
		.signal_fd = -1,
	};

	if (w.interval_ns < LEAST_INTERVAL_NS)
		return err_set(e, ERR_BAD_INPUT, "--interval: expected at least 10ms");
	w.session.follow_process = true;

	int r = open_all(&w, in, e);

	if (r < 0)
		return r;
	watching_tell_start(&w);
	notify_send(&w.notify, "READY=1\nSTATUS=watching, nothing seen");
	if (json)
		output_progress(app, "watching; Ctrl-C ends it and sums up");
	watching_tell_reading(&w);
	watching_loop(&w);
	notify_send(&w.notify, "STOPPING=1");
	watch_finish(w.watch);
	watching_tell_reading(&w);
	watching_tell_summary(&w);
	return end_code(&w, e);
}

const struct cmd cmd_watch = {
	.name = "watch",
	.args = "",
	.summary = "during the test: name every loss, its socket and its process",
	.details = "Reads until Ctrl-C, TERM or --for, and sums up. With a port, target or process "
		   "of the load, what other ports lose is told as background. Privileges are given "
		   "up once everything is open. Exit code 0: nothing seen but background; 1: "
		   "causes seen; 2: wrong usage; 3: could not watch.",
	.opts = opts,
	.opts_len = ARRAY_LEN(opts),
	.opts_size = sizeof(struct watch_opts),
	.takes_load = true,
	.run = run,
};

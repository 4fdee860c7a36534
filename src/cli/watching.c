/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/watching.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/version.h"
#include "core/touch.h"
#include "sys/end_signals.h"
#include "sys/listen_ports.h"

/* True when some of it can be written without waiting; a signal ends the wait. */
static bool can_write(struct watching *w)
{
	struct pollfd fds[] = {
		{.fd = STDOUT_FILENO, .events = POLLOUT},
		{.fd = w->signal_fd, .events = POLLIN},
	};

	while (poll(fds, ARRAY_LEN(fds), -1) < 0)
		if (errno != EINTR && errno != EAGAIN && errno != ENOMEM)
			return false;
	if (fds[0].revents)
		return true;
	(void)end_signals_arrived(w->signal_fd);
	w->ended = true;
	return false;
}

/*
 * By write(2), a line when it is there and not when a buffer is full. A pipe that poll(2) calls
 * writable takes PIPE_BUF bytes without waiting (pipe(7)): a reader that does not read cannot keep
 * a signal from ending the watch.
 */
static void put(struct watching *w, struct strbuf *out)
{
	const char *text = strbuf_get(out);
	size_t left = out->len;

	while (left > 0 && !w->no_reader) {
		if (!can_write(w)) {
			w->no_reader = true;
			break;
		}
		ssize_t n = write(STDOUT_FILENO, text, left < PIPE_BUF ? left : PIPE_BUF);

		if (n >= 0) {
			text += n;
			left -= (size_t)n;
			continue;
		}
		if (errno == EAGAIN || errno == EINTR)
			continue;
		w->no_reader = w->ended = true;
		/* A reader that has seen enough, `head` or a terminal that was closed, is no
		 * failure. */
		if (errno != EPIPE && errno != EIO)
			(void)!err_errno(&w->write_error, errno, "write to standard output");
	}
	strbuf_done(out);
}

void watching_find_ports(struct watching *w)
{
	const struct load *l = &w->session.load;
	struct err e;

	if (!load_states(l, LOAD_PID))
		return;
	/* Once found, they are known, even if the process has ended since. */
	if (listen_ports_of(&w->session.host, l->pid, &w->pid_ports, &e) == 0)
		w->pid_ports_error = (struct err){.code = 0};
	else if (!w->pid_ports.len)
		w->pid_ports_error = e;
}

void watching_tell_start(struct watching *w)
{
	struct watched_source open[32];
	struct face_source source[ARRAY_LEN(open)];
	const char **counted_by = calloc(causes_len, sizeof(*counted_by));
	struct face_start s = {
		.time_ns = now_realtime_ns(),
		.version = runup_version,
		.host = &w->session.host,
		.load = &w->session.load,
		.profile = w->session.has_profile ? w->session.profile.name : NULL,
		.interval_ns = w->interval_ns,
		.for_ns = w->for_ns,
		.source = source,
		.sources = watch_sources(w->watch, open, ARRAY_LEN(open)),
		.counted_by = counted_by,
		.observed = &w->observed,
		.capabilities = w->kept,
	};
	struct strbuf out = {0};

	if (!counted_by)
		out_of_memory();
	if (s.sources > ARRAY_LEN(open))
		s.sources = ARRAY_LEN(open);
	for (size_t i = 0; i < s.sources; i++)
		source[i] = (struct face_source){open[i].id, open[i].rung};
	for (size_t i = 0; i < causes_len; i++)
		counted_by[i] = watch_counted_by(w->watch, &causes[i]);
	if (!w->silent)
		w->face->start(&s, &w->style, &out);
	free(counted_by);
	put(w, &out);
}

/* Has the cause been told before, at whatever subject? */
static bool told_before(const struct watching *w, const struct cause *c)
{
	for (size_t i = 0; i < w->told_len; i++)
		if (w->told[i] && w->observed.alert[i].cause == c)
			return true;
	return false;
}

static void tell_alert(struct watching *w, size_t i, uint64_t time_ns, struct strbuf *out)
{
	const struct ownership own = {
		.load = &w->session.load,
		.pid_ports = load_states(&w->session.load, LOAD_PID) ? &w->pid_ports : NULL,
		.pid_ports_unknown = w->pid_ports_error.code ? w->pid_ports_error.msg : NULL,
	};
	const struct alert *a = &w->observed.alert[i];
	struct face_alert f = {
		.time_ns = time_ns,
		.host = &w->session.host,
		.alert = a,
		.count = a->count - w->told[i],
		.background = alert_touches(&own, a) == TOUCH_NO,
		.first = !told_before(w, a->cause),
	};

	w->seen = w->seen || !f.background;
	w->face->alert(&f, &w->style, out);
	w->told[i] = a->count;
}

static size_t count_news(struct watching *w)
{
	size_t news = 0;

	/* Alerts are only ever added, so a place in one list is a place in the other. */
	while (w->told_len < w->observed.alerts)
		array_push((void **)&w->told, &w->told_len, &w->told_cap, sizeof(*w->told));
	for (size_t i = 0; i < w->told_len; i++)
		news += w->observed.alert[i].count > w->told[i];
	return news;
}

static void tell_manager(const struct watching *w, const struct alert *last)
{
	notify_send(&w->notify, "STATUS=%zu seen, last: %s at %s", w->observed.alerts,
		    last->cause->id, last->subject);
}

void watching_tell_reading(struct watching *w)
{
	uint64_t time_ns = now_realtime_ns();
	struct gauges gauges;
	struct face_sample s = {time_ns, &gauges, &w->observed};
	struct strbuf out = {0};
	const struct alert *last = NULL;

	if (count_news(w))
		watching_find_ports(w);
	for (size_t i = 0; i < w->told_len; i++) {
		if (w->observed.alert[i].count == w->told[i])
			continue;
		last = &w->observed.alert[i];
		tell_alert(w, i, time_ns, &out);
	}
	if (last)
		tell_manager(w, last);
	watch_measure(w->watch, &gauges);
	w->face->sample(&s, &w->style, &out);
	put(w, &out);
}

void watching_tell_summary(struct watching *w)
{
	struct face_summary s = {now_realtime_ns(), &w->observed, w->seen};
	struct strbuf out = {0};

	if (!w->silent || w->observed.alerts)
		w->face->summary(&s, &w->style, &out);
	put(w, &out);
}

/* How long poll(2) may wait for one of the moments, 0 for none: rounded up, never too early. */
static int wait_ms(uint64_t now, uint64_t end, uint64_t sign)
{
	uint64_t until = end && (!sign || end < sign) ? end : sign;

	if (!until)
		return -1;
	uint64_t ms = until > now ? (until - now + NS_PER_MS - 1) / NS_PER_MS : 0;

	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void wait_and_read(struct watching *w, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = w->signal_fd, .events = POLLIN},
		{.fd = watch_fd(w->watch), .events = POLLIN},
		/* No events: it still tells that its reader has left (POLLERR, POLLHUP). */
		{.fd = STDOUT_FILENO},
	};

	if (poll(fds, ARRAY_LEN(fds), timeout_ms) < 0)
		return;
	if (fds[0].revents && end_signals_arrived(w->signal_fd))
		w->ended = true;
	if (fds[2].revents)
		w->no_reader = w->ended = true;
	if (fds[1].revents && !w->ended) {
		watch_turn(w->watch);
		watching_tell_reading(w);
	}
}

void watching_loop(struct watching *w)
{
	uint64_t half = w->notify.watchdog_ns / 2, now = now_monotonic_ns();
	uint64_t end = w->for_ns ? now + w->for_ns : 0, sign = half ? now : 0;
	struct watched_source any;

	while (!w->ended && watch_sources(w->watch, &any, 1) > 0) {
		/* From this loop and no other place: what is stuck gives no sign of life. */
		if (sign && now >= sign) {
			notify_send(&w->notify, "WATCHDOG=1");
			sign = now + half;
		}
		wait_and_read(w, wait_ms(now, end, sign));
		now = now_monotonic_ns();
		w->ended = w->ended || (end && now >= end);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/units.h"
#include "watch/source.h"

#define DEFAULT_INTERVAL_NS (500 * NS_PER_MS)

struct opened {
	const struct source *source;
	void *state;
};

/* Every source is read by the same timer, so the timer's descriptor is all there is to wait for. */
struct watch {
	struct watch_context ctx;
	struct tally tally;
	struct observation *observed;
	uint64_t start_ns;
	int timer_fd;
	struct opened *source;
	size_t sources, sources_cap;
};

static int start_timer(struct watch *w, uint64_t interval_ns, struct err *e)
{
	struct timespec every = {
		.tv_sec = (time_t)(interval_ns / NS_PER_S),
		.tv_nsec = (long)(interval_ns % NS_PER_S),
	};
	struct itimerspec when = {.it_interval = every, .it_value = every};

	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0)
		return err_errno(e, errno, "make a timer for watching");
	if (timerfd_settime(w->timer_fd, 0, &when, NULL) < 0)
		return err_errno(e, errno, "set the timer for watching");
	return 0;
}

static void open_source(struct watch *w, const struct source *s)
{
	uint64_t before = now_monotonic_ns();
	void *state = NULL;
	struct err e;

	if (s->open(&w->ctx, &state, &e) < 0) {
		observation_blind(w->observed, s->id, e.msg);
		return;
	}
	struct opened *o =
		array_push((void **)&w->source, &w->sources, &w->sources_cap, sizeof(*o));

	*o = (struct opened){s, state};
	log_debug("watch: '%s' opened in %.1f ms", s->id,
		  (double)(now_monotonic_ns() - before) / (double)NS_PER_MS);
}

int watch_open(const struct host *h, const struct watch_options *o, struct observation *observed,
	       struct watch **ret, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		out_of_memory();
	w->timer_fd = -1;
	w->observed = observed;
	w->start_ns = now_monotonic_ns();
	tally_init(&w->tally);
	w->ctx = (struct watch_context){.host = h, .tally = &w->tally};
	for (size_t i = 0; i < sources_len; i++)
		if (o->bpf || !sources[i]->bpf)
			open_source(w, sources[i]);

	int r = 0;

	if (w->sources == 0)
		r = err_set(e, EIO, "watch: no source could be opened; the first, '%s': %s",
			    observed->blind[0].source, observed->blind[0].reason);
	else
		r = start_timer(w, o->interval_ns ? o->interval_ns : DEFAULT_INTERVAL_NS, e);
	if (r < 0) {
		watch_close(w);
		return r;
	}
	*ret = w;
	return 0;
}

int watch_fd(const struct watch *w)
{
	return w->timer_fd;
}

static void drop_source(struct watch *w, size_t i)
{
	w->source[i].source->close(w->source[i].state);
	for (w->sources--; i < w->sources; i++)
		w->source[i] = w->source[i + 1];
}

void watch_read(struct watch *w)
{
	uint64_t at_ns = now_monotonic_ns() - w->start_ns;

	/* Counters first, what attributes them last: see sources.c. */
	for (size_t i = w->sources; i-- > 0;) {
		const struct opened *o = &w->source[i];
		struct err e;

		if (o->source->drain(&w->ctx, o->state, &e) < 0) {
			observation_blind(w->observed, o->source->id, e.msg);
			drop_source(w, i);
		}
	}
	tally_settle(&w->tally);
	for (size_t i = 0; i < w->sources; i++)
		if (w->source[i].source->describe)
			w->source[i].source->describe(&w->ctx, w->source[i].state);
	tally_publish(&w->tally, w->observed, at_ns);
}

void watch_turn(struct watch *w)
{
	uint64_t times;

	/* Several intervals may have passed; one reading serves them all. */
	if (read(w->timer_fd, &times, sizeof(times)) == sizeof(times))
		watch_read(w);
}

static struct watched_source shown(const struct opened *o)
{
	return (struct watched_source){o->source->id,
				       o->source->rung ? o->source->rung(o->state) : o->source->id};
}

size_t watch_sources(const struct watch *w, struct watched_source *ret, size_t max)
{
	for (size_t i = 0; i < w->sources && i < max; i++)
		ret[i] = shown(&w->source[i]);
	return w->sources;
}

const char *watch_counted_by(const struct watch *w, const struct cause *c)
{
	const char *by = w->tally.row[c - causes].counted_by;

	for (size_t i = 0; by && i < w->sources; i++) {
		struct watched_source s = shown(&w->source[i]);

		if (strcmp(by, s.id) == 0 || strcmp(by, s.rung) == 0)
			return by;
	}
	return NULL;
}

uint64_t watch_keeps(struct watch *w)
{
	uint64_t set = 0;

	for (size_t i = 0; i < w->sources; i++)
		if (w->source[i].source->keeps)
			set |= w->source[i].source->keeps(&w->ctx, w->source[i].state);
	return set;
}

void watch_measure(const struct watch *w, struct gauges *ret)
{
	*ret = (struct gauges){.len = 0};
	for (size_t i = 0; i < w->sources; i++)
		if (w->source[i].source->measure)
			w->source[i].source->measure(w->source[i].state, ret);
}

void watch_finish(struct watch *w)
{
	watch_read(w);
	for (size_t i = 0; i < w->sources; i++)
		if (w->source[i].source->summarise)
			w->source[i].source->summarise(&w->ctx, w->source[i].state);
	w->observed->duration_ns = now_monotonic_ns() - w->start_ns;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	while (w->sources > 0)
		drop_source(w, w->sources - 1);
	free(w->source);
	tally_done(&w->tally);
	if (w->timer_fd >= 0)
		close(w->timer_fd);
	free(w);
}

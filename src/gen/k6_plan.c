/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/k6_plan.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "gen/gen.h"
#include "gen/number.h"

/* Of scenarios that are looked at one by one; their rates add up if there are more. */
#define SCENARIOS_MAX 64

struct scenario {
	bool open;
	double rate; /* its peak, in iterations/s */
	uint64_t start_ns, end_ns;
	bool ends; /* by time; else when its iterations are done */
};

static void json_cleanup(json_t **j)
{
	json_decref(*j);
}

/* "30s", or a number of milliseconds; null and what is no duration leave it as it is. */
static bool read_duration(const json_t *j, uint64_t *ret_ns)
{
	if (json_is_string(j))
		return number_go_duration(json_string_value(j), ret_ns) == 0;
	return json_is_number(j) && json_number_value(j) >= 0 &&
	       number_seconds(json_number_value(j) / 1000, ret_ns) == 0;
}

static double read_count(const json_t *j)
{
	return json_is_number(j) && json_number_value(j) > 0 ? json_number_value(j) : 0;
}

/* The highest target and how long they take together. */
static double read_stages(const json_t *stages, uint64_t *ret_ns)
{
	double peak = 0;
	uint64_t total = 0;
	size_t i;
	json_t *stage;

	json_array_foreach(stages, i, stage)
	{
		double target = read_count(json_object_get(stage, "target"));
		uint64_t ns = 0;

		if (read_duration(json_object_get(stage, "duration"), &ns) &&
		    __builtin_add_overflow(total, ns, &total))
			total = UINT64_MAX;
		peak = target > peak ? target : peak;
	}
	*ret_ns = total;
	return peak;
}

static void read_scenario(const json_t *j, struct scenario *s)
{
	const char *executor = json_string_value(json_object_get(j, "executor"));
	const json_t *stages = json_object_get(j, "stages");
	uint64_t unit_ns = NS_PER_S, length_ns = 0;
	double start_rate = read_count(json_object_get(j, "startRate"));

	*s = (struct scenario){.open = executor && strstr(executor, "arrival-rate")};
	if (!read_duration(json_object_get(j, "timeUnit"), &unit_ns) || !unit_ns)
		unit_ns = NS_PER_S;
	if (!read_duration(json_object_get(j, "startTime"), &s->start_ns))
		s->start_ns = 0;
	s->rate = read_count(json_object_get(j, "rate"));
	if (json_is_array(stages)) {
		double peak = read_stages(stages, &length_ns);

		s->rate = peak > start_rate ? peak : start_rate;
	} else if (!read_duration(json_object_get(j, "duration"), &length_ns)) {
		length_ns = 0;
	}
	s->rate *= s->open ? (double)NS_PER_S / (double)unit_ns : 0;
	s->ends = length_ns > 0;
	if (!s->ends || __builtin_add_overflow(s->start_ns, length_ns, &s->end_ns))
		s->end_ns = UINT64_MAX;
}

/* The most that arrives at once: scenarios add up only while they run together. */
static double peak_rate(const struct scenario *s, size_t len)
{
	double peak = 0;

	for (size_t i = 0; i < len; i++) {
		double together = 0;

		for (size_t k = 0; k < len; k++)
			if (s[k].start_ns <= s[i].start_ns && s[i].start_ns < s[k].end_ns)
				together += s[k].rate;
		peak = together > peak ? together : peak;
	}
	return peak;
}

static int state_scenarios(json_t *scenarios, struct load *l, struct err *e)
{
	struct scenario s[SCENARIOS_MAX];
	size_t len = 0, open = 0;
	uint64_t end_ns = 0;
	bool ends = true;
	const char *name;
	json_t *j;

	json_object_foreach(scenarios, name, j)
	{
		if (len == SCENARIOS_MAX)
			return err_set(e, ERR_BAD_INPUT, "it has more than %d scenarios",
				       SCENARIOS_MAX);
		read_scenario(j, &s[len]);
		open += s[len].open;
		ends = ends && s[len].ends;
		end_ns = s[len].end_ns > end_ns ? s[len].end_ns : end_ns;
		len++;
	}
	if (len && open == len)
		l->generator.model = MODEL_OPEN;
	else if (len && !open)
		l->generator.model = MODEL_CLOSED;
	else if (len)
		gen_say(l, "some of its scenarios are open, some closed");
	if (open)
		gen_say(l, "its rate counts iterations, each of them one request or more");

	int r = gen_state_real(l, LOAD_RATE, peak_rate(s, len), e);

	return r == 0 && ends ? gen_state(l, LOAD_DURATION, end_ns, e) : r;
}

int k6_plan_state(const char *json, struct load *l, struct err *e)
{
	json_error_t where;
	cleanup_with(json_cleanup) json_t *j = json_loads(json, 0, &where);
	json_t *scenarios = json_object_get(j, "scenarios"), *vus = json_object_get(j, "maxVUs");
	int r;

	if (!json_is_object(scenarios) || !json_is_integer(vus) || json_integer_value(vus) < 0)
		return err_set(e, ERR_BAD_INPUT, "the answer of k6 inspect is not what it was");
	/* A VU does one thing at a time, over one connection to each host. */
	r = gen_state(l, LOAD_CONNECTIONS, (uint64_t)json_integer_value(vus), e);
	if (r == 0)
		r = state_scenarios(scenarios, l, e);
	if (r == 0 && !load_states(l, LOAD_RATE))
		r = gen_state_real(l, LOAD_RATE, read_count(json_object_get(j, "rps")), e);
	if (r < 0)
		return r;
	if (json_is_true(json_object_get(j, "noConnectionReuse")))
		gen_state_keepalive(l, false);
	else if (!json_is_true(json_object_get(j, "noVUConnectionReuse")))
		gen_state_keepalive(l, true);
	else if (l->generator.model == MODEL_OPEN) /* one or more for each iteration */
		return gen_state(l, LOAD_NEW_CONNECTIONS, l->rate, e);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of causes: what src_netstat and ev_drops find by it has to be unambiguous. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/parse.h"
#include "core/cause.h"
#include "core/check.h"
#include "core/observation.h"

static void test_ids_are_unique(void **state)
{
	(void)state;
	assert_true(causes_len > 0);
	for (size_t i = 0; i < causes_len; i++)
		assert_ptr_equal(cause_find(causes[i].id), &causes[i]);
	assert_null(cause_find("listen"));
	assert_null(cause_find(""));
}

static bool predicted(const char *cause)
{
	for (size_t i = 0; i < checks_len; i++)
		for (const char *const *id = checks[i]->predicts; id && *id; id++)
			if (strcmp(*id, cause) == 0)
				return true;
	return false;
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < causes_len; i++) {
		const struct cause *c = &causes[i];

		assert_non_null(strchr(c->id, '.'));
		assert_true(c->title && *c->title);
		assert_true(c->why && strlen(c->why) > 40);
		assert_true(c->fix && strlen(c->fix) > 10);
		assert_true(c->subject_kind && *c->subject_kind);
		assert_true(cause_kind_name(c->kind) && *cause_kind_name(c->kind));
		/*
		 * Something has to tell of it, be it only before it happens; a symptom is worked
		 * out of several numbers.
		 */
		if (c->kind != CAUSE_SYMPTOM && !c->counters[0] && !c->reasons[0] &&
		    !predicted(c->id))
			fail_msg("nothing tells of %s", c->id);
	}
}

/* The ids that scripts, schemas and reports are written against: design, by kind. */
static void test_every_cause_is_there(void **state)
{
	static const struct {
		enum cause_kind kind;
		const char *ids;
	} kinds[] = {
		{CAUSE_LOSS,
		 "listen.accept_overflow listen.syn_overflow conntrack.full "
		 "conntrack.insert_failed udp.receive_buffer udp.send_buffer tcp.receive_queue "
		 "tcp.backlog tcp.memory tcp.orphans softnet.backlog nic.ring nic.error "
		 "qdisc.drop neigh.full firewall.drop route.none checksum.bad"},
		{CAUSE_LIMIT, "ports.exhausted fd.exhausted timewait.overflow memory.oom"},
		{CAUSE_PRESSURE,
		 "listen.syncookies conntrack.early_drop softnet.squeeze cpu.throttled "
		 "cpu.saturated cpu.steal memory.pressure memory.swap"},
		{CAUSE_SYMPTOM, "tcp.retransmit tcp.reset conn.churn process.growth"},
	};
	char id[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (const char *rest = kinds[i].ids; (rest = parse_word(rest, id, sizeof(id)));
		     n++) {
			if (!cause_find(id))
				fail_msg("there is no cause %s", id);
			assert_int_equal(cause_find(id)->kind, kinds[i].kind);
		}
	}
	assert_int_equal(n, causes_len);
}

/* A check may only predict what runup explain can explain. */
static void test_predictions_are_causes(void **state)
{
	(void)state;
	for (size_t i = 0; i < checks_len; i++)
		for (const char *const *id = checks[i]->predicts; id && *id; id++)
			if (!cause_find(*id))
				fail_msg("%s predicts %s", checks[i]->id, *id);
}

/* One packet must not be counted by two causes. */
static void test_counters_map_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < causes_len; i++)
		for (size_t k = 0; k < CAUSE_COUNTERS && causes[i].counters[k]; k++)
			assert_ptr_equal(cause_by_counter(causes[i].counters[k]), &causes[i]);
	assert_null(cause_by_counter("TcpExtListenDrops"));
	assert_null(cause_by_counter("TcpExtTCPMemoryPressures"));
}

static void test_reasons_map_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < causes_len; i++)
		for (size_t k = 0; k < CAUSE_REASONS && causes[i].reasons[k]; k++)
			assert_ptr_equal(cause_by_reason(causes[i].reasons[k], causes[i].protocol),
					 &causes[i]);
	assert_null(cause_by_reason("NOT_SPECIFIED", 0));
	assert_null(cause_by_reason("QUEUE_PURGE", IPPROTO_TCP));
}

static void test_reason_depends_on_protocol(void **state)
{
	(void)state;
	assert_string_equal(cause_by_reason("PROTO_MEM", IPPROTO_UDP)->id, "udp.receive_buffer");
	assert_string_equal(cause_by_reason("PROTO_MEM", IPPROTO_TCP)->id, "tcp.receive_queue");
	assert_null(cause_by_reason("PROTO_MEM", IPPROTO_SCTP));
	assert_null(cause_by_reason("SOCKET_RCVBUFF", IPPROTO_RAW));
	assert_string_equal(cause_by_reason("NETFILTER_DROP", IPPROTO_UDP)->id, "firewall.drop");
}

static void test_observation_merges(void **state)
{
	(void)state;
	struct observation o = {0};
	const struct cause *c = &causes[0];
	char subject[] = "tcp 127.0.0.1:80";

	observation_add(&o, c, subject, 3, 10)->port = 80;
	subject[4] = 'x'; /* it is copied */
	for (int i = 0; i < 40; i++)
		observation_add(&o, &causes[1], "other", 1, 15);
	const struct alert *a = observation_add(&o, c, "tcp 127.0.0.1:80", 4, 20);

	assert_int_equal(o.alerts, 2);
	assert_int_equal(a->count, 7);
	assert_int_equal(a->first_ns, 10);
	assert_int_equal(a->last_ns, 20);
	assert_int_equal(a->port, 80);
	assert_true(a->exact);
	assert_null(observation_find(&o, &causes[1], "tcp 127.0.0.1:80"));

	observation_blind(&o, "netstat", "first");
	observation_blind(&o, "netstat", "second");
	assert_int_equal(o.blinds, 1);
	assert_string_equal(o.blind[0].reason, "first");
	observation_done(&o);
	assert_int_equal(o.alerts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_every_cause_is_there),
		cmocka_unit_test(test_predictions_are_causes),
		cmocka_unit_test(test_counters_map_back),
		cmocka_unit_test(test_reasons_map_back),
		cmocka_unit_test(test_reason_depends_on_protocol),
		cmocka_unit_test(test_observation_merges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

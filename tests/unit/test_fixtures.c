/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captured hosts that the tests share say what their names promise. */
#include "tests/unit/temp_host.h"

#include <netinet/in.h>

#include "base/cleanup.h"
#include "sys/cgroup.h"
#include "sys/ct.h"
#include "sys/nl_sockdiag.h"
#include "sys/procnet.h"

static struct host open_host(const char *folder)
{
	struct host h;
	struct err e = {0};

	/* The tests run at the top of the tree. */
	assert_ok(host_open(&h, folder, NULL, &e), &e);
	assert_string_equal(h.hostname, "captured");
	return h;
}

static void assert_cpu(const struct host *h, int version, uint64_t quota, const char *owner)
{
	struct cgroup_cpu c;
	struct err e = {0};

	assert_ok(cgroup_cpu(h, 0, &c, &e), &e);
	assert_int_equal(c.version, version);
	assert_int_equal(c.quota_us, quota);
	assert_int_equal(c.throttled > 0, quota > 0);
	assert_string_equal(c.owner, owner);
}

static void test_vm(void **state unused_)
{
	struct host h = open_host("tests/fixtures/hosts/vm");
	struct err e = {0};
	cleanup_free struct listener *l = NULL;
	size_t len = 0, small = 0;
	struct counters c = {0};
	struct sockstat s;
	uint64_t overflows;

	assert_ok(sockdiag_listeners(&h, &l, &len, &e), &e);
	assert_int_equal(len, 7);
	for (size_t i = 0; i < len; i++)
		small += l[i].port == 8000 && l[i].limit == 5;
	assert_int_equal(small, 1);
	assert_ok(procnet_counters(&h, &c, &e), &e);
	assert_true(counters_get(&c, "TcpExtListenOverflows", &overflows));
	assert_ok(procnet_sockstat(&h, &s, &e), &e);
	assert_cpu(&h, 1, 0, "");
	counters_done(&c);
	host_close(&h);
}

static void test_quotas(void **state unused_)
{
	struct host v1 = open_host("tests/fixtures/hosts/cgroup-v1-quota");
	struct host v2 = open_host("tests/fixtures/hosts/cgroup-v2-quota");

	assert_cpu(&v1, 1, 150000, "/docker/app");
	assert_cpu(&v2, 2, 150000, "/system.slice/load.service");
	host_close(&v1);
	host_close(&v2);
}

static void test_conntrack_full(void **state unused_)
{
	struct host h = open_host("tests/fixtures/hosts/conntrack-full");
	struct err e = {0};
	cleanup_free struct ct_stats *s = calloc(1, sizeof(*s));
	cleanup_free struct ct_group *g = NULL;
	size_t len = 0;
	uint64_t sum = 0;

	assert_non_null(s);
	assert_ok(ct_read_stats(&h, s, &e), &e);
	assert_true(s->present);
	assert_string_equal(s->source, "ctnetlink");
	assert_int_equal(s->entries, 250000);
	assert_int_equal(s->max, 262144);
	assert_int_equal(s->cpus, 2);
	assert_true(s->drop_by_cpu[0] > 0 && s->drop_by_cpu[1] > 0);
	assert_int_equal(s->total.drop, s->drop_by_cpu[0] + s->drop_by_cpu[1]);

	assert_ok(ct_breakdown(&h, &g, &len, &e), &e);
	for (size_t i = 0; i < len; i++)
		sum += g[i].entries;
	assert_int_equal(sum, 100);
	assert_int_equal(g[0].protocol, IPPROTO_TCP);
	assert_string_equal(g[0].state, "TIME_WAIT");
	assert_int_equal(g[0].port, 8080);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vm),
		cmocka_unit_test(test_quotas),
		cmocka_unit_test(test_conntrack_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

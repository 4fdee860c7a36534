/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sums of the capacity model, with facts that are made up. */
#include "tests/unit/capacity_fixture.h"

#include "core/resource.h"
#include "temp_host.h"

/* What is bound is taken off; what was too much to go through is not taken for none. */
static void test_bound_ports(void **state)
{
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "connections", "100", "target", "10.0.0.5:80");
	uint64_t before = row_for(RESOURCE_ports, &f, &l).limit;

	(void)state;
	f.ports.bound = 300;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, before - 300);
	assert_null(strstr(row_for(RESOURCE_ports, &f, &l).arithmetic, "broken down"));
	f.ports.not_broken_down = 20000;
	assert_non_null(strstr(row_for(RESOURCE_ports, &f, &l).arithmetic,
			       "bound without listening are not broken down: 20 000 sockets"));
	load_done(&l);
}

static void test_the_example_of_the_design(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "new_connections", "2000");
	struct rows rows;

	rows_for(&f, &l, &rows);
	assert_non_null(rows.first);
	assert_int_equal(rows.first->resource, RESOURCE_ports);
	assert_int_equal(rows.first->limit, 28232);
	assert_int_equal(rows.first->demand, 120000);
	NEAR(rows.first->new_connections.value, 28232.0 / 60);
	assert_true(rows.first->connections.known); /* and none of them fits beside that rate */
	assert_true(rows.first->connections.value == 0);
	assert_int_equal(rows.first->state, ROW_BREAKS);
	load_done(&l);
}

static void test_ports(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "connections", "1000", "new_connections", "100",
			       "target", "10.0.0.1:80,10.0.0.1:80,10.0.0.2:80", "source_ips", "3");

	/* A target that is named twice is one. */
	struct row r = row_for(RESOURCE_ports, &f, &l);
	assert_int_equal(r.demand, (1000 + 6000 + 5) / 6);
	NEAR(r.new_connections.value, (28232.0 * 6 - 1000) / 60);

	f.ports.reserved = 200;
	f.ports.bound = 32;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, 28000);

	/* The last run's TIME_WAIT are in the way, unless ports are taken again at once. */
	f.ports.time_wait = 600;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).held, 100);
	f.ports.tw_reuse = 1;
	r = row_for(RESOURCE_ports, &f, &l);
	assert_int_equal(r.held, 0);
	assert_int_equal(r.demand, (1000 + 100 + 5) / 6);
	f.ports.timestamps = 0;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).demand, (7000 + 5) / 6 + 100);

	/* Bound first: no reuse, and no target has ports of its own. */
	f.ports.timestamps = 1;
	f.ports.time_wait = 0;
	l.generator.binds_first = true;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).demand, (7000 + 2) / 3);
	set(&l, "bind_first", "no"); /* what was stated wins */
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).demand, (1100 + 5) / 6);

	/* Whoever closes first keeps the port. */
	set(&l, "closes", "server");
	f.ports.tw_reuse = 0;
	r = row_for(RESOURCE_ports, &f, &l);
	assert_int_equal(r.demand, (1000 + 5) / 6);
	assert_false(r.new_connections.known);
	load_done(&l);

	l = LOADED("role", "server", "connections", "10");
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).state, ROW_NA);
	load_done(&l);
	l = LOADED("connections", "10");
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).state, ROW_UNSIZED);
	load_done(&l);
}

static void test_loopback_reuses_by_default(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l =
		LOADED("role", "generator", "new_connections", "100", "target", "127.0.0.1:80");

	assert_int_equal(row_for(RESOURCE_ports, &f, &l).demand, 100);
	load_done(&l);
}

static void test_rate_follows_what_it_is_tied_to(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "rate", "100", "no_keepalive", "-", "latency",
			       "2s", "target", "10.0.0.1:80");

	/* Each request/s holds a port for its 2 s and for the 60 s after. */
	struct row r = row_for(RESOURCE_ports, &f, &l);
	assert_int_equal(r.demand, 100 * 62);
	NEAR(r.rate.value, 28232.0 / 62);
	NEAR(r.new_connections.value, r.rate.value);
	load_done(&l);

	l = LOADED("role", "generator", "rate", "100", "latency", "2s", "target", "10.0.0.1:80");
	r = row_for(RESOURCE_descriptors, &f, &l);
	assert_int_equal(r.demand, 264);
	NEAR(r.rate.value, 960 / 2);
	load_done(&l);

	/* With keep-alive and a number of its own, connections say nothing of the rate. */
	l = LOADED("role", "generator", "rate", "100", "connections", "5");
	assert_false(row_for(RESOURCE_descriptors, &f, &l).rate.known);
	load_done(&l);
}

static void test_queues(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "server", "connections", "512");

	/* The kernel admits limit + 1. */
	struct row r = row_for(RESOURCE_accept_queue, &f, &l);
	assert_int_equal(r.state, ROW_FITS);
	assert_true(r.connections.value == 512);
	assert_non_null(strstr(r.owner, "nginx"));
	f.queue.limit = 510;
	assert_int_equal(row_for(RESOURCE_accept_queue, &f, &l).state, ROW_BREAKS);
	f.queue.sockets = 2;
	assert_int_equal(row_for(RESOURCE_accept_queue, &f, &l).room, 1022);
	f.queue.limit = f.queue.somaxconn = 128;
	f.queue.sockets = 1;
	assert_string_equal(row_for(RESOURCE_accept_queue, &f, &l).owner, "net.core.somaxconn");

	assert_int_equal(row_for(RESOURCE_syn_queue, &f, &l).limit, 128);
	f.queue.syncookies = 0; /* the last quarter is for peers that are proven */
	f.queue.limit = 4096;
	assert_int_equal(row_for(RESOURCE_syn_queue, &f, &l).limit, 1536);
	f.queue.syncookies = 2;
	assert_int_equal(row_for(RESOURCE_syn_queue, &f, &l).state, ROW_NA);
	f.queue.syn_known = false;
	assert_int_equal(row_for(RESOURCE_syn_queue, &f, &l).state, ROW_UNKNOWN);
	load_done(&l);

	l = LOADED("role", "generator", "connections", "512");
	assert_int_equal(row_for(RESOURCE_accept_queue, &f, &l).state, ROW_NA);
	load_done(&l);
}

static void test_both_sides_of_a_proxy(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "proxy", "connections", "100", "new_connections", "10");

	assert_int_equal(row_for(RESOURCE_descriptors, &f, &l).demand, 264);
	assert_int_equal(row_for(RESOURCE_conntrack, &f, &l).demand, 2 * (100 + 1200));
	assert_int_equal(row_for(RESOURCE_time_wait, &f, &l).demand, 2 * 600);
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).demand, 700);
	set(&l, "closes", "client"); /* it is the client of one side only */
	assert_int_equal(row_for(RESOURCE_time_wait, &f, &l).demand, 600);
	load_done(&l);
}

static void test_time_wait_is_of_the_end_that_closes(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "server", "new_connections", "10", "closes", "client");

	assert_int_equal(row_for(RESOURCE_time_wait, &f, &l).demand, 0);
	load_done(&l);
	l = LOADED("role", "server", "new_connections", "10", "duration", "20s");
	assert_int_equal(row_for(RESOURCE_time_wait, &f, &l).demand, 200);
	load_done(&l);
}

static void test_ports_bound_what_conntrack_can_hold(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l =
		LOADED("role", "generator", "new_connections", "9000", "target", "10.0.0.1:80");

	struct row r = row_for(RESOURCE_conntrack, &f, &l);
	assert_int_equal(r.demand, 65535);
	assert_int_equal(r.state, ROW_FITS);
	assert_false(r.new_connections.known); /* no rate fills it */
	f.conntrack.max = 65536;
	f.conntrack.entries = 1000;
	r = row_for(RESOURCE_conntrack, &f, &l);
	assert_int_equal(r.state, ROW_BREAKS);
	NEAR(r.new_connections.value, 64536.0 / 120);
	load_done(&l);
}

static void test_a_table_that_is_not_used(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "server", "connections", "300000", "port", "80");

	f.conntrack.use = (struct ct_use){.activity = CT_ACTIVE};
	assert_int_equal(row_for(RESOURCE_conntrack, &f, &l).state, ROW_BREAKS);
	f.conntrack.use = (struct ct_use){.activity = CT_INACTIVE, .why = "nobody asks for it"};
	struct row r = row_for(RESOURCE_conntrack, &f, &l);
	assert_int_equal(r.state, ROW_NA);
	assert_string_equal(r.reason, "nobody asks for it");
	f.conntrack.use = (struct ct_use){.activity = CT_ACTIVE, .untracked = true};
	assert_int_equal(row_for(RESOURCE_conntrack, &f, &l).state, ROW_NA);
	/* Not known whether it is used: that matters only where it would break. */
	f.conntrack.use = (struct ct_use){.activity = CT_ACTIVITY_UNKNOWN, .why = "not root"};
	r = row_for(RESOURCE_conntrack, &f, &l);
	assert_int_equal(r.state, ROW_UNKNOWN);
	assert_non_null(strstr(r.reason, "not root"));
	f.conntrack.max = 400000;
	assert_int_equal(row_for(RESOURCE_conntrack, &f, &l).state, ROW_FITS);
	load_done(&l);
}

static void test_descriptors_by_runtime(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "connections", "2000");

	assert_int_equal(row_for(RESOURCE_descriptors, &f, &l).state, ROW_BREAKS);
	l.generator = (struct generator){.name = "k6", .raises_nofile = true};
	assert_int_equal(row_for(RESOURCE_descriptors, &f, &l).limit, 4096);
	/* A process that runs has what it has. */
	f.process.pid = 7;
	f.process.open = 100;
	struct row r = row_for(RESOURCE_descriptors, &f, &l);
	assert_int_equal(r.limit, 1024);
	assert_int_equal(r.demand, 2100);
	f.process.soft = PROC_UNLIMITED;
	r = row_for(RESOURCE_descriptors, &f, &l);
	assert_false(r.has_limit);
	assert_int_equal(r.state, ROW_FITS);
	l.generator = (struct generator){.name = "wrk", .threads = 4};
	assert_int_equal(row_for(RESOURCE_descriptors, &f, &l).load.value, 2018);
	load_done(&l);
}

static void test_the_tightest_limit_on_threads(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "connections", "10");

	struct row r = row_for(RESOURCE_pids, &f, &l);
	assert_int_equal(r.limit, 32768);
	assert_int_equal(r.state, ROW_UNSIZED);
	assert_true(r.connections.value == 32768 - 100 - 1);
	f.pids.cgroup = (struct cgroup_room){1, true, 500, 90, "/docker/a"};
	r = row_for(RESOURCE_pids, &f, &l);
	assert_int_equal(r.limit, 500);
	assert_string_equal(r.owner, "pids.max of /docker/a");
	f.pids.nproc_applies = true;
	f.pids.nproc = 300;
	f.pids.user_tasks = 200;
	l.generator = (struct generator){.name = "siege", .threads = 150};
	r = row_for(RESOURCE_pids, &f, &l);
	assert_int_equal(r.limit, 300);
	assert_int_equal(r.state, ROW_BREAKS);
	load_done(&l);
}

static void test_memory_and_cpus(void **state)
{
	(void)state;
	struct facts f = usual();
	struct load l = LOADED("role", "generator", "connections", "1000");

	/* Which generator it is is not known, and so neither what it takes nor where it breaks. */
	struct row r = row_for(RESOURCE_generator_memory, &f, &l);
	assert_int_equal(r.state, ROW_UNSIZED);
	assert_false(r.connections.known);
	assert_non_null(strstr(r.reason, "what the generator takes"));
	l.generator = (struct generator){.name = "vegeta"};
	r = row_for(RESOURCE_generator_memory, &f, &l);
	assert_false(r.load.known || r.connections.known);
	assert_non_null(strstr(r.reason, "what vegeta takes"));
	l.generator = (struct generator){.name = "siege"};
	r = row_for(RESOURCE_generator_memory, &f, &l);
	assert_int_equal(r.state, ROW_FITS);
	assert_int_equal(r.demand, (10 << 20) + 1000 * (515 * 1024 + 5018));
	NEAR(r.connections.value, (int)(((1u << 30) - (10 << 20)) / (515 * 1024 + 5018)));
	l.generator = (struct generator){.name = "k6"};
	assert_int_equal(row_for(RESOURCE_generator_memory, &f, &l).state, ROW_BREAKS);
	l.generator.name = "wrk";
	f.memory.cgroup = (struct cgroup_room){2, true, 2000000, 1000000, "/a"};
	r = row_for(RESOURCE_generator_memory, &f, &l);
	assert_int_equal(r.limit, 1000000);
	assert_int_equal(r.state, ROW_BREAKS);

	f.cpu.quota.quota_us = 150000;
	f.cpu.quota.period_us = 100000;
	r = row_for(RESOURCE_cpu, &f, &l);
	assert_int_equal(r.limit, 1);
	NEAR(r.fraction, 0.5);
	load_done(&l);
}

static void test_what_is_not_known_is_never_fine(void **state)
{
	(void)state;
	struct facts f = {0};
	struct load l = LOADED("role", "generator", "connections", "10", "new_connections", "1",
			       "target", "10.0.0.1:80");
	struct rows rows;

	rows_for(&f, &l, &rows);
	assert_null(rows.first);
	for (unsigned i = 0; i < RESOURCES_LEN; i++) {
		assert_false(rows.row[i].has_limit);
		assert_true(rows.row[i].state == ROW_UNKNOWN || rows.row[i].state == ROW_NA);
	}
	load_done(&l);
}

static void test_each_resource_is_explained(void **state)
{
	(void)state;
	assert_int_equal(resources_len, RESOURCES_LEN);
	for (unsigned i = 0; i < RESOURCES_LEN; i++)
		assert_non_null(resource_find(resource_name((enum resource_id)i)));
}

static void test_room_of_control_groups(void **state)
{
	(void)state;
	struct temp_host t;
	struct cgroup_room room;
	struct err e;

	temp_open(&t);
	temp_write(&t, "/proc/self/cgroup", "3:pids:/a/b\n0::/x/y\n");
	temp_write(&t, "/proc/self/mountinfo",
		   "30 1 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
		   "31 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	temp_write(&t, "/sys/fs/cgroup/pids/a/b/pids.max", "max\n");
	temp_write(&t, "/sys/fs/cgroup/pids/a/b/pids.current", "5\n");
	temp_write(&t, "/sys/fs/cgroup/pids/a/pids.max", "100\n");
	temp_write(&t, "/sys/fs/cgroup/pids/a/pids.current", "40\n");
	assert_ok(cgroup_pids(&t.host, 0, &room, &e), &e);
	assert_int_equal(room.version, 1);
	assert_true(room.limited);
	assert_int_equal(room.max - room.now, 60);
	assert_string_equal(room.owner, "/a");

	temp_write(&t, "/sys/fs/cgroup/unified/cgroup.controllers", "cpu memory\n");
	temp_write(&t, "/sys/fs/cgroup/unified/x/memory.max", "1000\n");
	temp_write(&t, "/sys/fs/cgroup/unified/x/memory.current", "900\n");
	temp_write(&t, "/sys/fs/cgroup/unified/x/memory.stat", "anon 5\ninactive_file 300\n");
	temp_write(&t, "/sys/fs/cgroup/unified/x/y/memory.max", "500\n");
	temp_write(&t, "/sys/fs/cgroup/unified/x/y/memory.current", "50\n");
	assert_ok(cgroup_memory(&t.host, 0, &room, &e), &e);
	assert_int_equal(room.version, 2);
	assert_string_equal(room.owner, "/x"); /* 400 left, of which the cache gives 300 back */
	assert_int_equal(room.max - room.now, 400);
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_ports),
		cmocka_unit_test(test_the_example_of_the_design),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_loopback_reuses_by_default),
		cmocka_unit_test(test_rate_follows_what_it_is_tied_to),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_both_sides_of_a_proxy),
		cmocka_unit_test(test_time_wait_is_of_the_end_that_closes),
		cmocka_unit_test(test_ports_bound_what_conntrack_can_hold),
		cmocka_unit_test(test_a_table_that_is_not_used),
		cmocka_unit_test(test_descriptors_by_runtime),
		cmocka_unit_test(test_the_tightest_limit_on_threads),
		cmocka_unit_test(test_memory_and_cpus),
		cmocka_unit_test(test_what_is_not_known_is_never_fine),
		cmocka_unit_test(test_each_resource_is_explained),
		cmocka_unit_test(test_room_of_control_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

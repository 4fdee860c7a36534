/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of CPUs, memory, pressure and the clock, and how many threads fit. */
#include "tests/unit/temp_host.h"

#include "base/cleanup.h"
#include "core/check.h"
#include "sys/clock.h"
#include "sys/cpu.h"
#include "sys/meminfo.h"
#include "sys/pressure.h"

#define POLICY "/sys/devices/system/cpu/cpufreq/policy"

static void test_cpu_times(void **state unused_)
{
	struct temp_host t;
	struct cpu_times c;
	struct err e = {0};

	temp_open(&t);
	temp_write(&t, "/proc/stat",
		   "cpu  100 20 30 800 5 6 7 32 90 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
	assert_ok(cpu_read_times(&t.host, &c, &e), &e);
	assert_int_equal(c.total, 1000); /* guest time is not counted twice */
	assert_int_equal(c.steal, 32);
	temp_write(&t, "/proc/stat", "cpu  1 2 3\n");
	assert_int_equal(cpu_read_times(&t.host, &c, &e), -EPROTO);
	temp_write(&t, "/proc/stat", "intr 1 2 3 4 5 6 7 8 9\n");
	assert_int_equal(cpu_read_times(&t.host, &c, &e), -EPROTO);
	temp_close(&t);
}

static void test_policies(void **state unused_)
{
	struct temp_host t;
	struct cpu_policy *none;
	size_t len = 9;
	struct err e = {0};

	temp_open(&t);
	assert_int_equal(cpu_read_policies(&t.host, &none, &len, &e), -ENOENT);
	temp_write(&t, "/sys/devices/system/cpu/online", "0-3,6\n");
	assert_int_equal(cpu_online(&t.host), 5);
	assert_ok(cpu_read_policies(&t.host, &none, &len, &e), &e);
	assert_int_equal(len, 0);
	temp_write(&t, POLICY "0/scaling_governor", "schedutil\n");
	temp_write(&t, POLICY "12/scaling_governor", "schedutil\n");
	temp_write(&t, POLICY "12/scaling_driver", "acpi-cpufreq\n");
	temp_write(&t, "/sys/devices/system/cpu/cpufreq/boost", "1\n");

	cleanup_free struct cpu_policy *p = NULL;

	assert_ok(cpu_read_policies(&t.host, &p, &len, &e), &e);
	assert_int_equal(len, 2);
	assert_string_equal(p[0].governor, "schedutil");
	assert_string_equal(p[1].governor, "schedutil");
	assert_true((*p[0].driver != '\0') != (*p[1].driver != '\0'));
	temp_close(&t);
}

static void test_pressure(void **state unused_)
{
	struct temp_host t;
	struct pressure p;
	struct err e = {0};

	temp_open(&t);
	assert_int_equal(pressure_read(&t.host, "cpu", &p, &e), -ENOENT);
	temp_write(&t, "/proc/pressure/cpu",
		   "some avg10=12.50 avg60=1.00 avg300=0.00 total=5\n"
		   "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	assert_ok(pressure_read(&t.host, "cpu", &p, &e), &e);
	assert_true(p.some_avg10 > 12.49 && p.some_avg10 < 12.51);
	temp_write(&t, "/proc/pressure/cpu", "some avg10=nan avg60=1.00\n");
	assert_int_equal(pressure_read(&t.host, "cpu", &p, &e), -EPROTO);
	temp_close(&t);
}

static void test_meminfo(void **state unused_)
{
	struct temp_host t;
	struct meminfo m;
	struct err e = {0};

	temp_open(&t);
	temp_write(&t, "/proc/meminfo",
		   "MemTotal:       8000 kB\nMemFree:  1 kB\nMemAvailable:   7000 kB\n"
		   "SwapCached:     3 kB\nSwapTotal:      500 kB\nSwapFree:       400 kB\n");
	assert_ok(meminfo_read(&t.host, &m, &e), &e);
	assert_int_equal(m.total_kib, 8000);
	assert_int_equal(m.available_kib, 7000);
	assert_int_equal(m.swap_total_kib, 500);
	assert_int_equal(m.swap_free_kib, 400);
	temp_write(&t, "/proc/meminfo", "MemTotal:       8000 kB\nMemFree:  1 kB\n");
	assert_int_equal(meminfo_read(&t.host, &m, &e), -EPROTO);
	temp_close(&t);
}

static void test_clock(void **state unused_)
{
	struct temp_host t;
	struct clock_source c;
	struct clock_sync s;
	struct err e = {0};

	temp_open(&t);
	temp_write(&t, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		   "hpet\n");
	temp_write(&t, "/sys/devices/system/clocksource/clocksource0/available_clocksource",
		   "hpet acpi_pm \n");
	assert_ok(clock_read_source(&t.host, &c, &e), &e);
	assert_string_equal(c.current, "hpet");
	assert_string_equal(c.available, "hpet acpi_pm");
	assert_int_equal(clock_read_sync(&t.host, &s, &e), -EOPNOTSUPP);
	temp_close(&t);
}

static enum finding_status pids_status(const struct temp_host *t, uint64_t threads)
{
	struct load load = {.generator = {.name = "jmeter", .threads = threads}};
	struct check_input in = {.host = &t->host, .load = &load};
	struct findings fs = {0};
	struct err e = {0};

	assert_ok(check_limits_pids.run(&in, &fs, &e), &e);
	assert_int_equal(fs.len, 1);

	enum finding_status s = fs.item[0].status;

	assert_int_equal(fs.item[0].needed, threads != 0);
	assert_int_equal(fs.item[0].arithmetic != NULL, threads != 0);
	findings_done(&fs);
	return s;
}

/* A generator with a thread for each connection: as many as there is room for, and one more. */
static void test_threads(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, "/proc/loadavg", "0.00 0.00 0.00 1/1000 7\n");
	temp_write(&t, "/proc/sys/kernel/pid_max", "32768\n");
	temp_write(&t, "/proc/sys/kernel/threads-max", "10000\n");
	assert_int_equal(pids_status(&t, 0), FINDING_PASS);
	assert_int_equal(pids_status(&t, 7000), FINDING_PASS);
	assert_int_equal(pids_status(&t, 8000), FINDING_WARN); /* 90 % with them */
	assert_int_equal(pids_status(&t, 9001), FINDING_FAIL);
	temp_close(&t);
}

/* This host has all of them, whatever they say. */
static void test_live(void **state unused_)
{
	struct host h;
	struct err e = {0};
	struct cpu_times a, b;
	struct meminfo m;
	struct clock_source c;
	struct clock_sync s;

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	assert_ok(cpu_read_times(&h, &a, &e), &e);
	assert_ok(cpu_read_times(&h, &b, &e), &e);
	assert_true(a.total > 0 && b.total >= a.total && b.steal >= a.steal);
	assert_ok(meminfo_read(&h, &m, &e), &e);
	assert_true(m.available_kib <= m.total_kib && m.total_kib > 0);
	assert_ok(clock_read_source(&h, &c, &e), &e);
	assert_non_null(strstr(c.available, c.current));
	assert_ok(clock_read_sync(&h, &s, &e), &e);
	assert_true(cpu_online(&h) > 0);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_times), cmocka_unit_test(test_policies),
		cmocka_unit_test(test_pressure),  cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_clock),	  cmocka_unit_test(test_live),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

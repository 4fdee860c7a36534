/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include "sys/cgroup.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define MEMBERSHIP "/proc/self/cgroup"
#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_CPU "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V1_SET "32 23 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define UNIFIED "33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define PROC "22 27 0:21 / /proc rw,relatime - proc proc rw\n"

static struct cgroup_cpu ask(const struct temp_host *t, pid_t pid)
{
	struct cgroup_cpu c;
	struct err e = {0};

	memset(&c, 0x55, sizeof(c));
	assert_ok(cgroup_cpu(&t->host, pid, &c, &e), &e);
	return c;
}

static void write_v1(const struct temp_host *t, const char *group, const char *quota,
		     const char *period)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", group);
	temp_write(t, path, quota);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", group);
	temp_write(t, path, period);
}

/* The leaf and the slice have no quota, the scope between them has. */
static void test_v2_ancestor(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, MOUNTINFO, PROC V2);
	temp_write(&t, MEMBERSHIP, "0::/a.slice/b.scope/leaf\n");
	temp_write(&t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	temp_write(&t, "/sys/fs/cgroup/a.slice/cpu.max", "max 100000\n");
	temp_write(&t, "/sys/fs/cgroup/a.slice/b.scope/cpu.max", "150000 100000\n");
	temp_write(&t, "/sys/fs/cgroup/a.slice/b.scope/cpu.stat",
		   "usage_usec 5\nnr_periods 200\nnr_throttled 17\nthrottled_usec 3\n");
	temp_write(&t, "/sys/fs/cgroup/a.slice/b.scope/leaf/cpu.max", "max 100000\n");
	struct cgroup_cpu c = ask(&t, 0);
	assert_int_equal(c.version, 2);
	assert_int_equal(c.quota_us, 150000);
	assert_int_equal(c.period_us, 100000);
	assert_int_equal(c.periods, 200);
	assert_int_equal(c.throttled, 17);
	assert_string_equal(c.owner, "/a.slice/b.scope");

	/* A tighter one in the leaf, by its ratio and not by its number. */
	temp_write(&t, "/sys/fs/cgroup/a.slice/b.scope/leaf/cpu.max", "400000 1000000\n");
	c = ask(&t, 0);
	assert_int_equal(c.quota_us, 400000);
	assert_int_equal(c.periods, 0);
	assert_string_equal(c.owner, "/a.slice/b.scope/leaf");
	temp_close(&t);
}

static void test_v2_no_quota(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, MOUNTINFO, V2);
	temp_write(&t, MEMBERSHIP, "0::/\n");
	temp_write(&t, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io\n");
	struct cgroup_cpu c = ask(&t, 0);
	assert_int_equal(c.version, 2);
	assert_int_equal(c.quota_us, 0);
	assert_string_equal(c.owner, "");
	/* The controller is not there: "cpuset" is another one. */
	temp_write(&t, "/sys/fs/cgroup/cgroup.controllers", "cpuset io\n");
	assert_int_equal(ask(&t, 0).version, 0);
	temp_close(&t);
}

static void test_v1_ancestor(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, MOUNTINFO, V1_SET V1_CPU UNIFIED);
	temp_write(&t, MEMBERSHIP,
		   "9:cpuset:/elsewhere\n4:cpu,cpuacct:/docker/1/leaf\n1:name=systemd:/x\n0::/u\n");
	/* A hybrid host: cgroup2 is there too, without the controller. */
	temp_write(&t, "/sys/fs/cgroup/unified/cgroup.controllers", "\n");
	temp_write(&t, "/sys/fs/cgroup/unified/u/cpu.max", "1000 100000\n");
	write_v1(&t, "", "-1\n", "100000\n");
	write_v1(&t, "/docker", "300000\n", "100000\n");
	write_v1(&t, "/docker/1", "100000\n", "50000\n");
	write_v1(&t, "/docker/1/leaf", "-1\n", "100000\n");
	temp_write(&t, "/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.stat",
		   "nr_periods 9\nnr_throttled 4\nthrottled_time 1\n");
	struct cgroup_cpu c = ask(&t, 0);
	assert_int_equal(c.version, 1);
	assert_int_equal(c.quota_us, 100000);
	assert_int_equal(c.period_us, 50000);
	assert_int_equal(c.periods, 9);
	assert_int_equal(c.throttled, 4);
	assert_string_equal(c.owner, "/docker/1");
	temp_close(&t);
}

/* In a container without a cgroup namespace its own group is the mount, under its full name. */
static void test_v1_container(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, MOUNTINFO,
		   "31 23 0:27 /docker/1 /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup "
		   "rw,cpuacct,cpu\n");
	temp_write(&t, "/proc/55/cgroup", "4:cpu,cpuacct:/docker/1/app\n");
	write_v1(&t, "", "200000\n", "100000\n");
	write_v1(&t, "/app", "-1\n", "100000\n");
	struct cgroup_cpu c = ask(&t, 55);
	assert_int_equal(c.version, 1);
	assert_int_equal(c.quota_us, 200000);
	assert_string_equal(c.owner, "/docker/1");

	/* A process of elsewhere: of its groups only the mount itself is to be seen. */
	temp_write(&t, "/proc/55/cgroup", "4:cpu,cpuacct:/docker/10\n");
	assert_int_equal(ask(&t, 55).quota_us, 200000);
	temp_write(&t, "/proc/55/cgroup", "4:cpu,cpuacct:/../docker/10\n");
	assert_int_equal(ask(&t, 55).quota_us, 200000);
	temp_close(&t);
}

/* Of two mounts of one hierarchy, the one that shows the group; blanks in paths are octal. */
static void test_two_mounts(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, MOUNTINFO,
		   "30 1 0:26 /other /mnt/x rw - cgroup cgroup rw,cpu\n"
		   "31 1 0:26 / /mnt/my\\040groups rw - cgroup cgroup rw,cpu\n"
		   "32 1 0:26 / /mnt/later rw - cgroup cgroup rw,cpu\n"
		   "not a mount at all\n");
	temp_write(&t, MEMBERSHIP, "4:cpu:/g\n");
	temp_write(&t, "/mnt/my groups/g/cpu.cfs_quota_us", "5000\n");
	temp_write(&t, "/mnt/my groups/g/cpu.cfs_period_us", "10000\n");
	struct cgroup_cpu c = ask(&t, 0);
	assert_int_equal(c.quota_us, 5000);
	assert_string_equal(c.owner, "/g");
	temp_close(&t);
}

static void test_nothing(void **state unused_)
{
	struct temp_host t;
	struct cgroup_cpu c;
	struct err e = {0};

	temp_open(&t);
	assert_int_equal(ask(&t, 0).version, 0); /* no cgroups in the kernel */
	assert_int_equal(cgroup_cpu(&t.host, 77, &c, &e), -ESRCH);
	temp_write(&t, MEMBERSHIP, "4:cpu:/g\n0::/\nbroken\n");
	temp_write(&t, MOUNTINFO, PROC);
	assert_int_equal(ask(&t, 0).version, 0); /* not mounted */
	temp_close(&t);
}

/* Whatever this machine has, asking works and what is told is consistent. */
static void test_live(void **state unused_)
{
	struct host h;
	struct err e = {0};
	struct cgroup_cpu c;

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	assert_ok(cgroup_cpu(&h, 0, &c, &e), &e);
	assert_true(c.version >= 0 && c.version <= 2);
	assert_true((c.quota_us == 0) == (c.period_us == 0));
	assert_true((c.quota_us == 0) == (c.owner[0] == '\0'));
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v2_ancestor), cmocka_unit_test(test_v2_no_quota),
		cmocka_unit_test(test_v1_ancestor), cmocka_unit_test(test_v1_container),
		cmocka_unit_test(test_two_mounts),  cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of sysfs that a profile may set, on a host made up in a folder. */
#include "temp_host.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/nic_key.h"
#include "core/setting_kind.h"
#include "core/sysfs_key.h"
#include "sys/sysfs.h"
#include "tune/knob.h"

#define CPU "/sys/devices/system/cpu/"
#define THP "/sys/kernel/mm/transparent_hugepage/"
#define NET "/sys/class/net/"

static void test_allowed(void **state unused_)
{
	static const char *const allowed[] = {
		CPU "cpu0/cpufreq/scaling_governor",
		CPU "cpu*/cpufreq/scaling_governor",
		CPU "cpu1?/cpufreq/energy_performance_preference",
		CPU "cpufreq/policy[0-3]/scaling_governor",
		THP "enabled",
		THP "defrag",
		NET "eth0/queues/rx-0/rps_cpus",
		NET "*/queues/rx-*/rps_flow_cnt",
		NET "eth0.100/queues/tx-7/xps_cpus",
		NET "en*/threaded",
		NET "lo/tx_queue_len",
	};
	static const char *const refused[] = {
		"",
		"/",
		"/sys",
		"/sys/",
		THP "khugepaged",
		"/sys/kernel/mm/transparent_hugepag?/enabled",
		"/sys/kernel/mm/*/enabled",
		"/sys/k*/mm/transparent_hugepage/enabled",
		"sys/kernel/mm/transparent_hugepage/enabled",
		"//sys/kernel/mm/transparent_hugepage/enabled",
		THP "enabled/",
		THP "../transparent_hugepage/enabled",
		"/sys/kernel/uevent_helper",
		"/proc/sys/kernel/core_pattern",
		NET "../../kernel/mm/transparent_hugepage/enabled",
		NET "../queues/rx-0/rps_cpus",
		NET "./tx_queue_len",
		NET "/tx_queue_len",
		NET "eth0:1/tx_queue_len",
		NET "a-name-that-is-too-long/tx_queue_len",
		NET "eth0/queues/rx-x/rps_cpus",
		NET "eth0/queues/rx-/rps_cpus",
		NET "eth0/queues/*/rps_cpus",
		NET "eth0/queues/tx-0/rps_cpus",
		NET "eth0/*",
		NET "eth0/address",
		CPU "cpu*/online",
		CPU "cpu0/../cpu1/cpufreq/scaling_governor",
		CPU "*/cpufreq/scaling_governor",
		CPU "cpu0/cpufreq/scaling_governor ",
	};

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (!sysfs_key_find(allowed[i]))
			fail_msg("'%s' should be allowed", allowed[i]);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (sysfs_key_find(refused[i]))
			fail_msg("'%s' should be refused", refused[i]);
}

static void test_values(void **state unused_)
{
	static const struct {
		const char *path, *value;
		bool good;
	} cases[] = {
		{THP "enabled", "never", true},
		{THP "enabled", "[never]", false},
		{THP "enabled", "defer", false},
		{THP "defrag", "defer+madvise", true},
		{CPU "cpu*/cpufreq/scaling_governor", "performance", true},
		{CPU "cpu*/cpufreq/scaling_governor", "fast", false},
		{NET "*/queues/rx-*/rps_cpus", "all", true},
		{NET "*/queues/rx-*/rps_cpus", "f", true},
		{NET "*/queues/rx-*/rps_cpus", "0-3", false},
		{NET "eth0/threaded", "1", true},
		{NET "eth0/threaded", "2", false},
		{NET "eth0/threaded", "all", false},
		{NET "eth0/tx_queue_len", "-1", false},
		{NET "eth0/tx_queue_len", "1 2", false},
		{NET "eth0/napi_defer_hard_irqs", "2147483648", false},
		{NET "eth0/gro_flush_timeout", "20000", true},
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct sysfs_key *k = sysfs_key_find(cases[i].path);

		assert_non_null(k);
		if ((sysfs_value_check(k, cases[i].value, &e) == 0) != cases[i].good)
			fail_msg("'%s' of '%s'", cases[i].value, cases[i].path);
	}
}

static void temp_link(const struct temp_host *t, const char *path, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", t->folder, path);
	assert_int_equal(symlink(target, full), 0);
}

static void add_line(const char *key, void *data)
{
	strbuf_addf(data, "%s\n", key);
}

static void assert_expands(const struct temp_host *t, const char *key, const char *lines)
{
	cleanup_with(strbuf_done) struct strbuf found = {0};
	struct err e;

	assert_ok(setting_sysfs.expand(&t->host, key, add_line, &found, &e), &e);
	assert_string_equal(strbuf_get(&found), lines);
}

static void assert_reads(const struct temp_host *t, const char *key, const char *value)
{
	char now[SETTING_VALUE_MAX];
	struct err e;

	assert_ok(setting_sysfs.read(&t->host, key, now, &e), &e);
	assert_string_equal(now, value);
}

static void assert_resolves(const struct temp_host *t, const char *key, const char *want,
			    const char *value)
{
	char text[SETTING_VALUE_MAX];
	struct err e;

	assert_ok(setting_sysfs.resolve(&t->host, key, want, text, &e), &e);
	assert_string_equal(text, value);
}

static void test_expand(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	for (int i = 0; i <= 10; i++) {
		char path[128];

		snprintf(path, sizeof(path), "/sys/devices/x/net/eth0/queues/rx-%d/rps_cpus", i);
		temp_write(&t, path, "3\n");
	}
	temp_write(&t, "/sys/devices/x/net/eth0/queues/rx-0/rps_flow_cnt", "0\n");
	temp_write(&t, "/sys/devices/x/net/eth0/queues/rx-other/rps_cpus", "3\n");
	temp_write(&t, "/sys/devices/y/net/eth1/queues/rx-0/rps_cpus", "3\n");
	temp_write(&t, "/sys/class/net/bonding_masters", "bond0\n");
	temp_link(&t, "/sys/class/net/eth0", "../../devices/x/net/eth0");
	temp_link(&t, "/sys/class/net/eth1", "../../devices/y/net/eth1");

	assert_expands(&t, NET "*/queues/rx-[01]/rps_cpus",
		       NET "eth0/queues/rx-0/rps_cpus\n" NET "eth0/queues/rx-1/rps_cpus\n" NET
			   "eth1/queues/rx-0/rps_cpus\n");
	assert_expands(&t, NET "eth0/queues/rx-1*/rps_cpus",
		       NET "eth0/queues/rx-1/rps_cpus\n" NET "eth0/queues/rx-10/rps_cpus\n");
	assert_expands(&t, NET "eth0/queues/rx-*/rps_cpus",
		       NET "eth0/queues/rx-0/rps_cpus\n" NET "eth0/queues/rx-1/rps_cpus\n" NET
			   "eth0/queues/rx-2/rps_cpus\n" NET "eth0/queues/rx-3/rps_cpus\n" NET
			   "eth0/queues/rx-4/rps_cpus\n" NET "eth0/queues/rx-5/rps_cpus\n" NET
			   "eth0/queues/rx-6/rps_cpus\n" NET "eth0/queues/rx-7/rps_cpus\n" NET
			   "eth0/queues/rx-8/rps_cpus\n" NET "eth0/queues/rx-9/rps_cpus\n" NET
			   "eth0/queues/rx-10/rps_cpus\n");
	/* Only where the setting is. */
	assert_expands(&t, NET "*/queues/rx-*/rps_flow_cnt", NET "eth0/queues/rx-0/rps_flow_cnt\n");
	assert_expands(&t, NET "wlan*/queues/rx-*/rps_cpus", "");
	/* In full: meant, whether it is there or not. */
	assert_expands(&t, NET "eth9/threaded", NET "eth9/threaded\n");
	temp_close(&t);
}

static void test_policies(void **state unused_)
{
	static const char policies[] =
		CPU "cpufreq/policy0/scaling_governor\n" CPU "cpufreq/policy2/scaling_governor\n";
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, CPU "cpufreq/policy0/scaling_governor", "powersave\n");
	temp_write(&t, CPU "cpufreq/policy2/scaling_governor", "performance\n");
	for (int i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), CPU "cpu%d/online", i);
		temp_write(&t, path, "1\n");
		snprintf(path, sizeof(path), CPU "cpu%d/cpufreq", i);
		temp_link(&t, path, i < 2 ? "../cpufreq/policy0" : "../cpufreq/policy2");
	}
	/* Four CPUs, two policies: each file once, whichever way it is named. */
	assert_expands(&t, CPU "cpu*/cpufreq/scaling_governor", policies);
	assert_expands(&t, CPU "cpufreq/policy*/scaling_governor", policies);
	assert_expands(&t, CPU "cpu3/cpufreq/scaling_governor",
		       CPU "cpufreq/policy2/scaling_governor\n");
	assert_expands(&t, CPU "cpu*/cpufreq/energy_performance_preference", "");
	assert_reads(&t, CPU "cpufreq/policy0/scaling_governor", "powersave");
	temp_close(&t);
}

static void test_chosen_word(void **state unused_)
{
	struct temp_host t;
	char text[SETTING_VALUE_MAX];
	struct err e;

	temp_open(&t);
	temp_write(&t, THP "enabled", "always [madvise] never\n");
	temp_write(&t, THP "defrag", "always madvise [never]\n");
	assert_reads(&t, THP "enabled", "madvise");
	assert_reads(&t, THP "defrag", "never");
	assert_resolves(&t, THP "enabled", "never", "never");
	assert_resolves(&t, THP "enabled", "madvise", "madvise");
	/* A word that this kernel does not have yet. */
	assert_int_equal(setting_sysfs.resolve(&t.host, THP "defrag", "defer", text, &e),
			 -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "always madvise [never]"));
	temp_write(&t, THP "enabled", "always madvise never\n");
	assert_int_equal(setting_sysfs.read(&t.host, THP "enabled", text, &e), -EPROTO);
	temp_close(&t);
}

static void test_all_cpus(void **state unused_)
{
	static const char key[] = NET "eth0/queues/rx-0/rps_cpus";
	struct temp_host t;
	char text[SETTING_VALUE_MAX];
	struct err e;

	temp_open(&t);
	temp_write(&t, "/sys/kernel/x", "");
	assert_int_equal(setting_sysfs.resolve(&t.host, key, "all", text, &e), -EIO);
	temp_write(&t, CPU "online", "0-3,32-35\n");
	assert_resolves(&t, key, "all", "f,0000000f");
	assert_resolves(&t, key, "0000000f", "0000000f");
	/* The kernel takes these out of every mask of RPS. */
	temp_write(&t, CPU "isolated", "2-3\n");
	temp_write(&t, CPU "nohz_full", "32\n");
	assert_resolves(&t, key, "all", "e,00000003");
	temp_write(&t, CPU "isolated", "\n");
	temp_write(&t, CPU "nohz_full", "  (null)\n");
	assert_resolves(&t, key, "all", "f,0000000f");
	temp_close(&t);
}

/* Links of sysfs lead on inside it, and never out of it. */
static void test_beneath(void **state unused_)
{
	struct temp_host t;
	struct sysfs s;
	char text[SETTING_VALUE_MAX];
	struct err e;

	temp_open(&t);
	temp_write(&t, "/etc/tx_queue_len", "secret\n");
	temp_write(&t, "/sys/class/net/lo/tx_queue_len", "1000\n");
	temp_link(&t, "/sys/class/net/evil0", "../../../etc");
	temp_link(&t, "/sys/class/net/evil1", "/etc");
	assert_reads(&t, NET "lo/tx_queue_len", "1000");
	assert_int_equal(setting_sysfs.read(&t.host, NET "evil0/tx_queue_len", text, &e), -EXDEV);
	assert_int_equal(setting_sysfs.read(&t.host, NET "evil1/tx_queue_len", text, &e), -EXDEV);
	assert_int_equal(setting_sysfs.read(&t.host, NET "eth0/tx_queue_len", text, &e), -ENOENT);
	/* A captured host is never written. */
	assert_ok(sysfs_open(&s, &t.host, &e), &e);
	assert_int_equal(sysfs_write(&s, "class/net/lo/tx_queue_len", "1", &e), -EROFS);
	sysfs_close(&s);
	assert_int_equal(knob_sysfs.write(&t.host, NET "lo/tx_queue_len", "1", &e), -EROFS);
	assert_reads(&t, NET "lo/tx_queue_len", "1000");
	temp_close(&t);
}

static void assert_normalises(const char *key, const char *value, const char *shown)
{
	char buf[KNOB_VALUE_MAX];

	knob_sysfs.normalise(NULL, key, value, buf);
	assert_string_equal(buf, shown);
}

static void test_normalise(void **state unused_)
{
	assert_normalises(NET "eth0/queues/rx-0/rps_flow_cnt", "100", "128");
	assert_normalises(NET "eth0/queues/rx-0/rps_flow_cnt", "128", "128");
	assert_normalises(NET "eth0/queues/rx-0/rps_flow_cnt", "1", "1");
	assert_normalises(NET "eth0/queues/rx-0/rps_flow_cnt", "0", "0");
	assert_normalises(NET "eth0/queues/rx-0/rps_flow_cnt", "1073741824", "1073741824");
	assert_normalises(NET "eth0/tx_queue_len", "100", "100");
	assert_normalises(NET "eth0/queues/rx-0/rps_cpus", "00000000,0000000F", "f");
	assert_normalises(THP "enabled", "never", "never");
}

static void test_nic_keys(void **state unused_)
{
	static const char *const refused[] = {"",
					      "eth0",
					      ":rx_ring",
					      "eth0:",
					      "eth0:mtu",
					      "a/b:rx_ring",
					      "e 0:rx_ring",
					      "eth0:1:rx_ring",
					      "a-name-too-long-for-one:rx_ring"};
	char device[LINK_NAME_MAX];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (nic_key_find(refused[i], device))
			fail_msg("'%s' should be refused", refused[i]);
	assert_non_null(nic_key_find("eth0.100:rx_ring", device));
	assert_string_equal(device, "eth0.100");
	assert_int_equal(nic_value_check(OP_AT_LEAST, "max", &e), 0);
	assert_int_equal(nic_value_check(OP_EXACT, "4096", &e), 0);
	assert_int_equal(nic_value_check(OP_AT_MOST, "4096", &e), -ERR_BAD_INPUT);
	assert_int_equal(nic_value_check(OP_EXACT, "0", &e), -ERR_BAD_INPUT);
	assert_int_equal(nic_value_check(OP_EXACT, "0x10", &e), -ERR_BAD_INPUT);
}

/* The kernel's own refusals; what it takes is tried in tests/netns. */
static void test_ethtool_refusals(void **state unused_)
{
	struct host live;
	struct err e = {0};

	if (!temp_is_root())
		skip();
	temp_netns(&live);
	/* lo has no channels, 9999 is no device. */
	assert_int_equal(ethtool_set(&live, ETHTOOL_RX_CHANNELS, 1, 1, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.msg, "ethtool-channels-set"));
	assert_int_equal(ethtool_set(&live, ETHTOOL_TX_RING, 9999, 1, &e), -ENODEV);
	host_close(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),	    cmocka_unit_test(test_values),
		cmocka_unit_test(test_expand),	    cmocka_unit_test(test_policies),
		cmocka_unit_test(test_chosen_word), cmocka_unit_test(test_all_cpus),
		cmocka_unit_test(test_beneath),	    cmocka_unit_test(test_normalise),
		cmocka_unit_test(test_nic_keys),    cmocka_unit_test(test_ethtool_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

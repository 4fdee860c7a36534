/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dropped packets, provoked on loopback; and watches that must stay silent. */
#include "tests/unit/watch_fixture.h"

#include "sys/bpf.h"

/* Before 6.11 nothing tells which socket a dropped datagram was for. */
static bool tells_socket(void)
{
	cleanup_with(arena_done) struct arena a = {0};
	struct kfree_skb_features features;
	struct err e = {0};

	assert_ok(bpf_kfree_skb_features(&a, &features, &e), &e);
	return features.has_rx_sk;
}

static void udp_overflow_is_named(int family, const char *name, bool bpf)
{
	struct fixture f = {0};
	uint16_t port;
	char subject[64] = CAUSE_UNATTRIBUTED;

	temp_netns(&f.host);
	if (bpf && !bpf_loads(&f.host)) {
		host_close(&f.host);
		skip();
		return;
	}
	int fd = bound_socket(family, SOCK_DGRAM, &port);
	bool placed = bpf && tells_socket();

	if (placed)
		snprintf(subject, sizeof(subject), "udp port %u", port);
	uint64_t before = counter(&f, name);

	open_watch(&f, bpf);
	flood_udp(family, port, 2000);
	watch_for(&f, 150);
	watch_finish(f.watch);

	uint64_t lost = counter(&f, name) - before;
	const struct alert *a = find(&f, "udp.receive_buffer", subject);

	assert_true(lost > 0);
	assert_non_null(a);
	assert_int_equal(total(&f, "udp.receive_buffer"), lost);
	assert_int_equal(a->count, lost);
	assert_true(a->exact);
	if (placed || !bpf)
		assert_string_equal(a->source, placed ? "tp_btf" : "netstat");
	assert_int_equal(a->port, placed ? port : 0);
	close(fd);
	close_fixture(&f);
}

static void test_udp_with_bpf(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		udp_overflow_is_named(AF_INET, "UdpRcvbufErrors", true);
}

static void test_udp6_with_bpf(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		udp_overflow_is_named(AF_INET6, "Udp6RcvbufErrors", true);
}

static void test_udp_without_bpf(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		udp_overflow_is_named(AF_INET, "UdpRcvbufErrors", false);
}

static void test_firewall(void **state unused_)
{
	struct fixture f = {0};

	if (!skip_unless(temp_is_root() && has_nft()))
		return;
	temp_netns(&f.host);
	if (!bpf_loads(&f.host)) {
		host_close(&f.host);
		skip();
		return;
	}
	assert_true(run_nft("table inet t { chain in { type filter hook input priority 0; "
			    "udp dport 9 drop; }; }"));
	open_watch(&f, true);
	flood_udp(AF_INET, 9, 37);
	watch_for(&f, 150);
	flood_udp(AF_INET, 9, 5);
	watch_finish(f.watch);

	const struct alert *a = find(&f, "firewall.drop", "firewall");

	assert_non_null(a);
	assert_int_equal(a->count, 42);
	assert_int_equal(f.seen.alerts, 1);
	assert_true(a->exact);
	assert_string_equal(a->source, "tp_btf");
	assert_int_equal(a->detail.kind, DETAIL_PLACE);
	assert_true(strcmp(a->detail.function, "nft_do_chain") == 0 ||
		    strcmp(a->detail.function, "nf_hook_slow") == 0);
	close_fixture(&f);
}

/* What another namespace loses is not this one's. */
static void test_other_namespace(void **state unused_)
{
	struct fixture f = {0};
	struct host other;

	if (!skip_unless(temp_is_root() && has_nft()))
		return;
	temp_netns(&f.host);
	if (!bpf_loads(&f.host)) {
		host_close(&f.host);
		skip();
		return;
	}
	int mine = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	open_watch(&f, true);
	temp_netns(&other);
	assert_true(run_nft("table inet t { chain in { type filter hook input priority 0; "
			    "udp dport 9 drop; }; }"));
	flood_udp(AF_INET, 9, 50);
	assert_int_equal(setns(mine, CLONE_NEWNET), 0);
	watch_for(&f, 150);
	watch_finish(f.watch);
	assert_int_equal(f.seen.alerts, 0);
	close(mine);
	host_close(&other);
	close_fixture(&f);
}

static void quiet_watch(bool bpf)
{
	struct fixture f = {0};
	uint16_t port, udp_port;
	char buf[600];

	temp_netns(&f.host);
	if (bpf && !bpf_loads(&f.host)) {
		host_close(&f.host);
		skip();
		return;
	}
	int fd = listener(16, &port), udp = bound_socket(AF_INET, SOCK_DGRAM, &udp_port);
	uint64_t start = now_monotonic_ns();

	open_watch(&f, bpf);
	print_message("watch_open(%s): %.1f ms\n", bpf ? "bpf" : "no bpf",
		      (double)(now_monotonic_ns() - start) / (double)NS_PER_MS);
	for (int i = 0; i < 50; i++) {
		serve_one(fd, port);
		flood_udp(AF_INET, udp_port, 1);
		assert_int_equal(read(udp, buf, sizeof(buf)), 512);
	}
	watch_for(&f, 250);
	watch_finish(f.watch);
	for (size_t i = 0; i < f.seen.alerts; i++)
		fail_msg("alert %s at '%s': %lu", f.seen.alert[i].cause->id,
			 f.seen.alert[i].subject, (unsigned long)f.seen.alert[i].count);
	assert_true(f.seen.duration_ns >= 250 * NS_PER_MS);
	close(fd);
	close(udp);
	close_fixture(&f);
}

static void test_quiet(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		quiet_watch(false);
}

static void test_quiet_with_bpf(void **state unused_)
{
	if (skip_unless(temp_is_root()))
		quiet_watch(true);
}

/* Without privileges BPF is a blind spot with its remedy, and the rest is watched. */
static int unprivileged_watch(void)
{
	const struct watch_options o = {.bpf = true};
	struct observation seen = {0};
	struct watch *w = NULL;
	struct host h;
	struct err e;
	bool told = false;

	if (setgid(65534) < 0 || setuid(65534) < 0 || host_open(&h, NULL, NULL, &e) < 0 ||
	    watch_open(&h, &o, &seen, &w, &e) < 0)
		return 2;
	for (size_t i = 0; i < seen.blinds; i++)
		told |= strcmp(seen.blind[i].source, "tp_btf/kfree_skb") == 0 &&
			strstr(seen.blind[i].reason, WITH_BPF ? "use sudo" : "built without BPF");
	watch_finish(w);
	watch_close(w);
	observation_done(&seen);
	host_close(&h);
	return told ? 0 : 1;
}

static void test_unprivileged(void **state unused_)
{
	int status;

	if (!skip_unless(temp_is_root()))
		return;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(unprivileged_watch());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_probes(void **state unused_)
{
	struct bpf_probe probe[BPF_PROBES];
	struct host h;
	struct err e = {0};

	assert_ok(host_open(&h, NULL, NULL, &e), &e);
	bpf_probe_all(&h, probe);
	for (size_t i = 0; i < BPF_PROBES; i++) {
		assert_true(probe[i].name && probe[i].used);
		assert_int_equal(probe[i].works, probe[i].why[0] == '\0');
		print_message("%s: %s\n", probe[i].name, probe[i].works ? "works" : probe[i].why);
	}
	/* The real program needs no more than the two it is made of. */
	if (probe[0].works && probe[1].works)
		assert_ok(watch_probe_bpf(&h, &e), &e);
	else
		assert_true(watch_probe_bpf(&h, &e) < 0);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_with_bpf),	cmocka_unit_test(test_udp6_with_bpf),
		cmocka_unit_test(test_udp_without_bpf), cmocka_unit_test(test_firewall),
		cmocka_unit_test(test_other_namespace), cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_quiet_with_bpf),	cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

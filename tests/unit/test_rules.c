/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules match, and which of them take traffic out of connection tracking. */
#include "tests/unit/temp_host.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/service.h"
#include "sys/modules.h"
#include "sys/rules_expr.h"
#include "tune/knob.h"

#define TCP 6
#define UDP 17

static void test_services(void **state unused_)
{
	static const char *const bad[] = {"",	      "8080",	    "tcp",     "tcp:",
					  "tcp:0",    "tcp:08",	    "tcp:-1",  "tcp:65536",
					  "tcp:80 ",  " tcp:80",    "sctp:80", "TCP:80",
					  "tcp:80;x", "tcp:8080/1", "tcp:0x50"};
	struct service s;

	assert_int_equal(service_parse("tcp:8080", &s), 0);
	assert_int_equal(s.protocol, TCP);
	assert_int_equal(s.port, 8080);
	assert_int_equal(service_parse("udp:65535", &s), 0);
	assert_string_equal(service_protocol(&s), "udp");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(service_parse(bad[i], &s), -EINVAL);
}

static void assert_ranges(const struct ranges *r, const char *want)
{
	struct strbuf text = {0};

	ranges_format(r, &text);
	assert_string_equal(strbuf_get(&text), want);
	strbuf_done(&text);
}

static void test_ranges_kept_and_turned_round(void **state unused_)
{
	struct ranges a = {0}, b = {0};

	assert_int_equal(ranges_parse(&a, "10-20,30,40-50", 100), 0);
	assert_int_equal(ranges_parse(&b, "0-12,20-45", 100), 0);
	ranges_keep(&a, &b);
	assert_ranges(&a, "10-12,20,30,40-45");
	ranges_invert(&a, 100);
	assert_ranges(&a, "0-9,13-19,21-29,31-39,46-100");
	ranges_invert(&a, 100);
	assert_ranges(&a, "10-12,20,30,40-45");
	ranges_done(&a);
	ranges_invert(&a, 65535);
	assert_ranges(&a, "0-65535");
	ranges_invert(&a, 65535);
	assert_ranges(&a, "");
	ranges_done(&b);
}

static void test_elements_of_sets(void **state unused_)
{
	struct port_element single[] = {{443, false}, {80, false}};
	struct port_element interval[] = {
		{9001, true}, {80, false}, {8000, false}, {81, true}, {65000, false}};
	struct ranges r = {0};

	expr_element_ranges(single, ARRAY_LEN(single), &r);
	assert_ranges(&r, "80,443");
	ranges_done(&r);
	/* The last one has no end: it goes up to the last port. */
	expr_element_ranges(interval, ARRAY_LEN(interval), &r);
	assert_ranges(&r, "80,8000-9000,65000-65535");
	ranges_done(&r);
	expr_element_ranges(NULL, 0, &r);
	assert_ranges(&r, "");
}

static struct traffic to_port(uint16_t port)
{
	return (struct traffic){NFPROTO_IPV4, TCP, FIELD_DPORT, port};
}

static void test_extensions_of_iptables(void **state unused_)
{
	struct xt_tcp tcp = {.spts = {0, 65535}, .dpts = {80, 90}, .invflags = XT_TCP_INV_DSTPT};
	struct xt_multiport_v1 many = {.flags = XT_MULTIPORT_DESTINATION,
				       .count = 3,
				       .ports = {22, 8000, 8100},
				       .pflags = {0, 1}};
	struct xt_ct_target_info_v1 ct = {.flags = XT_CT_NOTRACK};
	struct traffic t = to_port(85);
	struct arena a = {0};
	struct rule r = {.family = NFPROTO_IPV4};

	xt_read_match(&r, &a, "tcp", &tcp, sizeof(tcp));
	assert_false(r.limited[FIELD_SPORT]);
	assert_false(rule_may_match(&r, &t));
	t.port = 91;
	assert_true(rule_may_match(&r, &t));
	t.protocol = UDP;
	assert_false(rule_may_match(&r, &t));
	assert_false(r.narrowed);
	tcp.flg_mask = 2;
	xt_read_match(&r, &a, "tcp", &tcp, sizeof(tcp));
	assert_true(r.narrowed);
	rule_done(&r);

	r = (struct rule){.family = NFPROTO_IPV4};
	xt_read_match(&r, &a, "multiport", &many, sizeof(many));
	assert_ranges(&r.only[FIELD_DPORT], "22,8000-8100");
	xt_read_match(&r, &a, "comment", "", 0);
	assert_false(r.narrowed);
	xt_read_target(&r, &a, "CT", &ct, sizeof(ct));
	assert_int_equal(r.uses, RULE_NOTRACK);
	rule_done(&r);

	/* Cut short, or not known: it may match less than it seems to. */
	r = (struct rule){0};
	xt_read_match(&r, &a, "tcp", &tcp, 4);
	assert_true(r.narrowed);
	r = (struct rule){0};
	xt_read_match(&r, &a, "of_the_future", "", 0);
	assert_true(r.narrowed);
	xt_read_target(&r, &a, "CT", "", 0);
	assert_int_equal(r.uses, RULE_CT_OTHER);
	assert_string_equal(r.what, "-j CT");
	arena_done(&a);
}

/* A rule in a chain at prerouting, priority raw. */
static struct rule *add_rule(struct rules *rules, const char *chain, unsigned uses)
{
	struct rule *r = array_push((void **)&rules->item, &rules->len, &rules->cap, sizeof(*r));

	r->family = NFPROTO_INET;
	r->table = "t";
	r->chain = chain;
	r->uses = uses;
	r->base = true;
	r->hook = NF_INET_PRE_ROUTING;
	r->priority = -300;
	r->handle = rules->len;
	return r;
}

static uint64_t untracks(const struct rules *rules, const struct traffic *t)
{
	const struct rule *r = rules_untrack(rules, NF_INET_PRE_ROUTING, t);

	return r ? r->handle : 0;
}

static void test_what_takes_traffic_out(void **state unused_)
{
	struct rules rules = {0};
	struct traffic t = to_port(8080);

	assert_int_equal(untracks(&rules, &t), 0);
	add_rule(&rules, "a", RULE_NOTRACK)->narrowed = true;
	assert_int_equal(untracks(&rules, &t), 0);
	add_rule(&rules, "a", RULE_NOTRACK)->priority = -200; /* too late */
	assert_int_equal(untracks(&rules, &t), 0);
	add_rule(&rules, "a", RULE_NOTRACK)->base = false; /* jumped to, perhaps */
	assert_int_equal(untracks(&rules, &t), 0);
	rule_limit_range(add_rule(&rules, "a", RULE_NOTRACK), FIELD_SPORT, 1024, 65535, false);
	assert_int_equal(untracks(&rules, &t), 0);
	/* What left the chain does not come to its later rules, but to another chain's. */
	rule_limit_range(add_rule(&rules, "a", RULE_LEAVES), FIELD_DPORT, 8000, 9000, false);
	add_rule(&rules, "a", RULE_NOTRACK);
	assert_int_equal(untracks(&rules, &t), 0);
	t.port = 80;
	assert_int_equal(untracks(&rules, &t), 6);
	t.port = 8080;
	rule_limit_range(add_rule(&rules, "b", RULE_NOTRACK), FIELD_FAMILY, NFPROTO_IPV6,
			 NFPROTO_IPV6, false);
	assert_int_equal(untracks(&rules, &t), 0);
	rule_limit_range(add_rule(&rules, "b", RULE_NOTRACK), FIELD_DPORT, 8080, 8080, true);
	assert_int_equal(untracks(&rules, &t), 0);
	rule_limit_range(add_rule(&rules, "b", RULE_NOTRACK), FIELD_DPORT, 8080, 8080, false);
	assert_int_equal(untracks(&rules, &t), 9);
	assert_null(rules_untrack(&rules, NF_INET_LOCAL_OUT, &t));
	rules_done(&rules);
}

/* Answers go to ports that clients were given: never to a privileged one. */
static void test_the_other_end_is_a_client(void **state unused_)
{
	struct rule r = {.family = NFPROTO_INET};
	struct traffic from = {NFPROTO_IPV6, TCP, FIELD_SPORT, 8080};

	rule_limit_range(&r, FIELD_DPORT, 22, 22, false);
	assert_false(rule_may_match(&r, &from));
	rule_done(&r);
	r = (struct rule){.family = NFPROTO_INET};
	rule_limit_range(&r, FIELD_DPORT, 9090, 9090, false);
	assert_true(rule_may_match(&r, &from));
	rule_done(&r);
	r = (struct rule){.family = NFPROTO_IPV4};
	assert_false(rule_may_match(&r, &from));
	r.family = NFPROTO_BRIDGE;
	assert_false(rule_may_match(&r, &from));
}

static void test_modules(void **state unused_)
{
	struct temp_host t;
	struct host *h = &t.host;

	temp_open(&t);
	assert_int_equal(module_state(h, "nf_tables"), MODULE_HERE); /* no modules at all */
	temp_write(&t, "/proc/modules", "nf_tables_set 1 0 - Live 0x0\nact_ct 1 0 - Live 0x0\n");
	assert_int_equal(module_state(h, "act_ct"), MODULE_HERE);
	assert_int_equal(module_state(h, "nf_tables"), MODULE_UNKNOWN);
	temp_write(&t, "/lib/modules/6.1.0/modules.builtin",
		   "kernel/net/my_nf_tables.ko\nkernel/a/b.ko");
	snprintf(h->release, sizeof(h->release), "6.1.0");
	assert_int_equal(module_state(h, "nf_tables"), MODULE_ABSENT);
	assert_int_equal(module_state(h, "b"), MODULE_HERE);
	temp_close(&t);
}

static void test_keys_of_a_journal_are_checked(void **state unused_)
{
	const struct knob *k = knob_find("notrack");
	struct host h = {.captured = true, .init_netns = true, .root_fd = -1};
	struct err e;
	char buf[KNOB_VALUE_MAX];

	assert_non_null(k);
	assert_int_equal(k->permitted(&h, "tcp:8080; flush ruleset", &e), -ERR_BAD_INPUT);
	assert_int_equal(k->read(&h, "tcp:8080 }", buf, &e), -ERR_BAD_INPUT);
	assert_int_equal(k->write(&h, "x", "tracked", &e), -ERR_BAD_INPUT);
	assert_int_equal(k->write(&h, "tcp:80", "drop", &e), -ERR_BAD_INPUT);
	assert_int_equal(k->permitted(&h, "tcp:8080", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_ranges_kept_and_turned_round),
		cmocka_unit_test(test_elements_of_sets),
		cmocka_unit_test(test_extensions_of_iptables),
		cmocka_unit_test(test_what_takes_traffic_out),
		cmocka_unit_test(test_the_other_end_is_a_client),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_keys_of_a_journal_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

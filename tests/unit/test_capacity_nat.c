/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What translated addresses do to the sums. */
#include "tests/unit/capacity_fixture.h"

static bool of_ports(const struct facts *f, const struct load *l, const char *text)
{
	return strstr(row_for(RESOURCE_ports, f, l).arithmetic, text) != NULL;
}

/* NAT costs memory in the table and shares ports; of one source address it changes no number. */
static void test_nat(void **state)
{
	struct facts f = usual();
	struct ct_nat *n = &f.conntrack.use.nat;
	struct load l =
		LOADED("role", "generator", "connections", "10000", "target", "10.0.0.5:80");
	struct row before = row_for(RESOURCE_ports, &f, &l);

	(void)state;
	assert_null(strstr(before.arithmetic, "64 512"));
	assert_non_null(strstr(row_for(RESOURCE_conntrack, &f, &l).arithmetic, "5 MiB of memory;"));
	f.conntrack.nat = true;
	assert_true(of_ports(&f, &l, "nf_nat is here, and whether a rule"));
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, before.limit);
	assert_non_null(
		strstr(row_for(RESOURCE_conntrack, &f, &l).arithmetic, "6 MiB of memory with NAT"));
	*n = (struct ct_nat){.known = true, .destination = true, .rule = "R"};
	assert_false(of_ports(&f, &l, "64 512"));
	n->source = true;
	assert_true(of_ports(&f, &l, "the rule R may translate the load's source addresses: all"));
	n->all_sources = n->one_source = true;
	assert_true(of_ports(&f, &l, "the rule R translates the"));
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, before.limit);
	load_done(&l);
}

/* Ten source addresses that become one have 6 451 ports each, and not the whole range. */
static void test_nat_of_several_sources(void **state)
{
	struct facts f = usual();
	struct ct_nat *n = &f.conntrack.use.nat;
	struct load l = LOADED("role", "generator", "connections", "100000", "source-ips", "10",
			       "target", "10.0.0.5:80,10.0.0.6:80");
	uint64_t range = row_for(RESOURCE_ports, &f, &l).limit;

	(void)state;
	assert_true(range > 6451);
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).state, ROW_FITS);
	f.conntrack.nat = true;
	*n = (struct ct_nat){.known = true, .source = true, .all_sources = true, .rule = "R"};
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, range);
	n->one_source = true;

	struct row r = row_for(RESOURCE_ports, &f, &l);

	assert_int_equal(r.limit, 6451);
	NEAR(r.connections.value, 2 * 64510);
	assert_string_equal(r.owner, "the rule R, which makes one address of 10");
	l.bind_first = true;
	l.stated |= LOAD_BIND_FIRST;
	assert_int_equal(row_for(RESOURCE_ports, &f, &l).limit, 12902);
	load_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_nat_of_several_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

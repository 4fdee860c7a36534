/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/rules_expr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "sys/nl.h"

/* Attributes of any expression that is read here; the largest is NFTA_DYNSET_EXPRESSIONS. */
#define EXPR_MAX 16

/* Registers by number: four of 16 bytes (1 to 4), or sixteen of 4 (8 to 23); the verdict is 0. */
#define REGISTERS 24

/* What a register holds at this point of the rule. */
enum content {
	CONTENT_OTHER,
	CONTENT_FIELD,
	CONTENT_BOTH_PORTS, /* nft joins loads of neighbours into one */
};

struct state {
	struct rule *rule;
	struct arena *arena;
	struct {
		enum content is;
		enum rule_field field;
	} reg[REGISTERS];
	struct port_lookup *lookup;
	size_t lookups;
};

typedef const struct nlattr *const attributes[EXPR_MAX + 1];

uint32_t expr_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (attr && mnl_attr_get_payload_len(attr) >= sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return ntohl(value);
}

uint64_t expr_u64(const struct nlattr *attr)
{
	uint64_t value = 0;

	if (attr && mnl_attr_get_payload_len(attr) >= sizeof(value))
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return be64toh(value);
}

const char *expr_string(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(attr)
									 : "";
}

void expr_nested(const struct nlattr *nest, const struct nlattr **tb, size_t max)
{
	const struct nlattr *attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	if (!nest)
		return;
	for (attr = NULL; (attr = nl_nested_next(nest, attr));)
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
}

/* The bytes of NFTA_DATA_VALUE as a number: ports and protocols lie in network byte order. */
static bool data_number(const struct nlattr *data, size_t len, uint32_t *ret)
{
	const struct nlattr *tb[NFTA_DATA_MAX + 1];

	expr_nested(data, tb, NFTA_DATA_MAX);
	if (!tb[NFTA_DATA_VALUE] || mnl_attr_get_payload_len(tb[NFTA_DATA_VALUE]) < len)
		return false;

	const unsigned char *byte = mnl_attr_get_payload(tb[NFTA_DATA_VALUE]);

	*ret = 0;
	for (size_t i = 0; i < len; i++)
		*ret = *ret << 8 | byte[i];
	return true;
}

static size_t field_size(enum rule_field f)
{
	return f == FIELD_SPORT || f == FIELD_DPORT ? 2 : 1;
}

static void load(struct state *s, uint32_t reg, enum content is, enum rule_field field)
{
	if (reg >= REGISTERS)
		return;
	s->reg[reg].is = is;
	s->reg[reg].field = field;
}

static void read_meta(struct state *s, attributes tb)
{
	uint32_t reg = expr_u32(tb[NFTA_META_DREG]);

	if (!tb[NFTA_META_DREG])
		return; /* it sets a mark or a priority */
	switch (expr_u32(tb[NFTA_META_KEY])) {
	case NFT_META_NFPROTO:
		load(s, reg, CONTENT_FIELD, FIELD_FAMILY);
		break;
	case NFT_META_L4PROTO:
		load(s, reg, CONTENT_FIELD, FIELD_PROTOCOL);
		break;
	default:
		load(s, reg, CONTENT_OTHER, 0);
	}
}

static void read_payload(struct state *s, attributes tb)
{
	uint32_t reg = expr_u32(tb[NFTA_PAYLOAD_DREG]), at = expr_u32(tb[NFTA_PAYLOAD_OFFSET]);
	uint32_t len = expr_u32(tb[NFTA_PAYLOAD_LEN]), base = expr_u32(tb[NFTA_PAYLOAD_BASE]);
	bool transport = base == NFT_PAYLOAD_TRANSPORT_HEADER;
	/* Where the protocol lies in either header, if the table has one family alone. */
	uint32_t protocol = s->rule->family == NFPROTO_IPV4   ? 9
			    : s->rule->family == NFPROTO_IPV6 ? 6
							      : UINT32_MAX;

	if (!tb[NFTA_PAYLOAD_DREG])
		return; /* it writes into the packet */
	if (transport && at == 0 && len == 2)
		load(s, reg, CONTENT_FIELD, FIELD_SPORT);
	else if (transport && at == 2 && len == 2)
		load(s, reg, CONTENT_FIELD, FIELD_DPORT);
	else if (transport && at == 0 && len == 4)
		load(s, reg, CONTENT_BOTH_PORTS, 0);
	else if (base == NFT_PAYLOAD_NETWORK_HEADER && at == protocol && len == 1)
		load(s, reg, CONTENT_FIELD, FIELD_PROTOCOL);
	else
		load(s, reg, CONTENT_OTHER, 0);
}

static void limit_by_op(struct rule *r, enum rule_field f, uint32_t op, uint32_t value)
{
	switch (op) {
	case NFT_CMP_EQ:
	case NFT_CMP_NEQ:
		rule_limit_range(r, f, value, value, op == NFT_CMP_NEQ);
		break;
	case NFT_CMP_LT:
	case NFT_CMP_GTE:
		rule_limit_range(r, f, value, UINT16_MAX, op == NFT_CMP_LT);
		break;
	case NFT_CMP_LTE:
	case NFT_CMP_GT:
		rule_limit_range(r, f, 0, value, op == NFT_CMP_GT);
		break;
	default:
		r->narrowed = true;
	}
}

static void read_cmp(struct state *s, attributes tb)
{
	uint32_t reg = expr_u32(tb[NFTA_CMP_SREG]), op = expr_u32(tb[NFTA_CMP_OP]), value;
	enum content is = reg < REGISTERS ? s->reg[reg].is : CONTENT_OTHER;

	if (is == CONTENT_FIELD &&
	    data_number(tb[NFTA_CMP_DATA], field_size(s->reg[reg].field), &value)) {
		limit_by_op(s->rule, s->reg[reg].field, op, value);
	} else if (is == CONTENT_BOTH_PORTS && op == NFT_CMP_EQ &&
		   data_number(tb[NFTA_CMP_DATA], 4, &value)) {
		limit_by_op(s->rule, FIELD_SPORT, op, value >> 16);
		limit_by_op(s->rule, FIELD_DPORT, op, value & UINT16_MAX);
	} else {
		s->rule->narrowed = true;
	}
}

static void read_range(struct state *s, attributes tb)
{
	uint32_t reg = expr_u32(tb[NFTA_RANGE_SREG]), op = expr_u32(tb[NFTA_RANGE_OP]), low, high;

	if (reg >= REGISTERS || s->reg[reg].is != CONTENT_FIELD ||
	    !data_number(tb[NFTA_RANGE_FROM_DATA], field_size(s->reg[reg].field), &low) ||
	    !data_number(tb[NFTA_RANGE_TO_DATA], field_size(s->reg[reg].field), &high))
		s->rule->narrowed = true;
	else
		rule_limit_range(s->rule, s->reg[reg].field, low, high, op == NFT_RANGE_NEQ);
}

static void read_lookup(struct state *s, attributes tb)
{
	uint32_t reg = expr_u32(tb[NFTA_LOOKUP_SREG]);

	if (tb[NFTA_LOOKUP_DREG]) {
		/* A map: to a verdict, or to a value, which only packets in it have. */
		s->rule->narrowed = true;
		if (expr_u32(tb[NFTA_LOOKUP_DREG]) == NFT_REG_VERDICT)
			rule_use(s->rule, RULE_LEAVES, NULL);
		load(s, expr_u32(tb[NFTA_LOOKUP_DREG]), CONTENT_OTHER, 0);
		return;
	}
	if (reg >= REGISTERS || s->reg[reg].is != CONTENT_FIELD || s->lookups == RULE_FIELDS) {
		s->rule->narrowed = true;
		return;
	}
	s->lookup[s->lookups++] = (struct port_lookup){
		.field = s->reg[reg].field,
		.invert = expr_u32(tb[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV,
		.set = expr_string(tb[NFTA_LOOKUP_SET]),
	};
}

static void read_bitwise(struct state *s, attributes tb)
{
	load(s, expr_u32(tb[NFTA_BITWISE_DREG]), CONTENT_OTHER, 0);
}

static void read_immediate(struct state *s, attributes tb)
{
	if (expr_u32(tb[NFTA_IMMEDIATE_DREG]) == NFT_REG_VERDICT)
		rule_use(s->rule, RULE_LEAVES, NULL);
	else
		load(s, expr_u32(tb[NFTA_IMMEDIATE_DREG]), CONTENT_OTHER, 0);
}

static void read_ct(struct state *s, attributes tb)
{
	static const char *const keys[] = {
		[NFT_CT_STATE] = "ct state",   [NFT_CT_DIRECTION] = "ct direction",
		[NFT_CT_STATUS] = "ct status", [NFT_CT_MARK] = "ct mark",
		[NFT_CT_HELPER] = "ct helper", [NFT_CT_ZONE] = "ct zone",
	};
	uint32_t key = expr_u32(tb[NFTA_CT_KEY]);
	const char *name = key < ARRAY_LEN(keys) && keys[key] ? keys[key] : "ct";

	if (!tb[NFTA_CT_DREG]) {
		rule_use(s->rule, RULE_CT_OTHER, name);
		return;
	}
	load(s, expr_u32(tb[NFTA_CT_DREG]), CONTENT_OTHER, 0);
	rule_use(s->rule, RULE_CT_MATCH, name);
}

static void read_objref(struct state *s, attributes tb)
{
	uint32_t type = expr_u32(tb[NFTA_OBJREF_IMM_TYPE]);

	if (type == NFT_OBJECT_SYNPROXY)
		rule_use(s->rule, RULE_CT_MATCH, "synproxy");
	else if (type == NFT_OBJECT_CT_HELPER || type == NFT_OBJECT_CT_TIMEOUT ||
		 type == NFT_OBJECT_CT_EXPECT || !tb[NFTA_OBJREF_IMM_TYPE])
		rule_use(s->rule, RULE_CT_OTHER, "an object of ct");
}

static void read_nat(struct state *s, attributes tb)
{
	bool source = tb[NFTA_NAT_TYPE] && expr_u32(tb[NFTA_NAT_TYPE]) == NFT_NAT_SNAT;

	rule_use(s->rule, source ? RULE_SNAT : RULE_DNAT, source ? "snat" : "dnat");
}

static void read_match(struct state *s, attributes tb)
{
	const struct nlattr *info = tb[NFTA_MATCH_INFO];

	xt_read_match(s->rule, s->arena, expr_string(tb[NFTA_MATCH_NAME]),
		      info ? mnl_attr_get_payload(info) : "",
		      info ? mnl_attr_get_payload_len(info) : 0);
}

static void read_target(struct state *s, attributes tb)
{
	const struct nlattr *info = tb[NFTA_TARGET_INFO];

	xt_read_target(s->rule, s->arena, expr_string(tb[NFTA_TARGET_NAME]),
		       info ? mnl_attr_get_payload(info) : "",
		       info ? mnl_attr_get_payload_len(info) : 0);
}

static void read_expr(struct state *s, const struct nlattr *attr);

/* `add @set { … ct count over 9 }`: what is done for each element is nested in it. */
static void read_dynset(struct state *s, attributes tb)
{
	const struct nlattr *attr;

	s->rule->narrowed = true;
	if (tb[NFTA_DYNSET_EXPR])
		read_expr(s, tb[NFTA_DYNSET_EXPR]);
	if (tb[NFTA_DYNSET_EXPRESSIONS])
		for (attr = NULL; (attr = nl_nested_next(tb[NFTA_DYNSET_EXPRESSIONS], attr));)
			read_expr(s, attr);
}

/* A rule without any of those that matter has nothing to do with tracking. */
static const struct expression {
	const char *name;
	bool matters;
	unsigned use;				  /* enum rule_use, with its name as what */
	void (*read)(struct state *, attributes); /* NULL: nothing in it matters */
} expressions[] = {
	{"cmp", false, 0, read_cmp},
	{"payload", false, 0, read_payload},
	{"meta", false, 0, read_meta},
	{"counter", false, 0, NULL},
	{"immediate", false, 0, read_immediate},
	{"match", true, 0, read_match},
	{"target", true, 0, read_target},
	{"lookup", false, 0, read_lookup},
	{"ct", true, 0, read_ct},
	{"bitwise", false, 0, read_bitwise},
	{"range", false, 0, read_range},
	{"log", false, 0, NULL},
	{"last", false, 0, NULL},
	{"dup", false, 0, NULL},
	{"objref", true, 0, read_objref},
	{"dynset", true, 0, read_dynset},
	{"notrack", true, RULE_NOTRACK, NULL},
	{"nat", true, 0, read_nat},
	{"masq", true, RULE_SNAT | RULE_MASQUERADE, NULL},
	{"redir", true, RULE_DNAT, NULL},
	{"connlimit", true, RULE_CT_MATCH, NULL},
	{"synproxy", true, RULE_CT_MATCH, NULL},
	{"flow_offload", true, RULE_CT_OTHER, NULL},
};

static const struct expression *find_expression(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++)
		if (strcmp(name, expressions[i].name) == 0)
			return &expressions[i];
	return NULL;
}

static void read_expr(struct state *s, const struct nlattr *attr)
{
	const struct nlattr *tb[NFTA_EXPR_MAX + 1], *data[EXPR_MAX + 1];

	expr_nested(attr, tb, NFTA_EXPR_MAX);

	const struct expression *x = find_expression(expr_string(tb[NFTA_EXPR_NAME]));

	if (!x) {
		/* It may match less, and it may be a verdict (reject, queue, tproxy …). */
		s->rule->narrowed = true;
		rule_use(s->rule, RULE_LEAVES, NULL);
		return;
	}
	if (x->use)
		rule_use(s->rule, x->use, x->name);
	if (x->read) {
		expr_nested(tb[NFTA_EXPR_DATA], data, EXPR_MAX);
		x->read(s, data);
	}
}

bool expr_any_matters(const struct nlattr *list)
{
	const struct nlattr *attr, *tb[NFTA_EXPR_MAX + 1];

	if (!list)
		return false;
	for (attr = NULL; (attr = nl_nested_next(list, attr));) {
		expr_nested(attr, tb, NFTA_EXPR_MAX);

		const struct expression *x = find_expression(expr_string(tb[NFTA_EXPR_NAME]));

		if (x && x->matters)
			return true;
	}
	return false;
}

void expr_read_all(struct rule *r, const struct nlattr *list, struct arena *a,
		   struct port_lookup lookup[RULE_FIELDS], size_t *lookups)
{
	struct state s = {.rule = r, .arena = a, .lookup = lookup};
	const struct nlattr *attr;

	if (list)
		for (attr = NULL; (attr = nl_nested_next(list, attr));)
			read_expr(&s, attr);
	*lookups = s.lookups;
}

bool expr_element(const struct nlattr *attr, struct port_element *ret)
{
	const struct nlattr *tb[NFTA_SET_ELEM_MAX + 1], *key[NFTA_DATA_MAX + 1];

	expr_nested(attr, tb, NFTA_SET_ELEM_MAX);
	expr_nested(tb[NFTA_SET_ELEM_KEY], key, NFTA_DATA_MAX);

	size_t len = key[NFTA_DATA_VALUE] ? mnl_attr_get_payload_len(key[NFTA_DATA_VALUE]) : 0;

	/* An interval's end may be just above the last port, and is cut to 0 then. */
	ret->end = expr_u32(tb[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END;
	return (len == 1 || len == 2) && !tb[NFTA_SET_ELEM_KEY_END] &&
	       data_number(tb[NFTA_SET_ELEM_KEY], len, &ret->key);
}

/* An end sorts before a start at the same place: [22, 23) and [23, 25). */
static int by_key(const void *pa, const void *pb)
{
	const struct port_element *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return b->end - a->end;
}

void expr_element_ranges(struct port_element *item, size_t len, struct ranges *ret)
{
	bool intervals = false;

	for (size_t i = 0; i < len; i++)
		intervals |= item[i].end;
	if (len > 1)
		qsort(item, len, sizeof(*item), by_key);
	for (size_t i = 0; i < len; i++) {
		if (item[i].end)
			continue;

		uint32_t high = item[i].key;

		if (intervals)
			high = i + 1 < len ? item[i + 1].key - 1 : UINT16_MAX;
		ranges_add(ret, item[i].key, high);
	}
}

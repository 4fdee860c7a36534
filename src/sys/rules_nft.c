/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of nf_tables over netlink: its tables, chains and rules, and the sets of ports in them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/modules.h"
#include "sys/rules_build.h"
#include "sys/rules_expr.h"

/* A request with the names of a table and a set in it (NFT_NAME_MAXLEN is 256 each). */
#define SET_REQUEST_MAX 1024

struct chain {
	uint8_t family;
	bool base, nat;
	const char *table, *name;
	unsigned hook;
	int priority;
};

struct reading {
	struct rules *rules;
	struct arena names;    /* of tables and chains met */
	struct chain *dormant; /* tables: family and table alone */
	size_t dormant_len, dormant_cap, tables;
	struct chain *chain;
	size_t chain_len, chain_cap, last;
	struct port_lookup *lookup;
	size_t lookup_len, lookup_cap;
};

static void reading_done(struct reading *r)
{
	free(r->dormant);
	free(r->chain);
	free(r->lookup);
	arena_done(&r->names);
}

static struct nlmsghdr *start_request(void *buf, uint16_t type, uint8_t family)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(m, sizeof(*nf));

	m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nf->nfgen_family = family;
	nf->version = NFNETLINK_V0;
	return m;
}

struct nl_question rules_question(enum rules_ask ask, void *buf)
{
	static const struct {
		uint16_t type;
		const char *record;
	} questions[] = {
		[RULES_ASK_TABLES] = {NFT_MSG_GETTABLE, "nft-tables"},
		[RULES_ASK_CHAINS] = {NFT_MSG_GETCHAIN, "nft-chains"},
		[RULES_ASK_RULES] = {NFT_MSG_GETRULE, "nft-rules"},
	};

	return (struct nl_question){
		.bus = NETLINK_NETFILTER,
		.record = questions[ask].record,
		.request = start_request(buf, questions[ask].type, NFPROTO_UNSPEC),
		.dump = true,
	};
}

/* The attributes of an answer of this type by number; MNL_CB_ERROR: it is another message. */
static int open_answer(const struct nlmsghdr *m, uint16_t type, const struct nlattr **tb,
		       size_t max, uint8_t *family)
{
	const struct nfgenmsg *nf = mnl_nlmsg_get_payload(m);
	const struct nlattr *attr;

	if (m->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | type) ||
	    mnl_nlmsg_get_payload_len(m) < sizeof(*nf)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	*family = nf->nfgen_family;
	memset(tb, 0, (max + 1) * sizeof(*tb));
	for (attr = NULL; (attr = nl_attr_next(m, sizeof(*nf), attr));)
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static int on_table(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct reading *r = data;
	uint8_t family;

	if (open_answer(m, NFT_MSG_NEWTABLE, tb, NFTA_TABLE_MAX, &family) < 0)
		return MNL_CB_ERROR;
	r->tables++;
	if (!(expr_u32(tb[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT))
		return MNL_CB_OK;

	struct chain *t =
		array_push((void **)&r->dormant, &r->dormant_len, &r->dormant_cap, sizeof(*t));
	t->family = family;
	t->table = arena_strdup(&r->names, expr_string(tb[NFTA_TABLE_NAME]));
	return MNL_CB_OK;
}

static void reset_tables(void *data)
{
	struct reading *r = data;

	r->dormant_len = r->tables = 0;
}

static bool is_dormant(const struct reading *r, uint8_t family, const char *table)
{
	for (size_t i = 0; i < r->dormant_len; i++)
		if (r->dormant[i].family == family && !strcmp(r->dormant[i].table, table))
			return true;
	return false;
}

static int on_chain(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *tb[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	struct reading *r = data;
	uint8_t family;

	if (open_answer(m, NFT_MSG_NEWCHAIN, tb, NFTA_CHAIN_MAX, &family) < 0)
		return MNL_CB_ERROR;

	struct chain *c = array_push((void **)&r->chain, &r->chain_len, &r->chain_cap, sizeof(*c));
	c->family = family;
	c->table = arena_strdup(&r->names, expr_string(tb[NFTA_CHAIN_TABLE]));
	c->name = arena_strdup(&r->names, expr_string(tb[NFTA_CHAIN_NAME]));
	c->nat = !strcmp(expr_string(tb[NFTA_CHAIN_TYPE]), "nat");
	/* The rules of a dormant table are there, but at no hook. */
	if (!tb[NFTA_CHAIN_HOOK] || is_dormant(r, family, c->table))
		return MNL_CB_OK;
	expr_nested(tb[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX);
	c->base = true;
	c->hook = expr_u32(hook[NFTA_HOOK_HOOKNUM]);
	c->priority = (int)expr_u32(hook[NFTA_HOOK_PRIORITY]);
	return MNL_CB_OK;
}

static void reset_chains(void *data)
{
	((struct reading *)data)->chain_len = 0;
}

/* The kernel lists rules in the order of its chains, so the next is at hand. */
static const struct chain *find_chain(struct reading *r, uint8_t family, const char *table,
				      const char *name)
{
	for (size_t i = 0; i < r->chain_len; i++) {
		const struct chain *c = &r->chain[(r->last + i) % r->chain_len];

		if (c->family == family && !strcmp(c->name, name) && !strcmp(c->table, table)) {
			r->last = (r->last + i) % r->chain_len;
			return c;
		}
	}
	return NULL;
}

static int on_rule(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct reading *r = data;
	struct rule rule = {0};
	struct port_lookup lookup[RULE_FIELDS];
	size_t lookups = 0;

	if (open_answer(m, NFT_MSG_NEWRULE, tb, NFTA_RULE_MAX, &rule.family) < 0)
		return MNL_CB_ERROR;

	const struct chain *c = find_chain(r, rule.family, expr_string(tb[NFTA_RULE_TABLE]),
					   expr_string(tb[NFTA_RULE_CHAIN]));
	if (!c)
		return MNL_CB_OK; /* its chain came after they were listed */
	rule.base = c->base;
	rule.nat_chain = c->nat;
	rule.hook = c->hook;
	rule.priority = c->priority;
	if (!rule_chain_counts(&rule) && !expr_any_matters(tb[NFTA_RULE_EXPRESSIONS]))
		return MNL_CB_OK;
	rule.handle = expr_u64(tb[NFTA_RULE_HANDLE]);
	expr_read_all(&rule, tb[NFTA_RULE_EXPRESSIONS], &r->rules->arena, lookup, &lookups);
	if (!rule_matters(&rule)) {
		rule_done(&rule);
		return MNL_CB_OK;
	}
	rule.table = arena_strdup(&r->rules->arena, c->table);
	rule.chain = arena_strdup(&r->rules->arena, c->name);
	for (size_t i = 0; i < lookups; i++) {
		struct port_lookup *l =
			array_push((void **)&r->lookup, &r->lookup_len, &r->lookup_cap, sizeof(*l));

		*l = lookup[i];
		l->rule = r->rules->len;
		l->set = arena_strdup(&r->names, l->set);
	}
	struct rule *kept =
		array_push((void **)&r->rules->item, &r->rules->len, &r->rules->cap, sizeof(*kept));
	*kept = rule;
	return MNL_CB_OK;
}

static void reset_rules(void *data)
{
	struct reading *r = data;

	rules_done(r->rules);
	r->lookup_len = r->last = 0;
}

/* The elements of one set, as the kernel lists them: in no order that could be relied on. */
struct elements {
	const char *table, *set;
	struct port_element *item;
	size_t len, cap;
};

static int on_elements(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1], *attr;
	struct elements *all = data;
	uint8_t family;

	if (open_answer(m, NFT_MSG_NEWSETELEM, tb, NFTA_SET_ELEM_LIST_MAX, &family) < 0)
		return MNL_CB_ERROR;
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS] ||
	    strcmp(expr_string(tb[NFTA_SET_ELEM_LIST_TABLE]), all->table) != 0 ||
	    strcmp(expr_string(tb[NFTA_SET_ELEM_LIST_SET]), all->set) != 0)
		return MNL_CB_OK;
	for (attr = NULL; (attr = nl_nested_next(tb[NFTA_SET_ELEM_LIST_ELEMENTS], attr));) {
		struct port_element *e =
			array_push((void **)&all->item, &all->len, &all->cap, sizeof(*e));

		if (!expr_element(attr, e)) {
			errno = ERANGE; /* not a set of ports or protocols */
			return MNL_CB_ERROR;
		}
	}
	return MNL_CB_OK;
}

static void reset_elements(void *data)
{
	((struct elements *)data)->len = 0;
}

static void resolve(const struct host *h, const struct port_lookup *l, struct rule *rule)
{
	_Alignas(struct nlmsghdr) char buf[SET_REQUEST_MAX];
	cleanup_with(ranges_done) struct ranges set = {0};
	struct elements all = {.table = rule->table, .set = l->set};
	struct nl_question q = {
		.bus = NETLINK_NETFILTER,
		.record = "nft-sets",
		.request = start_request(buf, NFT_MSG_GETSETELEM, rule->family),
		.dump = true,
	};
	struct err ignored;

	if (mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_SET_ELEM_LIST_TABLE,
				    rule->table) &&
	    mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_SET_ELEM_LIST_SET, l->set) &&
	    nl_ask(h, &q, on_elements, reset_elements, &all, &ignored) == 0) {
		expr_element_ranges(all.item, all.len, &set);
		rule_limit(rule, l->field, &set, l->invert);
	} else {
		rule->narrowed = true;
	}
	free(all.item);
}

/* table: only its rules are asked for (nf_tables_dump_rules_start()); NULL: all. */
static int ask(const struct host *h, enum rules_ask what, const char *table, mnl_cb_t each,
	       void (*reset)(void *), struct reading *r, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[SET_REQUEST_MAX];
	struct nl_question q = rules_question(what, buf);
	struct nfgenmsg *nf = mnl_nlmsg_get_payload(q.request);

	if (table) {
		nf->nfgen_family = NFPROTO_INET;
		if (!mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_RULE_TABLE, table))
			return err_set(e, ENAMETOOLONG, "ask for the rules of table '%s'", table);
	}
	return nl_ask(h, &q, each, reset, r, e);
}

static int read_nft(const struct host *h, const char *table, struct rules *ret, struct err *e)
{
	cleanup_with(reading_done) struct reading r = {.rules = ret};
	/* The kernel would load nf_tables for the question (nfnetlink_rcv_msg()). */
	enum module_state module = h->captured ? MODULE_HERE : module_state(h, "nf_tables");

	if (module == MODULE_UNKNOWN)
		return err_set(e, EOPNOTSUPP,
			       "nf_tables is not loaded, or built in, which cannot be told without "
			       "'/lib/modules/%s'",
			       h->release);
	if (module == MODULE_ABSENT)
		return 0;

	int result = ask(h, RULES_ASK_TABLES, NULL, on_table, reset_tables, &r, e);
	/* nfnetlink_rcv_msg(): a kernel without nf_tables has no such subsystem. */
	if (result == -EINVAL || result == -EPROTONOSUPPORT || (result == 0 && !r.tables))
		return 0;
	if (result == 0)
		result = ask(h, RULES_ASK_CHAINS, NULL, on_chain, reset_chains, &r, e);
	if (result == 0)
		result = ask(h, RULES_ASK_RULES, table, on_rule, reset_rules, &r, e);
	for (size_t i = 0; result == 0 && i < r.lookup_len; i++)
		resolve(h, &r.lookup[i], &ret->item[r.lookup[i].rule]);
	return result;
}

int rules_read_nft(const struct host *h, struct rules *ret, struct err *e)
{
	return read_nft(h, NULL, ret, e);
}

int rules_read_table(const struct host *h, const char *table, struct rules *ret, struct err *e)
{
	cleanup_with(rules_done) struct rules r = {0};
	int result = read_nft(h, table, &r, e);

	if (result < 0)
		return err_wrap(e, "read the rules of table '%s'", table);
	*ret = r;
	r = (struct rules){0};
	return 0;
}

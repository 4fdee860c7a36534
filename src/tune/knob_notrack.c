/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service whose packets are not tracked: a table of nf_tables for each, so that changesets stack
 * and no rule of anybody else's is touched.
 */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/service.h"
#include "base/strbuf.h"
#include "sys/caps.h"
#include "sys/nft.h"
#include "sys/rules.h"

#define TRACKED "tracked"
#define UNTRACKED "untracked"
/* What else may be found under the table's name; neither is ever written. */
#define CHANGED "changed by somebody"
#define FOREIGN "a table that is not runup's"

#define TABLE_NAME_MAX 32
#define PRIORITY_RAW (-300) /* NF_IP_PRI_RAW */

/*
 * Both ends' packets in both directions: a server's and a client's on this host, and on loopback
 * each packet passes both hooks.
 */
static const struct {
	const char *chain;
	unsigned hook;
	enum rule_field field;
} parts[] = {
	{"prerouting", NF_INET_PRE_ROUTING, FIELD_DPORT},
	{"prerouting", NF_INET_PRE_ROUTING, FIELD_SPORT},
	{"output", NF_INET_LOCAL_OUT, FIELD_SPORT},
	{"output", NF_INET_LOCAL_OUT, FIELD_DPORT},
};
#define CHAINS 2
#define RULES_IN_CHAIN 2

static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

static int parse_key(const char *key, struct service *ret, struct err *e)
{
	if (service_parse(key, ret) < 0)
		return err_set(e, ERR_BAD_INPUT,
			       "notrack '%s': expected tcp:PORT or udp:PORT, as in tcp:8080", key);
	return 0;
}

static void table_name(const struct service *s, char buf[TABLE_NAME_MAX])
{
	snprintf(buf, TABLE_NAME_MAX, "runup_%s_%u", service_protocol(s), s->port);
}

/* Says whose the table is, to people and to runup. */
static void table_comment(const struct service *s, char buf[NFT_COMMENT_MAX])
{
	snprintf(buf, NFT_COMMENT_MAX,
		 "made by runup, which takes it away again: %s:%u is not tracked",
		 service_protocol(s), s->port);
}

static const char *field_word(enum rule_field field)
{
	return field == FIELD_DPORT ? "dport" : "sport";
}

static bool only_value(const struct rule *r, enum rule_field field, uint32_t value)
{
	return r->limited[field] && r->only[field].len == 1 &&
	       r->only[field].item[0].low == value && r->only[field].item[0].high == value;
}

/* Is it the rule that runup makes for this part? */
static bool is_part(const struct rule *r, const struct service *s, size_t part)
{
	enum rule_field other = parts[part].field == FIELD_DPORT ? FIELD_SPORT : FIELD_DPORT;

	return r->uses == RULE_NOTRACK && !r->narrowed && r->base && !r->nat_chain &&
	       !strcmp(r->chain, parts[part].chain) && r->hook == parts[part].hook &&
	       r->priority == PRIORITY_RAW && !r->limited[FIELD_FAMILY] && !r->limited[other] &&
	       only_value(r, FIELD_PROTOCOL, s->protocol) &&
	       only_value(r, parts[part].field, s->port);
}

static bool in_table(const struct rule *r, const char *name)
{
	return !r->legacy && r->family == NFPROTO_INET && !strcmp(r->table, name);
}

/* All that runup put there is there, and nothing else. 1 or 0, or -errno. */
static int is_whole(const struct host *h, const struct service *s, const struct nft_table *t,
		    const char *name, struct err *e)
{
	cleanup_with(rules_done) struct rules rules = {0};
	size_t found = 0;
	uint32_t n;
	int r;

	if (t->flags || t->objects != CHAINS)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(parts); i += RULES_IN_CHAIN) {
		r = nft_chain_rules(h, name, parts[i].chain, &n, e);
		if (r == -ENOENT || (r == 0 && n != RULES_IN_CHAIN))
			return 0;
		if (r < 0)
			return r;
	}
	r = rules_read_table(h, name, &rules, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rules.len; i++)
		if (in_table(&rules.item[i], name)) {
			if (found == ARRAY_LEN(parts) || !is_part(&rules.item[i], s, found))
				return 0;
			found++;
		}
	return found == ARRAY_LEN(parts);
}

static int look(const struct host *h, const struct service *s, struct nft_table *t,
		const char **value, struct err *e)
{
	char name[TABLE_NAME_MAX], comment[NFT_COMMENT_MAX];
	int r;

	table_name(s, name);
	table_comment(s, comment);
	r = nft_table_read(h, name, t, e);
	/* Not even looked at, let alone written: what it holds now is not known. */
	if (r == -EPERM)
		return err_set(e, EOPNOTSUPP,
			       "look for table '%s': that takes CAP_NET_ADMIN (run it as root)",
			       name);
	if (r < 0)
		return r;
	if (!t->present) {
		*value = TRACKED;
		return 0;
	}
	if (strcmp(t->comment, comment) != 0) {
		*value = FOREIGN;
		return 0;
	}
	r = is_whole(h, s, t, name, e);
	*value = r > 0 ? UNTRACKED : CHANGED;
	return r < 0 ? r : 0;
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	struct service s;
	struct nft_table t;
	const char *value;
	int r = parse_key(key, &s, e);

	if (r == 0)
		r = look(h, &s, &t, &value, e);
	if (r == 0)
		snprintf(buf, KNOB_VALUE_MAX, "%s", value);
	return r;
}

/*
 * A rule that would act on the packets differently once they are not tracked: what asks for the
 * state of their connection finds none (under "ct state established accept" and a policy of drop
 * the service is cut off), and addresses are translated for tracked packets only, by the first of
 * a connection, which goes to the service's port.
 */
static const struct rule *rule_in_the_way(const struct rules *rules, const struct service *s)
{
	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *r = &rules->item[i];

		for (size_t f = 0; f < ARRAY_LEN(families); f++) {
			struct traffic to = {families[f], s->protocol, FIELD_DPORT, s->port};
			struct traffic from = {families[f], s->protocol, FIELD_SPORT, s->port};

			if ((r->uses & (RULE_CT_MATCH | RULE_NAT)) && rule_may_match(r, &to))
				return r;
			if ((r->uses & RULE_CT_MATCH) && rule_may_match(r, &from))
				return r;
		}
	}
	return NULL;
}

/* Refused where it would break the service; asked before anything is written, and never on the
 * way back: whatever the rules are by then, runup's own table may go. */
static int resolve(const struct host *h, const char *key, const char *want, char *buf,
		   struct err *e)
{
	cleanup_with(rules_done) struct rules rules = {0};
	struct service s;
	struct nft_table t;
	const char *value;
	char name[RULE_NAME_MAX];
	int r = parse_key(key, &s, e);

	if (r == 0)
		r = look(h, &s, &t, &value, e);
	if (r < 0)
		return r;
	snprintf(buf, KNOB_VALUE_MAX, "%s", want);
	if (strcmp(value, UNTRACKED) == 0)
		return 0;
	if (t.present) {
		table_name(&s, name);
		return err_set(e, EEXIST,
			       "notrack '%s': table inet '%s' is there already, and is %s: rename "
			       "or delete it first",
			       key, name, value);
	}
	r = rules_read(h, &rules, e);
	if (r < 0)
		return r;

	const struct rule *in_the_way = rule_in_the_way(&rules, &s);

	if (in_the_way)
		return err_set(e, EBUSY,
			       "notrack '%s': the rule %s %s such packets: without tracking it "
			       "could cut the service off; exempt the port there first (nft -a "
			       "list ruleset, iptables-save)",
			       key, rule_name(in_the_way, name),
			       in_the_way->uses & RULE_NAT ? "may translate the addresses of"
							   : "may ask for the connection of");
	return 0;
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	struct service s;
	int r = parse_key(key, &s, e);

	/* Before 5.14 only the first namespace can be told from its likes later. */
	if (r == 0 && !h->init_netns && !h->netns_cookie)
		return err_set(e, EOPNOTSUPP,
			       "notrack '%s' in this network namespace: the kernel has no "
			       "SO_NETNS_COOKIE (5.14) to find it again by",
			       key);
	return r;
}

/* `create` fails where the table is there: nobody's can be taken over between look and write. */
static int make_table(const struct service *s, struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf commands = {0};
	char name[TABLE_NAME_MAX], comment[NFT_COMMENT_MAX], what[80];

	table_name(s, name);
	table_comment(s, comment);
	snprintf(what, sizeof(what), "make table inet '%s'", name);
	strbuf_addf(&commands, "create table inet %s { comment \"%s\"; }\n", name, comment);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (i % RULES_IN_CHAIN == 0)
			strbuf_addf(&commands,
				    "add chain inet %s %s { type filter hook %s priority %d; }\n",
				    name, parts[i].chain, parts[i].chain, PRIORITY_RAW);
		strbuf_addf(&commands, "add rule inet %s %s %s %s %u notrack\n", name,
			    parts[i].chain, service_protocol(s), field_word(parts[i].field),
			    s->port);
	}
	return nft_run(strbuf_get(&commands), what, e);
}

/* By its handle: should another table have taken the name since, it is not touched. */
static int remove_table(const struct service *s, const struct nft_table *t, struct err *e)
{
	char commands[80], name[TABLE_NAME_MAX], what[80];

	table_name(s, name);
	snprintf(what, sizeof(what), "delete table inet '%s'", name);
	snprintf(commands, sizeof(commands), "delete table inet handle %" PRIu64, t->handle);
	return nft_run(commands, what, e);
}

static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	struct service s;
	struct nft_table t;
	const char *now;
	int r = parse_key(key, &s, e);

	if (r < 0)
		return r;
	if (strcmp(value, TRACKED) != 0 && strcmp(value, UNTRACKED) != 0)
		return err_set(e, ERR_BAD_INPUT, "notrack '%s': '%s' is no value that it can have",
			       key, value);
	r = look(h, &s, &t, &now, e);
	if (r < 0 || strcmp(now, value) == 0)
		return r;
	if (strcmp(now, FOREIGN) == 0)
		return err_set(e, EEXIST,
			       "notrack '%s': there is %s under its name; it is left alone", key,
			       now);
	if (strcmp(value, UNTRACKED) == 0)
		return make_table(&s, e);
	return remove_table(&s, &t, e);
}

static int identity(const struct host *h, const char *key unused_, char *buf, struct err *e unused_)
{
	snprintf(buf, KNOB_IDENTITY_MAX, "netns:%" PRIu64, h->netns_cookie);
	return 0;
}

/* After the settings of connection tracking itself. */
static int rank(const char *key unused_)
{
	return 9;
}

/* nf_tables takes nothing less (nfnetlink_rcv(), net/netfilter/nfnetlink.c). */
static uint64_t caps(const char *key unused_)
{
	return CAP_BIT(CAP_NET_ADMIN);
}

const struct knob knob_notrack = {
	.kind = "notrack",
	.resolve = resolve,
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.identity = identity,
	.rank = rank,
	.caps = caps,
};

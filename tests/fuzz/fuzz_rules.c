/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a packet filter. First byte even: of nf_tables, each message after a byte that says
 * which record it belongs to. Odd: a table of iptables (1) or ip6tables (3), as getsockopt(2) gives
 * it: a byte of the hooks it has, two bytes of offset for each of five, then its entries.
 */
/* Before the kernel's own headers, which then leave out what it defines. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/strbuf.h"
#include "sys/rules_build.h"
#include "tests/fuzz/fuzz.h"

static const char *const records[] = {"nft-tables", "nft-chains", "nft-rules", "nft-sets"};

/* Whatever was read, all that is asked of it has an answer. */
static void judge(const struct rules *rules)
{
	static const struct traffic some[] = {{NFPROTO_IPV4, IPPROTO_TCP, FIELD_DPORT, 8080},
					      {NFPROTO_IPV6, IPPROTO_UDP, FIELD_SPORT, 53}};
	char name[RULE_NAME_MAX];

	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *r = &rules->item[i];

		fuzz_require(r->table && r->chain && *rule_name(r, name));
		fuzz_require(!(r->uses & RULE_TRACKS) || r->what);
		for (size_t t = 0; t < ARRAY_LEN(some); t++)
			(void)rule_may_match(r, &some[t]);
	}
	for (size_t t = 0; t < ARRAY_LEN(some); t++) {
		const struct rule *r = rules_untrack(rules, NF_INET_PRE_ROUTING, &some[t]);

		/* What surely takes all of it may take some of it. */
		fuzz_require(!r || ((r->uses & RULE_NOTRACK) && rule_may_match(r, &some[t])));
	}
}

static void nf_tables(struct fuzz_input *in)
{
	static struct host host;
	struct strbuf out[ARRAY_LEN(records)] = {{0}};
	struct rules rules = {0};
	char path[64];
	struct err e;

	if (!host.root)
		fuzz_open_host(&host);
	while (in->left)
		fuzz_message(in, &out[fuzz_byte(in) % ARRAY_LEN(records)]);
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		snprintf(path, sizeof(path), "/netlink/%s.hex", records[i]);
		fuzz_write(path, strbuf_get(&out[i]), out[i].len);
		strbuf_done(&out[i]);
	}
	if (rules_read_nft(&host, &rules, &e) == 0)
		judge(&rules);
	rules_done(&rules);
}

static void iptables(struct fuzz_input *in, uint8_t family)
{
	struct ipt_getinfo info = {.valid_hooks = fuzz_byte(in)};
	struct rules rules = {0};
	struct err e;

	for (size_t i = 0; i < 5; i++) {
		info.hook_entry[i] = fuzz_byte(in);
		info.hook_entry[i] |= (unsigned)fuzz_byte(in) << 8;
	}
	info.size = (unsigned)in->left;
	if (rules_read_entries(family, "raw", &info, in->at, &rules, &e) == 0)
		judge(&rules);
	rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t kind = fuzz_byte(&in);

	if (kind & 1)
		iptables(&in, kind & 2 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	else
		nf_tables(&in);
	return 0;
}

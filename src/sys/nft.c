/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/modules.h"
#include "sys/nl.h"
#include "sys/rules_expr.h"

/* Two names, of at most 256 bytes each. */
#define REQUEST_MAX 1024

/* Type, length and bytes, one after the other: nft's own way to keep a comment (libnftnl,
 * NFTNL_UDATA_TABLE_COMMENT is 0). */
#define USERDATA_COMMENT 0

static struct nl_question question(uint16_t type, const char *record, void *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(m, sizeof(*nf));

	m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nf->nfgen_family = NFPROTO_INET;
	nf->version = NFNETLINK_V0;
	return (struct nl_question){.bus = NETLINK_NETFILTER, .record = record, .request = m};
}

static void read_comment(const struct nlattr *userdata, char ret[NFT_COMMENT_MAX])
{
	const unsigned char *at = mnl_attr_get_payload(userdata);
	size_t left = mnl_attr_get_payload_len(userdata);

	while (left >= 2 && left - 2 >= at[1]) {
		if (at[0] == USERDATA_COMMENT) {
			snprintf(ret, NFT_COMMENT_MAX, "%.*s", (int)at[1], (const char *)at + 2);
			return;
		}
		left -= 2 + (size_t)at[1];
		at += 2 + at[1];
	}
}

static int on_table(const struct nlmsghdr *m, void *data)
{
	struct nft_table *t = data;
	const struct nlattr *attr;

	t->present = true;
	for (attr = NULL; (attr = nl_attr_next(m, sizeof(struct nfgenmsg), attr));) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_TABLE_FLAGS:
			t->flags = expr_u32(attr);
			break;
		case NFTA_TABLE_USE:
			t->objects = expr_u32(attr);
			break;
		case NFTA_TABLE_HANDLE:
			t->handle = expr_u64(attr);
			break;
		case NFTA_TABLE_USERDATA:
			read_comment(attr, t->comment);
			break;
		}
	}
	return MNL_CB_OK;
}

int nft_table_read(const struct host *h, const char *name, struct nft_table *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_MAX];
	struct nl_question q = question(NFT_MSG_GETTABLE, "nft-table", buf);
	enum module_state module = h->captured ? MODULE_HERE : module_state(h, "nf_tables");

	*ret = (struct nft_table){0};
	if (module == MODULE_ABSENT)
		return 0;
	if (module == MODULE_UNKNOWN)
		return err_set(e, EOPNOTSUPP,
			       "look for table '%s': whether nf_tables is in this kernel cannot be "
			       "told (modprobe nf_tables)",
			       name);
	if (!mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_TABLE_NAME, name))
		return err_set(e, ENAMETOOLONG, "look for table '%s': its name is too long", name);

	int r = nl_ask(h, &q, on_table, NULL, ret, e);

	return r == -ENOENT || r == -EINVAL ? 0 : r;
}

static int on_chain(const struct nlmsghdr *m, void *data)
{
	const struct nlattr *attr;

	for (attr = NULL; (attr = nl_attr_next(m, sizeof(struct nfgenmsg), attr));)
		if (mnl_attr_get_type(attr) == NFTA_CHAIN_USE)
			*(uint32_t *)data = expr_u32(attr);
	return MNL_CB_OK;
}

int nft_chain_rules(const struct host *h, const char *table, const char *chain, uint32_t *ret,
		    struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_MAX];
	struct nl_question q = question(NFT_MSG_GETCHAIN, "nft-chain", buf);

	*ret = 0;
	if (!mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_CHAIN_TABLE, table) ||
	    !mnl_attr_put_strz_check(q.request, sizeof(buf), NFTA_CHAIN_NAME, chain))
		return err_set(e, ENAMETOOLONG, "look for chain '%s': its name is too long", chain);
	return nl_ask(h, &q, on_chain, NULL, ret, e);
}

static void free_ctx(struct nft_ctx **ctx)
{
	if (*ctx)
		nft_ctx_free(*ctx);
}

int nft_run(const char *commands, const char *what, struct err *e)
{
	cleanup_with(free_ctx) struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!ctx || nft_ctx_buffer_error(ctx) || nft_ctx_buffer_output(ctx))
		out_of_memory();
	errno = 0;
	if (nft_run_cmd_from_buffer(ctx, commands) == 0)
		return 0;

	int error = errno ? errno : EIO;
	/* "/dev/stdin:1:8-10: Error: Could not process rule: File exists", and what was read. */
	const char *text = nft_ctx_get_error_buffer(ctx), *reason = strstr(text, "Error: ");

	reason = reason ? reason + strlen("Error: ") : text;
	return err_set(e, error, "%s: nft says: %.*s", what, (int)strcspn(reason, "\n"), reason);
}

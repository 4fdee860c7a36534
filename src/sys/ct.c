/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/ct.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "sys/file.h"
#include "sys/modules.h"

#define STAT_FILE "/proc/net/stat/nf_conntrack"
#define COUNT_FILE "/proc/sys/net/netfilter/nf_conntrack_count"
#define MAX_FILE "/proc/sys/net/netfilter/nf_conntrack_max"
#define STAT_MAX (512u << 10)

/* One row for each counter: where it is in struct ct_counters and what both interfaces call it. */
static const struct {
	uint16_t attribute;
	const char *column;
	size_t offset;
} counters[] = {
	{CTA_STATS_FOUND, "found", offsetof(struct ct_counters, found)},
	{CTA_STATS_INVALID, "invalid", offsetof(struct ct_counters, invalid)},
	{CTA_STATS_INSERT, "insert", offsetof(struct ct_counters, insert)},
	{CTA_STATS_INSERT_FAILED, "insert_failed", offsetof(struct ct_counters, insert_failed)},
	{CTA_STATS_DROP, "drop", offsetof(struct ct_counters, drop)},
	{CTA_STATS_EARLY_DROP, "early_drop", offsetof(struct ct_counters, early_drop)},
	{CTA_STATS_ERROR, "icmp_error", offsetof(struct ct_counters, error)},
	{CTA_STATS_SEARCH_RESTART, "search_restart", offsetof(struct ct_counters, search_restart)},
	{CTA_STATS_CLASH_RESOLVE, "clashres", offsetof(struct ct_counters, clash_resolve)},
	{CTA_STATS_CHAIN_TOOLONG, "chainlength", offsetof(struct ct_counters, chain_toolong)},
};

static uint64_t *counter_at(struct ct_counters *c, size_t offset)
{
	return (uint64_t *)(void *)((char *)c + offset);
}

struct nl_question ct_question(enum ct_ask ask, void *buf)
{
	static const struct {
		uint16_t type;
		const char *record;
		bool dump;
	} questions[] = {
		[CT_ASK_STATS_CPU] = {IPCTNL_MSG_CT_GET_STATS_CPU, "ctnetlink-stats-cpu", true},
		[CT_ASK_STATS] = {IPCTNL_MSG_CT_GET_STATS, "ctnetlink-stats", false},
		[CT_ASK_DUMP] = {IPCTNL_MSG_CT_GET, "ctnetlink-dump", true},
	};
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(m, sizeof(*nf));

	m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | questions[ask].type);
	nf->nfgen_family = AF_UNSPEC; /* both families in one dump */
	nf->version = NFNETLINK_V0;
	return (struct nl_question){
		.bus = NETLINK_NETFILTER,
		.record = questions[ask].record,
		.request = m,
		.dump = questions[ask].dump,
	};
}

/*
 * The kernel loads nf_conntrack_netlink for a question to its subsystem (nfnetlink_rcv_msg(),
 * net/netfilter/nfnetlink.c), and that pulls in nf_conntrack. What is built in is not in
 * /proc/modules; a kernel that has one built in has the other so, too.
 */
bool ct_netlink_loaded(const struct host *h)
{
	if (h->captured)
		return true;
	if (!file_exists(h, STAT_FILE) && !file_exists(h, COUNT_FILE))
		return false;

	cleanup_free char *modules = modules_read(h);

	return !modules || !modules_list(modules, "nf_conntrack") ||
	       modules_list(modules, "nf_conntrack_netlink");
}

static bool get_be32(const struct nlattr *attr, uint64_t *ret)
{
	uint32_t value;

	if (mnl_attr_get_payload_len(attr) < sizeof(value))
		return false;
	memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	*ret = ntohl(value);
	return true;
}

static int on_cpu_attribute(const struct nlattr *attr, void *data)
{
	struct ct_counters *c = data;
	uint64_t value;

	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (mnl_attr_get_type(attr) == counters[i].attribute && get_be32(attr, &value))
			*counter_at(c, counters[i].offset) = value;
	}
	return MNL_CB_OK;
}

static void add_cpu(struct ct_stats *s, unsigned cpu, struct ct_counters *c)
{
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		*counter_at(&s->total, counters[i].offset) += *counter_at(c, counters[i].offset);
	if (cpu < CT_CPUS_MAX)
		s->drop_by_cpu[cpu] += c->drop;
	s->cpus++;
}

static bool is_answer(const struct nlmsghdr *m, uint16_t type)
{
	errno = EPROTO; /* for the caller that returns MNL_CB_ERROR */
	return m->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | type) &&
	       mnl_nlmsg_get_payload_len(m) >= sizeof(struct nfgenmsg);
}

/* One CPU a message; its number is where other messages have a resource id. */
static int on_cpu(const struct nlmsghdr *m, void *data)
{
	struct ct_counters c = {0};
	const struct nfgenmsg *nf = mnl_nlmsg_get_payload(m);

	if (!is_answer(m, IPCTNL_MSG_CT_GET_STATS_CPU) ||
	    mnl_attr_parse(m, sizeof(*nf), on_cpu_attribute, &c) < 0)
		return MNL_CB_ERROR;
	add_cpu(data, ntohs(nf->res_id), &c);
	return MNL_CB_OK;
}

static void reset_cpus(void *data)
{
	struct ct_stats *s = data;

	s->cpus = 0;
	memset(&s->total, 0, sizeof(s->total));
	memset(s->drop_by_cpu, 0, sizeof(s->drop_by_cpu));
}

struct global {
	uint64_t entries, max;
	bool has_entries, has_max;
};

static int on_global_attribute(const struct nlattr *attr, void *data)
{
	struct global *g = data;

	if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES)
		g->has_entries = get_be32(attr, &g->entries);
	else if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_MAX_ENTRIES)
		g->has_max = get_be32(attr, &g->max);
	return MNL_CB_OK;
}

static int on_global(const struct nlmsghdr *m, void *data)
{
	if (!is_answer(m, IPCTNL_MSG_CT_GET_STATS))
		return MNL_CB_ERROR;
	return mnl_attr_parse(m, sizeof(struct nfgenmsg), on_global_attribute, data);
}

static int stats_by_netlink(const struct host *h, struct ct_stats *s, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nl_question q = ct_question(CT_ASK_STATS_CPU, buf);
	struct global g = {0};
	int r = nl_ask(h, &q, on_cpu, reset_cpus, s, e);

	if (r < 0)
		return r;
	q = ct_question(CT_ASK_STATS, buf);
	r = nl_ask(h, &q, on_global, NULL, &g, e);
	if (r < 0)
		return r;
	/* CTA_STATS_GLOBAL_MAX_ENTRIES is missing before 4.18. */
	if (!g.has_entries && (r = file_read_u64(h, COUNT_FILE, &g.entries, e)) < 0)
		return r;
	if (!g.has_max && (r = file_read_u64(h, MAX_FILE, &g.max, e)) < 0)
		return r;
	s->entries = g.entries;
	s->max = g.max;
	s->source = "ctnetlink";
	return 0;
}

/* One row of hex numbers under the names of the header line; -EPROTO: it does not fit them. */
static int add_row(struct ct_stats *s, const char *header, const char *row)
{
	struct ct_counters c = {0};
	char name[32], number[24], *end;

	for (;;) {
		header += strspn(header, " ");
		size_t len = strcspn(header, " ");
		row += strspn(row, " ");
		size_t digits = strcspn(row, " ");

		if (len == 0 && digits == 0)
			break;
		if (len == 0 || digits == 0)
			return -EPROTO;
		snprintf(name, sizeof(name), "%.*s", (int)len, header);
		snprintf(number, sizeof(number), "%.*s", (int)digits, row);
		uint64_t value = strtoull(number, &end, 16);
		if (*end)
			return -EPROTO;
		for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
			if (!strcmp(name, counters[i].column))
				*counter_at(&c, counters[i].offset) = value;
		}
		if (!strcmp(name, "entries"))
			s->entries = value; /* the namespace's count, the same in each row */
		header += len;
		row += digits;
	}
	add_cpu(s, s->cpus, &c);
	return 0;
}

/* One row a possible CPU, in their order (ct_cpu_seq_show(), nf_conntrack_standalone.c). */
static int stats_by_file(const struct host *h, struct ct_stats *s, struct err *e)
{
	cleanup_free char *text = NULL;
	long n = file_read_all(h, STAT_FILE, STAT_MAX, &text, e);
	char *save;

	if (n < 0)
		return (int)n;
	reset_cpus(s);
	const char *header = strtok_r(text, "\n", &save);
	if (!header || strncmp(header, "entries ", 8) != 0)
		return err_set(e, EPROTO, "read '%s': no header line", STAT_FILE);
	for (const char *row; (row = strtok_r(NULL, "\n", &save));) {
		if (add_row(s, header, row) < 0)
			return err_set(e, EPROTO,
				       "read '%s': the row of CPU %u does not fit its header",
				       STAT_FILE, s->cpus);
	}
	if (s->cpus == 0)
		return err_set(e, EPROTO, "read '%s': no CPU in it", STAT_FILE);
	s->source = STAT_FILE;
	return file_read_u64(h, MAX_FILE, &s->max, e);
}

int ct_read_stats(const struct host *h, struct ct_stats *ret, struct err *e)
{
	cleanup_free struct ct_stats *s = calloc(1, sizeof(*s));
	struct err refused = {0};
	int r = -EOPNOTSUPP;

	if (!s)
		out_of_memory();
	s->present = file_exists(h, STAT_FILE) || file_exists(h, COUNT_FILE);
	if (!s->present) {
		*ret = *s;
		return 0;
	}
	if (ct_netlink_loaded(h))
		r = stats_by_netlink(h, s, &refused);
	if (r == -EPERM || r == -EACCES || r == -EOPNOTSUPP || r == -EPROTONOSUPPORT ||
	    r == -ENODATA)
		r = stats_by_file(h, s, e);
	else if (r < 0)
		return err_set(e, -r, "%s", refused.msg);
	if (r == 0)
		*ret = *s;
	return r < 0 ? err_wrap(e, "read the statistics of connection tracking") : 0;
}

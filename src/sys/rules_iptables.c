/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the older iptables, by the getsockopt() that it asks with itself; any IP socket will do.
 */
/* Before the kernel's own headers, which then leave out what it defines. */
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "sys/file.h"
#include "sys/rules_build.h"

#define NAMES_MAX 4096
/* A table with a million rules has some 200 MiB. */
#define TABLE_MAX (256u << 20)
#define REPEATS 3

/* The two families are alike but for the size of an address. */
static const struct version {
	uint8_t family;
	int domain, level, get_info, get_entries;
	const char *names; /* the tables of this namespace (xt_table_seq_show(), x_tables.c) */
	size_t entry, target_at, next_at, protocol_at;
} versions[] = {
	{NFPROTO_IPV4, AF_INET, IPPROTO_IP, IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES,
	 "/proc/net/ip_tables_names", sizeof(struct ipt_entry),
	 offsetof(struct ipt_entry, target_offset), offsetof(struct ipt_entry, next_offset),
	 offsetof(struct ipt_entry, ip.proto)},
	{NFPROTO_IPV6, AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES,
	 "/proc/net/ip6_tables_names", sizeof(struct ip6t_entry),
	 offsetof(struct ip6t_entry, target_offset), offsetof(struct ip6t_entry, next_offset),
	 offsetof(struct ip6t_entry, ipv6.proto)},
};

/* struct ip6t_getinfo and struct ip6t_get_entries begin the same. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one layout for both");
_Static_assert(offsetof(struct ipt_get_entries, entrytable) ==
		       offsetof(struct ip6t_get_entries, entrytable),
	       "one layout for both");

/* Where the reading of a table stands. */
struct place {
	const struct version *version;
	const struct ipt_getinfo *info;
	const char *table, *chain;
	bool base;
	unsigned hook;
	uint64_t number; /* of the next rule in its chain */
};

static uint16_t number_at(const unsigned char *entry, size_t at)
{
	uint16_t value;

	memcpy(&value, entry + at, sizeof(value));
	return value;
}

static bool any_set(const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((const unsigned char *)bytes)[i])
			return true;
	return false;
}

/* Addresses and interfaces, which are conditions besides. */
static bool has_conditions(const struct version *v, const unsigned char *entry)
{
	struct ipt_ip v4;
	struct ip6t_ip6 v6;

	if (v->family == NFPROTO_IPV4) {
		memcpy(&v4, entry, sizeof(v4));
		return v4.smsk.s_addr || v4.dmsk.s_addr || v4.invflags || (v4.flags & IPT_F_FRAG) ||
		       any_set(v4.iniface_mask, sizeof(v4.iniface_mask)) ||
		       any_set(v4.outiface_mask, sizeof(v4.outiface_mask));
	}
	memcpy(&v6, entry, sizeof(v6));
	return any_set(&v6.smsk, sizeof(v6.smsk)) || any_set(&v6.dmsk, sizeof(v6.dmsk)) ||
	       v6.invflags || (v6.flags & IP6T_F_TOS) ||
	       any_set(v6.iniface_mask, sizeof(v6.iniface_mask)) ||
	       any_set(v6.outiface_mask, sizeof(v6.outiface_mask));
}

/* One match or target, whose header says its name and size. False: it is cut. */
static bool extension(const unsigned char *at, size_t room, char name[XT_EXTENSION_MAXNAMELEN + 1],
		      uint16_t *size)
{
	struct xt_entry_match m;

	if (room < sizeof(m))
		return false;
	memcpy(&m, at, sizeof(m));
	memcpy(name, m.u.user.name, XT_EXTENSION_MAXNAMELEN);
	name[XT_EXTENSION_MAXNAMELEN] = '\0';
	*size = m.u.user.match_size;
	return *size >= sizeof(m) && *size <= room;
}

static bool read_extensions(struct rule *r, struct arena *a, const unsigned char *entry,
			    size_t first, size_t target, size_t end, const char **user_chain)
{
	char name[XT_EXTENSION_MAXNAMELEN + 1];
	const size_t header = sizeof(struct xt_entry_match);
	uint16_t size;

	for (size_t at = first; at < target; at += size) {
		if (!extension(entry + at, target - at, name, &size))
			return false;
		xt_read_match(r, a, name, entry + at + header, size - header);
	}
	if (!extension(entry + target, end - target, name, &size))
		return false;
	if (!strcmp(name, XT_ERROR_TARGET))
		*user_chain = arena_strndup(a, (const char *)entry + target + header,
					    strnlen((const char *)entry + target + header,
						    size - header));
	else
		xt_read_target(r, a, name, entry + target + header, size - header);
	return true;
}

/* A chain of the table's own begins where the table says; one of the user's with an ERROR entry. */
static void enter_chain(struct place *p, size_t offset)
{
	static const char *const hooks[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					    "POSTROUTING"};

	for (unsigned hook = 0; hook < ARRAY_LEN(hooks); hook++)
		if ((p->info->valid_hooks & 1u << hook) && p->info->hook_entry[hook] == offset) {
			p->chain = hooks[hook];
			p->base = true;
			p->hook = hook;
			p->number = 1;
		}
}

/* False: the entry is not one. */
static bool read_entry(struct place *p, const unsigned char *entry, size_t room, size_t *next,
		       struct rules *ret)
{
	const struct version *v = p->version;
	struct rule r = {.family = v->family, .legacy = true};
	const char *user_chain = NULL;
	size_t target;

	if (room < v->entry)
		return false;
	target = number_at(entry, v->target_at);
	*next = number_at(entry, v->next_at);
	if (target < v->entry || *next <= target || *next > room ||
	    !read_extensions(&r, &ret->arena, entry, v->entry, target, *next, &user_chain)) {
		rule_done(&r);
		return false;
	}
	if (user_chain) {
		*p = (struct place){v, p->info, p->table, user_chain, false, 0, 1};
		rule_done(&r);
		return true;
	}
	uint16_t protocol = number_at(entry, v->protocol_at);

	if (protocol)
		rule_limit_range(&r, FIELD_PROTOCOL, protocol, protocol, false);
	if (has_conditions(v, entry)) {
		r.narrowed = true;
		/* "not this protocol": any may come. */
		r.limited[FIELD_PROTOCOL] = false;
	}
	r.table = p->table;
	r.chain = p->chain;
	r.base = p->base;
	r.hook = p->hook;
	r.nat_chain = !strcmp(p->table, "nat");
	/* raw stands at -300, or -450; all others behind tracking (NF_IP_PRI_RAW …). */
	r.priority = !strcmp(p->table, "raw") ? NF_IP_PRI_RAW : 0;
	r.handle = p->number++;
	if (!rule_matters(&r)) {
		rule_done(&r);
		return true;
	}
	struct rule *kept = array_push((void **)&ret->item, &ret->len, &ret->cap, sizeof(*kept));
	*kept = r;
	return true;
}

int rules_read_entries(uint8_t family, const char *name, const struct ipt_getinfo *info,
		       const unsigned char *bytes, struct rules *ret, struct err *e)
{
	const struct version *v = &versions[family == NFPROTO_IPV6];
	struct place p = {.version = v, .info = info, .chain = "?", .number = 1};

	p.table = arena_strdup(&ret->arena, name);
	for (size_t at = 0, next; at < info->size; at += next) {
		enter_chain(&p, at);
		if (!read_entry(&p, bytes + at, info->size - at, &next, ret))
			return err_set(e, EPROTO, "read iptables' table '%s': a cut entry", name);
	}
	return 0;
}

/* -EAGAIN: the table was replaced in between. */
static int read_table(int fd, const struct version *v, const char *name, struct rules *ret,
		      struct err *e)
{
	struct ipt_getinfo info = {0};
	socklen_t len = sizeof(info);

	strncpy(info.name, name, sizeof(info.name) - 1);
	if (getsockopt(fd, v->level, v->get_info, &info, &len) < 0)
		return err_errno(e, errno, "read iptables' table '%s'", name);
	if (info.size > TABLE_MAX)
		return err_set(e, EFBIG, "read iptables' table '%s': it has %u bytes", name,
			       info.size);

	const size_t header = offsetof(struct ipt_get_entries, entrytable);
	cleanup_free struct ipt_get_entries *all = calloc(1, header + info.size);

	if (!all)
		out_of_memory();
	memcpy(all->name, info.name, sizeof(all->name));
	all->size = info.size;
	len = (socklen_t)(header + info.size);
	if (getsockopt(fd, v->level, v->get_entries, all, &len) < 0)
		return err_errno(e, errno, "read iptables' table '%s'", name);

	return rules_read_entries(v->family, name, &info, (const unsigned char *)all + header, ret,
				  e);
}

static int read_version(const struct host *h, const struct version *v, struct rules *ret,
			struct err *e)
{
	cleanup_close int fd = -1;
	cleanup_free char *names = NULL;
	long n = file_read_all(h, v->names, NAMES_MAX, &names, e);
	char *save = NULL;

	if (n == -ENOENT || n == 0)
		return 0; /* no such table was ever asked for here */
	if (n < 0)
		return (int)n;
	if (h->captured)
		return err_set(e, ENODATA, "the captured host has no record of iptables' rules");
	fd = socket(v->domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "open a socket to read iptables' tables: %s%s",
			       strerror(errno),
			       errno == EAFNOSUPPORT
				       ? " (in a service: RestrictAddressFamilies=AF_INET AF_INET6)"
				       : "");
	for (char *name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		size_t start = ret->len;
		int r = -EAGAIN;

		for (unsigned i = 0; r == -EAGAIN && i <= REPEATS; i++) {
			while (ret->len > start)
				rule_done(&ret->item[--ret->len]);
			r = read_table(fd, v, name, ret, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int rules_read_iptables(const struct host *h, struct rules *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		int r = read_version(h, &versions[i], ret, e);

		if (r < 0)
			return r;
	}
	return 0;
}

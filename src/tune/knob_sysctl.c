/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/knob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/nic_key.h"
#include "core/sysctl_key.h"
#include "core/sysctl_tied.h"
#include "sys/caps.h"

#define BUCKETS "net.netfilter.nf_conntrack_buckets"
#define FLOWS "net.core.rps_sock_flow_entries"

/*
 * Keys outside the table are told by their place: what is beneath net.* belongs to a namespace (to
 * name the first one for a key that only it has is not wrong), the rest to the host.
 */
static bool of_netns(const char *key)
{
	const struct sysctl_key *row = sysctl_key_find(key);

	if (row && row->scope != SCOPE_UNKNOWN)
		return row->scope == SCOPE_NETNS;
	return strncmp(key, "net.", 4) == 0;
}

static int absent(const char *key, struct err *e)
{
	const struct sysctl_key *row = sysctl_key_find(key);

	return err_set(e, ENOENT, "sysctl '%s' is not there: %s", key,
		       row && row->module
			       ? "its kernel module is not loaded (modprobe it, or start the "
				 "profile's line with '-')"
			       : "this kernel does not have it in this network namespace");
}

/* 0, or why writing it could not be undone by writing it again. */
static int undoable(const struct host *h, const char *key, struct err *e)
{
	const char *effect = sysctl_side_effect(key), *other = sysctl_counterpart(key);
	char value[SYSCTL_VALUE_MAX];
	struct err ignored;

	if (effect)
		return err_set(e, ERR_BAD_INPUT,
			       "set sysctl '%s': a rollback could not undo all of it: %s", key,
			       effect);
	if (other && sysctl_read(h, other, value, &ignored) == 0 &&
	    !value_equal(VALUE_NUMBERS, value, "0"))
		return err_set(e, EBUSY,
			       "set sysctl '%s': the kernel would set '%s', now %s, to 0, and a "
			       "rollback could not put that back: set '%s' instead",
			       key, other, value, other);
	return 0;
}

static int permitted(const struct host *h, const char *key, struct err *e)
{
	if (!sysctl_key_valid(key) || !sysctl_key_find(key))
		return err_set(e, ERR_BAD_INPUT, "sysctl '%s' may not be set by a profile", key);
	if (!of_netns(key) && !h->init_netns)
		return err_set(e, EROFS,
			       "sysctl '%s' belongs to the host, not to this network namespace: "
			       "set it on the host, without --netns",
			       key);
	/* Before 5.14 only the first namespace can be told from its likes later. */
	if (of_netns(key) && !h->init_netns && !h->netns_cookie)
		return err_set(e, EOPNOTSUPP,
			       "set sysctl '%s' in this network namespace: the kernel has no "
			       "SO_NETNS_COOKIE (5.14) to find it again by",
			       key);

	struct err why;
	int r = sysctl_writable(h, key, &why);

	if (r == -ENOENT)
		return absent(key, e);
	if (r == -EACCES || r == -EPERM)
		return err_set(e, -r, "set sysctl '%s': %s (run it as root)", key, strerror(-r));
	return r < 0 ? err_set(e, why.code, "%s", why.msg) : undoable(h, key, e);
}

static int read_value(const struct host *h, const char *key, char *buf, struct err *e)
{
	int r = sysctl_read(h, key, buf, e);

	return r == -ENOENT ? absent(key, e) : r;
}

static int write_value(const struct host *h, const char *key, const char *value, struct err *e)
{
	/*
	 * A write of no bytes reaches no handler. An empty line empties a set
	 * (proc_do_large_bitmap) and a string (proc_dostring).
	 */
	int r = sysctl_write(h, key, *value ? value : "\n", e);
	struct err ignored;

	/*
	 * Keys that name something (default_qdisc, tcp_congestion_control) have the kernel load its
	 * module first (qdisc_set_default(), tcp_set_default_congestion_control()).
	 */
	if (r == -ENOENT && sysctl_writable(h, key, &ignored) == 0)
		return err_set(e, ENODEV,
			       "write '%s' to sysctl '%s': the kernel has nothing of that name, "
			       "neither built in nor as a module",
			       value, key);
	return r;
}

static enum value_kind value_kind(const char *key)
{
	const struct sysctl_key *row = sysctl_key_find(key);

	return row ? row->kind : VALUE_TEXT;
}

static void normalise(const struct host *h unused_, const char *key, const char *value, char *buf)
{
	cleanup_with(strbuf_done) struct strbuf text = {0};

	value_merge(value_kind(key), OP_EXACT, "", value, &text);
	snprintf(buf, KNOB_VALUE_MAX, "%s", strbuf_get(&text));

	char *end;
	uint64_t n = strtoumax(buf, &end, 10), rounded = 1;

	if (*end || !n || n > UINT32_MAX)
		return;
	if (strcmp(key, BUCKETS) == 0) {
		/*
		 * The table is made of whole pages of list heads, one pointer each
		 * (nf_ct_alloc_hashtable(), 2.6.27 to 6.18): 262145 reads back as 262656.
		 */
		uint64_t per_page = (uint64_t)sysconf(_SC_PAGESIZE) / sizeof(void *);

		snprintf(buf, KNOB_VALUE_MAX, "%" PRIu64, (n + per_page - 1) / per_page * per_page);
	} else if (strcmp(key, FLOWS) == 0) {
		/* rps_sock_flow_sysctl(), net/core/sysctl_net_core.c */
		while (rounded < n)
			rounded *= 2;
		snprintf(buf, KNOB_VALUE_MAX, "%" PRIu64, rounded);
	}
}

/* Folders with one of each device beneath; "all" and "default" are the namespace's own. */
static const char *const device_folders[] = {
	"net.ipv4.conf.",
	"net.ipv6.conf.",
	"net.ipv4.neigh.",
	"net.ipv6.neigh.",
};

static bool device_of(const char *key, char device[LINK_NAME_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(device_folders); i++) {
		size_t len = strlen(device_folders[i]), name;

		if (strncmp(key, device_folders[i], len) != 0)
			continue;
		name = strcspn(key + len, ".");
		if (name >= LINK_NAME_MAX)
			return false;
		memcpy(device, key + len, name);
		device[name] = '\0';
		/* "eth0/100" is how sysctl(8) and runup write eth0.100 there. */
		for (char *c = device; *c; c++)
			if (*c == '/')
				*c = '.';
		return strcmp(device, "all") != 0 && strcmp(device, "default") != 0;
	}
	return false;
}

/*
 * A device's settings go with it, and its name to the next one: by index, which is not used again
 * while the namespace lives (dev_index_reserve()).
 */
static int identity(const struct host *h, const char *key, char *buf, struct err *e)
{
	char device[LINK_NAME_MAX];
	struct link l;

	if (!of_netns(key)) {
		snprintf(buf, KNOB_IDENTITY_MAX, "host");
		return 0;
	}
	if (!device_of(key, device)) {
		snprintf(buf, KNOB_IDENTITY_MAX, "netns:%" PRIu64, h->netns_cookie);
		return 0;
	}
	int r = nic_find(h, device, &l, e);
	if (r == 0)
		snprintf(buf, KNOB_IDENTITY_MAX, "netns:%" PRIu64 " if:%" PRIu32, h->netns_cookie,
			 l.index);
	return r;
}

/* Where the kernel, or what is started later, judges one key by another. */
static const struct {
	const char *key;
	int rank;
} ranks[] = {
	/* Ceilings: of RLIMIT_NOFILE, of every listen(), of SO_RCVBUF and SO_SNDBUF. */
	{"fs.nr_open", 0},
	{"fs.file-max", 0},
	{"net.core.somaxconn", 1},
	{"net.core.rmem_max", 1},
	{"net.core.wmem_max", 1},
	/*
	 * The range may not begin below the first unprivileged port
	 * (ipv4_local_port_range(), 4.11): lower that one first.
	 */
	{"net.ipv4.ip_unprivileged_port_start", 2},
	{"net.ipv4.ip_local_port_range", 3},
};

static int rank(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(ranks); i++)
		if (strcmp(ranks[i].key, key) == 0)
			return ranks[i].rank;
	return 4;
}

/*
 * Whoever may administer the network may write net.* like its owner, also where root is not the
 * host's (net_ctl_permissions(), net/sysctl_net.c); two keys ask for it besides: default_qdisc
 * (qdisc_set_default(), net/sched/sch_api.c) and tcp_congestion_control where its module is to be
 * loaded (tcp_ca_find_autoload(), net/ipv4/tcp_cong.c). The rest asks for root alone (test_perm(),
 * fs/proc/proc_sysctl.c).
 */
static uint64_t caps(const char *key)
{
	return strncmp(key, "net.", 4) == 0 ? CAP_BIT(CAP_NET_ADMIN) : 0;
}

const struct knob knob_sysctl = {
	.kind = "sysctl",
	.permitted = permitted,
	.read = read_value,
	.write = write_value,
	.normalise = normalise,
	.identity = identity,
	.rank = rank,
	.caps = caps,
};

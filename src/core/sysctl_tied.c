/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sysctl_tied.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

#define BEFORE "set it before, in sysctl.d"
#define ALL_DEVICES "it sets every device's own, whatever those were; " BEFORE ", or each device's"

/*
 * Found by writing every net.* sysctl of a namespace there and back (6.18), with the reasons in the
 * sources named.
 */
static const struct {
	const char *pattern; /* fnmatch(3); keys are spelled with '/' in a device's name */
	const char *effect;
} effects[] = {
	/* inet_forward_change(), net/ipv4/devinet.c */
	{"net.ipv4.ip_forward",
	 "it sets forwarding of every device, and accept_redirects; " BEFORE},
	{"net.ipv4.conf.all.forwarding",
	 "it sets forwarding of every device, and accept_redirects; " BEFORE},
	/* addrconf_fixup_forwarding(), net/ipv6/addrconf.c */
	{"net.ipv6.conf.*.forwarding",
	 "it forgets default routes that were learnt, and \"all\" sets every device's; " BEFORE},
	/* addrconf_disable_ipv6(): addrconf_ifdown() */
	{"net.ipv6.conf.*.disable_ipv6", "it takes away the addresses and routes; " BEFORE},
	/* addrconf_sysctl_addr_gen_mode() and its likes */
	{"net.ipv6.conf.all.addr_gen_mode", ALL_DEVICES},
	{"net.ipv6.conf.all.force_forwarding", ALL_DEVICES},
	{"net.ipv6.conf.all.ignore_routes_with_linkdown", ALL_DEVICES},
	/* Two units for one number: the coarser one loses what it does not show. */
	{"net.ipv[46].neigh.*.unres_qlen", "it rounds unres_qlen_bytes; set that"},
	{"net.ipv[46].neigh.*.base_reachable_time",
	 "it rounds base_reachable_time_ms to seconds; set that"},
	{"net.ipv[46].neigh.*.retrans_time", "it rounds retrans_time_ms; set that"},
	{"net.ipv6.route.gc_min_interval", "it rounds gc_min_interval_ms to seconds; set that"},
	/* nf_hooks_lwtunnel_sysctl_handler(), net/netfilter/nf_hooks_lwtunnel.c */
	{"net.netfilter.nf_hooks_lwtunnel", "once on, it cannot be switched off; " BEFORE},
};

/* dirty_bytes_handler() …, mm/page-writeback.c; overcommit_kbytes_handler(), mm/util.c */
static const char *const counterparts[][2] = {
	{"vm.dirty_bytes", "vm.dirty_ratio"},
	{"vm.dirty_background_bytes", "vm.dirty_background_ratio"},
	{"vm.overcommit_kbytes", "vm.overcommit_ratio"},
};

const char *sysctl_side_effect(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (fnmatch(effects[i].pattern, key, 0) == 0)
			return effects[i].effect;
	return NULL;
}

const char *sysctl_counterpart(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(counterparts); i++)
		for (size_t side = 0; side < 2; side++)
			if (strcmp(counterparts[i][side], key) == 0)
				return counterparts[i][1 - side];
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile as the securityContext.sysctls of a pod. */
#include <string.h>

#include "base/cleanup.h"
#include "report/export_part.h"

#define MARK "    # "

/*
 * What any pod may set (kubernetes.io, "Using sysctls in a Kubernetes Cluster" and "Linux Kernel
 * Version Requirements"; pkg/kubelet/sysctl/safe_sysctls.go). since NULL: as long as pods have had
 * sysctls.
 */
static const struct {
	const char *key, *since, *kernel;
} safe[] = {
	{"net.ipv4.ip_local_port_range", NULL, NULL},
	{"net.ipv4.tcp_syncookies", NULL, "4.6"},
	{"net.ipv4.ping_group_range", "1.18", NULL},
	{"net.ipv4.ip_unprivileged_port_start", "1.22", NULL},
	{"net.ipv4.ip_local_reserved_ports", "1.27", "3.16"},
	{"net.ipv4.tcp_keepalive_time", "1.29", "4.5"},
	{"net.ipv4.tcp_keepalive_intvl", "1.29", "4.5"},
	{"net.ipv4.tcp_keepalive_probes", "1.29", "4.5"},
	{"net.ipv4.tcp_fin_timeout", "1.29", "4.6"},
	{"net.ipv4.tcp_rmem", "1.32", "4.15"},
	{"net.ipv4.tcp_wmem", "1.32", "4.15"},
};

static int safe_row(const struct want *w)
{
	for (size_t i = 0; i < ARRAY_LEN(safe); i++)
		if (strcmp(safe[i].key, w->key) == 0)
			return (int)i;
	return -1;
}

/* Pods have no field for limits: they come from the container runtime. */
static const char *not_in_pod(const struct want *w)
{
	const char *why = export_no_sysctl(w);

	if (why && w->value && strcmp(w->kind, "rlimit") == 0)
		return "no field of a pod: the container runtime gives it (LimitNOFILE= of "
		       "containerd's unit on the node, or its base runtime specification)";
	if (why || safe_row(w) >= 0)
		return why;
	switch (w->sysctl ? w->sysctl->scope : SCOPE_UNKNOWN) {
	case SCOPE_NETNS:
		return "the pod's own, but not in the safe set: the kubelet must have it in "
		       "--allowed-unsafe-sysctls on each node; then it may stand above";
	case SCOPE_NETNS_SHOWN:
	case SCOPE_HOST:
		return "the node's, for all its pods: set it there (--as sysctl.d, or `runup "
		       "apply` on the node)";
	case SCOPE_UNKNOWN:
		break;
	}
	return "not in the safe set, and not known here whether a pod has its own";
}

static void write_item(const struct want *w, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf wish = {0}, value = {0};
	int row = safe_row(w);

	export_reason(MARK, w, out);
	if (safe[row].since)
		export_commentf(MARK, out, "Needs Kubernetes %s.", safe[row].since);
	if (safe[row].kernel)
		export_commentf(MARK, out, "Needs Linux %s.", safe[row].kernel);
	if (w->op != OP_EXACT) {
		export_wish(w, &wish);
		export_commentf(MARK, out, "Wanted: %s; a pod's field sets it as it is.",
				strbuf_get(&wish));
	}
	export_value(w, &value);
	/* A number, a range or a set: nothing that would have to be escaped. */
	strbuf_addf(out, "    - name: %s\n      value: \"%s\"\n", w->key, strbuf_get(&value));
}

static void write_file(const struct export *x, struct strbuf *out)
{
	bool any = false;

	export_head(x, out);
	export_comment("# ",
		       "Part of a pod's specification. A pod starts with the kernel's defaults for "
		       "most of these, not with what its node was tuned to; one with hostNetwork "
		       "has the node's values and may not have this.",
		       out);
	for (size_t i = 0; i < x->len; i++)
		any |= !not_in_pod(x->want[i]);
	strbuf_addf(out, "spec:\n  securityContext:\n    sysctls:%s\n", any ? "" : " []");
	for (size_t i = 0; i < x->len; i++)
		if (!not_in_pod(x->want[i]))
			write_item(x->want[i], out);
	export_rest(x, not_in_pod, out);
}

const struct export_format export_kubernetes = {"kubernetes", write_file};

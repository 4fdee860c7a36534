/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of a check, and the list of them all. */
#ifndef RUNUP_CORE_CHECK_H
#define RUNUP_CORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/nearest.h"
#include "core/finding.h"
#include "core/load.h"
#include "core/observation.h"
#include "core/profile.h"
#include "core/sysctl_origin.h"
#include "sys/host.h"
#include "sys/nl_sockdiag.h"

/* What a check may look at. Everything is const: a check reads, it never writes or prints. */
struct check_input {
	const struct host *host;
	const struct profile *profile;		/* NULL: none given */
	const struct load *load;		/* completed; may state nothing */
	const struct observation *observed;	/* of --observe; NULL: not asked for */
	bool verbose;				/* -v: dumps that take long are allowed */
	const struct sysctl_config *configured; /* what sysctl.d says; NULL: not read */
	const struct listeners *listeners;	/* checks_run() reads them once for all checks */
};

/* One row of a family of checks: "folklore.tcp_fin_timeout". */
struct check_member {
	const char *id, *title;
	const char *why, *fix;
};

/* All listeners of the host's namespace, or why they could not be listed. */
struct listeners {
	struct listener *item;
	size_t len;
	int result; /* of sockdiag_listeners() */
	struct err why;
};

/* For the checks: the listeners, borrowed; -errno with the error set if there is no list. */
must_check int check_listeners(const struct check_input *in, const struct listener **ret,
			       size_t *ret_len, struct err *e);

/*
 * One question about the host. run() adds findings; a negative return means it could not tell, and
 * becomes an `unknown` finding with that message; the rest goes on.
 */
struct check {
	const char *id;
	const char *title;
	const char *why;	     /* what `runup explain` prints */
	const char *const *predicts; /* cause ids, NULL-terminated; NULL: none */
	bool has_threshold;	     /* a profile may say `ID = fail above N%` */
	/* Of a family whose rows explain themselves: the i-th, NULL behind the last. */
	const struct check_member *(*member)(size_t i);
	int (*run)(const struct check_input *in, struct findings *out, struct err *e);
};

/* Report order. A new check is one word here and its file in checks/ (or a row in its area's). */
#define CHECKS(X)                                                                                  \
	X(listen_backlog)                                                                          \
	X(listen_syn_queue)                                                                        \
	X(ports_range)                                                                             \
	X(ports_usage)                                                                             \
	X(ports_reserved)                                                                          \
	X(ports_time_wait)                                                                         \
	X(conntrack_capacity)                                                                      \
	X(conntrack_buckets)                                                                       \
	X(limits_nofile)                                                                           \
	X(limits_system_files)                                                                     \
	X(limits_pids)                                                                             \
	X(limits_memlock)                                                                          \
	X(tcp_tw_reuse)                                                                            \
	X(tcp_memory)                                                                              \
	X(tcp_buffers)                                                                             \
	X(tcp_orphans)                                                                             \
	X(udp_buffers)                                                                             \
	X(softnet_backlog)                                                                         \
	X(softnet_budget)                                                                          \
	X(softnet_steering)                                                                        \
	X(nic_rings)                                                                               \
	X(nic_channels)                                                                            \
	X(nic_link)                                                                                \
	X(qdisc_default)                                                                           \
	X(neigh_table)                                                                             \
	X(cpu_quota)                                                                               \
	X(cpu_governor)                                                                            \
	X(cpu_busy)                                                                                \
	X(cpu_steal)                                                                               \
	X(memory_available)                                                                        \
	X(memory_cgroup)                                                                           \
	X(memory_swap)                                                                             \
	X(memory_thp)                                                                              \
	X(time_clocksource)                                                                        \
	X(time_sync)                                                                               \
	X(config_profile)                                                                          \
	X(config_elsewhere)                                                                        \
	X(folklore)                                                                                \
	X(observe)

#define X_EXTERN(name) extern const struct check check_##name;
CHECKS(X_EXTERN)
#undef X_EXTERN

extern const struct check *const checks[];
extern const size_t checks_len;

/*
 * The check an id belongs to: "listen.backlog"; for families, "folklore.tcp_fin_timeout" and
 * "observe.conntrack.full" belong to "folklore" and "observe". NULL: no such id.
 */
const struct check *check_find(const char *id);

/* The row of a family with that id, or NULL. */
const struct check_member *check_member_find(const char *id);

/* Is id that of a check, or of a member of a family? A profile's [check] may name those. */
bool check_id_valid(const char *id);

/* Is it one that --only and --skip may name: an id, or the area in front of its dot ("listen")? */
bool check_selects(const char *id);

/* All that --only and --skip may name, for "did you mean". */
void check_offer_ids(struct nearest *near);

struct check_selection {
	const char *const *only; /* NULL-terminated; NULL: all */
	const char *const *skip; /* NULL-terminated; NULL: none */
};

/* Is the check, or one member of its family, asked for? sel NULL: all are. */
bool check_selected(const struct check *c, const struct check_selection *sel);

/*
 * Runs the selected checks in order, applies the profile's [check] severities, fills in `predicts`
 * and `needed`. Never fails: what a check could not tell is an `unknown` in out.
 */
void checks_run(const struct check_input *in, const struct check_selection *sel,
		struct findings *out);

/*
 * For a check with a threshold: the status of `percent` used. Above `limit` it is `severity`, from
 * `soft` on at least a warning; a profile's "SEVERITY above N%" stands in for limit and severity.
 */
struct threshold {
	uint64_t soft, limit; /* percent */
	enum finding_status severity;
};
enum finding_status check_threshold(const struct check_input *in, const char *id,
				    const struct threshold *t, uint64_t percent);

/*
 * For the checks: judges what the profile wants of every sysctl that `id` owns, one finding a key.
 * Required by host and scope: a missing key is a fail unless the line is optional, a key of the
 * host seen from another namespace says so.
 */
void check_profile_sysctls(const struct check_input *in, const char *id, struct findings *out);

/* The same for its [listen] lines, by the limits in force of the listeners that are there. */
void check_profile_listeners(const struct check_input *in, const char *id,
			     const struct listener *all, size_t len, struct findings *out);

/*
 * The same for one limit ("nofile") of its [rlimit SUBJECT] sections, by what the live processes
 * have; what a unit would be started with is not looked at.
 */
void check_profile_limits(const struct check_input *in, const char *id, const char *limit,
			  struct findings *out);

/* How a wish that has a value is written in a profile: ">= 4096". */
const char *check_want_text(const struct want *w, struct findings *out);

/*
 * The same for the profile's other settings of the host, [sysfs] and [nic], one finding a line:
 * every object that it names has to be so.
 */
void check_profile_settings(const struct check_input *in, const char *id, struct findings *out);

/*
 * For the checks: adds to the finding's `why` which file and line sets this sysctl, and to what
 * where that is not in force. Nothing where no file does, or where the value is a namespace's own:
 * at boot only the host's are set.
 */
void check_name_origin(const struct check_input *in, const char *key, struct finding *f,
		       struct findings *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/tenure.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "sys/proc.h"
#include "sys/systemd_timer.h"

static bool this_boot(const struct host *h, const struct changeset *cs)
{
	return strcmp(h->boot_id, cs->boot_id) == 0;
}

static bool lives(const struct host *h, const struct proc_identity *p)
{
	struct err e;

	return p->pid && proc_alive(h, p, &e) != 0;
}

uint64_t tenure_left_ns(const struct host *h, const struct changeset *cs)
{
	uint64_t now_ns = now_boottime_ns();

	return this_boot(h, cs) && cs->tenure.deadline_ns > now_ns ? cs->tenure.deadline_ns - now_ns
								   : 0;
}

/*
 * Not confirmed before a reboot is over: CLOCK_BOOTTIME began anew, its guardian or timer is gone,
 * and a host that had to be rebooted is what --for is for.
 */
static bool is_over(const struct host *h, const struct changeset *cs)
{
	return cs->tenure.deadline_ns && !cs->confirmed && *cs->boot_id && *h->boot_id &&
	       tenure_left_ns(h, cs) == 0;
}

static enum tenure_state of_deadline(const struct host *h, const struct changeset *cs, bool guarded)
{
	const char *timer = cs->tenure.timer;

	if (!cs->tenure.deadline_ns || cs->confirmed)
		return TENURE_PLAIN;
	if (is_over(h, cs))
		return guarded ? TENURE_RESTORING : TENURE_OVER;
	return guarded || (timer && systemd_timer_runs(timer)) ? TENURE_WAITING : TENURE_UNWATCHED;
}

enum tenure_state tenure_state(const struct host *h, const struct changeset *cs)
{
	const struct tenure *t = &cs->tenure;
	bool here = this_boot(h, cs);
	bool guarded = here && lives(h, &t->guardian);

	if (!changeset_stands(cs))
		return TENURE_PLAIN;
	if (t->run || cs->state == CHANGESET_UNFINISHED) {
		if (here && lives(h, &t->maker))
			return TENURE_WORKING;
		if (guarded)
			return TENURE_RESTORING;
		if (t->run)
			return TENURE_LOST;
	}
	return of_deadline(h, cs, guarded);
}

const char *tenure_state_name(enum tenure_state s)
{
	static const char *const names[] = {
		[TENURE_PLAIN] = "plain",	  [TENURE_WORKING] = "working",
		[TENURE_RESTORING] = "restoring", [TENURE_LOST] = "lost",
		[TENURE_WAITING] = "waiting",	  [TENURE_UNWATCHED] = "unwatched",
		[TENURE_OVER] = "over",
	};

	return names[s];
}

static bool ended(const struct host *h, const struct state_dir *d, const char *id, bool lost_too)
{
	cleanup_with(changeset_done) struct changeset header = {0}, cs = {0};
	struct err e;

	if (changeset_read_header(d, id, &header, &e) < 0 ||
	    !(header.tenure.deadline_ns || (lost_too && header.tenure.run)))
		return false;
	if (changeset_read(d, id, &cs, &e) < 0) {
		log_debug("%s", e.msg);
		return false;
	}
	return changeset_stands(&cs) &&
	       (is_over(h, &cs) || (lost_too && tenure_state(h, &cs) == TENURE_LOST));
}

int tenure_ended(const struct host *h, const struct state_dir *d, bool lost_too,
		 char (**ret)[CHANGESET_ID_MAX], size_t *ret_len, struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	cleanup_free void *found = NULL;
	size_t len, found_len = 0, cap = 0;
	int r = changeset_ids(d, &ids, &len, e);

	if (r < 0)
		return r;
	for (size_t i = len; i-- > 0;)
		if (ended(h, d, ids[i], lost_too))
			memcpy(array_push(&found, &found_len, &cap, CHANGESET_ID_MAX), ids[i],
			       CHANGESET_ID_MAX);
	*ret = TAKE_PTR(found);
	*ret_len = found_len;
	return 0;
}

void tenure_dismiss(const struct host *h, const struct changeset *cs)
{
	const struct proc_identity *guardian = &cs->tenure.guardian;
	struct err e;

	if (!cs->tenure.deadline_ns || !this_boot(h, cs))
		return;
	if (cs->tenure.timer && systemd_timer_stop(cs->tenure.timer, &e) < 0)
		log_debug("%s", e.msg);
	if (!guardian->pid)
		return;

	/* The descriptor first, the look second: then it is that process that the signal goes to.
	 */
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, guardian->pid, 0U);

	if (pidfd >= 0 && proc_alive(h, guardian, &e) == 1 &&
	    syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0U) < 0)
		log_debug("end guardian %d: %s", (int)guardian->pid, strerror(errno));
}

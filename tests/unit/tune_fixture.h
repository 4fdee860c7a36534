/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real sysctls in a network namespace of its own, and a state folder. Included after cmocka.h. */
#ifndef RUNUP_TESTS_TUNE_FIXTURE_H
#define RUNUP_TESTS_TUNE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/netns.h"
#include "tune/apply.h"
#include "tune/knob.h"

#include "temp_state.h"

#define SOMAXCONN_KEY "net.core.somaxconn"
#define SYN_BACKLOG "net.ipv4.tcp_max_syn_backlog"
#define FIN_TIMEOUT "net.ipv4.tcp_fin_timeout"
#define RANGE "net.ipv4.ip_local_port_range"
#define RESERVED "net.ipv4.ip_local_reserved_ports"
#define UNPRIVILEGED "net.ipv4.ip_unprivileged_port_start"
#define RMEM "net.ipv4.tcp_rmem"

/* Each test has a network namespace of its own, where these are real and nobody else's. */
struct fixture {
	struct temp_state temp;
	struct state_dir dir;
	struct host host;
	struct profile profile;
	int home_fd;
};

static const struct journal_header header = {.profile = "test",
					     .command = "runup apply test",
					     .user = "ada"};
static const struct rollback_options plain = {0}, force = {.force = true},
				     dry_run = {.dry_run = true};

static inline void enter_new_netns(struct fixture *f)
{
	struct err e;

	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("unshare: %s", strerror(errno));
	if (host_open(&f->host, NULL, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_false(f->host.init_netns);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e;

	assert_non_null(f);
	*state = f;
	f->home_fd = -1;
	f->dir.fd = f->dir.lock_fd = f->host.root_fd = f->host.origin_netns_fd = -1;
	if (geteuid() != 0)
		return 0;
	f->home_fd = netns_open_present(&e);
	enter_new_netns(f);
	temp_state_make(&f->temp);
	if (state_dir_open(&f->dir, true, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e;

	if (f->home_fd >= 0) {
		assert_int_equal(netns_enter_fd(f->home_fd, &e), 0);
		close(f->home_fd);
		temp_state_remove(&f->temp);
	}
	state_dir_close(&f->dir);
	host_close(&f->host);
	free(f->profile.wants);
	free(f);
	return 0;
}

static inline void need_root(void)
{
	if (geteuid() != 0) {
		print_message("SKIP: making a network namespace needs root\n");
		skip();
	}
}

static inline void set(const struct fixture *f, const char *key, const char *value)
{
	struct err e;

	if (sysctl_write(&f->host, key, value, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void assert_value(const struct fixture *f, const char *key, const char *value)
{
	char now[SYSCTL_VALUE_MAX];
	struct err e;

	if (sysctl_read(&f->host, key, now, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(now, value);
}

static inline struct want *want(struct fixture *f, const char *key, enum op op, const char *value)
{
	struct profile *p = &f->profile;
	struct want *w = array_push((void **)&p->wants, &p->wants_len, &p->wants_cap, sizeof(*w));

	w->kind = "sysctl";
	w->key = key;
	w->sysctl = sysctl_key_find(key);
	w->value_kind = w->sysctl ? w->sysctl->kind : VALUE_NUMBERS;
	w->op = op;
	w->value = value;
	w->file = "test.ini";
	w->line = (unsigned)p->wants_len;
	return w;
}

/* Applies the wants collected so far and forgets them. */
static inline int apply(struct fixture *f, struct changes *plan, char id[CHANGESET_ID_MAX],
			struct err *e)
{
	int r = plan_changes(&f->host, &f->profile, false, plan, e);

	f->profile.wants_len = 0;
	return r < 0 ? r : apply_changes(&f->host, &f->dir, &header, plan, id, e);
}

static inline void apply_one(struct fixture *f, const char *key, enum op op, const char *value,
			     char id[CHANGESET_ID_MAX])
{
	cleanup_with(changes_done) struct changes plan = {0};
	struct err e;

	want(f, key, op, value);
	if (apply(f, &plan, id, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(plan.item[0].result, CHANGE_WRITTEN);
}

/* Rolls back and returns the result of the only change. */
static inline enum change_result undo_one(const struct fixture *f, const char *id,
					  const struct rollback_options *o)
{
	cleanup_with(changes_done) struct changes undone = {0};
	struct err e;

	if (rollback_changeset(&f->host, &f->dir, id, o, &undone, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(undone.len, 1);
	assert_non_null(undone.item[0].why);
	return undone.item[0].result;
}

static inline enum changeset_state state_now(const struct fixture *f, const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err e;

	if (changeset_read(&f->dir, id, &cs, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(cs.bad_len, 0);
	return cs.state;
}

static inline enum change_result compare_one(const struct fixture *f, const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err e;

	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	if (changeset_compare(&f->host, &cs, &e) < 0)
		fail_msg("%s", e.msg);
	return cs.changes.item[0].result;
}

/* Keeps the first `lines` lines of a journal, as a kill would leave them. */
static inline void cut_journal(const struct fixture *f, const char *id, unsigned lines)
{
	char path[200], text[65536];

	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, id);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text));
	off_t end = 0;

	assert_true(n > 0);
	while (lines && end < n)
		lines -= text[end++] == '\n';
	assert_int_equal(ftruncate(fd, end), 0);
}

/* Flips a byte of the first line that holds `text`. */
static inline void spoil(const struct fixture *f, const char *id, const char *text)
{
	char path[200], all[65536];

	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, id);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	assert_true(n > 0);
	all[n] = '\0';
	char *at = strstr(all, text);
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "#", 1, at - all), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journal of three changes in a state folder of its own. Included after cmocka.h. */
#ifndef RUNUP_TESTS_JOURNAL_FIXTURE_H
#define RUNUP_TESTS_JOURNAL_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tune/journal.h"

#include "temp_state.h"

static const struct host some_host = {
	.root_fd = -1,
	.root = "/",
	.origin_netns_fd = -1,
	.netns_cookie = UINT64_MAX,
	.boot_id = "0b6b0a34-7f0e-4d7a-9d0c-7d3f4e7a1c11",
};
static const struct journal_header some_header = {.profile = "server",
						  .command = "runup apply \xff server",
						  .user = "ada",
						  .uid = 1000};

static const struct {
	const char *key, *before, *want, *write, *expect, *after;
} rows[] = {
	{"net.core.somaxconn", "128", "4096", "4096", "4096", "4096"},
	{"net.ipv4.tcp_rmem", "4096\t131072\t6291456", "4096 131072 16777216",
	 "4096 131072 16777216", "4096 131072 16777216", "4096\t131072\t16777216"},
	{"net.ipv4.ip_local_reserved_ports", "", "80", "80", "80", "80"},
};

struct fixture {
	struct temp_state temp;
	struct state_dir dir;
	char id[CHANGESET_ID_MAX], path[200];
	char text[16384];
	size_t len, planned_end; /* of the journal; where its `planned` line ends */
};

static inline void plan_rows(struct changes *cs)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct change *c = changes_add(cs, "sysctl", rows[i].key);

		c->value_kind = i == 2 ? VALUE_SET : VALUE_NUMBERS;
		c->op = i == 2 ? OP_COVERS : OP_AT_LEAST;
		c->before = rows[i].before;
		c->want = rows[i].want;
		c->write = rows[i].write;
		c->expect = rows[i].expect;
		c->result = CHANGE_PLANNED;
	}
	/* Nothing to write: not in the journal. */
	changes_add(cs, "sysctl", "net.ipv4.tcp_tw_reuse")->result = CHANGE_SATISFIED;
}

static const char *const identity[] = {"netns:7", "netns:7", "netns:7", "netns:7"};

static inline void store(const struct fixture *f, const char *text, size_t len)
{
	cleanup_close int fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

static inline void load(struct fixture *f)
{
	cleanup_close int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, f->text, sizeof(f->text) - 1);

	assert_true(n > 0);
	f->len = (size_t)n;
	f->text[n] = '\0';
}

static inline int create(struct journal *j, const struct fixture *f, struct err *e)
{
	cleanup_with(changes_done) struct changes cs = {0};

	plan_rows(&cs);
	return journal_create(j, &f->dir, &some_host, &some_header, &cs, identity, e);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct journal j;
	struct err e;

	assert_non_null(f);
	temp_state_make(&f->temp);
	if (state_dir_open(&f->dir, true, NULL, &e) < 0 || create(&j, f, &e) < 0)
		fail_msg("%s", e.msg);
	memcpy(f->id, j.id, sizeof(f->id));
	snprintf(f->path, sizeof(f->path), "%s/%s.journal", f->temp.changesets, f->id);
	load(f);
	f->planned_end = f->len;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(journal_done(&j, i, rows[i].after, false, &e), 0);
	assert_int_equal(journal_applied(&j, &e), 0);
	journal_close(&j);
	load(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	state_dir_close(&f->dir);
	temp_state_remove(&f->temp);
	free(f);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

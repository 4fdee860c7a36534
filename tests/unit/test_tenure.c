/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "base/units.h"
#include "tune_fixture.h"
#include "tune/guardian.h"
#include "tune/journal_line.h"
#include "tune/tenure.h"

#define MINUTE (60 * NS_PER_S)

static struct proc_identity self(const struct fixture *f)
{
	struct proc_identity p;
	struct err e;

	assert_int_equal(proc_identity(&f->host, 0, &p, &e), 0);
	return p;
}

/* A process that has been there and is not any more. */
static struct proc_identity gone(const struct fixture *f)
{
	struct proc_identity p = self(f);

	p.start_ticks += 1;
	return p;
}

/* One written change with that tenure; left open. */
static void make(struct fixture *f, const struct tenure *t, char id[CHANGESET_ID_MAX])
{
	cleanup_with(changes_done) struct changes plan = {0};
	struct journal_header with = header;
	struct err e;

	with.tenure = *t;
	set(f, SOMAXCONN_KEY, "128");
	want(f, SOMAXCONN_KEY, OP_EXACT, "4096");
	assert_int_equal(plan_changes(&f->host, &f->profile, false, &plan, &e), 0);
	f->profile.wants_len = 0;
	if (apply_changes(&f->host, &f->dir, &with, &plan, id, &e) < 0)
		fail_msg("%s", e.msg);
}

static enum tenure_state judged(const struct fixture *f, const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err e;

	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	assert_int_equal(cs.bad_len, 0);
	return tenure_state(&f->host, &cs);
}

static enum tenure_state state_of(struct fixture *f, const struct tenure *t)
{
	char id[CHANGESET_ID_MAX];

	make(f, t, id);

	enum tenure_state s = judged(f, id);

	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_int_equal(judged(f, id), TENURE_PLAIN);
	return s;
}

static void test_states(void **state)
{
	struct fixture *f = *state;

	need_root();

	uint64_t past = now_boottime_ns() - 1, later = now_boottime_ns() + MINUTE;
	const struct {
		struct tenure tenure;
		enum tenure_state state;
	} cases[] = {
		{{.maker = self(f)}, TENURE_PLAIN},
		{{.maker = gone(f)}, TENURE_PLAIN},
		{{.run = true, .maker = self(f), .guardian = self(f)}, TENURE_WORKING},
		{{.run = true, .maker = self(f), .guardian = gone(f)}, TENURE_WORKING},
		{{.run = true, .maker = gone(f), .guardian = self(f)}, TENURE_RESTORING},
		{{.run = true, .maker = gone(f), .guardian = gone(f)}, TENURE_LOST},
		{{.run = true, .maker = gone(f)}, TENURE_LOST},
		{{.maker = gone(f), .deadline_ns = later, .guardian = self(f)}, TENURE_WAITING},
		{{.maker = gone(f), .deadline_ns = later, .guardian = gone(f)}, TENURE_UNWATCHED},
		{{.maker = gone(f), .deadline_ns = later}, TENURE_UNWATCHED},
		{{.maker = gone(f), .deadline_ns = past, .guardian = self(f)}, TENURE_RESTORING},
		{{.maker = gone(f), .deadline_ns = past, .guardian = gone(f)}, TENURE_OVER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (state_of(f, &cases[i].tenure) != cases[i].state)
			fail_msg("case %zu", i);
}

/* While apply is at work its journal is not finished, which a crash leaves as well. */
static void test_interrupted_apply(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];

	need_root();
	make(f, &(struct tenure){.maker = self(f)}, id);
	cut_journal(f, id, 3);
	assert_int_equal(judged(f, id), TENURE_WORKING);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	make(f, &(struct tenure){.maker = gone(f), .guardian = self(f)}, id);
	cut_journal(f, id, 3);
	assert_int_equal(judged(f, id), TENURE_RESTORING);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	make(f, &(struct tenure){.maker = gone(f)}, id);
	cut_journal(f, id, 3);
	assert_int_equal(judged(f, id), TENURE_PLAIN);
	assert_int_equal(state_now(f, id), CHANGESET_UNFINISHED);
}

static void confirm(const struct fixture *f, const char *id)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct journal j;
	struct err e;

	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	assert_int_equal(journal_reopen(&j, &f->dir, &cs, &e), 0);
	assert_int_equal(journal_confirmed(&j, &e), 0);
	journal_close(&j);
}

static size_t count_ended(const struct fixture *f, bool lost_too)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len;
	struct err e;

	assert_int_equal(tenure_ended(&f->host, &f->dir, lost_too, &ids, &len, &e), 0);
	return len;
}

static void test_confirmed(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	make(f, &(struct tenure){.maker = gone(f), .deadline_ns = now_boottime_ns() + 1}, id);
	assert_int_equal(judged(f, id), TENURE_OVER);
	assert_int_equal(count_ended(f, false), 1);
	confirm(f, id);
	assert_int_equal(judged(f, id), TENURE_PLAIN);
	assert_int_equal(count_ended(f, true), 0);
	assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
	assert_true(cs.confirmed);
	assert_non_null(cs.tenure.until);
	/* It can be rolled back like any other. */
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
}

/* Its deadline is a time of another boot, whatever that clock says now. */
static void test_other_boot(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX], run[CHANGESET_ID_MAX];
	struct tenure later = {.maker = self(f),
			       .guardian = self(f),
			       .deadline_ns = now_boottime_ns() + MINUTE};

	need_root();
	make(f, &later, id);
	set(f, SOMAXCONN_KEY, "128");
	make(f, &(struct tenure){.run = true, .maker = self(f), .guardian = self(f)}, run);
	assert_int_equal(count_ended(f, true), 0);
	f->host.boot_id[0] = f->host.boot_id[0] == '0' ? '1' : '0';
	assert_int_equal(judged(f, id), TENURE_OVER);
	assert_int_equal(judged(f, run), TENURE_LOST);
	assert_int_equal(count_ended(f, false), 1);
	assert_int_equal(count_ended(f, true), 2);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_GONE);
	assert_int_equal(count_ended(f, false), 0);
	assert_value(f, SOMAXCONN_KEY, "4096");
}

/* Writes the header anew, with its checksum. */
static void forge_header(const struct fixture *f, const char *id, const char *json)
{
	cleanup_with(strbuf_done) struct strbuf out = {0};
	char path[200], all[65536];

	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, id);
	cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t n = read(fd, all, sizeof(all) - 1);

	assert_true(n > 0);
	all[n] = '\0';
	strbuf_addf(&out, "%08u %08x %s", 0U, journal_crc(id, 0, json, strlen(json)), json);
	strbuf_add(&out, strchr(all, '\n'));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, strbuf_get(&out), out.len, 0), out.len);
}

static const char *with_fields(const struct fixture *f, const char *id, int format,
			       const char *fields)
{
	static _Thread_local char json[1024];

	snprintf(json, sizeof(json),
		 "{\"type\":\"header\",\"format\":%d,\"id\":\"%s\",\"boot_id\":\"%s\","
		 "\"netns_cookie\":\"%llu\",\"netns\":\"\",\"user\":\"ada\",\"uid\":0,"
		 "\"time\":\"2026-11-20T17:03:22.104Z\",\"profile\":\"server\",\"command\":\"\"%s}",
		 format, id, f->host.boot_id, (unsigned long long)f->host.netns_cookie, fields);
	return json;
}

static void test_format_1(void **state)
{
	struct fixture *f = *state;
	char id[CHANGESET_ID_MAX];

	need_root();
	make(f, &(struct tenure){.maker = self(f)}, id);
	forge_header(f, id, with_fields(f, id, 1, ""));
	assert_int_equal(judged(f, id), TENURE_PLAIN);
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);
	assert_int_equal(undo_one(f, id, &plain), CHANGE_RESTORED);
	assert_value(f, SOMAXCONN_KEY, "128");
}

/* A journal is untrusted input: a pid is signalled and a timer's name is given to systemctl. */
static void test_headers_that_cannot_be(void **state)
{
	static const char *const fields[] = {
		",\"deadline_ns\":5",
		",\"until\":\"2026-11-20T17:03:22.104Z\"",
		",\"deadline_ns\":-5,\"until\":\"2026-11-20T17:03:22.104Z\"",
		",\"deadline_ns\":\"5\",\"until\":\"2026-11-20T17:03:22.104Z\"",
		",\"guardian_pid\":-1,\"guardian_start\":1",
		",\"guardian_pid\":4294967297,\"guardian_start\":1",
		",\"pid\":1,\"start\":-1",
		",\"run\":1",
		",\"timer\":\"sshd\"",
		",\"timer\":\"runup-for-1 sshd\"",
		",\"timer\":\"runup-for-../1\"",
	};
	struct fixture *f = *state;
	cleanup_with(changes_done) struct changes undone = {0};
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	make(f, &(struct tenure){.maker = self(f)}, id);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		cleanup_with(changeset_done) struct changeset cs = {0}, first = {0};

		forge_header(f, id, with_fields(f, id, 2, fields[i]));
		assert_int_equal(changeset_read(&f->dir, id, &cs, &e), 0);
		if (cs.state != CHANGESET_UNREADABLE)
			fail_msg("taken: %s", fields[i]);
		assert_int_equal(changeset_read_header(&f->dir, id, &first, &e), 0);
		assert_int_equal(first.tenure.guardian.pid, 0);
	}
	forge_header(f, id, with_fields(f, id, JOURNAL_FORMAT + 1, ""));
	assert_int_equal(rollback_changeset(&f->host, &f->dir, id, &plain, &undone, &e), -EBADMSG);
	assert_value(f, SOMAXCONN_KEY, "4096");
	forge_header(f, id, with_fields(f, id, 2, ",\"timer\":\"runup-for-123\""));
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);
}

/* A stranger that got the guardian's number is not ended. */
static void test_dismiss_spares_strangers(void **state)
{
	struct fixture *f = *state;
	struct changeset cs = {.boot_id = f->host.boot_id};
	struct err e;
	int status;

	need_root();

	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	cs.tenure.deadline_ns = 1;
	assert_int_equal(proc_identity(&f->host, pid, &cs.tenure.guardian, &e), 0);
	cs.tenure.guardian.start_ticks += 1;
	tenure_dismiss(&f->host, &cs);
	usleep(50 * 1000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	cs.tenure.guardian.start_ticks -= 1;
	tenure_dismiss(&f->host, &cs);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* No guardian, no change: what it cannot do with the privileges it keeps is known beforehand. */
static void test_guardian_that_cannot(void **state)
{
	struct fixture *f = *state;
	struct guardian g = GUARDIAN_INIT;
	struct state_dir elsewhere = f->dir;
	struct err e;

	need_root();
	snprintf(elsewhere.path, sizeof(elsewhere.path), "%s/none", f->temp.path);
	assert_int_equal(guardian_start(&f->host, &elsewhere, 0, &g, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "none"));
	assert_int_equal(g.word_fd, -1);
	/* Nothing is left of it. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	guardian_release(&g);
}

static void test_guardian_is_released(void **state)
{
	struct fixture *f = *state;
	struct guardian g = GUARDIAN_INIT;
	char id[CHANGESET_ID_MAX];
	struct err e;

	need_root();
	if (guardian_start(&f->host, &f->dir, 0, &g, &e) < 0)
		fail_msg("%s", e.msg);

	struct proc_identity p = g.process;

	make(f, &(struct tenure){.run = true, .maker = self(f), .guardian = p}, id);
	assert_int_equal(proc_alive(&f->host, &p, &e), 1);
	guardian_release(&g);
	assert_int_equal(proc_alive(&f->host, &p, &e), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_value(f, SOMAXCONN_KEY, "4096");
	assert_int_equal(state_now(f, id), CHANGESET_OPEN);

	/* Stopped by somebody: it cannot hear, and is not left behind. */
	if (guardian_start(&f->host, &f->dir, 0, &g, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(kill(g.process.pid, SIGSTOP), 0);
	guardian_release(&g);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states),
		TEST(test_interrupted_apply),
		TEST(test_confirmed),
		TEST(test_other_boot),
		TEST(test_format_1),
		TEST(test_headers_that_cannot_be),
		TEST(test_dismiss_spares_strangers),
		TEST(test_guardian_that_cannot),
		TEST(test_guardian_is_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

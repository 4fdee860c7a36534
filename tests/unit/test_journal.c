/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal_fixture.h"

/* Whatever happened to the file: a value is as recorded, or its change is not proven. */
static size_t assert_nothing_invented(const struct changeset *cs)
{
	size_t proven = 0;

	assert_true(cs->changes.len <= ARRAY_LEN(rows));
	for (size_t i = 0; i < cs->changes.len; i++) {
		const struct change *c = &cs->changes.item[i];

		if (!*c->kind) {
			assert_int_equal(c->result, CHANGE_UNKNOWN);
			assert_string_equal(c->before, "");
			continue;
		}
		proven++;
		assert_string_equal(c->key, rows[i].key);
		assert_string_equal(c->before, rows[i].before);
		assert_string_equal(c->want, rows[i].want);
		assert_string_equal(c->write, rows[i].write);
		assert_string_equal(c->expect, rows[i].expect);
		assert_string_equal(cs->identity[i], "netns:7");
		if (cs->done[i])
			assert_string_equal(c->after, rows[i].after);
		assert_false(cs->undone[i]);
	}
	return proven;
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct journal j;
	struct err e;
	struct stat st;

	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_OPEN);
	assert_int_equal(cs.bad_len, 0);
	assert_int_equal(assert_nothing_invented(&cs), ARRAY_LEN(rows));
	assert_true(cs.count_proven);
	assert_string_equal(cs.boot_id, some_host.boot_id);
	assert_true(cs.netns_cookie == UINT64_MAX);
	assert_string_equal(cs.profile, "server");
	assert_string_equal(cs.command, "runup apply ? server");
	assert_string_equal(cs.user, "ada");
	assert_int_equal(cs.changes.item[2].op, OP_COVERS);
	assert_int_equal(cs.changes.item[2].value_kind, VALUE_SET);
	assert_int_equal(cs.good_end, f->len);
	assert_int_equal(cs.next_seq, 9);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	assert_int_equal(journal_reopen(&j, &f->dir, &cs, &e), 0);
	assert_int_equal(journal_before(&j, 0, "64", &e), 0);
	assert_int_equal(journal_undone(&j, 0, CHANGE_DRIFTED, "5\"\xff", &e), 0);
	assert_int_equal(journal_undone(&j, 1, CHANGE_RESTORED, NULL, &e), 0);
	assert_int_equal(journal_closed(&j, &e), 0);
	journal_close(&j);
	changeset_done(&cs);

	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_CLOSED);
	assert_int_equal(cs.bad_len, 0);
	assert_string_equal(cs.changes.item[0].before, "64");
	assert_string_equal(cs.first_before[0], "128");
	assert_null(cs.first_before[1]);
	assert_int_equal(cs.changes.item[0].result, CHANGE_DRIFTED);
	assert_string_equal(cs.changes.item[0].now, "5\"?");
	assert_int_equal(cs.changes.item[1].result, CHANGE_RESTORED);
	assert_false(cs.undone[2]);
}

/* Cut at every byte: before `planned` nothing was written, behind it the rest is as recorded. */
static void test_cut_everywhere(void **state)
{
	struct fixture *f = *state;

	for (size_t cut = 0; cut <= f->len; cut++) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		struct err e;
		/* A record is whole without its newline, too. */
		enum changeset_state expected = cut < f->planned_end - 1 ? CHANGESET_EMPTY
						: cut < f->len - 1	 ? CHANGESET_UNFINISHED
									 : CHANGESET_OPEN;

		store(f, f->text, cut);
		assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
		assert_int_equal(cs.state, expected);
		assert_int_equal(cs.bad_len, 0);
		assert_nothing_invented(&cs);
		if (cut >= f->planned_end - 1)
			assert_int_equal(cs.changes.len, ARRAY_LEN(rows));
	}
}

/* A torn line is cut off before the next append, so that the next one can be proven. */
static void test_append_after_cut(void **state)
{
	struct fixture *f = *state;

	for (size_t cut = f->planned_end - 1; cut < f->len; cut++) {
		cleanup_with(changeset_done) struct changeset cs = {0}, again = {0};
		struct journal j;
		struct err e;

		store(f, f->text, cut);
		assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
		assert_int_equal(journal_reopen(&j, &f->dir, &cs, &e), 0);
		assert_int_equal(journal_closed(&j, &e), 0);
		journal_close(&j);
		assert_int_equal(changeset_read(&f->dir, f->id, &again, &e), 0);
		assert_int_equal(again.state, CHANGESET_CLOSED);
		assert_int_equal(again.bad_len, 0);
	}
}

/* Every byte altered, in two ways: no value changes, and what is not proven is told. */
static void test_every_byte_flipped(void **state)
{
	static const unsigned char flips[] = {0x01, 0x80, 0x20};
	struct fixture *f = *state;
	size_t header_end = (size_t)(strchr(f->text, '\n') - f->text) + 1;

	for (size_t at = 0; at < f->len * ARRAY_LEN(flips); at++) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		struct err e;
		size_t byte = at / ARRAY_LEN(flips);

		f->text[byte] = (char)(f->text[byte] ^ flips[at % ARRAY_LEN(flips)]);
		store(f, f->text, f->len);
		f->text[byte] = (char)(f->text[byte] ^ flips[at % ARRAY_LEN(flips)]);
		assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
		assert_nothing_invented(&cs);
		if (byte < header_end)
			assert_int_equal(cs.state, CHANGESET_UNREADABLE);
		else /* never "nothing was written": something was */
			assert_true(cs.state == CHANGESET_UNFINISHED || cs.state == CHANGESET_OPEN);
		assert_true(cs.bad_len > 0);
		assert_true(changes_count(&cs.changes, CHANGE_UNKNOWN) <= 2);
	}
}

/* A bad line is named; the proven ones around it still count. */
static void test_bad_line_in_the_middle(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err e;
	char *second = strstr(f->text, "tcp_rmem");

	*second = 'T';
	store(f, f->text, f->len);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_OPEN);
	assert_int_equal(cs.bad_len, 1);
	assert_int_equal(cs.bad[0].line, 3);
	assert_string_equal(cs.bad[0].reason, "its checksum does not fit");
	assert_int_equal(assert_nothing_invented(&cs), 2);
	assert_int_equal(cs.changes.item[1].result, CHANGE_UNKNOWN);
	assert_true(cs.done[1]);
}

/* The bad line may be `planned` itself: then it counts as one that was there. */
static void test_bad_planned(void **state)
{
	struct fixture *f = *state;
	char *planned = strstr(f->text, "planned");

	*planned = 'P';
	for (int whole = 0; whole < 2; whole++) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		struct err e;

		store(f, f->text, whole ? f->len : f->planned_end);
		assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
		assert_int_equal(cs.state, whole ? CHANGESET_OPEN : CHANGESET_UNFINISHED);
		assert_int_equal(cs.bad[0].line, 5);
		assert_false(cs.count_proven);
	}
}

/* Leaves line `line` (from 1) out. */
static size_t without_line(const struct fixture *f, unsigned line, char *out)
{
	const char *at = f->text;

	while (--line)
		at = strchr(at, '\n') + 1;

	const char *next = strchr(at, '\n') + 1;
	size_t front = (size_t)(at - f->text), back = f->len - (size_t)(next - f->text);

	memcpy(out, f->text, front);
	memcpy(out + front, next, back);
	return front + back;
}

static void test_missing_line(void **state)
{
	struct fixture *f = *state;
	char text[sizeof(f->text)];

	for (unsigned line = 1; line <= 8; line++) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		struct err e;

		store(f, text, without_line(f, line, text));
		assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
		assert_nothing_invented(&cs);
		assert_true(cs.bad_len > 0);
		assert_int_equal(cs.bad[0].line, line);
		if (line == 1)
			assert_int_equal(cs.state, CHANGESET_UNREADABLE);
		else
			assert_string_equal(cs.bad[0].reason, "records are missing before it");
		if (line >= 2 && line <= 4)
			assert_int_equal(cs.changes.item[line - 2].result, CHANGE_UNKNOWN);
	}
}

/* A line of another journal has its own checksum, and a line told twice its place. */
static void test_foreign_and_repeated_lines(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0}, twice = {0};
	struct journal j;
	struct err e;
	char first[sizeof(f->text)], *line = strstr(f->text, "\n00000001") + 1;
	size_t len = (size_t)(strchr(line, '\n') - line) + 1;

	memcpy(first, f->text, f->len + 1);
	assert_int_equal(create(&j, f, &e), 0);
	journal_close(&j);
	assert_string_not_equal(j.id, f->id);

	/* The first journal's line 2 in the second one. */
	char path[200], text[sizeof(f->text)];
	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, j.id);
	memcpy(f->path, path, sizeof(path));
	load(f);
	char *same = strstr(f->text, "\n00000001") + 1;
	assert_memory_equal(same + 18, first + (line - f->text) + 18, len - 18);
	memcpy(same, first + (line - f->text), len);
	store(f, f->text, f->len);
	assert_int_equal(changeset_read(&f->dir, j.id, &cs, &e), 0);
	assert_int_equal(cs.bad_len, 1);
	assert_string_equal(cs.bad[0].reason, "its checksum does not fit");
	assert_int_equal(cs.changes.item[0].result, CHANGE_UNKNOWN);

	snprintf(f->path, sizeof(f->path), "%s/%s.journal", f->temp.changesets, f->id);
	snprintf(text, sizeof(text), "%s%.*s", first, (int)len, first + (line - f->text));
	store(f, text, strlen(text));
	assert_int_equal(changeset_read(&f->dir, f->id, &twice, &e), 0);
	assert_int_equal(twice.bad_len, 1);
	assert_string_equal(twice.bad[0].reason, "a record out of order");
	assert_int_equal(twice.state, CHANGESET_OPEN);
}

static void test_header_of_another_changeset(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	struct err e;
	char path[200];
	const char *other = "20261120-170322-0099";

	snprintf(path, sizeof(path), "%s/%s.journal", f->temp.changesets, other);
	assert_int_equal(rename(f->path, path), 0);
	assert_int_equal(changeset_read(&f->dir, other, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_UNREADABLE);
	assert_int_equal(cs.bad_len, 9);
	assert_int_equal(cs.changes.len, 0);
}

static void test_long_and_binary_lines(void **state)
{
	struct fixture *f = *state;
	cleanup_with(changeset_done) struct changeset cs = {0};
	size_t len = JOURNAL_LINE_MAX + 100;
	cleanup_free char *text = malloc(f->len + 2 * len);
	struct err e;

	assert_non_null(text);
	memcpy(text, f->text, f->len);
	memset(text + f->len, '0', len);
	text[f->len + 8] = text[f->len + 17] = ' ';
	text[f->len + len - 1] = '\n';
	memset(text + f->len + len, '\0', len);
	text[f->len + 2 * len - 1] = '\n';
	store(f, text, f->len + 2 * len);
	assert_int_equal(changeset_read(&f->dir, f->id, &cs, &e), 0);
	assert_int_equal(cs.state, CHANGESET_OPEN);
	assert_int_equal(cs.bad_len, 2);
	assert_string_equal(cs.bad[0].reason, "too long for a record");
	assert_string_equal(cs.bad[1].reason, "not a record");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_cut_everywhere),
		TEST(test_append_after_cut),
		TEST(test_every_byte_flipped),
		TEST(test_bad_line_in_the_middle),
		TEST(test_bad_planned),
		TEST(test_missing_line),
		TEST(test_foreign_and_repeated_lines),
		TEST(test_header_of_another_changeset),
		TEST(test_long_and_binary_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

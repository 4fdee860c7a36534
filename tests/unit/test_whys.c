/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `runup explain` says of each check: three sentences at least, none too long to follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/check.h"

#define SENTENCES_MIN 3
#define SENTENCE_MAX 300
#define SENTENCE_MIN 15

/*
 * The end of the sentence that begins at s: behind its full stop. A stop ends one only before a
 * blank or the end of the text: "4.14" and "net.ipv4.tcp_mem" have none.
 */
static const char *sentence_end(const char *s)
{
	while (*s && !(strchr(".?!", *s) && (s[1] == ' ' || !s[1])))
		s++;
	return *s ? s + 1 : NULL;
}

static void assert_explains(const char *id, const char *why)
{
	unsigned sentences = 0;

	assert_non_null(why);
	for (const char *s = why; *s; sentences++) {
		const char *end = sentence_end(s);

		if (!end)
			fail_msg("%s: the last sentence has no end: %s", id, s);
		if (end - s > SENTENCE_MAX || end - s < SENTENCE_MIN)
			fail_msg("%s: a sentence of %td bytes: %.*s", id, end - s, (int)(end - s),
				 s);
		s = *end ? end + 1 : end;
		if (*s == ' ')
			fail_msg("%s: two blanks before: %s", id, s);
	}
	if (sentences < SENTENCES_MIN)
		fail_msg("%s: %u sentences", id, sentences);
}

static void test_checks_and_members_explain_themselves(void **state)
{
	size_t members = 0;

	(void)state;
	assert_true(checks_len > 30);
	for (size_t i = 0; i < checks_len; i++) {
		const struct check *c = checks[i];

		assert_explains(c->id, c->why);
		for (size_t m = 0; c->member && c->member(m); m++, members++)
			assert_explains(c->member(m)->id, c->member(m)->why);
	}
	assert_true(members > 10);
}

static void test_what_a_sentence_is(void **state)
{
	(void)state;
	assert_string_equal(sentence_end("Linux 4.14 took tcp_mem. It"), " It");
	assert_string_equal(sentence_end("Is it full?"), "");
	assert_null(sentence_end("net.ipv4.tcp_mem has no end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks_and_members_explain_themselves),
		cmocka_unit_test(test_what_a_sentence_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watch goes on for hours: after its first turns it takes no more memory, whatever is lost. */
#include "tests/unit/watch_fixture.h"

#include <malloc.h>

#define TURNS 300
#define WARM_UP 60

/* Bytes that malloc() has given out; 0: another allocator (a sanitizer's) is in its place. */
static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static bool can_tell(void)
{
	void *some = malloc(1);
	bool tells = in_use() > 0;

	free(some);
	if (!tells)
		printf("not possible here: this allocator does not tell what it has given out\n");
	return tells && temp_is_root();
}

/* Each turn has something to count, to place and to name: datagrams that do not fit, on few ports.
 */
static void turns_take_no_more(bool bpf)
{
	struct fixture f = {0};
	uint16_t port[3];
	int fd[3];
	size_t before = 0;

	temp_netns(&f.host);
	if (bpf && !bpf_loads(&f.host)) {
		host_close(&f.host);
		skip();
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		fd[i] = bound_socket(AF_INET, SOCK_DGRAM, &port[i]);
		assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &(int){1}, sizeof(int)),
				 0);
	}

	const struct watch_options o = {.bpf = bpf, .interval_ns = 5 * NS_PER_MS};
	struct err e = {0};

	assert_ok(watch_open(&f.host, &o, &f.seen, &f.watch, &e), &e);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct pollfd p = {.fd = watch_fd(f.watch), .events = POLLIN};

		flood_udp(AF_INET, port[turn % 3], 8);
		assert_true(poll(&p, 1, 1000) == 1);
		watch_turn(f.watch);
		if (turn == WARM_UP)
			before = in_use();
	}
	assert_int_equal(in_use(), before);
	watch_finish(f.watch);
	assert_true(total(&f, "udp.receive_buffer") > TURNS);
	for (size_t i = 0; i < 3; i++)
		close(fd[i]);
	close_fixture(&f);
}

static void test_with_bpf(void **state unused_)
{
	if (skip_unless(can_tell()))
		turns_take_no_more(true);
}

static void test_without_bpf(void **state unused_)
{
	if (skip_unless(can_tell()))
		turns_take_no_more(false);
}

/* Opened and closed again and again, as by `check --observe` of a library's user. */
static void test_opening_leaves_nothing(void **state unused_)
{
	struct host h;
	size_t before = 0;

	if (!skip_unless(can_tell()))
		return;
	temp_netns(&h);
	for (unsigned i = 0; i < 20; i++) {
		const struct watch_options o = {.interval_ns = 5 * NS_PER_MS};
		struct observation seen = {0};
		struct watch *w;
		struct err e = {0};

		assert_ok(watch_open(&h, &o, &seen, &w, &e), &e);
		watch_turn(w);
		watch_finish(w);
		watch_close(w);
		observation_done(&seen);
		if (i == 5)
			before = in_use();
	}
	assert_int_equal(in_use(), before);
	host_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_bpf),
		cmocka_unit_test(test_without_bpf),
		cmocka_unit_test(test_opening_leaves_nothing),
	};

	return cmocka_run_group_tests_name("watch growth", tests, NULL, NULL);
}

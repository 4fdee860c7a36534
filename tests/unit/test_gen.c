/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What load each generator's command line makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gen_fixture.h"

static const struct gen_line wrk[] = {
	{"wrk --latency -t2 -c16 -d3s http://127.0.0.1:8080/",
	 "wrk closed c16 k d3 t127.0.0.1:8080 th2"},
	{"wrk -t2 -c16 -d3s -s done.lua http://127.0.0.1:8080/mixed",
	 "wrk closed c16 d3 t127.0.0.1:8080 th2 !"},
	{"wrk --latency -t2 -c150 -d3s -H 'Connection: close' http://127.0.0.1:8080/",
	 "wrk closed c150 nk d3 t127.0.0.1:8080 th2"},
	{"wrk --latency -t2 -c16 -d5s --timeout 1s http://127.0.0.1:8080/slower",
	 "wrk closed c16 k d5 t127.0.0.1:8080 th2"},
	{"wrk -c 400 -t 4 -d 30s http://10.0.0.5:8080/",
	 "wrk closed c400 k d30 t10.0.0.5:8080 th4"},
	/* Its defaults, and what getopt_long lets people write. */
	{"wrk https://example.org", "wrk closed c10 k d10 texample.org:443 th2"},
	{"wrk http://h/ --conn=4 --thr 1 -d2m", "wrk closed c4 k d120 th:80 th1"},
	{"wrk -d 1h -Lc1k -t1 http://h", "wrk closed c1000 k d3600 th:80 th1"},
	{"wrk -c 1K -t 1 -d 90 http://h", "wrk closed c1000 k d90 th:80 th1"},
	{"/usr/bin/wrk -c2 -t1 http://[::1]:81/", "wrk closed c2 k d10 t::1:81 th1"},
	{"wrk -c2 -t1 http://user:p@ss@h:81/?x=@y", "wrk closed c2 k d10 th:81 th1"},
	{"wrk -c2 -t1 -- http://h/ -c 5", "wrk closed c2 k d10 th:80 th1"},
	/* 10 / 4 = 2 connections for each thread. */
	{"wrk -c 10 -t 4 http://h/", "wrk closed c8 k d10 th:80 th4 !"},
	/* What wrk refuses says no load. */
	{"wrk -t8 -c4 -d1s http://127.0.0.1:8080/", "wrk !"},
	{"wrk -c 1.5k http://h/", "wrk !"},
	{"wrk -c -5 http://h/", "wrk !"},
	{"wrk -c 10x http://h/", "wrk !"},
	{"wrk -d 10d http://h/", "wrk !"},
	{"wrk -c 99999999999999999999 http://h/", "wrk !"},
	{"wrk -c 9999999P http://h/", "wrk !"},
	{"wrk -d 99999999999999h http://h/", "wrk !"},
	{"wrk localhost:80", "wrk !"},
	{"wrk ftp://h/", "wrk !"},
	{"wrk http://", "wrk !"},
	{"wrk http://h:99999/", "wrk !"},
	{"wrk http://[::1/", "wrk !"},
	{"wrk -c 10", "wrk !"},
	{"wrk", "wrk !"},
	{"wrk -c", "wrk !"},
	{"wrk --nonsense http://h/", "wrk !"},
	{"wrk --latency=5 http://h/", "wrk !"},
	{"wrk -t0 http://h/", "wrk !"},
	{"wrk -h http://h/", "wrk !"},
};

static const struct gen_line wrk2[] = {
	{"wrk2 -R 2k -c100 -t4 -d1m http://h/", "wrk2 open c100 r2000 k d60 th:80 th4"},
	/* Its own build is called wrk. */
	{"wrk -t2 -c100 -d30s -R2000 http://h:81/", "wrk2 open c100 r2000 k d30 th:81 th2"},
	{"wrk --rate 5 -U -B -L -c2 http://h/", "wrk2 open c2 r5 k d10 th:80 th2"},
	{"wrk2 -c100 http://h/", "wrk2 !"},
};

static const struct gen_line hey[] = {
	{"hey -z 3s -c 8 -q 50 http://127.0.0.1:8080/",
	 "hey closed c8 r400 k d3 t127.0.0.1:8080 f"},
	{"hey -n 400 -c 8 -o csv http://127.0.0.1:8080/", "hey closed c8 k t127.0.0.1:8080 f"},
	{"hey -z 3s -c 16 http://127.0.0.1:8080/mixed", "hey closed c16 k d3 t127.0.0.1:8080 f"},
	{"hey -n 1000 -c 150 -disable-keepalive http://127.0.0.1:8080/",
	 "hey closed c150 nk t127.0.0.1:8080 f"},
	{"hey -n 32 -c 16 -t 1 http://127.0.0.1:8080/slower", "hey closed c16 k t127.0.0.1:8080 f"},
	{"hey https://h/", "hey closed c50 k th:443 f"},
	{"hey --z=1m30s --c=+5 -q 0.5 -cpus 2 http://h/", "hey closed c5 r3 k d90 th:80 th2 f"},
	{"hey -disable-keepalive=false -H 'Connection: close' http://h/",
	 "hey closed c50 nk th:80 f"},
	{"hey -x http://proxy:3128 http://h/", "hey closed c50 k tproxy:3128 f"},
	/* Go's flag stops at the URL. */
	{"hey http://h/ -c 5", "hey closed c50 k th:80 f !"},
	{"hey -c 600 -n 600 http://h/", "hey closed c600 k th:80 f !"},
	{"hey -n 10k http://h/", "hey !"},
	{"hey -z 10 http://h/", "hey !"},
	{"hey -z 1m30 http://h/", "hey !"},
	{"hey -c 5 -n 4 http://h/", "hey !"},
	{"hey -c 0 http://h/", "hey !"},
	{"hey -c5 http://h/", "hey !"},
	{"hey -k http://h/", "hey !"},
	{"hey 127.0.0.1:9", "hey !"},
	{"hey -n", "hey !"},
	{"hey", "hey !"},
};

static const struct gen_line ab[] = {
	{"ab -r -t 3 -n 2000000 -c 16 http://127.0.0.1:8080/",
	 "ab closed c16 nk d3 t127.0.0.1:8080 th1"},
	{"ab -t 3 -c 16 http://127.0.0.1:8080/", "ab closed c16 nk d3 t127.0.0.1:8080 th1"},
	{"ab -n 200 -c 4 -g times.tsv http://127.0.0.1:8080/",
	 "ab closed c4 nk t127.0.0.1:8080 th1"},
	{"ab -k -n 20000 -c 16 -e percentiles.csv http://127.0.0.1:8080/",
	 "ab closed c16 k t127.0.0.1:8080 th1"},
	{"ab -n 32 -c 16 -s 1 http://127.0.0.1:8080/slower",
	 "ab closed c16 nk t127.0.0.1:8080 th1"},
	{"ab https://h/x", "ab closed c1 nk th:443 th1"},
	{"ab -kc5 -n50 h/x", "ab closed c5 k th:80 th1"},
	{"ab -n 5x -c 2k h:81/", "ab closed c2 nk th:81 th1"},
	{"ab -n 5 -B 10.0.0.1 h/", "ab closed c1 nk th:80 s1 th1 b"},
	{"ab -n 5 -X proxy:3128 http://h/", "ab closed c1 nk tproxy:3128 th1"},
	{"ab -kn 5 -H 'Connection: close' h/", "ab closed c1 nk th:80 th1"},
	{"ab -n 5 http://127.0.0.1:9", "ab !"},
	{"ab http://h/ -n 5", "ab !"},
	{"ab -c 5 -n 4 http://h/", "ab !"},
	{"ab -n -4 http://h/", "ab !"},
	{"ab --help", "ab !"},
	{"ab -n", "ab !"},
	{"ab", "ab !"},
};

static const struct gen_line h2load[] = {
	{"h2load --h1 -D 3 -c 16 http://127.0.0.1:8080/",
	 "h2load closed c16 k d3 t127.0.0.1:8080 th1"},
	{"h2load --h1 -D 3 -c 16 -t 2 http://127.0.0.1:8080/",
	 "h2load closed c16 k d3 t127.0.0.1:8080 th2"},
	{"h2load -n 5000 -c 16 -m 4 -t 2 http://127.0.0.1:8081/",
	 "h2load closed c16 k t127.0.0.1:8081 th2"},
	{"h2load --h1 -n 300 -c 8 --log-file requests.tsv http://127.0.0.1:8080/",
	 "h2load closed c8 k t127.0.0.1:8080 th1"},
	{"h2load -D 3 -c 8 --rps 20 http://127.0.0.1:8081/",
	 "h2load closed c8 r160 k d3 t127.0.0.1:8081 th1"},
	{"h2load -n 32 -c 16 -T 1 -N 500ms http://127.0.0.1:8081/slow",
	 "h2load closed c16 k t127.0.0.1:8081 th1"},
	{"h2load https://h/", "h2load closed c1 nk th:443 th1"},
	{"h2load --dur=3M --warm-up-time 500ms --cli=4 http://h/ http://other/",
	 "h2load closed c4 k d180.5 th:80 th1"},
	/* Connections at a rate are an open model. */
	{"h2load -n 1000 -c 100 -r 20 http://h/", "h2load open c100 n20 k th:80 th1 !"},
	{"h2load -n 1000 -c 100 -r 20 --rate-period=100ms http://h/",
	 "h2load open c100 n200 k th:80 th1 !"},
	{"h2load -n 9 --connect-to=[::1]:9 https://h/", "h2load closed c1 k t::1:9 th1"},
	{"h2load -n 9 --connect-to 10.0.0.1 https://h:8443/",
	 "h2load closed c1 k t10.0.0.1:8443 th1"},
	{"h2load -n 9 -B unix:/run/s http://h/", "h2load closed c1 k th1"},
	{"h2load -n 9 -B https://b/ /x", "h2load closed c1 k tb:443 th1"},
	{"h2load -n 9 -i urls.txt", "h2load closed c1 k th1 !"},
	{"h2load -n 10k -c 2 http://h/", "h2load !"},
	{"h2load -c 4 -t 8 -n 8 http://h/", "h2load !"},
	{"h2load -c 4 -n 3 http://h/", "h2load !"},
	{"h2load -D 3 -r 5 http://h/", "h2load !"},
	{"h2load -D 3d http://h/", "h2load !"},
	{"h2load -n 2 127.0.0.1:9", "h2load !"},
	{"h2load -n 2", "h2load !"},
	/* Not one option begins so, but two. */
	{"h2load --max 5 http://h/", "h2load !"},
};

static const struct gen_line siege[] = {
	{"siege -c 16 -t 3S -j -d 0.1 http://127.0.0.1:8080/",
	 "siege closed c16 d3 t127.0.0.1:8080 th16 !"},
	{"siege -b -c 16 -t 3S -j http://127.0.0.1:8080/mixed",
	 "siege closed c16 d3 t127.0.0.1:8080 th16 !"},
	{"siege -c 64 -r 5 -j http://127.0.0.1:8080/slow",
	 "siege closed c64 t127.0.0.1:8080 th64 !"},
	{"siege -c5 -t1M localhost:90", "siege closed c5 d60 tlocalhost:90 th5 !"},
	{"siege -c5 --time=2 localhost/x", "siege closed c5 d120 tlocalhost:80 th5 !"},
	{"siege -c5 -t 1h 'https://h/ POST a=b'", "siege closed c5 d3600 th:443 th5 !"},
	{"siege -H 'Connection: close' -c5 h", "siege closed c5 nk th:80 th5 !"},
	{"siege -g http://h/", "siege closed c1 th:80 th1 !"},
	/* The users are in its resource file. */
	{"siege -b http://h/", "siege closed th:80 !"},
	{"siege -c 5 -f urls.txt", "siege closed c5 th5 !"},
	{"siege -c 0 http://h/", "siege !"},
	{"siege -c 5 -t x http://h/", "siege !"},
	{"siege -C", "siege !"},
	{"siege -c", "siege !"},
};

static const struct gen_line autocannon[] = {
	{"autocannon --json -c 16 -d 3 http://127.0.0.1:8080/",
	 "autocannon closed c16 k d3 t127.0.0.1:8080 f"},
	{"autocannon -l -c 16 -d 3 http://127.0.0.1:8080/",
	 "autocannon closed c16 k d3 t127.0.0.1:8080 f"},
	{"autocannon --json -c 8 -R 200 -d 3 http://127.0.0.1:8080/",
	 "autocannon closed c8 r200 k d3 t127.0.0.1:8080 f"},
	{"autocannon --json -c 16 -d 4 -t 1 http://127.0.0.1:8080/slower",
	 "autocannon closed c16 k d4 t127.0.0.1:8080 f"},
	{"autocannon localhost:3000", "autocannon closed c10 k d10 tlocalhost:3000 f"},
	{"autocannon -c16 -d=2m --latency h", "autocannon closed c16 k d120 th:80 f"},
	{"autocannon -jc 5 -d '1m 30s' h h:81", "autocannon closed c5 k d90 th:80,h:81 f"},
	{"autocannon -a 100 -c 5 h", "autocannon closed c5 k th:80 f"},
	{"autocannon -f -c 5 h", "autocannon closed c5 k th:80 f"},
	/* Measured: fewer connections than requests/s, the whole rate in each worker. */
	{"autocannon -c 10 -R 4 h", "autocannon closed c4 r4 k d10 th:80 f"},
	{"autocannon -c 10 -w 2 -R 20 h", "autocannon closed c10 r40 k d10 th:80 th2 f"},
	{"autocannon -c 9 -w 2 h", "autocannon closed c8 k d10 th:80 th2 f"},
	{"autocannon -c 4 -r 5 -R 1 h", "autocannon closed c1 r5 k d10 th:80 f"},
	{"autocannon -c 10 -D 1 -R 20 h", "autocannon closed c10 r20 nk d10 th:80 f"},
	{"autocannon -c 10 -D 5 -R 20 h", "autocannon closed c10 r20 n4 k d10 th:80 f"},
	{"autocannon -H Connection=close h", "autocannon closed c10 nk d10 th:80 f"},
	{"autocannon -W [ -c 1 -d 3 ] -c 7 h", "autocannon closed c7 k d10 th:80 f"},
	{"autocannon --warmup [ -c 1 [ -d 3 ] ] -c 7 h", "autocannon closed c7 k d10 th:80 f"},
	{"autocannon --unheard-of 5 -c 7 h", "autocannon closed c7 k d10 th:80 f"},
	{"autocannon --on-port /path -- node server.js", "autocannon closed c10 k d10 f !"},
	{"autocannon -S /run/s http://h/", "autocannon closed c10 k d10 f"},
	{"npx -y autocannon@7 -c 7 h", "autocannon closed c7 k d10 th:80 f"},
	{"autocannon -c 10k h", "autocannon !"},
	{"autocannon -c h", "autocannon !"},
	{"autocannon -d 5parsecs h", "autocannon !"},
	{"autocannon -c -d 5 h", "autocannon !"},
	{"autocannon", "autocannon !"},
	{"autocannon -v", "autocannon !"},
};

static const struct gen_line vegeta[] = {
	{"vegeta attack -targets=targets.txt -output=results.bin -rate=200/s -duration=3s",
	 "vegeta open r200 k d3 b f !"},
	{"vegeta attack -targets=targets.txt -output=results.bin -rate=200/s -duration=3s "
	 "-max-workers=10",
	 "vegeta open c10 r200 k d3 b f !"},
	{"vegeta attack -targets=targets.txt -output=results.bin -rate=0 -max-workers=16 "
	 "-duration=3s",
	 "vegeta closed c16 k d3 b f !"},
	{"vegeta attack -targets=targets.txt -output=results.bin -rate=300/s -duration=3s "
	 "-keepalive=false",
	 "vegeta open r300 nk d3 b f !"},
	{"vegeta attack -targets=targets.txt -output=results.bin -rate=50/s -duration=2s "
	 "-timeout=300ms",
	 "vegeta open r50 k d2 b f !"},
	{"vegeta attack", "vegeta open r50 k b f !"},
	{"vegeta -cpus 4 attack --rate 6000/1m --duration 1h30m", "vegeta open r100 k d5400 b f !"},
	{"vegeta -cpus=4 attack -rate 1/3s", "vegeta open r1 k b f !"},
	{"vegeta attack -rate 100 -laddr 10.0.0.1 -unix-socket /run/s",
	 "vegeta open r100 k s1 b f"},
	{"vegeta attack -rate 100/ms -keepalive=0", "vegeta open r100000 nk b f !"},
	{"vegeta attack -rate infinity -max-workers 9", "vegeta closed c9 k b f !"},
	{"vegeta attack -rate 0", "vegeta !"},
	{"vegeta attack -rate 100/x", "vegeta !"},
	{"vegeta attack -rate 1.5", "vegeta !"},
	{"vegeta attack -rate -5", "vegeta !"},
	{"vegeta attack -duration 30", "vegeta !"},
	{"vegeta attack -rate", "vegeta !"},
	{"vegeta attack -h", "vegeta !"},
	{"vegeta report results.bin", "none !"},
	{"vegeta", "none !"},
};

static void check(const struct gen_line *rows, size_t len)
{
	for (size_t i = 0; i < len; i++)
		gen_check_line(&rows[i]);
}

#define TABLE_TEST(name)                                                                           \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		check(name, ARRAY_LEN(name));                                                      \
	}

TABLE_TEST(wrk)
TABLE_TEST(wrk2)
TABLE_TEST(hey)
TABLE_TEST(ab)
TABLE_TEST(h2load)
TABLE_TEST(siege)
TABLE_TEST(autocannon)
TABLE_TEST(vegeta)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrk),	   cmocka_unit_test(test_wrk2),
		cmocka_unit_test(test_hey),	   cmocka_unit_test(test_ab),
		cmocka_unit_test(test_h2load),	   cmocka_unit_test(test_siege),
		cmocka_unit_test(test_autocannon), cmocka_unit_test(test_vegeta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generators behind wrappers and shells, and command lines that nobody would write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gen_fixture.h"

#define WRK " wrk -c 4 -t 2 -d 30s http://h/"
#define LOAD "wrk closed c4 k d30 th:80 th2"

static const struct gen_line wrappers[] = {
	{"sudo -u ada -E -- env A=b" WRK, LOAD},
	{"sudo --user=ada --chdir /tmp A=b" WRK, LOAD},
	{"sudo -nu ada nice -n 5 ionice -c2 -n 7" WRK, LOAD},
	{"doas -u ada" WRK, LOAD},
	{"taskset -c 0-3 chrt -f 10" WRK, LOAD},
	{"taskset 0x3 chrt --idle 0" WRK, LOAD},
	{"chrt -b" WRK, LOAD},
	{"nice" WRK, LOAD},
	{"nice -10 nice --adjustment 3 nohup" WRK, LOAD},
	{"env -i -u HOME -C /tmp PATH=/usr/bin A=b" WRK, LOAD},
	{"A=b C='d e'" WRK, LOAD},
	{"time -p" WRK, LOAD},
	{"/usr/bin/time -f '%e s' -o out" WRK, LOAD},
	{"stdbuf -oL -e 0 setsid -w" WRK, LOAD},
	{"numactl --cpunodebind=0 -m 0 -C 0-3" WRK, LOAD},
	{"exec" WRK, LOAD},
	{"ip -n x netns exec blue" WRK, "none !"},
	{"ip netns exec blue" WRK, LOAD " !"},
	/* It ends the test, and is not said where the test ends earlier. */
	{"timeout 10" WRK, "wrk closed c4 k d10 th:80 th2"},
	{"timeout -s INT --kill-after=5 0.5m" WRK, LOAD},
	{"timeout -k 5 1h ab -n 5 h/", "ab closed c1 nk d3600 th:80 th1"},
	{"timeout 0 ab -n 5 h/", "ab closed c1 nk th:80 th1"},
	{"timeout soon" WRK, LOAD},
	/* Modes that start nothing, and what is no command. */
	{"taskset -p 1234", "none !"},
	{"taskset -cp 0-3 1234", "none !"},
	{"sudo -l", "none !"},
	{"sudo -u", "none !"},
	{"sudo", "none !"},
	{"env", "none !"},
	{"env -S 'wrk -c 4'", "none !"},
	{"timeout 10", "none !"},
	{"nice -n", "none !"},
	{"ip netns list", "none !"},
	{"chrt -p 10 1", "none !"},
	{"wrkk http://h/", "none !"},
	{"./loadtest.sh", "none !"},
	{"''", "none !"},
	{"nice nice nice nice nice nice nice nice nice nice nice nice nice nice" WRK, "none !"},
};

static const struct gen_line shells[] = {
	{"sh -c 'wrk -c 4 -t 2 -d 30s http://h/'", LOAD},
	{"bash -lc \"wrk -c 4 -t 2 -d 30s 'http://h/'\"", LOAD},
	{"bash -o pipefail -ec 'exec wrk -c 4 -t 2 -d 30s http://h/ >out 2>&1'", LOAD},
	{"sh -c 'wrk -c 4 -t 2 -d 30s http://h/ 2>>err </dev/null;' name arg", LOAD},
	{"sh -c 'wrk -c 4 \\\n -t \"2\" -d 30\"s\" http://h/\n'", LOAD},
	{"sh -c 'A=b sudo wrk -c 4 -t 2 -d 30s http://h/ | tee out'", LOAD},
	{"sudo sh -c \"sh -c 'wrk -c 4 -t 2 -d 30s http://h/'\"", LOAD},
	{"sh -c 'echo \"GET http://h:81/\" | vegeta attack -rate 9 | tee r | vegeta report'",
	 "vegeta open r9 k th:81 b f"},
	{"sh -c \"printf 'GET http://a/\\nGET https://b/\\n' | sudo vegeta attack -rate 9\"",
	 "vegeta open r9 k ta:80,b:443 b f"},
	{"sh -c \"echo '{\\\"method\\\":\\\"GET\\\",\\\"url\\\":\\\"http://h/\\\"}' | vegeta "
	 "attack "
	 "-format=json\"",
	 "vegeta open r50 k th:80 b f"},
	{"sh -c 'cat targets | vegeta attack -rate 9'", "vegeta open r9 k b f !"},
	{"sh -c 'vegeta attack -rate 9 <targets'", "vegeta open r9 k b f !"},
	/* What cannot be told without running it. */
	{"sh -c 'wrk -c $N http://h/'", "none !"},
	{"sh -c 'wrk -c \"$N\" http://h/'", "none !"},
	{"sh -c 'wrk -c `nproc` http://h/'", "none !"},
	{"sh -c 'cd /tmp && wrk http://h/'", "none !"},
	{"sh -c 'ulimit -n 9999; wrk http://h/'", "none !"},
	{"sh -c 'wrk http://h/ & wait'", "none !"},
	{"sh -c 'wrk http://h/ || true'", "none !"},
	{"sh -c '(wrk http://h/)'", "none !"},
	{"sh -c '{ wrk http://h/; }'", "none !"},
	{"sh -c 'wrk http://h/{a,b}'", "none !"},
	{"sh -c '# wrk http://h/'", "none !"},
	{"sh -c 'wrk http://h/ <<E\nE'", "none !"},
	{"sh -c 'wrk <(x) http://h/'", "none !"},
	{"sh -c 'wrk http://h/ \"'", "none !"},
	{"sh -c 'wrk http://h/ | hey http://h/'", "none !"},
	{"sh -c ''", "none !"},
	{"sh -c '|'", "none !"},
	{"sh -c", "none !"},
	{"sh -e script.sh", "none !"},
	{"sh", "none !"},
};

static const struct gen_line containers[] = {
	{"docker run --rm -it --network host -v a:b williamyeh/wrk -c 4 -t 2 -d 30s http://h/",
	 LOAD " !"},
	{"podman run -e A=b -eC=d --ulimit nofile=99 registry:5000/x/wrk:4@sha256:0 -c 4 -t 2 -d "
	 "30s "
	 "http://h/",
	 LOAD " !"},
	{"sudo docker container run --entrypoint wrk img:1 -c 4 -t 2 -d 30s http://h/", LOAD " !"},
	{"nerdctl run alpine wrk -c 4 -t 2 -d 30s http://h/", LOAD " !"},
	{"docker run alpine sh -c 'wrk -c 4 -t 2 -d 30s http://h/'", LOAD " !"},
	{"docker run -i grafana/k6 run -u 5 -d 10s -", "k6 closed c5 d10 f !"},
	{"docker run peterevans/vegeta sh -c \"echo 'GET http://h/' | vegeta attack -rate=5\"",
	 "vegeta open r5 k th:80 b f !"},
	{"docker run --rm -- williamyeh/wrk -c 4 -t 2 -d 30s http://h/", LOAD " !"},
	{"docker run -", "none !"},
	{"docker run alpine", "none !"},
	{"docker run alpine ls", "none !"},
	{"docker run --rm", "none !"},
	{"docker ps", "none !"},
	{"docker run -e", "none !"},
	{"docker", "none !"},
};

static const struct gen_line k6[] = {
	{"k6 run --no-color --summary-export=s.json --out json=p.json script.js", "k6 f !"},
	{"k6 run -u 5 -d 1m script.js", "k6 closed c5 d60 f !"},
	{"k6 run --vus=5 -i 100 script.js --rps 20", "k6 closed c5 r20 f !"},
	{"k6 -q run -s 10s:100 --stage 30s:50 -u5 script.js", "k6 closed c100 d40 f !"},
	{"k6 run --no-connection-reuse -d90s -u=7 script.js", "k6 closed c7 nk d90 f !"},
	{"k6 run --no-connection-reuse=false -d90s -u7 script.js", "k6 closed c7 d90 f !"},
	{"k6 run --local-ips=10.0.0.1,10.0.1.1-10.0.1.9,10.0.2.0/24 script.js", "k6 s264 b f !"},
	{"K6_VUS=5 K6_DURATION=1m k6 run script.js", "k6 closed c5 d60 f !"},
	{"env K6_VUS=5 K6_STAGES=10s:3,5s:9 k6 run script.js", "k6 closed c9 d15 f !"},
	/* Options stand above variables, and take back how to execute as a whole. */
	{"env K6_VUS=5 K6_STAGES=10s:3,5s:9 k6 run -u 6 -i 10 script.js", "k6 closed c6 f !"},
	{"k6 cloud run --local-execution -u 5 -d 1m script.js", "k6 closed c5 d60 f !"},
	{"k6 cloud run -u 5 -d 1m script.js", "k6 !"},
	{"k6 cloud script.js", "k6 !"},
	{"k6 run --no-such-flag script.js", "k6 !"},
	{"k6 run --help", "k6 !"},
	{"k6 run", "k6 !"},
	{"k6 run -u many -d 1m script.js", "k6 !"},
	{"k6 run -u 5 -d 60 script.js", "k6 !"},
	{"k6 run -s 10:x script.js", "k6 !"},
	{"k6 run --local-ips here script.js", "k6 !"},
	{"k6 inspect --execution-requirements script.js", "none !"},
	{"k6 version --json", "none !"},
	{"k6", "none !"},
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

TABLE_TEST(wrappers)
TABLE_TEST(shells)
TABLE_TEST(containers)
TABLE_TEST(k6)

static void test_secrets_are_not_in_messages(void **state)
{
	char *const lines[][5] = {
		{(char[]){"wrk"}, (char[]){"--token=hunter2"}, NULL},
		{(char[]){"wrk"}, (char[]){"ftp://u:hunter2@h/"}, NULL},
		{(char[]){"hey"}, (char[]){"-auth=hunter2"}, (char[]){"http://h/"}, NULL},
		{(char[]){"sh"}, (char[]){"-c"}, (char[]){"foo --password hunter2"}, NULL},
		{(char[]){"PASS=hunter2"}, (char[]){"x"}, NULL},
	};
	struct gen_context nothing = {.netns_fd = -1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct load l = {0};

		gen_read(lines[i], &nothing, &l);
		assert_non_null(l.generator.message);
		assert_null(strstr(l.generator.message, "hunter2"));
		load_done(&l);
	}
}

/* A generator of its own, so that a failure can be had again. */
static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

#define PROGRAMS 18
static const char *const pool[] = {"wrk",
				   "wrk2",
				   "k6",
				   "vegeta",
				   "hey",
				   "h2load",
				   "ab",
				   "siege",
				   "autocannon",
				   "sudo",
				   "env",
				   "taskset",
				   "nice",
				   "timeout",
				   "docker",
				   "ip",
				   "sh",
				   "bash",
				   "attack",
				   "run",
				   "netns",
				   "exec",
				   "-c",
				   "-lc",
				   "-",
				   "--",
				   "---",
				   "",
				   "=",
				   "-=",
				   "--=",
				   "-c=",
				   "-c=5",
				   "-c5",
				   "-C",
				   "-t",
				   "-d",
				   "-d5s",
				   "-n",
				   "-R",
				   "-rate",
				   "-rate=5/s",
				   "-rate=/",
				   "-duration=",
				   "--vus",
				   "--stage",
				   "10s:5,:,5s:",
				   "--local-ips",
				   "1.2.3.4-,/",
				   "::/0",
				   "1.1.1.1/33",
				   "--connect-to",
				   ":",
				   "http://",
				   "http://[",
				   "http://]:1",
				   "http://h:/",
				   "http://@",
				   "http://[::1]:65535/",
				   "https://u:p@[fe80::1%eth0]:8/",
				   "h",
				   "5",
				   "-5",
				   "0",
				   "1e309",
				   "1e11",
				   "18446744073709551616",
				   "999999999999",
				   "0x",
				   "5k",
				   "9P",
				   "1h",
				   "99999999999h",
				   ".",
				   "1.",
				   "[",
				   "]",
				   "[ -c 1 ]",
				   "'",
				   "\"",
				   "|",
				   "wrk http://h/ | ab h/ |",
				   "$(x)",
				   "\\",
				   ">",
				   "2>&1",
				   "<",
				   "A=",
				   "=b",
				   "A=b",
				   "-e",
				   "--ulimit",
				   "nofile=",
				   "nofile=5:",
				   "--network",
				   "x/wrk:1@2",
				   "-Wx[",
				   "--w=[",
				   "\xff\xc2",
				   "-H",
				   "Connection: close",
				   "-B",
				   "unix:",
				   "-f",
				   "-i",
				   "-r",
				   "-a",
				   "-w",
				   "-D",
				   "-M"};

static void test_random_words(void **state)
{
	struct gen_context nothing = {.netns_fd = -1};
	uint64_t seed = 20261120;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		char *argv[12] = {NULL};
		struct load l = {0};
		size_t n = next_random(&seed) % (ARRAY_LEN(argv) - 1);

		/* Copies of their own, so that a read past an end is seen. */
		for (size_t i = 0; i < n; i++) {
			/* Mostly something that is looked into begins it. */
			size_t from = i == 0 && next_random(&seed) % 4 ? PROGRAMS : ARRAY_LEN(pool);
			const char *word = pool[next_random(&seed) % from];

			argv[i] = strdup(word);
			if (*word && next_random(&seed) % 8 == 0)
				argv[i][next_random(&seed) % strlen(word)] =
					(char)next_random(&seed);
		}
		gen_read(argv, &nothing, &l);
		/* Whatever it was, it is a load that others may work with. */
		if (l.generator.name && !l.generator.message)
			assert_true(load_sized(&l));
		for (size_t i = 0; i < l.targets_len; i++)
			assert_true(l.targets[i].port != 0 && *l.targets[i].host);
		assert_true(l.connections <= UINT64_C(1000000000000));
		load_done(&l);
		for (size_t i = 0; i < n; i++)
			free(argv[i]);
	}
}

/* Each line of the tables above, cut at each byte, as a shell's script. */
static void test_cut_lines(void **state)
{
	static const struct {
		const struct gen_line *rows;
		size_t len;
	} tables[] = {{wrappers, ARRAY_LEN(wrappers)},
		      {shells, ARRAY_LEN(shells)},
		      {containers, ARRAY_LEN(containers)},
		      {k6, ARRAY_LEN(k6)}};
	struct gen_context nothing = {.netns_fd = -1};

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (size_t i = 0; i < tables[t].len; i++) {
			const char *line = tables[t].rows[i].line;

			for (size_t len = 0; len <= strlen(line); len++) {
				char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, strndup(line, len),
						NULL};
				struct load l = {0};

				gen_read(argv, &nothing, &l);
				load_done(&l);
				free(argv[2]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrappers),
		cmocka_unit_test(test_shells),
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_k6),
		cmocka_unit_test(test_secrets_are_not_in_messages),
		cmocka_unit_test(test_random_words),
		cmocka_unit_test(test_cut_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/check.h"
#include "core/profile.h"

/* A folder of its own for each test, removed at the end. */
static char folder[] = "/tmp/runup-profile-XXXXXX";

static const char *path_of(const char *name, char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s", folder, name);
	return buf;
}

static void write_bytes(const char *name, const char *text, size_t len)
{
	char path[PATH_MAX];

	unlink(path_of(name, path)); /* an earlier test may have given it away */
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	chmod(path, 0644);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* Loading t.ini fails, and the message begins with its path and that line and says `said`. */
static void fails_at(unsigned line, const char *said)
{
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX], start[PATH_MAX + 20];

	snprintf(start, sizeof(start), "%s:%u: ", path_of("t.ini", path), line);
	if (profile_load(&p, path, &e) != -ERR_BAD_INPUT)
		fail_msg("it was taken");
	if (strncmp(e.msg, start, strlen(start)) != 0 || !strstr(e.msg, said))
		fail_msg("'%s' is not '%s…%s'", e.msg, start, said);
	profile_done(&p);
}

static void test_a_whole_profile(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini", "\xef\xbb\xbf; a comment\n[profile]\nsummary = words\n[load]\n"
			    "role = server\nconnections = 10k\nport = 80,443\n[sysctl]\n"
			    "net.core.somaxconn = >= auto\n"
			    "  net.ipv4.tcp_rmem = >=4096 131072 16777216 ; inline\n"
			    "net.ipv4.ip_local_port_range = covers 1024 65535\n"
			    "-net.netfilter.nf_conntrack_max = >= 0x40000\n"
			    "[rlimit]\nnofile = >= auto\n"
			    "[check]\nports.range = warn above 60%\nfolklore.tcp_mem = ignore\n");
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(p.summary, "words");
	assert_int_equal(p.load.connections, 10000);
	assert_int_equal(p.wants_len, 5);
	assert_int_equal(p.wants[1].op, OP_AT_LEAST);
	assert_string_equal(p.wants[1].value, "4096 131072 16777216");
	assert_int_equal(p.wants[1].line, 10);
	assert_int_equal(p.wants[2].op, OP_COVERS);
	assert_true(p.wants[3].optional);
	assert_string_equal(p.wants[3].key, "net.netfilter.nf_conntrack_max");
	assert_int_equal(profile_rule(&p, "ports.range")->above_percent, 60);
	assert_int_equal(profile_rule(&p, "folklore.tcp_mem")->severity, FINDING_NA);
	profile_done(&p);
}

static void test_objects_by_name(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini", "[rlimit unit:nginx]\nnofile = >= auto\n-memlock = >= 65536\n"
			    "[rlimit process:my server]\nnproc = >= 100\n[rlimit]\nnproc = >= 5\n"
			    "[listen]\ntcp:8080 = >= auto\n-tcp:[::1]:80 = 128\n");
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.wants_len, 6);
	assert_non_null(profile_want(&p, "rlimit", "unit:nginx.service/nofile"));
	assert_true(profile_want(&p, "rlimit", "unit:nginx.service/memlock")->optional);
	assert_non_null(profile_want(&p, "rlimit", "process:my server/nproc"));
	assert_string_equal(profile_want(&p, "rlimit", "nproc")->value, "5");
	assert_true(profile_want(&p, "listen", "tcp:8080")->is_auto);
	assert_true(profile_want(&p, "listen", "tcp:[::1]:80")->optional);
	assert_int_equal(profile_want(&p, "listen", "tcp:[::1]:80")->op, OP_EXACT);
	profile_done(&p);
}

static void test_bad_lines_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned line;
		const char *said;
	} cases[] = {
		{"[profile]\nsummry = x\n", 2, "unknown key 'summry'"},
		{"[sysctls]\nnet.core.somaxconn = 1\n", 1, "unknown section [sysctls]"},
		{"[sysctls]\n", 1, "unknown section [sysctls]"},
		{"key = value\n", 1, "before any [section]"},
		{"[sysctl]\nnet.core.somaxconn\n", 2, "neither a [section] nor"},
		{"[sysctl]\n\n; c\n[unclosed\n", 4, "neither a [section] nor"},
		{"[sysctl]\nnet.core.somaxconn = > 5\n", 2, "'> 5': no such operator"},
		{"[sysctl]\nnet.core.somaxconn = => 5\n", 2, "'=> 5': no such operator"},
		{"[sysctl]\nnet.core.somaxconn = covers 5\n", 2, "operator does not fit"},
		{"[sysctl]\nnet.ipv4.ip_local_port_range = >= 1 2\n", 2, "operator does not fit"},
		{"[sysctl]\nnet.ipv4.ip_local_port_range = covers 9 5\n", 2, "9 5"},
		{"[sysctl]\nnet.core.somaxconn = >=\n", 2, "no value"},
		{"[sysctl]\nnet.core.somaxconn = 1\nnet.core.somaxconn = 2\n", 3, "twice (line 2)"},
		{"[sysctl]\nnet.core.somaxconn = 1\n-net.core.somaxconn = 2\n", 3,
		 "twice (line 2)"},
		{"[sysctl]\nnet.ipv4.tcp_rmem = auto\n", 2, "no sum for this key"},
		{"[sysctl]\nkernel.core_pattern = |/bin/sh\n", 2, "not one that a profile may set"},
		{"[sysctl]\nkernel.modprobe = /x\n", 2, "not one that a profile may set"},
		{"[sysctl]\nnet.core/../../../etc/passwd = 1\n", 2, "not the name of a sysctl"},
		{"[sysctl]\nnet...somaxconn = 1\n", 2, "not the name of a sysctl"},
		{"[sysctl]\nnet/core/somaxconn = 1\n", 2, "sysctl 'net/core/somaxconn'"},
		{"[load]\nconnections = lots\n", 2, "connections 'lots': expected"},
		{"[load]\nconnections = 1\nconnections = 2\n", 3, "twice"},
		{"[load]\nnew-connections = 1\n", 2, "unknown key 'new-connections'"},
		{"[load]\npid = 1\n", 2, "does not belong in a profile"},
		{"[rlimit]\ncore = >= 1\n", 2, "unknown limit 'core'"},
		{"[rlimit]\nnofile = 5\n", 2, "only raised"},
		{"[rlimit]\nnofile = >= -5\n", 2, "whole number"},
		{"[load of]\nrate = 1\n", 1, "nothing may stand behind 'load'"},
		{"[conntrack]\nsize = 1\n", 2, "unknown key 'size' in [conntrack] (known: max"},
		{"[conntrack]\ntcp:8080 = 1\n", 2, "unknown key 'tcp:8080'"},
		{"[conntrack]\nmax = 1\n[sysctl]\nnet.netfilter.nf_conntrack_max = 2\n", 4,
		 "'net.netfilter.nf_conntrack_max' is set twice (line 2)"},
		{"[check]\nports.rang = warn\n", 2, "no check 'ports.rang'"},
		{"[check]\nobserve.no.such = warn\n", 2, "no check"},
		{"[check]\nports.range = maybe\n", 2, "expected fail, warn or ignore"},
		{"[check]\nports.range = fail above\n", 2, "fail above N%"},
		{"[check]\nports.range = fail above 500%\n", 2, "1 to 100"},
		{"[check]\ncpu.quota = fail above 80%\n", 2, "no threshold"},
		{"[profile]\ninclude = ../x\n", 2, "not a path"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file("t.ini", cases[i].text);
		fails_at(cases[i].line, cases[i].said);
	}
}

static void test_bad_objects_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned line;
		const char *said;
	} cases[] = {
		{"[rlimit]\n-nofile = >= 5\n", 2,
		 "unknown limit '-nofile' in [rlimit] (known: nofile"},
		{"[rlimit]\nnproc = >= auto\n", 2, "no sum for this limit"},
		{"[rlimit unit:x.socket]\nnofile = >= 5\n", 2, "expected unit:NAME.service"},
		{"[rlimit unit:../x]\nnofile = >= 5\n", 2, "expected unit:NAME.service"},
		{"[rlimit pid:1]\nnofile = >= 5\n", 2, "expected unit:NAME.service"},
		{"[rlimit nginx]\nnofile = >= 5\n", 2, "expected unit:NAME.service"},
		{"[rlimit unit:x]\nnofile = >= 5\n[rlimit unit:x.service]\nnofile = >= 6\n", 4,
		 "twice (line 2)"},
		{"[listen]\n8080 = >= 5\n", 2, "'8080' is not a listener"},
		{"[listen]\nudp:8080 = >= 5\n", 2, "'udp:8080' is not a listener"},
		{"[listen]\ntcp:8080/7 = >= 5\n", 2, "'tcp:8080/7' is not a listener"},
		{"[listen]\ntcp:8080 = covers 5\n", 2, "a limit is one number"},
		{"[listen]\ntcp:8080 = >= 5 6\n", 2, "expected a whole number up to 2147483647"},
		{"[listen]\ntcp:8080 = >= 2147483648\n", 2, "expected a whole number"},
		{"[listen]\ntcp:80 = >= 5\n-tcp:80 = >= 6\n", 3, "twice (line 2)"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_file("t.ini", cases[i].text);
		fails_at(cases[i].line, cases[i].said);
	}
}

static void test_what_is_no_text_is_refused(void **state)
{
	(void)state;
	write_bytes("t.ini", "[sysctl]\nnet.core\0somaxconn = 1\n", 32);
	fails_at(2, "not a text file");
	write_bytes("t.ini",
		    "\x7f"
		    "ELF\x02\x01\x01",
		    7);
	fails_at(1, "not a text file");
}

static void test_a_line_of_ten_megabytes(void **state)
{
	(void)state;
	size_t len = 10u << 20;
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, "[sysctl]\nnet.core.somaxconn = ", 30);
	write_bytes("t.ini", text, len);
	fails_at(2, "longer than");
	free(text);
}

static void test_words_are_values_where_no_row_says_otherwise(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini", "[sysctl]\nnet.ipv4.tcp_congestion_control = bbr\n"
			    "net.ipv4.tcp_no_metrics_save = 1\n");
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.wants[0].value_kind, VALUE_TEXT);
	assert_int_equal(p.wants[1].value_kind, VALUE_NUMBERS);
	profile_done(&p);
	write_file("t.ini", "[sysctl]\nnet.core.somaxconn = bbr\n");
	fails_at(2, "not a number");
	write_file("t.ini", "[sysctl]\nnet.ipv4.tcp_congestion_control = >= bbr\n");
	fails_at(2, "not a number");
}

static void reason_is(const struct profile *p, const char *key, const char *said)
{
	const struct want *w = profile_want(p, "sysctl", key);

	assert_non_null(w);
	if (!said)
		assert_null(w->comment);
	else
		assert_string_equal(w->comment, said);
}

static void test_a_comment_is_the_reason_of_its_line(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("base.ini", "[sysctl]\n; from the base\nnet.ipv4.tcp_timestamps = 1\n");
	write_file("t.ini", "; of the file\n\n[profile]\ninclude = base\n; of no line\n[sysctl]\n"
			    "net.core.somaxconn = 1\n"
			    ";  two lines \r\n# of words\nnet.ipv4.tcp_rmem = 1 2 3\n"
			    "net.ipv4.tcp_wmem = 1 2 3 ; its own;\n"
			    "; another\nnet.ipv4.tcp_syncookies = 1\n\n"
			    "; gone\n\nnet.ipv4.tcp_tw_reuse = 1\n"
			    "net.core.rmem_max = 1 ;\n");
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);
	reason_is(&p, "net.core.somaxconn", NULL);
	reason_is(&p, "net.ipv4.tcp_rmem", "two lines of words");
	reason_is(&p, "net.ipv4.tcp_wmem", "its own;");
	reason_is(&p, "net.ipv4.tcp_syncookies", "another");
	reason_is(&p, "net.ipv4.tcp_tw_reuse", NULL);
	reason_is(&p, "net.core.rmem_max", NULL);
	reason_is(&p, "net.ipv4.tcp_timestamps", "from the base");
	/* Without one, what is known about the key stands in. */
	assert_string_equal(want_reason(profile_want(&p, "sysctl", "net.core.rmem_max")),
			    sysctl_key_find("net.core.rmem_max")->why);
	profile_done(&p);
}

static void test_include(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("base.ini", "[load]\nrole = server\nconnections = 5\n[sysctl]\n"
			       "net.core.somaxconn = >= 100\nnet.ipv4.tcp_syncookies = 1\n");
	write_file("t.ini", "[profile]\ninclude = base\n[load]\nconnections = 9\n[sysctl]\n"
			    "net.core.somaxconn = >= 200\n");
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(p.load.connections, 9);
	assert_int_equal(p.load.role, ROLE_SERVER);
	assert_int_equal(p.wants_len, 2);
	assert_string_equal(profile_want(&p, "sysctl", "net.core.somaxconn")->value, "200");
	assert_string_equal(profile_want(&p, "sysctl", "net.ipv4.tcp_syncookies")->value, "1");
	profile_done(&p);
}

static void test_an_error_names_the_included_file(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX], base[PATH_MAX];

	write_file("base.ini", "[sysctl]\nbogus = 1\n");
	write_file("t.ini", "[profile]\ninclude = base\n");
	assert_int_equal(profile_load(&p, path_of("t.ini", path), &e), -ERR_BAD_INPUT);
	path_of("base.ini:2: ", base);
	if (strncmp(e.msg, base, strlen(base)) != 0)
		fail_msg("'%s'", e.msg);
	profile_done(&p);
}

static void test_a_circle_of_includes_ends(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini", "[profile]\ninclude = t\n");
	assert_int_equal(profile_load(&p, path_of("t.ini", path), &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "a circle?"));
	profile_done(&p);
}

static void test_what_others_can_write_is_refused_under_root(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	if (geteuid() != 0)
		skip();
	write_file("t.ini", "[profile]\nsummary = x\n");
	chmod(path_of("t.ini", path), 0666);
	assert_int_equal(profile_load(&p, path, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "is refused"));
	profile_done(&p);

	chmod(path, 0644);
	chmod(folder, 0777);
	assert_int_equal(profile_load(&p, path, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "its folder"));
	profile_done(&p);
	chmod(folder, 0755);

	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(profile_load(&p, path, &e), -ERR_BAD_INPUT);
	profile_done(&p);
	setenv("SUDO_UID", "12345", 1); /* his own file, through his own sudo */
	assert_int_equal(profile_load(&p, path, &e), 0);
	profile_done(&p);
	unsetenv("SUDO_UID");
}

static void test_a_fifo_does_not_hang(void **state)
{
	(void)state;
	struct profile p = {0};
	struct err e;
	char path[PATH_MAX];

	assert_int_equal(mkfifo(path_of("fifo.ini", path), 0644), 0);
	assert_int_equal(profile_load(&p, path, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, "is not a file"));
	profile_done(&p);
}

static void test_auto_is_sized_by_the_load(void **state)
{
	(void)state;
	struct host h;
	struct profile p = {0};
	struct load l = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini",
		   "[sysctl]\nnet.core.somaxconn = >= auto\n"
		   "net.ipv4.ip_local_reserved_ports = covers auto\n[rlimit]\nnofile = >= auto\n");
	assert_int_equal(host_open(&h, NULL, NULL, &e), 0);
	if (profile_load(&p, path_of("t.ini", path), &e) < 0)
		fail_msg("%s", e.msg);

	assert_int_equal(profile_resolve(&p, &l, &h, true, &e), -ERR_BAD_INPUT);
	assert_non_null(strstr(e.msg, ":2: "));
	assert_non_null(strstr(e.msg, "--connections or --burst"));
	assert_int_equal(profile_resolve(&p, &l, &h, false, &e), 0);
	assert_null(p.wants[0].value);

	assert_int_equal(load_set(&l, load_key_find("connections"), "10000", &e), 0);
	assert_int_equal(load_set(&l, load_key_find("port"), "8080-8082", &e), 0);
	assert_int_equal(profile_resolve(&p, &l, &h, true, &e), 0);
	assert_string_equal(p.wants[0].value, "16384");
	assert_string_equal(p.wants[0].minimum, "10000");
	assert_string_equal(p.wants[1].value, "8080-8082");
	assert_string_equal(p.wants[2].value, "16384");
	load_done(&l);
	profile_done(&p);
	host_close(&h);
}

static void test_conntrack_is_short_for_sysctls(void **state)
{
	(void)state;
	struct host h;
	struct profile p = {0};
	struct load l = {0};
	struct err e;
	char path[PATH_MAX];

	write_file("t.ini", "[conntrack]\nbuckets = >= auto\n-max = >= 5\n");
	assert_int_equal(host_open(&h, NULL, NULL, &e), 0);
	assert_int_equal(profile_load(&p, path_of("t.ini", path), &e), 0);
	assert_int_equal(load_set(&l, load_key_find("connections"), "10000", &e), 0);
	assert_int_equal(profile_resolve(&p, &l, &h, true, &e), 0);
	assert_int_equal(p.wants_len, 2);
	assert_string_equal(profile_want(&p, "sysctl", "net.netfilter.nf_conntrack_buckets")->value,
			    "16384");
	const struct want *max = profile_want(&p, "sysctl", "net.netfilter.nf_conntrack_max");
	assert_non_null(max);
	assert_true(max->optional);
	assert_int_equal(max->op, OP_AT_LEAST);
	load_done(&l);
	profile_done(&p);
	host_close(&h);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	static const char *const files[] = {"t.ini", "base.ini", "fifo.ini"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(path_of(files[i], path));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_profile),
		cmocka_unit_test(test_objects_by_name),
		cmocka_unit_test(test_bad_lines_are_named),
		cmocka_unit_test(test_bad_objects_are_named),
		cmocka_unit_test(test_what_is_no_text_is_refused),
		cmocka_unit_test(test_a_line_of_ten_megabytes),
		cmocka_unit_test(test_words_are_values_where_no_row_says_otherwise),
		cmocka_unit_test(test_a_comment_is_the_reason_of_its_line),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_an_error_names_the_included_file),
		cmocka_unit_test(test_a_circle_of_includes_ends),
		cmocka_unit_test(test_what_others_can_write_is_refused_under_root),
		cmocka_unit_test(test_a_fifo_does_not_hang),
		cmocka_unit_test(test_auto_is_sized_by_the_load),
		cmocka_unit_test(test_conntrack_is_short_for_sysctls),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

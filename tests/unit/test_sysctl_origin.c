/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/temp_host.h"

#include "core/sysctl_origin.h"

#define FIN "net.ipv4.tcp_fin_timeout"

static struct sysctl_config read_config(const struct temp_host *t)
{
	struct sysctl_config c = {0};

	sysctl_config_read(&t->host, &c);
	return c;
}

static void assert_set(const struct sysctl_config *c, const char *key, const char *value,
		       const char *file, unsigned line)
{
	const struct sysctl_line *l = sysctl_config_find(c, key);

	assert_non_null(l);
	assert_string_equal(l->value, value);
	assert_string_equal(l->file, file);
	assert_int_equal(l->line, line);
}

static void temp_link(const struct temp_host *t, const char *target, const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", t->folder, path);
	assert_int_equal(symlink(target, full), 0);
}

/* Order is by file name over all folders; of one name the first folder's file counts. */
static void test_precedence(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, "/usr/lib/sysctl.d/10-a.conf", FIN " = 1\n");
	temp_write(&t, "/etc/sysctl.d/50-b.conf", FIN " = 2\n");
	temp_write(&t, "/run/sysctl.d/40-c.conf", FIN " = 3\n");
	struct sysctl_config c = read_config(&t);
	assert_set(&c, FIN, "2", "/etc/sysctl.d/50-b.conf", 1);
	assert_int_equal(c.files, 3);
	sysctl_config_done(&c);

	temp_write(&t, "/usr/lib/sysctl.d/50-b.conf", FIN " = 4\n");
	temp_write(&t, "/lib/sysctl.d/60-d.conf", FIN " = 5\n");
	temp_write(&t, "/usr/local/lib/sysctl.d/60-d.conf", FIN " = 6\n");
	c = read_config(&t);
	assert_set(&c, FIN, "6", "/usr/local/lib/sysctl.d/60-d.conf", 1);
	sysctl_config_done(&c);

	/* A link to /dev/null, and an empty file, hide those of the same name. */
	temp_link(&t, "/dev/null", "/etc/sysctl.d/60-d.conf");
	temp_write(&t, "/run/sysctl.d/50-b.conf", "");
	c = read_config(&t);
	assert_set(&c, FIN, "2", "/etc/sysctl.d/50-b.conf", 1);
	assert_int_equal(c.unreads, 0);
	sysctl_config_done(&c);
	temp_close(&t);
}

static void test_lines(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, "/etc/sysctl.d/1.conf",
		   "# " FIN " = 9\n"
		   "; " FIN " = 9\n"
		   "\n"
		   "  net/ipv4/tcp_fin_timeout  =  15  \r\n"
		   "-net.core.somaxconn=128\n"
		   "net.ipv4.tcp_rmem = 4096 131072\t6291456\n"
		   "no assignment at all\n"
		   "net/ipv4/conf/eth0.100/rp_filter = 2\n"
		   "kernel.pid_max =\n"
		   "= 5\n");
	temp_write(&t, "/etc/sysctl.d/README", FIN " = 7\n");
	temp_write(&t, "/etc/sysctl.d/.hidden.conf", FIN " = 7\n");
	struct sysctl_config c = read_config(&t);
	assert_set(&c, FIN, "15", "/etc/sysctl.d/1.conf", 4);
	assert_set(&c, "net.core.somaxconn", "128", "/etc/sysctl.d/1.conf", 5);
	assert_true(sysctl_config_find(&c, "net.core.somaxconn")->optional);
	assert_false(sysctl_config_find(&c, FIN)->optional);
	assert_set(&c, "net.ipv4.tcp_rmem", "4096 131072\t6291456", "/etc/sysctl.d/1.conf", 6);
	assert_set(&c, "net.ipv4.conf.eth0/100.rp_filter", "2", "/etc/sysctl.d/1.conf", 8);
	assert_set(&c, "kernel.pid_max", "", "/etc/sysctl.d/1.conf", 9);
	assert_int_equal(c.len, 5);
	assert_null(sysctl_config_find(&c, "net.ipv4.tcp_sack"));
	sysctl_config_done(&c);
	temp_close(&t);
}

/* A key by its name wins over a glob wherever that stands; '-key' alone takes it out of globs. */
static void test_globs(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, "/etc/sysctl.d/1.conf",
		   "net.ipv4.conf.eth1.rp_filter = 0\n"
		   "-net.ipv4.conf.all.rp_filter\n"
		   "net.ipv4.conf.*.rp_filter = 2\n"
		   "net.ipv4.*.forwarding = 1\n");
	temp_write(&t, "/etc/sysctl.d/2.conf", "net.ipv4.conf.eth?.rp_filter = 1\n");
	struct sysctl_config c = read_config(&t);
	assert_set(&c, "net.ipv4.conf.eth1.rp_filter", "0", "/etc/sysctl.d/1.conf", 1);
	assert_set(&c, "net.ipv4.conf.lo.rp_filter", "2", "/etc/sysctl.d/1.conf", 3);
	assert_set(&c, "net.ipv4.conf.eth0.rp_filter", "1", "/etc/sysctl.d/2.conf", 1);
	/* The dot in an interface's name is no separator, so '?' does not reach over it. */
	assert_set(&c, "net.ipv4.conf.eth0/5.rp_filter", "2", "/etc/sysctl.d/1.conf", 3);
	assert_null(sysctl_config_find(&c, "net.ipv4.conf.all.rp_filter"));
	/* A '*' stops at the end of a part. */
	assert_null(sysctl_config_find(&c, "net.ipv4.conf.all.forwarding"));
	sysctl_config_done(&c);
	temp_close(&t);
}

/* Debian 12 links to it from sysctl.d; elsewhere it comes last. */
static void test_sysctl_conf(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	temp_write(&t, "/etc/sysctl.conf", FIN " = 20\n");
	temp_write(&t, "/etc/sysctl.d/zz.conf", FIN " = 30\n");
	struct sysctl_config c = read_config(&t);
	assert_set(&c, FIN, "20", "/etc/sysctl.conf", 1);
	sysctl_config_done(&c);
	temp_link(&t, "../sysctl.conf", "/etc/sysctl.d/99-sysctl.conf");
	c = read_config(&t);
	assert_set(&c, FIN, "30", "/etc/sysctl.d/zz.conf", 1);
	assert_int_equal(c.files, 2);
	assert_int_equal(c.len, 2);
	sysctl_config_done(&c);
	temp_close(&t);
}

/* What cannot be read is told; what is no file holds no settings and does not stop anything. */
static void test_not_files(void **state unused_)
{
	struct temp_host t;
	char path[512];

	temp_open(&t);
	temp_write(&t, "/etc/sysctl.d/5.conf", FIN " = 40\n");
	snprintf(path, sizeof(path), "%s/etc/sysctl.d/6.conf", t.folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/etc/sysctl.d/7.conf", t.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	temp_link(&t, "8.conf", "/etc/sysctl.d/8.conf");
	snprintf(path, sizeof(path), "%s/etc/sysctl.d/9.conf", t.folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8 << 20), 0);
	close(fd);
	struct sysctl_config c = read_config(&t);
	assert_set(&c, FIN, "40", "/etc/sysctl.d/5.conf", 1);
	assert_int_equal(c.unreads, 2);
	assert_string_equal(c.unread[0].file, "/etc/sysctl.d/8.conf");
	assert_string_equal(c.unread[1].file, "/etc/sysctl.d/9.conf");
	sysctl_config_done(&c);
	temp_close(&t);
}

static void test_nothing(void **state unused_)
{
	struct temp_host t;

	temp_open(&t);
	struct sysctl_config c = read_config(&t);
	assert_int_equal(c.len, 0);
	assert_int_equal(c.unreads, 0);
	assert_null(sysctl_config_find(&c, FIN));
	sysctl_config_done(&c);
	temp_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_globs),	   cmocka_unit_test(test_sysctl_conf),
		cmocka_unit_test(test_not_files),  cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sysnet.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define QUEUES_MAX 256
#define VALUE_MAX 4096 /* of a mask: 8192 CPUs are 2 KiB */

/* glibc has wrappers since 2.36 only. */
static int mount_sysfs(struct err *e)
{
	cleanup_close int fs = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_errno(e, errno, "make a sysfs of the namespace");
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_errno(e, errno, "make a sysfs of the namespace");

	int fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);

	return fd < 0 ? err_errno(e, errno, "make a sysfs of the namespace") : fd;
}

int sysnet_open(struct sysnet *s, const struct host *h, struct err *e)
{
	*s = (struct sysnet){.view = *h, .prefix = "/sys", .fd = -1};
	if (h->captured || !h->netns)
		return 0;
	s->fd = mount_sysfs(e);
	if (s->fd < 0)
		return s->fd;
	s->view.root_fd = s->fd;
	s->prefix = "";
	return 0;
}

void sysnet_close(struct sysnet *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int cpu_mask_parse(const char *text, struct ranges *ret)
{
	uint32_t cpu = 0;

	if (!*text)
		return -EPROTO;
	/* The last digit is of the first four CPUs; commas only group. */
	for (size_t i = strlen(text); i > 0; i--) {
		int digit = hex_digit(text[i - 1]);

		if (text[i - 1] == ',')
			continue;
		if (digit < 0)
			return -EPROTO;
		for (unsigned bit = 0; bit < 4; bit++, cpu++)
			if (digit & 1 << bit)
				ranges_add(ret, cpu, cpu);
	}
	return 0;
}

static long read_device(const struct sysnet *s, const struct link *l, const char *name, char *buf,
			struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/class/net/%s/%s", s->prefix, l->name, name);
	return file_read(&s->view, path, buf, VALUE_MAX, e);
}

static void format_address(const struct link *l, char buf[LINK_ADDRESS_MAX * 3 + 1])
{
	buf[0] = '\0';
	for (unsigned i = 0; i < l->address_len; i++)
		sprintf(buf + strlen(buf), "%s%02x", i ? ":" : "", l->address[i]);
}

/* The same device as the one netlink told of? */
static int check_identity(const struct sysnet *s, const struct link *l, struct err *e)
{
	char text[VALUE_MAX], address[LINK_ADDRESS_MAX * 3 + 1];
	unsigned index;
	long n = read_device(s, l, "ifindex", text, e);

	if (n >= 0 && sscanf(text, "%u", &index) == 1 && index == l->index) {
		if (!l->address_len)
			return 0;
		format_address(l, address);
		n = read_device(s, l, "address", text, e);
		if (n >= 0 && strcmp(text, address) == 0)
			return 0;
	}
	if (n < 0 && n != -ENOENT)
		return (int)n;
	return err_set(e, s->view.captured ? ENODATA : ESTALE,
		       s->view.captured ? "the captured host has no sysfs of '%s'"
					: "/sys does not show '%s' of this network namespace: "
					  "mount a sysfs in it, or use --netns from outside",
		       l->name);
}

static int read_queue(const struct sysnet *s, const struct link *l, unsigned queue,
		      struct steering *ret, struct err *e)
{
	char name[64], text[VALUE_MAX];
	struct ranges mask = {0};
	uint64_t flows;

	snprintf(name, sizeof(name), "queues/rx-%u/rps_cpus", queue);
	long n = read_device(s, l, name, text, e);
	if (n < 0)
		return (int)n;
	if (cpu_mask_parse(text, &mask) < 0) {
		ranges_done(&mask);
		return err_set(e, EPROTO, "read '%s' of '%s': no mask of CPUs", name, l->name);
	}
	ret->rps += mask.len > 0;
	ranges_add_all(&ret->cpus, &mask);
	ranges_done(&mask);

	snprintf(name, sizeof(name), "queues/rx-%u/rps_flow_cnt", queue);
	n = read_device(s, l, name, text, e);
	if (n >= 0 && sscanf(text, "%" SCNu64, &flows) == 1)
		ret->flow_counts += flows;
	return 0;
}

int steering_read(const struct sysnet *s, const struct link *l, struct steering *ret, struct err *e)
{
	int r = check_identity(s, l, e);

	while (r == 0 && ret->queues < QUEUES_MAX) {
		r = read_queue(s, l, ret->queues, ret, e);
		if (r == 0)
			ret->queues++;
	}
	/* One after the last is not there; without any, the kernel was built without RPS. */
	if (r == -ENOENT && ret->queues)
		return 0;
	return r;
}

void steering_done(struct steering *s)
{
	ranges_done(&s->cpus);
}

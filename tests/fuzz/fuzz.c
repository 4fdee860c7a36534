/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strbuf.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/host.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(fuzz_folder(), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
	static char path[64];

	if (*path)
		return path;
	snprintf(path, sizeof(path), "%s/runup-fuzz.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(path)) {
		perror("mkdtemp");
		exit(1);
	}
	atexit(remove_folder);
	return path;
}

static void make_parents(char *path)
{
	for (char *p = path + strlen(fuzz_folder()) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

void fuzz_write(const char *path, const void *data, size_t size)
{
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", fuzz_folder(), path + (*path == '/'));
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		make_parents(full);
		fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		perror(full);
		exit(1);
	}
	close(fd);
}

void fuzz_remove(const char *path)
{
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", fuzz_folder(), path + (*path == '/'));
	unlink(full);
}

void fuzz_open_host(struct host *h)
{
	struct err e;

	fuzz_write("/proc/sys/kernel/osrelease", "6.1.0\n", 6);
	if (host_open(h, fuzz_folder(), NULL, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		exit(1);
	}
}

uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

const char *fuzz_line(struct fuzz_input *in)
{
	if (!in->left)
		return NULL;

	const uint8_t *end = memchr(in->at, '\n', in->left);
	size_t len = end ? (size_t)(end - in->at) : in->left;
	char *line = strndup((const char *)in->at, len);

	in->at += len + (end != NULL);
	in->left -= len + (end != NULL);
	return line;
}

char *fuzz_rest(struct fuzz_input *in, size_t *len)
{
	char *text = malloc(in->left + 1);

	if (!text)
		abort();
	memcpy(text, in->at, in->left);
	text[in->left] = '\0';
	if (len)
		*len = in->left;
	in->left = 0;
	return text;
}

void fuzz_hex(struct strbuf *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		static const char digits[] = "0123456789abcdef";
		const char two[] = {digits[p[i] >> 4], digits[p[i] & 15]};

		strbuf_addn(out, two, 2);
	}
}

void fuzz_message(struct fuzz_input *in, struct strbuf *out)
{
	size_t len = fuzz_byte(in);
	struct nlmsghdr nlh = {0};

	len |= (size_t)fuzz_byte(in) << 8;
	nlh.nlmsg_type = fuzz_byte(in);
	nlh.nlmsg_type |= (uint16_t)(fuzz_byte(in) << 8);
	if (len > in->left)
		len = in->left;
	nlh.nlmsg_len = (uint32_t)(sizeof(nlh) + len);
	fuzz_hex(out, &nlh, sizeof(nlh));
	fuzz_hex(out, in->at, len);
	strbuf_add(out, "\n");
	in->at += len;
	in->left -= len;
}

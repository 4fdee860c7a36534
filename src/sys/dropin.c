/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "sys/file.h"

#define BASE "/etc/systemd/system"
#define TEXT_MAX 1024

/* Names relative to BASE. */
struct names {
	char folder[300]; /* "nginx.service.d" */
	char file[400];	  /* "nginx.service.d/50-runup-nofile.conf" */
	/*
	 * The file before it is in place, or when it no longer is. Outside of the folder, so that
	 * it can tell whether the folder was made for it; systemd does not look at hidden files.
	 */
	char beside[400];
};

static struct names names_of(const char *unit, const struct rlimit_key *k)
{
	struct names n;

	snprintf(n.folder, sizeof(n.folder), "%.255s.d", unit);
	snprintf(n.file, sizeof(n.file), "%s/50-runup-%s.conf", n.folder, k->name);
	snprintf(n.beside, sizeof(n.beside), ".runup-%s-%.255s", k->name, unit);
	return n;
}

static const char *unit_value(uint64_t n, char buf[32])
{
	if (n == PROC_UNLIMITED)
		return "infinity";
	snprintf(buf, 32, "%" PRIu64, n);
	return buf;
}

static void render(const struct rlimit_key *k, const struct dropin *d, char text[TEXT_MAX])
{
	char soft[32], hard[32];

	snprintf(text, TEXT_MAX,
		 "# Written by runup apply; runup rollback removes it, unless somebody edits it.\n"
		 "# before: %" PRIu64 " %" PRIu64 " folder: %s\n"
		 "[Service]\n"
		 "%s=%s:%s\n",
		 d->before.soft, d->before.hard, d->made_folder ? "made" : "kept", k->unit_name,
		 unit_value(d->limit.soft, soft), unit_value(d->limit.hard, hard));
}

static bool parse_value(const char *text, uint64_t *ret)
{
	if (strcmp(text, "infinity") != 0)
		return parse_u64(text, 0, UINT64_MAX, ret) == 0;
	*ret = PROC_UNLIMITED;
	return true;
}

/* Ours, to the last byte: what was read is written again and compared. */
static bool parse(const struct rlimit_key *k, const char *text, struct dropin *ret)
{
	char folder[8], soft[32], hard[32], again[TEXT_MAX];
	const char *line = strchr(text, '\n'), *value = strrchr(text, '=');
	struct dropin d = {0};

	if (!line || !value ||
	    sscanf(line, "\n# before: %" SCNu64 " %" SCNu64 " folder: %7s", &d.before.soft,
		   &d.before.hard, folder) != 3 ||
	    sscanf(value, "=%31[^:]:%31s", soft, hard) != 2 || !parse_value(soft, &d.limit.soft) ||
	    !parse_value(hard, &d.limit.hard))
		return false;
	d.made_folder = strcmp(folder, "made") == 0;
	render(k, &d, again);
	*ret = d;
	return strcmp(text, again) == 0;
}

static int open_base(const struct host *h, struct err *e)
{
	return file_open(h, BASE, O_RDONLY | O_DIRECTORY, e);
}

/* 1, 0 or -EEXIST as dropin_read(); relative to base. */
static int read_at(int base, const char *name, const struct rlimit_key *k, struct dropin *ret)
{
	char text[TEXT_MAX];
	struct stat st;
	/* Not blocking: what lies there may be a FIFO. */
	cleanup_close int fd = openat(base, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : errno == ELOOP ? -EEXIST : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EEXIST;

	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return strlen(text) == (size_t)n && parse(k, text, ret) ? 1 : -EEXIST;
}

/* A folder that is a link leads who knows where. 0 or -errno; -ENOENT: there is none. */
static int folder_is_plain(int base, const struct names *n)
{
	struct stat st;

	if (fstatat(base, n->folder, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int dropin_read(const struct host *h, const char *unit, const struct rlimit_key *k,
		struct dropin *ret, struct err *e)
{
	struct names n = names_of(unit, k);
	cleanup_close int base = open_base(h, e);

	if (base < 0)
		return base == -ENOENT ? 0 : base;

	int r = folder_is_plain(base, &n);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = read_at(base, n.file, k, ret);
	if (r == -EEXIST)
		return err_set(e, EEXIST,
			       "drop-in '" BASE "/%s' is not as runup writes it: left alone (move "
			       "it away, or set the limit there)",
			       n.file);
	return r < 0 ? err_errno(e, -r, "read drop-in '" BASE "/%s'", n.file) : r;
}

static int sync_folder(int base, const char *name)
{
	cleanup_close int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_beside(int base, const struct names *n, const struct rlimit_key *k,
			const struct dropin *d)
{
	char text[TEXT_MAX];

	render(k, d, text);
	/* Of a killed one before; the state folder's lock keeps two of us apart. */
	if (unlinkat(base, n->beside, 0) < 0 && errno != ENOENT)
		return -errno;

	cleanup_close int fd =
		openat(base, n->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	/* systemd reads it as root, people should too, whatever the umask. */
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return -errno;

	ssize_t done = write(fd, text, len);

	if (done >= 0 && (size_t)done != len)
		return -ENOSPC;
	return done < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Did another of our drop-ins have the folder made? Then it goes with the last of them. */
static bool made_by_us(int base, const char *unit)
{
	const struct rlimit_key *k;
	struct dropin d = {0};

	for (size_t i = 0; (k = rlimit_key_at(i)); i++) {
		struct names n = names_of(unit, k);

		if (read_at(base, n.file, k, &d) == 1 && d.made_folder)
			return true;
	}
	return false;
}

static int into_place(int base, const struct names *n)
{
	if (mkdirat(base, n->folder, 0755) < 0) {
		if (errno != EEXIST)
			return -errno;
	} else if (fchmodat(base, n->folder, 0755, 0) < 0) {
		return -errno;
	}
	if (renameat(base, n->beside, base, n->file) < 0)
		return -errno;

	int r = sync_folder(base, n->folder);

	return r == 0 ? sync_folder(base, ".") : r;
}

/* What lies beside says whether the folder is to go; it goes last itself. */
static int sweep(int base, const struct names *n, const struct rlimit_key *k)
{
	struct dropin d = {0};
	int r = read_at(base, n->beside, k, &d);

	if (r == 0)
		return 0;
	/* A half-written one was killed before the folder was made. */
	if (r == 1 && d.made_folder && unlinkat(base, n->folder, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (unlinkat(base, n->beside, 0) < 0 && errno != ENOENT)
		return -errno;
	return sync_folder(base, ".");
}

int dropin_write(const struct host *h, const char *unit, const struct rlimit_key *k,
		 const struct dropin *d, struct err *e)
{
	struct names n = names_of(unit, k);
	struct dropin now = {0}, with = *d;
	int there = dropin_read(h, unit, k, &now, e);

	if (there < 0)
		return there;

	cleanup_close int base = open_base(h, e);

	if (base < 0)
		return base;

	int r = sweep(base, &n, k);
	bool no_folder = folder_is_plain(base, &n) == -ENOENT;

	with.made_folder = there ? now.made_folder : no_folder || made_by_us(base, unit);
	if (r == 0)
		r = write_beside(base, &n, k, &with);
	if (r == 0)
		r = into_place(base, &n);
	if (r == 0)
		return 0;
	/* What it failed with counts; what is left is swept now or by the next one. */
	(void)!sweep(base, &n, k);
	return err_errno(e, -r, "write drop-in '" BASE "/%s'", n.file);
}

int dropin_remove(const struct host *h, const char *unit, const struct rlimit_key *k, struct err *e)
{
	struct names n = names_of(unit, k);
	struct dropin now;
	int there = dropin_read(h, unit, k, &now, e), r = 0;

	if (there <= 0)
		return there;

	cleanup_close int base = open_base(h, e);

	if (base < 0)
		return base;
	if (renameat(base, n.file, base, n.beside) < 0)
		r = -errno;
	if (r == 0)
		r = sync_folder(base, n.folder);
	if (r == 0)
		r = sync_folder(base, ".");
	return r < 0 ? err_errno(e, -r, "remove drop-in '" BASE "/%s'", n.file) : 0;
}

int dropin_left(const struct host *h, const char *unit, const struct rlimit_key *k,
		struct dropin *ret, struct err *e)
{
	struct names n = names_of(unit, k);
	cleanup_close int base = open_base(h, e);

	if (base < 0)
		return base == -ENOENT ? 0 : base;

	int r = read_at(base, n.beside, k, ret);

	/* A half-written one tells nothing; the next write sweeps it. */
	if (r == -EEXIST)
		return 0;
	return r < 0 ? err_errno(e, -r, "read '" BASE "/%s'", n.beside) : r;
}

int dropin_sweep(const struct host *h, const char *unit, const struct rlimit_key *k, struct err *e)
{
	struct names n = names_of(unit, k);
	cleanup_close int base = open_base(h, e);

	if (base < 0)
		return base == -ENOENT ? 0 : base;

	int r = sweep(base, &n, k);

	return r < 0 ? err_errno(e, -r, "remove '" BASE "/%s'", n.beside) : 0;
}

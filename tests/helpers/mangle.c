/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damages the journal of a changeset, one byte at a time, and rolls back: no setting ever gets a
 * value that is neither the one before nor the one that apply wrote, and what was not put back is
 * told.
 *
 *   mangle cut|flip|full RUNUP PROFILES
 *
 * Cuts are rolled back by the program; flips, of which there are many more, by the functions that
 * it calls. full: the disk is full at every byte of the journal in turn while it is written (a file
 * size limit, which tells of it in the same way), and apply leaves the host as it was.
 */
#include <sys/resource.h>

#include "crashbox.h"

#include "sys/host.h"
#include "tune/apply.h"

#define JOURNAL_MAX 16384
#define CHANGES 3 /* of three.ini */

/* How far apply and rollback got before the damage. */
static const struct stage {
	const char *name;
	unsigned lines;	  /* of the journal of a changeset that was rolled back, from its start */
	unsigned written; /* how many of its changes are in force, from the first */
} stages[] = {
	/* header, an intent each, planned, a done each, applied, an undone each, closed */
	{"planned, and the first one written", CHANGES + 2, 1},
	{"applied", 2 * CHANGES + 3, CHANGES},
	{"one undone, and the second one set back", 2 * CHANGES + 4, 1},
};

/* The settings of three.ini, in the order of writing. */
static const struct {
	const char *path, *after;
} changes[CHANGES] = {
	{"net/core/somaxconn", "20000"},
	{"net/ipv4/tcp_tw_reuse", "0"},
	{"net/ipv4/ip_local_reserved_ports", "10000-10010"},
};

/* What a byte becomes; the blanks and newlines that hold lines together are tried, too. */
static const struct {
	const char *name;
	unsigned char keep, flip;
} masks[] = {
	{"^01", 0xff, 0x01}, {"^20", 0xff, 0x20}, {"^80", 0xff, 0x80},
	{"^ff", 0xff, 0xff}, {"=\\n", 0, '\n'},	  {"=\\0", 0, 0},
};

static char path[512], id[64];	/* of the journal */
static char whole[JOURNAL_MAX]; /* after apply and rollback */
static const struct stage *stage = &stages[1];
static unsigned long tried, refused;

static size_t load(const char *file, char *text)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, JOURNAL_MAX);

	if (n <= 0 || n == JOURNAL_MAX)
		die("read %s: %s", file, strerror(errno));
	return (size_t)n;
}

static void store(const char *text, size_t len)
{
	cleanup_close int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		die("write %s: %s", path, strerror(errno));
}

/* The host as that stage left it. */
static void set_host(const struct box *b)
{
	go(b->inside_fd);
	for (size_t i = 0; i < CHANGES; i++) {
		const char *value = changes[i].after;

		for (size_t k = 0; i >= stage->written && k < ARRAY_LEN(settings); k++)
			if (strcmp(settings[k].path, changes[i].path) == 0)
				value = settings[k].start;
		value_write(changes[i].path, value);
	}
}

/* How many settings are not as at the start; dies at a value that nobody asked for. */
static size_t judge(const char *what, size_t at)
{
	char now[256];
	size_t left = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		bool after = false;

		value_read(settings[i].path, now, sizeof(now));
		if (strcmp(now, settings[i].start) == 0)
			continue;
		for (size_t k = 0; k < CHANGES; k++)
			after |= strcmp(changes[k].path, settings[i].path) == 0 &&
				 strcmp(changes[k].after, now) == 0;
		left++;
		if (!after)
			die("%s, byte %zu %s: %s became '%s'", stage->name, at, what,
			    settings[i].path, now);
	}
	return left;
}

static size_t line_end(unsigned lines)
{
	const char *at = whole;

	while (lines--)
		at = strchr(at, '\n') + 1;
	return (size_t)(at - whole);
}

/* Cut before `planned` was whole, nothing can have been written, and nothing is. */
static void cut_everywhere(const struct box *b, unsigned worker)
{
	size_t planned = line_end(CHANGES + 2), len = line_end(stage->lines);

	for (size_t at = worker; at <= len; at += BOX_WORKERS) {
		set_host(b);
		store(whole, at);
		int status = box_run(b, "rollback");
		size_t left = judge("cut", at);

		tried++;
		/* Its newline alone takes nothing from a record. */
		if (status == 0 && left == (at < planned - 1 ? stage->written : 0))
			continue;
		box_show_said(b);
		die("%s, cut at byte %zu: exit status %d, %zu settings not as at the start",
		    stage->name, at, status, left);
	}
}

/* As `rollback ID` does it; true: it told that something could not be done or not be proven. */
static bool roll_back(const struct host *h, const struct state_dir *d, bool force)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	cleanup_with(changes_done) struct changes undone = {0};
	const struct rollback_options options = {.force = force};
	struct err e;

	tried++;
	if (changeset_read(d, id, &cs, &e) < 0 ||
	    rollback_changeset(h, d, id, &options, &undone, &e) < 0)
		return true;
	return cs.bad_len || changes_count(&undone, CHANGE_UNKNOWN) ||
	       changes_count(&undone, CHANGE_FAILED) || changes_count(&undone, CHANGE_DRIFTED);
}

static void flip_one(const struct box *b, const struct host *h, const struct state_dir *d,
		     size_t byte, const char *how, const char *text, size_t len)
{
	set_host(b);
	store(text, len);

	bool told = roll_back(h, d, false);
	size_t left = judge(how, byte);

	refused += told;
	if (left && !told)
		die("%s, byte %zu %s: %zu settings are not as at the start, and nothing is said",
		    stage->name, byte, how, left);
	/* Neither is anything invented when it is forced to go on. */
	if (left) {
		(void)roll_back(h, d, true);
		(void)judge(how, byte);
	}
}

static void flip_everywhere(const struct box *b, unsigned worker)
{
	static char text[JOURNAL_MAX];
	size_t len = line_end(stage->lines);
	struct state_dir d;
	struct host h;
	struct err e;

	if (host_open(&h, NULL, NULL, &e) < 0 || state_dir_open(&d, true, NULL, &e) < 0)
		die("%s", e.msg);
	memcpy(text, whole, len);
	for (size_t at = worker; at < len * ARRAY_LEN(masks); at += BOX_WORKERS) {
		size_t byte = at / ARRAY_LEN(masks), m = at % ARRAY_LEN(masks);

		text[byte] = (char)(((unsigned char)whole[byte] & masks[m].keep) ^ masks[m].flip);
		flip_one(b, &h, &d, byte, masks[m].name, text, len);
		text[byte] = whole[byte];
	}
	state_dir_close(&d);
	host_close(&h);
}

/* No more than that many bytes in a file: for what is started from here on. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		die("limit the size of files: %s", strerror(errno));
}

static bool says(const struct box *b, const char *text)
{
	static char said[JOURNAL_MAX];

	said[load(b->said, said)] = '\0';
	return strstr(said, text);
}

/* Without a journal nothing is changed; with one that cannot go on, all is taken back. */
static void fill_everywhere(const struct box *b, unsigned worker)
{
	size_t planned = line_end(CHANGES + 2), len = line_end(2 * CHANGES + 3);
	/* The first message is written to a file, too. */
	const size_t said = 600;

	for (size_t room = worker; room <= len; room += BOX_WORKERS) {
		box_reset(b);
		limit_files(room);
		int status = box_run(b, "apply three.ini");
		limit_files(RLIM_INFINITY);
		size_t left = judge("of room", room);
		char left_id[64];
		bool none = box_changesets(b, 1, left_id, sizeof(left_id)) == 0;

		tried++;
		if (status != (room < len ? 3 : 0) || left != (room < len ? 0 : CHANGES) ||
		    none != (room < planned) ||
		    (room >= said && room < len && !says(b, "File too large")) ||
		    (room >= said && says(b, "nothing was changed") != (room < planned)) ||
		    (room >= said && says(b, "has been put back"))) {
			box_show_said(b);
			die("room for %zu bytes: exit status %d, %zu settings not as at the start",
			    room, status, left);
		}
		box_must(b, "rollback", 0);
		if (judge("of room", room))
			die("room for %zu bytes: not as at the start after rollback", room);
	}
}

static void at_each_stage(const struct box *b, unsigned worker,
			  void (*damage)(const struct box *b, unsigned worker))
{
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		stage = &stages[i];
		damage(b, worker);
	}
}

static void cut(const struct box *b, unsigned worker)
{
	at_each_stage(b, worker, cut_everywhere);
}

static void flip(const struct box *b, unsigned worker)
{
	at_each_stage(b, worker, flip_everywhere);
}

static const struct mode {
	const char *name;
	void (*run)(const struct box *b, unsigned worker);
} modes[] = {
	{"cut", cut},
	{"flip", flip},
	{"full", fill_everywhere},
};
static const struct mode *mode; /* the one asked for */

static void work(struct box *b, unsigned worker)
{
	box_must(b, "apply three.ini", 0);
	if (box_changesets(b, 1, id, sizeof(id)) != 1)
		die("one apply, one changeset");
	snprintf(path, sizeof(path), "%s/changesets/%s.journal", b->state, id);
	for (size_t i = 0; i < CHANGES; i++) {
		char now[256];

		value_read(changes[i].path, now, sizeof(now));
		if (strcmp(now, changes[i].after) != 0)
			die("three.ini set %s to '%s'", changes[i].path, now);
	}
	box_must(b, "rollback", 0);
	whole[load(path, whole)] = '\0';
	mode->run(b, worker);
	printf("%s: %lu rollbacks, %lu told of damage, no wrong value\n", mode->name, tried,
	       refused);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: mangle cut|flip|full RUNUP PROFILES");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].name, argv[1]) == 0)
			mode = &modes[i];
	if (!mode)
		die("no mode '%s'", argv[1]);

	struct box b = {.runup = argv[2], .profiles = argv[3]};

	box_workers(&b, false, work);
	return 0;
}

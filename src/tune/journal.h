/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The durable record of a changeset, written before the host is touched. */
#ifndef RUNUP_TUNE_JOURNAL_H
#define RUNUP_TUNE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "core/change.h"
#include "sys/host.h"
#include "sys/proc.h"

/*
 * STATE/changesets/<id>.journal, mode 0600 in 0700 folders; STATE is RUNUP_STATE_DIR or
 * /var/lib/runup. One record a line:
 *
 *     SEQ CRC JSON\n        "00000003 9f3ac2d1 {"type":"intent",…}"
 *
 * SEQ: 8 decimal digits, from 0, no gap. CRC: 8 hex digits, CRC-32 (zlib) over the changeset id, a
 * blank, SEQ, a blank and JSON, so that a line of another journal does not pass. Records by type:
 *
 *   header   format (2), id, boot_id, netns_cookie (text: 64 bits do not fit every JSON reader),
 *            netns, user, uid, time, profile, command; since format 2 pid and start of the runup
 *            that made it and, where they apply, run (true: of `run --apply`), guardian_pid and
 *            guardian_start, timer, deadline_ns and until (of --for), keep_going (true)
 *   intent   n, kind, key, identity, value_kind, op, before, want, write, expect
 *   planned  count                    all intents are on disk: one fsync for the lot
 *   done     n, after                 written and read back
 *   applied  (none)                   apply is over
 *   confirmed (none)                  the deadline of --for does not count any more; fsync
 *   before   n, before                an earlier changeset was rolled back: this is the value to
 *                                     return to now
 *   undone   n, result, now           rollback dealt with change n
 *   closed   (none)                   rolled back; nothing is left to do; fsync
 *
 * The header has SEQ 0 and intent n has SEQ n + 1, so a line that is missing is told from one that
 * never was. Of several `undone` of one change the last counts (--force after a first rollback).
 *
 * A journal that ends before a whole `planned` line, with nothing bad in it, proves that nothing
 * was written. A last line without its newline is a torn write, unless its checksum proves it
 * whole: ignored, and cut off before the next append. Anything else that is not proven by its own
 * checksum is a bad line; those that are proven around it are still used. Journals of format 1 are
 * read as well.
 */

/* "YYYYMMDD-HHMMSS-NNNN": UTC, and a number that orders them whatever the clock does. */
#define CHANGESET_ID_MAX 40

/* What is larger is no journal: they are untrusted input. Creation keeps far below. */
#define JOURNAL_SIZE_MAX (8u << 20)
#define JOURNAL_LINE_MAX (256u << 10)
#define JOURNAL_CHANGES_MAX 4096

struct state_dir {
	int fd;		 /* STATE/changesets */
	int lock_fd;	 /* STATE/lock, held exclusively while open for writing; -1 else */
	char path[4096]; /* STATE, for messages */
};

/*
 * Opens the state folder. for_writing: makes it where missing (0700), refuses one that others can
 * write or that is not ours, and takes the lock: it waits for its turn, and calls waiting() (may be
 * NULL) once if that is not at once. Reading needs no lock: lines are whole or torn, never changed.
 * -ENOENT when there is none and it is only read.
 */
must_check int state_dir_open(struct state_dir *d, bool for_writing, void (*waiting)(void),
			      struct err *e);
void state_dir_close(struct state_dir *d);

struct bad_line {
	unsigned line; /* from 1 */
	const char *reason;
};

enum changeset_state {
	CHANGESET_EMPTY,      /* cut before `planned`, even in its header: nothing was written */
	CHANGESET_UNFINISHED, /* planned, not `applied`: a crash left it */
	CHANGESET_OPEN,	      /* applied */
	CHANGESET_CLOSED,     /* rolled back */
	CHANGESET_UNREADABLE, /* its header is not proven: nothing can be done with it */
};

#define TENURE_TIMER "runup-for-" /* a timer's name: this, and a number */

/* For how long the changes of a changeset are meant to stay, and who puts them back. */
struct tenure {
	bool run; /* of `run --apply`: as long as that run lasts */
	/* --for: when it is over, on CLOCK_BOOTTIME, which goes on while the host is suspended and
	 * which nobody can set; 0: no --for. */
	uint64_t deadline_ns;
	const char *until; /* the same as the wall clock had it, for show; NULL without --for */
	/* The runup that made it, and its guardian; pid 0: not known, or none. */
	struct proc_identity maker, guardian;
	const char *timer; /* of systemd, that puts it back at the deadline; NULL: none */
};

/* A changeset as its journal tells it. Zero-initialise; changeset_done() releases. */
struct changeset {
	const struct state_dir *dir; /* where it was read from; borrowed */
	char id[CHANGESET_ID_MAX];
	enum changeset_state state;
	const char *boot_id, *netns, *user, *time, *profile, *command; /* "" where unknown */
	uint64_t netns_cookie;
	struct tenure tenure;
	bool confirmed;		/* a `confirmed` line is there */
	struct changes changes; /* by n; an intent that is not proven is CHANGE_UNKNOWN */
	const char **identity;	/* per change */
	/* Per change: `before` of its intent, where a `before` line replaced it; else NULL. */
	const char **first_before;
	bool *done;	   /* per change: a `done` line is there */
	bool *undone;	   /* per change: an `undone` line is there */
	bool count_proven; /* `planned` is there: no change is missing from the list */
	struct bad_line *bad;
	size_t bad_len, bad_cap;
	uint32_t next_seq;
	off_t good_end; /* append here: behind the last whole record */
	bool unended;	/* that one lacks its newline */
};

/*
 * -ERR_BAD_INPUT: not an id, or no such changeset; -EBADMSG, -EFBIG: what lies there is no journal.
 * A journal whose header is not proven is no failure: its state says so and bad[] why.
 */
must_check int changeset_read(const struct state_dir *d, const char *id, struct changeset *ret,
			      struct err *e);
/*
 * The same from its first line alone, for looking through many: who made it, where and until when.
 * There are no changes in it, and state tells nothing but CHANGESET_UNREADABLE.
 */
must_check int changeset_read_header(const struct state_dir *d, const char *id,
				     struct changeset *ret, struct err *e);
void changeset_done(struct changeset *cs);

/* Is there something of it to roll back: applied, or begun and not known to be over? */
bool changeset_stands(const struct changeset *cs);

/* Its number, the last part of the id; 0 for what is not an id (numbers begin at 1). */
uint64_t changeset_number(const char *id);

/* Ids of all journals, oldest first; *ret is the caller's to free(). */
must_check int changeset_ids(const struct state_dir *d, char (**ret)[CHANGESET_ID_MAX],
			     size_t *ret_len, struct err *e);

/* A journal being written. */
struct journal {
	int fd;
	char id[CHANGESET_ID_MAX];
	uint32_t seq;
	bool failed; /* a record could not be written: what it says is not the whole any more */
};

/* What the header says. command: argv with secrets redacted. */
struct journal_header {
	const char *profile, *command, *user;
	uid_t uid;
	struct tenure tenure; /* `until` is worked out here from deadline_ns */
	bool keep_going;      /* a change that fails does not take back those before it */
};

/*
 * Makes the journal of a new changeset and writes its header and intents (changes that are
 * CHANGE_PLANNED, numbered from 0 in their order; identity is parallel to changes) and `planned`,
 * then syncs file and folder. From here on the host may be written.
 * On failure nothing of it is left and the host must not be touched.
 */
must_check int journal_create(struct journal *j, const struct state_dir *d, const struct host *h,
			      const struct journal_header *header, const struct changes *changes,
			      const char *const *identity, struct err *e);
/* Opens an existing one for appending, cutting off a torn last line. */
must_check int journal_reopen(struct journal *j, const struct state_dir *d,
			      const struct changeset *cs, struct err *e);

/* durable: the change lies on disk and outlives a power cut, so its record must too: fsync. */
must_check int journal_done(struct journal *j, size_t n, const char *after, bool durable,
			    struct err *e);
must_check int journal_applied(struct journal *j, struct err *e);
must_check int journal_confirmed(struct journal *j, struct err *e);
must_check int journal_before(struct journal *j, size_t n, const char *before, struct err *e);
must_check int journal_undone(struct journal *j, size_t n, enum change_result r, const char *now,
			      struct err *e);
must_check int journal_closed(struct journal *j, struct err *e);
void journal_close(struct journal *j);

#endif

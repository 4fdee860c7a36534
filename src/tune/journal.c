/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "tune/journal_line.h"

/* `done`, `before` and `undone` carry fewer values than intents: they fit into what is left. */
#define CREATE_SIZE_MAX (JOURNAL_SIZE_MAX / 4)

/* Adds one line; takes over rec, which is NULL where a text in it is not UTF-8. */
static int add_line(const char *id, uint32_t seq, json_t *rec, struct strbuf *out, struct err *e)
{
	cleanup_free char *json = rec ? json_dumps(rec, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(rec);
	if (!json)
		return err_set(e, EILSEQ,
			       "journal changeset '%s': a value is not UTF-8 and cannot be "
			       "recorded",
			       id);

	size_t len = strlen(json);

	if (len + JOURNAL_FRAME >= JOURNAL_LINE_MAX)
		return err_set(e, EFBIG, "journal changeset '%s': a record is too long", id);
	strbuf_addf(out, "%08" PRIu32 " %08" PRIx32 " ", seq, journal_crc(id, seq, json, len));
	strbuf_addn(out, json, len);
	strbuf_add(out, "\n");
	return 0;
}

/* What only describes (a command line, a path) may hold any bytes; those are not worth failing. */
static json_t *described(const char *text)
{
	json_t *j = json_string(text ? text : "");

	if (j)
		return j;
	cleanup_free char *ascii = strdup(text);
	if (!ascii)
		out_of_memory();
	for (char *p = ascii; *p; p++)
		if (*p & 0x80)
			*p = '?';
	return json_string(ascii);
}

/* What of it is so; the others are not there. */
static void add_tenure(json_t *rec, const struct tenure *t)
{
	char until[RFC3339_MAX];
	uint64_t now_ns = now_boottime_ns();
	uint64_t left_ns = t->deadline_ns > now_ns ? t->deadline_ns - now_ns : 0;

	if (t->run)
		json_object_set_new(rec, "run", json_true());
	if (t->guardian.pid) {
		json_object_set_new(rec, "guardian_pid", json_integer(t->guardian.pid));
		json_object_set_new(rec, "guardian_start",
				    json_integer((json_int_t)t->guardian.start_ticks));
	}
	if (t->timer)
		json_object_set_new(rec, "timer", json_string(t->timer));
	if (t->deadline_ns) {
		json_object_set_new(rec, "deadline_ns", json_integer((json_int_t)t->deadline_ns));
		json_object_set_new(rec, "until",
				    json_string(
					    format_rfc3339(now_realtime_ns() + left_ns, until)));
	}
}

static json_t *header_record(const char *id, const struct host *h, const struct journal_header *hd)
{
	char cookie[24], now[RFC3339_MAX];
	const struct proc_identity *maker = &hd->tenure.maker;

	snprintf(cookie, sizeof(cookie), "%" PRIu64, h->netns_cookie);

	json_t *rec = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:I, s:s, s:o, s:o, s:I, s:I}",
				"type", "header", "format", JOURNAL_FORMAT, "id", id, "boot_id",
				h->boot_id, "netns_cookie", cookie, "netns", described(h->netns),
				"user", described(hd->user), "uid", (json_int_t)hd->uid, "time",
				format_rfc3339(now_realtime_ns(), now), "profile",
				described(hd->profile), "command", described(hd->command), "pid",
				(json_int_t)maker->pid, "start", (json_int_t)maker->start_ticks);

	if (rec)
		add_tenure(rec, &hd->tenure);
	if (rec && hd->keep_going)
		json_object_set_new(rec, "keep_going", json_true());
	return rec;
}

static json_t *intent_record(size_t n, const struct change *c, const char *identity)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "type",
			 "intent", "n", (json_int_t)n, "kind", c->kind, "key", c->key, "identity",
			 identity, "value_kind", value_kind_name(c->value_kind), "op",
			 op_name(c->op), "before", c->before, "want", c->want, "write", c->write,
			 "expect", c->expect);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The next id: numbers tell the order, since the clock may be set back. Called under the lock. */
static int next_id(const struct state_dir *d, char id[CHANGESET_ID_MAX], struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len;
	struct tm tm;
	time_t now = time(NULL);
	int r = changeset_ids(d, &ids, &len, e);

	if (r < 0)
		return r;

	uint64_t number = len ? changeset_number(ids[len - 1]) + 1 : 1;
	size_t n;

	gmtime_r(&now, &tm);
	n = strftime(id, CHANGESET_ID_MAX, "%Y%m%d-%H%M%S-", &tm);
	snprintf(id + n, CHANGESET_ID_MAX - n, "%04" PRIu64, number);
	if (!changeset_number(id))
		return err_set(e, EOVERFLOW,
			       "make a changeset in '%s': no number after '%s' is left", d->path,
			       len ? ids[len - 1] : id);
	return 0;
}

static int compose(struct journal *j, const struct host *h, const struct journal_header *header,
		   const struct changes *changes, const char *const *identity, struct strbuf *out,
		   struct err *e)
{
	size_t n = 0;
	int r = add_line(j->id, j->seq++, header_record(j->id, h, header), out, e);

	for (size_t i = 0; r == 0 && i < changes->len; i++) {
		const struct change *c = &changes->item[i];

		if (c->result == CHANGE_PLANNED)
			r = add_line(j->id, j->seq++, intent_record(n++, c, identity[i]), out, e);
	}
	if (r < 0)
		return r;
	if (n > JOURNAL_CHANGES_MAX)
		return err_set(e, EFBIG, "journal changeset '%s': more than %d changes", j->id,
			       JOURNAL_CHANGES_MAX);
	r = add_line(j->id, j->seq++,
		     json_pack("{s:s, s:I}", "type", "planned", "count", (json_int_t)n), out, e);
	if (r == 0 && out->len > CREATE_SIZE_MAX)
		return err_set(e, EFBIG, "journal changeset '%s': %zu bytes are too many", j->id,
			       out->len);
	return r;
}

/* Makes, fills and syncs the file; what is not durable is removed again. */
static int store(struct journal *j, const struct state_dir *d, const struct strbuf *text,
		 struct err *e)
{
	char name[JOURNAL_NAME_MAX];
	cleanup_close int fd =
		open_private(d->fd, journal_name(j->id, name), O_WRONLY | O_APPEND | O_EXCL);

	if (fd < 0)
		return err_errno(e, errno, "make journal '%s' in '%s' (nothing was changed)", name,
				 d->path);

	int r = write_all(fd, text->text, text->len);
	if (r == 0 && (fsync(fd) < 0 || fsync(d->fd) < 0))
		r = -errno;
	if (r < 0) {
		unlinkat(d->fd, name, 0);
		return err_errno(e, -r, "write journal '%s' in '%s' (nothing was changed)", name,
				 d->path);
	}
	j->fd = TAKE_FD(fd);
	return 0;
}

int journal_create(struct journal *j, const struct state_dir *d, const struct host *h,
		   const struct journal_header *header, const struct changes *changes,
		   const char *const *identity, struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf text = {0};

	*j = (struct journal){.fd = -1};
	if (d->lock_fd < 0)
		return err_set(e, ENOLCK, "make a changeset in '%s': it is not locked", d->path);
	/* Without it a rollback after a reboot would write stale values. */
	if (!h->boot_id[0])
		return err_set(e, EIO, "make a changeset: the boot id of this host cannot be read");

	int r = next_id(d, j->id, e);
	if (r == 0)
		r = compose(j, h, header, changes, identity, &text, e);
	if (r == 0)
		r = store(j, d, &text, e);
	return r;
}

int journal_reopen(struct journal *j, const struct state_dir *d, const struct changeset *cs,
		   struct err *e)
{
	struct stat st;

	*j = (struct journal){.fd = -1, .seq = cs->next_seq};
	if (d->lock_fd < 0)
		return err_set(e, ENOLCK, "write journal '%s': '%s' is not locked", cs->id,
			       d->path);
	cleanup_close int fd = journal_open_file(d, cs->id, O_RDWR | O_APPEND, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || (st.st_size > cs->good_end && ftruncate(fd, cs->good_end) < 0))
		return err_errno(e, errno, "cut the torn last line off journal '%s'", cs->id);
	if (cs->unended) {
		int r = write_all(fd, "\n", 1);

		if (r < 0)
			return err_errno(e, -r, "end the last line of journal '%s'", cs->id);
	}
	memcpy(j->id, cs->id, sizeof(j->id));
	j->fd = TAKE_FD(fd);
	return 0;
}

static int append(struct journal *j, json_t *rec, bool sync, struct err *e)
{
	cleanup_with(strbuf_done) struct strbuf line = {0};
	bool failed = j->failed;
	int r = add_line(j->id, j->seq, rec, &line, e);

	j->failed = true;
	if (r < 0)
		return r;

	off_t end = lseek(j->fd, 0, SEEK_END);
	r = end < 0 ? -errno : write_all(j->fd, line.text, line.len);
	if (r < 0) {
		/* Half a line would spoil the next one; if it stays, the reader reports it. */
		if (end >= 0 && ftruncate(j->fd, end) < 0)
			j->seq++;
		return err_errno(e, -r, "write journal '%s'", j->id);
	}
	j->seq++;
	if (sync && fsync(j->fd) < 0)
		return err_errno(e, errno, "sync journal '%s'", j->id);
	j->failed = failed;
	return 0;
}

int journal_done(struct journal *j, size_t n, const char *after, bool durable, struct err *e)
{
	return append(j,
		      json_pack("{s:s, s:I, s:s}", "type", "done", "n", (json_int_t)n, "after",
				after),
		      durable, e);
}

/*
 * Not synced: only a power cut could lose it, and that takes along what was applied; what outlives
 * one has a synced record of its own (journal_done()).
 */
int journal_applied(struct journal *j, struct err *e)
{
	return append(j, json_pack("{s:s}", "type", "applied"), false, e);
}

int journal_confirmed(struct journal *j, struct err *e)
{
	return append(j, json_pack("{s:s}", "type", "confirmed"), true, e);
}

int journal_before(struct journal *j, size_t n, const char *before, struct err *e)
{
	return append(j,
		      json_pack("{s:s, s:I, s:s}", "type", "before", "n", (json_int_t)n, "before",
				before),
		      true, e);
}

int journal_undone(struct journal *j, size_t n, enum change_result r, const char *now,
		   struct err *e)
{
	/* Whatever `now` holds was not ours to record; it only explains. */
	json_t *value = now ? described(now) : json_null();

	return append(j,
		      json_pack("{s:s, s:I, s:s, s:o}", "type", "undone", "n", (json_int_t)n,
				"result", change_result_name(r), "now", value),
		      false, e);
}

int journal_closed(struct journal *j, struct err *e)
{
	return append(j, json_pack("{s:s}", "type", "closed"), true, e);
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

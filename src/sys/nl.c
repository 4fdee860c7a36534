/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/nl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define RECORD_MAX (32u << 20)	   /* bytes of hex in one record */
#define MESSAGE_MAX (64u << 10)	   /* bytes of one recorded message */
#define REPEATS 3		   /* of a dump that changed while it was read */
#define RECEIVE_SIZE (32u << 10)   /* what the kernel fills at most for one read of a dump */
#define FIRST_SEQUENCE UINT32_C(1) /* 0 would switch libmnl's check off */
#define ERROR_TEXT_MAX sizeof(((struct err *)0)->msg)

/* What happened besides the answers; control callbacks get it beside the caller's data. */
struct asking {
	mnl_cb_t each;
	void *data;
	bool dump;
	int refused; /* errno the kernel answered with, 0: none */
	char text[ERROR_TEXT_MAX];
};

/* The kernel's own words for a refusal. */
static int on_ack_attribute(const struct nlattr *attr, void *data)
{
	struct asking *a = data;

	if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_MSG ||
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	snprintf(a->text, sizeof(a->text), "%s", mnl_attr_get_str(attr));
	for (char *c = a->text; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
	return MNL_CB_STOP;
}

static void read_ack_text(const struct nlmsghdr *m, size_t offset, struct asking *a)
{
	if ((m->nlmsg_flags & NLM_F_ACK_TLVS) && offset <= mnl_nlmsg_get_payload_len(m))
		(void)mnl_attr_parse(m, (unsigned)offset, on_ack_attribute, a);
}

static int on_error(const struct nlmsghdr *m, void *data)
{
	struct asking *a = data;
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(m);
	size_t offset = sizeof(*answer);

	if (mnl_nlmsg_get_payload_len(m) < sizeof(*answer)) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	/* The request follows, whole, unless the kernel cut it to its header. */
	if (!(m->nlmsg_flags & NLM_F_CAPPED) && answer->msg.nlmsg_len > sizeof(answer->msg))
		offset += NLMSG_ALIGN(answer->msg.nlmsg_len) - sizeof(answer->msg);
	a->refused = answer->error < 0 ? -answer->error : 0;
	read_ack_text(m, offset, a);
	return MNL_CB_STOP;
}

/* A dump that failed half-way says so in its last message (netlink_dump_done()). */
static int on_done(const struct nlmsghdr *m, void *data)
{
	struct asking *a = data;
	int error = 0;

	if (mnl_nlmsg_get_payload_len(m) >= sizeof(error)) {
		memcpy(&error, mnl_nlmsg_get_payload(m), sizeof(error));
		a->refused = error < 0 ? -error : 0;
		read_ack_text(m, sizeof(error), a);
	}
	return MNL_CB_STOP;
}

static int on_answer(const struct nlmsghdr *m, void *data)
{
	struct asking *a = data;
	int r = a->each(m, a->data);

	return r == MNL_CB_OK && !a->dump ? MNL_CB_STOP : r;
}

/* As mnl_cb_run(): MNL_CB_OK to go on, MNL_CB_STOP, or MNL_CB_ERROR with errno. */
static int run(struct asking *a, const void *buf, size_t len, unsigned seq, unsigned portid)
{
	mnl_cb_t control[] = {
		[NLMSG_ERROR] = on_error,
		[NLMSG_DONE] = on_done,
	};

	return mnl_cb_run2(buf, len, seq, portid, on_answer, a, control, ARRAY_LEN(control));
}

/* Whole messages and nothing behind them? A cut one would end libmnl's loop without a word. */
static bool whole_messages(const void *buf, size_t len)
{
	const struct nlmsghdr *m = buf;
	int rest = (int)len;

	while (mnl_nlmsg_ok(m, rest))
		m = mnl_nlmsg_next(m, &rest);
	return rest <= 0;
}

static int refusal(const struct nl_question *q, const struct asking *a, struct err *e)
{
	if (!a->refused)
		return 0;
	if (a->text[0])
		return err_set(e, a->refused, "%s '%s': %s (%s)",
			       q->change ? "have the kernel do" : "ask the kernel for", q->record,
			       strerror(a->refused), a->text);
	return err_errno(e, a->refused, "ask the kernel for '%s'", q->record);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one line; returns its bytes, 0 for a line without any, or -EPROTO. */
static long decode_line(const char *line, size_t len, unsigned char *out, size_t room)
{
	size_t bytes = 0;

	for (size_t i = 0; i < len && line[i] != '#';) {
		if (isspace((unsigned char)line[i])) {
			i++;
			continue;
		}
		int high = hex_digit(line[i]);
		int low = i + 1 < len ? hex_digit(line[i + 1]) : -1;

		if (high < 0 || low < 0 || bytes == room)
			return -EPROTO;
		out[bytes++] = (unsigned char)(high << 4 | low);
		i += 2;
	}
	return (long)bytes;
}

static int replay_line(const struct nl_question *q, struct asking *a, const char *line, size_t len,
		       unsigned number, void *buf, struct err *e)
{
	long bytes = decode_line(line, len, buf, MESSAGE_MAX);

	if (bytes == 0)
		return MNL_CB_OK;
	if (bytes < 0)
		return err_set(e, EPROTO, "read record '%s': line %u is not hex", q->record,
			       number);

	const struct nlmsghdr *m = buf;
	if ((size_t)bytes < sizeof(*m) || m->nlmsg_len != (size_t)bytes)
		return err_set(e, EPROTO,
			       "read record '%s': line %u holds %ld bytes, which is not the length "
			       "its message has",
			       q->record, number, bytes);
	int r = run(a, buf, (size_t)bytes, 0, 0);
	if (r == MNL_CB_ERROR && errno == EINTR)
		return err_set(e, EPROTO, "read record '%s': line %u is of an interrupted dump",
			       q->record, number);
	if (r == MNL_CB_ERROR)
		return err_errno(e, errno, "read record '%s': line %u", q->record, number);
	return r;
}

static int ask_captured(const struct host *h, const struct nl_question *q, struct asking *a,
			struct err *e)
{
	char path[128];
	cleanup_free char *text = NULL;

	snprintf(path, sizeof(path), "/netlink/%s.hex", q->record);
	long n = file_read_all(h, path, RECORD_MAX, &text, e);
	if (n == -ENOENT)
		return err_set(e, ENODATA, "the captured host has no record of '%s'", q->record);
	if (n < 0)
		return (int)n;

	cleanup_free void *buf = malloc(MESSAGE_MAX);
	if (!buf)
		out_of_memory();
	unsigned number = 0;
	for (const char *line = text, *end = text + n; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);
		int r = replay_line(q, a, line, len, ++number, buf, e);

		if (r < 0)
			return r;
		if (r == MNL_CB_STOP)
			break;
		line += len + 1;
	}
	return refusal(q, a, e);
}

static void close_socket(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

static struct mnl_socket *open_socket(const struct nl_question *q, struct err *e)
{
	int on = 1;
	struct mnl_socket *s = mnl_socket_open2(q->bus, SOCK_CLOEXEC);

	if (!s) {
		(void)!err_errno(e, errno, "open a netlink socket for '%s'", q->record);
		return NULL;
	}
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		(void)!err_errno(e, errno, "bind a netlink socket for '%s'", q->record);
		mnl_socket_close(s);
		return NULL;
	}
	/* Kernels before 4.12 know no extended ack: then only the number is told. */
	(void)mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &on, sizeof(on));
	return s;
}

static ssize_t receive(const struct mnl_socket *s, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(s, buf, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * One try. Returns 0, or -EAGAIN where the dump has to be asked again: the kernel marked it as
 * interrupted (libmnl tells that as EINTR), or the receive buffer ran over. A new socket is opened
 * for each try, which leaves the rest of the interrupted dump behind.
 */
static int ask_once(const struct nl_question *q, struct asking *a, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[RECEIVE_SIZE];
	cleanup_with(close_socket) struct mnl_socket *s = open_socket(q, e);

	if (!s)
		return -e->code;
	if (mnl_socket_sendto(s, q->request, q->request->nlmsg_len) < 0)
		return err_errno(e, errno, "ask the kernel for '%s'", q->record);

	int r = MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		ssize_t n = receive(s, buf, sizeof(buf));

		if (n < 0 && errno == ENOBUFS)
			return -EAGAIN;
		if (n < 0)
			return err_errno(e, errno, "receive '%s' from the kernel", q->record);
		if (n == 0 || !whole_messages(buf, (size_t)n))
			return err_set(e, EPROTO, "receive '%s' from the kernel: a cut message",
				       q->record);
		r = run(a, buf, (size_t)n, q->request->nlmsg_seq, mnl_socket_get_portid(s));
		if (r == MNL_CB_ERROR && errno == EINTR)
			return -EAGAIN;
		if (r == MNL_CB_ERROR)
			return err_errno(e, errno, "read the kernel's answer to '%s'", q->record);
	}
	return refusal(q, a, e);
}

int nl_ask(const struct host *h, const struct nl_question *q, mnl_cb_t each,
	   void (*reset)(void *data), void *data, struct err *e)
{
	struct err local;
	/* cppcheck-suppress uninitvar ; only its address is taken: errors are written to it */
	struct err *err = e ? e : &local;

	for (unsigned attempt = 0; attempt <= REPEATS; attempt++) {
		struct asking a = {.each = each, .data = data, .dump = q->dump};

		if (h->captured)
			return ask_captured(h, q, &a, err);
		if (attempt > 0 && reset)
			reset(data);
		q->request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (q->dump ? NLM_F_DUMP : 0) |
						     (q->change ? NLM_F_ACK : 0));
		q->request->nlmsg_seq = FIRST_SEQUENCE + attempt;
		q->request->nlmsg_pid = 0;
		int r = ask_once(q, &a, err);
		if (r != -EAGAIN)
			return r;
	}
	return err_set(err, EAGAIN,
		       "ask the kernel for '%s': it changed while it was read, %d times", q->record,
		       REPEATS + 1);
}

static const struct nlattr *next_within(const char *start, size_t len, const struct nlattr *before)
{
	size_t at =
		before ? (size_t)((const char *)before - start) + MNL_ALIGN(before->nla_len) : 0;
	const void *next = start + at;

	return at < len && mnl_attr_ok(next, (int)(len - at)) ? next : NULL;
}

const struct nlattr *nl_attr_next(const struct nlmsghdr *m, size_t offset,
				  const struct nlattr *before)
{
	const char *payload = mnl_nlmsg_get_payload(m);
	size_t len = mnl_nlmsg_get_payload_len(m);

	offset = MNL_ALIGN(offset);
	return offset < len ? next_within(payload + offset, len - offset, before) : NULL;
}

const struct nlattr *nl_nested_next(const struct nlattr *nest, const struct nlattr *before)
{
	return next_within(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), before);
}

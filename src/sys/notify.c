/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "base/units.h"

static int read_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_len,
			struct err *e)
{
	size_t len = strlen(name);

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof(ret->sun_path))
		return err_set(e, ERR_BAD_INPUT,
			       "NOTIFY_SOCKET '%s': expected an absolute path or @NAME of at most "
			       "%zu bytes",
			       name, sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, name, len);
	/* An abstract name begins with a NUL and has no end but its length (unix(7)). */
	if (*name == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
	return 0;
}

static int read_watchdog(struct notify *n, struct err *e)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, whose;

	if (!usec)
		return 0;
	if (pid && parse_u64(pid, 1, INT32_MAX, &whose) < 0)
		return err_set(e, ERR_BAD_INPUT, "WATCHDOG_PID '%s': expected a process id", pid);
	/* Inherited from a service that started us: meant for that. */
	if (pid && whose != (uint64_t)getpid())
		return 0;
	if (parse_u64(usec, 1, UINT64_MAX / NS_PER_US, &us) < 0)
		return err_set(e, ERR_BAD_INPUT, "WATCHDOG_USEC '%s': expected microseconds", usec);
	n->watchdog_ns = us * NS_PER_US;
	return 0;
}

int notify_open(struct notify *n, struct err *e)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	socklen_t len = 0;

	if (!name || !*name)
		return 0;
	int r = read_address(name, &to, &len, e);

	if (r == 0)
		r = read_watchdog(n, e);
	if (r < 0)
		return r;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return err_errno(e, errno, "make a socket for the service manager");
	if (connect(n->fd, (const struct sockaddr *)&to, len) < 0)
		return err_errno(e, errno, "reach the service manager at '%s' (NOTIFY_SOCKET)",
				 name);
	return 0;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (send(n->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_debug("tell the service manager '%s': %s", text, strerror(errno));
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

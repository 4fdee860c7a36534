/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the service manager how a service is: the protocol of sd_notify(3), by its socket. */
#ifndef RUNUP_SYS_NOTIFY_H
#define RUNUP_SYS_NOTIFY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* Start with NOTIFY_NONE; notify_close() releases. */
struct notify {
	int fd;		      /* -1: nobody wants to be told */
	uint64_t watchdog_ns; /* a sign of life is expected at least that often; 0: none */
};

#define NOTIFY_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Reads $NOTIFY_SOCKET (a path, or @ and an abstract name), $WATCHDOG_USEC and $WATCHDOG_PID. Not
 * set: 0, and nothing is ever sent. -ERR_BAD_INPUT for what no service manager sets, -errno where
 * its socket cannot be reached. An abstract name is of the present network namespace, so before
 * another one is entered.
 */
must_check int notify_open(struct notify *n, struct err *e);

/*
 * Sends one message, "READY=1" or "STATUS=…" lines. Never waits: a manager whose queue is full gets
 * the next one. What cannot be sent is for the manager's time-out to notice, as sd_notify(3) has
 * it.
 */
void notify_send(const struct notify *n, const char *fmt, ...) printf_(2, 3);
void notify_close(struct notify *n);

#endif

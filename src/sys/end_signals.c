/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/end_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int end_signals_take(int *ret_fd, struct err *e)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct sigaction now;

		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(e, errno, "block signals");
	signal(SIGPIPE, SIG_IGN);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? err_errno(e, errno, "make a descriptor for signals") : 0;
}

bool end_signals_arrived(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

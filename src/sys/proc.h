/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: limits in force, identity, and who holds a socket. */
#ifndef RUNUP_SYS_PROC_H
#define RUNUP_SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"
#include "sys/host.h"

#define PROC_UNLIMITED UINT64_MAX

struct proc_limit {
	uint64_t soft, hard; /* PROC_UNLIMITED for "unlimited" */
};

/*
 * In all of them pid 0 is this process (of a captured host: the one that captured it), and -ESRCH
 * means that there is no such process.
 */

/*
 * A row of /proc/PID/limits by its name there ("Max open files"). Readable for anybody's process.
 * -EPROTO: no such row.
 */
must_check int proc_limit(const struct host *h, pid_t pid, const char *name, struct proc_limit *ret,
			  struct err *e);

/* pid and start time in clock ticks since boot (/proc/PID/stat field 22): a process for its life.
 */
struct proc_identity {
	pid_t pid;
	uint64_t start_ticks;
};
must_check int proc_identity(const struct host *h, pid_t pid, struct proc_identity *ret,
			     struct err *e);

/*
 * Is it still that process, and living? One that ended and was not waited for (a zombie) is not.
 * 0 or 1, or -errno where it cannot be told (a captured host has no processes: -EOPNOTSUPP).
 */
must_check int proc_alive(const struct host *h, const struct proc_identity *p, struct err *e);

/* Its name as the kernel has it (/proc/PID/comm); "" when it cannot be read. */
#define PROC_COMM_MAX 17
void proc_comm(const struct host *h, pid_t pid, char buf[PROC_COMM_MAX]);

/*
 * How many descriptors it has open. /proc/PID/fd as a file has that size since 6.2
 * (proc_fd_getattr()), and says so to anybody; before, the entries are counted, and another user's
 * are -EACCES. For this process, the descriptor that looks is not counted.
 */
must_check int proc_open_files(const struct host *h, pid_t pid, uint64_t *ret, struct err *e);

/* Who has a socket open. Several may: the oldest is the holder, as it made or inherited it first.
 */
struct socket_owner {
	pid_t pid; /* 0: nobody found */
	char comm[PROC_COMM_MAX];
	unsigned holders;
};

/*
 * Looks through /proc/PID/fd for the sockets with these inodes; owners[i] belongs to inodes[i].
 * *unreadable is the number of processes that may not be looked into (kernel threads hold no
 * sockets and are left out; where /proc hides other users' processes it is at least 1): with it
 * above zero, "nobody" means unknown (CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE make it zero). A
 * captured host has no processes: nobody, and nothing unreadable, since no privilege would help.
 */
must_check int proc_socket_owners(const struct host *h, const uint32_t *inodes, size_t len,
				  struct socket_owner *owners, unsigned *unreadable, struct err *e);

/*
 * Calls each() for every descriptor that is the socket with this inode, in any process, until it
 * returns false. Of processes with several tables of descriptors (clone(2) without CLONE_FILES) the
 * main thread's counts.
 */
must_check int proc_socket_each(const struct host *h, uint32_t inode,
				bool (*each)(pid_t pid, int fd, void *data), void *data,
				unsigned *unreadable, struct err *e);

#endif

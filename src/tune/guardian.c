/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tune/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/caps.h"
#include "tune/apply.h"
#include "tune/tenure.h"

#define NAME "runup-guardian" /* at most 15 bytes (prctl(2)) */
#define START_MS 5000	      /* for it to say that it is ready */
#define RELEASE_MS 2000
#define LOCK_S 2 /* how long it waits for the lock before it looks whether there is need to */
/* Attempts that fail for another reason than the lock, with pauses from the one to the other. */
#define ATTEMPTS 60
#define PAUSE_MIN_NS (100 * NS_PER_MS)
#define PAUSE_MAX_NS (5 * NS_PER_S)

/* What the runup tells it. */
enum word_kind { WORD_DEATH, WORD_RELEASE, WORD_KEEP };
struct word {
	enum word_kind kind;
	uint64_t deadline_ns;
};

/* What it tells the runup at first. */
struct report {
	struct err err; /* code 0: ready */
};

/* ---- in the guardian ---- */

static void wake(int sig unused_)
{
}

/* What a terminal sends does not concern it; an interrupted wait for the lock is its clock. */
static void set_signals(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGPIPE, SIGXFSZ,
				      SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
	struct sigaction alarm = {.sa_handler = wake}; /* no SA_RESTART */
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGALRM, &alarm, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int close_between(int first, int last)
{
	return first > last ? 0 : (int)syscall(SYS_close_range, first, last, 0U);
}

/* All but 0, 1, 2 and the two pipe ends: no lock of the runup's, no terminal, no socket. */
static int close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (close_between(STDERR_FILENO + 1, low - 1) < 0 || close_between(low + 1, high - 1) < 0 ||
	    close_between(high + 1, INT_MAX) < 0)
		return -errno;
	return 0;
}

static int drop_standard_descriptors(void)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	return 0;
}

/*
 * Stands in the state folder: it may be beneath one that only its owner may enter, which root
 * without CAP_DAC_OVERRIDE is not, and its path may be relative.
 */
static int stand_in(const struct state_dir *d)
{
	return chdir(d->path) < 0 || setenv("RUNUP_STATE_DIR", ".", 1) < 0 ? -errno : 0;
}

static int become_guardian(const struct state_dir *d, uint64_t caps, int word_fd, int life_fd,
			   struct err *e)
{
	int r;

	if (setsid() < 0)
		return err_errno(e, errno, "begin a session for the guardian");
	prctl(PR_SET_NAME, NAME, 0, 0, 0);
	set_signals();
	r = stand_in(d);
	if (r < 0)
		return err_errno(e, -r, "go to '%s' with the guardian", d->path);
	r = drop_standard_descriptors();
	if (r == 0)
		r = close_others(word_fd, life_fd);
	if (r < 0)
		return err_errno(e, -r, "close the guardian's descriptors");
	r = caps_keep(caps, e);
	if (r < 0)
		return r;

	/* Can it do with what it has kept what it is here for? */
	struct state_dir mine;

	r = state_dir_open(&mine, false, NULL, e);
	if (r < 0)
		return err_wrap(e, "the guardian");
	state_dir_close(&mine);
	return 0;
}

static struct word wait_for_word(int fd)
{
	struct word w;
	ssize_t n;

	do
		n = read(fd, &w, sizeof(w));
	while (n < 0 && errno == EINTR);
	/* Shorter than PIPE_BUF: whole or not at all (pipe(7)). */
	return n == (ssize_t)sizeof(w) ? w : (struct word){.kind = WORD_DEATH};
}

static void sleep_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	nanosleep(&t, NULL);
}

/* poll(2) and nanosleep(2) do not count time that the host is suspended; a timerfd can. */
static void wait_until(uint64_t deadline_ns)
{
	struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
			     .tv_nsec = (long)(deadline_ns % NS_PER_S)},
	};
	cleanup_close int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	uint64_t times;

	if (fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
		while (read(fd, &times, sizeof(times)) < 0 && errno == EINTR)
			;
	/* Where there is none: as good as can be. */
	while (now_boottime_ns() < deadline_ns)
		sleep_ns(PAUSE_MIN_NS);
}

/* The changeset that names this process; 1 when there is one. */
static int find_mine(const struct host *h, const struct state_dir *d,
		     const struct proc_identity *self, char id[CHANGESET_ID_MAX], struct err *e)
{
	cleanup_free char(*ids)[CHANGESET_ID_MAX] = NULL;
	size_t len;
	int r = changeset_ids(d, &ids, &len, e), failed = 0;

	if (r < 0)
		return r;
	for (size_t i = len; i-- > 0;) {
		cleanup_with(changeset_done) struct changeset cs = {0};
		const struct proc_identity *g = &cs.tenure.guardian;

		r = changeset_read_header(d, ids[i], &cs, e);
		/* Under a load the host may be out of files; then it is not known yet. */
		if (r < 0 && r != -EBADMSG && r != -EFBIG && r != -EPERM && r != -ERR_BAD_INPUT)
			failed = r;
		if (r < 0 || strcmp(cs.boot_id, h->boot_id) != 0 || g->pid != self->pid ||
		    g->start_ticks != self->start_ticks)
			continue;
		memcpy(id, ids[i], CHANGESET_ID_MAX);
		return 1;
	}
	return failed;
}

/* 1: there is something to put back. */
static int needed(const struct state_dir *d, const char *id, struct err *e)
{
	cleanup_with(changeset_done) struct changeset cs = {0};
	int r = changeset_read(d, id, &cs, e);

	return r < 0 ? r : cs.state != CHANGESET_CLOSED && !cs.confirmed;
}

/* Without the lock, which another runup holds: has that one perhaps done it? */
static int look(const struct host *h, const struct proc_identity *self, struct err *e)
{
	char id[CHANGESET_ID_MAX];
	struct state_dir d;
	int r = state_dir_open(&d, false, NULL, e);

	if (r < 0)
		return r;
	r = find_mine(h, &d, self, id, e);
	if (r > 0)
		r = needed(&d, id, e);
	state_dir_close(&d);
	return r;
}

static int put_back(const struct host *h, const struct state_dir *d,
		    const struct proc_identity *self, struct err *e)
{
	cleanup_with(changes_done) struct changes undone = {0};
	struct rollback_options o = {.force = false};
	char id[CHANGESET_ID_MAX];
	int r = find_mine(h, d, self, id, e);

	if (r > 0)
		r = needed(d, id, e);
	if (r <= 0)
		return r;
	r = rollback_changeset(h, d, id, &o, &undone, e);
	return r < 0 ? r : needed(d, id, e);
}

/* 0: nothing is left to do; -EINTR: the lock is held; else it failed, or something is left (1). */
static int attempt(const struct host *h, const struct proc_identity *self, struct err *e)
{
	/* Again and again, so that none is lost that comes before the wait begins. */
	struct itimerval on = {.it_interval = {.tv_sec = LOCK_S}, .it_value = {.tv_sec = LOCK_S}};
	struct itimerval off = {.it_value = {.tv_sec = 0}};
	struct state_dir d;

	setitimer(ITIMER_REAL, &on, NULL);
	int r = state_dir_open(&d, true, NULL, e);
	setitimer(ITIMER_REAL, &off, NULL);
	if (r < 0)
		return r;
	r = put_back(h, &d, self, e);
	state_dir_close(&d);
	return r;
}

static int attempt_on_host(const struct proc_identity *self, struct err *e)
{
	struct host h;
	int r = host_open(&h, NULL, NULL, e);

	if (r == 0)
		r = attempt(&h, self, e);
	if (r == -EINTR && look(&h, self, e) == 0)
		r = 0;
	host_close(&h);
	return r;
}

/* Nobody is there to be told: what is left open is what `runup status` shows. */
static void finish(const struct proc_identity *self)
{
	uint64_t pause_ns = PAUSE_MIN_NS;

	for (int failed = 0; failed < ATTEMPTS;) {
		struct err e;
		int r = attempt_on_host(self, &e);

		if (r == 0)
			return;
		if (r == -EINTR)
			continue;
		failed++;
		sleep_ns(pause_ns);
		pause_ns = pause_ns * 2 < PAUSE_MAX_NS ? pause_ns * 2 : PAUSE_MAX_NS;
	}
}

static _Noreturn void guard(const struct host *h, const struct state_dir *d, uint64_t caps,
			    int word_fd, int life_fd)
{
	struct proc_identity self;
	struct report report = {.err = {.code = 0}};
	int r = proc_identity(h, 0, &self, &report.err);

	if (r == 0)
		r = become_guardian(d, caps, word_fd, life_fd, &report.err);
	report.err.code = r < 0 ? -r : 0;
	/* A runup that is gone is what the next read tells. */
	if (write(life_fd, &report, sizeof(report)) < 0 || r < 0)
		_exit(EXIT_FAILURE);

	struct word w = wait_for_word(word_fd);

	if (w.kind == WORD_RELEASE)
		_exit(EXIT_SUCCESS);
	close(word_fd);
	close(life_fd);
	if (w.kind == WORD_KEEP)
		wait_until(w.deadline_ns);
	finish(&self);
	_exit(EXIT_SUCCESS);
}

/* ---- in the runup ---- */

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* Where SIGCHLD is ignored, or run's loop came first, there is nothing to wait for. */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int hear_report(int life_fd, struct report *ret, struct err *e)
{
	int r = wait_readable(life_fd, START_MS);

	if (r < 0)
		return err_errno(e, -r, "wait for the guardian to be ready");
	if (read(life_fd, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return err_set(e, ECHILD, "start a guardian: it ended before it was ready");
	return ret->err.code ? err_set(e, ret->err.code, "%s", ret->err.msg) : 0;
}

int guardian_start(const struct host *h, const struct state_dir *d, uint64_t caps,
		   struct guardian *ret, struct err *e)
{
	struct report report;
	int word[2], life[2];

	if (pipe2(word, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int word_read = word[0];
	cleanup_close int word_write = word[1];

	if (pipe2(life, O_CLOEXEC) < 0)
		return err_errno(e, errno, "make a pipe");

	cleanup_close int life_read = life[0];
	cleanup_close int life_write = life[1];
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "start a guardian");
	if (pid == 0)
		guard(h, d, caps, word_read, life_write);
	close(TAKE_FD(life_write));

	int r = hear_report(life_read, &report, e);

	if (r == 0)
		r = proc_identity(h, pid, &ret->process, e);
	if (r < 0) {
		/* It has been told of nothing and knows of no changeset. */
		kill(pid, SIGKILL);
		reap(pid);
		return r;
	}
	ret->word_fd = TAKE_FD(word_write);
	ret->life_fd = TAKE_FD(life_read);
	return 0;
}

/* One that is gone already was killed, which is neither an error nor a reason to end by SIGPIPE. */
static void tell(const struct guardian *g, struct word w)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

	sigaction(SIGPIPE, &ignore, &before);
	(void)!write(g->word_fd, &w, sizeof(w));
	sigaction(SIGPIPE, &before, NULL);
}

static void let_go(struct guardian *g)
{
	close(g->word_fd);
	close(g->life_fd);
	*g = (struct guardian)GUARDIAN_INIT;
}

void guardian_release(struct guardian *g)
{
	if (g->word_fd < 0)
		return;
	tell(g, (struct word){.kind = WORD_RELEASE});
	/* So that nothing of it is left when runup says that it is done: what still holds its end
	 * of the pipe is that process, and has been stopped by somebody. */
	if (wait_readable(g->life_fd, RELEASE_MS) == -ETIMEDOUT)
		kill(g->process.pid, SIGKILL);
	reap(g->process.pid);
	let_go(g);
}

void guardian_keep(struct guardian *g, uint64_t deadline_ns)
{
	if (g->word_fd < 0)
		return;
	tell(g, (struct word){.kind = WORD_KEEP, .deadline_ns = deadline_ns});
	let_go(g);
}

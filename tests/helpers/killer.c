/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills runup at the entry and at the exit of every system call it makes, one run for each, and
 * proves that the next rollback ends at the start.
 *
 *   killer SCENARIO RUNUP PROFILES
 *
 * What dies at the entry of a call has not made it (ptrace(2): SIGKILL during a syscall-enter-stop,
 * kernel/entry: syscall_trace_enter() skips the call), at the exit it has, and does not know it.
 */
#include <signal.h>
#include <sys/ptrace.h>

#include "crashbox.h"

#define STOPS_MAX 16384

static const struct scenario {
	const char *name;
	const char *before[2]; /* run whole, first */
	const char *victim;    /* is killed at each of its stops in turn */
	int ends_with;	       /* the victim, when nobody kills it */
	const char *second;    /* killed as well, once each time; NULL: none */
	const char *repair;    /* has to end at the start */
	bool outside;	       /* runs in another namespace than the one it changes */
	mode_t umask;
} scenarios[] = {
	{
		.name = "apply",
		.victim = "apply ten.ini",
		.repair = "rollback",
	},
	{
		.name = "rollback",
		.before = {"apply ten.ini"},
		.victim = "rollback",
		.repair = "rollback",
	},
	{
		/* The killed one hands its values over to a later changeset. */
		.name = "handing-over",
		.before = {"apply ten.ini", "apply three.ini"},
		.victim = "rollback @1",
		.repair = "rollback --all",
	},
	{
		.name = "on-top",
		.before = {"apply ten.ini"},
		.victim = "apply three.ini",
		.repair = "rollback --all",
	},
	{
		/* The kernel refuses a value: apply itself takes back what it wrote. */
		.name = "refused",
		.victim = "apply refused.ini",
		.ends_with = 3,
		.repair = "rollback",
	},
	{
		.name = "rollback-too",
		.victim = "apply ten.ini",
		.second = "rollback",
		.repair = "rollback",
	},
	{
		.name = "other-namespace",
		.victim = "apply --netns @netns ten.ini",
		.repair = "rollback",
		.outside = true,
	},
	{
		.name = "other-namespace-rollback",
		.before = {"apply --netns @netns ten.ini"},
		.victim = "rollback",
		.repair = "rollback",
		.outside = true,
	},
	{
		/* What is made is without any permission until something gives it some. */
		.name = "umask",
		.victim = "apply ten.ini",
		.repair = "rollback",
		.umask = 0777,
	},
};

/* The system calls of a run that nobody kills, by stop. */
struct trace {
	uint64_t nr[STOPS_MAX];
	unsigned len, calls;
};

static const struct scenario *scenario; /* the one asked for */

static int step(pid_t pid, int signal)
{
	if (ptrace(PTRACE_SYSCALL, pid, 0, signal) < 0)
		die("ptrace: %s", strerror(errno));
	return box_wait(pid);
}

/* Starts runup and stops it at the end of its execve. */
static pid_t start(const struct box *b, const char *line)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;
	struct words w;

	box_words(b, line, &w);
	pid_t pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(113);
		raise(SIGSTOP);
		box_exec(b, &w);
	}
	if (pid < 0 || !WIFSTOPPED(box_wait(pid)) || ptrace(PTRACE_SETOPTIONS, pid, 0, options) < 0)
		die("start runup: %s", strerror(errno));
	for (int status = step(pid, 0); status >> 8 != (SIGTRAP | PTRACE_EVENT_EXEC << 8);
	     status = step(pid, 0))
		if (!WIFSTOPPED(status))
			die("start %s: it ended before it began", b->runup);
	return pid;
}

static uint64_t call_number(pid_t pid, struct trace *t)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		die("PTRACE_GET_SYSCALL_INFO: %s", strerror(errno));
	/* An exit does not repeat the number: it is that of its entry, the stop before. */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		t->calls++;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.nr : UINT64_MAX;
}

/*
 * Runs it and kills it at its Nth stop, from 1; 0: never. t gets the calls up to there. Returns
 * its exit status, or 128 + signal.
 */
static int run_killed(const struct box *b, const char *line, unsigned at, struct trace *t)
{
	pid_t pid = start(b, line);
	int status;

	t->len = t->calls = 0;
	while (status = step(pid, 0), WIFSTOPPED(status)) {
		/* runup gets no signals here, so every stop is a call's. */
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			die("runup was stopped by signal %d", WSTOPSIG(status));
		if (t->len == STOPS_MAX)
			die("more than %d stops", STOPS_MAX);
		t->nr[t->len++] = call_number(pid, t);
		if (t->len == at) {
			kill(pid, SIGKILL);
			status = box_wait(pid);
			break;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void prepare(const struct box *b)
{
	box_reset(b);
	for (size_t i = 0; i < ARRAY_LEN(scenario->before) && scenario->before[i]; i++)
		box_must(b, scenario->before[i], 0);
}

/* What happened so far, for a failure. */
static _Noreturn void failed(const struct box *b, const struct trace *t, const char *what)
{
	fprintf(stderr, "%s: killed at stop %u (%s of system call %llu): %s\n", scenario->name,
		t->len, t->nr[t->len - 1] == UINT64_MAX ? "exit" : "entry",
		(unsigned long long)t->nr[t->len - (t->nr[t->len - 1] == UINT64_MAX ? 2 : 1)],
		what);
	box_show_said(b);
	exit(1);
}

static void repair(const struct box *b, const struct trace *t)
{
	if (box_run(b, scenario->repair) != 0)
		failed(b, t, "the rollback after it failed");
	if (box_differing(b, false)) {
		box_differing(b, true);
		failed(b, t, "not as at the start");
	}
	if (box_run(b, "status") != 0)
		failed(b, t, "status is not clean");
}

/* What runs whole does what the scenario says: a kill could prove nothing otherwise. */
static void learn(const struct box *b, struct trace *ret)
{
	prepare(b);
	if (run_killed(b, scenario->victim, 0, ret) != scenario->ends_with) {
		box_show_said(b);
		die("%s: `runup %s` did not end with %d", scenario->name, scenario->victim,
		    scenario->ends_with);
	}
	repair(b, ret);
	box_reset(b);
	go(b->inside_fd);
	box_must(b, "apply ten.ini", 0);
	go(b->outside_fd);
	if (box_differing(b, false) != ARRAY_LEN(settings))
		die("ten.ini does not change each of %zu settings", ARRAY_LEN(settings));
}

/*
 * The second kill, for each stop of the first one at one of the second's: a sample, since all pairs
 * would be half a million. A stride with no factor in common with their number visits them all
 * over. How many there are depends on how far the first got: learned from each run that nobody
 * killed, and now and then tried anew.
 */
static bool kill_second(const struct box *b, unsigned n)
{
	static struct trace t;
	static unsigned stops = 1;
	unsigned at = n % 16 < BOX_WORKERS ? STOPS_MAX : 1 + n * 211 % stops;
	bool killed = run_killed(b, scenario->second, at, &t) == 128 + SIGKILL;

	if (!killed)
		stops = t.len;
	return killed;
}

static void work(struct box *b, unsigned worker)
{
	static struct trace whole, t;
	unsigned killed = 0, second = 0;

	b->umask = scenario->umask;
	learn(b, &whole);
	for (unsigned at = 1 + worker; at <= whole.len; at += BOX_WORKERS) {
		prepare(b);
		int status = run_killed(b, scenario->victim, at, &t);

		if (status != 128 + SIGKILL || t.len != at ||
		    memcmp(t.nr, whole.nr, at * sizeof(t.nr[0])) != 0)
			failed(b, &t, "not the system calls of the run before");
		killed++;
		if (scenario->second)
			second += kill_second(b, at);
		repair(b, &t);
	}
	box_reset(b);
	box_must(b, scenario->outside ? "apply --netns @netns ten.ini" : "apply ten.ini", 0);
	box_must(b, "rollback", 0);
	printf("worker %u: killed %u of %u times, at %u system calls", worker, killed, whole.len,
	       whole.calls);
	if (scenario->second)
		printf("; the rollback, too, %u times", second);
	printf("; every value as at the start\n");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: killer SCENARIO RUNUP PROFILES");
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
		if (strcmp(scenarios[i].name, argv[1]) == 0)
			scenario = &scenarios[i];
	if (!scenario)
		die("no scenario '%s'", argv[1]);

	struct box b = {.runup = argv[2], .profiles = argv[3]};

	box_workers(&b, scenario->outside, work);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock: cheap to read, and in step with other hosts. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/check.h"
#include "sys/clock.h"

/*
 * Clock sources that are read from a device or by a call to the hypervisor, not by an instruction:
 * clock_gettime() then takes a system call and about a microsecond instead of 20 ns, because the
 * vDSO has no way to read them (arch/x86/entry/vdso).
 */
static const char *const slow_sources[] = {
	"acpi_pm", "hpet", "jiffies", "refined-jiffies", "pit", "xen", "hyperv_clocksource_msr",
};

static bool is_slow(const char *source)
{
	for (size_t i = 0; i < ARRAY_LEN(slow_sources); i++)
		if (strcmp(source, slow_sources[i]) == 0)
			return true;
	return false;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = list; (s = strstr(s, word)); s += len)
		if ((s == list || s[-1] == ' ') && (s[len] == ' ' || s[len] == '\0'))
			return true;
	return false;
}

/* Neither is what a load is sized by, so what cannot be read is an unknown that does not count. */
static int run_clocksource(const struct check_input *in, struct findings *out, struct err *e)
{
	struct clock_source c;

	if (clock_read_source(in->host, &c, e) < 0)
		return finding_cannot_tell(out, "time.clocksource", false, e);

	struct finding *f = finding_add(out, "time.clocksource", FINDING_PASS, "clock source");

	f->observed = finding_text(out, "%s (available: %s)", c.current, c.available);
	if (!is_slow(c.current))
		return 0;
	f->status = FINDING_WARN;
	f->why = "reading the time takes a system call and about a microsecond instead of some "
		 "nanoseconds, and generators read it several times for each request";
	f->fix = has_word(c.available, "tsc")
			 ? "echo tsc >/sys/devices/system/clocksource/clocksource0/"
			   "current_clocksource (on the host)"
			 : "the kernel found no better one: see its log for why (dmesg | grep -i "
			   "clocksource)";
	return 0;
}

static int run_sync(const struct check_input *in, struct findings *out, struct err *e)
{
	struct clock_sync s;

	if (in->host->captured) {
		finding_add(out, "time.sync", FINDING_NA, NULL)->observed =
			"a captured host has no clock";
		return 0;
	}
	if (clock_read_sync(in->host, &s, e) < 0)
		return finding_cannot_tell(out, "time.sync", false, e);

	struct finding *f = finding_add(out, "time.sync", FINDING_PASS, "clock of the host");

	if (s.synchronised) {
		f->observed = finding_text(out, "synchronised, at most %.3f s off",
					   (double)s.max_error_us / 1e6);
		return 0;
	}
	f->observed = "nothing keeps it in step";
	/* It matters where two hosts' records are laid side by side, which takes a test. */
	f->status = load_asks(in->load) ? FINDING_WARN : FINDING_NA;
	f->why = "what generator and server recorded cannot be laid side by side: their clocks "
		 "drift apart";
	f->fix = "start chrony or systemd-timesyncd (on the host)";
	return 0;
}

const struct check check_time_clocksource = {
	.id = "time.clocksource",
	.title = "reading the time is cheap",
	.why = "Generators and servers read the clock for every request. From the CPU's own "
	       "counter (tsc, kvm-clock, arch_sys_counter) that takes some 20 ns without entering "
	       "the kernel; from acpi_pm, hpet, xen or jiffies it takes a system call and a "
	       "microsecond or more. The kernel falls back to one of those when it finds that the "
	       "counter drifts (clocksource watchdog, kernel/time/clocksource.c), and a log line "
	       "is all that tells.",
	.run = run_clocksource,
};

const struct check check_time_sync = {
	.id = "time.sync",
	.title = "the clock is in step with other hosts",
	.why = "To say which side of a test was slow, the records of generator and server are laid "
	       "side by side, and that takes clocks that agree. The kernel marks its clock as not "
	       "synchronised when nobody has corrected it for a while (adjtimex(2), STA_UNSYNC). "
	       "In a container the clock is the host's.",
	.run = run_sync,
};

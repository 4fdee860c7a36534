/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/sysfs_key.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"

/* Documentation/admin-guide/mm/transhuge.rst; mm/huge_memory.c, 4.11 to 6.18 */
static const char *const thp_enabled[] = {"always", "madvise", "never", NULL};
static const char *const thp_defrag[] = {"always",  "defer", "defer+madvise",
					 "madvise", "never", NULL};
/* drivers/cpufreq/cpufreq_*.c and intel_pstate.c */
static const char *const governors[] = {"performance", "powersave",    "userspace", "ondemand",
					"schedutil",   "conservative", NULL};
static const char *const preferences[] = {
	"default", "performance", "balance_performance", "balance_power", "power", NULL,
};

#define GOVERNOR_WHY                                                                               \
	"frequencies that follow the load do so with a delay: the first requests after a pause "   \
	"are slower, and two runs are not alike"
#define PREFERENCE_WHY                                                                             \
	"what the CPU itself prefers, speed or saving, where the driver leaves it the choice"

/* Kernel sources as of 6.18, unchanged since 5.15 where nothing is said. */
static const struct sysfs_key keys[] = {
	{
		.pattern = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
		.kind = VALUE_TEXT,
		.words = governors,
		.check = "cpu.governor",
		.severity = FINDING_WARN,
		.why = GOVERNOR_WHY,
	},
	{
		.pattern = "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
		.kind = VALUE_TEXT,
		.words = governors,
		.check = "cpu.governor",
		.severity = FINDING_WARN,
		.why = GOVERNOR_WHY,
	},
	{
		.pattern = "/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
		.kind = VALUE_TEXT,
		.words = preferences,
		.check = "cpu.governor",
		.severity = FINDING_WARN,
		.why = PREFERENCE_WHY,
	},
	{
		.pattern = "/sys/devices/system/cpu/cpufreq/policy*/energy_performance_preference",
		.kind = VALUE_TEXT,
		.words = preferences,
		.check = "cpu.governor",
		.severity = FINDING_WARN,
		.why = PREFERENCE_WHY,
	},
	{
		.pattern = "/sys/kernel/mm/transparent_hugepage/enabled",
		.kind = VALUE_TEXT,
		.words = thp_enabled,
		.chosen = true,
		.check = "memory.thp",
		.severity = FINDING_WARN,
		.why = "with \"always\" any page fault may wait while 2 MiB are put together and "
		       "zeroed, which shows in the tail of latencies",
	},
	{
		.pattern = "/sys/kernel/mm/transparent_hugepage/defrag",
		.kind = VALUE_TEXT,
		.words = thp_defrag,
		.chosen = true,
		.check = "memory.thp",
		.severity = FINDING_WARN,
		.why = "with \"always\" a page fault that wants a huge page moves others out of "
		       "the way first, and waits for it",
	},
	{
		.pattern = "/sys/class/net/*/queues/rx-*/rps_cpus",
		.of_netns = true,
		.kind = VALUE_MASK,
		.check = "softnet.steering",
		.severity = FINDING_WARN,
		.why = "RPS hands packets of one receive queue on to these CPUs; without it the "
		       "CPU "
		       "that gets the interrupt does all of the work",
	},
	{
		/* store_rps_dev_flow_table_cnt(): an int's worth, rounded up to a power of two */
		.pattern = "/sys/class/net/*/queues/rx-*/rps_flow_cnt",
		.of_netns = true,
		.kind = VALUE_NUMBERS,
		.max = 1 << 30,
		.power_of_two = true,
		.check = "softnet.steering",
		.severity = FINDING_WARN,
		.why = "flows of this queue whose packets follow the thread that reads them (RFS); "
		       "net.core.rps_sock_flow_entries has to be set as well",
	},
	{
		.pattern = "/sys/class/net/*/queues/tx-*/xps_cpus",
		.of_netns = true,
		.kind = VALUE_MASK,
		.check = "softnet.steering",
		.severity = FINDING_WARN,
		.why = "CPUs that send through this queue: one of their own saves them each "
		       "other's lock",
	},
	{
		.pattern = "/sys/class/net/*/gro_flush_timeout",
		.of_netns = true,
		.kind = VALUE_NUMBERS,
		.max = INT64_MAX,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "nanoseconds that a poll waits for more packets to merge; with "
		       "napi_defer_hard_irqs it keeps interrupts off meanwhile",
	},
	{
		.pattern = "/sys/class/net/*/napi_defer_hard_irqs", /* 5.8 */
		.of_netns = true,
		.kind = VALUE_NUMBERS,
		.max = INT_MAX, /* netdev_set_defer_hard_irqs() */
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "how many polls without a packet it takes until interrupts are on again",
	},
	{
		.pattern = "/sys/class/net/*/threaded", /* 5.12 */
		.of_netns = true,
		.kind = VALUE_NUMBERS,
		.max = 1,
		.check = "config.profile",
		.severity = FINDING_WARN,
		.why = "1 polls the device in threads, which the scheduler places, and not in the "
		       "softirq of whichever CPU got the interrupt",
	},
	{
		.pattern = "/sys/class/net/*/tx_queue_len",
		.of_netns = true,
		.kind = VALUE_NUMBERS,
		.max = INT_MAX,
		.check = "qdisc.default",
		.severity = FINDING_WARN,
		.why = "packets that pfifo and pfifo_fast hold; a burst that is longer is dropped "
		       "before the device sees it",
	},
};

bool sysfs_is_pattern(const char *part)
{
	return strpbrk(part, "*?[") != NULL;
}

/* dev_valid_name(), net/core/dev.c */
static bool is_device_name(const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c))
			return false;
	return true;
}

/* "rx-12" for "rx-*"; any device for "*". */
static bool fits_row(const char *row_part, const char *name)
{
	const char *star = strchr(row_part, '*');
	uint64_t n;

	if (!star)
		return strcmp(row_part, name) == 0;
	if (star == row_part)
		return is_device_name(name);

	size_t len = (size_t)(star - row_part);

	return strncmp(name, row_part, len) == 0 && parse_u64(name + len, 0, UINT32_MAX, &n) == 0;
}

/* May a profile write this for the row's part? A pattern may name only what the row names. */
static bool may_stand_for(const char *row_part, const char *path_part)
{
	const char *star = strchr(row_part, '*');

	if (!star || !sysfs_is_pattern(path_part))
		return fits_row(row_part, path_part);

	size_t len = (size_t)(star - row_part);

	return strncmp(path_part, row_part, len) == 0 && !strpbrk(path_part, ": \t\\");
}

bool sysfs_part_matches(const char *row_part, const char *path_part, const char *name)
{
	return fits_row(row_part, name) && fnmatch(path_part, name, FNM_NOESCAPE) == 0;
}

/* Copies the next part of *path and moves on; false at its end. */
static bool next_part(const char **path, char *part, size_t size)
{
	size_t len;

	if (**path != '/')
		return false;
	len = strcspn(++*path, "/");
	if (len >= size)
		return false;
	memcpy(part, *path, len);
	part[len] = '\0';
	*path += len;
	return true;
}

static bool path_fits(const char *row, const char *path)
{
	char a[SYSFS_PATH_MAX], b[SYSFS_PATH_MAX];

	while (next_part(&row, a, sizeof(a)))
		if (!next_part(&path, b, sizeof(b)) || !may_stand_for(a, b))
			return false;
	return *path == '\0';
}

const struct sysfs_key *sysfs_key_find(const char *path)
{
	if (strlen(path) >= SYSFS_PATH_MAX)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (path_fits(keys[i].pattern, path))
			return &keys[i];
	return NULL;
}

static int check_word(const struct sysfs_key *k, const char *text, struct err *e)
{
	struct strbuf known = {0};

	for (size_t i = 0; k->words[i]; i++) {
		if (strcmp(k->words[i], text) == 0) {
			strbuf_done(&known);
			return 0;
		}
		strbuf_addf(&known, "%s%s", i ? ", " : "", k->words[i]);
	}
	int r = err_set(e, ERR_BAD_INPUT, "'%.60s' is not one of %s", text, strbuf_get(&known));

	strbuf_done(&known);
	return r;
}

int sysfs_value_check(const struct sysfs_key *k, const char *text, struct err *e)
{
	char word[64];
	int64_t n;

	if (k->kind == VALUE_MASK)
		return strcmp(text, SYSFS_ALL_CPUS) == 0 ? 0 : value_check(k->kind, text, e);
	if (k->kind == VALUE_TEXT)
		return check_word(k, text, e);

	const char *rest = parse_word(text, word, sizeof(word));

	if (!rest || parse_word(rest, word, sizeof(word)))
		return err_set(e, ERR_BAD_INPUT, "one number is expected");
	if (parse_kernel_number(word, &n) < 0)
		return err_set(e, ERR_BAD_INPUT, "'%s' is not a number", word);
	if (n < 0 || (uint64_t)n > k->max)
		return err_set(e, ERR_BAD_INPUT, "%" PRId64 " is not between 0 and %" PRIu64, n,
			       k->max);
	return 0;
}

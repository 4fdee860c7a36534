/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen/wrap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/units.h"
#include "gen/number.h"

/*
 * How a wrapper's own options end: they all stop at the first operand. What is not listed is a flag
 * without a value, which is what most of their options are.
 */
struct wrapper {
	const char *name;
	const char *letters;	/* options with a value */
	const char *names;	/* the same, long: " user group " */
	const char *no_command; /* letters of modes that run no command (taskset -p PID) */
	unsigned operands;	/* words in front of the command */
	bool optional_number;	/* chrt's priority may be left out with --idle and the like */
	bool assignments;	/* NAME=VALUE in front of the command */
};

static const struct wrapper wrappers[] = {
	{"sudo", "ugpChrtTUDR",
	 " user group prompt close-from host role type command-timeout other-user chdir chroot ",
	 "lvVKke", 0, false, true},
	{"doas", "uCa", "", "L", 0, false, false},
	{"taskset", "", "", "p", 1, false, false},
	{"nice", "n", " adjustment ", "", 0, false, false},
	{"ionice", "cn", " class classdata ", "pPu", 0, false, false},
	{"env", "uC", " unset chdir ", "S", 0, false, true},
	{"time", "of", " format output ", "V", 0, false, false},
	{"timeout", "ks", " kill-after signal ", "", 1, false, false},
	{"stdbuf", "ioe", " input output error ", "", 0, false, false},
	{"nohup", "", "", "", 0, false, false},
	{"setsid", "", "", "", 0, false, false},
	{"chrt", "TPD", " sched-runtime sched-period sched-deadline ", "pm", 1, true, false},
	{"numactl", "ipPmNCwW",
	 " interleave preferred membind cpunodebind physcpubind weighted-interleave ", "sH", 0,
	 false, false},
	{"exec", "a", "", "", 0, false, false},
	{"command", "", "", "vV", 0, false, false},
	{"npx", "", "", "pc", 0, false, false},
};

static size_t assignment_name(const char *word)
{
	size_t len = 0;

	if (!isalpha((unsigned char)word[0]) && word[0] != '_')
		return 0;
	while (isalnum((unsigned char)word[len]) || word[len] == '_')
		len++;
	return word[len] == '=' ? len : 0;
}

void wrap_assignments(struct gen_command *c, struct load *l)
{
	size_t have = 0, more = 0;

	while (c->argv[more] && assignment_name(c->argv[more]))
		more++;
	if (!more)
		return;
	while (c->env && c->env[have])
		have++;

	char **env = arena_alloc(&l->arena, (have + more + 1) * sizeof(*env));

	for (size_t i = 0; i < have; i++)
		env[i] = c->env[i];
	for (size_t i = 0; i < more; i++)
		env[have + i] = c->argv[i];
	c->env = env;
	c->argv += more;
}

static const struct wrapper *find_wrapper(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
		if (strcmp(wrappers[i].name, name) == 0)
			return &wrappers[i];
	return NULL;
}

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *s = strchr(list, ' '); s && *++s; s = strchr(s, ' '))
		if (strcspn(s, " ") == len && strncmp(s, word, len) == 0)
			return true;
	return false;
}

/* Words that one option takes, itself included; 0: with it, the wrapper runs no command. */
static size_t option_words(const struct wrapper *w, char *const *argv)
{
	const char *word = argv[0];

	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");
		bool apart = !word[2 + len] && has_word(w->names, word + 2, len);

		/* `env --split-string` and `taskset --pid` are the letters' modes, spelled out. */
		if (strncmp(word, "--split-string", 14) == 0 || strcmp(word, "--pid") == 0)
			return 0;
		return apart ? 2 : 1;
	}
	for (const char *c = word + 1; *c; c++) {
		if (strchr(w->no_command, *c))
			return 0;
		if (strchr(w->letters, *c))
			return c[1] ? 1 : 2;
	}
	return 1;
}

/* timeout's DURATION: a number and s, m, h or d; 0 is none. */
static void take_timeout(struct gen_command *c, const char *text)
{
	static const char units[] = "smhd";
	static const double seconds[] = {1, 60, 3600, 86400};
	char number[32];
	size_t len = strspn(text, "0123456789.");
	const char *unit = text[len] ? strchr(units, text[len]) : units;
	uint64_t ns;
	double n;

	if (!unit || len >= sizeof(number) || (text[len] && text[len + 1]))
		return;
	memcpy(number, text, len);
	number[len] = '\0';
	if (number_real(number, &n) < 0 || number_seconds(n * seconds[unit - units], &ns) < 0)
		return;
	if (ns && (!c->at_most_ns || ns < c->at_most_ns))
		c->at_most_ns = ns;
}

static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789")];
}

static enum wrap_result strip(const struct wrapper *w, struct gen_command *c, struct load *l)
{
	char *const *argv = c->argv + 1;
	size_t words = 0;

	while (*argv && **argv == '-' && (*argv)[1]) {
		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		words = option_words(w, argv);
		for (size_t i = 0; i < words && *argv; i++)
			argv++;
		if (!words || !*argv) {
			gen_say(l, "what %s runs here cannot be told", w->name);
			return WRAP_OPAQUE;
		}
	}
	c->argv = argv;
	if (w->assignments)
		wrap_assignments(c, l);
	for (unsigned i = 0; i < w->operands && c->argv[0]; i++) {
		if (w->optional_number && !is_number(c->argv[0]))
			break;
		if (strcmp(w->name, "timeout") == 0)
			take_timeout(c, c->argv[0]);
		c->argv++;
	}
	return WRAP_STRIPPED;
}

static bool is_shell(const char *name)
{
	static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh", "ash"};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

static enum wrap_result shell_script(const struct gen_command *c, const char *name,
				     const char **ret_script, struct load *l)
{
	bool command = false;
	char *const *argv = c->argv + 1;

	for (; *argv && (**argv == '-' || **argv == '+') && (*argv)[1]; argv++) {
		const char *word = *argv;

		if (strcmp(word, "--") == 0) {
			argv++;
			break;
		}
		if (word[1] == '-') {
			if ((strcmp(word, "--rcfile") == 0 || strcmp(word, "--init-file") == 0) &&
			    argv[1])
				argv++;
			continue;
		}
		command = command || (word[0] == '-' && strchr(word, 'c'));
		if ((strchr(word, 'o') || strchr(word, 'O')) && argv[1])
			argv++;
	}
	if (!command || !*argv) {
		gen_say(l, "the script that %s runs was not read", name);
		return WRAP_OPAQUE;
	}
	*ret_script = *argv;
	return WRAP_SHELL;
}

/* `ip [options] netns exec NAME CMD…` */
static enum wrap_result strip_netns_exec(struct gen_command *c, struct load *l)
{
	char *const *argv = c->argv + 1;

	while (*argv && **argv == '-')
		argv++;
	if (!argv[0] || !argv[1] || !argv[2] || strcmp(argv[0], "netns") != 0 ||
	    strcmp(argv[1], "exec") != 0)
		return WRAP_NONE;
	gen_say(l, "it runs in network namespace '%.40s' (--netns judges that one)", argv[2]);
	c->argv = argv + 3;
	return WRAP_STRIPPED;
}

enum wrap_result wrap_strip(struct gen_command *c, const char **ret_script, struct load *l)
{
	const char *name = path_basename(c->argv[0]);
	const struct wrapper *w = find_wrapper(name);

	if (w)
		return strip(w, c, l);
	if (is_shell(name))
		return shell_script(c, name, ret_script, l);
	if (strcmp(name, "ip") == 0)
		return strip_netns_exec(c, l);
	if (strcmp(name, "docker") == 0 || strcmp(name, "podman") == 0 ||
	    strcmp(name, "nerdctl") == 0)
		return wrap_container(c, l);
	return WRAP_NONE;
}

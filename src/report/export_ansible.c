/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile as tasks of Ansible. */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/limit_key.h"
#include "report/export_part.h"

#define MARK "# "
#define WORD_MAX 64

static bool is_sysctl(const struct want *w)
{
	return strcmp(w->kind, "sysctl") == 0;
}

/*
 * Ansible takes any text for a template and runs what stands in its marks; a profile must not
 * become code execution on who plays it.
 */
static bool has_template(const char *text)
{
	return strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#");
}

/* Limits that a file can give: those of sessions and units, not those of a process that runs. */
static bool is_lasting_limit(const struct want *w, struct limit_key *ret)
{
	return strcmp(w->kind, "rlimit") == 0 && limit_key_parse(w->key, ret) == 0 &&
	       (ret->subject == LIMIT_OF_COMMAND || ret->subject == LIMIT_OF_UNIT);
}

static const char *not_a_task(const struct want *w)
{
	const char *why = export_no_sysctl(w);
	struct limit_key k;

	if (why && w->value && is_lasting_limit(w, &k))
		why = NULL;
	if (!why && (has_template(w->value) || has_template(w->key)))
		return "it holds the marks of a template, which Ansible would execute";
	return why;
}

/* Within double quotes of YAML. */
static void add_quoted(const char *text, struct strbuf *out)
{
	strbuf_add(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			strbuf_add(out, "\\");
		strbuf_addn(out, text, 1);
	}
	strbuf_add(out, "\"");
}

static void write_reads(const struct export *x, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf optional = {0};

	strbuf_add(out, "\n- name: Read the values in force\n"
			"  ansible.builtin.command:\n"
			"    argv: [sysctl, -n, \"{{ item }}\"]\n"
			"  loop:\n");
	for (size_t i = 0; i < x->len; i++) {
		const struct want *w = x->want[i];

		if (not_a_task(w) || !is_sysctl(w))
			continue;
		strbuf_addf(out, "    - %s\n", w->key);
		if (w->optional)
			strbuf_addf(&optional, "%s'%s'", optional.len ? ", " : "", w->key);
	}
	strbuf_addf(out,
		    "  register: runup_now\n"
		    "  changed_when: false\n"
		    "  failed_when: runup_now.rc != 0 and item not in [%s]\n"
		    "  check_mode: false\n",
		    strbuf_get(&optional));
}

/* The value in force, as `write_reads` registered it. */
static void add_now(size_t at, struct strbuf *out)
{
	strbuf_addf(out, "runup_now.results[%zu].stdout", at);
}

/* "{{ [field in force, field wanted] | max }}" for each, as value_merge() would have it. */
static void add_merged(const struct want *w, const char *value, size_t at, struct strbuf *out)
{
	char word[WORD_MAX];
	bool range = w->value_kind == VALUE_RANGE;

	for (size_t field = 0; (value = parse_word(value, word, sizeof(word))); field++) {
		bool larger = range ? field == 1 : w->op == OP_AT_LEAST;

		strbuf_add(out, field ? " {{ " : "{{ ");
		if (w->sysctl && w->sysctl->zero_is_unlimited && w->op == OP_AT_LEAST) {
			strbuf_add(out, "0 if ");
			add_now(at, out);
			strbuf_add(out, " | int == 0 else ");
		}
		strbuf_add(out, "[");
		add_now(at, out);
		strbuf_addf(out, ".split()[%zu] | int, %s] | %s }}", field, word,
			    larger ? "max" : "min");
	}
}

/*
 * The list in force and ours; the kernel makes one of what overlaps and sorts it, so a second play
 * may still write the sorted list to the file.
 */
static void add_union(const char *value, size_t at, struct strbuf *out)
{
	strbuf_add(out, "{{ (");
	add_now(at, out);
	strbuf_addf(out,
		    ".split(',') + '%s'.split(',')) | reject('equalto', '') | unique | "
		    "join(',') }}",
		    value);
}

static void write_sysctl(const struct export *x, const struct want *w, size_t at,
			 struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf wish = {0}, value = {0}, merged = {0};
	char slug[EXPORT_SLUG_MAX];

	export_wish(w, &wish);
	export_value(w, &value);
	if (w->op == OP_EXACT)
		strbuf_add(&merged, strbuf_get(&value));
	else if (w->value_kind == VALUE_SET)
		add_union(strbuf_get(&value), at, &merged);
	else
		add_merged(w, strbuf_get(&value), at, &merged);

	strbuf_add(out, "\n");
	export_reason(MARK, w, out);
	strbuf_addf(out, "- name: \"%s: ", w->key);
	/* Without its own quotes: add_quoted() for what may hold anything. */
	strbuf_addf(out, "%s\"\n", w->value_kind == VALUE_TEXT ? "set" : strbuf_get(&wish));
	strbuf_addf(out, "  ansible.posix.sysctl:\n    name: %s\n    value: ", w->key);
	add_quoted(strbuf_get(&merged), out);
	strbuf_addf(out,
		    "\n    state: present\n    sysctl_set: true\n"
		    "    sysctl_file: /etc/sysctl.d/90-runup-%s.conf\n    reload: false\n",
		    export_slug(x, slug));
	if (w->optional)
		strbuf_addf(out, "  when: runup_now.results[%zu].rc == 0\n", at);
}

/* limits.conf(5) counts locked memory in KiB, setrlimit(2) in bytes. */
static void add_session_value(const struct limit_key *k, const char *value, struct strbuf *out)
{
	uint64_t n;

	if (k->limit->resource == RLIMIT_MEMLOCK && parse_u64(value, 0, UINT64_MAX, &n) == 0)
		strbuf_addf(out, "%" PRIu64, n / 1024 + (n % 1024 != 0));
	else
		strbuf_add(out, value);
}

static void write_session_limit(const struct limit_key *k, const char *value, struct strbuf *out)
{
	export_comment(MARK,
		       "For what a login session starts; '*' is everybody but root. A service has "
		       "its limits in its unit instead.",
		       out);
	strbuf_addf(out,
		    "- name: \"%s of login sessions: at least %s\"\n"
		    "  community.general.pam_limits:\n"
		    "    domain: \"*\"\n    limit_type: \"-\"\n    limit_item: %s\n    value: \"",
		    k->limit->name, value, k->limit->name);
	add_session_value(k, value, out);
	strbuf_add(out, "\"\n    use_max: true\n");
}

/* A name of a unit may hold backslashes. */
static void add_quoted_line(const char *key, const char *text, struct strbuf *out)
{
	strbuf_add(out, key);
	add_quoted(text, out);
	strbuf_add(out, "\n");
}

static void write_unit_limit(const struct export *x, const struct limit_key *k, const char *value,
			     size_t n, struct strbuf *out)
{
	struct arena a = {0};
	char slug[EXPORT_SLUG_MAX];
	const char *folder = arena_printf(&a, "/etc/systemd/system/%s.d", k->name);

	export_comment(MARK,
		       "A drop-in sets it as it is. The unit has it from its next start; restart "
		       "it when that may be.",
		       out);
	add_quoted_line("- name: ", arena_printf(&a, "Folder for the drop-in of %s", k->name), out);
	strbuf_add(out, "  ansible.builtin.file:\n");
	add_quoted_line("    path: ", folder, out);
	strbuf_add(out, "    state: directory\n    mode: \"0755\"\n\n");

	add_quoted_line("- name: ",
			arena_printf(&a, "%s of %s: %s", k->limit->name, k->name, value), out);
	strbuf_add(out, "  ansible.builtin.copy:\n");
	add_quoted_line("    dest: ",
			arena_printf(&a, "%s/90-runup-%s-%s.conf", folder, export_slug(x, slug),
				     k->limit->name),
			out);
	strbuf_addf(out,
		    "    content: |\n      [Service]\n      %s=%s\n    mode: \"0644\"\n"
		    "  register: runup_drop_in_%zu\n\n",
		    k->limit->unit_name, value, n);

	add_quoted_line("- name: ", arena_printf(&a, "Let systemd read the drop-in of %s", k->name),
			out);
	strbuf_addf(out,
		    "  ansible.builtin.systemd:\n    daemon_reload: true\n"
		    "  when: runup_drop_in_%zu is changed\n",
		    n);
	arena_done(&a);
}

static void write_rlimit(const struct export *x, const struct want *w, size_t n, struct strbuf *out)
{
	cleanup_with(strbuf_done) struct strbuf value = {0};
	struct limit_key k;

	if (!is_lasting_limit(w, &k))
		return;
	export_value(w, &value);
	strbuf_add(out, "\n");
	export_reason(MARK, w, out);
	if (k.subject == LIMIT_OF_UNIT)
		write_unit_limit(x, &k, strbuf_get(&value), n, out);
	else
		write_session_limit(&k, strbuf_get(&value), out);
}

static void write_file(const struct export *x, struct strbuf *out)
{
	size_t at = 0, sysctls = 0;

	export_head(x, out);
	export_comment(MARK,
		       "Tasks for a play with `become: true`. Needs the collections ansible.posix "
		       "and, for limits, community.general. What a host has more of is kept.",
		       out);
	strbuf_add(out, "---\n");
	for (size_t i = 0; i < x->len; i++)
		sysctls += !not_a_task(x->want[i]) && is_sysctl(x->want[i]);
	if (sysctls)
		write_reads(x, out);
	for (size_t i = 0; i < x->len; i++) {
		const struct want *w = x->want[i];

		if (not_a_task(w))
			continue;
		if (is_sysctl(w))
			write_sysctl(x, w, at++, out);
		else
			write_rlimit(x, w, i, out);
	}
	export_rest(x, not_a_task, out);
}

const struct export_format export_ansible = {"ansible", write_file};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/check_key.h"

#include <errno.h>

#include "base/parse.h"
#include "core/sysctl_key.h"
#include "sys/sysctl.h"

#define WORD_MAX 32

static int parse_numbers(const char *key, const char *text, uint64_t *ret, size_t n, struct err *e)
{
	char word[WORD_MAX];
	const char *rest = text;

	for (size_t i = 0; i < n; i++) {
		if (!rest || !(rest = parse_word(rest, word, sizeof(word))) ||
		    parse_u64(word, 0, UINT64_MAX, &ret[i]) < 0)
			return err_set(e, EPROTO, "read %s: '%s' is not %zu number%s", key, text, n,
				       n == 1 ? "" : "s");
	}
	return 0;
}

struct finding *check_not_here(const struct check_input *in, const char *id, const char *subject,
			       struct findings *out)
{
	const struct sysctl_key *k = sysctl_key_find(subject);
	bool elsewhere = !in->host->init_netns && (!k || k->scope == SCOPE_HOST);
	struct finding *f = finding_add(out, id, FINDING_NA, subject);

	if (!elsewhere) {
		f->observed = "not there: this kernel was built without it, or its module is not "
			      "loaded";
		return f;
	}
	f->observed = "not in this network namespace: it belongs to the host";
	if (!check_asked(in))
		return f;
	f->status = FINDING_UNKNOWN;
	f->fix = "run the check on the host, too";
	return f;
}

int check_untold(const char *id, const struct err *e, struct findings *out)
{
	finding_add(out, id, FINDING_UNKNOWN, NULL)->observed = finding_text(out, "%s", e->msg);
	return 0;
}

int check_read_key(const struct check_input *in, const char *id, const char *key, uint64_t *ret,
		   size_t n, struct findings *out, struct err *e)
{
	char text[SYSCTL_VALUE_MAX];
	int r = sysctl_read(in->host, key, text, e);

	if (r == -ENOENT) {
		check_not_here(in, id, key, out);
		return 0;
	}
	if (r == 0)
		r = parse_numbers(key, text, ret, n, e);
	return r < 0 ? r : 1;
}

void check_read_key_or(const struct check_input *in, const char *key, uint64_t *ret, size_t n,
		       uint64_t otherwise)
{
	char text[SYSCTL_VALUE_MAX];
	struct err ignored;

	if (sysctl_read(in->host, key, text, &ignored) == 0 &&
	    parse_numbers(key, text, ret, n, &ignored) == 0)
		return;
	for (size_t i = 0; i < n; i++)
		ret[i] = otherwise;
}

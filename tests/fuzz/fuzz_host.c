/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded host. The input lays files over a copy of one: each with a byte that says which, two
 * bytes of length, and its content. Then every check and every sum is made of it.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/capacity_rows.h"
#include "core/check.h"
#include "core/sysctl_origin.h"
#include "report/capacity_out.h"
#include "report/json.h"
#include "report/text.h"
#include "tests/fuzz/fuzz.h"

#define FILES_MAX 256
#define FILE_MAX 65536

struct recorded {
	char path[256];
	char *data;
	size_t size;
};

static struct recorded files[FILES_MAX];
static size_t files_len, base_len;

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct recorded *)a)->path, ((const struct recorded *)b)->path);
}

static int keep_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag != FTW_F || files_len == FILES_MAX || strlen(path) - base_len >= 256)
		return 0;

	struct recorded *f = &files[files_len];
	FILE *in = fopen(path, "r");

	if (!in)
		return 0;
	f->data = malloc(FILE_MAX);
	if (!f->data)
		abort();
	f->size = fread(f->data, 1, FILE_MAX, in);
	fclose(in);
	strcpy(f->path, path + base_len);
	files_len++;
	return 0;
}

static void copy_base(struct host *h)
{
	const char *base = getenv("FUZZ_HOST");

	if (!base)
		base = "tests/fixtures/hosts/conntrack-full";
	base_len = strlen(base);
	if (nftw(base, keep_file, 16, FTW_PHYS) < 0 || !files_len) {
		perror(base);
		exit(1);
	}
	qsort(files, files_len, sizeof(files[0]), by_path);
	for (size_t i = 0; i < files_len; i++)
		fuzz_write(files[i].path, files[i].data, files[i].size);
	fuzz_open_host(h);
}

static void state_load(struct load *l)
{
	static const char *const stated[][2] = {
		{"role", "proxy"}, {"connections", "10000"},  {"new_connections", "500"},
		{"port", "8080"},  {"target", "10.0.0.2:80"}, {"duration", "60s"}};
	struct err e;

	for (size_t i = 0; i < sizeof(stated) / sizeof(stated[0]); i++)
		fuzz_require(load_set(l, load_key_find(stated[i][0]), stated[i][1], &e) == 0);
	(void)!load_complete(l, &e);
}

static void judge(const struct host *h)
{
	struct load l = {0};
	struct findings found = {0};
	struct sysctl_config configured = {0};
	struct strbuf out = {0};
	const struct text_style style = {0};

	state_load(&l);
	sysctl_config_read(h, &configured);

	const struct check_input in = {.host = h,
				       .load = &l,
				       .verbose = true,
				       .configured = &configured};

	checks_run(&in, NULL, &found);
	/* Every check says something, and all of it can be written down. */
	fuzz_require(found.len >= checks_len / 2);
	json_decref(findings_to_json(&found));
	text_findings(&found, &style, &out);
	strbuf_done(&out);
	findings_done(&found);
	sysctl_config_done(&configured);

	struct facts facts;
	struct rows rows;

	facts_read(h, &l, ALL_RESOURCES, true, &facts);
	rows_for(&facts, &l, &rows);
	load_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host host;
	struct fuzz_input in = {data, size};
	bool touched[FILES_MAX] = {false};

	if (!files_len)
		copy_base(&host);
	while (in.left) {
		size_t i = fuzz_byte(&in) % files_len;
		size_t len = fuzz_byte(&in);

		len |= (size_t)fuzz_byte(&in) << 8;
		if (len > in.left)
			len = in.left;
		fuzz_write(files[i].path, in.at, len);
		touched[i] = true;
		in.at += len;
		in.left -= len;
	}
	judge(&host);
	for (size_t i = 0; i < files_len; i++)
		if (touched[i])
			fuzz_write(files[i].path, files[i].data, files[i].size);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target over files and folders of inputs: a corpus as a plain test. Prints TAP. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static unsigned run;

static int replay(const char *path)
{
	FILE *f = fopen(path, "r");
	char *data = NULL;
	size_t size = 0, cap = 0, n;

	if (!f)
		return -1;
	do {
		if (size == cap) {
			cap = cap ? cap * 2 : 4096;
			data = realloc(data, cap);
			if (!data)
				abort();
		}
		n = fread(data + size, 1, cap - size, f);
		size += n;
	} while (n > 0);
	fclose(f);
	/* Of just that size, so that a sanitizer or valgrind sees a byte read too far. */
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(data);
	run++;
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	char path[4096];

	if (!d)
		return -1;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (replay(path) < 0)
			perror(path);
	}
	closedir(d);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay_folder(argv[i]) < 0 && replay(argv[i]) < 0)
			perror(argv[i]);
	printf("%u inputs\n", run);
	return run ? 0 : 1;
}

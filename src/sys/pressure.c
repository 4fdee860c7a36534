/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/pressure.h"

#include <errno.h>
#include <stdio.h>

#include "sys/file.h"

int pressure_read(const struct host *h, const char *name, struct pressure *ret, struct err *e)
{
	char path[64], text[256];
	double avg10;

	snprintf(path, sizeof(path), "/proc/pressure/%s", name);
	long n = file_read(h, path, text, sizeof(text), e);
	if (n < 0)
		return (int)n;
	/* psi_show() prints "some avg10=0.00 avg60=…", in C's notation. */
	if (sscanf(text, "some avg10=%lf", &avg10) != 1 || !(avg10 >= 0 && avg10 <= 100))
		return err_set(e, EPROTO, "read '%s': no average of ten seconds", path);
	*ret = (struct pressure){.some_avg10 = avg10};
	return 0;
}

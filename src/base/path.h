/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNUP_BASE_PATH_H
#define RUNUP_BASE_PATH_H

/* The last part of a path, borrowed: what a program or a file is called by. */
const char *path_basename(const char *path);

#endif

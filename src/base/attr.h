/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiler attributes and the array-length macro, under names that read as prose. */
#ifndef RUNUP_BASE_ATTR_H
#define RUNUP_BASE_ATTR_H

#define must_check __attribute__((warn_unused_result))
#define printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define unused_ __attribute__((unused))

/* Number of elements of an array; a pointer is a compile error, not a wrong number. */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]) + must_be_array_(a))
#define must_be_array_(a)                                                                          \
	(0 * sizeof(struct {                                                                       \
		 int is_array                                                                      \
		     : (__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])) ? -1      \
											 : 1);     \
	 }))

#endif

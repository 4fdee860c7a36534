/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a profile may set of a network card. */
#ifndef RUNUP_CORE_NIC_KEY_H
#define RUNUP_CORE_NIC_KEY_H

#include "base/attr.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/finding.h"
#include "core/setting.h"
#include "sys/host.h"
#include "sys/nl_ethtool_set.h"
#include "sys/nl_link.h"

/* In place of a number: the largest that the device takes. */
#define NIC_MAX "max"

struct nic_key {
	const char *name; /* "rx_ring" */
	const char *what; /* "receive ring" */
	enum ethtool_number number;
	const char *check;
	enum finding_status severity;
	const char *why;
};

/* The row of that name, or NULL. */
const struct nic_key *nic_key_named(const char *name);

/* "rx_ring, tx_ring, …" */
void nic_key_list(struct strbuf *out);

/*
 * A key is DEVICE:NAME; no device's name has a colon (dev_valid_name()). Its row, and the device's
 * name or pattern. NULL: no such row, or nothing that could be a device.
 */
const struct nic_key *nic_key_find(const char *key, char device[LINK_NAME_MAX]);

/* Could this be the value? -ERR_BAD_INPUT. */
must_check int nic_value_check(enum op op, const char *text, struct err *e);

/* The device as rtnetlink has it. -ENOENT: none of that name here. */
must_check int nic_find(const struct host *h, const char *device, struct link *ret, struct err *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/nic_key.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define RING_WHY                                                                                   \
	"a packet that finds no free descriptor is dropped by the card; the kernel sees only a "   \
	"counter"
#define CHANNEL_WHY "CPUs without a channel of their own do no work on the packets of this device"

static const struct nic_key keys[] = {
	{
		.name = "rx_ring",
		.what = "receive ring",
		.number = ETHTOOL_RX_RING,
		.check = "nic.rings",
		.severity = FINDING_WARN,
		.why = RING_WHY,
	},
	{
		.name = "tx_ring",
		.what = "send ring",
		.number = ETHTOOL_TX_RING,
		.check = "nic.rings",
		.severity = FINDING_WARN,
		.why = "a packet that finds no free descriptor waits in the queueing discipline",
	},
	{
		.name = "combined_channels",
		.what = "channels that do both ways",
		.number = ETHTOOL_COMBINED_CHANNELS,
		.check = "nic.channels",
		.severity = FINDING_WARN,
		.why = CHANNEL_WHY,
	},
	{
		.name = "rx_channels",
		.what = "receive channels",
		.number = ETHTOOL_RX_CHANNELS,
		.check = "nic.channels",
		.severity = FINDING_WARN,
		.why = CHANNEL_WHY,
	},
	{
		.name = "tx_channels",
		.what = "send channels",
		.number = ETHTOOL_TX_CHANNELS,
		.check = "nic.channels",
		.severity = FINDING_WARN,
		.why = "CPUs that send through one channel wait for each other",
	},
};

const struct nic_key *nic_key_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

void nic_key_list(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", keys[i].name);
}

const struct nic_key *nic_key_find(const char *key, char device[LINK_NAME_MAX])
{
	size_t len = strcspn(key, ":");

	if (key[len] != ':' || len == 0 || len >= LINK_NAME_MAX)
		return NULL;
	memcpy(device, key, len);
	device[len] = '\0';
	if (strpbrk(device, "/ \t\n\v\f\r"))
		return NULL;
	return nic_key_named(key + len + 1);
}

int nic_value_check(enum op op, const char *text, struct err *e)
{
	uint64_t n;

	/* Less than a driver was set to is nothing that a load asks for. */
	if (op != OP_EXACT && op != OP_AT_LEAST)
		return err_set(e, ERR_BAD_INPUT, "only a bare value and >= go with it");
	if (strcmp(text, NIC_MAX) != 0 && parse_u64(text, 1, INT_MAX, &n) < 0)
		return err_set(e, ERR_BAD_INPUT,
			       "expected a whole number from 1 on, or " NIC_MAX
			       " for what the device can do");
	return 0;
}

int nic_find(const struct host *h, const char *device, struct link *ret, struct err *e)
{
	cleanup_free struct link *l = NULL;
	size_t len;
	int r = links_read(h, false, &l, &len, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++) {
		if (strcmp(l[i].name, device) == 0) {
			*ret = l[i];
			return 0;
		}
	}
	return err_set(e, ENOENT, "there is no network device '%s' in this network namespace",
		       device);
}

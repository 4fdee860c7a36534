/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/caps.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "base/attr.h"
#include "base/cleanup.h"

static void free_caps(cap_t *c)
{
	if (*c)
		cap_free(*c);
}

bool caps_effective(cap_value_t cap)
{
	cap_flag_value_t set = CAP_CLEAR;
	cleanup_with(free_caps) cap_t caps = cap_get_proc();

	/* A number this kernel or library does not know is one that nobody has. */
	return caps && cap_get_flag(caps, cap, CAP_EFFECTIVE, &set) == 0 && set == CAP_SET;
}

static bool in(uint64_t set, cap_value_t cap)
{
	return cap < 64 && (set & CAP_BIT(cap));
}

int caps_keep(uint64_t set, struct err *e)
{
	cleanup_with(free_caps) cap_t now = cap_get_proc(), kept = cap_init();

	if (!now || !kept)
		return err_errno(e, errno, "read the capabilities of this process");
	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (!in(set, cap)) {
			(void)cap_drop_bound(cap);
			continue;
		}
		if (cap_get_flag(now, cap, CAP_PERMITTED, &has) < 0 || has != CAP_SET)
			continue;
		if (cap_set_flag(kept, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
		    cap_set_flag(kept, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0)
			return err_errno(e, errno, "keep capability '%s'", caps_name(cap));
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || cap_reset_ambient() < 0 ||
	    cap_set_proc(kept) < 0)
		return err_errno(e, errno, "give up capabilities");
	return 0;
}

bool caps_works_without(bool (*works)(void *data), void *data)
{
	cleanup_with(free_caps) cap_t had = cap_get_proc(), none = cap_get_proc();

	/* Lowering is always allowed, and so is raising to what is permitted. */
	if (!had || !none || cap_clear_flag(none, CAP_EFFECTIVE) < 0 || cap_set_proc(none) < 0)
		return false;

	bool r = works(data);

	return cap_set_proc(had) == 0 && r;
}

/* libcap's cap_to_name() allocates; messages want a name that needs no owner. */
static const char *const names[] = {
	[CAP_CHOWN] = "cap_chown",
	[CAP_DAC_OVERRIDE] = "cap_dac_override",
	[CAP_DAC_READ_SEARCH] = "cap_dac_read_search",
	[CAP_FOWNER] = "cap_fowner",
	[CAP_FSETID] = "cap_fsetid",
	[CAP_KILL] = "cap_kill",
	[CAP_SETGID] = "cap_setgid",
	[CAP_SETUID] = "cap_setuid",
	[CAP_SETPCAP] = "cap_setpcap",
	[CAP_LINUX_IMMUTABLE] = "cap_linux_immutable",
	[CAP_NET_BIND_SERVICE] = "cap_net_bind_service",
	[CAP_NET_BROADCAST] = "cap_net_broadcast",
	[CAP_NET_ADMIN] = "cap_net_admin",
	[CAP_NET_RAW] = "cap_net_raw",
	[CAP_IPC_LOCK] = "cap_ipc_lock",
	[CAP_IPC_OWNER] = "cap_ipc_owner",
	[CAP_SYS_MODULE] = "cap_sys_module",
	[CAP_SYS_RAWIO] = "cap_sys_rawio",
	[CAP_SYS_CHROOT] = "cap_sys_chroot",
	[CAP_SYS_PTRACE] = "cap_sys_ptrace",
	[CAP_SYS_PACCT] = "cap_sys_pacct",
	[CAP_SYS_ADMIN] = "cap_sys_admin",
	[CAP_SYS_BOOT] = "cap_sys_boot",
	[CAP_SYS_NICE] = "cap_sys_nice",
	[CAP_SYS_RESOURCE] = "cap_sys_resource",
	[CAP_SYS_TIME] = "cap_sys_time",
	[CAP_SYS_TTY_CONFIG] = "cap_sys_tty_config",
	[CAP_MKNOD] = "cap_mknod",
	[CAP_LEASE] = "cap_lease",
	[CAP_AUDIT_WRITE] = "cap_audit_write",
	[CAP_AUDIT_CONTROL] = "cap_audit_control",
	[CAP_SETFCAP] = "cap_setfcap",
	[CAP_MAC_OVERRIDE] = "cap_mac_override",
	[CAP_MAC_ADMIN] = "cap_mac_admin",
	[CAP_SYSLOG] = "cap_syslog",
	[CAP_WAKE_ALARM] = "cap_wake_alarm",
	[CAP_BLOCK_SUSPEND] = "cap_block_suspend",
	[CAP_AUDIT_READ] = "cap_audit_read",
	[CAP_PERFMON] = "cap_perfmon",
	[CAP_BPF] = "cap_bpf",
	[CAP_CHECKPOINT_RESTORE] = "cap_checkpoint_restore",
};

const char *caps_name(cap_value_t cap)
{
	return cap >= 0 && (size_t)cap < ARRAY_LEN(names) ? names[cap] : "cap_?";
}

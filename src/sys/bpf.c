/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if WITH_BPF
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#endif

#include "base/cleanup.h"
#include "base/log.h"
#include "sys/file.h"

#if WITH_BPF

static int print_debug(enum libbpf_print_level level, const char *fmt, va_list ap) printf_(2, 0);

static int print_debug(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[500];

	/* libbpf's own debug level tells every relocation. */
	if (level == LIBBPF_DEBUG)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return n;
}

void bpf_log_to_debug(void)
{
	libbpf_set_print(print_debug);
}

static void cleanup_btf_(struct btf **btf)
{
	btf__free(*btf);
}

static const char *reason_name(const struct btf *btf, uint32_t name_off)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	const char *name = btf__name_by_offset(btf, name_off);

	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		return name + sizeof(prefix) - 1;
	return name;
}

/*
 * Since 071c0fc6fb91 (6.4) the high 16 bits name a subsystem whose reasons are in enums of their
 * own; SUBSYS_MASK is the one value of this enum up there.
 */
#define CORE_REASONS_MAX 0x10000

/* MAX is the number of reasons, not one of them. */
static bool is_reason(const struct btf *btf, const struct btf_enum *value)
{
	return (uint32_t)value->val < CORE_REASONS_MAX &&
	       strcmp(reason_name(btf, value->name_off), "MAX") != 0;
}

static void read_reasons(const struct btf *btf, const struct btf_type *t, struct arena *a,
			 struct drop_reasons *ret)
{
	const struct btf_enum *value = btf_enum(t);
	uint32_t len = 0;

	for (unsigned i = 0; i < btf_vlen(t); i++) {
		uint32_t number = (uint32_t)value[i].val;

		if (is_reason(btf, &value[i]) && number >= len)
			len = number + 1;
	}
	ret->name = arena_alloc(a, len * sizeof(*ret->name));
	ret->len = len;
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		uint32_t number = (uint32_t)value[i].val;

		if (is_reason(btf, &value[i]))
			ret->name[number] = arena_strdup(a, reason_name(btf, value[i].name_off));
	}
}

/* The arguments of a BTF tracepoint: those of its typedef's function type, after the context. */
static const struct btf_type *tracepoint_proto(const struct btf *btf, const char *typedef_name)
{
	int id = btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF);

	if (id < 0)
		return NULL;
	const struct btf_type *t = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);

	if (!t || !btf_is_ptr(t))
		return NULL;
	t = btf__type_by_id(btf, t->type);
	return t && btf_is_func_proto(t) ? t : NULL;
}

int bpf_kfree_skb_features(struct arena *a, struct kfree_skb_features *ret, struct err *e)
{
	bpf_log_to_debug();

	cleanup_with(cleanup_btf_) struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		int code = errno;

		return err_set(e, code == ENOENT || code == ESRCH ? ENOENT : code,
			       "read '/sys/kernel/btf/vmlinux': %s; the kernel has to be built "
			       "with CONFIG_DEBUG_INFO_BTF",
			       strerror(code));
	}
	const struct btf_type *proto = tracepoint_proto(btf, "btf_trace_kfree_skb");

	if (!proto)
		return err_set(e, ENOENT, "find tracepoint 'kfree_skb': not in the kernel's BTF");

	/* (void *context, skb, location[, reason[, rx_sk]]) */
	struct kfree_skb_features f = {0};
	int id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);

	if (id > 0 && btf_vlen(proto) >= 4 && btf_params(proto)[3].type == (uint32_t)id) {
		f.has_reason = true;
		read_reasons(btf, btf__type_by_id(btf, (uint32_t)id), a, &f.reasons);
	}
	f.has_rx_sk = f.has_reason && btf_vlen(proto) >= 5;
	*ret = f;
	return 0;
}

int bpf_refused(struct err *e, int code, const char *what)
{
	if (code == EPERM || code == EACCES)
		return err_set(e, code,
			       "%s: %s; needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before 5.8): "
			       "use sudo",
			       what, strerror(code));
	return err_errno(e, code, "%s", what);
}

uint64_t bpf_recursion_misses(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		return 0;
	return info.recursion_misses;
}

/*
 * Attaching tells more than loading: where the architecture has no trampoline a program for fentry
 * loads, and only its attachment is refused.
 */
static void try_tracing(struct bpf_probe *p, const char *target, enum bpf_attach_type type)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int id = libbpf_find_vmlinux_btf_id(target, type);

	if (id < 0) {
		snprintf(p->why, sizeof(p->why), "'%s' is not in the kernel's BTF: %s", target,
			 strerror(-id));
		return;
	}
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = (uint32_t)id);
	cleanup_close int prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", nothing,
					       ARRAY_LEN(nothing), &opts);

	if (prog < 0) {
		snprintf(p->why, sizeof(p->why), "load for '%s' refused: %s", target,
			 strerror(errno));
		return;
	}
	cleanup_close int link = bpf_raw_tracepoint_open(NULL, prog);

	if (link < 0) {
		snprintf(p->why, sizeof(p->why), "attach to '%s' refused: %s", target,
			 strerror(errno));
		return;
	}
	p->works = true;
}

static void try_btf(struct bpf_probe *p)
{
	cleanup_with(cleanup_btf_) struct btf *btf = btf__load_vmlinux_btf();

	p->works = btf != NULL;
	if (!btf)
		snprintf(p->why, sizeof(p->why), "read '/sys/kernel/btf/vmlinux': %s",
			 strerror(errno));
}

void bpf_probe_all(const struct host *h, struct bpf_probe *ret)
{
	struct bpf_probe p[BPF_PROBES] = {
		{.name = "btf", .used = "names of drop reasons, loading on any kernel"},
		{.name = "tp_btf", .used = "dropped packets by reason"},
		{.name = "fentry", .used = "SYNs dropped on a full accept queue, one by one"},
		{.name = "kprobe", .used = "the same where fentry is refused"},
	};

	bpf_log_to_debug();
	try_btf(&p[0]);
	try_tracing(&p[1], "kfree_skb", BPF_TRACE_RAW_TP);
	try_tracing(&p[2], "tcp_conn_request", BPF_TRACE_FENTRY);
	p[3].works = file_exists(h, "/sys/bus/event_source/devices/kprobe/type");
	if (!p[3].works)
		snprintf(p[3].why, sizeof(p[3].why), "the kernel is built without CONFIG_KPROBES");
	memcpy(ret, p, sizeof(p));
}

#else

void bpf_log_to_debug(void)
{
}

int bpf_kfree_skb_features(struct arena *a unused_, struct kfree_skb_features *ret unused_,
			   struct err *e)
{
	return err_set(e, EOPNOTSUPP, "built without BPF; build with clang and bpftool");
}

int bpf_refused(struct err *e, int code, const char *what)
{
	return err_errno(e, code, "%s", what);
}

uint64_t bpf_recursion_misses(int prog_fd unused_)
{
	return 0;
}

void bpf_probe_all(const struct host *h unused_, struct bpf_probe *ret)
{
	static const char *const names[BPF_PROBES] = {"btf", "tp_btf", "fentry", "kprobe"};

	for (size_t i = 0; i < BPF_PROBES; i++)
		ret[i] = (struct bpf_probe){
			.name = names[i],
			.used = "dropped packets by reason",
			.why = "built without BPF; build with clang and bpftool",
		};
}

#endif

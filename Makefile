# SPDX-License-Identifier: GPL-2.0-or-later
# One Makefile, out of tree in $(B). `make help` lists the targets.
#
# User variables keep what a packager sets; what the project needs goes into ALL_*.

B          ?= build
ifeq ($(origin CC),default)
CC         := gcc
endif
CLANG      ?= clang
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
LDFLAGS    ?=
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share/runup
MANDIR     ?= $(PREFIX)/share/man
COMPDIR    ?= $(PREFIX)/share/bash-completion/completions
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=
WERROR     ?=
V          ?=

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || cat VERSION 2>/dev/null || echo unknown)

# Targets that need neither compiler nor libraries do not look for them.
NO_BUILD := deps clean help format uninstall
ifneq ($(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all)),)
NEEDS_BUILD := 1
endif

LIBS := libmnl libcap libbpf inih jansson libnftables zlib

# `make preflight` and `make test` install what is missing before anything is looked for: with a
# recursive make, since pkg-config below is asked when the Makefile is read.
ifdef NEEDS_BUILD
ifeq ($(filter preflight test test-vm soak,$(MAKECMDGOALS)),)
MISSING := $(shell for l in $(LIBS); do $(PKG_CONFIG) --exists $$l 2>/dev/null || echo $$l; done)
ifneq ($(MISSING),)
$(error missing libraries: $(MISSING). Run `make deps` to install what runup is built with)
endif
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(LIBS))
endif
endif

# BPF programs need clang and bpftool; without them the tool is built and says so.
WITH_BPF ?= $(shell command -v $(CLANG) >/dev/null 2>&1 && command -v $(BPFTOOL) >/dev/null 2>&1 && echo 1 || echo 0)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-format-truncation
# clang does not know gcc's truncation warning and would warn about being told.
WARNINGS += $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n1)),-Wno-unknown-warning-option -Wno-gnu-statement-expression)

ALL_CPPFLAGS := -Isrc -I. -isystem $(B) -D_GNU_SOURCE -DWITH_BPF=$(WITH_BPF) \
                $(PKG_CFLAGS) $(CPPFLAGS)
HARDENING    := -fPIE -fstack-protector-strong $(if $(filter -O%,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
ALL_CFLAGS   := -std=gnu11 $(WARNINGS) $(if $(WERROR),-Werror) $(HARDENING) $(CFLAGS)
ALL_LDFLAGS  := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(patsubst $(B)/%,%,$@);)

SRCS     := $(wildcard src/base/*.c src/sys/*.c src/core/*.c src/tune/*.c src/watch/*.c src/report/*.c src/gen/*.c src/cli/*.c checks/*.c)
BPF_SRCS := $(if $(filter 1,$(WITH_BPF)),$(wildcard src/watch/*.bpf.c))
SRCS     := $(filter-out %.bpf.c,$(SRCS))
OBJS     := $(SRCS:%.c=$(B)/%.o)
LIB_OBJS := $(filter-out $(B)/src/cli/main.o,$(OBJS))
SKELS    := $(BPF_SRCS:%.bpf.c=$(B)/%.skel.h)
UNITS    := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
REPLAYS  := $(patsubst tests/fuzz/fuzz_%.c,$(B)/tests/fuzz/replay_%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS  := $(patsubst tests/helpers/%.c,$(B)/tests/helpers/%,$(wildcard tests/helpers/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps preflight test bench lint format asan install uninstall clean help
.DEFAULT_GOAL := all

all: $(B)/runup                ## build $(B)/runup (no root, installs nothing)

$(B)/runup: $(B)/src/cli/main.o $(B)/librunup.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/librunup.a: $(LIB_OBJS)
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A program's object names its own skeleton: as a system header it is not in the .d file.
$(foreach s,$(SKELS),$(eval $(s:%.skel.h=%.o): $(s)))

# Minimal kernel types and CO-RE relocations: no BTF and no kernel headers are needed to build.
$(B)/%.bpf.o: %.bpf.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) -target bpf -g -O2 -Wall -Wextra -Werror -Isrc -D__TARGET_ARCH_$(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/') \
		$(PKG_CFLAGS) -I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null) -MMD -MP -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL)$(BPFTOOL) gen skeleton $< name $(subst .,_,$(notdir $*))_bpf > $@

# Texts that objects are made from besides their sources: a file of each, phony while it says
# something else. (Depending on a target that never exists would not do: .SECONDARY, above, makes
# such a target count for nothing.)
FLAGS := $(CC) $(CLANG) $(ALL_CPPFLAGS) $(ALL_CFLAGS)
define remember
ifneq ($$(strip $$(file <$(B)/$(1))),$$(strip $$($(2))))
.PHONY: $(B)/$(1)
endif
$(B)/$(1):
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$$($(2)))' > $$@
endef
$(eval $(call remember,flags,FLAGS))
# Only one object knows the version, so a commit rebuilds that one.
$(eval $(call remember,version,VERSION))
# Nor the folder that it is installed in: `make install PREFIX=/usr` rebuilds one.
$(eval $(call remember,datadir,DATADIR))
$(B)/src/core/profile_find.o: $(B)/datadir
$(B)/src/core/profile_find.o: ALL_CPPFLAGS += -DRUNUP_DATADIR='"$(DATADIR)"'
$(B)/src/cli/version.o: $(B)/version
$(B)/src/cli/version.o: ALL_CPPFLAGS += -DRUNUP_VERSION='"$(VERSION)"'

-include $(OBJS:.o=.d) $(BPF_SRCS:%.c=$(B)/%.d)

deps:                          ## install what is missing to build and to test (asks for sudo)
	$(Q)tests/deps.sh install

# The two commands of the README. The sub-make reads the Makefile again, now with the libraries.
preflight:                     ## deps if missing, build, then check this very host
	$(Q)tests/deps.sh missing build || tests/deps.sh install build
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(B)/runup check; r=$$?; [ $$r -le 3 ] && [ $$r -ne 2 ]

test:                          ## deps if missing, build, then all tests
	$(Q)tests/deps.sh missing || tests/deps.sh install
	$(Q)$(MAKE) --no-print-directory run-tests

.PHONY: run-tests
run-tests: all units helpers replays
	$(Q)tests/run.sh $(B) $(TESTS)

.PHONY: test-vm
test-vm:                       ## suites on stock Debian kernels under qemu; VM_KERNEL=6.1 VM_SUITE=check picks
	$(Q)tests/deps.sh missing || tests/deps.sh install
	$(Q)$(MAKE) --no-print-directory TESTS=vm run-tests

# 50 power cuts for each kernel take an hour and a half: longer than what a suite usually may.
.PHONY: soak
soak:                          ## what takes hours: all suites in VMs, 50 power cuts for each kernel
	$(Q)tests/deps.sh missing || tests/deps.sh install
	$(Q)VM_ALL=1 VM_CUTS=$${VM_CUTS:-50} RUNUP_BED_TIMEOUT=21600 $(MAKE) --no-print-directory TESTS=vm run-tests

.PHONY: units helpers replays
units: $(UNITS)
replays: $(REPLAYS)
helpers: $(HELPERS)

$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(B)/librunup.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(shell $(PKG_CONFIG) --libs cmocka)

# It makes entries of connection tracking, which runup itself only counts.
$(B)/tests/helpers/crowd: PKG_LIBS += $(shell $(PKG_CONFIG) --libs libnetfilter_conntrack)
$(B)/tests/helpers/%: $(B)/tests/helpers/%.o $(B)/librunup.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# A fuzz target over its corpus, as a plain program.
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/replay.o $(B)/tests/fuzz/fuzz.o $(B)/tests/fuzz/fuzz_%.o $(B)/librunup.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

-include $(UNITS:=.d) $(HELPERS:=.d) $(wildcard $(B)/tests/fuzz/*.d)

# The same with clang's libFuzzer; everything is built again with its instrumentation.
FUZZERS := $(REPLAYS:$(B)/tests/fuzz/replay_%=$(B)/tests/fuzz/fuzz_%)
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz.o $(B)/tests/fuzz/fuzz_%.o $(B)/librunup.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

.PHONY: fuzzers fuzz
fuzzers: $(FUZZERS)
fuzz:                          ## fuzz every parser for FUZZ_SECONDS (60) each, in $(B)/fuzz
	$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzzers
	$(Q)tests/fuzz/run.sh $(B)/fuzz $(FUZZ_TARGETS)

bench: all helpers             ## print how long things take, as ratios measured in one run
	$(Q)tests/bench/bench.sh $(B)

lint: all                      ## layers, registries, globals, sizes, docs, formatting, shellcheck
	$(Q)tests/lint/run.sh $(B)

FORMATTED = $(shell git ls-files '*.c' '*.h')
format:                        ## let clang-format decide
	$(Q)clang-format -i $(FORMATTED)

# 99: no exit status of runup looks like a finding. Reports go to files, since a guardian and what a
# test expects to fail have nobody who reads their stderr; of any user, as tests change theirs.
ASAN_REPORTS = $(CURDIR)/$(B)/asan/reports
asan:                          ## the unprivileged tests under ASan and UBSan, in $(B)/asan
	$(Q)rm -rf $(ASAN_REPORTS) && mkdir -p $(ASAN_REPORTS) && chmod 1777 $(ASAN_REPORTS)
	$(Q)ASAN_OPTIONS=exitcode=99:detect_leaks=1:log_path=$(ASAN_REPORTS)/report UBSAN_OPTIONS=print_stacktrace=1 \
		$(MAKE) --no-print-directory B=$(B)/asan TESTS='unit cli golden fuzz' \
		CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' run-tests; \
	r=$$?; cat $(ASAN_REPORTS)/* 2>/dev/null && echo 'asan: ^ reports of $(ASAN_REPORTS)' && r=1; exit $$r

# Without BPF: see tests/memcheck/memcheck.bats.
.PHONY: memcheck memcheck-tests
memcheck:                      ## what runs for long, under valgrind (root), in $(B)/memcheck
	$(Q)$(MAKE) --no-print-directory B=$(B)/memcheck WITH_BPF=0 CFLAGS='-O1 -g' memcheck-tests
memcheck-tests: all $(B)/tests/memcheck/openat2.so
	$(Q)tests/run.sh $(B) memcheck
$(B)/tests/memcheck/openat2.so: tests/memcheck/openat2.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -D_GNU_SOURCE -std=gnu11 $(WARNINGS) -O1 -g -fPIC -shared -o $@ $< -ldl

# Three analyzers, each object once until it changes. What they are told to leave out:
#   -Wanalyzer-malloc-leak, -file-leak (gcc), memleak (cppcheck): they do not know
#	__attribute__((cleanup)); leaks are looked for by `make asan` and `make memcheck`
#   tests/unit (gcc): cmocka's assertions leave by longjmp(), so a NULL that was asserted goes on
#   tests/unit (ctuuninitvar of cppcheck): takes temp_open(), which fills what it is handed, for a reader
#   *.bpf.c (cppcheck): macros of libbpf that it cannot expand; clang and the kernel's verifier look
# .clang-tidy has the reasons of clang-tidy's. -O0: an optimised NULL of a cleanup looks unwritten.
.PHONY: analyze analyzed
analyze:                       ## gcc -fanalyzer, clang-tidy and cppcheck, in $(B)/analyze
	$(Q)$(MAKE) --no-print-directory B=$(B)/analyze CC=gcc WERROR=1 \
		CFLAGS='-O0 -g -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-file-leak' analyzed
analyzed: all helpers replays $(SRCS:%.c=$(B)/%.tidy) $(B)/cppcheck
	@echo 'analyze: nothing found by gcc -fanalyzer, clang-tidy, cppcheck'
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy
	$(call say,TIDY)out=$$(clang-tidy --quiet $< -- $(ALL_CPPFLAGS) -std=gnu11 2>&1) || { printf '%s\n' "$$out"; exit 1; }
	@touch $@
$(B)/cppcheck: $(OBJS) tests/lint/cppcheck.cfg
	$(call say,CPPC)cppcheck --quiet --enable=warning,performance,portability --inline-suppr --std=c11 --error-exitcode=1 \
		--template=gcc --suppress=memleak '--suppress=ctuuninitvar:tests/unit/*' --library=tests/lint/cppcheck.cfg -Isrc -I. -D_GNU_SOURCE -DWITH_BPF=1 -D__linux__ -D__x86_64__ \
		$(addprefix -i ,$(wildcard src/watch/*.bpf.c)) src checks tests/helpers tests/fuzz tests/unit
	@touch $@

SYSTEMD_UNITS := $(notdir $(wildcard systemd/*.service systemd/*.timer))

install: all                   ## install below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR)/profiles $(DESTDIR)$(DATADIR)/schemas $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(COMPDIR) $(DESTDIR)$(UNITDIR)
	install -m 0755 $(B)/runup $(DESTDIR)$(BINDIR)/runup
	install -m 0644 profiles/*.ini $(DESTDIR)$(DATADIR)/profiles/
	install -m 0644 schemas/*.schema.json $(DESTDIR)$(DATADIR)/schemas/
	install -m 0644 man/runup.8 $(DESTDIR)$(MANDIR)/man8/
	install -m 0644 man/runup-profile.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 0644 completion/runup.bash $(DESTDIR)$(COMPDIR)/runup
	for u in $(SYSTEMD_UNITS); do \
		sed 's|/usr/bin/runup|$(BINDIR)/runup|g' systemd/$$u > $(DESTDIR)$(UNITDIR)/$$u && \
		chmod 0644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; \
	done

uninstall:                     ## remove what install put there, and nothing else
	rm -f $(DESTDIR)$(BINDIR)/runup $(DESTDIR)$(MANDIR)/man8/runup.8 $(DESTDIR)$(MANDIR)/man5/runup-profile.5 $(DESTDIR)$(COMPDIR)/runup
	rm -f $(addprefix $(DESTDIR)$(DATADIR)/,$(wildcard profiles/*.ini schemas/*.schema.json))
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(SYSTEMD_UNITS))
	for d in /profiles /schemas ''; do rmdir $(DESTDIR)$(DATADIR)$$d 2>/dev/null || true; done

clean:                         ## remove $(B)
	rm -rf $(B)

help:                          ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST)) | sed 's#$$(B)#$(B)#g'
	@echo '  Variables: B (build folder), CC, CLANG, CFLAGS, LDFLAGS, PREFIX, DESTDIR, WITH_BPF=0|1, WERROR=1, V=1'

# volley. `make help` lists what there is to do; docs/architecture.md says how the rooms are built.

VERSION := 1.0.0
PROFILE ?= release
OUT     := build/$(PROFILE)
JOBS    ?= $(shell nproc)

# A room may use the rooms behind it in this list; the linker and tools/include-law hold it to that.
ROOMS := cli engine ingest render outbox base
below_base   := base
below_ingest := ingest base
below_render := render base
below_outbox := outbox base
below_engine := engine ingest render outbox base
below_cli    := cli $(below_engine)

# --- compiler ---------------------------------------------------------------------------------

CC  ?= gcc
CXX ?= g++
PACKAGES := liburing libcurl openssl libxxhash sqlite3 jansson yaml-0.1 liblz4 libzstd libutf8proc
WARNINGS := -Wall -Wextra -Wshadow -Wconversion $(if $(WERROR),-Werror)
CPPFLAGS := -I. -D_GNU_SOURCE -MMD -MP
flags_release := -O2 -g
flags_debug   := -O1 -g3
flags_asan    := -O1 -g -fsanitize=address -fno-omit-frame-pointer
flags_ubsan   := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
flags_tsan    := -O1 -g -fsanitize=thread
flags_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
COMMON   := $(flags_$(PROFILE)) -pthread
CFLAGS   := -std=gnu17 $(COMMON) $(WARNINGS)
CXXFLAGS := -std=c++17 $(COMMON) -Wall -Wextra $(if $(WERROR),-Werror)
LIBS      = $(shell pkg-config --libs $(PACKAGES)) -lphonenumber -lstdc++ -lm

# --- what there is ----------------------------------------------------------------------------

sources_of = $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*.cc $(1)/*/*.cc)
objects_of = $(patsubst %,$(OUT)/obj/%.o,$(basename $(call sources_of,$(1))))
archives_of = $(patsubst %,$(OUT)/lib%.a,$(below_$(1)))
tests_of = $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/$(1)/test_*.c))

VOLLEY   := $(OUT)/volley
TESTS    := $(foreach r,$(ROOMS),$(call tests_of,$(r)))
RACES    := $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/race/race_*.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS  := $(patsubst %,$(OUT)/tests/fuzz/%,$(FUZZERS))
TOOLS    := $(patsubst %.c,$(OUT)/%,$(wildcard tools/*.c bench/*.c))
C_FILES  := $(wildcard $(foreach r,$(ROOMS) bench tools tests/*,$(r)/*.[ch] $(r)/*/*.[ch] $(r)/*.cc $(r)/*/*.cc))

# One short line per step; `make V=1` shows the commands.
Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.PHONY: all
all: $(VOLLEY) ## build volley (PROFILE=release|debug|asan|ubsan|tsan)

$(VOLLEY): $(call archives_of,cli)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -o $@ $^ $(LIBS)

# The archives stand in the order of the rooms, so a call upwards finds nobody to answer it.
define room_rules
$(OUT)/lib$(1).a: $(call objects_of,$(1))
	$$(call say,AR,$$@)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
$(call tests_of,$(1)): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(call archives_of,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$(Q)$(CC) $(COMMON) -o $$@ $$^ -lcriterion $$(LIBS)
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

# What `volley --version` says. The commit is written down only when it is another one, so that nothing is
# compiled again without need.
$(OUT)/commit: FORCE
	@mkdir -p $(@D)
	@git describe --always --dirty --exclude='*' 2>/dev/null >$@.new || :; \
	    cmp -s $@.new $@ && rm $@.new || mv $@.new $@
.PHONY: FORCE
$(OUT)/obj/cli/version.o: $(OUT)/commit Makefile
$(OUT)/obj/cli/version.o: CPPFLAGS += -DVOLLEY_VERSION='"$(VERSION)"' \
    -DVOLLEY_COMMIT='"$(shell cat $(OUT)/commit 2>/dev/null)"' \
    -DVOLLEY_LIBRARIES='$(foreach p,$(PACKAGES),"$(p)", "$(shell pkg-config --modversion $(p))",)'

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(OUT)/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

$(RACES): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(call archives_of,engine)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -o $@ $^ $(LIBS)
$(REPLAYS): $(OUT)/tests/fuzz/%: $(OUT)/obj/tests/fuzz/%.o $(OUT)/obj/tests/fuzz/replay.o $(call archives_of,engine)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -o $@ $^ $(LIBS)
$(OUT)/%/fuzzer: $(OUT)/obj/tests/fuzz/%.o $(call archives_of,engine)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -fsanitize=fuzzer -o $@ $^ $(LIBS)
$(TOOLS): $(OUT)/%: $(OUT)/obj/%.o $(call archives_of,engine)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(COMMON) -o $@ $^ $(LIBS)

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

# --- what a newcomer runs ---------------------------------------------------------------------

.PHONY: deps demo check check-epoll bench
deps: ## install what is missing (Debian packages; sudo when not root)
	@tools/deps

demo: deps ## one studio's campaign from its database export to the books, in under a minute
	@$(MAKE) -s --no-print-directory -j$(JOBS) all tools
	@examples/demo

check: deps ## every test that is quick (under 5 minutes)
	@$(MAKE) -s --no-print-directory -j$(JOBS) all tools $(TESTS) $(RACES) $(REPLAYS)
	@tests/run $(OUT)

check-epoll: deps ## the tests of `make check` with the loop on epoll, as where io_uring is refused
	@$(MAKE) -s --no-print-directory -j$(JOBS) all tools $(TESTS) $(RACES) $(REPLAYS)
	@VOLLEY_LOOP=epoll tests/run $(OUT)

bench: deps ## measure against peers in the same run; prints ratios
	@$(MAKE) -s --no-print-directory -j$(JOBS) all tools
	@bench/run $(OUT)

# --- longer proofs ----------------------------------------------------------------------------

.PHONY: unit asan ubsan tsan fuzz fuzz-replay check-peers chaos
# Criterion forks per test, which ThreadSanitizer does not follow; it has the races instead.
unit: all $(if $(filter tsan,$(PROFILE)),,$(TESTS)) $(RACES) $(REPLAYS) ## the tests of the rooms alone, without scenarios
	@tests/run --unit $(OUT)

asan ubsan tsan: deps ## the tests under a sanitizer
	@$(MAKE) -s --no-print-directory PROFILE=$@ -j$(JOBS) unit

fuzz-replay: $(REPLAYS) ## run every fuzz target over its corpus once
	@tests/run --fuzz $(OUT)

check-peers: deps ## every test against other people's programs, also those that take long
	@$(MAKE) -s --no-print-directory -j$(JOBS) all tools
	@tests/run --peers $(OUT)

CHAOS_KILLS ?= 200
CHAOS_SEED ?= $(shell date +%s)
chaos: deps ## kill -9 at every named step and at random moments (CHAOS_KILLS, CHAOS_SEED)
	@$(MAKE) -s --no-print-directory -j$(JOBS) all
	@VOLLEY_OUT=$(CURDIR)/$(OUT) CHAOS_KILLS=$(CHAOS_KILLS) CHAOS_SEED=$(CHAOS_SEED) tests/crash/chaos.sh

FUZZ_SECONDS ?= 60
fuzz: deps ## libFuzzer on every parser of outside bytes (FUZZ_SECONDS each)
	@for f in $(FUZZERS); do tests/fuzz/run $$f $(FUZZ_SECONDS) || exit 1; done

# --- housekeeping -----------------------------------------------------------------------------

.PHONY: tools lint fmt fmt-check install uninstall clean help
tools: $(TOOLS)

lint: deps ## include law, clang-format, cppcheck and clang-tidy
	@tools/lint

fmt: ## format every C file
	@clang-format -i $(C_FILES)

fmt-check: ## complain about files that are not formatted
	@clang-format --dry-run -Werror $(C_FILES)

PREFIX ?= /usr/local
install: all ## put volley into PREFIX/bin
	install -Dm755 $(VOLLEY) $(DESTDIR)$(PREFIX)/bin/volley

uninstall: ## take it away again
	rm -f $(DESTDIR)$(PREFIX)/bin/volley

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

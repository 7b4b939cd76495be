# kc for GNU make. make, make check, make demo, make install PREFIX= DESTDIR=
# SAN=1: with ASan and UBSan. WERROR=1 or CI=true: a warning is an error.
# A command is cmd/NAME.c or cmd/NAME/*.c; a line `/* needs: rdkafka */` in it
# names (for pkg-config) what it links beside libkc.
PREFIX ?= /usr/local
BIN ?= bin
BUILD ?= build$(if $(SAN),-san)
FUZZ_SECONDS ?= 10

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla
CFLAGS ?= -O2 -g
STD = -std=c11 -D_GNU_SOURCE -Ilib $(WARN) $(if $(WERROR)$(filter true,$(CI)),-Werror)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ALLFLAGS = $(STD) $(CFLAGS) $(if $(SAN),$(SANFLAGS)) $(CPPFLAGS) $(PKGFLAGS)

# needs: the packages that files name; pc: what pkg-config calls one here.
needs = $(sort $(shell sed -n 's|^/\* needs: *\(.*[^ ]\) *\*/.*|\1|p' $1 /dev/null))
pc = $(patsubst mysqlclient,$(MYSQL),$1)
apt = $(or $(apt_$1),$(patsubst liblib%,lib%,lib$1-dev))
apt_mysqlclient = libmariadb-dev
apt_zlib = zlib1g-dev
apt_libcurl = libcurl4-openssl-dev
MYSQL := $(shell pkg-config --exists mysqlclient && echo mysqlclient || echo libmariadb)

base = jansson libcrypto libpcre2-8
libsrc := $(wildcard lib/*.c)
cmds := $(sort $(patsubst cmd/%.c,%,$(wildcard cmd/kc-*.c)) $(patsubst cmd/%/main.c,%,$(wildcard cmd/kc-*/main.c)))
have := $(foreach p,$(call needs,$(libsrc) $(wildcard cmd/*.c cmd/*/*.c)),$(shell pkg-config --exists $(call pc,$p) && echo $p))
PKGFLAGS := $(shell pkg-config --cflags $(base) $(call pc,$(have)))
libobj := $(foreach f,$(libsrc),$(if $(filter-out $(have),$(call needs,$f)),,$(BUILD)/$(f:.c=.o)))

all: commands

# A command: its objects, or why it is left out.
define command
$1.need := $(call needs,$(wildcard cmd/$1.c cmd/$1/*.c))
$1.lack := $$(filter-out $(have),$$($1.need))
$(BIN)/$1: $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$1.c cmd/$1/*.c)) $(BUILD)/libkc.a $(BIN)/.flags
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(if $$(SAN),$$(SANFLAGS)) $$(LDFLAGS) -o $$@.$$$$$$$$ $$(filter %.o %.a,$$^) \
		$$(shell pkg-config --libs $(base) $$(call pc,$$($1.need))) -lpthread -lm && mv $$@.$$$$$$$$ $$@
endef
$(foreach c,$(cmds),$(eval $(call command,$c)))
built := $(foreach c,$(cmds),$(if $($c.lack),,$c))

commands: $(addprefix $(BIN)/,$(built))
	@$(foreach c,$(filter-out $(built),$(cmds)),echo "$c: left out: no $($c.lack) (apt-get install $(foreach p,$($c.lack),$(call apt,$p)))";) :

$(BUILD)/libkc.a: $(libobj)
	@mkdir -p $(@D)
	ar rcs $@.$$$$ $^ && mv $@.$$$$ $@

# Written under another name first: a make beside this one sees whole files.
$(BUILD)/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@.$$$$ $< && mv $@.$$$$ $@

# Other flags or another compiler: everything again.
$(BUILD)/.flags $(BIN)/.flags: force
	@mkdir -p $(@D); echo '$(CC) $(ALLFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALLFLAGS) $(LDFLAGS)' >$@

# Tests in C: over libkc and the packages that are here; the topic maker.
test_libs = $(BUILD)/libkc.a $(shell pkg-config --libs $(base) $(call pc,$(have))) -lpthread -lm
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libkc.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(if $(SAN),$(SANFLAGS)) $(LDFLAGS) -o $@ $< $(test_libs)
$(BUILD)/topic $(BUILD)/mock: $(BUILD)/%: $(BUILD)/tests/%.o
	$(CC) $(CFLAGS) $(if $(SAN),$(SANFLAGS)) $(LDFLAGS) -o $@ $< -lrdkafka
unit: $(BUILD)/topic $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))

# A fuzz target is one C file with LLVMFuzzerTestOneInput over libkc; a line
# `/* with: cmd/kc-x/y.c */` in it names files of commands that it needs too.
FUZZ = clang $(STD) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
fuzzers := $(patsubst tests/fuzz/%.c,build-fuzz/%,$(wildcard tests/fuzz/*.c))
build-fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ) $(PKGFLAGS) -MMD -MP -c -o $@ $<
fuzzpc := $(filter zlib libzstd,$(have))
fuzzlib := $(foreach f,$(libsrc),$(if $(filter-out $(fuzzpc),$(call needs,$f)),,$f))
with = $(shell sed -n 's|^/\* with: *\(.*[^ ]\) *\*/.*|\1|p' tests/fuzz/$1.c)
$(foreach f,$(notdir $(fuzzers)),$(eval build-fuzz/$f: $(patsubst %.c,build-fuzz/%.o,$(call with,$f))))
$(fuzzers): build-fuzz/%: build-fuzz/tests/fuzz/%.o $(fuzzlib:%.c=build-fuzz/%.o)
	$(FUZZ) -o $@ $^ $(shell pkg-config --libs $(base) $(fuzzpc)) -lpthread -lm
fuzz: $(fuzzers)
	@set -e; for f in $(notdir $(fuzzers)); do FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $$f; done

check:
	@tests/deps check
	@$(MAKE) --no-print-directory all unit $(fuzzers)
	+@KC_BUILD=$(BUILD) KC_BIN=$(abspath $(BIN)) tests/run

lint:
	@PKGFLAGS='$(PKGFLAGS)' STD='$(STD)' tests/lint

demo:
	@tests/deps demo
	@$(MAKE) --no-print-directory all $(BUILD)/mock
	@examples/demo.sh

bench:
	@tests/deps bench
	@$(MAKE) --no-print-directory all
	@bench/run

# Completions of bash and fish are found by the command's name: links.
man_of = share/man/man$(patsubst .%,%,$(suffix $1))
bash = share/bash-completion/completions
fish = share/fish/vendor_completions.d
zsh = share/zsh/site-functions
pages := $(wildcard man/*.[157])
install: all
	@set -e; cd "$(CURDIR)"; to="$(DESTDIR)$(PREFIX)"; \
	install -d "$$to/bin" "$$to/$(bash)" "$$to/$(fish)" "$$to/$(zsh)" $(foreach d,$(sort $(foreach m,$(pages),$(call man_of,$m))),"$$to/$d"); \
	$(foreach m,$(pages),install -m 644 $m "$$to/$(call man_of,$m)";) \
	install -m 644 completions/bash/kc "$$to/$(bash)"; \
	install -m 644 completions/fish/kc.fish "$$to/$(fish)"; \
	install -m 644 completions/zsh/_kc "$$to/$(zsh)"; \
	for c in $(built); do install -m 755 $(BIN)/$$c "$$to/bin"; \
		ln -sf kc "$$to/$(bash)/$$c"; ln -sf kc.fish "$$to/$(fish)/$$c.fish"; done

uninstall:
	cd "$(DESTDIR)$(PREFIX)" && rm -f $(foreach m,$(pages),$(call man_of,$m)/$(notdir $m)) $(zsh)/_kc \
		$(foreach c,kc $(cmds),bin/$c $(bash)/$c $(fish)/$c.fish)

clean:
	@[ ! -d build/servers ] || tests/run --down
	rm -rf $(BIN) build build-san build-fuzz

force:
.PHONY: all commands unit check lint demo bench install uninstall fuzz clean force
.DELETE_ON_ERROR:
.SECONDARY:
-include $(wildcard $(foreach d,$(BUILD) build-fuzz,$d/*/*.d $d/*/*/*.d))

#!/usr/bin/env bats
# make: what is built, what is left out, what is installed.

load lib
bats_require_minimum_version 1.5.0

setup() {
	kc_setup
	mkdir src
	cp -r "$KC_ROOT"/{Makefile,lib,cmd,man,completions} src
	cd src
	unset MAKEFLAGS MAKELEVEL MFLAGS SAN WERROR
}

@test "a command whose library is missing is left out, in one line" {
	rm -rf cmd/*
	printf '/* needs: kc-none rdkafka */\nint main(void) { return 0; }\n' >cmd/kc-a.c
	mkdir cmd/kc-b
	echo 'int main(void) { return 0; }' >cmd/kc-b/main.c
	rm lib/*.c
	echo 'int kc_x;' >lib/x.c
	make >out
	grep -qx 'kc-a: left out: no kc-none (apt-get install libkc-none-dev)' out
	[ "$(grep -c 'left out' out)" = 1 ]
	[ -x bin/kc-b ]
	[ ! -e bin/kc-a ]
	make | grep -v 'left out' >again || true
	[ ! -s again ]
}

@test "install puts commands, pages and completions; uninstall removes them" {
	mkdir bin
	for c in "$KC_ROOT"/bin/kc-*; do cp "$c" bin/; done
	install() { # what is built already stays as it is
		make -o all "$@" PREFIX=/p DESTDIR="$KC_TMP/d" >out
	}
	install install
	for c in "$KC_ROOT"/bin/kc-*; do
		[ -x "$KC_TMP/d/p/bin/${c##*/}" ]
	done
	for m in man/*.1; do
		[ ! -e "$m" ] || [ -e "$KC_TMP/d/p/share/man/man1/${m##*/}" ]
	done
	for f in completions/bash/*; do
		[ ! -e "$f" ] || [ -e "$KC_TMP/d/p/share/bash-completion/completions/${f##*/}" ]
	done
	install uninstall
	[ -z "$(find "$KC_TMP/d" -type f)" ]
}

@test "services refuse what they do not know" {
	for s in postgres mariadb mysql8 kafka connect; do
		run -64 "$KC_ROOT/tests/services/$s" restart "$KC_TMP/x"
		[[ $output == usage:* ]]
	done
}

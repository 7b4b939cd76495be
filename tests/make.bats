#!/usr/bin/env bats
# make: what is built, what is left out, what is installed.

load lib
bats_require_minimum_version 1.5.0

setup() {
	kc_setup
	mkdir src
	for d in Makefile lib cmd man completions; do
		[ ! -e "$KC_ROOT/$d" ] || cp -r "$KC_ROOT/$d" src
	done
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
	c=$(cd "$KC_ROOT/bin" && ls -d kc-* | head -n 1)
	[ -e "$KC_TMP/d/p/share/bash-completion/completions/$c" ]
	[ -e "$KC_TMP/d/p/share/fish/vendor_completions.d/$c.fish" ]
	[ -e "$KC_TMP/d/p/share/zsh/site-functions/_kc" ]
	install uninstall
	find "$KC_TMP/d" ! -type d >left
	[ ! -s left ] || { cat left; false; }
}

@test "bash completes options and properties from --kc-options" {
	cat >kc-x <<-'X'
	#!/bin/sh
	printf '%s\t%s\t%s\n' -h flag Help topic.prefix STRING Name 'a.*' STRING More
	X
	chmod +x kc-x
	cp completions/bash/kc complete-kc
	run bash -c 'compopt() { :; }; . ./complete-kc; COMP_CWORD=1
		COMP_WORDS=(kc-x top); _kc ./kc-x; echo "${COMPREPLY[@]}"
		COMP_WORDS=(kc-x a); _kc ./kc-x; echo "${COMPREPLY[@]}"
		COMP_WORDS=(kc-x -); _kc ./kc-x; echo "${COMPREPLY[@]}"'
	[ "$output" = "topic.prefix=
a.
-h " ]
}

@test "services refuse what they do not know" {
	for s in postgres mariadb mysql8 kafka connect; do
		run -64 "$KC_ROOT/tests/services/$s" restart "$KC_TMP/x"
		[[ $output == usage:* ]]
	done
}

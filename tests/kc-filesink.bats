#!/usr/bin/env bats
# kc-filesink: lines and envelopes, and that each is there once.

bats_require_minimum_version 1.5.0
load lib

record() { # VALUE POSITION
	echo "{\"topic\":\"t\",\"value\":$1,\"source\":{\"partition\":{\"p\":1},\"offset\":{\"o\":$2}}}"
}

@test "values as lines" {
	printf '%s\n' '{"topic":"t","value":"a \"q\" \u00fc"}' '{"topic":"t","value":{"x":[1]}}' '{"topic":"t"}' '{"topic":"t","valueBytes":"aGk="}' >in
	kc-filesink file=out <in
	printf 'a "q" ü\n{"x":[1]}\nnull\nhi\n' | cmp - out
	kc-filesink <in | cmp - out
	kc-filesink file=out <in
	[ "$(wc -l <out)" = 8 ]
}

@test "envelopes, with the schemas they refer to" {
	printf '%s\n' '{"schema":{"type":"string","optional":true},"id":"s"}' '{"topic":"t","valueSchema":"s","value":"v","mine":1}' '{"checkpoint":{"partition":{},"offset":{}}}' >in
	kc-filesink file=out format=envelope <in
	head -n 2 in | cmp - out
}

@test "position and length are stored together; what is longer is taken back" {
	{ record '"a"' 1; record '"b"' 2; } | kc-filesink file=out -o off
	sort off >got
	diff got - <<-'X'
	{"partition":{"file":"out"},"offset":{"length":4}}
	{"partition":{"p":1},"offset":{"o":2}}
	X
	echo "left by a run that was cut off" >>out
	run -0 kc-filesink file=out -o off <<<"$(record '"c"' 3)"
	[[ $output == *"taken back"* ]]
	printf 'a\nb\nc\n' | cmp - out
}

@test "bad: a file shorter than stored, a folder that is not there, a bad record" {
	record '"a"' 1 | kc-filesink file=out -o off
	: >out
	run -65 kc-filesink file=out -o off <<<"$(record '"b"' 2)"
	[[ $output == *"out: has 0 bytes, but 2 were stored"*"kc-offset reset"* ]]
	run -74 kc-filesink file=no/such <<<"$(record 1 1)"
	[[ $output == *"no/such"* ]]
	{ record '"ok"' 1; echo '{"topic":"t","valueBytes":"%%"}'; record '"on"' 3; } >in
	run -65 kc-filesink file=o2 <in
	kc-filesink -q file=o3 -D dead <in
	printf 'ok\non\n' | cmp - o3
	jq -e '.error.message' dead
}

@test "bad: the disk is full: nothing of the batch stays, the position stands" {
	record '"a"' 1 | kc-filesink file=out -o off
	cp off before
	for i in $(seq 2 900); do record "\"$(printf 'x%.0s' $(seq 90))\"" "$i"; done >in
	(
		ulimit -f 40
		trap '' XFSZ
		run -74 kc-filesink -q file=out -o off <in
	)
	cmp off before
	[ "$(cat out)" = a ]
	kc-filesink file=out -o off <in
	[ "$(wc -l <out)" = 900 ]
}

@test "kill -9 at any instant: nothing missing, nothing twice" {
	seq 1 200000 >lines
	for i in $(seq 15); do
		setsid bash -c 'kc-filesource -q file=lines topic=t -e -o off | kc-filesink -q file=out -o off' 2>/dev/null &
		sid=$!
		sleep "0.0$((RANDOM % 90 + 10))"
		mapfile -t pids < <(ps -s "$sid" -o pid= | awk -v s="$sid" '$1 != s { print $1 }')
		[ "${#pids[@]}" = 0 ] || kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
		wait "$sid" 2>/dev/null || true
		gone() { [ -z "$(ps -s "$sid" -o pid=)" ]; }
		wait_for 20 gone
	done
	kc-filesource -q file=lines topic=t -e -o off | kc-filesink -q file=out -o off
	cmp lines out
}

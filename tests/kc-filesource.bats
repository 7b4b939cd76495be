#!/usr/bin/env bats
# kc-filesource: lines, envelopes, positions, growing and replaced files.

bats_require_minimum_version 1.5.0
load lib

values() { jq -r 'select(.topic) | .value' "$@"; }
lines() { [ "$(values out | wc -l)" -ge "$1" ]; }
last_position() { jq -c '.checkpoint // .source // empty' "$1" | tail -n 1; }

@test "lines as records, with schema, position and time" {
	printf 'one\ntwo "q" \\ ü\n\r\nno end' >in
	kc-filesource file=in topic=t -e >out
	values out >got
	printf 'one\ntwo "q" \\ ü\n\n' | diff got -
	head -n 1 out | jq -e '.schema == {"type":"string","optional":false}'
	jq -cs '.[1] | .value == "one" and .source.offset.position == 4 and .source.partition == {"filename":"in"} and .timestamp > 1600000000000' out | grep -qx true
}

@test "it goes on where the store says, and a line without its end waits" {
	printf 'a\nb\nhal' >in
	kc-filesource file=in topic=t -o off -e >out
	last_position out >off
	printf 'f\nc\n' >>in
	kc-filesource file=in topic=t -o off -e >out
	[ "$(values out)" = $'half\nc' ]
	last_position out >off
	kc-filesource file=in topic=t -o off -e >out
	[ -z "$(values out)" ]
}

@test "it follows a file that grows, is renamed away, and is cut" {
	echo 1 >in
	kc-filesource -q file=in topic=t >out &
	pid=$!
	KC_PIDS+=("$pid")
	wait_for 10 lines 1
	echo 2 >>in
	wait_for 10 lines 2
	echo 3 >>in
	mv in old
	echo 4 >in
	wait_for 10 lines 4
	: >in
	sleep 0.5 # a cut that is filled again at once cannot be told
	echo 5 >>in
	wait_for 10 lines 5
	kill "$pid"
	wait "$pid"
	[ "$(values out | tr '\n' ' ')" = "1 2 3 4 5 " ]
}

@test "a file that is not there is waited for; -e does not wait" {
	run -0 kc-filesource file=none topic=t -e
	[[ $output == *"file none is not there"* ]]
	kc-filesource -q file=none topic=t -n 1 >out &
	pid=$!
	KC_PIDS+=("$pid")
	echo x >none
	wait "$pid"
	[ "$(values out)" = x ]
}

@test "standard input; -n" {
	[ "$(seq 10 | kc-filesource topic=t | values | wc -l)" = 10 ]
	[ "$(seq 10 | kc-filesource topic=t -n 3 | values | tail -n 1)" = 3 ]
}

@test "envelopes go on as they are, with their new position" {
	printf '%s\n' '{"schema":{"type":"string","optional":true},"id":"s"}' '{"topic":"x","key":1,"valueSchema":"s","value":"v","mine":2,"source":{"partition":{"a":1},"offset":{"b":2}}}' '{"checkpoint":{"partition":{},"offset":{}}}' >in
	kc-filesource file=in format=envelope -e >out
	jq -c 'select(.topic) | [.mine, .source.partition, .source.offset.position]' out | grep -qxF '[2,{"filename":"in"},163]'
	grep -qxF '{"schema":{"type":"string","optional":true},"id":"s"}' out
	echo garbage >>in
	run -65 kc-filesource -q file=in format=envelope -e
	[[ $output == *"in: before byte"*"not a JSON object"* ]]
}

@test "bad: no topic, a folder, a store for standard input, another file than stored" {
	run -64 kc-filesource file=x
	[[ $output == *"topic"*"missing"* ]]
	run -64 kc-filesource file=/tmp topic=t -e
	[[ $output == *"/tmp"*"folder"* ]]
	run -64 kc-filesource topic=t -o off </dev/null
	[[ $output == *"standard input has no position"* ]]
	echo a >in
	kc-filesource file=in topic=t -o off -e >out
	last_position out >off
	mv in in.1
	echo b >in
	run -0 --separate-stderr kc-filesource file=in topic=t -o off -e
	[[ $stderr == *"another one"* ]]
	[ "$(values <<<"$output")" = b ]
}

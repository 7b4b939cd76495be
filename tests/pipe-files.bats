#!/usr/bin/env bats
# Files through Kafka and into files again. Topics: pf-.

load lib

# The stages' shells, once each: up and down, -e or until stopped.
up() { kc-filesource file=in.log topic=pf-lines -o up.offsets "$@" | kc-produce -b "$KC_KAFKA" -o up.offsets; }
down() { kc-consume -b "$KC_KAFKA" -t pf-lines -o down.offsets "$@" | kc-filesink file=out.log -o down.offsets; }
same() { wait_for 30 cmp -s in.log out.log || { diff in.log out.log | head -n 5; tail ./*.err; false; }; }

@test "a file, Kafka, a file: the same lines, in stretches" {
	topic_create pf-lines 1
	for n in 1 2 3; do
		seq "$n" 1000 >>in.log
		printf '%s\n' 'ü "quoted" \ back' '{"a":1}' 'null' '' >>in.log
		up -e
		down -e
		cmp in.log out.log
	done
	up -e # nothing more
	down -e
	cmp in.log out.log
}

@test "while it grows, the pipes stopped and started" {
	topic_create pf-lines 1
	: >in.log
	export -f up down
	for n in 1 2; do
		start_bg a bash -c up 2>up.err
		start_bg b bash -c down 2>down.err
		for k in $(seq 50); do
			echo "line $n.$k" >>in.log
		done
		same
		stop_bg "$a" || true
		stop_bg "$b" || true
		wait_for 20 eval '! pgrep -g "$a,$b" >/dev/null'
		echo "between $n" >>in.log
	done
	up -e
	down -e
	cmp in.log out.log
}

@test "envelopes replayed: a captured stream is the stream" {
	topic_create pf-env 1
	for n in $(seq 300); do
		echo "{\"topic\":\"pf-env\",\"key\":$n,\"value\":{\"n\":$n},\"headers\":[[\"h\",\"x\"]]}"
	done >sent
	kc-produce -b "$KC_KAFKA" <sent
	kc-consume -b "$KC_KAFKA" -t pf-env -e | kc-filesink format=envelope file=captured
	topic_create pf-env 1
	kc-filesource -e format=envelope file=captured | kc-produce -b "$KC_KAFKA"
	kc-consume -b "$KC_KAFKA" -t pf-env -e | grep '^{"topic"' |
		jq -c '{topic, key, value, headers}' | diff - sent
}

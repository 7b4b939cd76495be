#!/usr/bin/env bats
# kc-offset: files, Kafka's offsets topic, the protocol, lag. Topics: ko-.

load lib

produce() { kc-produce bootstrap.servers="$KC_KAFKA" "$@"; }

@test "a file: set, show, reset one, reset all" {
	kc-offset set -o off '{"server": "a"}' '{"lsn": 12}'
	kc-offset set -o off '{"server":"b"}' '{"file":"x","pos":4}'
	kc-offset set -o off '{"server":"a"}' '{"lsn":13}'
	kc-offset show -o off >out
	diff - out <<-'X'
	{"partition":{"server":"a"},"offset":{"lsn":13}}
	{"partition":{"server":"b"},"offset":{"file":"x","pos":4}}
	X
	kc-offset reset -o off '{"server":"a"}'
	[ "$(kc-offset show -o off)" = '{"partition":{"server":"b"},"offset":{"file":"x","pos":4}}' ]
	kc-offset reset -o off
	[ -z "$(kc-offset show -o off)" ]
}

@test "usage: 64 with what to do" {
	while read -ra args; do
		run kc-offset "${args[@]}" </dev/null
		echo "${args[*]}: $output"
		[ "$status" = 64 ]
	done <<-'X'

	shw
	show
	set -o off {}
	set -o off x {}
	set -o off {"a":1} 5
	reset -o off {"a":1}
	serve -o off
	lag
	show -o kafka:
	show -o kafka:t?x
	X
}

@test "a file that is none: 65; a folder that is none: 74" {
	echo nonsense >off
	run kc-offset show -o off
	[ "$status" = 65 ]
	[[ "$output" == *off*"line 1"* ]]
	run kc-offset set -o none/off '{"a":1}' '{"b":2}'
	[ "$status" = 74 ]
}

@test "set waits for nobody: a pipe that runs has the store, 75" {
	topic_create ko-a
	start_bg pid kc-consume bootstrap.servers="$KC_KAFKA" topics=ko-a -o off >out
	wait_for 20 [ -e off.lock ]
	wait_for 20 eval '! kc-offset set -o off "{\"a\":1}" "{\"b\":2}" 2>err'
	grep -q "process.*one pipe to a store" err
	kc-offset show -o off
}

@test "the offsets topic: made compacted, Connect's keys and values" {
	topic_drop ko-b
	export KC_BOOTSTRAP_SERVERS=$KC_KAFKA
	kc-offset set -o 'kafka:ko-b?name=inv' '{"server": "a"}' '{"lsn": 12}'
	kc-offset set -o 'kafka:ko-b?name=other' '{"server":"a"}' '{"lsn":99}'
	kc-offset set -o 'kafka:ko-b?name=inv' '{"server":"a"}' '{"lsn":13}'
	[ "$(kc-offset show -o 'kafka:ko-b?name=inv')" = '{"partition":{"server":"a"},"offset":{"lsn":13}}' ]
	[ "$(KC_NAME=other kc-offset show -o kafka:ko-b)" = '{"partition":{"server":"a"},"offset":{"lsn":99}}' ]
	kc-offset reset -o 'kafka:ko-b?name=inv'
	[ -z "$(kc-offset show -o 'kafka:ko-b?name=inv')" ]
	topic_read ko-b -Z -f '%k %s\n' >out
	diff - out <<-'X'
	["inv",{"server":"a"}] {"lsn":12}
	["other",{"server":"a"}] {"lsn":99}
	["inv",{"server":"a"}] {"lsn":13}
	["inv",{"server":"a"}] NULL
	X
}

@test "what Connect wrote is read, whatever the order of members" {
	topic_create ko-c 5 cleanup.policy=compact
	printf '%s\n' '["c",{"db":"x","server":"a"}]|{"lsn":7}' '["d",{"server":"a"}]|{"lsn":8}' \
		'"nothing"|1' '["c",{"server":"z"}]|{"lsn":1}' |
		kcat -b "$KC_KAFKA" -P -t ko-c -K '|'
	store="kafka:ko-c?bootstrap.servers=$KC_KAFKA&name=c"
	kc-offset set -o "$store" '{"server":"a","db":"x"}' '{"lsn":9}'
	[ "$(kc-offset show -o "$store" | sort | tail -1)" = '{"partition":{"server":"z"},"offset":{"lsn":1}}' ]
	[ "$(kc-offset show -o "$store" | wc -l)" = 2 ]
	kc-offset show -o "$store" | grep -q '"lsn":9'
	# the key is the one Connect has
	topic_read ko-c -f '%k %s\n' | grep -qxF '["c",{"db":"x","server":"a"}] {"lsn":9}'
}

@test "serve: the protocol, errors in it, the end of input" {
	topic_create ko-d
	printf '%s\n' '{"get":null}' '{"put":[{"partition":{"a":1},"offset":{"n":1}},{"partition":{"a":2},"offset":{"n":2}}]}' \
		'{"get":null}' 'what' '{"put":[{"partition":{"a":1},"offset":null}]}' '{"get":null}' |
		kc-offset serve -o "kafka:ko-d?bootstrap.servers=$KC_KAFKA" >out
	sed 's/"error":"[^"]*"/"error":"*"/' out >masked
	diff - masked <<-'X'
	{"end":true}
	{"ok":true}
	{"partition":{"a":1},"offset":{"n":1}}
	{"partition":{"a":2},"offset":{"n":2}}
	{"end":true}
	{"error":"*","status":64}
	{"ok":true}
	{"partition":{"a":2},"offset":{"n":2}}
	{"end":true}
	X
}

@test "a broker that is down: 75, naming it" {
	run kc-offset show -o 'kafka:ko-x?bootstrap.servers=127.0.0.1:1&default.api.timeout.ms=1000'
	[ "$status" = 75 ]
	[[ "$output" == *127.0.0.1:1*refused* ]]
	run kc-offset show -o kafka:ko-x
	[ "$status" = 64 ]
	[[ "$output" == *bootstrap.servers* ]]
}

@test "a position in an aborted transaction is none" {
	topic_create ko-e 1 cleanup.policy=compact
	store="kafka:ko-e?bootstrap.servers=$KC_KAFKA&name=t"
	topic_create ko-e2
	{
		echo '{"topic":"ko-e2","value":1,"source":{"partition":{"a":1},"offset":{"n":1}}}'
		echo '{"topic":"ko-e2","value":1,"partition":9,"source":{"partition":{"a":1},"offset":{"n":2}}}'
	} >in
	head -1 in | produce transactional.id=ko-e -o "$store"
	run produce transactional.id=ko-e -o "$store" < <(tail -1 in)
	[ "$status" = 65 ]
	kc-offset show -o "$store" | grep -q '"n":1'
}

@test "lag of a store and of a group; set and reset move them" {
	topic_create ko-f 2
	seq 1 100 | sed 's/.*/{"topic":"ko-f","partition":0,"value":&}/' | produce
	consume() { kc-consume bootstrap.servers="$KC_KAFKA" topics=ko-f "$@"; }
	kc-offset set -o off '{"kafka_topic":"ko-f","kafka_partition":0}' '{"kafka_offset":59}'
	kc-offset lag -o off bootstrap.servers="$KC_KAFKA" |
		jq -c '[.offset.kafka_offset,.end,.lag]' | grep -qxF '[59,100,40]'
	[ "$(consume -o off -e | grep -c '^{"topic')" = 40 ]
	topic_create ko-f2
	consume -o goff group.id=ko-f -e | produce topic=ko-f2 -o goff
	kc-offset lag bootstrap.servers="$KC_KAFKA" group.id=ko-f topics=ko-f |
		jq -s 'map(.lag)|add' | grep -qx 0
	# back: what was set by hand wins over the group
	kc-offset set -o goff '{"kafka_topic":"ko-f","kafka_partition":0}' '{"kafka_offset":89}'
	[ "$(consume -o goff group.id=ko-f revoke.wait.ms=0 -e | grep -c '^{"topic')" = 10 ]
	# and all over, the group too
	kc-offset reset -o goff bootstrap.servers="$KC_KAFKA" group.id=ko-f
	[ "$(consume -o goff group.id=ko-f revoke.wait.ms=0 -e | grep -c '^{"topic')" = 100 ]
}

@test "lag of a database's position: says how to see it" {
	kc-offset set -o off '{"server":"pg"}' '{"lsn":4294967312}'
	run kc-offset lag -o off
	[ "$status" = 0 ]
	[[ "$output" == *"pg_wal_lsn_diff"*"'1/10'"* ]]
	[[ "$output" == *'"lag":null'* ]]
}

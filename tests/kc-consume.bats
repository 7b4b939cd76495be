#!/usr/bin/env bats
# kc-consume against a real broker: lines, offsets, groups. Topics begin with kx-.

load lib

consume() { kc-consume bootstrap.servers="$KC_KAFKA" "$@"; }
produce() { kc-produce bootstrap.servers="$KC_KAFKA" "$@"; }
lag() { kc-offset lag bootstrap.servers="$KC_KAFKA" "$@"; }

# numbers TOPIC FIRST LAST
numbers() { seq "$2" "$3" | sed "s/.*/{\"topic\":\"$1\",\"key\":&,\"value\":&}/"; }

@test "a line has what the message has" {
	topic_create kx-a
	produce <<-'X'
	{"topic":"kx-a","key":{"id":1},"value":{"a":"ü"},"timestamp":1795383599000,"headers":[["t","a1"],["n",12]]}
	{"topic":"kx-a","key":"k","value":null,"timestamp":1795383599001}
	X
	consume topics=kx-a -e >out
	diff - out <<-'X'
	{"topic":"kx-a","partition":0,"timestamp":1795383599000,"key":{"id":1},"value":{"a":"ü"},"headers":[["t","a1"],["n",12]],"source":{"partition":{"kafka_topic":"kx-a","kafka_partition":0},"offset":{"kafka_offset":0}}}
	{"topic":"kx-a","partition":0,"timestamp":1795383599001,"key":"k","value":null,"source":{"partition":{"kafka_topic":"kx-a","kafka_partition":0},"offset":{"kafka_offset":1}}}
	X
}

@test "what is no JSON goes into Bytes; JSON of several lines into one" {
	topic_create kx-b
	printf 'hello|{"a":\n [1, 2]}|null|"x"|1 2|{"a":01}|\377|12345678901234567890.10' |
		kcat -b "$KC_KAFKA" -P -t kx-b -D '|'
	produce <<<'{"topic":"kx-b","valueBytes":""}'
	consume topics=kx-b -e >lines
	sed 's/.*"timestamp":[0-9]*,//; s/,"source".*//' lines >out
	diff - out <<-'X'
	"valueBytes":"aGVsbG8="
	"value":{"a":[1,2]}
	"valueBytes":"bnVsbA=="
	"value":"x"
	"valueBytes":"MSAy"
	"valueBytes":"eyJhIjowMX0="
	"valueBytes":"/w=="
	"value":12345678901234567890.10
	"valueBytes":""
	X
}

@test "bytes, headers of any kind and times survive the way round" {
	topic_create kx-c 2
	topic_create kx-c2 2
	printf 'k\xff|v\xfe|null' | kcat -b "$KC_KAFKA" -P -t kx-c -p 1 -D '~' -K '|' \
		-H "b=$(printf '\xff\x01')" -H 'j={"a": 1}' -H 's="q"' -H 'e=' -H 'n=null' \
		-H 'l=two
lines' -H 'w= 1' -H 'u=ü"\' -H z
	printf 'x|' | kcat -b "$KC_KAFKA" -P -t kx-c -p 0 -Z -K '|'
	consume topics=kx-c -e >lines
	grep -c '^{"schema":{"type":"bytes"' lines | grep -qx 1
	produce topic=kx-c2 <lines
	for p in 0 1; do
		diff <(topic_read kx-c -p $p -f '%T|%k|%s|%h|%S\n' | od -c) \
			<(topic_read kx-c2 -p $p -f '%T|%k|%s|%h|%S\n' | od -c)
	done
	topic_read kx-c2 -p 1 -f '%h' | grep -aq 'n=null'
}

@test "offset: earliest, latest, a number, a time; partition; -n" {
	topic_create kx-d 2
	for p in 0 1; do
		seq 0 9 | sed "s/.*/{\"topic\":\"kx-d\",\"partition\":$p,\"value\":&,\"timestamp\":179538359900&}/"
	done | produce
	values() { consume topics=kx-d -e "$@" | jq -r 'select(.topic).value' | sort -n | tr '\n' ' '; }
	[ "$(values partition=1)" = "0 1 2 3 4 5 6 7 8 9 " ]
	[ "$(values offset=8)" = "8 8 9 9 " ]
	[ "$(values offset=@1795383599007 partition=0)" = "7 8 9 " ]
	[ -z "$(values offset=latest)" ]
	[ "$(values partition=0,1 | wc -w)" = 20 ]
	[ "$(values -n 3 partition=0)" = "0 1 2 " ]
	run consume topics=kx-d partition=7 -e
	[ "$status" = 75 ]
	run consume topics=kx-d offset=soon -e
	[ "$status" = 64 ]
	[[ "$output" == *offset*soon*earliest* ]]
}

@test "-e ends at the end there was: an empty topic, a transaction's marker" {
	topic_create kx-e
	[ -z "$(consume topics=kx-e -e)" ]
	numbers kx-e 1 3 | produce transactional.id=kx-e
	consume topics=kx-e -e -o off >out
	grep -c '^{"topic' out | grep -qx 3
	tail -1 out | grep -q '^{"checkpoint".*"kafka_offset":3}'
}

@test "aborted records are left out, unless isolation.level says else" {
	topic_create kx-f
	{ numbers kx-f 1 3; echo '{"topic":"kx-f","value":1,"partition":9}'; } >in
	run produce transactional.id=kx-f <in
	[ "$status" = 65 ]
	numbers kx-f 4 5 | produce transactional.id=kx-f
	[ "$(consume topics=kx-f -e | jq -r '.value // empty' | tr '\n' ' ')" = "4 5 " ]
	[ "$(consume topics=kx-f -e isolation.level=read_uncommitted | grep -c value)" -ge 2 ]
}

@test "-o: goes on after what the sink has stored, not after what was read" {
	topic_create kx-g
	topic_create kx-g2
	numbers kx-g 1 100 | produce
	consume topics=kx-g -e -o off -n 40 >/dev/null
	[ ! -e off ]
	consume topics=kx-g -e -o off -n 40 | produce topic=kx-g2 -o off
	grep -q '"kafka_offset":39' off
	consume topics=kx-g -e -o off | produce topic=kx-g2 -o off
	[ "$(topic_read kx-g2 -f '%s\n' | sort -n | uniq | wc -l)" = 100 ]
	[ "$(topic_read kx-g2 -f '%s\n' | wc -l)" = 100 ]
}

@test "topics by regex, Java's whole match; a new topic is found" {
	topic_create kx-h.a
	topic_create kx-h.b1
	topic_create kx-h.b12
	numbers kx-h.a 1 1 | produce
	numbers kx-h.b1 2 2 | produce
	numbers kx-h.b12 3 3 | produce
	[ "$(consume 'topics.regex=kx-h\.(a|b\d)' -e | jq .value | sort | tr '\n' ' ')" = "1 2 " ]
	run consume 'topics.regex=kx-(' -e
	[ "$status" = 64 ]
	[[ "$output" == *topics.regex* ]]
	topic_drop kx-h.late
	start_bg pid kc-consume bootstrap.servers="$KC_KAFKA" \
		'topics.regex=kx-h\..*' metadata.max.age.ms=500 >out
	wait_for 20 grep -q b12 out
	topic_create kx-h.late
	numbers kx-h.late 4 4 | produce
	wait_for 20 grep -q kx-h.late out
	[ "$(grep -c '^{"topic' out)" = 4 ]
	stop_bg "$pid"
	topic_drop kx-h.late
}

@test "topics missing, none given, both given" {
	run consume topics=kx-nowhere -e
	[ "$status" = 75 ]
	[[ "$output" == *kx-nowhere*create* ]]
	run consume -e
	[ "$status" = 64 ]
	run consume topics=a topics.regex=b -e
	[ "$status" = 64 ]
	run consume topics=a group.id=g offset=3 -e
	[ "$status" = 64 ]
}

@test "a broker that is down: 75 after default.api.timeout.ms" {
	run kc-consume bootstrap.servers=127.0.0.1:1 default.api.timeout.ms=1000 topics=a
	[ "$status" = 75 ]
	[[ "$output" == *127.0.0.1:1*refused* ]]
}

@test "an offset that is gone, and auto.offset.reset=none: 75" {
	topic_create kx-i
	numbers kx-i 1 3 | produce
	run consume topics=kx-i offset=50 auto.offset.reset=none
	[ "$status" = 75 ]
	[[ "$output" == *kx-i*auto.offset.reset* ]]
}

@test "a group commits what the store says, and nothing without one" {
	topic_create kx-j 2
	topic_create kx-j2
	numbers kx-j 1 1000 | produce
	consume topics=kx-j group.id=kx-j -e >out
	[ "$(wc -l <out)" = 1000 ]
	[ "$(lag group.id=kx-j topics=kx-j | jq -c .committed | sort -u)" = null ]
	consume topics=kx-j group.id=kx-j -e -o off revoke.wait.ms=0 2>err >/dev/null
	[ "$(lag group.id=kx-j topics=kx-j | jq -c .committed | sort -u)" = null ]
	consume topics=kx-j group.id=kx-j -e -o off | produce topic=kx-j2 partition.from=key -o off
	[ "$(lag group.id=kx-j topics=kx-j | jq -s 'map(.committed)|add')" = 1000 ]
	[ "$(lag -o off | jq -s 'map(.lag)|add')" = 0 ]
	# the group alone knows now
	rm off
	[ -z "$(consume topics=kx-j group.id=kx-j -e -o off)" ]
	[ "$(topic_read kx-j2 | wc -l)" = 1000 ]
}

@test "two members: one comes, one goes, nothing is lost" {
	topic_create kx-k 4
	topic_create kx-k2
	numbers kx-k 1 2000 | produce
	member() {
		echo "kc-consume bootstrap.servers=$KC_KAFKA topics=kx-k group.id=kx-k session.timeout.ms=6000 -o $1.off |
			kc-produce bootstrap.servers=$KC_KAFKA topic=kx-k2 partition.from=key -o $1.off"
	}
	have() { [ "$(topic_read kx-k2 -f '%s\n' | sort -u | wc -l)" = "$1" ]; }
	start_bg a bash -c "$(member a)" 2>a.err
	wait_for 30 have 2000
	start_bg b bash -c "$(member b)" 2>b.err
	numbers kx-k 2001 20000 | produce
	wait_for 30 have 20000
	wait_for 30 [ -s b.off ] # it got partitions, and stored
	# one dies with all it has, the other takes over
	kill -KILL -- "-$a"
	numbers kx-k 20001 22000 | produce
	wait_for 60 have 22000
	numbers kx-k 22001 23000 | produce
	wait_for 30 have 23000
	wait_for 30 eval '[ "$(lag group.id=kx-k topics=kx-k | jq -s "map(.lag)|add")" = 0 ]'
	stop_bg "$b" || true
	diff <(seq 1 23000) <(topic_read kx-k2 -f '%s\n' | sort -nu)
	# politely given partitions are not repeated but for what was under way
	[ "$(topic_read kx-k2 | wc -l)" -lt 46000 ]
}

@test "a polite rebalance repeats nothing" {
	topic_create kx-l 4
	topic_create kx-l2
	numbers kx-l 1 2000 | produce
	member() {
		echo "kc-consume bootstrap.servers=$KC_KAFKA topics=kx-l group.id=kx-l -o $1.off |
			kc-produce bootstrap.servers=$KC_KAFKA topic=kx-l2 partition.from=key -o $1.off"
	}
	start_bg a bash -c "$(member a)" 2>a.err
	wait_for 30 [ -s a.off ]
	start_bg b bash -c "$(member b)" 2>b.err
	numbers kx-l 2001 20000 | produce
	wait_for 30 [ -s b.off ]
	wait_for 30 eval '[ "$(topic_read kx-l2 | wc -l)" -ge 20000 ]'
	stop_bg "$a" || true
	numbers kx-l 20001 21000 | produce
	wait_for 60 eval '[ "$(topic_read kx-l2 | wc -l)" -ge 21000 ]'
	stop_bg "$b" || true
	diff <(seq 1 21000) <(topic_read kx-l2 -f '%s\n' | sort -n)
}

@test "TERM ends the output; the pipe drains, stores and commits" {
	topic_create kx-m
	topic_create kx-m2
	numbers kx-m 1 500 | produce
	echo "kc-consume bootstrap.servers=$KC_KAFKA topics=kx-m group.id=kx-m -o off |
		kc-produce bootstrap.servers=$KC_KAFKA topic=kx-m2 -o off
		echo \${PIPESTATUS[@]} >status" >pipe
	start_bg pid bash pipe
	wait_for 30 eval '[ "$(topic_read kx-m2 | wc -l)" = 500 ]'
	kill -TERM "$(ps -s "$pid" -o pid=,comm= | awk '$2 == "kc-consume" { print $1 }')"
	wait "$pid"
	[ "$(cat status)" = "0 0" ]
	[ "$(lag group.id=kx-m topics=kx-m | jq .lag)" = 0 ]
}

@test "a reader that goes away ends it" {
	topic_create kx-n
	numbers kx-n 1 1000 | produce
	timeout 20 bash -c "kc-consume bootstrap.servers=$KC_KAFKA topics=kx-n | head -1 >out; [ \${PIPESTATUS[0]} != 124 ]"
	[ "$(wc -l <out)" = 1 ]
	run bash -c "kc-consume bootstrap.servers=$KC_KAFKA topics=kx-n -e >/dev/full"
	[ "$status" = 74 ]
}

@test "one pipe to a store: the second reader is told who has it" {
	topic_create kx-o
	start_bg pid kc-consume bootstrap.servers="$KC_KAFKA" topics=kx-o -o off >out
	wait_for 20 [ -e off.lock ]
	run consume topics=kx-o -o off -e
	[ "$status" = 75 ]
	[[ "$output" == *"process"*"one pipe to a store"* ]]
}

@test "TERM when the broker is gone and a position is still to be told to it: it ends" {
	make -s -C "$KC_ROOT" build/mock
	start_bg mock "$KC_ROOT/build/mock" >broker 2>/dev/null
	wait_for 10 [ -s broker ]
	echo '{"topic":"t","key":1,"value":1}' | kc-produce -b "$(cat broker)"
	start_bg pid kc-consume -b "$(cat broker)" -t t -g g -o off >out 2>err
	wait_for 30 grep -q '"topic"' out
	stop_bg "$mock" KILL || true
	kill -TERM "$pid"
	jq -c .source out >off
	wait_for 30 eval '! kill -0 "$pid" 2>/dev/null'
	grep -q "no broker to leave the group at" err
}

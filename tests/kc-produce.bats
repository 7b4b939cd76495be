#!/usr/bin/env bats
# kc-produce against a real broker: what a record becomes, what may go wrong,
# transactions. Topics begin with kp-.

load lib

produce() { kc-produce bootstrap.servers="$KC_KAFKA" "$@"; }

# lines TOPIC FIRST LAST: records with keys and positions.
lines() {
	seq "$2" "$3" | sed "s/.*/{\"topic\":\"$1\",\"key\":{\"id\":&},\"value\":{\"id\":&,\"note\":\"n&\"},\"source\":{\"partition\":{\"s\":\"a\"},\"offset\":{\"n\":&}}}/"
}

# own_broker [OPTION...]: one of this test alone, in $broker.
own_broker() {
	local port
	port=$((20000 + RANDOM % 5000 * 2))
	while (: <>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do
		port=$((20000 + RANDOM % 5000 * 2))
	done
	"$KC_ROOT/tests/services/kafka" start "$KC_TMP/kafka" $port "$@"
	broker=127.0.0.1:$port
}

teardown() {
	[ ! -d "$KC_TMP/kafka" ] ||
		"$KC_ROOT/tests/services/kafka" stop "$KC_TMP/kafka"
	kc_teardown
}

@test "key, value, tombstone, timestamp, partition and headers" {
	topic_create kp-a 3
	produce <<-'X'
	{"topic":"kp-a","key":{"id": 1},"value":{"a":[1,2.50]},"partition":2,"timestamp":1795383599000,"headers":[["t","a\"1"],["n",12.0],["z",null],["e",""],["t","ü"]]}
	{"topic":"kp-a","key":"k","value":null,"partition":2,"timestamp":1795383599001}
	{"topic":"kp-a","value":"abc","partition":2,"timestamp":1795383599002}
	{"topic":"kp-a","key":7,"partition":2,"timestamp":1795383599003}
	X
	topic_read kp-a -J | jq -c '[.partition,.ts,.key,.payload,.headers]' >out
	diff - out <<-'X'
	[2,1795383599000,"{\"id\": 1}","{\"a\":[1,2.50]}",["t","a\"1","n","12.0","z",null,"e","","t","ü"]]
	[2,1795383599001,"\"k\"",null,null]
	[2,1795383599002,null,"\"abc\"",null]
	[2,1795383599003,"7",null,null]
	X
}

@test "bytes go as they are, an empty value is no tombstone" {
	topic_create kp-b
	produce <<-'X'
	{"topic":"kp-b","keyBytes":"/wAK","valueBytes":"AAEC"}
	{"topic":"kp-b","key":1,"valueBytes":""}
	X
	topic_read kp-b -c1 -f '%k%s' | od -An -tx1 | tr -d ' \n' >out
	[ "$(cat out)" = ff000a000102 ]
	[ "$(topic_read kp-b -o1 -f '%S')" = 0 ]
}

@test "topic=NAME takes every record; the same key goes where Java sends it" {
	topic_create kp-c 5
	lines elsewhere 1 50 | produce topic=kp-c
	topic_create kp-c2 5
	seq 1 50 | sed 's/.*/{"id":&}|x/' | kcat -b "$KC_KAFKA" -P -t kp-c2 -K '|' \
		-X topic.partitioner=murmur2_random
	diff <(topic_read kp-c2 -f '%p %k\n' | sort) <(topic_read kp-c -f '%p %k\n' | sort)
}

@test "the position is stored once the broker has the records" {
	topic_create kp-d
	lines kp-d 1 5000 | produce -o off
	[ "$(cat off)" = '{"partition":{"s":"a"},"offset":{"n":5000}}' ]
	[ "$(topic_read kp-d -f '%s\n' | wc -l)" = 5000 ]
}

@test "checkpoints alone move the position" {
	echo '{"checkpoint":{"partition":{"s":"a"},"offset":{"n":9}}}' | produce -o off
	grep -q '"n":9' off
}

@test "a broker that is down: 75 after delivery.timeout.ms, no position" {
	run kc-produce bootstrap.servers=127.0.0.1:1 delivery.timeout.ms=1000 \
		-o off < <(lines kp-x 1 10)
	[ "$status" = 75 ]
	[[ "$output" == *"delivery.timeout.ms=1000"*"127.0.0.1:1"*"refused"* ]]
	[ ! -s off ]
}

@test "bootstrap.servers missing: 64" {
	run kc-produce </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *bootstrap.servers* ]]
}

@test "a bad value: 64 with property and value; an unknown name: the nearest" {
	run produce -X socket.timeout.ms=soon </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *socket.timeout.ms*soon* ]]
	run produce producer.linger.ms=-3 </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *linger.ms*-3* ]]
	run produce lingerms=5 </dev/null
	[ "$status" = 0 ]
	[[ "$output" == *lingerms*nearest*linger.ms* ]]
}

@test "Java's names: mapped, or refused with the remedy" {
	run produce buffer.memory=33554432 max.request.size=2000000 \
		max.block.ms=9000 send.buffer.bytes=-1 \
		key.serializer=org.apache.kafka.common.serialization.StringSerializer \
		partitioner.class=org.apache.kafka.clients.producer.internals.DefaultPartitioner \
		'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";' </dev/null
	[ "$status" = 0 ]
	[ -z "$output" ]
	run produce sasl.jaas.config=nothing </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *sasl.jaas.config*username* ]]
	run produce ssl.truststore.location=t.jks ssl.truststore.password=x </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *ssl.truststore.location*PEM* ]]
	run produce producer.buffer.memory=much </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *buffer.memory*much* ]]
}

@test "records that cannot be one: 65, or a dead letter" {
	topic_create kp-e 1
	cat >in <<-'X'
	{"topic":"kp-e","value":1}
	{"topic":"kp-e","value":2,"partition":5}
	{"topic":"kp-e","value":3,"partition":"x"}
	{"topic":"kp-e","valueBytes":"*"}
	{"topic":"kp-e","value":5,"headers":[["a"]]}
	{"topic":"no spaces","value":6}
	{"topic":"kp-e","value":7,"headers":[["a","AA==","0123456789abcdef"]]}
	{"topic":"kp-e"
	{"topic":"kp-e","value":9}
	X
	for n in 2 3 4 5 6 7 8; do
		run produce < <(sed -n ${n}p in)
		[ "$status" = 65 ]
	done
	run produce -D dead <in
	[ "$status" = 0 ]
	[[ "$output" == *"7 bad records"* ]]
	[ "$(jq -c .error.stage dead | sort -u)" = '"kc-produce"' ]
	[ "$(topic_read kp-e -f '%s ')" = "1 9 " ]
}

@test "too large here: 65 naming message.max.bytes; -D keeps it; raised, it goes" {
	topic_create kp-f 1 max.message.bytes=9000000
	{
		echo '{"topic":"kp-f","value":1}'
		printf '{"topic":"kp-f","value":"%s"}\n' "$(head -c 5000000 /dev/zero | tr '\0' x)"
		echo '{"topic":"kp-f","value":3}'
	} >in
	run produce <in
	[ "$status" = 65 ]
	[[ "$output" == *kp-f*message.max.bytes* ]]
	run produce -D dead <in
	[ "$status" = 0 ]
	[ "$(wc -l <dead)" = 1 ]
	topic_create kp-f 1 max.message.bytes=9000000
	produce max.request.size=8000000 <in
	[ "$(topic_read kp-f -f '%S ')" = "1 5000002 1 " ]
	# and back, through the pipe
	kc-consume bootstrap.servers="$KC_KAFKA" topics=kp-f -e |
		jq -r '.value|tostring|length' | tr '\n' ' ' >out
	[ "$(cat out)" = "1 5000000 1 " ]
}

@test "too large for the topic: 65; -D keeps it, replayable" {
	topic_create kp-g 1 max.message.bytes=2000
	printf '{"topic":"kp-g","key":1,"value":"%s"}\n' "$(head -c 5000 /dev/zero | tr '\0' x)" >in
	run produce -o off <in
	[ "$status" = 65 ]
	[[ "$output" == *kp-g*max.message.bytes* ]]
	run produce -D dead <in
	[ "$status" = 0 ]
	topic_create kp-g
	produce <dead
	[ "$(topic_read kp-g -f '%k %S')" = "1 5002" ]
}

@test "a compacted topic takes no record without key: 65" {
	topic_create kp-h 1 cleanup.policy=compact
	run produce <<<'{"topic":"kp-h","value":1}'
	[ "$status" = 65 ]
	[[ "$output" == *kp-h*compact* ]]
}

@test "a transaction is all or nothing" {
	topic_create kp-i
	lines kp-i 1 10 >in
	echo '{"topic":"kp-i","value":1,"partition":4}' >>in
	run produce transactional.id=kp-i -o off <in
	[ "$status" = 65 ]
	[ "$(topic_read kp-i | wc -l)" = 0 ]
	[ ! -s off ]
	lines kp-i 1 10 | produce transactional.id=kp-i -o off
	[ "$(topic_read kp-i | wc -l)" = 10 ]
	grep -q '"n":10' off
}

@test "positions in the transaction, in Connect's format" {
	topic_create kp-j
	topic_create kp-j-offsets 1 cleanup.policy=compact
	lines kp-j 1 100 | produce transactional.id=kp-j name=inv -o kafka:kp-j-offsets
	topic_read kp-j-offsets -f '%k %s\n' | tail -1 >out
	[ "$(cat out)" = '["inv",{"s":"a"}] {"n":100}' ]
	# and by the store's own process, without a transaction
	lines kp-j 101 200 | produce name=inv -o kafka:kp-j-offsets
	topic_read kp-j-offsets -f '%k %s\n' | tail -1 >out
	[ "$(cat out)" = '["inv",{"s":"a"}] {"n":200}' ]
}

@test "fenced by a second process of the same id: 75, the second goes on" {
	topic_create kp-k
	mkfifo in
	start_bg first bash -c 'exec kc-produce "$@" <in' - bootstrap.servers="$KC_KAFKA" transactional.id=kp-k 2>err
	exec 5>in
	lines kp-k 1 1 >&5
	wait_for 20 eval '[ "$(topic_read kp-k | wc -l)" = 1 ]'
	lines kp-k 2 2 | produce transactional.id=kp-k
	lines kp-k 3 3 >&5
	wait_for 20 eval '! kill -0 $first 2>/dev/null'
	exec 5>&-
	run wait "$first"
	[ "$status" = 75 ]
	grep -q 'fenced.*transactional.id' err
	[ "$(topic_read kp-k -f '%k ')" = '{"id":1} {"id":2} ' ]
}

@test "an id in the store: the source fences who has it, before it reads" {
	topic_create kp-q
	topic_create kp-q-in
	topic_create kp-q-off 1 cleanup.policy=compact
	store="kafka:kp-q-off?name=q&bootstrap.servers=$KC_KAFKA&transactional.id=kp-q"
	seq 1 10 | sed 's/.*/{"topic":"kp-q-in","value":&}/' | produce
	mkfifo in
	start_bg old bash -c 'exec kc-produce "$@" <in' - bootstrap.servers="$KC_KAFKA" -o "$store" 2>err
	exec 5>in
	kc-consume bootstrap.servers="$KC_KAFKA" topics=kp-q-in -e >lines
	sed 's/kp-q-in/kp-q/' lines >&5
	wait_for 20 eval '[ "$(topic_read kp-q | wc -l)" = 10 ]'
	kc-consume bootstrap.servers="$KC_KAFKA" topics=kp-q-in -e -o "$store" |
		produce topic=kp-q -o "$store"
	lines kp-q 3 3 >&5
	wait_for 20 eval '! kill -0 $old 2>/dev/null'
	exec 5>&-
	run wait "$old"
	[ "$status" = 75 ]
	grep -q fenced err
	[ "$(topic_read kp-q | wc -l)" = 10 ]
}

@test "kill -9 at any instant repeats and loses nothing, by transactions" {
	topic_create kp-l 1
	topic_create kp-l-out 1
	topic_create kp-l-off 1 cleanup.policy=compact
	seq 1 60000 | sed 's/.*/{"topic":"kp-l","value":{"id":&}}/' | produce
	cat >pipe <<-X
	kc-consume bootstrap.servers=$KC_KAFKA topics=kp-l -e -o 'kafka:kp-l-off?name=l&bootstrap.servers=$KC_KAFKA' |
	kc-produce bootstrap.servers=$KC_KAFKA topic=kp-l-out transactional.id=kp-l \
		transaction.max.records=500 -o 'kafka:kp-l-off?name=l'
	X
	for i in $(seq 12); do
		start_bg pid bash pipe 2>>err
		sleep "0.$((RANDOM % 40 + 10))"
		victim=$(ps -s "$pid" -o pid=,comm= | awk -v n=$((i % 2)) \
			'$2 == (n ? "kc-produce" : "kc-consume") { print $1 }' | head -1)
		[ -z "$victim" ] || kill -KILL $victim
		wait "$pid" || true
	done
	bash pipe
	topic_read kp-l-out -f '%s\n' >out
	diff <(seq 1 60000 | sed 's/.*/{"id":&}/') out
}

@test "the broker stops and starts: input waits, then everything is there once" {
	own_broker
	mkfifo in
	start_bg pid bash -c 'exec kc-produce "$@" <in' - bootstrap.servers=$broker -o off 2>err
	exec 5>in
	lines kp-m 1 20000 >&5
	"$KC_ROOT/tests/services/kafka" stop "$KC_TMP/kafka"
	lines kp-m 20001 200000 >&5 &
	wait_for 20 grep -q 'trying on' err
	kill -0 "$pid"
	"$KC_ROOT/tests/services/kafka" start "$KC_TMP/kafka" "${broker#*:}"
	wait $!
	exec 5>&-
	wait "$pid"
	kcat -b $broker -q -C -e -o beginning -t kp-m -f '%k\n' >out
	diff <(seq 1 200000 | sed 's/.*/{"id":&}/') out
	grep -q '"n":200000' off
}

@test "no such topic and none is created: 75 with the remedy; or it is created" {
	own_broker auto.create.topics.enable=false
	run kc-produce bootstrap.servers=$broker max.block.ms=2000 \
		delivery.timeout.ms=5000 < <(lines kp-n 1 3)
	[ "$status" = 75 ]
	[[ "$output" == *kp-n*topic.creation.default* ]]
	lines kp-n 1 3 | kc-produce bootstrap.servers=$broker \
		topic.creation.default.partitions=2 topic.creation.default.replication.factor=1
	[ "$(kcat -b $broker -L -t kp-n | grep -c 'partition [01],')" = 2 ]
	[ "$(kcat -b $broker -q -C -e -o beginning -t kp-n | wc -l)" = 3 ]
}

@test "a wrong password: 75 at once; a right one without the privilege: 75" {
	local sasl=$((20000 + RANDOM % 5000 * 2))
	while (: <>/dev/tcp/127.0.0.1/$sasl) 2>/dev/null; do
		sasl=$((20000 + RANDOM % 5000 * 2))
	done
	local port=$((sasl > 29000 ? sasl - 100 : sasl + 100))
	"$KC_ROOT/tests/services/kafka" start "$KC_TMP/kafka" $port \
		"listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),SASL_PLAINTEXT://127.0.0.1:$sasl" \
		"advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL_PLAINTEXT://127.0.0.1:$sasl" \
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT \
		sasl.enabled.mechanisms=PLAIN \
		'listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_kc="right";' \
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer \
		super.users=User:ANONYMOUS
	as() {
		echo "bootstrap.servers=127.0.0.1:$sasl
		security.protocol=SASL_PLAINTEXT
		sasl.mechanism=PLAIN
		sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"kc\" password=\"$1\";" >as.properties
	}
	lines kp-r 1 1 | kc-produce bootstrap.servers=127.0.0.1:$port
	as wrong
	run kc-produce -c as.properties < <(lines kp-r 1 1)
	[ "$status" = 75 ]
	[[ "$output" == *sasl.password* ]]
	[[ "$output" != *wrong* ]]
	run kc-consume -c as.properties topics=kp-r -e
	[ "$status" = 75 ]
	[[ "$output" == *sasl.password* ]]
	as right
	run kc-produce -c as.properties < <(lines kp-r 1 1)
	[ "$status" = 75 ]
	[[ "$output" == *kp-r*"grant Write"* ]]
	run kc-consume -c as.properties topics=kp-r -e
	[ "$status" = 75 ]
	[[ "$output" == *kp-r* ]]
}

@test "dead letters that cannot be written: 74" {
	run produce -D /dev/full <<<'nonsense'
	[ "$status" = 74 ]
}

@test "TERM to the pipe's end: what was read is written" {
	topic_create kp-o
	mkfifo in
	start_bg pid bash -c 'exec kc-produce "$@" <in' - bootstrap.servers="$KC_KAFKA" -o off
	exec 5>in
	lines kp-o 1 100 >&5
	wait_for 10 handles_term "$pid"
	kill -TERM "$pid"
	lines kp-o 101 200 >&5
	exec 5>&-
	wait "$pid"
	[ "$(topic_read kp-o | wc -l)" = 200 ]
	grep -q '"n":200' off
}

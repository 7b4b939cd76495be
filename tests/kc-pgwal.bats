#!/usr/bin/env bats
# kc-pgwal: slot, snapshot, log, positions, and what goes wrong. Types against
# the real Debezium's events. Databases: pw_, slots and publications: pw_.

bats_require_minimum_version 1.5.0
load lib

# What kcp runs, into args; slot, publication and prefix are named after the
# database.
kcp_args() {
	local db=$1
	shift
	# shellcheck disable=SC2206 # properties without blanks
	args=(kc-pgwal -q $KC_PG_PROPS database.dbname="$db" topic.prefix="$db"
		slot.name="$db" publication.name="$db"
		publication.autocreate.mode=filtered "$@")
}

# kcp DB PROPERTY...
kcp() {
	kcp_args "$@"
	"${args[@]}"
}

# kcp_bg VAR DB PROPERTY...
kcp_bg() {
	local var=$1
	shift
	kcp_args "$@"
	start_bg "$var" "${args[@]}"
}

records() { grep '^{"topic"' "$1"; }

# Events as one word each: op, key, what is after.
short() {
	records "$1" | jq -r 'if .value == null then "\(.key | tojson) gone"
		else "\(.value.op) \(.key | tojson) \(.value.after | tojson)" end'
}

# The last position of a stream becomes the store FILE.
store_last() {
	tail -n 1 "$1" | jq -c '.checkpoint // .source' >"$2"
}

confirmed() {
	pg "$1" -qAtc "select confirmed_flush_lsn - '0/0' from pg_replication_slots where slot_name='$1'"
}

two_tables() {
	fresh_pg "$1"
	pg "$1" -q <<-'X'
	create table a(id int primary key, v text);
	create table b(id int primary key, v text);
	insert into a values (1,'one'),(2,'two'),(3,null);
	insert into b values (1,E'tab\tback\\slash\nline');
	X
}

@test "snapshot, then the log: nothing between them is lost" {
	two_tables pw_snap
	kcp pw_snap -o off -e >one
	[ "$(records one | jq -r '[.topic, .value.op, .value.source.snapshot, .value.after.v] | tojson')" = \
'["pw_snap.public.a","r","first","one"]
["pw_snap.public.a","r","true","two"]
["pw_snap.public.a","r","last_in_data_collection",null]
["pw_snap.public.b","r","last","tab\tback\\slash\nline"]' ]
	store_last one off
	pg pw_snap -qc "insert into a values (4,'four'); update a set v='2' where id=2; update a set id=9 where id=1; delete from a where id=3"
	kcp pw_snap -o off -e >two
	short two >got
	diff got - <<-'X'
	c {"id":4} {"id":4,"v":"four"}
	u {"id":2} {"id":2,"v":"2"}
	d {"id":1} null
	{"id":1} gone
	c {"id":9} {"id":9,"v":"one"}
	d {"id":3} null
	{"id":3} gone
	X
}

# Of one change the same in every run but for these: the clock, and how far the
# server said to be between transactions.
volatile='s/"(ts_(ms|us|ns)|lsn_commit)":[0-9]+//g; s/"sequence":"[^]]*\]"//'

@test "stopped after every line and started again: nothing lost or repeated" {
	two_tables pw_every
	kcp pw_every -o off -e snapshot.mode=no_data >start
	store_last start off
	pg pw_every -q <<-'X'
	insert into a select i, 'n'||i from generate_series(10,14) i;
	begin; update a set id=100 where id=10; delete from a where id=11; truncate b; insert into b values (5,'x'); commit;
	X
	cp off at_start
	kcp pw_every -o off -e skipped.operations=none >whole
	records whole | sed -E "$volatile" >want
	cp at_start off
	: >got
	for _ in $(seq 30); do
		kcp pw_every -o off -e skipped.operations=none >run || true
		records run | head -n 1 >line
		[ -s line ] || break
		cat line >>got
		jq -c .source line >off
	done
	sed -i -E "$volatile" got
	[ "$(wc -l <want)" -gt 10 ]
	diff want got
}

@test "types: values and schemas are those of the real Debezium" {
	fresh_pg pw_types
	pg pw_types -q -f "$KC_ROOT/tests/golden/debezium-postgres/types.sql"
	pg pw_types -qc "insert into types(id, tsz) values (100, '2020-01-01 00:00:00+00')"
	kcp pw_types -o off -e topic.prefix=zpg skipped.operations=none >out
	store_last out off
	pg pw_types -q -f "$KC_ROOT/tests/golden/debezium-postgres/rows.sql"
	kcp pw_types -o off -e topic.prefix=zpg skipped.operations=none >>out
	grep -v '^{"checkpoint"' out |
		jq -c 'if .schema then . else del(.source) | del(.value.source)
			| del(.value.ts_ms, .value.ts_us, .value.ts_ns) end' |
		awk '!seen[$0]++ || !/^{"schema"/' >got
	golden debezium-postgres/events.json <got
}

@test "a value that was not sent: placeholder, and named in unchanged" {
	fresh_pg pw_toast
	pg pw_toast -q <<-'X'
	create table t(id int primary key, big text, n int);
	alter table t alter big set storage external;
	insert into t values (1, repeat('x', 9000), 1);
	create table f(id int primary key, big text, n int);
	alter table f replica identity full;
	alter table f alter big set storage external;
	insert into f values (1, repeat('y', 9000), 1);
	X
	kcp pw_toast -o off -e snapshot.mode=no_data >one
	store_last one off
	pg pw_toast -qc "update t set n=2; update f set n=2"
	kcp pw_toast -o off -e >two
	records two | jq -c '[.unchanged, (.value.after.big | length), .value.before.n]' >got
	diff got - <<-'X'
	[["big"],28,null]
	[null,9000,1]
	X
}

@test "a column more in the middle of the log" {
	fresh_pg pw_ddl
	pg pw_ddl -qc "create table t(id int primary key)"
	kcp pw_ddl -o off -e snapshot.mode=no_data >one
	store_last one off
	pg pw_ddl -qc "insert into t values (1); alter table t add v text default 'd'; insert into t values (2,'b'); alter table t drop v; insert into t values (3)"
	kcp pw_ddl -o off -e >two
	[ "$(records two | jq -c .value.after)" = '{"id":1}
{"id":2,"v":"b"}
{"id":3}' ]
	[ "$(records two | jq -r .valueSchema | sort -u | wc -l)" = 2 ]
}

@test "only what the store has is confirmed; without a store nothing is" {
	two_tables pw_conf
	kcp pw_conf -o off -e snapshot.mode=no_data >one
	store_last one off
	before=$(confirmed pw_conf)
	pg pw_conf -qc "insert into a values (50,'x')"
	kcp pw_conf -e snapshot.mode=no_data >two
	[ "$(short two)" = 'c {"id":50} {"id":50,"v":"x"}' ]
	[ "$(confirmed pw_conf)" = "$before" ]
	kcp pw_conf -o off -e >three
	store_last three off
	kcp pw_conf -o off -e >four
	[ "$(confirmed pw_conf)" -gt "$before" ]
}

@test "a pipe that is idle moves the slot on, although nothing is captured" {
	two_tables pw_idle
	pg pw_idle -qc "create table other(x int)"
	kcp pw_idle -o off table.include.list=public.a snapshot.mode=no_data |
		kc-filesink -q file=out format=envelope -o off &
	KC_PIDS+=($!)
	wait_for 20 test -s off
	before=$(confirmed pw_idle)
	pg pw_idle -qc "insert into other select generate_series(1,1000)"
	moved() { [ "$(confirmed pw_idle)" -gt "$before" ]; }
	wait_for 40 moved
}

@test "a cut connection is made again: nothing lost, nothing repeated" {
	two_tables pw_cut
	kcp_bg pid pw_cut -o off -n 40 snapshot.mode=no_data >out 2>err
	active() { [ -n "$(pg pw_cut -qAtc "select active_pid from pg_replication_slots where slot_name='pw_cut' and active_pid is not null")" ]; }
	wait_for 20 active
	for i in $(seq 10); do
		pg pw_cut -qc "insert into a select i, 'x' from generate_series($((i * 10)), $((i * 10 + 3))) i"
		[ $((i % 4)) != 0 ] || pg pw_cut -qAtc "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name='pw_cut'" >/dev/null
	done
	wait "$pid"
	[ "$(records out | jq -r .key.id | sort -n | uniq | wc -l)" = 40 ]
	[ "$(records out | wc -l)" = 40 ]
}

@test "TERM ends it with 0, at once" {
	two_tables pw_term
	# shellcheck disable=SC2086
	kc-pgwal -q $KC_PG_PROPS database.dbname=pw_term topic.prefix=x slot.name=pw_term publication.name=pw_term publication.autocreate.mode=filtered >out &
	pid=$!
	wait_for 20 handles_term "$pid"
	four() { [ "$(records out | wc -l)" = 4 ]; }
	wait_for 20 four
	kill "$pid"
	wait "$pid"
}

@test "bad: server down, wrong password, no such database" {
	run -75 kc-pgwal -q database.hostname=127.0.0.1 database.port=1 database.user=x database.dbname=x topic.prefix=x
	[[ $output == *"127.0.0.1:1/x: cannot connect"*"database.hostname"* ]]
	# shellcheck disable=SC2086
	run -75 kc-pgwal -q $KC_PG_PROPS database.password=wrong database.dbname=postgres topic.prefix=x
	[[ $output == *"password"*"see database.user and database.password"* ]]
	# shellcheck disable=SC2086
	run -75 kc-pgwal -q $KC_PG_PROPS database.dbname=pw_nowhere topic.prefix=x
	[[ $output == *'"pw_nowhere" does not exist'*"database.dbname"* ]]
}

@test "bad: a user who may not replicate" {
	two_tables pw_priv
	pg postgres -qc "drop role if exists pw_plain" -c "create role pw_plain login password 'p'"
	# shellcheck disable=SC2086
	run -64 kc-pgwal -q $KC_PG_PROPS database.user=pw_plain database.password=p database.dbname=pw_priv topic.prefix=x
	[[ $output == *"user pw_plain may not replicate"*"ALTER ROLE pw_plain REPLICATION"* ]]
}

@test "bad: wal_level is not logical" {
	port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
	"$KC_ROOT/tests/services/postgres" start "$KC_TMP/pg" "$port" -c wal_level=replica
	run -64 kc-pgwal -q database.hostname=127.0.0.1 database.port="$port" database.user=kc database.password=kc database.dbname=postgres topic.prefix=x
	"$KC_ROOT/tests/services/postgres" stop "$KC_TMP/pg"
	[[ $output == *"wal_level=replica, must be logical"*"restart the server"* ]]
}

@test "bad: no publication, and none may be made" {
	two_tables pw_nopub
	run -64 kcp pw_nopub publication.autocreate.mode=disabled
	[[ $output == *"publication pw_nopub does not exist"*"CREATE PUBLICATION"* ]]
}

@test "bad: the slot is gone, or was made again" {
	two_tables pw_gone
	kcp pw_gone -o off -e snapshot.mode=no_data >one
	store_last one off
	pg pw_gone -qAtc "select pg_drop_replication_slot('pw_gone')" >/dev/null
	run -64 kcp pw_gone -o off -e
	[[ $output == *"slot pw_gone does not exist"*"kc-offset reset"*"when_needed"* ]]
	pg pw_gone -qc "insert into a values (77,'x')"
	pg pw_gone -qAtc "select pg_create_logical_replication_slot('pw_gone','pgoutput')" >/dev/null
	run -64 kcp pw_gone -o off -e
	[[ $output == *"slot pw_gone: confirmed at "*"but the store says "*"recreated"* ]]
	kcp pw_gone -o off -e snapshot.mode=when_needed >again
	[ "$(records again | jq -r .value.op | sort | uniq -c | tr -s ' ')" = " 5 r" ]
}

@test "bad: the slot is read by another process" {
	two_tables pw_busy
	kcp_bg pid pw_busy -o off snapshot.mode=no_data >out
	active() { [ -n "$(pg pw_busy -qAtc "select active_pid from pg_replication_slots where slot_name='pw_busy' and active_pid is not null")" ]; }
	wait_for 20 active
	run -75 kcp pw_busy -o off2
	[[ $output == *"slot pw_busy is in use by the server process "* ]]
	run -75 kcp pw_busy -o off
	[[ $output == *"one pipe to a store"* ]]
}

@test "bad: a table without a key is warned of" {
	fresh_pg pw_nokey
	pg pw_nokey -qc "create table t(x int)"
	kcp pw_nokey -o off -e snapshot.mode=no_data >one
	store_last one off
	pg pw_nokey -qc "insert into t values (1)"
	# shellcheck disable=SC2086
	kc-pgwal $KC_PG_PROPS database.dbname=pw_nokey topic.prefix=pw_nokey slot.name=pw_nokey publication.name=pw_nokey publication.autocreate.mode=filtered -o off -e >two 2>err
	grep -q "public.t has no primary key.*REPLICA IDENTITY FULL" err
	[ "$(records two | jq -c '[.key, .value.after]')" = '[null,{"x":1}]' ]
}

@test "a snapshot that was cut off is taken again" {
	two_tables pw_resnap
	kcp pw_resnap -o off -n 2 >one
	records one | head -n 2 | tail -n 1 | jq -c .source >off
	kcp pw_resnap -o off -e >two
	[ "$(records two | jq -r .value.op | sort | uniq -c | tr -s ' ')" = " 4 r" ]
}

@test "logical messages: of a transaction and of none, told once" {
	fresh_pg pw_msg
	pg pw_msg -qc "create table t(id int primary key)"
	kcp pw_msg -o off -e snapshot.mode=no_data >one
	store_last one off
	pg pw_msg -qAt >/dev/null <<-'X'
	begin; insert into t values (1); select pg_logical_emit_message(true, 'in', 'a'); insert into t values (2); commit;
	select pg_logical_emit_message(false, 'alone', 'b');
	select pg_logical_emit_message(true, 'not', 'c');
	X
	kcp pw_msg -o off -e message.prefix.exclude.list=not >two
	records two | jq -r 'if .value.op == "m" then "m \(.key.prefix) \(.value.message.content)" else "\(.value.op) \(.key.id)" end' >got
	diff got - <<-'X'
	c 1
	m in YQ==
	c 2
	m alone Yg==
	X
	# from the middle of the transaction, and from the message that is alone
	records two | sed -n 2p | jq -c .source >off
	kcp pw_msg -o off -e message.prefix.exclude.list=not >three
	[ "$(records three | wc -l)" = 2 ]
	records two | sed -n 4p | jq -c .source >off
	kcp pw_msg -o off -e message.prefix.exclude.list=not >four
	[ "$(records four | wc -l)" = 0 ]
}

@test "a reader that stands still does not cost the connection" {
	local port q
	port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
	"$KC_ROOT/tests/services/postgres" start "$KC_TMP/pg" "$port" -c wal_sender_timeout=2s
	q() { PGPASSWORD=kc psql -X -qAt -h 127.0.0.1 -p "$port" -U kc -d postgres -c "$1"; }
	q "create table a(id int primary key, v text)"
	q "insert into a select i, repeat('x', 200) from generate_series(1, 30000) i"
	mkfifo pipe
	exec 5<>pipe
	start_bg pid kc-pgwal -q database.hostname=127.0.0.1 database.port="$port" database.user=kc database.password=kc \
		database.dbname=postgres topic.prefix=s snapshot.mode=no_data status.update.interval.ms=300 >pipe 2>err 5>&-
	active() { [ -n "$(q "select active_pid from pg_replication_slots where active")" ]; }
	wait_for 20 active
	was=$(q "select active_pid from pg_replication_slots where active")
	q "update a set v=v||'y'"
	stood() { [ -n "$(q "select 1 from pg_stat_replication where now() - backend_start > '8 s'")" ] || ! active; }
	wait_for 30 stood
	[ "$was" = "$(q "select active_pid from pg_replication_slots where active")" ]
	start_bg cat cat pipe >out 5>&-
	all() { [ "$(grep -c '"op":"u"' out)" = 30000 ]; }
	wait_for 30 all
	exec 5>&-
	stop_bg "$pid"
	"$KC_ROOT/tests/services/postgres" stop "$KC_TMP/pg"
}

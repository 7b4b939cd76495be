#!/usr/bin/env bats
# kill -9 of a random process of a pipe at a random instant, under load, again
# and again; then source and target are compared row by row. Where the position
# is stored with the rows, inserts without a key show that nothing came twice.
# KC_ROUNDS: rounds of each test.

load lib

rounds=${KC_ROUNDS:-14}

setup() {
	kc_setup
	cd "$KC_TMP"
}

teardown() {
	: >"$KC_TMP/stop" # the writer ends
	kc_teardown
}

# Writes transactions of all sizes into table $1 of MariaDB database crash_my
# until the file stop exists: inserts, updates, deletes.
maria_load() {
	local n=0 i
	while [ ! -e stop ]; do
		n=$((n + 1))
		echo "insert into $1(v,note) select seq+$n, concat('n',seq) from seq_1_to_$((RANDOM % 40 + 1));"
		if [ "${2:-}" != inserts ]; then
			echo "begin;"
			for i in 1 2 3; do
				echo "update $1 set v=v+1, note=concat('u',$n) where id>(select m from (select max(id)-$((RANDOM % 300)) m from $1) x) limit $((RANDOM % 30 + 1));"
			done
			echo "delete from $1 where id%7=$((n % 7)) limit 5;"
			echo "commit;"
		fi
		# one large transaction now and then: kills land inside it
		[ $((n % 20)) != 0 ] || echo "insert into $1(v,note) select seq, repeat('x',200) from seq_1_to_3000;"
		echo "do sleep(0.005);"
	done | maria crash_my
}

pg_load() {
	local n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		echo "insert into $1(v,note) select i+$n,'n'||i from generate_series(1,$((RANDOM % 40 + 1))) i;"
		if [ "${2:-}" != inserts ]; then
			echo "begin; update $1 set v=v+1, note='u$n' where id%11=$((n % 11));"
			echo "delete from $1 where id%7=$((n % 7)) and id%5=0; commit;"
		fi
		[ $((n % 20)) != 0 ] || echo "insert into $1(v,note) select i,repeat('x',200) from generate_series(1,3000) i;"
		echo "select pg_sleep(0.005);"
	done | pg crash_pg -q >/dev/null
}

# The processes of session $1 but its leader, the shell.
members() {
	ps -s "$1" -o pid= | awk -v sh="$1" '$1 != sh { print $1 }'
}

# round PIPELINE: starts it, kills one of its processes; the rest must end.
round() {
	local sid pid victim pids
	setsid bash -c "$1" 2>>pipe.log 3>&- &
	sid=$!
	wait_for 10 eval "[ \"\$(members $sid | wc -l)\" -ge $2 ]" || {
		cat pipe.log
		return 1
	}
	sleep "0.$(printf %03d $((RANDOM % 900)))"
	# The process that keeps a store for a source may die unnoticed once the
	# source has its position: then one more is killed.
	victim=kc-offset
	while [[ $victim == *kc-offset* ]]; do
		mapfile -t pids < <(members "$sid")
		[ "${#pids[@]}" -gt 0 ] || break
		pid=${pids[RANDOM % ${#pids[@]}]}
		victim="$pid $(ps -o comm= -p "$pid")" || continue
		kill -9 "$pid" 2>/dev/null || true
	done
	wait_for 40 eval "[ -z \"\$(members $sid)\" ]" || {
		echo "after kill -9 of $victim the pipe did not end:"
		ps -s "$sid" -o pid,wchan,args
		tail -n 20 pipe.log
		return 1
	}
	wait "$sid" 2>/dev/null || true
}

# catch_up PIPELINE: it ends by itself, well.
catch_up() {
	bash -c "set -o pipefail; $1" 2>>pipe.log || {
		tail -n 30 pipe.log
		return 1
	}
}

@test "MariaDB to PostgreSQL, position in a file: nothing missing" {
	fresh_maria crash_my
	fresh_pg crash_to
	maria crash_my -e "create table t(id bigint auto_increment primary key, v int, note varchar(250))"
	source="kc-binlog $KC_MARIA_PROPS database.server.id=9101 topic.prefix=cr1 table.include.list=crash_my.t snapshot.mode=initial -o st.offsets"
	sink="kc-jdbcsink connection.url=$(pg_jdbc crash_to) connection.username=$KC_PG_USER connection.password=$KC_PG_PASSWORD insert.mode=upsert delete.enabled=true primary.key.mode=record_key schema.evolution=basic collection.name.format=t -o st.offsets"
	maria_load t 3>&- &
	load=$!
	for _ in $(seq "$rounds"); do
		round "$source | $sink" 2
	done
	touch stop
	wait "$load"
	catch_up "$source -e | $sink"
	maria crash_my -BN -e "select id,v,note from t order by id" >want
	pg crash_to -qAtF $'\t' -c "select id,v,note from t order by id" >got
	[ "$(wc -l <want)" -gt 100 ]
	diff want got | cut -c1-80 | head -n 20
	cmp want got
}

@test "PostgreSQL to SQLite, position with the rows: nothing missing, nothing twice" {
	fresh_pg crash_pg
	pg crash_pg -q -c "create table t(id bigserial primary key, v int, note text)"
	source="kc-pgwal $KC_PG_PROPS database.dbname=crash_pg topic.prefix=cr2 slot.name=cr2 publication.name=cr2 publication.autocreate.mode=filtered table.include.list=public.t snapshot.mode=initial -o sink:sink.properties"
	cat >sink.properties <<-X
	connection.url=jdbc:sqlite:$KC_TMP/to.db
	insert.mode=insert
	primary.key.mode=none
	schema.evolution=basic
	collection.name.format=t
	X
	sink="kc-jdbcsink -c sink.properties -o sink:"
	catch_up "$source -e | $sink" # a snapshot that is cut begins again
	pg_load t inserts 3>&- &
	load=$!
	for _ in $(seq "$rounds"); do
		round "$source | $sink" 2
	done
	touch stop
	wait "$load"
	catch_up "$source -e | $sink"
	pg crash_pg -qAtF '|' -c "select id,v,note from t order by id" >want
	sqlite3 to.db "select id,v,note from t order by id" >got
	pg crash_pg -qAt -c "select pg_drop_replication_slot('cr2')" >/dev/null
	[ "$(wc -l <want)" -gt 100 ]
	diff want got | cut -c1-80 | head -n 20
	cmp want got
}

@test "MariaDB to Kafka in transactions: nothing missing, nothing twice" {
	fresh_maria crash_my
	maria crash_my -e "create table k(id bigint auto_increment primary key, v int, note varchar(250))"
	topic=cr3-$RANDOM
	store="kafka:$topic-offsets?bootstrap.servers=$KC_KAFKA&name=$topic"
	source="kc-binlog $KC_MARIA_PROPS database.server.id=9103 topic.prefix=$topic table.include.list=crash_my.k snapshot.mode=initial -o '$store'"
	sink="kc-produce bootstrap.servers=$KC_KAFKA transactional.id=$topic -o '$store'"
	catch_up "$source -e | $sink" # a snapshot that is cut begins again
	maria_load k inserts 3>&- &
	load=$!
	for _ in $(seq "$rounds"); do
		round "$source | $sink" 2
	done
	touch stop
	wait "$load"
	catch_up "$source -e | $sink"
	maria crash_my -BN -e "select id from k order by id" >want
	kcat -b "$KC_KAFKA" -C -t "$topic.crash_my.k" -e -q -X isolation.level=read_committed |
		jq -r .after.id | sort -n >got
	[ "$(wc -l <want)" -gt 100 ]
	diff want got | cut -c1-80 | head -n 20
	cmp want got
}

@test "Kafka to PostgreSQL, position with the rows: nothing missing, nothing twice" {
	fresh_pg crash_to2
	topic=cr4-$RANDOM
	topic_create "$topic" 3
	pg crash_to2 -q -c "create table t(id bigint, v bigint, note text)"
	cat >sink.properties <<-X
	connection.url=$(pg_jdbc crash_to2)
	connection.username=$KC_PG_USER
	connection.password=$KC_PG_PASSWORD
	insert.mode=insert
	primary.key.mode=none
	collection.name.format=t
	X
	source="kc-consume bootstrap.servers=$KC_KAFKA topics=$topic group.id=$topic consumer.auto.offset.reset=earliest consumer.session.timeout.ms=6000 -o sink:sink.properties"
	sink="kc-jdbcsink -c sink.properties -o sink:"
	(
		n=0
		while [ ! -e stop ]; do
			for _ in $(seq 300); do
				n=$((n + 1))
				echo "{\"id\":$n,\"v\":$((n * 3)),\"note\":\"note $n\"}"
			done
			sleep 0.02
		done | tee sent | kcat -P -b "$KC_KAFKA" -t "$topic" -X linger.ms=5
	) 3>&- &
	load=$!
	for _ in $(seq "$rounds"); do
		round "$source | $sink" 2
	done
	touch stop
	wait "$load"
	catch_up "$source -e | $sink"
	jq -r '"\(.id)|\(.v)|\(.note)"' sent >want
	pg crash_to2 -qAtF '|' -c "select id,v,note from t order by id" >got
	[ "$(wc -l <want)" -gt 100 ]
	diff want got | cut -c1-80 | head -n 20
	cmp want got
}

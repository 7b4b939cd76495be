#!/usr/bin/env bats
# Whole pipelines: a database's changes in another kind of database, through
# Kafka and without, started and stopped as people do. Databases: pd_.

load lib

# The tables of each test: the same statements in all databases.
create='create table t(id int primary key, name varchar(40), price decimal(9,2), day date, flag smallint)'
first="insert into t values (1,'tea',4.50,'2024-02-29',1),(2,'ü\"ß',-0.05,null,0),(3,null,null,'1999-12-31',null),(4,'gone',1,null,1)"
changes="update t set price=5.25, name='green tea' where id=1; delete from t where id=4; update t set id=30 where id=3; insert into t values (5,'日本',1234567.89,'2038-01-19',1)"
later="insert into t values (6,'later',0.01,'2026-01-01',0); update t set flag=7 where id=2"
query='select id,name,price,day,flag from t order by id'

rows_maria() { maria "$1" -BN -e "$query" | sed 's/NULL//g; s/\t/|/g'; }
rows_mysql8() { mysql8 "$1" -BN -e "$query" | sed 's/NULL//g; s/\t/|/g'; }
rows_pg() { pg "$1" -qAt -c "$query"; }
rows_sqlite() { sqlite3 "$1" "select id,name,printf('%.2f',price),day,flag from t order by id" 2>/dev/null | sed 's/||0.00|/|||/'; }

# same ROWS DB ROWS DB: the second has the rows of the first, soon.
same() {
	"rows_$1" "$2" >want
	[ -s want ]
	wait_for 30 eval "rows_$3 $4 2>/dev/null | cmp -s want -" || {
		"rows_$3" "$4" | diff want -
		tail -n 20 ./*.log
		return 1
	}
}

pg_sink() { # DB
	cat <<-X
	connection.url=$(pg_jdbc "$1")
	connection.user=$KC_PG_USER
	connection.password=$KC_PG_PASSWORD
	collection.name.format=t
	insert.mode=upsert
	pk.mode=record_key
	delete.enabled=true
	schema.evolution=basic
	X
}

# props WORD...: as lines of a file
lines() { printf '%s\n' "$@"; }

through_kafka() { # SERVER DB ID
	local props topic="pd_$1.$2.t"
	props=$([ "$1" = maria ] && echo "$KC_MARIA_PROPS" || echo "$KC_MYSQL8_PROPS")
	"fresh_$1" "$2"
	fresh_pg "$2"
	topic_create "$topic" 1
	"$1" "$2" -e "$create; $first"
	# shellcheck disable=SC2086 # properties without blanks
	lines $props topic.prefix="pd_$1" table.include.list="$2.t" database.server.id="$3" >source
	pg_sink "$2" >sink
	start_bg up bash -c "kc-binlog -c source -o up.offsets | kc-convert | kc-produce -b $KC_KAFKA -o up.offsets" 2>up.log
	start_bg down bash -c "kc-consume -b $KC_KAFKA -t $topic -g $topic -o sink:sink | kc-convert -r | kc-jdbcsink -c sink -o sink:" 2>down.log
	same "$1" "$2" pg "$2"
	"$1" "$2" -e "$changes"
	same "$1" "$2" pg "$2"
	stop_bg "$down" || true
	"$1" "$2" -e "$later; alter table t add more varchar(9); update t set more='m' where id>5"
	stop_bg "$up" || true
	"$1" "$2" -e "delete from t where id=1"
	# and on, where they were
	kc-binlog -c source -o up.offsets -e | kc-convert | kc-produce -b "$KC_KAFKA" -o up.offsets
	kc-consume -b "$KC_KAFKA" -t "$topic" -g "$topic" -o sink:sink -e | kc-convert -r | kc-jdbcsink -c sink -o sink:
	same "$1" "$2" pg "$2"
	"$1" "$2" -BN -e "select id, more from t where id>5" >want
	pg "$2" -qAt -F $'\t' -c "select id, more from t where id>5" | diff want -
}

@test "MariaDB, Kafka, PostgreSQL: changes, a new column, stopped and started again" {
	through_kafka maria pd_maria 7401
}

@test "MySQL 8, Kafka, PostgreSQL: changes, a new column, stopped and started again" {
	through_kafka mysql8 pd_mysql8 7402
}

@test "MariaDB to PostgreSQL without a broker, the position with the rows" {
	fresh_maria pd_direct
	fresh_pg pd_direct
	maria pd_direct -e "$create; $first"
	# shellcheck disable=SC2086 # properties without blanks
	lines $KC_MARIA_PROPS topic.prefix=pdd table.include.list=pd_direct.t database.server.id=7403 >source
	pg_sink pd_direct >sink
	start_bg pipe bash -c "kc-binlog -c source -o sink:sink | kc-jdbcsink -c sink -o sink:" 2>pipe.log
	same maria pd_direct pg pd_direct
	maria pd_direct -e "$changes"
	same maria pd_direct pg pd_direct
	stop_bg "$pipe" || true
	[ "$(pg pd_direct -qAt -c 'select count(*) from kc_offsets')" -ge 1 ]
	maria pd_direct -e "$later"
	kc-binlog -c source -o sink:sink -e | kc-jdbcsink -c sink -o sink:
	same maria pd_direct pg pd_direct
}

@test "PostgreSQL to SQLite without a broker, the position with the rows" {
	fresh_pg pd_lite
	pg pd_lite -q -c "$create; $first"
	# shellcheck disable=SC2086 # properties without blanks
	lines $KC_PG_PROPS database.dbname=pd_lite topic.prefix=pdl slot.name=pd_lite \
		publication.name=pd_lite publication.autocreate.mode=filtered \
		table.include.list=public.t >source
	pg_sink x | sed '/^connection/d' >sink
	echo connection.url=jdbc:sqlite:to.db >>sink
	start_bg pipe bash -c "kc-pgwal -c source -o sink:sink | kc-jdbcsink -c sink -o sink:" 2>pipe.log
	same pg pd_lite sqlite to.db
	pg pd_lite -q -c "$changes"
	same pg pd_lite sqlite to.db
	stop_bg "$pipe" || true
	pg pd_lite -q -c "$later"
	wait_for 10 eval '[ "$(pg pd_lite -qAtc "select active from pg_replication_slots where slot_name = '"'pd_lite'"'")" = f ]'
	kc-pgwal -c source -o sink:sink -e | kc-jdbcsink -c sink -o sink:
	same pg pd_lite sqlite to.db
	# what is done is confirmed to the server: nothing is left to be sent
	kc-pgwal -c source -o sink:sink -e | grep -c '^{"topic"' >count || true
	[ "$(cat count)" = 0 ]
	pg pd_lite -q -c "select pg_drop_replication_slot('pd_lite')"
}

@test "PostgreSQL, Kafka, MariaDB: the other way round" {
	fresh_pg pd_round
	fresh_maria pd_round
	topic_create pdr.public.t 1
	pg pd_round -q -c "$create; $first"
	# shellcheck disable=SC2086 # properties without blanks
	lines $KC_PG_PROPS database.dbname=pd_round topic.prefix=pdr slot.name=pd_round \
		publication.name=pd_round publication.autocreate.mode=filtered \
		table.include.list=public.t >source
	pg_sink x | sed '/^connection/d' >sink
	lines "connection.url=$(maria_jdbc pd_round)" connection.user="$KC_MARIA_USER" \
		connection.password="$KC_MARIA_PASSWORD" >>sink
	start_bg up bash -c "kc-pgwal -c source -o up.offsets | kc-convert | kc-produce -b $KC_KAFKA -o up.offsets" 2>up.log
	start_bg down bash -c "kc-consume -b $KC_KAFKA -t pdr.public.t -g pd_round -o down.offsets | kc-convert -r | kc-jdbcsink -c sink -o down.offsets" 2>down.log
	same pg pd_round maria pd_round
	pg pd_round -q -c "$changes"
	same pg pd_round maria pd_round
	stop_bg "$up" || true
	stop_bg "$down" || true
	wait_for 10 pg pd_round -q -c "select pg_drop_replication_slot('pd_round')"
}

@test "one file of properties for every stage of a pipe" {
	fresh_maria pd_one
	topic_create pdo.pd_one.t 1
	maria pd_one -e "$create; $first"
	# shellcheck disable=SC2086 # properties without blanks
	lines $KC_MARIA_PROPS | jq -R 'split("=") | {(.[0]): .[1]}' | jq -s 'add + {
		"connector.class": "io.debezium.connector.mysql.MySqlConnector",
		"tasks.max": "1", "topic.prefix": "pdo", "database.server.id": 7405,
		"table.include.list": "pd_one.t", "include.schema.changes": false,
		"key.converter": "org.apache.kafka.connect.json.JsonConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"value.converter.schemas.enable": false,
		"key.converter.schemas.enable": false,
		"schema.history.internal.kafka.bootstrap.servers": "kafka:9092",
		"schema.history.internal.kafka.topic": "h",
		"topic.creation.default.partitions": 1,
		"topic.creation.default.replication.factor": 1,
		"errors.tolerance": "none"} | {name: "pd", config: .}' >all.json
	kc-binlog -c all.json -o o -e 2>>err | kc-convert -c all.json 2>>err |
		kc-produce -c all.json -b "$KC_KAFKA" -o o 2>>err
	[ "$(topic_read pdo.pd_one.t -f '%k %s\n' | jq -c .after.id | grep -c '[0-9]')" = 4 ]
	cat err
	run grep -i "not known\|did you mean" err
	[ -z "$output" ]
}

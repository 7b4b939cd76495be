#!/usr/bin/env bats
# kc-jdbcsink: change events and flat rows into PostgreSQL, MariaDB, MySQL and
# SQLite, and what goes wrong. Databases: js_.

bats_require_minimum_version 1.5.0
load lib

topic=inv.shop.t
key_schema='{"schema":{"type":"struct","optional":false,"name":"t.Key","fields":[{"type":"int64","optional":false,"field":"id"}]},"id":"k1"}'
# columns COLUMN_SCHEMA...: the announcement of an Envelope over id and these.
announce() { # ID COLUMNS
	local row="{\"type\":\"struct\",\"optional\":true,\"name\":\"t.Value\",\"fields\":[{\"type\":\"int64\",\"optional\":false,\"field\":\"id\"}$2],\"field\":"
	echo "{\"schema\":{\"type\":\"struct\",\"optional\":false,\"name\":\"t.Envelope\",\"fields\":[$row\"before\"},$row\"after\"},{\"type\":\"string\",\"optional\":false,\"field\":\"op\"}]},\"id\":\"$1\"}"
}
note=',{"type":"string","optional":true,"field":"note"}'
price=',{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"10"},"field":"price"}'

n=0
# event OP ID BEFORE AFTER [SCHEMA]: one change event line.
event() {
	n=$((n + 1))
	echo "{\"topic\":\"$topic\",\"keySchema\":\"k1\",\"key\":{\"id\":$2},\"valueSchema\":\"${5:-v1}\",\"value\":{\"before\":$3,\"after\":$4,\"op\":\"$1\"},\"source\":{\"partition\":{\"server\":\"inv\"},\"offset\":{\"pos\":$n}}}"
}
row() { # ID NOTE [PRICE]
	echo "{\"id\":$1,\"note\":$2${3:+,\"price\":\"$3\"}}"
}

# The target TARGET: a fresh one; sets url and auth.
target() {
	auth=(connection.user=kc connection.password=kc)
	case $1 in
	pg) fresh_pg js_t; url=$(pg_jdbc js_t) ;;
	maria) fresh_maria js_t; url=$(maria_jdbc js_t) ;;
	mysql8) fresh_mysql8 js_t; url=$(mysql8_jdbc js_t) ;;
	sqlite) rm -f t.db; url=jdbc:sqlite:$KC_TMP/t.db; auth=() ;;
	esac
}

query() { # TARGET SQL: rows, | between columns
	case $1 in
	pg) pg js_t -qAt -c "$2" ;;
	maria | mysql8) "$1" js_t -BN -e "$2" | tr '\t' '|' ;;
	sqlite) sqlite3 t.db "$2" ;;
	esac
}

sink() { kc-jdbcsink -q connection.url="$url" "${auth[@]}" collection.name.format=t "$@"; }
upsert=(insert.mode=upsert pk.mode=record_key delete.enabled=true schema.evolution=basic)

changes_arrive() {
	target "$1"
	{
		echo "$key_schema"
		announce v1 "$note$price"
		event c 1 null "$(row 1 '"one"' 1.50)"
		event c 2 null "$(row 2 '"two ü\"\\\t"' -0.01)"
		event c 3 null "$(row 3 null 99999999.99)"
		event u 1 "$(row 1 '"one"' 1.50)" "$(row 1 '"uno"' 2.00)"
		event d 2 "$(row 2 '"two"' 0.00)" null
		echo "{\"topic\":\"$topic\",\"keySchema\":\"k1\",\"key\":{\"id\":2},\"value\":null}"
		event r 4 null "$(row 4 '""' 0.00)"
		announce v2 "$note$price,{\"type\":\"int32\",\"optional\":true,\"field\":\"more\"}"
		event c 5 null '{"id":5,"note":"x","price":"5.00","more":7}' v2
	} | sink "${upsert[@]}" -o off
	query "$1" "select id, coalesce(note,'(null)'), price, coalesce(more,-1) from t order by id" >got
	sed -i -E 's/\|(-?)\./|\10./; s/\|2\|/|2.00|/; s/\|2\.0\|/|2.00|/; s/\|5\|7/|5.00|7/; s/\|5\.0\|7/|5.00|7/; s/\|0(\.0)?\|-1/|0.00|-1/' got
	diff got - <<-'X'
	1|uno|2.00|-1
	3|(null)|99999999.99|-1
	4||0.00|-1
	5|x|5.00|7
	X
	grep -q '"pos":7}' off
}
@test "PostgreSQL: changes arrive, the table is made and grows" { changes_arrive pg; }
@test "MariaDB: changes arrive, the table is made and grows" { changes_arrive maria; }
@test "MySQL 8: changes arrive, the table is made and grows" { changes_arrive mysql8; }
@test "SQLite: changes arrive, the table is made and grows" { changes_arrive sqlite; }

many_arrive() {
	target "$1"
	{
		echo "$key_schema"
		announce v1 "$note"
		seq 1 5000 | sed "s/.*/{\"topic\":\"$topic\",\"keySchema\":\"k1\",\"key\":{\"id\":&},\"valueSchema\":\"v1\",\"value\":{\"before\":null,\"after\":{\"id\":&,\"note\":\"n&\"},\"op\":\"c\"}}/"
		seq 1 2 5000 | sed "s/.*/{\"topic\":\"$topic\",\"keySchema\":\"k1\",\"key\":{\"id\":&},\"valueSchema\":\"v1\",\"value\":{\"before\":null,\"after\":{\"id\":&,\"note\":\"u&\"},\"op\":\"u\"}}/"
		seq 1 3 5000 | sed "s/.*/{\"topic\":\"$topic\",\"keySchema\":\"k1\",\"key\":{\"id\":&},\"valueSchema\":\"v1\",\"value\":{\"before\":{\"id\":&},\"after\":null,\"op\":\"d\"}}/"
	} | sink "${upsert[@]}"
	query "$1" "select id, note from t order by id" >got
	seq 1 5000 | awk '($1-1)%3 { print $1 "|" ($1%2 ? "u" : "n") $1 }' | cmp - got
}
@test "PostgreSQL: thousands, the last of each key" { many_arrive pg; }
@test "MariaDB: thousands, the last of each key" { many_arrive maria; }
@test "MySQL 8: thousands, the last of each key" { many_arrive mysql8; }
@test "SQLite: thousands, the last of each key" { many_arrive sqlite; }

position_with_rows() {
	target "$1"
	printf '%s\n' "connection.url=$url" "${auth[@]}" collection.name.format=t \
		insert.mode=insert pk.mode=none schema.evolution=basic >sink.properties
	one() {
		echo "$key_schema"
		announce v1 "$note"
		event c 1 null "$(row 1 '"a"')"
		event c 2 null "$(row 2 '"b"')"
	}
	one | kc-jdbcsink -q -c sink.properties -o sink:
	echo '{"get":null}' | kc-jdbcsink -q -c sink.properties offsets >got
	diff got - <<-'X'
	{"partition":{"server":"inv"},"offset":{"pos":2}}
	{"end":1}
	X
	echo '{"put":[{"partition":{"server":"inv"},"offset":{"pos":77}}]}' |
		kc-jdbcsink -q -c sink.properties offsets | grep -q '"ok":true'
	kc-offset show -o sink:sink.properties | grep -q '"pos":77'
	[ "$(query "$1" 'select count(*) from t')" = 2 ]
}
@test "PostgreSQL: the position is in the rows' transaction" { position_with_rows pg; }
@test "MariaDB: the position is in the rows' transaction" { position_with_rows maria; }
@test "SQLite: the position is in the rows' transaction" { position_with_rows sqlite; }

@test "flat rows without schemas go into a table that is there" {
	target pg
	query pg "create table t(id int primary key, at timestamptz, n numeric(8,3), j jsonb, b boolean, note text default 'd')"
	printf '%s\n' '{"topic":"x","key":{"id":1},"value":{"id":1,"at":"2024-01-02T03:04:05Z","n":1.25,"j":{"a":[1]},"b":true,"note":"x"}}' \
		'{"topic":"x","key":{"id":2},"value":{"id":2,"n":2}}' |
		sink insert.mode=upsert pk.mode=record_value pk.fields=id
	query pg "select id, at at time zone 'UTC', n, j, b, note from t order by id" >got
	diff got - <<-'X'
	1|2024-01-02 03:04:05|1.250|{"a": [1]}|t|x
	2||2.000|||d
	X
}

@test "columns that were not sent stay as they are" {
	target pg
	{
		echo "$key_schema"
		announce v1 "$note"
		event c 1 null "$(row 1 '"big"')"
	} | sink "${upsert[@]}"
	{
		echo "$key_schema"
		announce v1 "$note"
		event u 1 null "$(row 1 '"__debezium_unavailable_value"')" | sed 's/,"source"/,"unchanged":["note"],"source"/'
	} | sink "${upsert[@]}"
	[ "$(query pg 'select note from t')" = big ]
}

@test "insert, update and truncate modes" {
	target pg
	query pg "create table t(id int primary key, note text)"
	printf '%s\n' "$key_schema" "$(announce v1 "$note")" "$(event c 1 null "$(row 1 '"a"')")" >one
	sink insert.mode=insert pk.mode=record_key <one
	printf '%s\n' "$key_schema" "$(announce v1 "$note")" "$(event u 1 null "$(row 1 '"b"')")" "$(event u 9 null "$(row 9 '"z"')")" >two
	sink insert.mode=update pk.mode=record_key <two
	[ "$(query pg 'select id, note from t')" = "1|b" ]
	{ printf '%s\n' "$key_schema" "$(announce v1 "$note")"
	  echo "{\"topic\":\"$topic\",\"valueSchema\":\"v1\",\"value\":{\"before\":null,\"after\":null,\"op\":\"t\"}}"
	} | sink "${upsert[@]}" truncate.enabled=true
	[ "$(query pg 'select count(*) from t')" = 0 ]
}

one_row() {
	printf '%s\n' "$key_schema" "$(announce v1 "$note")" "$(event c 1 null "$(row 1 '"a"')")"
}

@test "bad: server down, wrong password, no such database" {
	one_row >in
	run -75 kc-jdbcsink -q connection.url=jdbc:postgresql://127.0.0.1:1/x connection.user=x max.retries=0 "${upsert[@]}" <in
	[[ $output == *"127.0.0.1"* ]]
	target pg
	run -64 sink connection.password=wrong max.retries=0 "${upsert[@]}" <in
	[[ $output == *"password"* ]]
	run -64 kc-jdbcsink -q connection.url="$(pg_jdbc js_nowhere)" "${auth[@]}" max.retries=0 "${upsert[@]}" <in
	[[ $output == *"js_nowhere"* ]]
	run -64 kc-jdbcsink -q connection.url=jdbc:foo://x "${upsert[@]}" <in
	[[ $output == *"jdbc:foo"* ]]
}

@test "bad: table or column missing, without schema.evolution" {
	target pg
	one_row >in
	run -65 sink insert.mode=upsert pk.mode=record_key -o off <in
	[[ $output == *" t"*"schema.evolution"* || $output == *" t"*"auto.create"* ]]
	[ ! -s off ]
	query pg "create table t(id int primary key)"
	run -65 sink insert.mode=upsert pk.mode=record_key -o off <in
	[[ $output == *note* ]]
	[ ! -s off ]
}

@test "bad: a value that does not fit: 65 with its name, or a dead letter" {
	target pg
	query pg "create table t(id int primary key, note varchar(3) not null)"
	{
		echo "$key_schema"
		announce v1 "$note"
		for i in $(seq 1 50); do event c "$i" null "$(row "$i" '"ok"')"; done
		event c 51 null "$(row 51 '"too long"')"
		event c 52 null "$(row 52 null)"
		event c 53 null "$(row 53 '"end"')"
	} >in
	run -65 sink insert.mode=upsert pk.mode=record_key -o off <in
	[[ $output == *note* ]]
	sink insert.mode=upsert pk.mode=record_key -o off -D dead <in
	[ "$(query pg 'select count(*) from t')" = 51 ]
	[ "$(jq -c .key.id dead | tr '\n' ' ')" = "51 52 " ]
	jq -e '.error.stage == "kc-jdbcsink"' dead >/dev/null
	grep -q '"pos":53}' off
}

@test "a connection cut in the middle: nothing missing" {
	target pg
	{
		echo "$key_schema"
		announce v1 "$note"
		for i in $(seq 1 30); do
			event c "$i" null "$(row "$i" '"x"')"
			sleep 0.05
			[ $((i % 8)) != 0 ] || query pg "select pg_terminate_backend(pid) from pg_stat_activity where datname='js_t' and pid<>pg_backend_pid()" >/dev/null
		done
	} | sink "${upsert[@]}" retry.backoff.ms=50 -o off
	[ "$(query pg 'select count(*) from t')" = 30 ]
	grep -q '"pos":30}' off
}

@test "bad: SQLite's disk is full: the position does not move" {
	target sqlite
	one_row | sink "${upsert[@]}" -o off
	cp off before
	{
		one_row
		for i in $(seq 2 400); do event c "$i" null "$(row "$i" "\"$(printf 'x%.0s' $(seq 500))\"")"; done
	} >in
	(
		ulimit -f 60
		trap '' XFSZ
		sink "${upsert[@]}" max.retries=0 -o off <in
	) && false
	cmp off before
}

#!/usr/bin/env bats
# kc-binlog: every column type against the real Debezium's events
# (golden/make-debezium), and snapshots.
load lib

types=$KC_ROOT/tests/golden/types

# A server is maria or mysql8; what its SQL files are called.
sql_of() { if [ "$1" = maria ]; then echo mariadb; else echo mysql; fi; }

props_of() {
	if [ "$1" = maria ]; then echo "$KC_MARIA_PROPS"; else echo "$KC_MYSQL8_PROPS"; fi
}

# kcb SERVER DB PROPERTY...: kc-binlog over that database.
kcb() {
	local server=$1 db=$2
	shift 2
	# shellcheck disable=SC2046 # properties without blanks
	kc-binlog -q $(props_of "$server") topic.prefix=t \
		database.include.list="$db" "$@"
}

make_types() { # SERVER
	"fresh_$1" dbz_types
	cat "$types/types.sql" "$types/$(sql_of "$1").sql" | "$1" dbz_types
}

fill_types() { # SERVER [more SQL]
	{
		echo 'set @k=100;'
		cat "$types/rows.sql" "$types/$(sql_of "$1")-rows.sql" "${@:2}"
	} | "$1" dbz_types
}

# Envelopes in the golden files' form: schemas sorted, then records by topic,
# masked, without positions.
plain() {
	grep -v '^{"checkpoint"' "$1" >plain.all
	grep '^{"schema"' plain.all | LC_ALL=C sort -u
	grep '^{"topic"' plain.all | LC_ALL=C sort -s -t'"' -k4,4 |
		sed -E 's/,"source":\{"partition".*$/}/
			s/"(ts_ms|ts_us|ts_ns|pos|row|server_id)":[0-9]+/"\1":"*"/g
			s/"(version|file)":"[^"]*"/"\1":"*"/g
			s/"(thread)":(null|[0-9]+)/"\1":"*"/g
			s/"gtid":(null|"[^"]*")/"gtid":"*"/g'
}

# Topic, key and row of created rows ($1: c) or read ones (r).
rows_of() {
	grep -E "\"op\":\"$1\"" |
		sed -E 's/,"(keySchema|valueSchema)":"[^"]*"//g
			s/"before":null,//; s/,"source":\{"version".*$//' | LC_ALL=C sort
}

changes_as_debezium() { # SERVER
	local golden
	golden=$KC_ROOT/tests/golden/debezium-$(sql_of "$1")/events.json
	make_types "$1"
	# shellcheck disable=SC2046 # properties without blanks
	start_bg pid kc-binlog -q $(props_of "$1") topic.prefix=t \
		database.include.list=dbz_types snapshot.mode=no_data \
		skipped.operations=none database.server.id=$((RANDOM + 300000)) >out
	wait_for 20 grep -q checkpoint out
	fill_types "$1" "$types/changes.sql"
	wait_for 20 grep -q '"after":{"id":110,' out
	stop_bg "$pid"
	plain out >got
	diff "$golden" got
}

rows_as_debezium() { # SERVER
	make_types "$1"
	fill_types "$1"
	kcb "$1" dbz_types snapshot.mode=initial_only >out
	plain out | rows_of r >got
	# The log's first events of these rows, before anything was changed.
	rows_of c <"$KC_ROOT/tests/golden/debezium-$(sql_of "$1")/events.json" |
		grep -vE '"id":(110|199)' >want
	diff want got
}

@test "every type of MariaDB in the log is what Debezium makes of it" {
	changes_as_debezium maria
}

@test "every type of MySQL 8 in the log is what Debezium makes of it" {
	changes_as_debezium mysql8
}

@test "a snapshot of MariaDB has the same values as its log" {
	rows_as_debezium maria
}

@test "a snapshot of MySQL 8 has the same values as its log" {
	rows_as_debezium mysql8
}

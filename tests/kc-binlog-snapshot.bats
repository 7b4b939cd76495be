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
	local golden pid
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

# Two tables and an empty one between them.
make_pair() { # SERVER DB
	"fresh_$1" "$2"
	"$1" "$2" <<-Y
	create table a(id int primary key, n int);
	create table b(id int primary key);
	create table c(id int primary key, t varchar(10));
	insert into a values (1,10),(2,20),(3,30);
	insert into c values (7,'seven');
	Y
}

@test "marks say which row is first and last, and only the last completes" {
	make_pair maria snap_marks
	kcb maria snap_marks snapshot.mode=initial_only >out
	run sed -nE 's/.*"snapshot":"([^"]*)","db".*"table":"([^"]*)".*/\2 \1/p' out
	[ "$output" = "a first
a true
a last_in_data_collection
c last" ]
	[ "$(grep -c '"snapshot_completed":false' out)" = 3 ]
	tail -n 1 out | grep -q '^{"checkpoint":{"partition":{"server":"t"}'
	[ "$(tail -n 2 out | grep -c snapshot_completed)" = 0 ]
}

@test "a snapshot that was cut begins again; a complete one does not" {
	local at='"file":"bin.000001","pos":4'
	make_pair maria snap_again
	echo "{\"partition\":{\"server\":\"t\"},\"offset\":{$at,\"snapshot\":\"INITIAL\",\"snapshot_completed\":false}}" >st
	kcb maria snap_again snapshot.mode=initial_only -o st >out
	[ "$(grep -c '"op":"r"' out)" = 4 ]
	tail -n 1 out | sed 's/^{"checkpoint"://;s/}$//' >st
	kcb maria snap_again snapshot.mode=initial_only -o st >out
	[ ! -s out ]
}

@test "-n stops a snapshot in the middle, which then is not complete" {
	make_pair maria snap_n
	kcb maria snap_n -n 2 >out
	[ "$(grep -c '"topic"' out)" = 2 ]
	[ "$(grep -c '"snapshot_completed":false' out)" = 2 ]
	[ "$(grep -c checkpoint out)" = 0 ]
}

@test "snapshot.include.collection.list and an own SELECT choose the rows" {
	make_pair maria snap_some
	kcb maria snap_some snapshot.mode=initial_only \
		'snapshot.include.collection.list=snap_some\.a' \
		snapshot.select.statement.overrides=snap_some.a \
		'snapshot.select.statement.overrides.snap_some.a=select n, id from snap_some.a where id > 1' >out
	[ "$(grep -c '"op":"r"' out)" = 2 ]
	grep -q '"after":{"id":3,"n":30}' out
}

@test "no_data starts at the end of the log" {
	make_pair maria snap_none
	kcb maria snap_none snapshot.mode=no_data -e >out
	[ "$(grep -c '"topic"' out)" = 0 ]
	grep -q '"checkpoint"' out
}

# A snapshot taken while rows change, then the log to its end: what it says
# must be what the tables hold.
under_load() { # SERVER DB PROPERTY...
	local server=$1 db=$2 writer i
	shift 2
	"fresh_$server" "$db"
	"$server" "$db" <<-Y
	create table a(id int primary key, n int);
	create table b(id int primary key, n int);
	Y
	for ((i = 1; i <= 200; i++)); do
		echo "insert into a values($i,0); insert into b values($i,0);"
	done | "$server" "$db"
	for ((i = 1; i <= 3000; i++)); do
		echo "begin; update a set n=n+1 where id=$((i % 200 + 1));"
		echo "update b set n=n+1 where id=$((i % 200 + 1)); commit;"
	done >load.sql
	start_bg writer bash -c "source '$KC_ROOT/tests/lib.bash'; $server $db <load.sql"
	kcb "$server" "$db" -n 400 "$@" >/dev/null # among the writes
	kcb "$server" "$db" snapshot.mode=initial "$@" -e >out
	wait "$writer"
	tail -n 1 out | sed 's/^{"checkpoint"://;s/}$//' >st
	kcb "$server" "$db" -o st -e "$@" >>out
	# Every change is said once: each row counts up to its last value.
	sed -nE 's/.*"after":\{"id":([0-9]+),"n":([0-9]+)\}.*"table":"([ab])".*"op":"([ru])".*/\3 \1 \2 \4/p' out |
		awk '{ k = $1 " " $2; if ($4 == "r") { if (k in v) bad++ }
			else if ($3 != v[k] + 1) bad++; v[k] = $3 }
			END { for (k in v) print k, v[k]; exit bad > 0 }' |
		sort >got
	for t in a b; do
		"$server" "$db" -N -e "select '$t', id, n from $t" | tr '\t' ' '
	done | sort >want
	diff want got
}

@test "MariaDB: a snapshot under load loses and repeats nothing, without locks" {
	under_load maria snap_load
}

@test "MySQL 8: a snapshot under load loses and repeats nothing" {
	under_load mysql8 snap_load
}

@test "MySQL 8: with table locks, for a user without RELOAD" {
	mysql8 mysql <<-'Y'
	create user if not exists snap_user@'%' identified by 'pw';
	revoke all, grant option from snap_user@'%';
	grant select, lock tables on `snap\_load2`.* to snap_user@'%';
	grant replication client, replication slave on *.* to snap_user@'%';
	Y
	under_load mysql8 snap_load2 database.user=snap_user database.password=pw
}

@test "a missing privilege is named with its GRANT" {
	make_pair mysql8 snap_priv
	mysql8 mysql <<-'Y'
	create user if not exists snap_poor@'%' identified by 'pw';
	revoke all, grant option from snap_poor@'%';
	grant select on snap_priv.* to snap_poor@'%';
	Y
	run kcb mysql8 snap_priv database.user=snap_poor database.password=pw
	[ "$status" = 75 ]
	[[ "$output" = *"GRANT RELOAD"*"snapshot.locking.mode=none"* ]]
	run kcb mysql8 snap_priv database.user=snap_poor database.password=pw \
		snapshot.locking.mode=none
	[ "$status" = 75 ]
	[[ "$output" = *"GRANT REPLICATION CLIENT ON *.* TO 'snap_poor'"* ]]
}

@test "server down, wrong password, unknown host: 75 and a remedy" {
	run kc-binlog topic.prefix=t database.port=1 database.hostname=127.0.0.1
	[ "$status" = 75 ]
	[[ "$output" = *"127.0.0.1:1 as root: "*"is the server up"* ]]
	run kcb maria x database.password=wrong
	[ "$status" = 75 ]
	[[ "$output" = *"Access denied"*"check database.user and database.password"* ]]
	[[ "$output" != *wrong* ]]
	run kcb maria x database.ssl.mode=required
	[ "$status" = 75 ]
	[[ "$output" = *"does not offer TLS"* ]]
}

@test "a server whose log cannot serve, and one that has lost it" {
	local port=$((25000 + RANDOM % 2000)) p s=$KC_ROOT/tests/services/mariadb
	p="database.hostname=127.0.0.1 database.port=$port database.user=kc database.password=kc topic.prefix=t"
	"$s" start "$KC_TMP/db" "$port" --binlog-format=MIXED
	# shellcheck disable=SC2086 # properties without blanks
	run kc-binlog $p
	"$s" stop "$KC_TMP/db"
	[ "$status" = 64 ]
	[[ "$output" = *"binlog_format is MIXED, not ROW; SET GLOBAL binlog_format='ROW'"* ]]
	"$s" start "$KC_TMP/db" "$port"
	mariadb -h127.0.0.1 -P"$port" -ukc -pkc -e \
		'create database d; create table d.t(id int primary key); insert into d.t values(1)'
	echo '{"partition":{"server":"t"},"offset":{"file":"bin.000000","pos":4}}' >st
	# shellcheck disable=SC2086
	run kc-binlog $p -o st -e
	[ "$status" = 64 ]
	[[ "$output" = *"bin.000000"*"gone"*"when_needed"* ]]
	# shellcheck disable=SC2086
	kc-binlog -q $p -o st -e snapshot.mode=when_needed >out
	# shellcheck disable=SC2086
	kc-binlog -q $p -e snapshot.mode=never >log
	"$s" stop "$KC_TMP/db"
	[ "$(grep -c '"op":"r"' out)" = 1 ]
	[ "$(grep -c '"op":"c"' log)" = 1 ]
}

@test "lists, keys and names: which tables and columns, under what topic" {
	fresh_maria snap_lists
	maria snap_lists <<-'Y'
	create table Orders(id int primary key, a int, secret varchar(9));
	create table `o,d`(x int, y int);
	create table `ünï`(id int primary key);
	create table nope(id int);
	insert into Orders values (1,2,'s');
	insert into `o,d` values (3,4);
	insert into `ünï` values (5);
	insert into nope values (6);
	Y
	kcb maria snap_lists snapshot.mode=initial_only \
		'table.include.list=snap_lists\.orders , snap_lists\.o\,d,.*ï.*' \
		'column.exclude.list=SNAP_LISTS\.orders\.secret' \
		'message.key.columns=snap_lists\.o.d:y,x' topic.delimiter=_ >out
	run sed -nE 's/^\{"topic":"([^"]*)",(.*)"valueSchema.*"after":(\{[^}]*\}),.*/\1 \2\3/p' out
	LC_ALL=C sort <<<"$output" | sed -E 's/"keySchema":"[^"]*",//' >got
	cat >want <<-'Y'
	t_snap_lists_Orders "key":{"id":1},{"id":1,"a":2}
	t_snap_lists__n_ "key":{"id":5},{"id":5}
	t_snap_lists_o_d "key":{"y":4,"x":3},{"x":3,"y":4}
	Y
	diff want got
}

@test "a bad regular expression or key rule is exit 64 and named" {
	run kcb maria x 'table.include.list=a(b'
	[ "$status" = 64 ]
	[[ "$output" = *"table.include.list"*"a(b"* ]]
	run kcb maria x message.key.columns=nocolon
	[ "$status" = 64 ]
	[[ "$output" = *"message.key.columns"*"nocolon"* ]]
	run kcb maria x snapshot.mode=sometimes
	[ "$status" = 64 ]
	[[ "$output" = *"snapshot.mode"*"sometimes"*"when_needed"* ]]
}

@test "a lock that is not had in time: 75, and what to do" {
	local pid
	make_pair mysql8 snap_lock
	mysql8 snap_lock -e "create table big(id int primary key)"
	start_bg pid "$KC_MYSQL8_BIN/mysql" --no-defaults -h "$KC_MYSQL8_HOST" \
		-P "$KC_MYSQL8_PORT" -u "$KC_MYSQL8_USER" -p"$KC_MYSQL8_PASSWORD" \
		snap_lock -e 'lock tables big write; select sleep(12)' >lock.out 2>&1
	wait_for 10 bash -c "source '$KC_ROOT/tests/lib.bash'
		mysql8 mysql -N -e 'show processlist' | grep -q 'sleep(12)'"
	mysql8 mysql <<-'Y'
	create user if not exists snap_user2@'%' identified by 'pw';
	grant select, lock tables on `snap\_lock`.* to snap_user2@'%';
	grant replication client on *.* to snap_user2@'%';
	Y
	run kcb mysql8 snap_lock database.user=snap_user2 database.password=pw \
		snapshot.lock.timeout.ms=1000
	[ "$status" = 75 ]
	[[ "$output" = *"snapshot.lock.timeout.ms"* ]]
	mysql8 mysql -N -e 'select concat("kill ", id) from information_schema.processlist
		where info like "select sleep(12)"' | mysql8 mysql
	wait "$pid" || true
}

# Character sets and types that Debezium's parser does not know: the log's
# bytes must say what the server's text says.
log_and_snapshot_agree() { # SERVER DB SQL
	local pid
	"fresh_$1" "$2"
	# shellcheck disable=SC2046 # properties without blanks
	start_bg pid kc-binlog -q $(props_of "$1") topic.prefix=t \
		database.include.list="$2" snapshot.mode=no_data \
		database.server.id=$((RANDOM + 400000)) >log
	wait_for 20 grep -q checkpoint log
	"$1" "$2" <<<"$3"
	"$1" "$2" -e 'create table last(id int primary key); insert into last values(99)'
	wait_for 20 grep -q '"after":{"id":99}' log
	stop_bg "$pid"
	kcb "$1" "$2" snapshot.mode=initial_only >snap
	plain log | rows_of c >want
	plain snap | rows_of r >got
	diff want got
	[ "$(wc -l <got)" -gt 2 ]
}

charsets() {
	local c t=Ж
	for c in "$@"; do
		case $c in
		latin2) t=Łódź ;; latin5) t=Iğdır ;; latin7) t=Šķūnis ;;
		greek) t=Ελλάδα ;; hebrew) t=שלום ;; cp850) t=àé ;; cp852) t=Łé ;;
		cp1250) t=Žluť ;; cp1251 | cp866 | koi8r) t=Жёлтый ;;
		koi8u) t=їжак ;; cp1256) t=مرحبا ;; cp1257) t=Ąžuolas ;;
		big5) t=中文 ;; gbk | gb2312) t=中国 ;; sjis | cp932 | ujis | eucjpms) t=日本語テ ;;
		euckr) t=한국어 ;; tis620) t=ภาษาไทย ;; macroman) t=Åé ;; macce) t=Łé ;;
		dec8 | hp8) t=ÀÉ ;; armscii8) t=Հայ ;; *) t='ü😀Ж' ;;
		esac
		[ "$c" != ucs2 ] || t=üЖ
		[ "$c" != latin1 ] || t='€é"'
		echo "create table cs_$c(id int primary key, v varchar(20), t text, e enum('a','$t')) character set $c;"
		echo "insert into cs_$c values(1,'$t','$t $t','$t'),(2,'','',null);"
	done
}

@test "MariaDB: character sets, addresses: the log agrees with the snapshot" {
	log_and_snapshot_agree maria snap_sets "$(charsets latin1 latin2 latin5 \
		latin7 greek hebrew cp850 cp852 cp866 cp1250 cp1251 cp1256 cp1257 \
		koi8r koi8u big5 gbk gb2312 sjis cp932 ujis eucjpms euckr tis620 \
		macroman macce dec8 hp8 armscii8 ucs2 utf16 utf16le utf32 utf8mb4)
	create table ip(id int primary key, a inet4, b inet6, u uuid);
	insert into ip values (1,'10.1.2.0','2001:db8::ff00:42:8300',
		'123e4567-e89b-12d3-a456-426655440000'),(2,'0.0.0.0','::','00000000-0000-0000-0000-000000000000'),
		(3,null,'::ffff:1.2.3.4',null);"
}

@test "MySQL 8: character sets: the log agrees with the snapshot" {
	log_and_snapshot_agree mysql8 snap_sets "$(charsets latin1 latin2 latin5 \
		latin7 greek hebrew cp850 cp852 cp866 cp1250 cp1251 cp1256 cp1257 \
		koi8r koi8u big5 gbk gb2312 gb18030 sjis cp932 ujis eucjpms euckr \
		tis620 macroman macce dec8 hp8 armscii8 ucs2 utf16 utf16le utf32 \
		utf8mb4)"
}

#!/usr/bin/env bats
# kc-binlog: the log of real servers and of files, positions, and what goes
# wrong. Types and snapshots: kc-binlog-snapshot.bats. Databases: bl_.

bats_require_minimum_version 1.5.0
load lib

prefix='topic.prefix=bl snapshot.mode=no_data' # unquoted
props_of() {
	if [ "$1" = maria ]; then echo "$KC_MARIA_PROPS"; else echo "$KC_MYSQL8_PROPS"; fi
}

# at SERVER FILE: the end of its log is where the store FILE begins.
at() {
	rm -f "$2"
	kc-offset set -o "$2" '{"server":"bl"}' "$("$1" mysql -N -e 'show master status' |
		awk '{ printf "{\"file\":\"%s\",\"pos\":%s}", $1, $2 }')"
}

# kcb SERVER DB PROPERTY...
kcb() {
	local server=$1 db=$2
	shift 2
	# shellcheck disable=SC2046 # properties without blanks
	kc-binlog -q $(props_of "$server") $prefix "database.include.list=$db" "$@"
}

records() { grep '^{"topic"' "$1"; }

# Events as one word each: op, key, what is after.
short() {
	records "$1" | sed -E 's/.*"key":(\{[^}]*\}).*"value":null.*/\1 gone/
		s/.*"key":(\{[^}]*\}).*"after":(null|\{[^}]*\}).*"op":"(.)".*/\3 \1 \2/'
}

# The position a line leaves the reader at.
offset_of() { sed -E 's/.*"offset":(\{[^}]*\})\}\}$/\1/' <<<"$1"; }

changes_are_golden() { # SERVER
	"fresh_$1" bl_golden
	at "$1" off
	"$1" bl_golden <<-'X'
	create table t(id int primary key, name varchar(20) not null default 'x', n decimal(6,2));
	insert into t values (1,'a',1.5),(2,'ü"\\',null);
	begin; update t set name='b' where id=1; update t set id=5 where id=2;
	delete from t where id=5; savepoint x; insert into t values (7,'q',0); rollback to x; commit;
	create table k(a int, b int, v text, primary key(b,a)); insert into k values (1,2,'v');
	create table nokey(a int); insert into nokey values (1); delete from nokey;
	create table made as select * from t;
	truncate table t;
	insert into t values (9,'z',-0.01);
	X
	kcb "$1" bl_golden -o off -e skipped.operations=none >out
	sed -E 's/"thread":null/"thread":"*"/g' out | grep -v '^{"checkpoint"' | mask >got
	golden "kc-binlog/$1.json" <got
}

@test "MariaDB: inserts, updates, moved keys, deletes, truncation" {
	changes_are_golden maria
}

@test "MySQL 8: inserts, updates, moved keys, deletes, truncation" {
	changes_are_golden mysql8
}

resumed_at_every_line() { # SERVER
	local line i=0
	"fresh_$1" bl_resume
	"$1" bl_resume -e 'create table t(id int primary key, v int); create table f(id int)'
	at "$1" off
	"$1" bl_resume <<-'X'
	insert into t values (1,1),(2,2),(3,3);
	begin; update t set v=10 where id<3; insert into f values (1),(2);
	update t set id=id+100 where id=1; delete from t where id=2; insert into t values(4,4); commit;
	create table made as select * from t;
	insert into t values (5,5);
	X
	cp off first
	kcb "$1" bl_resume -o off -e table.exclude.list='.*\.f' >whole
	cp first off
	: >pieces
	while [ $((i += 1)) -lt 40 ]; do
		kcb "$1" bl_resume -o off -e -n 1 table.exclude.list='.*\.f' >piece
		line=$(records piece) || break
		[ "$(wc -l <<<"$line")" = 1 ] || [ $i -gt 1 ]
		line=$(head -n 1 <<<"$line")
		echo "$line" >>pieces
		kc-offset set -o off '{"server":"bl"}' "$(offset_of "$line")"
	done
	diff <(records whole | mask gtid) <(mask gtid <pieces)
}

@test "MariaDB: stopped after every line and started again: nothing lost or repeated" {
	resumed_at_every_line maria
}

@test "MySQL 8: stopped after every line and started again: nothing lost or repeated" {
	resumed_at_every_line mysql8
}

@test "-e with nothing to read: a checkpoint and exit 0" {
	at maria off
	kcb maria bl_none -o off -e >out
	[ "$(grep -c '^{"checkpoint"' out)" -ge 1 ]
	run ! grep '^{"topic"' out
}

follows_live() { # SERVER
	"fresh_$1" bl_live
	"$1" bl_live -e 'create table t(id int primary key, v int)'
	at "$1" off
	# shellcheck disable=SC2046
	start_bg pid kc-binlog -q $(props_of "$1") $prefix \
		database.include.list=bl_live -o off heartbeat.interval.ms=100 >out
	wait_for 10 grep -q heartbeat out
	"$1" bl_live -e 'insert into t values (1,1)'
	wait_for 10 grep -q '"after":{"id":1,' out
	# DDL while it runs, and rows of it at once
	"$1" bl_live -e "alter table t add w varchar(9) default 'd', modify v bigint;
	    insert into t values (2,2,'w'); alter table t drop v; insert into t values (3,'x')"
	wait_for 10 grep -q '"after":{"id":3,' out
	stop_bg "$pid"
	[ "$(short out | grep -v serverName)" = 'c {"id":1} {"id":1,"v":1}
c {"id":2} {"id":2,"v":2,"w":"w"}
c {"id":3} {"id":3,"w":"x"}' ]
	grep -q '"default":"d"' out
}

@test "MariaDB: it follows, columns change, TERM ends it with 0" {
	follows_live maria
}

@test "MySQL 8: it follows, columns change, TERM ends it with 0" {
	follows_live mysql8
}

# A log of a table that has been altered since.
altered_since() { # SERVER
	"fresh_$1" bl_alter
	at "$1" off
	"$1" bl_alter <<-'X'
	create table t(id int primary key, a enum('x','y'), b int unsigned, c varchar(9) character set latin1);
	insert into t values (1,'x',4000000000,'é'); delete from t;
	alter table t modify a enum('y','x'), modify b int, drop c, add d int first;
	insert into t values (7,2,'x',-1);
	X
	for i in altered dropped; do
		kcb "$1" bl_alter -o off -e >$i
		diff - <(short $i) <<-'X'
		c {"id":1} {"id":1,"a":"x","b":4000000000,"c":"é"}
		d {"id":1} null
		{"id":1} gone
		c {"id":2} {"d":7,"id":2,"a":"x","b":-1}
		X
		"$1" bl_alter -e 'drop table if exists t'
	done
}

@test "MariaDB: rows from before an ALTER and a DROP, by FULL metadata" {
	altered_since maria
}

@test "MySQL 8: rows from before an ALTER and a DROP, by FULL metadata" {
	altered_since mysql8
}

reads_files() { # SERVER DIR
	local file
	"fresh_$1" bl_file
	"$1" mysql -e 'flush binary logs'
	at "$1" off
	file=$("$1" mysql -N -e 'show master status' | cut -f1)
	"$1" bl_file <<-'X'
	create table t(id int primary key, a enum('x','y'), u tinyint unsigned, s text character set latin1, j json);
	insert into t values (1,'y',200,'é','{"a":[1,2.5,null]}');
	update t set a='x'; delete from t;
	X
	"$1" mysql -e 'flush binary logs'
	kcb "$1" bl_file -o off -e >server
	kc-binlog -q "$2/data/$file" topic.prefix=bl database.include.list=bl_file >file
	diff <(short server) <(short file)
	[ "$(records file | wc -l)" = 4 ]
	kc-binlog -q - topic.prefix=bl database.include.list=bl_file <"$2/data/$file" >stdin
	diff <(short file) <(short stdin)
	# half an event, a byte flipped, something else
	head -c $(($(stat -c %s "$2/data/$file") - 30)) "$2/data/$file" >half
	run -65 kc-binlog -q half
	[[ $output == *"half: ends in the middle of an event"* ]]
	flip "$2/data/$file" >bad
	run -65 kc-binlog -q bad
	[[ $output == *checksum* ]]
	echo nothing >text
	run -65 kc-binlog -q text
	[[ $output == *"text: not a binlog"* ]]
	run -64 kc-binlog -q missing
	[[ $output == *"missing: No such file"* ]]
}

# One byte in the text of a row is another.
flip() { perl -0777 -pe 's/(\xe9)(?!.*\xe9)/X/s' "$1"; }

@test "MariaDB: its log files, without a server" {
	reads_files maria "$KC_MARIA_DIR"
}

@test "MySQL 8: its log files, without a server" {
	reads_files mysql8 "$KC_MYSQL8_DIR"
}

again() { [ "$(grep -c 'connecting again' err)" -ge "$1" ]; }

cut_connection() { # SERVER
	local i
	"fresh_$1" bl_cut
	"$1" bl_cut -e "create table t(id int primary key);
	    drop user if exists bl_cut; create user bl_cut identified by 'x';
	    grant select, reload, replication slave, replication client on *.* to bl_cut"
	[ "$1" = mysql8 ] || "$1" mysql -e 'grant binlog monitor on *.* to bl_cut'
	at "$1" off
	# shellcheck disable=SC2046
	start_bg pid kc-binlog $(props_of "$1") $prefix database.user=bl_cut \
		database.password=x database.include.list=bl_cut -o off >out 2>err
	for i in 1 2 3; do
		"$1" bl_cut -e "insert into t values (${i}0),(${i}1); insert into t values (${i}2)"
		wait_for 20 grep -q "\"after\":{\"id\":${i}2}" out
		# every connection of it: the log's and the one for questions
		"$1" mysql -N -e "select concat('kill ', id, ';') from
		    information_schema.processlist where user='bl_cut'" | "$1" mysql
		wait_for 20 again "$i"
	done
	"$1" bl_cut -e "alter table t add v int; insert into t values (99,1)"
	wait_for 20 grep -q '"after":{"id":99,"v":1}' out
	stop_bg "$pid"
	[ "$(short out | cut -d' ' -f2 | tr -dc '0-9\n' | tr '\n' ' ')" = \
		'10 11 12 20 21 22 30 31 32 99 ' ]
}

@test "MariaDB: connections are killed: it goes on where it was" {
	cut_connection maria
}

@test "MySQL 8: connections are killed: it goes on where it was" {
	cut_connection mysql8
}

@test "the server stops and starts: it goes on where it was" {
	own "$KC_TMP/m"
	own_sql -e 'create database d; create table d.t(id int primary key)'
	start_bg pid kc-binlog $OWN $prefix >out 2>err
	wait_for 10 grep -q checkpoint out
	own_sql -e 'insert into d.t values (1)'
	wait_for 10 grep -q '"after":{"id":1}' out
	"$KC_ROOT/tests/services/mariadb" stop "$KC_TMP/m"
	wait_for 10 grep -q 'connecting again' err
	own "$KC_TMP/m"
	own_sql -e 'insert into d.t values (2); alter table d.t add v int; insert into d.t values (3,3)'
	wait_for 60 grep -q '"after":{"id":3,' out
	stop_bg "$pid"
	[ "$(short out | wc -l)" = 3 ]
	"$KC_ROOT/tests/services/mariadb" stop "$KC_TMP/m"
}

# own DIR [OPTION...]: a MariaDB for this test alone; own_sql, $OWN.
own() {
	local dir=$1
	shift
	OWN_PORT=${OWN_PORT:-$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')}
	mkdir -p "$dir"
	"$KC_ROOT/tests/services/mariadb" start "$dir" "$OWN_PORT" "$@" >/dev/null
	OWN="database.hostname=127.0.0.1 database.port=$OWN_PORT database.user=kc database.password=kc"
}
own_sql() {
	MYSQL_PWD=kc mariadb --no-defaults -h127.0.0.1 -P "$OWN_PORT" -ukc "$@"
}

teardown() {
	[ ! -e "$KC_TMP/m" ] || "$KC_ROOT/tests/services/mariadb" stop "$KC_TMP/m" || true
	kc_teardown
}

@test "MINIMAL metadata: names from the server; an altered table is an error, not wrong data" {
	own "$KC_TMP/m" --binlog-row-metadata=MINIMAL --log-bin-compress=1 \
		--log-bin-compress-min-len=10 --binlog-checksum=NONE
	own_sql -e "create database d; create table d.t(id int primary key, a enum('x','y'), s varchar(200))"
	rm -f off
	kc-offset set -o off '{"server":"bl"}' '{"file":"bin.000001","pos":4}'
	own_sql -e "insert into d.t values (1,'y',repeat('compressible',9)); update d.t set a='x'; delete from d.t"
	kc-binlog -q $OWN $prefix -o off -e >out
	[ "$(short out | cut -c1-29)" = 'c {"id":1} {"id":1,"a":"y","s
u {"id":1} {"id":1,"a":"x","s
d {"id":1} null
{"id":1} gone' ]
	# by files, without names
	kc-binlog -q m/data/bin.000001 >files
	grep -q '"after":{"@1":1,"@2":"2","@3":"compressible' files
	own_sql -e "alter table d.t drop a"
	run -65 kc-binlog -q $OWN $prefix -o off -e
	[[ $output == *"table d.t: the log has 3 columns, the table now 2"*binlog_row_metadata=FULL* ]]
	own_sql -e "drop table d.t"
	run -65 kc-binlog -q $OWN $prefix -o off -e
	[[ $output == *"table d.t: it is not there any more"*binlog_row_metadata=FULL* ]]
}

@test "a server without a log, with statements, with partial rows: what to set" {
	own "$KC_TMP/m" --skip-log-bin
	run -64 kc-binlog -q $OWN $prefix -e
	[[ $output == *"log_bin is 0, not 1; start the server with --log-bin"* ]]
	"$KC_ROOT/tests/services/mariadb" stop "$KC_TMP/m"
	own "$KC_TMP/m" --binlog-format=MIXED --binlog-row-image=MINIMAL
	run -64 kc-binlog -q $OWN $prefix -e
	[[ $output == *"binlog_format is MIXED, not ROW; SET GLOBAL binlog_format='ROW'"* ]]
	own_sql -e "set global binlog_format='ROW'"
	run -64 kc-binlog -q $OWN $prefix -e
	[[ $output == *"binlog_row_image is MINIMAL, not FULL; SET GLOBAL binlog_row_image='FULL'"* ]]
}

statement_in_the_log() { # SERVER
	"fresh_$1" bl_dml
	"$1" bl_dml -e 'create table t(id int primary key, v int)'
	at "$1" off
	"$1" bl_dml -e "insert into t values (1,1); set session binlog_format='STATEMENT';
	    /* why */ update t set v=2"
	run -65 kcb "$1" bl_dml -o off -e
	[[ $output == *'"after":{"id":1,"v":1}'* ]]
	[[ $output == *"a change of database bl_dml is logged as a statement: update t set v=2"*binlog_format=ROW* ]]
	kcb "$1" bl_dml -o off -e event.processing.failure.handling.mode=skip >out
	[ "$(records out | wc -l)" = 1 ]
	at "$1" off
	"$1" bl_dml -e "set session binlog_row_image='MINIMAL'; update t set v=3"
	run -65 kcb "$1" bl_dml -o off -e
	[[ $output == *"rows of bl_dml.t hold only some of the columns"*binlog_row_image=FULL* ]]
}

@test "MariaDB: a session that logs statements or partial rows: 65, not wrong data" {
	statement_in_the_log maria
}

@test "MySQL 8: a session that logs statements or partial rows: 65, not wrong data" {
	statement_in_the_log mysql8
}

cannot_connect() { # SERVER
	run -75 kcb "$1" x -e database.port=1
	[[ $output == *"127.0.0.1:1"*"is the server up"* ]]
	run kcb "$1" x -e database.password=wrong
	[ "$status" = 75 ] || [ "$status" = 64 ]
	[[ $output == *"Access denied"*"check database.user and database.password"* ]]
	"$1" mysql -e "drop user if exists bl_poor; create user bl_poor identified by 'x';
	    grant select on *.* to bl_poor"
	run kcb "$1" x -e database.user=bl_poor database.password=x
	[ "$status" = 75 ] || [ "$status" = 64 ]
	[[ $output == *"GRANT"* ]]
	"$1" mysql -e "grant reload, replication client on *.* to bl_poor"
	at "$1" off
	"fresh_$1" bl_poor
	run -64 kcb "$1" x -o off -e database.user=bl_poor database.password=x
	[[ $output == *"GRANT REPLICATION SLAVE ON *.* TO 'bl_poor'"* ]]
}

@test "MariaDB: down, wrong password, missing privileges" {
	cannot_connect maria
}

@test "MySQL 8: down, wrong password, missing privileges" {
	cannot_connect mysql8
}

log_is_gone() { # SERVER FILE
	rm -f off
	kc-offset set -o off '{"server":"bl"}' "{\"file\":\"$2\",\"pos\":4}"
	run -64 kcb "$1" x -o off -e
	[[ $output == *"$2"*"snapshot.mode=when_needed"* ]]
	grep -q "\"file\":\"$2\",\"pos\":4" off
}

@test "MariaDB: the stored position's file was purged: 64, and the position stays" {
	log_is_gone maria bin.900000
}

@test "MySQL 8: the stored position's file was purged: 64, and the position stays" {
	log_is_gone mysql8 binlog.900000
}

large_rows() { # SERVER
	"fresh_$1" bl_large
	"$1" bl_large -e 'create table t(id int primary key, v longtext)'
	at "$1" off
	"$1" bl_large -e "insert into t values (1, repeat('kilobyte',5000000)); insert into t values (2,'x')"
	kcb "$1" bl_large -o off -e >out
	[ "$(records out | wc -l)" = 2 ]
	[ "$(head -n 5 out | grep -o kilobyte | wc -l)" = 5000000 ]
}

@test "MariaDB: a row of 40 MB" { large_rows maria; }
@test "MySQL 8: a row of 40 MB" { large_rows mysql8; }

@test "a full disk: 74; a reader that goes away: quiet" {
	fresh_maria bl_full
	maria bl_full -e 'create table t(id int primary key)'
	at maria off
	maria bl_full -e 'insert into t select seq from seq_1_to_5000'
	run -74 bash -c "$(declare -f kcb props_of; declare -p prefix); kcb maria bl_full -o off -e >/dev/full"
	kcb maria bl_full -o off -e | head -n 1 >one
	[ -s one ]
}

@test "MySQL 8: compressed transactions" {
	fresh_mysql8 bl_zip
	mysql8 bl_zip -e 'create table t(id int primary key, v text)'
	at mysql8 off
	mysql8 bl_zip -e "set session binlog_transaction_compression=ON;
	    insert into t values (1,repeat('a',500)),(2,'b'); begin; update t set v='c'; delete from t where id=1; commit"
	mysql8 bl_zip -e "insert into t values (3,'plain')"
	kcb mysql8 bl_zip -o off -e >out
	[ "$(short out | cut -c1-16)" = 'c {"id":1} {"id"
c {"id":2} {"id"
u {"id":1} {"id"
u {"id":2} {"id"
d {"id":1} null
{"id":1} gone
c {"id":3} {"id"' ]
}

#!/bin/bash
# make demo: one table in three databases. MariaDB to PostgreSQL through Kafka,
# PostgreSQL to SQLite without a broker. All of it is in build/demo, on free
# ports of 127.0.0.1, and gone at the end. KC_DEMO_MOCK=1: no Java's Kafka.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD dir=$PWD/build/demo
PATH=$root/bin:$PATH
export LC_ALL=C.UTF-8 TZ=UTC
mkdir -p "$dir"
exec 9>"$root/build/demo.lock"
flock -n 9 || { echo "demo: another one runs here" >&2; exit 75; }

pids=() mock='' broker=Kafka many=20000 done=
bold='' dim='' green='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'
fi

services_stop() {
	local s
	for s in mariadb postgres kafka; do
		[ ! -d "$dir/$s" ] || "tests/services/$s" stop "$dir/$s" 9>&- &
	done
	wait
}

finish() {
	local p
	trap - EXIT INT TERM HUP
	set +e
	cd "$root" || exit 74
	if [ -z "$done" ]; then
		echo "demo: it did not work; the ends of the logs:" >&2
		tail -n 5 "$dir"/*.log "$dir"/*/log >&2
	fi
	for p in "${pids[@]}"; do
		kill -TERM -- "-$p" 2>/dev/null
	done
	wait "${pids[@]}" 2>/dev/null
	[ -z "$mock" ] || kill "$mock"
	services_stop
	rm -rf "$dir" "$root/build/demo.lock"
	[ "$done" = yes ] || exit 75
	echo "${dim}Stopped and removed: the servers, the pipes and build/demo.$plain"
}

free_port() { # the next one is free as well
	local p
	while :; do
		p=$((20000 + RANDOM % 5000 * 2))
		(: <>/dev/tcp/127.0.0.1/$p) 2>/dev/null ||
			(: <>/dev/tcp/127.0.0.1/$((p + 1))) 2>/dev/null || break
	done
	echo $p
}

# serve NAME...: each on a port of its own, all at once; their env is set.
serve() {
	local s jobs=()
	for s; do
		"tests/services/$s" start "$dir/$s" "$(free_port)" 9>&- &
		jobs+=($!)
	done
	for s in "${jobs[@]}"; do
		wait "$s"
	done
	for s; do
		"tests/services/$s" env "$dir/$s"
	done >"$dir/env"
	# shellcheck disable=SC1091 # just made
	. "$dir/env"
}

# A broker in memory, for where there is no Java.
mock() {
	broker='mock Kafka' many=1000 # it keeps a few megabytes
	setsid build/mock >"$dir/mock" 2>"$dir/mock.log" 9>&- &
	mock=$!
	echo $! >>"$dir/pids"
	until [ -s "$dir/mock" ]; do sleep 0.05; done
	KC_KAFKA=$(cat "$dir/mock")
}

# pipe NAME 'COMMANDS': a session of its own, its log in NAME.log.
pipe() {
	printf '  %s$ %s%s\n' "$dim" "$2" "$plain"
	(cd "$dir" && exec setsid bash -c "$2" 2>"$1.log" 9>&-) &
	pids+=($!)
	echo $! >>"$dir/pids"
}

maria() {
	MYSQL_PWD=kc mariadb --no-defaults -h 127.0.0.1 -P "$KC_MARIA_PORT" -u kc -BN "$@" shop
}

pg() {
	PGPASSWORD=kc psql -XqAt -F $'\t' -h 127.0.0.1 -p "$KC_PG_PORT" -U kc -d postgres -c "$1"
}

# The rows of each database; none while there is no such table or column.
columns='id, item, price'
rows() {
	case $1 in
	MariaDB) maria -e "select $columns from orders order by id" ;;
	PostgreSQL) pg "select $columns from orders order by id" ;;
	SQLite)
		sqlite3 -separator $'\t' "$dir/copy.db" "select ${columns/price/"printf('%.2f',price)"} from orders order by id" |
			sed 's/\t$/\tNULL/' ;;
	esac 2>/dev/null | sed 's/\t$/\tNULL/'
}

# Waits until PLACE... have what MariaDB has.
agree() {
	local from end p
	from=$(date +%s%3N) end=$((SECONDS + 30))
	rows MariaDB >"$dir/MariaDB"
	for p; do
		until rows "$p" >"$dir/$p"; cmp -s "$dir/MariaDB" "$dir/$p"; do
			[ $SECONDS -lt $end ] || {
				echo "demo: $p does not agree with MariaDB:" >&2
				diff "$dir/MariaDB" "$dir/$p" | head -n 5 >&2 || true
				return 1
			}
			sleep 0.01
		done
	done
	took=$(($(date +%s%3N) - from))
}

# The three side by side.
picture() {
	paste -d '|' "$dir/MariaDB" "$dir/PostgreSQL" "$dir/SQLite" |
		awk -F '|' -v eq="$green=$plain" '
	function cell(s,  f) { split(s, f, "\t")
		return sprintf("│ %2s %-7s%5s%5s │", f[1], f[2], f[3], f[4]) }
	function line(l, r) {
		s = l "──────────────────────" r
		print " " s "   " s "   " s }
	BEGIN { printf " %-24s   %-24s   %s\n", " MariaDB", " PostgreSQL", " SQLite"; line("┌", "┐") }
	{ print " " cell($1) " " eq " " cell($2) " " eq " " cell($3) }
	END { line("└", "┘") }'
	printf '%s  all three agree, %s ms later%s\n' "$green" "$took" "$plain"
}

# change 'TITLE' SQL: in MariaDB; then all agree.
change() {
	printf '\n%s%s%s\n  MariaDB> %s\n' "$bold" "$1" "$plain" "$2"
	maria -e "$2"
	agree PostgreSQL SQLite
	picture
}

memory() { # of the kc processes, as a sentence
	local s p kb n=0 sum=0
	for s in "${pids[@]}"; do
		for p in $(ps -s "$s" -o pid=,comm= | awk '/kc-/ { print $1 }'); do
			kb=$(awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup")
			n=$((n + 1)) sum=$((sum + kb))
		done
	done
	echo "the $n kc processes together take $((sum / 1024)) MiB"
}

# What a demo that was killed left.
while read -r p; do
	! ps -o args= -p "$p" | grep -q "^bash -c kc-\|^build/mock" || kill -TERM -- "-$p"
done < <(cat "$dir/pids" 2>/dev/null)
services_stop
rm -rf "$dir"
mkdir -p "$dir"
trap finish EXIT
trap 'echo; done=stopped; exit 75' INT TERM HUP

echo "Starting MariaDB, PostgreSQL and Kafka of our own in build/demo ..."
if [ -z "${KC_DEMO_MOCK:-}" ] && command -v java >/dev/null &&
	tests/services/fetch kafka >/dev/null 2>&1; then
	serve mariadb postgres kafka
else
	echo "No Java or no Kafka here: librdkafka's mock broker, in memory, stands for it."
	serve mariadb postgres
	mock
fi

MYSQL_PWD=kc mariadb --no-defaults -h 127.0.0.1 -P "$KC_MARIA_PORT" -u kc -e '
	create database shop;
	create table shop.orders(id int primary key, item varchar(20), price decimal(6,2));
	insert into shop.orders values (1,"tea",4.50), (2,"coffee",3.20)'
cat >"$dir/mariadb.properties" <<Y
database.hostname=127.0.0.1
database.port=$KC_MARIA_PORT
database.user=kc
database.password=kc
table.include.list=shop.orders
topic.prefix=demo
Y
cat >"$dir/postgres.properties" <<Y
connection.url=jdbc:postgresql://127.0.0.1:$KC_PG_PORT/postgres
connection.user=kc
connection.password=kc
collection.name.format=orders
insert.mode=upsert
pk.mode=record_key
delete.enabled=true
schema.evolution=basic
Y
cat >"$dir/pgwal.properties" <<Y
database.hostname=127.0.0.1
database.port=$KC_PG_PORT
database.user=kc
database.password=kc
database.dbname=postgres
table.include.list=public.orders
publication.autocreate.mode=filtered
topic.prefix=copy
Y
sed '/^connection/d' "$dir/postgres.properties" >"$dir/sqlite.properties"
echo 'connection.url=jdbc:sqlite:copy.db' >>"$dir/sqlite.properties"

printf '\n%sMariaDB ──▶ %s ──▶ PostgreSQL ──▶ SQLite, by these pipes:%s\n' "$bold" "$broker" "$plain"
pipe 1 "kc-binlog -c mariadb.properties -o kafka.offsets | kc-convert | kc-produce -b $KC_KAFKA -o kafka.offsets"
for _ in $(seq 600); do # the topic is there once the rows are
	[ ! -s "$dir/kafka.offsets" ] || break
	sleep 0.05
done
pipe 2 "kc-consume -b $KC_KAFKA -t demo.shop.orders -g demo -o sink:postgres.properties | kc-convert -r | kc-jdbcsink -c postgres.properties -o sink:"
agree PostgreSQL
pipe 3 "kc-pgwal -c pgwal.properties -o sink:sqlite.properties | kc-jdbcsink -c sqlite.properties -o sink:"

printf '\n%sThe rows that were there%s\n' "$bold" "$plain"
agree SQLite
picture
change "An insert" "insert into orders values (3,'cake',2.80), (4,'juice',3.90)"
change "An update" "update orders set price=5.00 where item='tea'"
change "A delete" "delete from orders where id=2"
columns='id, item, price, qty'
change "A column more" "alter table orders add qty int; update orders set qty=id*2 where id>1"

printf '\n%sAnd %s rows at once%s\n' "$bold" "$many" "$plain"
maria -e "insert into orders select seq,'biscuit',1.20,1 from seq_5_to_$((many + 4))"
agree PostgreSQL SQLite
printf '%s  all three agree, %s rows each, %s ms later%s\n' "$green" "$(wc -l <"$dir/SQLite")" "$took" "$plain"
printf '  %s\n\n' "$(memory)"
done=yes

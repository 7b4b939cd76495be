# For bats files: load lib. See README.md in this folder.
# shellcheck shell=bash
KC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KC_SERVERS=${KC_SERVERS:-$KC_ROOT/build/servers}
PATH=${KC_BIN:-$KC_ROOT/bin}:$PATH
export KC_ROOT KC_SERVERS PATH LC_ALL=C.UTF-8 TZ=UTC

if [ -e "$KC_SERVERS/env" ]; then
	set -a
	# shellcheck disable=SC1091 # made by tests/run
	. "$KC_SERVERS/env"
	set +a
	# Debezium's connection properties of each, to be used unquoted.
	props() {
		echo "database.hostname=$1 database.port=$2 database.user=$3 database.password=$4"
	}
	KC_PG_PROPS=$(props "$KC_PG_HOST" "$KC_PG_PORT" "$KC_PG_USER" "$KC_PG_PASSWORD")
	KC_MARIA_PROPS=$(props "$KC_MARIA_HOST" "$KC_MARIA_PORT" "$KC_MARIA_USER" "$KC_MARIA_PASSWORD")
	KC_MYSQL8_PROPS=$(props "$KC_MYSQL8_HOST" "$KC_MYSQL8_PORT" "$KC_MYSQL8_USER" "$KC_MYSQL8_PASSWORD")
	export KC_PG_PROPS KC_MARIA_PROPS KC_MYSQL8_PROPS
fi

kc_setup() {
	KC_TMP=$BATS_TEST_TMPDIR
	KC_PIDS=()
	export KC_TMP
	cd "$KC_TMP" || return
}

kc_teardown() {
	local p
	for p in "${KC_PIDS[@]}"; do
		kill -KILL -- "-$p" 2>/dev/null || kill -KILL "$p" 2>/dev/null || true
	done
	cd "$KC_ROOT" || return
}

# What a file gets that defines none of its own.
setup() { kc_setup; }
teardown() { kc_teardown; }

# SQL from -c/-e or stdin into a database; an error fails.
pg() {
	local db=$1
	shift
	PGPASSWORD=$KC_PG_PASSWORD psql -X -v ON_ERROR_STOP=1 \
		-h "$KC_PG_HOST" -p "$KC_PG_PORT" -U "$KC_PG_USER" -d "$db" "$@"
}

maria() {
	local db=$1
	shift
	MYSQL_PWD=$KC_MARIA_PASSWORD mariadb --no-defaults \
		--default-character-set=utf8mb4 -h "$KC_MARIA_HOST" \
		-P "$KC_MARIA_PORT" -u "$KC_MARIA_USER" "$@" "$db"
}

mysql8() {
	local db=$1
	shift
	MYSQL_PWD=$KC_MYSQL8_PASSWORD "$KC_MYSQL8_BIN/mysql" --no-defaults \
		--default-character-set=utf8mb4 -h "$KC_MYSQL8_HOST" \
		-P "$KC_MYSQL8_PORT" -u "$KC_MYSQL8_USER" "$@" "$db"
}

pg_jdbc() { echo "jdbc:postgresql://$KC_PG_HOST:$KC_PG_PORT/$1"; }
maria_jdbc() { echo "jdbc:mariadb://$KC_MARIA_HOST:$KC_MARIA_PORT/$1"; }
mysql8_jdbc() { echo "jdbc:mysql://$KC_MYSQL8_HOST:$KC_MYSQL8_PORT/$1"; }

# An empty database of that name; slots of an earlier one go with it.
fresh_pg() {
	pg postgres -qAt >/dev/null <<-X
	select pg_terminate_backend(active_pid) from pg_replication_slots
	    where database = '$1' and active_pid is not null;
	X
	wait_for 10 pg postgres -qAtc "select pg_drop_replication_slot(slot_name)
	    from pg_replication_slots where database = '$1'" >/dev/null
	pg postgres -q 2>/dev/null <<-X
	drop database if exists "$1" with (force);
	create database "$1";
	X
}

fresh_maria() {
	maria mysql -e "drop database if exists \`$1\`; create database \`$1\`"
}

fresh_mysql8() {
	mysql8 mysql -e "drop database if exists \`$1\`; create database \`$1\`"
}

# topic_create NAME [PARTITIONS [CONFIG=VALUE...]]: a new, empty topic.
topic_create() { "$KC_ROOT/build/topic" "$KC_KAFKA" create "$@"; }
topic_drop() { "$KC_ROOT/build/topic" "$KC_KAFKA" drop "$@"; }

# topic_read NAME [KCAT OPTION...]: its committed messages to the end now.
topic_read() {
	local t=$1
	shift
	kcat -b "$KC_KAFKA" -q -C -e -o beginning -t "$t" "$@"
}

# wait_for SECONDS CMD...: polls until CMD succeeds; 1 after SECONDS.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || {
			echo "waited in vain for: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# handles_term PID: it has come so far that TERM ends it in its own way.
handles_term() {
	local caught
	caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
	[ $((16#$caught & 1 << 14)) != 0 ]
}

# start_bg VAR CMD...: a session of its own, its pid in VAR; redirect around it.
start_bg() {
	local var=$1
	shift
	setsid "$@" 3>&- 4>&- &
	printf -v "$var" %s $!
	KC_PIDS+=($!)
}

# stop_bg PID [SIGNAL]: signals it and all it started; its exit status.
stop_bg() {
	kill "-${2:-TERM}" -- "-$1" 2>/dev/null || # or not yet its own session
		kill "-${2:-TERM}" "$1" 2>/dev/null || true
	wait "$1"
}

# mask [FIELD...]: stars for values that differ from run to run.
mask() {
	local f fields='ts_ms|ts_us|ts_ns|timestamp|lsn|lsn_proc|lsn_commit'
	fields="$fields|txId|xmin|file|pos|gtid|gtids|server_id|thread|ts_sec|version|sequence|transaction_id|event"
	for f; do
		fields="$fields|$f"
	done
	sed -E "s/\"($fields)\":(-?[0-9]+|\"([^\"\\\\]|\\\\.)*\")/\"\\1\":\"*\"/g"
}

# golden FILE: stdin must be tests/golden/FILE; KC_GOLDEN=write rewrites it.
golden() {
	local file=$KC_ROOT/tests/golden/$1
	if [ "${KC_GOLDEN:-}" = write ]; then
		mkdir -p "$(dirname "$file")"
		cat >"$file"
	else
		diff -u "$file" -
	fi
}

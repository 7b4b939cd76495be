#!/usr/bin/env bats
# kc-pgwal: every type, in the snapshot and in the log, against the real
# Debezium's events (golden/make-debezium-postgres).
load lib

types=$KC_ROOT/tests/golden/types

# shellcheck disable=SC2120
kcp() {
	# shellcheck disable=SC2086 # properties without blanks
	kc-pgwal -q $KC_PG_PROPS database.dbname=dbz_types topic.prefix=t \
		slot.name=dbz_types publication.name=dbz_types skipped.operations=none \
		-o off -e >part
	tail -n 1 part | jq -c .checkpoint >off
	cat part >>out
}

# Envelopes in the golden file's form: schemas sorted, then records by topic,
# masked, without positions.
plain() {
	grep '^{"schema"' out | LC_ALL=C sort -u
	grep '^{"topic"' out | LC_ALL=C sort -s -t'"' -k4,4 |
		sed -E 's/,"source":\{"partition".*$/}/; s/,"unchanged":\[[^]]*\]//
			s/"(ts_ms|ts_us|ts_ns|lsn|txId)":[0-9]+/"\1":"*"/g
			s/"(version)":"[^"]*"/"\1":"*"/g
			s/"sequence":"\[[^]]*\]"/"sequence":"*"/g'
}

@test "values and schemas of every type are those of Debezium" {
	fresh_pg dbz_types
	pg dbz_types -q -f "$types/postgres.sql"
	pg dbz_types -q -v k=0 -f "$types/postgres-rows.sql"
	kcp
	pg dbz_types -q -v k=100 -f "$types/postgres-rows.sql"
	kcp
	pg dbz_types -qAt -f "$types/postgres-changes.sql" >/dev/null
	kcp
	pg dbz_types -qAtc "select pg_drop_replication_slot('dbz_types')" >/dev/null
	plain >got
	diff "$KC_ROOT/tests/golden/debezium-postgres/all.json" got
}

#!/bin/bash
# What changes in shop.orders from now on, a line each: time, what, row.
# -e: what there is already, -n COUNT: so many.
kc-binlog -q -c "$(dirname "$0")/shop-source.json" database.server.id=0 snapshot.mode=no_data "$@" |
	jq -r --unbuffered 'select(.value.op) | [(.value.ts_ms / 1000 | floor | todate), .value.op, (.value.after // .value.before | tojson)] | @tsv'

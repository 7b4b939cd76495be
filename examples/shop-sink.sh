#!/bin/bash
# Those changes from Kafka into PostgreSQL. Positions are stored with the rows.
# -e: only what there is now.
set -o pipefail
conf=$(dirname "$0")/shop-sink.json
kc-consume -c "$conf" -b "$KAFKA" -g connect-shop-sink -o "sink:$conf" "$@" |
	kc-convert -r -c "$conf" |
	kc-jdbcsink -c "$conf" -o sink:

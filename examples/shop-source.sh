#!/bin/bash
# The changes of shop.orders to Kafka, as its connector would write them.
# -e: only what there is now.
set -o pipefail
conf=$(dirname "$0")/shop-source.json
store=${STATE_DIRECTORY:-.}/shop-source.offsets
kc-binlog -c "$conf" -o "$store" "$@" |
	kc-convert -c "$conf" |
	kc-produce -c "$conf" -b "$KAFKA" -o "$store"

#!/bin/bash
# The same without a broker. -e: only what there is now.
set -o pipefail
here=$(dirname "$0")
kc-binlog -c "$here/shop-source.json" -o "sink:$here/shop-sink.json" "$@" |
	kc-jdbcsink -c "$here/shop-sink.json" -o sink:

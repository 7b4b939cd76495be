#!/bin/bash
# PostgreSQL's orders to a SQLite file, kept up to date. -e: only what there is now.
set -o pipefail
export STATE_DIRECTORY=${STATE_DIRECTORY:-.}
here=$(dirname "$0")
kc-pgwal -c "$here/copy-source.properties" -o "sink:$here/copy-sink.properties" "$@" |
	kc-jdbcsink -c "$here/copy-sink.properties" -o sink:

# What the services share. A service defines NAME_start, NAME_env, sets usage,
# and calls service "$@": start DIR PORT [OPTIONS], stop DIR, env DIR.
# In DIR: port, pid, log, data/.
# shellcheck shell=bash
set -euo pipefail
# shellcheck disable=SC2034 # for the services
services=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
self=$(basename "$0")

die() {
	echo "$self: $*" >&2
	exit 75
}

# alive DIR: the process in DIR/pid runs, and is ours (not a reused number).
alive() {
	local pid
	pid=$(cat "$1/pid" 2>/dev/null) && [ -n "$pid" ] &&
		[ -e "/proc/$pid/cmdline" ] &&
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$1/"
}

# background DIR CMD...: a session of its own, holding none of our files.
background() {
	local dir=$1 fd
	shift
	(
		for fd in /proc/"$BASHPID"/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		exec setsid "$@" >>"$dir/log" 2>&1 </dev/null
	) &
	echo $! >"$dir/pid"
}

# ready DIR SECONDS CMD...: polls until CMD succeeds or the server is gone.
ready() {
	local dir=$1 end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ ! -e "/proc/$(cat "$dir/pid")" ] || [ "$SECONDS" -ge "$end" ]; then
			tail -n 20 "$dir/log" >&2
			die "did not start; its log is $dir/log"
		fi
		sleep 0.1
	done
}

stop() {
	local dir=$1 pid
	if alive "$dir"; then
		pid=$(cat "$dir/pid")
		kill "${stop_signal:-TERM}" "$pid" 2>/dev/null || true
		for _ in $(seq 300); do
			[ -e "/proc/$pid" ] || break
			sleep 0.1
		done
		[ ! -e "/proc/$pid" ] || kill -KILL "$pid"
	fi
	rm -f "$dir/pid"
}

service() {
	local cmd=${1:-} dir=${2:-} port=${3:-}
	if [ -z "$dir" ]; then cmd=; fi
	case $cmd in
	start)
		[ -n "$port" ] || cmd=
		;;
	stop|env)
		[ $# = 2 ] || cmd=
		;;
	*) cmd= ;;
	esac
	if [ -z "$cmd" ]; then
		echo "usage: $self start DIR PORT [OPTION...] | stop DIR | env DIR" >&2
		exit 64
	fi
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	case $cmd in
	start)
		shift 3
		alive "$dir" && return 0
		echo "$port" >"$dir/port"
		start "$dir" "$port" "$@"
		;;
	stop) stop "$dir" ;;
	env)
		[ -e "$dir/port" ] || die "$dir: never started here"
		env_of "$dir" "$(cat "$dir/port")"
		;;
	esac
}

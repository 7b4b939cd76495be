#!/usr/bin/env bats
# What every command promises, over all of bin/. A command that reads records
# and needs properties for it says them in its own tests/NAME.bats, as in
#   # contract: file=$KC_TMP/out
# or here:
# contract kc-produce: bootstrap.servers=$KC_KAFKA
# contract kc-jdbcsink: connection.url=jdbc:sqlite:to.db insert.mode=upsert primary.key.mode=record_key schema.evolution=basic
# contract kc-filesink: file=out

load lib

setup() {
	kc_setup
	bin=${KC_BIN:-$KC_ROOT/bin}
	cmds=()
	for c in "$bin"/kc-*; do
		[ ! -x "$c" ] || cmds+=("${c##*/}")
	done
	[ "${#cmds[@]}" -gt 0 ]
	bad=0
}

# wrong WHAT...: remembers and says it; the test goes on to the next command.
wrong() {
	echo "$*" >&2
	bad=1
}

verdict() { [ "$bad" = 0 ]; }

type_of() { "$1" --describe | jq -r .type; }

readers() {
	local c
	for c in "${cmds[@]}"; do
		case $(type_of "$c") in
		sink|transformation|predicate|converter) echo "$c" ;;
		esac
	done
}

filters() {
	local c
	for c in $(readers); do
		[ "$(type_of "$c")" = sink ] || echo "$c"
	done
}

# properties COMMAND: the names that --kc-options lists, without options.
properties() { "$1" --kc-options | cut -f 1 | grep -v '^-' || true; }

# args COMMAND: what it needs to read records, into args; a folder of its own.
args() {
	local line
	rm -rf "${KC_TMP:?}/$1"
	mkdir "$KC_TMP/$1"
	cd "$KC_TMP/$1" || return
	line=$(sed -n 's/^# contract: *//p' "$KC_ROOT/tests/$1.bats" 2>/dev/null) || true
	[ -n "$line" ] || line=$(sed -n "s/^# contract $1: *//p" "$KC_ROOT/tests/contract.bats")
	eval "args=($line)"
}

# records [VALUE]: a record with its schemas on stdout.
records() {
	cat <<-X
	{"schema":{"type":"struct","optional":false,"name":"contract.Key","fields":[{"type":"int64","optional":false,"field":"id"}]},"id":"c0c0c0c0c0c0c0c1"}
	{"schema":{"type":"struct","optional":false,"name":"contract.Value","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"s"}]},"id":"c0c0c0c0c0c0c0c2"}
	X
	record "$1"
}

record() {
	printf '%s' '{"topic":"contract","keySchema":"c0c0c0c0c0c0c0c1","key":{"id":1},"valueSchema":"c0c0c0c0c0c0c0c2","value":{"id":1,"s":"'
	printf '%s"}}\n' "$1"
}

# status WANT COMMAND [ARG...]: stdin and stdout as they are, stderr to err.
status() {
	local want=$1 rc=0
	shift
	timeout 60 "$@" 2>err || rc=$?
	case " $want " in
	*" $rc "*) ;;
	*) wrong "$*: exit status $rc, not $want: $(head -c 500 err)" ;;
	esac
}

@test "-h: exit 0, on stdout, names every property" {
	for c in "${cmds[@]}"; do
		status 0 "$c" -h >help
		[ ! -s err ] || wrong "$c -h: says on stderr: $(cat err)"
		grep -q "^usage: $c" help || wrong "$c -h: no usage line"
		for p in $(properties "$c"); do
			grep -qF -- "$p" help || wrong "$c -h: does not name $p"
		done
	done
	verdict
}

@test "-V: name and version" {
	for c in "${cmds[@]}"; do
		status 0 "$c" -V >out
		grep -qE "^$c [0-9]+\.[0-9]+" out || wrong "$c -V: $(cat out)"
	done
	verdict
}

@test "--kc-options: name, type and text of each" {
	for c in "${cmds[@]}"; do
		status 0 "$c" --kc-options >out
		awk -F '\t' 'NF != 3 || $1 == "" || $3 == "" { print; bad = 1 } END { exit bad || NR == 0 }' out >lines ||
			wrong "$c --kc-options: $(head -n 3 lines)"
		cut -f 1 out | sort | uniq -d >twice
		[ ! -s twice ] || wrong "$c --kc-options: twice: $(cat twice)"
	done
	verdict
}

@test "--describe: JSON with type, classes and properties" {
	for c in "${cmds[@]}"; do
		status 0 "$c" --describe >out
		jq -e --arg c "$c" '.name == $c and
			(.type | IN("source", "sink", "transformation", "predicate", "converter", "tool")) and
			(.classes | type == "array") and
			(.configs | type == "array" and all(.name and .type and .importance and (.documentation | length > 0)))' \
			out >/dev/null || wrong "$c --describe: $(head -c 300 out)"
	done
	verdict
}

@test "the man page is good mdoc and names every property" {
	for c in "${cmds[@]}"; do
		page=$KC_ROOT/man/$c.1
		[ -e "$page" ] || {
			wrong "$c: no man/$c.1"
			continue
		}
		mandoc -T lint -W warning "$page" >out || wrong "$(cat out)"
		for p in $(properties "$c"); do
			grep -qF -- "${p%\*}" "$page" || wrong "man/$c.1: does not name $p"
		done
		for s in EXAMPLES 'EXIT STATUS'; do
			grep -qE "^\.Sh \"?$s" "$page" || wrong "man/$c.1: no $s"
		done
	done
	verdict
}

@test "an unknown option: 64, and it is named" {
	for c in "${cmds[@]}"; do
		status 64 "$c" -Z </dev/null
		grep -qF -- -Z err || wrong "$c -Z: $(cat err)"
		status 64 "$c" --no-such-option </dev/null
		grep -qF -- --no-such-option err || wrong "$c --no-such-option: $(cat err)"
	done
	verdict
}

@test "a bad value: 64, naming property and value" {
	for c in "${cmds[@]}"; do
		# -h says of some that they do nothing here
		"$c" -h | awk '/^  [^ ]/ { name = $NF ~ /=/ ? $NF : $0; line = $0 }
			/^      \((accepted|known)/ { sub(/^ +(-., )?/, "", line); sub(/[= ].*/, "", line); print line }' >idle
		for p in $("$c" --describe | jq -r '.configs[] | select(.type | IN("INT", "LONG", "DOUBLE", "BOOLEAN")) | .name'); do
			case $p in *\*) continue ;; esac
			! grep -qxF -- "$p" idle || continue
			status 64 "$c" "$p=xyzzy" </dev/null
			grep -F -- "$p" err | grep -qF xyzzy || wrong "$c $p=xyzzy: $(cat err)"
		done
	done
	verdict
}

@test "an unknown property: a warning with the nearest name" {
	for c in "${cmds[@]}"; do
		# passes on what it does not know
		! "$c" -h | grep -qE '^  (-., )?\*' || continue
		p=$(properties "$c" | grep -v '\*$' | awk 'length > 7' | head -n 1)
		[ -n "$p" ] || continue
		# one letter missing; the unknown option ends it afterwards
		typo=${p%?}
		num=$("$c" --describe | jq -r 'first(.configs[] | select(.type | IN("INT", "LONG", "BOOLEAN")) | .name)')
		timeout 20 "$c" "$typo=x" "${num:+$num=xyzzy}" </dev/null >out 2>err || true
		grep -F -- "$typo " err | grep -qF -- "$p" || wrong "$c $typo=x: $(cat err)"
	done
	verdict
}

@test "-c: a file that is not there is 64 or 74, and it is named" {
	for c in "${cmds[@]}"; do
		status "64 74" "$c" -c /no/such.properties </dev/null
		grep -qF /no/such.properties err || wrong "$c: $(cat err)"
	done
	verdict
}

@test "/dev/full: 74" {
	for c in "${cmds[@]}"; do
		status 74 "$c" -h >/dev/full
	done
	for c in $(filters); do
		args "$c"
		records x >in
		status 74 "$c" "${args[@]}" <in >/dev/full
	done
	verdict
}

@test "a broken pipe: ends, says nothing" {
	for c in $(filters); do
		args "$c"
		records x >in
		for _ in $(seq 20000); do
			echo '{"topic":"contract","keySchema":"c0c0c0c0c0c0c0c1","key":{"id":1},"valueSchema":"c0c0c0c0c0c0c0c2","value":{"id":1,"s":"x"}}'
		done >>in
		timeout 60 "$c" "${args[@]}" <in 2>err | head -n 1 >/dev/null
		case ${PIPESTATUS[0]} in
		141) ;;
		*) wrong "$c: exit status ${PIPESTATUS[0]}" ;;
		esac
		[ ! -s err ] || wrong "$c: $(cat err)"
	done
	verdict
}

@test "closed stdin and empty input: 0" {
	for c in $(readers); do
		args "$c"
		status 0 "$c" "${args[@]}" <&- >out
		args "$c"
		status 0 "$c" "${args[@]}" </dev/null >out
	done
	verdict
}

@test "a record: 0" {
	for c in $(readers); do
		args "$c"
		records x >in
		status 0 "$c" "${args[@]}" <in >out
	done
	verdict
}

@test "a line of 10 MB: 0, or 65 where the target takes less" {
	head -c 10000000 /dev/zero | tr '\0' x >long
	for c in $(readers); do
		args "$c"
		{
			records x
			printf '%s' '{"topic":"contract","keySchema":"c0c0c0c0c0c0c0c1","key":{"id":2},"valueSchema":"c0c0c0c0c0c0c0c2","value":{"id":2,"s":"'
			cat ../long
			echo '"}}'
		} >in
		status "0 65" "$c" "${args[@]}" <in >out
	done
	verdict
}

@test "invalid UTF-8: 0 or 65, no crash" {
	for c in $(readers); do
		args "$c"
		records $'a\xff\xc0\x80z' >in
		status "0 65" "$c" "${args[@]}" <in >out
	done
	verdict
}

@test "not JSON: 65 and the line's number; with -D 0 and a dead letter" {
	for c in $(readers); do
		args "$c"
		{
			records x
			echo '{"topic":"contract","value":'
		} >in
		status 65 "$c" "${args[@]}" <in >out
		grep -q 'line 4' err || wrong "$c: $(cat err)"
		case $("$c" --describe | jq -r .options) in *D*) ;; *) continue ;; esac
		args "$c"
		records x >in
		echo 'no JSON' >>in
		status 0 "$c" "${args[@]}" -D dead <in >out
		jq -e '.error.stage and .error.message' dead >/dev/null ||
			wrong "$c -D: $(cat dead)"
	done
	verdict
}

@test "a truncated last line: 75" {
	for c in $(readers); do
		args "$c"
		records x | head -c -5 >in
		status 75 "$c" "${args[@]}" <in >out
	done
	verdict
}

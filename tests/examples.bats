#!/usr/bin/env bats
# Every file of examples/, the demo, and what README.md says. Database: shop.

load lib

setup() {
	kc_setup
	ex=$KC_ROOT/examples
	export STATE_DIRECTORY=$KC_TMP
	export MYSQL_HOST=$KC_MARIA_HOST MYSQL_PORT=$KC_MARIA_PORT
	export MYSQL_USER=$KC_MARIA_USER MYSQL_PASSWORD=$KC_MARIA_PASSWORD
	export PG_HOST=$KC_PG_HOST PG_PORT=$KC_PG_PORT
	export PG_USER=$KC_PG_USER PG_PASSWORD=$KC_PG_PASSWORD KAFKA=$KC_KAFKA
}

fresh() {
	fresh_maria shop
	fresh_pg shop
	topic_create shop.shop.orders 1
	maria shop -e "create table orders(id int primary key, item varchar(20), price decimal(6,2));
		insert into orders values (1,'tea',4.50),(2,'coffee',3.20)"
}

teardown() {
	kc_teardown
	fresh_pg shop >/dev/null 2>&1 || true
}

of_maria() { maria shop -BN -e "select * from orders order by id"; }
in_pg() { of_maria | cmp -s - <(pg shop -qAt -F $'\t' -c "select * from orders order by id" 2>/dev/null); }
in_sqlite() {
	of_maria | cmp -s - <(sqlite3 -separator $'\t' copy.db \
		"select id, item, printf('%.2f', price) from orders order by id" 2>/dev/null)
}
change() {
	maria shop -e "update orders set price = price + 1 where id = 1; delete from orders where id = $1;
		insert into orders values ($(($1 + 1)), 'cake', 2.80)"
}

@test "the pipes, running" {
	fresh
	start_bg source "$ex/shop-source.sh" 2>source.log
	start_bg sink "$ex/shop-sink.sh" 2>sink.log
	wait_for 30 in_pg || { cat ./*.log; false; }
	start_bg copy "$ex/copy.sh" 2>copy.log
	change 2
	wait_for 30 in_pg || { cat ./*.log; false; }
	wait_for 30 in_sqlite || { cat ./*.log; false; }
	[ -s shop-source.offsets ]
	for pid in "$source" "$copy" "$sink"; do # the group is left
		stop_bg "$pid" || true
	done
	wait_for 20 eval '! pgrep -g "$sink" >/dev/null'
}

@test "caught-up.mk: again and again, until caught up" {
	fresh
	for n in 2 3 4; do
		make -s -f "$ex/caught-up.mk"
		in_pg
		in_sqlite
		change "$n"
	done
}

@test "shop-direct.sh: without a broker" {
	fresh
	"$ex/shop-direct.sh" -e
	in_pg
	change 2
	"$ex/shop-direct.sh" -e
	in_pg
}

@test "watch.sh: a line for each change" {
	fresh
	start_bg watch "$ex/watch.sh" >out 2>err
	wait_for 20 eval 'maria shop -e "update orders set price = price + 1"; grep -q "^20.*Z	u	{\"id\":2,\"item\":\"coffee\"" out'
}

@test "unit files: what they start is there, and systemd takes them" {
	for f in "$ex"/*.service; do
		grep -q "^EnvironmentFile=/etc/kc/env$" "$f"
		read -ra cmd < <(sed -n "s|^ExecStart=||p" "$f" | sed "s|/etc/kc/%i|$ex/shop-direct|; s|/etc/kc|$ex|")
		[ -x "${cmd[0]}" ]
		fresh
		"${cmd[@]}" -e 2>log || [ "$f" = "$ex/kc-caught-up.service" ]
	done
	grep -q "^RestartPreventExitStatus=64 65 70 74$" "$ex/kc@.service"
	if command -v systemd-analyze >/dev/null; then
		cp "$ex"/*.service "$ex"/*.timer .
		systemd-analyze verify ./kc-caught-up.timer ./kc-caught-up.service 2>&1 |
			{ ! grep -i "kc.*unknown\|kc.*invalid\|kc.*fail"; }
	fi
}

@test "env.example names all that the examples read" {
	grep -ho 'env:[A-Z_]*' "$ex"/*.json "$ex"/*.properties | sort -u | cut -d : -f 2 |
		while read -r name; do
			[ "$name" = STATE_DIRECTORY ] || grep -q "^$name=" "$ex/env.example"
		done
}

@test "the demo, with the mock broker: all agree, nothing is left" {
	# the one demo at a time, whoever runs it
	wait_for 120 eval '! flock -n "$KC_ROOT/build/demo.lock" false 2>/dev/null || [ ! -e "$KC_ROOT/build/demo.lock" ]'
	make -s -C "$KC_ROOT" build/mock
	KC_DEMO_MOCK=1 "$ex/demo.sh" >out 2>err || { cat out err; false; }
	[ "$(grep -c 'all three agree' out)" = 6 ]
	[ ! -e "$KC_ROOT/build/demo" ]
}

@test "README.md: its new command compiles and does what it says" {
	# shellcheck disable=SC2016 # the fence
	sed -n '/^```c$/,/^```$/p' "$KC_ROOT/README.md" | sed '1d;$d' >kc-sample.c
	[ -s kc-sample.c ]
	make -s -C "$KC_ROOT" build/libkc.a
	# shellcheck disable=SC2046 # flags
	cc -std=c11 -D_GNU_SOURCE -Wall -Werror -I"$KC_ROOT/lib" -o kc-sample kc-sample.c \
		"$KC_ROOT/build/libkc.a" $(pkg-config --libs jansson libcrypto libpcre2-8) -lpthread -lm
	seq 100 | jq -c '{topic: "t", value: .}' | ./kc-sample every=10 >out
	[ "$(wc -l <out)" = 10 ]
}

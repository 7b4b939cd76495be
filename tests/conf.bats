#!/usr/bin/env bats
# Configuration as every command takes it: files, providers, checks. kc-jdbcsink
# has tables of all kinds; where a value must be seen, kc-convert acts on it.

load lib

# refused PATTERN ARG...: 64, and a line that says so.
refused() {
	local want=$1
	shift
	run kc-jdbcsink "$@" </dev/null
	echo "$output"
	[ "$status" = 64 ] && [[ "$output" == *$want* ]]
}

lite=connection.url=jdbc:sqlite:x.db
ok() { kc-jdbcsink "$@" </dev/null 2>err; }

# What kc-convert makes of a record under the configuration.
schemas() { echo '{"topic":"t","value":{"a":1}}' | kc-convert "$@" 2>err | jq -c .value; }

@test "values: what is refused names property, value and what is allowed" {
	refused "property insert.mode: replace: must be one of insert|upsert|update" $lite insert.mode=replace
	refused "property batch.size: 0: must be within 1.." $lite batch.size=0
	refused "property batch.size: many: must be a whole number" $lite batch.size=many
	refused "property linger.ms: 60001: must be within 0..60000" $lite linger.ms=60001
	refused "property auto.create: yes: must be true or false" $lite auto.create=yes
	refused "property connection.url is missing" insert.mode=insert
	ok $lite insert.mode=UPSERT pk.mode=record_key auto.create=TRUE
}

@test "later ones win, whatever their kind and name" {
	echo insert.mode=nonsense >a.properties
	ok -c a.properties $lite insert.mode=insert
	refused nonsense $lite insert.mode=insert -c a.properties
	ok $lite primary.key.mode=nonsense pk.mode=none
}

@test "an unknown property: a warning with the nearest name, once" {
	ok $lite insert.mod=insert
	[ "$(grep -c 'insert.mod is not known here' err)" = 1 ]
	grep -q "did you mean insert.mode?" err
	ok $lite what.ever.is=this
	grep -q "what.ever.is is not known here" err
}

@test ".properties: comments, separators, continued lines, escapes" {
	printf '%s\n' '# a comment' '! another' '' '  connection.url : jdbc:sqlite:x.db' \
		'insert.mode upsert' 'pk.mode=record_\' '    key' 'auto.create=\u0074rue' \
		'collection.name.format=a\=b\:c # not a comment' 'pk.fields=' >a.properties
	ok -c a.properties
	[ ! -s err ]
	printf 'connection.url=jdbc:sqlite:x.db\r\ninsert.mode=insert\r\n' >crlf.properties
	ok -c crlf.properties
	printf '\xef\xbb\xbfconnection.url=jdbc:sqlite:x.db' >bom.properties
	ok -c bom.properties
}

@test "JSON: both of Connect's shapes, numbers and booleans" {
	echo '{"value.converter.schemas.enable":false}' >flat.json
	echo '{"name":"x","config":{"value.converter.schemas.enable":"false"}}' >named.json
	[ "$(schemas -c flat.json)" = "$(schemas value.converter.schemas.enable=false)" ]
	[ "$(schemas -c named.json)" = "$(schemas value.converter.schemas.enable=false)" ]
	echo '{"batch.size":7.5,"connection.url":"jdbc:sqlite:x.db"}' >real.json
	refused "batch.size" -c real.json
	echo '{"a":' >broken.json
	refused "broken.json" -c broken.json
	echo '{"a":{"b":1}}' >deep.json
	refused "deep.json" -c deep.json
}

@test "files that are not there are named" {
	run kc-jdbcsink -c none.properties </dev/null
	[ "$status" != 0 ]
	[[ "$output" == *none.properties* ]]
}

@test "providers: file, env and dir, and what they lack" {
	echo 'url=jdbc:sqlite:x.db' >secrets
	mkdir d
	printf insert >d/mode
	export KC_TEST_BATCH=5
	ok 'connection.url=${file:secrets:url}' 'insert.mode=${dir:d:mode}' 'batch.size=${env:KC_TEST_BATCH}'
	refused 'property connection.user: ${file:secrets:none}: secrets has no key none' $lite 'connection.user=${file:secrets:none}'
	refused 'property connection.user: ${env:KC_NOT_SET}' $lite 'connection.user=${env:KC_NOT_SET}'
	refused 'property connection.user: ${file:nowhere:k}' $lite 'connection.user=${file:nowhere:k}'
	refused 'd/none' $lite 'connection.user=${dir:d:none}'
	ok $lite 'collection.name.format=${topic}_x'
}

@test "secrets: @file; never in a message" {
	echo s3cret-word >pw
	ok $lite connection.password=@pw
	refused "connection.password: @none" $lite connection.password=@none
	kc-jdbcsink -vv $lite connection.password=s3cret-word insert.mode=upsert pk.mode=none </dev/null >out 2>&1 || true
	run grep s3cret-word out err
	[ "$status" = 1 ]
}

@test "a connector's other properties are another stage's" {
	cat >c.json <<-'Y'
	{"name":"s","config":{"connector.class":"io.debezium.connector.jdbc.JdbcSinkConnector",
	"tasks.max":1,"topics":"t","key.converter":"K","value.converter.schema.registry.url":"u",
	"transforms":"a","transforms.a.type":"T","predicates":"p","predicates.p.type":"P",
	"errors.tolerance":"all","header.converter":"H","config.action.reload":"none",
	"consumer.override.fetch.min.bytes":1,"connection.url":"jdbc:sqlite:x.db"}}
	Y
	ok -c c.json
	run grep "not known" err
	[ "$status" = 1 ]
	schemas -c c.json value.converter=org.apache.kafka.connect.json.JsonConverter \
		key.converter=org.apache.kafka.connect.json.JsonConverter
	run grep "not known" err
	[ "$status" = 1 ]
	# its own typing errors are still said by the connector itself
	jq '.config["insert.mod"] = "insert"' c.json >typo.json
	ok -c typo.json
	grep -q "did you mean insert.mode" err
}

@test "of the JVM only: said at -v; not supported: a warning" {
	ok -v $lite connection.attempts=3
	grep -q "connection.attempts is of the JVM's" err
	ok $lite connection.attempts=3
	[ ! -s err ]
}

@test "options: -c, --, closed files, the disk full" {
	refused "option -Z is not known; try kc-jdbcsink -h" -Z
	refused "option -c needs an argument" $lite -c
	run kc-convert -- offset </dev/null
	[ "$status" = 64 ]
	[[ "$output" == *"operand offset: must be name=value; try kc-convert -h"* ]]
	[ "$(kc-convert -V)" = "kc-convert $(kc-convert --describe | jq -r .version)" ]
	run bash -c 'kc-convert -h >/dev/full'
	[ "$status" = 74 ]
	echo '{"topic":"t","value":1}' >in
	kc-convert <in >out 2>&-
	[ -s out ]
	run bash -c 'kc-convert <in >&-'
	[ "$status" = 74 ]
	kc-convert <&- >out
	[ ! -s out ]
}

@test "--describe: entries in the shape of GET /connector-plugins/X/config" {
	kc-jdbcsink --describe | jq -e '.type == "sink" and
		(.classes | index("io.debezium.connector.jdbc.JdbcSinkConnector")) and
		(.configs | length > 10) and
		(.configs | all(has("name") and has("type") and has("required") and
			has("default_value") and has("importance") and has("documentation") and
			has("group") and has("width") and has("display_name") and
			has("dependents") and has("order"))) and
		(.configs[] | select(.name == "insert.mode") | .type == "STRING" and .default_value == "insert")'
	kc-jdbcsink --kc-options | awk -F '\t' 'NF != 3 { exit 1 }'
}

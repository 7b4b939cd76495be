#!/usr/bin/env bats
# kc-convert: both directions of the three converters, and what goes wrong.

bats_require_minimum_version 1.5.0
load lib

schema='{"type":"struct","optional":false,"name":"s.Value","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"price"},{"type":"string","optional":true,"default":"dflt","field":"note"},{"type":"array","optional":true,"items":{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"1"}},"field":"list"},{"type":"map","optional":true,"keys":{"type":"int32","optional":false},"values":{"type":"string","optional":true},"field":"m"}]}'
wire='{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"price"},{"type":"string","optional":true,"default":"dflt","field":"note"},{"type":"array","items":{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"1"}},"optional":true,"field":"list"},{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"string","optional":true},"optional":true,"field":"m"}],"optional":false,"name":"s.Value"}'

input() {
	echo "{\"schema\":$schema,\"id\":\"s1\"}"
	echo '{"topic":"t","partition":3,"timestamp":5,"key":"k\u0041","valueSchema":"s1","value":{"id":1,"price":"-12.34","note":null,"list":["1.0",null,"-0.1"],"m":[[1,"a"],[2,null]]},"headers":[["h","v"]],"mine":{"x":1},"source":{"partition":{"p":1},"offset":{"o":1}}}'
	echo '{"topic":"t","key":null,"value":null}'
}
plain=(key.converter.schemas.enable=false value.converter.schemas.enable=false)
records() { grep '^{"topic"'; }

@test "JSON without schemas: Decimals as base64, defaults for null, the rest as it was" {
	input | kc-convert "${plain[@]}" | records >got
	diff got - <<-'X'
	{"topic":"t","partition":3,"timestamp":5,"key":"k\u0041","value":{"id":1,"price":"+y4=","note":"dflt","list":["Cg==",null,"/w=="],"m":[[1,"a"],[2,null]]},"headers":[["h","v"]],"mine":{"x":1},"source":{"partition":{"p":1},"offset":{"o":1}}}
	{"topic":"t","key":null,"value":null}
	X
}

@test "JSON with schemas: as JsonConverter writes it, and a tombstone stays one" {
	input | kc-convert | records | head -n 1 | jq -c .value >got
	echo "{\"schema\":$wire,\"payload\":{\"id\":1,\"price\":\"+y4=\",\"note\":\"dflt\",\"list\":[\"Cg==\",null,\"/w==\"],\"m\":[[1,\"a\"],[2,null]]}}" | jq -c . | diff got -
	input | kc-convert | records | head -n 1 | jq -c .key | grep -qxF '{"schema":null,"payload":"kA"}'
	[ "$(input | kc-convert | records | tail -n 1)" = '{"topic":"t","key":null,"value":null}' ]
}

@test "decimal.format=NUMERIC, and null kept" {
	[ "$(input | kc-convert "${plain[@]}" value.converter.decimal.format=numeric value.converter.replace.null.with.default=false |
		records | head -n 1 | sed -E 's/.*"value":(.*),"headers".*/\1/')" = \
	'{"id":1,"price":-12.34,"note":null,"list":[1.0,null,-0.1],"m":[[1,"a"],[2,null]]}' ]
}

@test "there and back: the same data and the same schema's id" {
	input | kc-convert value.converter.replace.null.with.default=false |
		kc-convert -r value.converter.replace.null.with.default=false >got
	id=$(printf %s "$schema" | sha256sum | cut -c1-16)
	grep -qF "{\"schema\":$schema,\"id\":\"$id\"}" got
	records <got | head -n 1 | jq -c '[.valueSchema, .value]' >one
	input | records | head -n 1 | jq -c "[\"$id\", .value]" | diff one -
	# numbers are read as well
	input | kc-convert value.converter.decimal.format=NUMERIC | kc-convert -r |
		records | head -n 1 | jq -r '.value | [.price, .list[0]] | join(" ")' | grep -qx -- '-12.34 1.0'
}

@test "a default that is a Decimal crosses the wire" {
	s='{"type":"struct","optional":false,"fields":[{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"default":"1.50","field":"p"}]}'
	printf '%s\n' "{\"schema\":$s,\"id\":\"x\"}" '{"topic":"t","valueSchema":"x","value":{"p":null}}' >in
	kc-convert <in | records | jq -c '[.value.schema.fields[0].default, .value.payload.p]' | grep -qxF '["AJY=","AJY="]'
	kc-convert <in | kc-convert -r | grep -qF '"default":"1.50"'
	kc-convert <in | kc-convert -r | records | jq -r .value.p | grep -qx 1.50
}

@test "StringConverter and ByteArrayConverter" {
	c=(key.converter=StringConverter value.converter=org.apache.kafka.connect.converters.ByteArrayConverter)
	echo '{"topic":"t","key":"a\u00e9\n","value":"AQID"}' | kc-convert "${c[@]}" >got
	[ "$(cat got)" = '{"topic":"t","keyBytes":"YcOpCg==","valueBytes":"AQID"}' ]
	kc-convert -r "${c[@]}" <got | records | jq -c '[.key, .value]' | grep -qxF '["aé\n","AQID"]'
	echo '{"topic":"t","key":{"a":1}}' | kc-convert key.converter=StringConverter | jq -r '.keyBytes | @base64d' | grep -qxF '{"a":1}'
}

@test "bad: a class, a payload, a Decimal, a schema that was lost" {
	run -64 kc-convert value.converter=io.confluent.connect.avro.AvroConverter </dev/null
	[[ $output == *"AvroConverter"*"JsonConverter"* ]]
	run -65 kc-convert -r <<<'{"topic":"t","value":{"a":1}}'
	[[ $output == *'line 1'*'"schema" and "payload"'*"value.converter.schemas.enable=false"* ]]
	run -65 kc-convert <<<'{"topic":"t","valueSchema":"nope","value":1}'
	[[ $output == *"schema nope was never announced"* ]]
	{
		input | head -n 1
		echo '{"topic":"t","valueSchema":"s1","value":{"id":1,"price":"abc"},"source":{"partition":{"p":1},"offset":{"o":2}}}'
		echo '{"topic":"t","value":2}'
	} >in
	run -65 kc-convert "${plain[@]}" <in
	[[ $output == *"line 2"*"price"* ]]
	kc-convert -q "${plain[@]}" -D dead <in >out
	grep -qxF '{"topic":"t","value":2}' out
	grep -qF '{"checkpoint":{"partition":{"p":1},"offset":{"o":2}}}' out
	jq -e '.error.stage == "kc-convert" and .value.price == "abc"' dead
}

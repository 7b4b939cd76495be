#!/usr/bin/env python3
"""envelope.py PREFIX FILE: Connect's JSON with schemas, one line a record
(topic, key, value, headers; tabs between), as masked kc envelopes on stdout.
The topic prefix PREFIX becomes "t"."""
import base64
import hashlib
import json
import re
import sys

ORDER = ["type", "optional", "name", "version", "doc", "parameters", "default",
         "fields", "items", "keys", "values", "field"]
MASKED = {"ts_ms", "ts_us", "ts_ns", "version", "pos", "thread", "file", "gtid",
          "server_id", "row", "lsn", "txId", "sequence"}


class Raw(str):
    """A number, kept as it was written."""


def dump(v):
    if isinstance(v, Raw):
        return str(v)
    if isinstance(v, dict):
        return "{" + ",".join(dump(k) + ":" + dump(x) for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(dump, v)) + "]"
    text = json.dumps(v, ensure_ascii=False)
    return re.sub(r"\\u00(..)", lambda m: "\\u00" + m[1].upper(), text)


def load(text):
    return json.loads(text, parse_int=Raw, parse_float=Raw)


def decimal(text, scale):
    v = int.from_bytes(base64.b64decode(text), "big", signed=True)
    s = str(abs(v)).rjust(scale + 1, "0")
    if scale:
        s = s[:-scale] + "." + s[-scale:]
    return "-" + s if v < 0 else s


def is_decimal(s):
    return s.get("name") == "org.apache.kafka.connect.data.Decimal"


def schema(s):
    d = {k: s[k] for k in ORDER if k in s}
    for k in ("items", "keys", "values"):
        if k in d:
            d[k] = schema(d[k])
    if "fields" in d:
        d["fields"] = [schema(f) for f in d["fields"]]
    if "default" in d and is_decimal(s):
        d["default"] = decimal(d["default"], int(s["parameters"]["scale"]))
    return d


def value(s, v):
    if v is None:
        return None
    if s["type"] == "struct":
        return {f["field"]: value(f, v[f["field"]]) for f in s["fields"]}
    if s["type"] == "array":
        return [value(s["items"], x) for x in v]
    return decimal(v, int(s["parameters"]["scale"])) if is_decimal(s) else v


def mask(v):
    for part in (v, v["source"]):
        for k in part:
            if k in MASKED and (part[k] is not None or k in ("thread", "gtid")):
                part[k] = "*"
    if v["source"]["snapshot"] is None:
        v["source"]["snapshot"] = "false"
    return v


def announce(s, seen, out):
    text = dump(schema(s))
    ident = hashlib.sha256(text.encode()).hexdigest()[:16]
    if ident not in seen:
        seen.add(ident)
        out.append('{"schema":%s,"id":"%s"}' % (text, ident))
    return ident


def main(prefix, path):
    seen, schemas, records = set(), [], []
    for line in open(path, encoding="utf-8"):
        topic, key, val, headers = line.rstrip("\n").replace(prefix, "t").split("\t")
        if not key and not val:
            continue  # a tombstone without a key tells nobody anything
        out = '{"topic":' + dump(topic)
        if key:
            k = load(key)
            ident = announce(k["schema"], seen, schemas)
            out += ',"keySchema":"%s","key":%s' % (
                ident, dump(value(k["schema"], k["payload"])))
        if val:
            v = load(val)
            out += ',"valueSchema":"%s","value":%s' % (
                announce(v["schema"], seen, schemas),
                dump(mask(value(v["schema"], v["payload"]))))
        else:
            out += ',"value":null'
        moved = re.search(r"(__debezium\.(?:new|old)key)=(\{[^}]*\})", headers)
        if moved:
            out += ',"headers":[["%s",%s,"%s"]]' % (*moved.groups(), ident)
        records.append((topic, out + "}"))
    print("\n".join(sorted(schemas)))
    print("\n".join(r for _, r in sorted(records, key=lambda r: r[0].encode())))


main(*sys.argv[1:])

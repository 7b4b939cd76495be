/*
 * Positions and source blocks as Debezium writes them: the offset map that the
 * store keeps, and the head and schema of each event's "source".
 */
#include <stdlib.h>

#include "kc-binlog.h"

static void
put_number(struct kc_buf *b, const char *name, uint64_t v)
{
	if (v == 0)
		return;
	kc_buf_puts(b, name);
	kc_buf_u64(b, v);
}

void
offset_put(struct kc_buf *b, const struct offset *o)
{
	kc_buf_lit(b, "{\"file\":");
	kc_json_str(b, o->file, strlen(o->file));
	kc_buf_lit(b, ",\"pos\":");
	kc_buf_u64(b, o->pos);
	if (o->gtids.len > 0) {
		kc_buf_lit(b, ",\"gtids\":");
		kc_json_str(b, o->gtids.p, o->gtids.len);
	}
	put_number(b, ",\"server_id\":", o->server_id);
	put_number(b, ",\"event\":", o->event);
	put_number(b, ",\"row\":", o->row);
	put_number(b, ",\"line\":", o->line);
	put_number(b, ",\"ts_sec\":", (uint64_t)o->ts_sec);
	if (o->snapshot)
		kc_buf_lit(b,
		    ",\"snapshot\":\"INITIAL\","
		    "\"snapshot_completed\":false");
	kc_buf_putc(b, '}');
}

void
offset_set(struct offset *o, const struct kc_mysql_pos *p, int64_t ts)
{
	struct kc_buf gtids = o->gtids;

	kc_buf_reset(&gtids);
	kc_buf_span(&gtids, KC_BUF_SPAN(&p->gtids));
	*o = (struct offset){ .pos = p->pos, .ts_sec = ts, .gtids = gtids };
	memcpy(o->file, p->file, sizeof o->file);
}

/* Absent or null: 0. */
static int
number_of(struct kc_span json, const char *name, uint64_t *v, struct kc_err *e)
{
	struct kc_span s = kc_json_get(json, name);

	*v = 0;
	if (kc_json_is_null(s) || kc_parse_u64(s, v))
		return 0;
	return kc_fail(e, KC_DATA,
	    "stored offset: %s: %.*s: not a number; "
	    "kc-offset set, or kc-offset reset",
	    name, (int)s.n, s.p);
}

int
offset_parse(struct offset *o, struct kc_span json, struct kc_err *e)
{
	struct kc_span snapshot = kc_json_get(json, "snapshot"),
		       gtids = kc_json_get(json, "gtids");
	char *file = kc_json_strdup(kc_json_get(json, "file"));
	uint64_t ts;

	if (file == NULL || strlen(file) >= sizeof o->file) {
		free(file);
		return kc_fail(e, KC_DATA,
		    "stored offset: %.*s: has no binlog file; kc-offset set, "
		    "or kc-offset reset",
		    (int)json.n, json.p);
	}
	memcpy(o->file, file, strlen(file) + 1);
	free(file);
	if (number_of(json, "pos", &o->pos, e) != 0 ||
	    number_of(json, "event", &o->event, e) != 0 ||
	    number_of(json, "row", &o->row, e) != 0 ||
	    number_of(json, "line", &o->line, e) != 0 ||
	    number_of(json, "server_id", &o->server_id, e) != 0 ||
	    number_of(json, "ts_sec", &ts, e) != 0)
		return -1;
	o->ts_sec = (int64_t)ts;
	kc_buf_reset(&o->gtids);
	if (kc_json_is_str(gtids))
		kc_json_unescape(&o->gtids, kc_json_inner(gtids));
	o->snapshot = !kc_json_is_null(snapshot) &&
	    !kc_span_is(snapshot, "false") &&
	    !kc_span_is(kc_json_get(json, "snapshot_completed"), "true");
	return 0;
}

#define F(name, type, optional)                                               \
	",{\"type\":\"" type "\",\"optional\":" optional ",\"field\":\"" name \
	"\"}"
#define SOURCE(connector)                                                                 \
	"{\"type\":\"struct\",\"optional\":false,"                                        \
	"\"name\":\"io.debezium.connector." connector                                     \
	".Source\",\"version\":1,\"fields\":["                                            \
	"{\"type\":\"string\",\"optional\":false,\"field\":\"version\"}" F(               \
	    "connector", "string", "false") F("name", "string",                           \
	    "false") F("ts_ms", "int64",                                                  \
	    "false") ",{\"type\":\"string\",\"optional\":true,"                           \
		     "\"name\":\"io.debezium.data.Enum\",\"version\":1,"                  \
		     "\"parameters\":{\"allowed\":\"true,first,first_in_data_collection," \
		     "last_in_data_collection,last,false,incremental\"},"                 \
		     "\"default\":\"false\",\"field\":\"snapshot\"}" F("db",              \
			 "string", "false") F("sequence", "string", "true")               \
			 F("ts_us", "int64", "true") F("ts_ns", "int64", "true")          \
			     F("table", "string", "true") F("server_id",                  \
				 "int64", "false") F("gtid", "string", "true")            \
				 F("file", "string", "false") F("pos", "int64",           \
				     "false") F("row", "int32", "false")                  \
				     F("thread", "int64", "true")                         \
					 F("query", "string",                             \
					     "true") "],\"field\":\"source\"}"

const char *
source_schema(bool mariadb)
{
	return mariadb ? SOURCE("mariadb") : SOURCE("mysql");
}

void
source_head(struct kc_buf *b, const struct binlog *k)
{
	const char *name = kc_conf_str(k->conf, "topic.prefix");

	kc_buf_printf(b,
	    "{\"version\":\"%s\",\"connector\":\"%s\",\"name\":", KC_VERSION,
	    k->mariadb ? "mariadb" : "mysql");
	kc_json_str(b, name, strlen(name));
	kc_buf_lit(b, ",\"ts_ms\":");
}

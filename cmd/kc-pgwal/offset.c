/* Debezium's source block and source offset of PostgreSQL. */
#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

#define F(type, optional, name)                                              \
	"{\"type\":\"" type "\",\"optional\":" optional ",\"field\":\"" name \
	"\"}"

const char source_schema[] =
    "{\"type\":\"struct\",\"optional\":false,"
    "\"name\":\"io.debezium.connector.postgresql.Source\",\"version\":1,"
    "\"fields\":[" F("string", "false", "version") "," F("string", "false",
	"connector") "," F("string", "false", "name") "," F("int64", "false",
	"ts_ms") ","
		 "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\","
		 "\"version\":1,\"parameters\":{\"allowed\":\"true,first,"
		 "first_in_data_collection,last_in_data_collection,last,false,incremental\"},"
		 "\"default\":\"false\",\"field\":\"snapshot\"}," F("string",
		     "false", "db") "," F("string", "true",
		     "sequence") "," F("int64", "true", "ts_us") "," F("int64",
		     "true", "ts_ns") "," F("string", "false",
		     "schema") "," F("string", "false", "table") "," F("int64",
		     "true", "txId") "," F("int64", "true", "lsn") "," F("int64",
		     "true", "xmin") "],\"field\":\"source\"}";

static void
member(struct kc_buf *b, const char *name, int64_t v)
{
	if (b->p[b->len - 1] != '{')
		kc_buf_putc(b, ',');
	kc_buf_putc(b, '"');
	kc_buf_puts(b, name);
	kc_buf_lit(b, "\":");
	kc_buf_i64(b, v);
}

void
offset_put(struct kc_buf *b, const struct offset *o)
{
	kc_buf_putc(b, '{');
	if (o->snapshot)
		kc_buf_lit(b,
		    "\"last_snapshot_record\":false,"
		    "\"snapshot\":\"INITIAL\"");
	if (o->lsn_proc != 0)
		member(b, "lsn_proc", (int64_t)o->lsn_proc);
	if (o->message[0] != '\0') {
		kc_buf_puts(b,
		    b->p[b->len - 1] == '{' ? "\"messageType\":\"" :
					      ",\"messageType\":\"");
		kc_buf_puts(b, o->message);
		kc_buf_putc(b, '"');
	}
	if (o->lsn_commit != 0)
		member(b, "lsn_commit", (int64_t)o->lsn_commit);
	member(b, "lsn", (int64_t)o->lsn);
	if (o->tx != 0)
		member(b, "txId", o->tx);
	member(b, "ts_usec", o->ts_usec);
	if (o->has_row)
		member(b, "row", (int64_t)o->row);
	if (o->line != 0)
		member(b, "line", (int64_t)o->line);
	kc_buf_putc(b, '}');
}

static int64_t
number(struct kc_span json, const char *name)
{
	int64_t v = 0;
	struct kc_span s = kc_json_get(json, name);

	return s.p != NULL && kc_parse_i64(s, &v) ? v : 0;
}

void
offset_parse(struct offset *o, struct kc_span json)
{
	struct kc_span snap = kc_json_get(json, "snapshot");
	struct kc_span last = kc_json_get(json, "last_snapshot_record");

	memset(o, 0, sizeof *o);
	o->lsn = (uint64_t)number(json, "lsn");
	o->lsn_proc = (uint64_t)number(json, "lsn_proc");
	o->lsn_commit = (uint64_t)number(json, "lsn_commit");
	o->tx = (uint32_t)number(json, "txId");
	o->ts_usec = number(json, "ts_usec");
	o->row = (uint64_t)number(json, "row");
	o->line = (uint64_t)number(json, "line");
	o->has_row = kc_json_get(json, "row").p != NULL;
	/* Debezium's finished snapshot keeps the member, with its last record. */
	o->snapshot = !kc_json_is_null(snap) && !kc_span_is(snap, "false") &&
	    !kc_span_is(last, "true");
}

void
source_put(struct kc_buf *b, const struct pgwal *w, const struct table *t,
    const char *snapshot, int64_t ts_us, uint64_t last_commit, uint64_t lsn,
    uint32_t tx)
{
	const char *name = kc_conf_str(w->conf, "topic.prefix");

	kc_buf_lit(b,
	    "{\"version\":\"" KC_VERSION "\",\"connector\":\"postgresql\","
	    "\"name\":");
	kc_json_str(b, name, strlen(name));
	kc_buf_lit(b, ",\"ts_ms\":");
	kc_buf_i64(b, ts_us / 1000);
	kc_buf_lit(b, ",\"snapshot\":\"");
	kc_buf_puts(b, snapshot);
	kc_buf_lit(b, "\",\"db\":");
	kc_json_str(b, w->dbname, strlen(w->dbname));
	kc_buf_lit(b, ",\"sequence\":\"[");
	if (last_commit == 0) {
		kc_buf_lit(b, "null");
	} else {
		kc_buf_lit(b, "\\\"");
		kc_buf_u64(b, last_commit);
		kc_buf_lit(b, "\\\"");
	}
	kc_buf_lit(b, ",\\\"");
	kc_buf_u64(b, lsn);
	kc_buf_lit(b, "\\\"]\",\"ts_us\":");
	kc_buf_i64(b, ts_us);
	kc_buf_lit(b, ",\"ts_ns\":");
	kc_buf_i64(b, ts_us);
	kc_buf_lit(b, "000,\"schema\":");
	if (t != NULL) {
		kc_json_str(b, t->cdc.schema, strlen(t->cdc.schema));
		kc_buf_lit(b, ",\"table\":");
		kc_json_str(b, t->cdc.table, strlen(t->cdc.table));
	} else {
		kc_buf_lit(b, "\"\",\"table\":\"\"");
	}
	kc_buf_lit(b, ",\"txId\":");
	if (tx != 0)
		kc_buf_u64(b, tx);
	else
		kc_buf_lit(b, "null");
	kc_buf_lit(b, ",\"lsn\":");
	kc_buf_u64(b, lsn);
	kc_buf_lit(b, ",\"xmin\":null}");
}

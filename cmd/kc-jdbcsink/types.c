/*
 * Column types of new columns, by schema, as Debezium's JDBC sink chooses
 * them; where it would need an extension (PostGIS, ltree), a plain type.
 */
#include <stdlib.h>

#include "jdbc.h"

enum { PG, MYSQL, SQLITE, DIALECTS };

static const char *const by_type[][DIALECTS] = {
	[KC_INT8] = { "smallint", "tinyint", "INTEGER" },
	[KC_INT16] = { "smallint", "smallint", "INTEGER" },
	[KC_INT32] = { "integer", "int", "INTEGER" },
	[KC_INT64] = { "bigint", "bigint", "INTEGER" },
	[KC_FLOAT32] = { "real", "float", "REAL" },
	[KC_FLOAT64] = { "double precision", "double", "REAL" },
	[KC_BOOLEAN] = { "boolean", "tinyint(1)", "BOOLEAN" },
	[KC_STRING] = { "text", "longtext", "TEXT" },
	[KC_BYTES] = { "bytea", "longblob", "BLOB" },
	[KC_ARRAY] = { "jsonb", "json", "TEXT" },
	[KC_MAP] = { "jsonb", "json", "TEXT" },
	[KC_STRUCT] = { "jsonb", "json", "TEXT" },
};

static const char *const by_logical[KC_L_DBZ_OTHER + 1][DIALECTS] = {
	[KC_L_DATE] = { "date", "date", "DATE_TEXT" },
	[KC_L_TIME] = { "time(3)", "time(3)", "TIME_TEXT" },
	[KC_L_TIMESTAMP] = { "timestamp(3)", "datetime(3)", "TIMESTAMP_TEXT" },
	[KC_L_DBZ_DATE] = { "date", "date", "DATE_TEXT" },
	[KC_L_DBZ_TIME] = { "time(3)", "time(3)", "TIME_TEXT" },
	[KC_L_DBZ_MICROTIME] = { "time(6)", "time(6)", "TIME_TEXT" },
	[KC_L_DBZ_NANOTIME] = { "time(6)", "time(6)", "TIME_TEXT" },
	[KC_L_DBZ_TIMESTAMP] = { "timestamp(3)", "datetime(3)", "TIMESTAMP_TEXT" },
	[KC_L_DBZ_MICROTIMESTAMP] = { "timestamp(6)", "datetime(6)",
	    "TIMESTAMP_TEXT" },
	[KC_L_DBZ_NANOTIMESTAMP] = { "timestamp(6)", "datetime(6)",
	    "TIMESTAMP_TEXT" },
	[KC_L_DBZ_ZONEDTIMESTAMP] = { "timestamptz", "datetime(6)",
	    "TIMESTAMP_TEXT" },
	[KC_L_DBZ_ZONEDTIME] = { "timetz", "varchar(32)", "TIME_TEXT" },
	[KC_L_DBZ_YEAR] = { "integer", "int", "INTEGER" },
	[KC_L_DBZ_INTERVAL] = { "interval", "varchar(64)", "TEXT" },
	[KC_L_DBZ_MICRODURATION] = { "interval", "bigint", "INTEGER" },
	[KC_L_DBZ_JSON] = { "json", "json", "TEXT" },
	[KC_L_DBZ_XML] = { "xml", NULL, NULL },
	[KC_L_DBZ_UUID] = { "uuid", "char(36)", "TEXT" },
	[KC_L_DBZ_ENUM] = { "text", "varchar(255)", "TEXT" },
	[KC_L_DBZ_ENUMSET] = { "text", "varchar(1024)", "TEXT" },
	[KC_L_DBZ_POINT] = { "point", "geometry", "BLOB" },
	[KC_L_DBZ_GEOMETRY] = { "bytea", "geometry", "BLOB" },
	[KC_L_DBZ_GEOGRAPHY] = { "bytea", "geometry", "BLOB" },
};

static int
param(const struct kc_schema *s, const char *name)
{
	const char *v = kc_schema_param(s, name);

	return v == NULL ? 0 : atoi(v);
}

/*
 * Exact in all three. SQLite's NUMERIC keeps 15 digits; past that text does.
 */
static void
put_decimal(const struct dialect *d, struct kc_buf *b, const struct kc_schema *s)
{
	int p = param(s, "connect.decimal.precision"), scale = s->scale;

	if (d->id == SQLITE) {
		kc_buf_puts(b, p > 0 && p <= 15 ? "NUMERIC" : "DECIMAL_TEXT");
		if (p > 0)
			kc_buf_printf(b, "(%d,%d)", p, scale);
	} else if (d->id == PG) {
		kc_buf_lit(b, "numeric");
		if (p > 0 && p <= 1000 && scale >= 0 && scale <= p)
			kc_buf_printf(b, "(%d,%d)", p, scale);
	} else {
		kc_buf_printf(b, "decimal(%d,%d)", p > 0 && p <= 65 ? p : 65,
		    scale < 0	   ? 0 :
			scale > 30 ? 30 :
				     scale);
	}
}

static void
put_string(const struct dialect *d, struct kc_buf *b, const struct kc_schema *s,
    bool key)
{
	int n = param(s, "__debezium.source.column.length");

	if (n > 0 && n <= 10000 && d->id != SQLITE && (!key || n <= 512))
		kc_buf_printf(b, "varchar(%d)", n);
	else
		kc_buf_puts(b,
		    key && d->id == MYSQL ? "varchar(255)" :
					    by_type[KC_STRING][d->id]);
}

static void
put_bits(const struct dialect *d, struct kc_buf *b, const struct kc_schema *s)
{
	int n = param(s, "length");

	if (d->id == SQLITE)
		kc_buf_lit(b, "BLOB");
	else if (d->id == PG && (n <= 0 || n > 83886080))
		kc_buf_lit(b, "bit varying");
	else if (d->id == MYSQL && (n <= 0 || n > 64))
		kc_buf_lit(b, "bit(64)");
	else
		kc_buf_printf(b, "bit(%d)", n);
}

/* PostgreSQL has arrays of every type but arrays of documents. */
static bool
put_array(const struct dialect *d, struct kc_buf *b, const struct kc_schema *s)
{
	const struct kc_schema *item = s->items;

	while (item->type == KC_ARRAY)
		item = item->items;
	if (d->id != PG || item->type == KC_STRUCT || item->type == KC_MAP)
		return false;
	type_put(d, b, item, false);
	kc_buf_lit(b, "[]");
	return true;
}

void
type_put(const struct dialect *d, struct kc_buf *b, const struct kc_schema *s,
    bool key)
{
	const char *name = by_logical[s->logical][d->id];
	const char *source = kc_schema_param(s, "__debezium.source.column.type");

	if (s->logical == KC_L_DECIMAL) {
		put_decimal(d, b, s);
	} else if (s->logical == KC_L_DBZ_VARIABLESCALEDECIMAL) {
		kc_buf_puts(b,
		    d->id == PG	       ? "numeric" :
			d->id == MYSQL ? "decimal(65,30)" :
					 "DECIMAL_TEXT");
	} else if (s->logical == KC_L_DBZ_BITS) {
		put_bits(d, b, s);
	} else if (d->id == PG && s->logical == KC_L_DBZ_JSON &&
	    source != NULL && strcmp(source, "JSONB") == 0) {
		kc_buf_lit(b, "jsonb");
	} else if (name != NULL) {
		kc_buf_puts(b, name);
	} else if (s->type == KC_STRING) {
		put_string(d, b, s, key);
	} else if (s->type == KC_BYTES && key && d->id == MYSQL) {
		kc_buf_lit(b, "varbinary(255)");
	} else if (s->type != KC_ARRAY || !put_array(d, b, s)) {
		kc_buf_puts(b, by_type[s->type][d->id]);
	}
}

/*
 * PostgreSQL's types as Debezium's default mapping has them: the schema of a
 * column, and the JSON of a value's text output (UTC, ISO dates, hex bytea).
 */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

#define NAMED(type, name)                                        \
	"\"type\":\"" type "\",\"optional\":%s,\"name\":\"" name \
	"\",\"version\":1"

/* By kind: the schema's text; %s is optional. */
static const char *const schemas[] = {
	[P_INT16] = "\"type\":\"int16\",\"optional\":%s",
	[P_INT32] = "\"type\":\"int32\",\"optional\":%s",
	[P_INT64] = "\"type\":\"int64\",\"optional\":%s",
	[P_FLOAT] = "\"type\":\"float\",\"optional\":%s",
	[P_DOUBLE] = "\"type\":\"double\",\"optional\":%s",
	[P_NUMERIC] = NAMED("struct",
	    "io.debezium.data.VariableScaleDecimal") ",\"doc\":\"Variable scaled decimal\"",
	[P_DECIMAL] = NAMED("bytes", "org.apache.kafka.connect.data.Decimal"),
	[P_MONEY] = NAMED("bytes", "org.apache.kafka.connect.data.Decimal"),
	[P_BOOL] = "\"type\":\"boolean\",\"optional\":%s",
	[P_TEXT] = "\"type\":\"string\",\"optional\":%s",
	[P_BYTES] = "\"type\":\"bytes\",\"optional\":%s",
	[P_DATE] = NAMED("int32", "io.debezium.time.Date"),
	[P_TIME] = NAMED("int32", "io.debezium.time.Time"),
	[P_MICROTIME] = NAMED("int64", "io.debezium.time.MicroTime"),
	[P_TIMETZ] = NAMED("string", "io.debezium.time.ZonedTime"),
	[P_TIMESTAMP] = NAMED("int64", "io.debezium.time.Timestamp"),
	[P_MICROTIMESTAMP] = NAMED("int64", "io.debezium.time.MicroTimestamp"),
	[P_TIMESTAMPTZ] = NAMED("string", "io.debezium.time.ZonedTimestamp"),
	[P_INTERVAL] = NAMED("int64", "io.debezium.time.MicroDuration"),
	[P_UUID] = NAMED("string", "io.debezium.data.Uuid"),
	[P_JSON] = NAMED("string", "io.debezium.data.Json"),
	[P_XML] = NAMED("string", "io.debezium.data.Xml"),
	[P_BIT1] = "\"type\":\"boolean\",\"optional\":%s",
	[P_BITS] = NAMED("bytes", "io.debezium.data.Bits"),
	[P_VARBITS] = NAMED("bytes", "io.debezium.data.Bits"),
	[P_HSTORE] = NAMED("string", "io.debezium.data.Json"),
	[P_LTREE] = NAMED("string", "io.debezium.data.Ltree"),
	[P_ENUM] = NAMED("string", "io.debezium.data.Enum"),
	[P_POINT] = NAMED("struct",
	    "io.debezium.data.geometry.Point") ",\"doc\":\"Geometry (POINT)\"",
	[P_GEOMETRY] = NAMED("struct",
	    "io.debezium.data.geometry.Geometry") ",\"doc\":\"Geometry\"",
	[P_GEOGRAPHY] = NAMED("struct",
	    "io.debezium.data.geometry.Geography") ",\"doc\":\"Geography\"",
	[P_ARRAY] = "\"type\":\"array\",\"optional\":%s",
};

#define WKB                                                          \
	"{\"type\":\"bytes\",\"optional\":false,\"field\":\"wkb\"}," \
	"{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}"

/* Fields of those that are structs. */
static const char *const fields[P_ARRAY + 1] = {
	[P_NUMERIC] = "{\"type\":\"int32\",\"optional\":false,\"field\":\"scale\"},"
		      "{\"type\":\"bytes\",\"optional\":false,\"field\":\"value\"}",
	[P_POINT] = "{\"type\":\"double\",\"optional\":false,\"field\":\"x\"},"
		    "{\"type\":\"double\",\"optional\":false,\"field\":\"y\"},"
		    "{\"type\":\"bytes\",\"optional\":true,\"field\":\"wkb\"},"
		    "{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}",
	[P_GEOMETRY] = WKB,
	[P_GEOGRAPHY] = WKB,
};

static const struct {
	const char *name;
	enum kind kind;
} by_name[] = {
	{ "int2", P_INT16 },
	{ "int4", P_INT32 },
	{ "int8", P_INT64 },
	{ "oid", P_INT64 },
	{ "float4", P_FLOAT },
	{ "float8", P_DOUBLE },
	{ "numeric", P_NUMERIC },
	{ "money", P_MONEY },
	{ "bool", P_BOOL },
	{ "text", P_TEXT },
	{ "varchar", P_TEXT },
	{ "bpchar", P_TEXT },
	{ "name", P_TEXT },
	{ "char", P_TEXT },
	{ "citext", P_TEXT },
	{ "inet", P_TEXT },
	{ "cidr", P_TEXT },
	{ "macaddr", P_TEXT },
	{ "macaddr8", P_TEXT },
	{ "int4range", P_TEXT },
	{ "int8range", P_TEXT },
	{ "numrange", P_TEXT },
	{ "tsrange", P_TEXT },
	{ "tstzrange", P_TEXT },
	{ "daterange", P_TEXT },
	{ "isbn", P_TEXT },
	{ "bytea", P_BYTES },
	{ "date", P_DATE },
	{ "time", P_MICROTIME },
	{ "timetz", P_TIMETZ },
	{ "timestamp", P_MICROTIMESTAMP },
	{ "timestamptz", P_TIMESTAMPTZ },
	{ "interval", P_INTERVAL },
	{ "uuid", P_UUID },
	{ "json", P_JSON },
	{ "jsonb", P_JSON },
	{ "xml", P_XML },
	{ "bit", P_BITS },
	{ "varbit", P_VARBITS },
	{ "hstore", P_HSTORE },
	{ "ltree", P_LTREE },
	{ "point", P_POINT },
	{ "geometry", P_GEOMETRY },
	{ "geography", P_GEOGRAPHY },
};

static enum kind
kind_of(const char *name, char typtype)
{
	if (typtype == 'e')
		return P_ENUM;
	for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++)
		if (strcmp(by_name[i].name, name) == 0)
			return by_name[i].kind;
	return P_NONE;
}

/* What the type modifier says: precision, scale, length. */
static enum kind
refine(struct column *c, enum kind k, int32_t typmod, int *precision)
{
	c->fsp = 6;
	switch (k) {
	case P_NUMERIC:
		if (typmod < 4)
			return P_NUMERIC;
		*precision = (typmod - 4) >> 16 & 0xffff;
		c->scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
		return P_DECIMAL;
	case P_MONEY:
		c->scale = 2;
		return k;
	case P_BITS:
		c->length = typmod < 1 ? 1 : typmod;
		return c->length == 1 ? P_BIT1 : P_BITS;
	case P_VARBITS:
		c->length = typmod < 1 ? 2147483647 : typmod;
		return k;
	case P_MICROTIME:
	case P_MICROTIMESTAMP:
		c->fsp = typmod < 0 ? 6 : typmod;
		if (c->fsp > 3)
			return k;
		return k == P_MICROTIME ? P_TIME : P_TIMESTAMP;
	case P_TIMESTAMPTZ:
		c->fsp = typmod < 0 ? 6 : typmod;
		return k;
	default:
		return k;
	}
}

static void
put_schema(struct kc_buf *b, const struct column *c, enum kind k, bool optional,
    int precision, const struct type_def *t)
{
	char text[256];

	snprintf(text, sizeof text, "%s", schemas[k]);
	char *at = strstr(text, "%s");
	kc_buf_putc(b, '{');
	kc_buf_put(b, text, (size_t)(at - text));
	kc_buf_puts(b, optional ? "true" : "false");
	kc_buf_puts(b, at + 2);
	if (k == P_DECIMAL)
		kc_buf_printf(b,
		    ",\"parameters\":{\"scale\":\"%d\","
		    "\"connect.decimal.precision\":\"%d\"}",
		    c->scale, precision);
	else if (k == P_MONEY)
		kc_buf_lit(b, ",\"parameters\":{\"scale\":\"2\"}");
	else if (k == P_BITS || k == P_VARBITS)
		kc_buf_printf(b, ",\"parameters\":{\"length\":\"%d\"}",
		    c->length);
	if (k == P_ENUM) {
		kc_buf_lit(b, ",\"parameters\":{\"allowed\":");
		kc_json_str(b, t->labels, strlen(t->labels));
		kc_buf_putc(b, '}');
	}
}

/*
 * The value a default expression stands for, as text: 'x'::type, 7, true; for
 * sequences and the time of day what Debezium says, zero and the epoch.
 */
static bool
default_text(struct kc_buf *b, const struct column *c, const char *expr)
{
	bool timely = c->kind == P_TIMESTAMPTZ || c->kind == P_TIMESTAMP ||
	    c->kind == P_MICROTIMESTAMP || c->kind == P_DATE;

	if (expr[0] == '\'') {
		for (expr++; *expr != '\0'; expr++) {
			if (*expr == '\'' && *++expr != '\'')
				break;
			kc_buf_putc(b, *expr);
		}
		return expr[0] == '\0' || expr[0] == ':' || expr[-1] == '\'';
	}
	if (strncmp(expr, "nextval(", 8) == 0) {
		kc_buf_putc(b, '0');
		return true;
	}
	if (timely &&
	    (strncmp(expr, "now()", 5) == 0 ||
		strncasecmp(expr, "current_", 8) == 0)) {
		kc_buf_puts(b,
		    c->kind == P_DATE		 ? "1970-01-01" :
			c->kind == P_TIMESTAMPTZ ? "1970-01-01 00:00:00+00" :
						   "1970-01-01 00:00:00");
		return true;
	}
	size_t n = strcspn(expr, ":");
	bool minus = expr[0] == '(' && expr[1] == '-';
	if (minus) {
		expr++;
		n = strcspn(expr, ")");
	}
	for (size_t i = 0; i < n; i++)
		if (strchr("0123456789.-+eE", expr[i]) == NULL) {
			if (strncmp(expr, "true", n) != 0 &&
			    strncmp(expr, "false", n) != 0)
				return false;
			break;
		}
	kc_buf_put(b, expr, n);
	return n > 0;
}

/*
 * An old row has no more than its key, but its other columns may not be null
 * in the schema: they are their default or, as here, their type's zero.
 */
static const char *
zero_of(enum kind k)
{
	static const char *const zeros[P_ARRAY + 1] = {
		[P_NUMERIC] = "{\"scale\":0,\"value\":\"AA==\"}",
		[P_FLOAT] = "0.0",
		[P_DOUBLE] = "0.0",
		[P_BOOL] = "false",
		[P_BIT1] = "false",
		[P_TEXT] = "\"\"",
		[P_BYTES] = "\"\"",
		[P_TIMETZ] = "\"00:00:00Z\"",
		[P_TIMESTAMPTZ] = "\"1970-01-01T00:00:00Z\"",
		[P_UUID] = "\"\"",
		[P_JSON] = "\"\"",
		[P_XML] = "\"\"",
		[P_BITS] = "\"\"",
		[P_VARBITS] = "\"\"",
		[P_HSTORE] = "\"\"",
		[P_LTREE] = "\"\"",
		[P_ENUM] = "\"\"",
		[P_POINT] = "{\"x\":0.0,\"y\":0.0,\"wkb\":null,\"srid\":null}",
		[P_GEOMETRY] = "{\"wkb\":\"\",\"srid\":null}",
		[P_GEOGRAPHY] = "{\"wkb\":\"\",\"srid\":null}",
		[P_ARRAY] = "[]",
	};

	return zeros[k] != NULL ? zeros[k] : "0";
}

static void
set_missing(struct column *c, struct kc_span json)
{
	struct kc_buf b = { 0 };

	free(c->missing);
	if (json.n > 0)
		kc_buf_span(&b, json);
	else if (c->kind == P_DECIMAL || c->kind == P_MONEY)
		type_put(&b, c,
		    (struct kc_span){ "0.00", c->kind == P_MONEY ? 4 : 1 });
	else
		kc_buf_puts(&b, zero_of(c->kind));
	c->missing = kc_xstrdup(kc_buf_str(&b));
	kc_buf_release(&b);
}

static void
put_default(struct kc_buf *b, struct column *c, const char *expr)
{
	struct kc_buf text = { 0 }, json = { 0 };

	if (expr == NULL || c->kind == P_ARRAY || !default_text(&text, c, expr)) {
		kc_buf_release(&text);
		return;
	}
	if (type_put(&json, c, KC_BUF_SPAN(&text)) == 0 &&
	    !kc_json_is_null(KC_BUF_SPAN(&json))) {
		kc_buf_lit(b, ",\"default\":");
		kc_buf_span(b, KC_BUF_SPAN(&json));
		if (!c->optional)
			set_missing(c, KC_BUF_SPAN(&json));
	}
	kc_buf_release(&text);
	kc_buf_release(&json);
}

void
type_column(struct column *c, char **schema, const struct type_def *t,
    bool optional, const char *expr)
{
	struct kc_buf b = { 0 };
	int precision = 0;

	memset(c, 0, sizeof *c);
	c->optional = optional;
	*schema = NULL;
	if (t->elem != 0) {
		c->kind = P_ARRAY;
		c->item = kind_of(t->elem_name, t->elem_typtype);
		c->item = refine(c, c->item, t->typmod, &precision);
		if (c->item == P_NONE)
			c->kind = P_NONE;
	} else {
		c->kind = refine(c, kind_of(t->name, t->typtype), t->typmod,
		    &precision);
	}
	if (c->kind == P_NONE)
		return;
	put_schema(&b, c, c->kind, optional, precision, t);
	if (!optional)
		set_missing(c, (struct kc_span){ NULL, 0 });
	put_default(&b, c, expr);
	if (fields[c->kind] != NULL) {
		kc_buf_lit(&b, ",\"fields\":[");
		kc_buf_puts(&b, fields[c->kind]);
		kc_buf_putc(&b, ']');
	} else if (c->kind == P_ARRAY) {
		kc_buf_lit(&b, ",\"items\":");
		put_schema(&b, c, c->item, c->item != P_ENUM, precision, t);
		if (fields[c->item] != NULL) {
			kc_buf_lit(&b, ",\"fields\":[");
			kc_buf_puts(&b, fields[c->item]);
			kc_buf_putc(&b, ']');
		}
		kc_buf_putc(&b, '}');
	}
	kc_buf_putc(&b, '}');
	*schema = kc_buf_str(&b);
}

/* What fits the schema: the placeholder's text or bytes, else null or zero. */
void
type_put_unavailable(struct kc_buf *b, const struct column *c,
    struct kc_span placeholder)
{
	switch (c->kind) {
	case P_BYTES:
		kc_buf_putc(b, '"');
		kc_buf_b64(b, placeholder.p, placeholder.n);
		kc_buf_putc(b, '"');
		break;
	case P_TEXT:
	case P_JSON:
	case P_XML:
	case P_HSTORE:
	case P_LTREE:
	case P_ENUM:
	case P_UUID:
		kc_json_str(b, placeholder.p, placeholder.n);
		break;
	case P_ARRAY:
		if (c->item == P_TEXT || c->item == P_JSON || c->item == P_UUID) {
			kc_buf_putc(b, '[');
			kc_json_str(b, placeholder.p, placeholder.n);
			kc_buf_putc(b, ']');
		} else {
			kc_buf_lit(b, "[]");
		}
		break;
	default:
		kc_buf_lit(b, "null");
	}
}

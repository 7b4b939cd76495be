/*
 * What a column becomes: kind and schema, as Debezium 3.2 maps MySQL's and
 * MariaDB's types in its default modes (debezium.io, "Data type mappings").
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kc-binlog.h"

#define GEO "io.debezium.data.geometry."
#define WKB_FIELDS                                                \
	"{\"type\":\"bytes\",\"optional\":%s,\"field\":\"wkb\"}," \
	"{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}]"

/* By the first word of the type. schema: what type it has, and its name. */
static const struct type {
	const char *word;
	enum kind kind;
	int size;
	const char *type, *unsigned_type, *name;
} types[] = {
	{ "tinyint", K_INT, 1, "int16", "int16", NULL },
	{ "smallint", K_INT, 2, "int16", "int32", NULL },
	{ "mediumint", K_INT, 3, "int32", "int32", NULL },
	{ "int", K_INT, 4, "int32", "int64", NULL },
	{ "bigint", K_INT, 8, "int64", "int64", NULL },
	{ "bit", K_BITS, 0, "bytes", NULL, "io.debezium.data.Bits" },
	{ "float", K_FLOAT, 4, "float", NULL, NULL },
	{ "double", K_DOUBLE, 8, "double", NULL, NULL },
	{ "decimal", K_DECIMAL, 0, "bytes", NULL,
	    "org.apache.kafka.connect.data.Decimal" },
	{ "char", K_TEXT, 0, "string", NULL, NULL },
	{ "varchar", K_TEXT, 0, "string", NULL, NULL },
	{ "tinytext", K_TEXT, 0, "string", NULL, NULL },
	{ "text", K_TEXT, 0, "string", NULL, NULL },
	{ "mediumtext", K_TEXT, 0, "string", NULL, NULL },
	{ "longtext", K_TEXT, 0, "string", NULL, NULL },
	{ "inet4", K_INET4, 0, "string", NULL, NULL },
	{ "inet6", K_INET6, 0, "string", NULL, NULL },
	{ "uuid", K_UUID, 0, "string", NULL, "io.debezium.data.Uuid" },
	{ "vector", K_VECTOR, 0, "array", NULL, "io.debezium.data.FloatVector" },
	{ "binary", K_BINARY, 0, "bytes", NULL, NULL },
	{ "varbinary", K_BLOB, 0, "bytes", NULL, NULL },
	{ "tinyblob", K_BLOB, 0, "bytes", NULL, NULL },
	{ "blob", K_BLOB, 0, "bytes", NULL, NULL },
	{ "mediumblob", K_BLOB, 0, "bytes", NULL, NULL },
	{ "longblob", K_BLOB, 0, "bytes", NULL, NULL },
	{ "enum", K_ENUM, 0, "string", NULL, "io.debezium.data.Enum" },
	{ "set", K_SET, 0, "string", NULL, "io.debezium.data.EnumSet" },
	{ "json", K_JSON, 0, "string", NULL, "io.debezium.data.Json" },
	{ "date", K_DATE, 0, "int32", NULL, "io.debezium.time.Date" },
	{ "time", K_TIME, 0, "int64", NULL, "io.debezium.time.MicroTime" },
	{ "datetime", K_DATETIME, 0, "int64", NULL, "io.debezium.time.Timestamp" },
	{ "timestamp", K_TIMESTAMP, 0, "string", NULL,
	    "io.debezium.time.ZonedTimestamp" },
	{ "year", K_YEAR, 0, "int32", NULL, "io.debezium.time.Year" },
	{ "point", K_POINT, 0, "struct", NULL, GEO "Point" },
	{ "geometry", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "linestring", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "polygon", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "multipoint", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "multilinestring", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "multipolygon", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "geometrycollection", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
	{ "geomcollection", K_GEOMETRY, 0, "struct", NULL, GEO "Geometry" },
};

static const struct type *
find_type(const char *t)
{
	size_t n = strspn(t, "abcdefghijklmnopqrstuvwxyz0123456789");

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strncmp(types[i].word, t, n) == 0 && types[i].word[n] == '\0')
			return &types[i];
	return NULL;
}

/*
 * A quoted SQL literal at *p, moved past it: '' is a quote; a backslash
 * escapes. NULL: none there.
 */
static char *
unquote(const char **p)
{
	struct kc_buf b = { 0 };
	const char *s = *p;

	if (*s != '\'')
		return NULL;
	for (s++; *s != '\0' && (*s != '\'' || s[1] == '\''); s++) {
		static const char from[] = "0nrtbZ", to[] = "\0\n\r\t\b\032";
		const char *esc;
		if (*s == '\'') {
			s++;
		} else if (*s == '\\' && s[1] != '\0') {
			s++;
			if ((esc = strchr(from, *s)) != NULL) {
				kc_buf_putc(&b, to[esc - from]);
				continue;
			}
		}
		kc_buf_putc(&b, *s);
	}
	*p = *s == '\'' ? s + 1 : s;
	return kc_buf_str(&b);
}

/* The labels of enum('a','b'). */
static char **
labels_of(const char *type)
{
	const char *p = strchr(type, '(');
	char **v = NULL, *label;
	size_t n = 0;

	while (p != NULL && (*p == '(' || *p == ',')) {
		p++;
		if ((label = unquote(&p)) == NULL)
			break;
		v = kc_xrealloc(v, (n + 2) * sizeof *v);
		v[n++] = label;
		v[n] = NULL;
	}
	return v == NULL ? kc_xcalloc(1, sizeof *v) : v;
}

static void
escape_labels(struct column *c)
{
	while (c->labels[c->nlabels] != NULL)
		c->nlabels++;
	c->label_json = kc_xcalloc(c->nlabels + 1, sizeof *c->label_json);
	for (size_t i = 0; i < c->nlabels; i++)
		kc_json_esc(&c->label_json[i], c->labels[i],
		    strlen(c->labels[i]));
}

static void
plan(struct column *c, const struct type *t, const struct column_def *d)
{
	int a = -1, b = -1;
	const char *paren = strchr(d->type, '(');

	c->kind = t->kind;
	c->optional = d->nullable;
	c->is_unsigned = strstr(d->type, " unsigned") != NULL;
	c->size = t->size;
	c->charset = d->charset == NULL ? NULL : kc_xstrdup(d->charset);
	if (paren != NULL)
		sscanf(paren, "(%d,%d", &a, &b);
	switch (t->kind) {
	case K_BITS:
		c->size = a < 1 ? 1 : a;
		c->kind = c->size == 1 ? K_BOOL : K_BITS;
		break;
	case K_FLOAT:
		c->kind = b >= 0 ? K_FLOAT64 : K_FLOAT;
		break;
	case K_DOUBLE:
		c->scale = b > 0 ? b : 0;
		break;
	case K_DECIMAL:
		c->precision = a < 0 ? 10 : a;
		c->scale = b < 0 ? 0 : b;
		break;
	case K_BINARY:
		c->size = a < 0 ? 1 : a;
		break;
	case K_TIME:
	case K_DATETIME:
	case K_TIMESTAMP:
		c->fsp = a < 0 ? 0 : a;
		break;
	case K_ENUM:
	case K_SET:
		c->labels = labels_of(d->type);
		escape_labels(c);
		break;
	default:
		break;
	}
}

/* ---- defaults ---- */

static bool
is_now(const char *s)
{
	return strncasecmp(s, "current_timestamp", 17) == 0 ||
	    strncasecmp(s, "now()", 5) == 0;
}

static bool
is_time(enum kind k)
{
	return k == K_DATE || k == K_TIME || k == K_DATETIME || k == K_TIMESTAMP;
}

/*
 * The constant that a default is, as text; NULL: none, or an expression. A
 * new string. MariaDB writes a literal, MySQL its text.
 */
static char *
constant(const struct column_def *d, const struct column *c, bool mariadb)
{
	const char *s = d->def, *p = s;
	char *text;

	if (s == NULL || c->kind == K_POINT || c->kind == K_GEOMETRY ||
	    c->kind == K_UUID)
		return NULL;
	if (is_time(c->kind) && is_now(s))
		return mariadb || strstr(d->extra, "DEFAULT_GENERATED") == NULL ||
			strncasecmp(s, "current_timestamp", 17) == 0 ?
		    kc_xstrdup("0") :
		    NULL;
	if (!mariadb)
		return strstr(d->extra, "DEFAULT_GENERATED") != NULL ?
		    NULL :
		    kc_xstrdup(s);
	if (*s == '\'') {
		text = unquote(&p);
		if (*p == '\0' && (c->kind != K_BLOB || strstr(s, "\\0") == NULL))
			return text;
		free(text); /* 'a' || 'b' */
		return NULL;
	}
	if (strncmp(s, "b'", 2) == 0 || isdigit((unsigned char)*s) ||
	    ((*s == '-' || *s == '.') && isdigit((unsigned char)s[1])))
		return kc_xstrdup(s);
	return NULL;
}

static uint64_t
bits_of(const char *s)
{
	uint64_t v = 0;

	if (strncmp(s, "b'", 2) != 0)
		return strtoull(s, NULL, 10);
	for (s += 2; *s == '0' || *s == '1'; s++)
		v = v << 1 | (uint64_t)(*s - '0');
	return v;
}

/*
 * MySQL has a binary default as 0x616263, cut at a zero byte; MariaDB has it
 * quoted, a zero byte as \0. Those with a zero byte are left out.
 */
static bool
put_binary_default(struct kc_buf *b, const struct column *c, const char *s)
{
	struct kc_buf raw = { 0 };
	unsigned v;
	bool hex = strncmp(s, "0x", 2) == 0, ok;

	kc_buf_room(&raw, 1); /* empty is not NULL */
	if (hex)
		for (s += 2; sscanf(s, "%2x", &v) == 1; s += 2)
			kc_buf_putc(&raw, (char)v);
	else
		kc_buf_puts(&raw, s);
	ok = (!hex || raw.len > 0) && put_sql(b, c, KC_BUF_SPAN(&raw)) == 0;
	kc_buf_release(&raw);
	return ok;
}

/* 1.5 as 1.50 where the scale is 2. */
static void
put_decimal_default(struct kc_buf *b, const struct column *c, const char *s)
{
	const char *dot;
	size_t whole;

	while (*s == '0' && isdigit((unsigned char)s[1]))
		s++; /* zerofill */
	dot = strchr(s, '.');
	whole = dot == NULL ? strlen(s) : (size_t)(dot - s);

	kc_buf_putc(b, '"');
	kc_buf_put(b, s, whole);
	if (c->scale > 0)
		kc_buf_putc(b, '.');
	for (int i = 0; i < c->scale; i++)
		kc_buf_putc(b,
		    dot != NULL && *++dot != '\0' ? *dot : (dot = NULL, '0'));
	kc_buf_putc(b, '"');
}

static int
put_time_default(struct kc_buf *b, const struct column *c, const char *s)
{
	size_t at = b->len;

	if (strcmp(s, "0") == 0) { /* now, or 0 */
		kc_buf_puts(b,
		    c->kind == K_TIMESTAMP ? "\"1970-01-01T00:00:00Z\"" : "0");
		return 0;
	}
	if (put_sql(b, c, (struct kc_span){ s, strlen(s) }) != 0)
		return -1;
	return b->len - at == 4 && memcmp(b->p + at, "null", 4) == 0 ? -1 : 0;
}

/* The default as JSON; false: it cannot be one. */
static bool
put_default(struct kc_buf *b, const struct column *c, const char *s)
{
	struct kc_span v = { s, strlen(s) };

	switch (c->kind) {
	case K_BOOL:
		kc_buf_puts(b, bits_of(s) != 0 ? "true" : "false");
		return true;
	case K_BITS: {
		unsigned char be[8];
		uint64_t n = bits_of(s);
		size_t len = (size_t)(c->size + 7) / 8;
		for (size_t i = 0; i < len; i++)
			be[len - 1 - i] = (unsigned char)(n >> 8 * i);
		v = (struct kc_span){ (const char *)be, len };
		return put_sql(b, c, v) == 0;
	}
	case K_INT: {
		int64_t n;
		if (!kc_parse_i64(v, &n))
			n = strchr(s, '.') != NULL ?
			    (int64_t)llround(atof(s)) :
			    (int64_t)strtoull(s, NULL, 10);
		kc_buf_i64(b, n);
		return true;
	}
	case K_DECIMAL:
		put_decimal_default(b, c, s);
		return true;
	case K_BINARY:
	case K_BLOB:
		return put_binary_default(b, c, s);
	case K_DATE:
	case K_TIME:
	case K_DATETIME:
	case K_TIMESTAMP:
		return put_time_default(b, c, s) == 0;
	default:
		return put_sql(b, c, v) == 0;
	}
}

/* ---- schema ---- */

/* The labels, commas apart, a comma in one escaped. */
static void
put_allowed(struct kc_buf *b, const struct column *c)
{
	struct kc_buf all = { 0 };

	for (char **l = c->labels; *l != NULL; l++) {
		if (l != c->labels)
			kc_buf_putc(&all, ',');
		for (const char *s = *l; *s != '\0'; s++) {
			if (*s == ',')
				kc_buf_putc(&all, '\\');
			kc_buf_putc(&all, *s);
		}
	}
	kc_buf_lit(b, ",\"parameters\":{\"allowed\":");
	kc_json_str(b, all.p, all.len);
	kc_buf_putc(b, '}');
	kc_buf_release(&all);
}

static void
put_parameters(struct kc_buf *b, const struct column *c)
{
	if (c->kind == K_BITS)
		kc_buf_printf(b, ",\"parameters\":{\"length\":\"%d\"}", c->size);
	else if (c->kind == K_DECIMAL)
		kc_buf_printf(b,
		    ",\"parameters\":{\"scale\":\"%d\","
		    "\"connect.decimal.precision\":\"%d\"}",
		    c->scale, c->precision);
	else if (c->kind == K_ENUM || c->kind == K_SET)
		put_allowed(b, c);
}

static void
put_fields(struct kc_buf *b, const struct column *c)
{
	if (c->kind == K_POINT)
		kc_buf_printf(b,
		    ",\"fields\":["
		    "{\"type\":\"double\",\"optional\":false,\"field\":\"x\"},"
		    "{\"type\":\"double\",\"optional\":false,\"field\":\"y\"}," WKB_FIELDS,
		    "true");
	else if (c->kind == K_GEOMETRY)
		kc_buf_printf(b, ",\"fields\":[" WKB_FIELDS, "false");
	else if (c->kind == K_VECTOR)
		kc_buf_lit(b,
		    ",\"items\":{\"type\":\"float\",\"optional\":false}");
}

/* What stands for 0000-00-00: null, else the default, else the epoch. */
static char *
zero_of(const struct column *c, const struct kc_buf *def)
{
	if (c->kind != K_DATE && c->kind != K_DATETIME)
		return NULL;
	if (c->optional)
		return kc_xstrdup("null");
	return def->len > 0 ? kc_xstrndup(def->p, def->len) : kc_xstrdup("0");
}

static char *
schema_of(struct column *c, const struct type *t, const struct kc_buf *def)
{
	struct kc_buf b = { 0 };
	const char *name = c->kind == K_BOOL ? NULL :
	    c->kind == K_DATETIME && c->fsp > 3 ?
					       "io.debezium.time.MicroTimestamp" :
					       t->name;

	kc_buf_printf(&b, "{\"type\":\"%s\",\"optional\":%s",
	    c->kind == K_BOOL				   ? "boolean" :
		c->kind == K_FLOAT64			   ? "double" :
		c->is_unsigned && t->unsigned_type != NULL ? t->unsigned_type :
							     t->type,
	    c->optional ? "true" : "false");
	if (name != NULL)
		kc_buf_printf(&b, ",\"name\":\"%s\",\"version\":1", name);
	if (c->kind == K_POINT)
		kc_buf_lit(&b, ",\"doc\":\"Geometry (POINT)\"");
	else if (c->kind == K_GEOMETRY)
		kc_buf_lit(&b, ",\"doc\":\"Geometry\"");
	put_parameters(&b, c);
	if (def->len > 0) {
		kc_buf_lit(&b, ",\"default\":");
		kc_buf_span(&b, KC_BUF_SPAN(def));
	}
	put_fields(&b, c);
	kc_buf_putc(&b, '}');
	return kc_buf_str(&b);
}

void
column_make(struct column *c, struct kc_cdc_column *cdc,
    const struct column_def *d, bool mariadb)
{
	const struct type *t = find_type(d->type);
	struct kc_buf def = { 0 };
	char *text;

	memset(c, 0, sizeof *c);
	cdc->name = kc_xstrdup(d->name);
	cdc->schema = NULL;
	if (t == NULL)
		return;
	plan(c, t, d);
	if ((text = constant(d, c, mariadb)) != NULL &&
	    !put_default(&def, c, text))
		kc_buf_reset(&def);
	free(text);
	cdc->schema = schema_of(c, t, &def);
	c->zero = zero_of(c, &def);
	kc_buf_release(&def);
}

void
column_release(struct column *c)
{
	for (char **l = c->labels; l != NULL && *l != NULL; l++)
		free(*l);
	free(c->labels);
	for (size_t i = 0; i < c->nlabels; i++)
		kc_buf_release(&c->label_json[i]);
	free(c->label_json);
	free(c->charset);
	free(c->zero);
	value_release(c);
	memset(c, 0, sizeof *c);
}

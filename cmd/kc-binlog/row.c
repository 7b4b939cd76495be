/*
 * Row images of the log as JSON. Column layouts: MySQL internals, "Row based
 * replication", and the server's my_time.cc; what a value looks like is
 * value.c's.
 */
#include "kc-binlog.h"
#include "mybin.h"

enum {
	TINY = 1,
	SHORT = 2,
	LONG = 3,
	FLOAT = 4,
	DOUBLE = 5,
	TIMESTAMP = 7,
	LONGLONG = 8,
	INT24 = 9,
	DATE = 10,
	TIME = 11,
	DATETIME = 12,
	YEAR = 13,
	NEWDATE = 14,
	VARCHAR = 15,
	BIT = 16,
	TIMESTAMP2 = 17,
	DATETIME2 = 18,
	TIME2 = 19,
	VECTOR = 242,
	JSON = 245,
	NEWDECIMAL = 246,
	ENUM = 247,
	SET = 248,
	TINY_BLOB = 249,
	MEDIUM_BLOB = 250,
	LONG_BLOB = 251,
	BLOB = 252,
	VAR_STRING = 253,
	STRING = 254,
	GEOMETRY = 255
};

static inline uint64_t
le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline uint64_t
be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

#define NEED(n)                               \
	do {                                  \
		if (end - p < (ptrdiff_t)(n)) \
			return NULL;          \
	} while (0)

/* Each decoder appends one value and returns after its bytes; NULL: cut. */
#define DECODER(name)                                                        \
	static const uint8_t *name(const struct rowcol *c, const uint8_t *p, \
	    const uint8_t *end, struct kc_buf *out)

/* ---- numbers ---- */

#define INTEGER(name, width, sign)                                               \
	DECODER(name)                                                            \
	{                                                                        \
		NEED(width);                                                     \
		uint64_t v = le(p, width);                                       \
		put_int(out, c->col, c->col->is_unsigned ? (int64_t)v : (sign)); \
		return p + (width);                                              \
	}
INTEGER(get_tiny, 1, (int8_t)v)
INTEGER(get_short, 2, (int16_t)v)
INTEGER(get_int24, 3, (int64_t)(v << 40) >> 40)
INTEGER(get_long, 4, (int32_t)v)
INTEGER(get_longlong, 8, (int64_t)v)

DECODER(get_float)
{
	float v;

	NEED(4);
	memcpy(&v, p, 4);
	put_float(out, c->col, v);
	return p + 4;
}

DECODER(get_double)
{
	double v;

	NEED(8);
	memcpy(&v, p, 8);
	put_double(out, c->col, v);
	return p + 8;
}

DECODER(get_decimal)
{
	char room[128];
	struct kc_buf text = { room, 0, sizeof room };
	size_t n = kc_mybin_decimal(&text, p, (size_t)(end - p), c->meta & 0xff,
	    c->meta >> 8);

	if (n == 0)
		return NULL;
	put_decimal(out, KC_BUF_SPAN(&text));
	return p + n;
}

DECODER(get_bit)
{
	size_t n = ((size_t)(c->meta >> 8) * 8 + (c->meta & 0xff) + 7) / 8;

	NEED(n);
	put_bit(out, c->col, p, n);
	return p + n;
}

DECODER(get_year)
{
	NEED(1);
	put_year(out, c->col, p[0] == 0 ? 0 : 1900 + p[0]);
	return p + 1;
}

/* ---- dates and times ---- */

static int64_t
fraction_us(const uint8_t *p, size_t n)
{
	static const int64_t scale[] = { 0, 10000, 100, 1 };

	return (int64_t)be(p, n) * scale[n];
}

/* Bytes of the fraction; more than 3: no such type. */
static size_t
fraction_width(const struct rowcol *c)
{
	return ((size_t)c->meta + 1) / 2;
}

DECODER(get_date)
{
	NEED(3);
	int v = (int)le(p, 3);
	put_date(out, c->col, v >> 9, v >> 5 & 15, v & 31);
	return p + 3;
}

DECODER(get_time)
{
	NEED(3);
	int64_t v = (int64_t)(le(p, 3) << 40) >> 40, u = v < 0 ? -v : v;
	u = (u / 10000 * 3600 + u / 100 % 100 * 60 + u % 100) * 1000000;
	put_time(out, c->col, v < 0 ? -u : u);
	return p + 3;
}

/* Hours 10 bits, minutes 6, seconds 6, the fraction: all under one sign. */
DECODER(get_time2)
{
	static const int64_t scale[] = { 1, 10000, 100, 1 };
	size_t n = fraction_width(c);

	if (n > 3)
		return NULL;
	NEED(3 + n);
	int64_t v = (int64_t)be(p, 3 + n) - ((int64_t)0x800000 << (8 * n));
	int64_t u = v < 0 ? -v : v, hms = u >> (8 * n);
	int64_t us = (u & (((int64_t)1 << (8 * n)) - 1)) * scale[n];
	us += ((hms >> 12 & 0x3ff) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63)) *
	    1000000;
	put_time(out, c->col, v < 0 ? -us : us);
	return p + 3 + n;
}

DECODER(get_datetime)
{
	NEED(8);
	uint64_t v = le(p, 8), d = v / 1000000, t = v % 1000000;
	put_datetime(out, c->col, (int)(d / 10000), (int)(d / 100 % 100),
	    (int)(d % 100),
	    (int64_t)(t / 10000 * 3600 + t / 100 % 100 * 60 + t % 100) * 1000000);
	return p + 8;
}

/* Year*13+month 17 bits, day 5, hour 5, minute 6, second 6, the fraction. */
DECODER(get_datetime2)
{
	size_t n = fraction_width(c);

	if (n > 3)
		return NULL;
	NEED(5 + n);
	int64_t v = (int64_t)be(p, 5) - INT64_C(0x8000000000);
	int64_t ymd = v >> 17, ym = ymd >> 5, hms = v & 0x1ffff;
	put_datetime(out, c->col, (int)(ym / 13), (int)(ym % 13), (int)(ymd & 31),
	    ((hms >> 12) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63)) * 1000000 +
		fraction_us(p + 5, n));
	return p + 5 + n;
}

DECODER(get_timestamp)
{
	NEED(4);
	put_timestamp(out, c->col, (int64_t)le(p, 4), 0);
	return p + 4;
}

DECODER(get_timestamp2)
{
	size_t n = fraction_width(c);

	if (n > 3)
		return NULL;
	NEED(4 + n);
	put_timestamp(out, c->col, (int64_t)be(p, 4), (int)fraction_us(p + 4, n));
	return p + 4 + n;
}

/* ---- text and bytes ---- */

static void
put_string(struct kc_buf *out, const struct rowcol *c, const uint8_t *p, size_t n)
{
	switch (c->col->kind) {
	case K_TEXT:
		put_text(out, c->col, p, n);
		break;
	case K_UUID:
		if (n == 16)
			put_uuid(out, p);
		else
			kc_buf_lit(out, "null");
		break;
	case K_INET4:
	case K_INET6:
		put_inet(out, p, n);
		break;
	case K_VECTOR:
		put_vector(out, p, n);
		break;
	case K_POINT:
	case K_GEOMETRY:
		put_geometry(out, c->col, p, n);
		break;
	default:
		put_bytes(out, c->col, p, n);
	}
}

/* A length of w bytes, then as many; NULL: cut. */
static const uint8_t *
sized(const uint8_t *p, const uint8_t *end, size_t w, size_t *n)
{
	NEED(w);
	*n = (size_t)le(p, w);
	p += w;
	NEED(*n);
	return p;
}

/* meta: the longest it can be, in bytes. */
DECODER(get_varchar)
{
	size_t n;

	if ((p = sized(p, end, c->meta < 256 ? 1 : 2, &n)) == NULL)
		return NULL;
	put_string(out, c, p, n);
	return p + n;
}

/* meta: bytes of the length. */
DECODER(get_blob)
{
	size_t n;

	if (c->meta > 4 || (p = sized(p, end, c->meta, &n)) == NULL)
		return NULL;
	put_string(out, c, p, n);
	return p + n;
}

/* UUID and INET of MariaDB: fixed bytes, zeros at the end left out. */
DECODER(get_fixed)
{
	uint8_t whole[16] = { 0 };
	size_t n, want = c->col->kind == K_INET4 ? 4 : 16;

	if ((p = sized(p, end, c->meta < 256 ? 1 : 2, &n)) == NULL || n > want)
		return NULL;
	memcpy(whole, p, n);
	put_string(out, c, whole, want);
	return p + n;
}

DECODER(get_json)
{
	static struct kc_buf text; /* one column at a time, kept for the next */
	size_t n;

	if (c->meta > 4 || (p = sized(p, end, c->meta, &n)) == NULL)
		return NULL;
	kc_buf_reset(&text);
	if (kc_mybin_json(&text, p, n) != 0)
		return NULL;
	kc_json_str(out, text.p, text.len);
	return p + n;
}

DECODER(get_enum)
{
	size_t w = c->meta & 0xff;

	if (w > 2)
		return NULL;
	NEED(w);
	put_enum(out, c->col, (unsigned)le(p, w));
	return p + w;
}

DECODER(get_set)
{
	size_t w = c->meta & 0xff;

	if (w > 8)
		return NULL;
	NEED(w);
	put_set(out, c->col, le(p, w));
	return p + w;
}

/* ---- columns and rows ---- */

/* Which kinds a type of the log can hold, and how it is read. */
static const struct {
	uint8_t type;
	const uint8_t *(*decode)(const struct rowcol *, const uint8_t *,
	    const uint8_t *, struct kc_buf *);
	enum kind from, to;
} types[] = {
	{ TINY, get_tiny, K_INT, K_INT },
	{ SHORT, get_short, K_INT, K_INT },
	{ INT24, get_int24, K_INT, K_INT },
	{ LONG, get_long, K_INT, K_INT },
	{ LONGLONG, get_longlong, K_INT, K_INT },
	{ FLOAT, get_float, K_FLOAT, K_DOUBLE },
	{ DOUBLE, get_double, K_FLOAT, K_DOUBLE },
	{ NEWDECIMAL, get_decimal, K_DECIMAL, K_DECIMAL },
	{ BIT, get_bit, K_BOOL, K_BITS },
	{ YEAR, get_year, K_YEAR, K_YEAR },
	{ DATE, get_date, K_DATE, K_DATE },
	{ NEWDATE, get_date, K_DATE, K_DATE },
	{ TIME, get_time, K_TIME, K_TIME },
	{ TIME2, get_time2, K_TIME, K_TIME },
	{ DATETIME, get_datetime, K_DATETIME, K_DATETIME },
	{ DATETIME2, get_datetime2, K_DATETIME, K_DATETIME },
	{ TIMESTAMP, get_timestamp, K_TIMESTAMP, K_TIMESTAMP },
	{ TIMESTAMP2, get_timestamp2, K_TIMESTAMP, K_TIMESTAMP },
	{ STRING, get_fixed, K_UUID, K_INET6 },
	{ STRING, get_varchar, K_TEXT, K_BLOB },
	{ VARCHAR, get_varchar, K_TEXT, K_BLOB },
	{ VAR_STRING, get_varchar, K_TEXT, K_BLOB },
	{ TINY_BLOB, get_blob, K_TEXT, K_BLOB },
	{ MEDIUM_BLOB, get_blob, K_TEXT, K_BLOB },
	{ LONG_BLOB, get_blob, K_TEXT, K_BLOB },
	{ BLOB, get_blob, K_TEXT, K_BLOB },
	{ VECTOR, get_blob, K_VECTOR, K_VECTOR },
	{ BLOB, get_blob, K_VECTOR, K_VECTOR },
	{ VARCHAR, get_varchar, K_VECTOR, K_VECTOR },
	{ GEOMETRY, get_blob, K_POINT, K_GEOMETRY },
	{ BLOB, get_blob, K_POINT, K_GEOMETRY },
	{ JSON, get_json, K_JSON, K_JSON },
	{ ENUM, get_enum, K_ENUM, K_ENUM },
	{ SET, get_set, K_SET, K_SET },
};
#define NTYPES (sizeof types / sizeof *types)

int
rowcol_make(struct rowcol *r, const char *name, uint8_t type, uint16_t meta,
    struct column *col, struct kc_err *e)
{
	bool known = false;

	*r = (struct rowcol){ .type = type, .meta = meta, .col = col };
	for (size_t i = 0; i < NTYPES && r->decode == NULL; i++) {
		if (types[i].type != type)
			continue;
		known = true;
		if (col->kind == K_NONE ||
		    (col->kind >= types[i].from && col->kind <= types[i].to))
			r->decode = types[i].decode;
	}
	if (r->decode != NULL)
		return 0;
	return kc_fail(e, KC_DATA, "column %s: %s %u in the log; %s", name,
	    known ? "another type than the table's:" : "a type that is not known:",
	    type,
	    known ?
		"the table was altered since: set "
		"binlog_row_metadata=FULL on the server, or take a new snapshot" :
		"leave the column out with column.exclude.list");
}

int
row_image(const struct rowcol *cols, const struct kc_cdc_table *t,
    const uint8_t *present, const uint8_t **at, const uint8_t *end,
    struct kc_cdc_row *row)
{
	const uint8_t *p = *at, *nulls = p;
	size_t n = 0, bit = 0;

	for (size_t i = 0; i < t->ncols; i++)
		n += kc_bl_bit(present, i);
	if (n == 0 || (size_t)(end - p) < (n + 7) / 8)
		return -1;
	p += (n + 7) / 8;
	kc_cdc_row_columns(row, t->ncols);
	kc_cdc_row_begin(row);
	for (size_t i = 0; i < t->ncols; i++) {
		if (!kc_bl_bit(present, i))
			continue;
		size_t before = row->json.len;
		kc_cdc_row_col(row, &t->cols[i], i);
		if (kc_bl_bit(nulls, bit++))
			kc_buf_lit(&row->json, "null");
		else if ((p = cols[i].decode(&cols[i], p, end, &row->json)) ==
		    NULL)
			return -1;
		if (t->cols[i].included)
			kc_cdc_row_val(row, i);
		else
			row->json.len = before;
	}
	kc_cdc_row_end(row);
	*at = p;
	return 0;
}

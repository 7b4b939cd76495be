/*
 * Row images as JSON; see binrow.h. Column layouts: MySQL internals, "Row
 * based replication", and the server's my_time.cc and decimal.cc.
 */
#include "binrow.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "num.h"

enum {
	TINY = 1, SHORT = 2, LONG = 3, FLOAT = 4, DOUBLE = 5, TIMESTAMP = 7,
	LONGLONG = 8, INT24 = 9, DATE = 10, TIME = 11, DATETIME = 12, YEAR = 13,
	NEWDATE = 14, VARCHAR = 15, BIT = 16, TIMESTAMP2 = 17, DATETIME2 = 18,
	TIME2 = 19, JSON = 245, NEWDECIMAL = 246, ENUM = 247, SET = 248,
	TINY_BLOB = 249, MEDIUM_BLOB = 250, LONG_BLOB = 251, BLOB = 252,
	VAR_STRING = 253, STRING = 254, GEOMETRY = 255
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

#define NEED(n)                          \
	do {                             \
		if (end - p < (long)(n)) \
			return NULL;     \
	} while (0)

/* ---- numbers ---- */

#define INTEGER(name, width, expr)                                            \
	static const uint8_t *name(struct kc_binrow_col *c, const uint8_t *p, \
	    const uint8_t *end, struct kc_buf *out)                           \
	{                                                                     \
		(void)c;                                                      \
		NEED(width);                                                  \
		uint64_t v = le(p, width);                                    \
		kc_buf_i64(out, expr);                                        \
		return p + (width);                                           \
	}
INTEGER(put_i8, 1, (int8_t)v)
INTEGER(put_u8, 1, (int64_t)v)
INTEGER(put_i16, 2, (int16_t)v)
INTEGER(put_u16, 2, (int64_t)v)
INTEGER(put_i24, 3, (int64_t)(v << 40) >> 40)
INTEGER(put_u24, 3, (int64_t)v)
INTEGER(put_i32, 4, (int32_t)v)
INTEGER(put_u32, 4, (int64_t)v)
INTEGER(put_i64, 8, (int64_t)v)
INTEGER(put_year, 1, v == 0 ? 0 : 1900 + (int64_t)v)

static const uint8_t *
put_float(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	float v;

	NEED(4);
	memcpy(&v, p, 4);
	char *to = kc_buf_room(out, 32);
	out->len += (size_t)((c->widen ? kc_put_double(to, (double)v) :
					 kc_put_float(to, v)) - to);
	return p + 4;
}

static const uint8_t *
put_double(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	double v;

	(void)c;
	NEED(8);
	memcpy(&v, p, 8);
	kc_buf_double(out, v);
	return p + 8;
}

/* Digits in groups of nine as 4 bytes; what is left over in fewer. */
static const uint8_t group_bytes[10] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 4 };

static char *
put_digits(char *to, uint32_t v, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		to[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return to + n;
}

static const uint8_t *
put_decimal(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	int scale = c->meta >> 8, whole = (c->meta & 0xff) - scale;
	int lead = whole % 9, tail = scale % 9;
	size_t n = (size_t)(group_bytes[lead] + whole / 9 * 4 + scale / 9 * 4 +
	    group_bytes[tail]);
	uint8_t d[40];
	char text[80], *t = text, *first;

	NEED(n);
	if (n == 0 || n > sizeof d)
		return NULL;
	bool negative = (p[0] & 0x80) == 0;
	for (size_t i = 0; i < n; i++)
		d[i] = negative ? (uint8_t)~p[i] : p[i];
	d[0] ^= 0x80;
	const uint8_t *q = d;
	t = put_digits(t, (uint32_t)be(q, group_bytes[lead]), lead);
	q += group_bytes[lead];
	for (int i = 0; i < whole / 9; i++, q += 4)
		t = put_digits(t, (uint32_t)be(q, 4), 9);
	for (first = text; first < t - 1 && *first == '0'; first++)
		;
	char *dst = kc_buf_room(out, sizeof text + 8), *at = dst;
	*at++ = '"';
	if (negative)
		*at++ = '-';
	if (t == text)
		*at++ = '0';
	memcpy(at, first, (size_t)(t - first));
	at += t - first;
	if (scale > 0) {
		*at++ = '.';
		for (int i = 0; i < scale / 9; i++, q += 4)
			at = put_digits(at, (uint32_t)be(q, 4), 9);
		at = put_digits(at, (uint32_t)be(q, group_bytes[tail]), tail);
	}
	*at++ = '"';
	out->len += (size_t)(at - dst);
	return p + n;
}

/* ---- dates and times ---- */

static int64_t
micros_of_fraction(const uint8_t *p, int fsp)
{
	static const int64_t scale[] = { 0, 10000, 100, 1 };
	int n = (fsp + 1) / 2;

	return (int64_t)be(p, (size_t)n) * scale[n];
}

/* Zero dates exist in MySQL only. */
static void
put_no_date(struct kc_binrow_col *c, struct kc_buf *out, const char *epoch)
{
	kc_buf_puts(out, c->optional ? "null" : epoch);
}

static const uint8_t *
put_date(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	NEED(3);
	uint32_t v = (uint32_t)le(p, 3);
	int d = v & 31, m = v >> 5 & 15, y = (int)(v >> 9);
	if (d == 0 || m == 0)
		put_no_date(c, out, "0");
	else
		kc_buf_i64(out, kc_days_from_civil(y, m, d));
	return p + 3;
}

static const uint8_t *
put_old_time(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	(void)c;
	NEED(3);
	int64_t v = (int64_t)(le(p, 3) << 40) >> 40, u = v < 0 ? -v : v;
	u = u / 10000 * 3600 + u / 100 % 100 * 60 + u % 100;
	kc_buf_i64(out, (v < 0 ? -u : u) * 1000000);
	return p + 3;
}

static const uint8_t *
put_time2(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	int n = (c->meta + 1) / 2;
	static const int64_t scale[] = { 1, 10000, 100, 1 };

	if (n > 3)
		return NULL;
	NEED(3 + n);
	/* packed with its fraction below, both under one sign */
	int64_t v = (int64_t)be(p, (size_t)(3 + n)) -
	    ((int64_t)0x800000 << (8 * n));
	int64_t u = v < 0 ? -v : v, hms = u >> (8 * n);
	int64_t us = n == 0 ? 0 : (u & (((int64_t)1 << (8 * n)) - 1)) * scale[n];
	us += ((hms >> 12 & 0x3ff) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63)) *
	    1000000;
	kc_buf_i64(out, v < 0 ? -us : us);
	return p + 3 + n;
}

static const uint8_t *
put_old_datetime(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	NEED(8);
	uint64_t v = le(p, 8), d = v / 1000000, t = v % 1000000;
	if (d % 100 == 0 || d / 100 % 100 == 0)
		put_no_date(c, out, "0");
	else
		kc_buf_i64(out, (kc_days_from_civil((int64_t)(d / 10000),
		    (int)(d / 100 % 100), (int)(d % 100)) * 86400 +
		    (int64_t)(t / 10000 * 3600 + t / 100 % 100 * 60 + t % 100)) * 1000);
	return p + 8;
}

static const uint8_t *
put_datetime2(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	int n = (c->meta + 1) / 2;

	if (n > 3)
		return NULL;
	NEED(5 + n);
	int64_t v = (int64_t)be(p, 5) - INT64_C(0x8000000000);
	int64_t ymd = v >> 17, ym = ymd >> 5, hms = v & 0x1ffff;
	int d = (int)(ymd & 31), m = (int)(ym % 13);
	int64_t us = micros_of_fraction(p + 5, c->meta);
	if (v <= 0 || d == 0 || m == 0) {
		put_no_date(c, out, "0");
		return p + 5 + n;
	}
	int64_t s = kc_days_from_civil(ym / 13, m, d) * 86400 +
	    (hms >> 12) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63);
	kc_buf_i64(out, c->meta <= 3 ? s * 1000 + us / 1000 : s * 1000000 + us);
	return p + 5 + n;
}

static void
two(char *to, int v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
}

/* "2024-06-01T12:00:00.123Z", fsp digits of fraction. */
static void
put_zoned(struct kc_buf *out, int64_t s, int64_t us, int fsp)
{
	char *to = kc_buf_room(out, 40), *t = to;
	int64_t days = s / 86400, y;
	int m, d, left = (int)(s % 86400);

	kc_civil_from_days(days, &y, &m, &d);
	memcpy(t, "\"0000-00-00T00:00:00", 20);
	two(t + 1, (int)(y / 100));
	two(t + 3, (int)(y % 100));
	two(t + 6, m);
	two(t + 9, d);
	two(t + 12, left / 3600);
	two(t + 15, left / 60 % 60);
	two(t + 18, left % 60);
	t += 20;
	if (fsp > 0) {
		*t++ = '.';
		put_digits(t, (uint32_t)us, 6);
		t += fsp;
	}
	*t++ = 'Z';
	*t++ = '"';
	out->len += (size_t)(t - to);
}

static const uint8_t *
put_timestamp(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	bool old = c->type == TIMESTAMP;
	int n = old ? 0 : (c->meta + 1) / 2;

	if (n > 3)
		return NULL;
	NEED(4 + n);
	int64_t s = (int64_t)(old ? le(p, 4) : be(p, 4));
	int64_t us = micros_of_fraction(p + 4, n == 0 ? 0 : c->meta);
	if (s == 0 && us == 0 && c->optional)
		kc_buf_lit(out, "null");
	else
		put_zoned(out, s, us, old ? 0 : c->meta);
	return p + 4 + n;
}

/* ---- text and bytes ---- */

static void
put_converted(struct kc_binrow_col *c, const uint8_t *p, size_t n,
    struct kc_buf *out)
{
	char *in = (char *)(uintptr_t)p;
	size_t left = n;

	kc_buf_reset(&c->text);
	iconv(c->iconv, NULL, NULL, NULL, NULL);
	while (left > 0) {
		size_t room = left * 4 + 16;
		char *to = kc_buf_room(&c->text, room), *at = to;
		size_t rc = iconv(c->iconv, &in, &left, &at, &room);
		c->text.len += (size_t)(at - to);
		if (rc != (size_t)-1)
			break;
		/* not a character: U+FFFD, and on with the next byte */
		kc_buf_lit(&c->text, "\xef\xbf\xbd");
		if (left > 0) {
			in++;
			left--;
		}
	}
	kc_json_str(out, c->text.p, c->text.len);
}

static bool
is_ascii(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any < 0x80;
}

static void
put_text(struct kc_binrow_col *c, const uint8_t *p, size_t n, struct kc_buf *out)
{
	if (c->iconv == NULL || (c->nmembers == 0 && is_ascii(p, n)))
		kc_json_str(out, p, n);
	else
		put_converted(c, p, n, out);
}

static void
put_base64(const uint8_t *p, size_t n, struct kc_buf *out)
{
	kc_buf_putc(out, '"');
	kc_buf_b64(out, p, n);
	kc_buf_putc(out, '"');
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

static const uint8_t *
put_varchar(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta < 256 ? 1 : 2, &n)) == NULL)
		return NULL;
	put_text(c, p, n, out);
	return p + n;
}

static const uint8_t *
put_varbinary(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta < 256 ? 1 : 2, &n)) == NULL)
		return NULL;
	put_base64(p, n, out);
	return p + n;
}

/* BINARY(n): the log leaves the zeros at the end out. */
static const uint8_t *
put_binary(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta < 256 ? 1 : 2, &n)) == NULL)
		return NULL;
	if (n >= c->meta) {
		put_base64(p, n, out);
		return p + n;
	}
	kc_buf_reset(&c->text);
	memcpy(kc_buf_room(&c->text, c->meta), p, n);
	memset(c->text.p + n, 0, c->meta - n);
	put_base64((const uint8_t *)c->text.p, c->meta, out);
	return p + n;
}

static const uint8_t *
put_clob(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta, &n)) == NULL)
		return NULL;
	put_text(c, p, n, out);
	return p + n;
}

static const uint8_t *
put_blob(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta, &n)) == NULL)
		return NULL;
	put_base64(p, n, out);
	return p + n;
}

static const uint8_t *
put_json(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t n;

	if ((p = sized(p, end, c->meta, &n)) == NULL)
		return NULL;
	kc_buf_reset(&c->text);
	if (kc_myjson(&c->text, p, n) != 0)
		return NULL;
	kc_json_str(out, c->text.p, c->text.len);
	return p + n;
}

/* SRID 4, then WKB. */
static const uint8_t *
put_geometry(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	double x, y;
	size_t n;

	if ((p = sized(p, end, c->meta, &n)) == NULL || n < 4)
		return NULL;
	uint32_t srid = (uint32_t)le(p, 4);
	kc_buf_putc(out, '{');
	if (c->point && n == 25) {
		memcpy(&x, p + 9, 8);
		memcpy(&y, p + 17, 8);
		kc_buf_lit(out, "\"x\":");
		kc_buf_double(out, x);
		kc_buf_lit(out, ",\"y\":");
		kc_buf_double(out, y);
		kc_buf_putc(out, ',');
	}
	kc_buf_lit(out, "\"wkb\":");
	put_base64(p + 4, n - 4, out);
	kc_buf_lit(out, ",\"srid\":");
	if (srid == 0)
		kc_buf_lit(out, "null");
	else
		kc_buf_u64(out, srid);
	kc_buf_putc(out, '}');
	return p + n;
}

static const uint8_t *
put_bit(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t bits = (size_t)(c->meta >> 8) * 8 + (c->meta & 0xff);
	size_t n = (bits + 7) / 8;
	uint8_t flipped[8];

	NEED(n);
	if (n > 8)
		return NULL;
	for (size_t i = 0; i < n; i++)
		flipped[i] = p[n - 1 - i];
	if (bits == 1)
		kc_buf_puts(out, flipped[0] ? "true" : "false");
	else
		put_base64(flipped, n, out);
	return p + n;
}

static const uint8_t *
put_enum(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t w = c->meta & 0xff;

	NEED(w);
	size_t i = (size_t)le(p, w);
	if (i == 0 || i > c->nmembers)
		kc_buf_lit(out, "\"\"");
	else
		kc_buf_span(out, KC_BUF_SPAN(&c->quoted[i - 1]));
	return p + w;
}

static const uint8_t *
put_set(struct kc_binrow_col *c, const uint8_t *p, const uint8_t *end,
    struct kc_buf *out)
{
	size_t w = c->meta & 0xff;
	bool first = true;

	NEED(w);
	uint64_t v = le(p, w);
	kc_buf_putc(out, '"');
	for (size_t i = 0; i < c->nmembers; i++) {
		if ((v >> i & 1) == 0)
			continue;
		if (!first)
			kc_buf_putc(out, ',');
		first = false;
		kc_buf_put(out, c->quoted[i].p + 1, c->quoted[i].len - 2);
	}
	kc_buf_putc(out, '"');
	return p + w;
}

/* ---- preparation ---- */

static const struct {
	uint8_t type;
	kc_binrow_fn *fn, *other; /* other: unsigned, or bytes */
} decoders[] = {
	{ TINY, put_i8, put_u8 },
	{ SHORT, put_i16, put_u16 },
	{ INT24, put_i24, put_u24 },
	{ LONG, put_i32, put_u32 },
	{ LONGLONG, put_i64, put_i64 }, /* bigint.unsigned.handling.mode=long */
	{ FLOAT, put_float, put_float },
	{ DOUBLE, put_double, put_double },
	{ NEWDECIMAL, put_decimal, put_decimal },
	{ DATE, put_date, put_date },
	{ NEWDATE, put_date, put_date },
	{ TIME, put_old_time, put_old_time },
	{ TIME2, put_time2, put_time2 },
	{ DATETIME, put_old_datetime, put_old_datetime },
	{ DATETIME2, put_datetime2, put_datetime2 },
	{ TIMESTAMP, put_timestamp, put_timestamp },
	{ TIMESTAMP2, put_timestamp, put_timestamp },
	{ YEAR, put_year, put_year },
	{ VARCHAR, put_varchar, put_varbinary },
	{ VAR_STRING, put_varchar, put_varbinary },
	{ STRING, put_varchar, put_binary },
	{ TINY_BLOB, put_clob, put_blob },
	{ MEDIUM_BLOB, put_clob, put_blob },
	{ LONG_BLOB, put_clob, put_blob },
	{ BLOB, put_clob, put_blob },
	{ JSON, put_json, put_json },
	{ GEOMETRY, put_geometry, put_geometry },
	{ BIT, put_bit, put_bit },
	{ ENUM, put_enum, put_enum },
	{ SET, put_set, put_set },
};

static void
quote_members(struct kc_binrow_col *c)
{
	while (c->members != NULL && c->members[c->nmembers] != NULL)
		c->nmembers++;
	c->quoted = kc_xcalloc(c->nmembers + 1, sizeof *c->quoted);
	for (size_t i = 0; i < c->nmembers; i++)
		kc_json_str(&c->quoted[i], c->members[i], strlen(c->members[i]));
}

int
kc_binrow_prepare(struct kc_binrow_col *c, struct kc_err *e)
{
	bool text = c->type == VARCHAR || c->type >= TINY_BLOB;
	const char *charset = text ? kc_collation_charset(c->collation) : NULL;
	bool other = c->is_unsigned || (charset != NULL && charset[0] == '\0');

	c->decode = NULL;
	for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
		if (decoders[i].type == c->type)
			c->decode = other ? decoders[i].other : decoders[i].fn;
	if (c->decode == NULL)
		return kc_fail(e, KC_DATA, "binlog: column type %u is not known; leave "
		    "the column out with column.exclude.list", c->type);
	if (c->type == ENUM || c->type == SET)
		quote_members(c);
	if (charset == NULL || charset[0] == '\0' || c->type == GEOMETRY)
		return 0;
	c->iconv = iconv_open("UTF-8", charset);
	if (c->iconv == (iconv_t)-1) {
		c->iconv = NULL;
		return kc_fail(e, KC_DATA, "binlog: the character set of collation %d "
		    "is not known; leave the column out with column.exclude.list",
		    c->collation);
	}
	return 0;
}

void
kc_binrow_release(struct kc_binrow_col *c)
{
	for (size_t i = 0; i < c->nmembers; i++)
		kc_buf_release(&c->quoted[i]);
	free(c->quoted);
	if (c->iconv != NULL)
		iconv_close(c->iconv);
	kc_buf_release(&c->text);
	memset(c, 0, sizeof *c);
}

int
kc_binrow_image(struct kc_binrow_col *cols, const struct kc_cdc_table *t,
    const uint8_t *present, const uint8_t **at, const uint8_t *end,
    struct kc_cdc_row *row)
{
	size_t n = 0, bit = 0;
	const uint8_t *p = *at, *nulls = p;

	for (size_t i = 0; i < t->ncols; i++)
		n += kc_bl_bit(present, i);
	if ((size_t)(end - p) < (n + 7) / 8)
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
		else if ((p = cols[i].decode(&cols[i], p, end, &row->json)) == NULL)
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

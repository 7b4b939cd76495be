/*
 * A JSON value as the text (or bytes) that its target column takes. What a
 * schema says goes first; without one the column's class and the value's own
 * form decide. Times are written in the text all three databases read.
 */
#include <stdlib.h>
#include <time.h>

#include "jdbc.h"
#include "json.h"
#include "num.h"

#define DAY_US 86400000000LL

static bool
is_number(struct kc_span v)
{
	return v.n > 0 && (v.p[0] == '-' || (v.p[0] >= '0' && v.p[0] <= '9'));
}

static int
misfit(const struct slot *s, struct kc_span v, const char *what, struct kc_err *e)
{
	return kc_fail(e, KC_DATA, "field %s: %.*s%s: %s", s->name,
	    (int)(v.n < 80 ? v.n : 80), v.p, v.n > 80 ? "…" : "", what);
}

/* A string's text, any other value as it stands. */
static int
text(const struct slot *s, struct kc_span v, struct kc_buf *out, struct kc_err *e)
{
	size_t at = out->len;

	if (!kc_json_is_str(v)) {
		kc_buf_span(out, v);
		return 0;
	}
	if (memchr(v.p, '\\', v.n) == NULL) {
		kc_buf_put(out, v.p + 1, v.n - 2);
		return 0;
	}
	if (kc_json_unescape(out, kc_json_inner(v)) != 0)
		return misfit(s, v, "bad escape in a string", e);
	if (s->d == &dialect_pg && memchr(out->p + at, 0, out->len - at) != NULL)
		return misfit(s, v,
		    "holds the character U+0000, which PostgreSQL "
		    "text cannot",
		    e);
	return 0;
}

/* true and false as 1 and 0 */
static int
bit(const struct slot *s, struct kc_span v, struct kc_buf *out, struct kc_err *e)
{
	if (v.p[0] == 't' || v.p[0] == 'f') {
		kc_buf_putc(out, v.p[0] == 't' ? '1' : '0');
		return 0;
	}
	if (kc_span_is(v, "\"true\"") || kc_span_is(v, "\"false\"")) {
		kc_buf_putc(out, v.p[1] == 't' ? '1' : '0');
		return 0;
	}
	return text(s, v, out, e);
}

static int
bytes(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	if (!kc_json_is_str(v))
		return misfit(s, v, "bytes are base64 text", e);
	if (kc_b64_decode(out, kc_json_inner(v)) != 0)
		return misfit(s, v, "is not base64, which bytes are written in",
		    e);
	return 0;
}

static char *
two(char *p, int v)
{
	*p++ = (char)('0' + v / 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
put_date(char *p, int64_t days, bool *bc)
{
	int64_t y;
	int m, d;

	kc_civil_from_days(days, &y, &m, &d);
	*bc = y < 1;
	if (y < 1)
		y = 1 - y;
	for (int64_t w = 1000; w > 1 && y < w; w /= 10)
		*p++ = '0';
	p = kc_put_i64(p, y);
	*p++ = '-';
	p = two(p, m);
	*p++ = '-';
	return two(p, d);
}

static char *
put_clock(char *p, int64_t us)
{
	int64_t sec = us / 1000000;

	us %= 1000000;
	p = two(p, (int)(sec / 3600));
	*p++ = ':';
	p = two(p, (int)(sec / 60 % 60));
	*p++ = ':';
	p = two(p, (int)(sec % 60));
	if (us != 0) {
		*p++ = '.';
		for (int64_t w = 100000; w > 0 && us > 0; w /= 10) {
			*p++ = (char)('0' + us / w);
			us %= w;
		}
	}
	return p;
}

static void
put_timestamp(struct kc_buf *out, int64_t us)
{
	int64_t days = us / DAY_US;
	char b[80], *p;
	bool bc;

	us %= DAY_US;
	if (us < 0) {
		us += DAY_US;
		days--;
	}
	p = put_date(b, days, &bc);
	*p++ = ' ';
	p = put_clock(p, us);
	kc_buf_put(out, b, (size_t)(p - b));
	if (bc)
		kc_buf_lit(out, " BC");
}

/* The instant as the wall clock of db.timezone shows it. */
static int64_t
local_us(const struct slot *s, int64_t us)
{
	struct tm tm;

	if (s->o->utc || s->cls == CLS_TSTZ)
		return us;
	time_t sec = (time_t)(us / 1000000 - (us % 1000000 < 0));
	localtime_r(&sec, &tm);
	return us + tm.tm_gmtoff * 1000000LL;
}

/* Units that PostgreSQL's sessions read in UTC, see dialect_pg.c. */
static bool
timelike(const struct slot *s)
{
	return s->cls == CLS_TS || s->cls == CLS_TSTZ || s->cls == CLS_DATE ||
	    s->cls == CLS_TIME || s->cls == CLS_TEXT || s->cls == CLS_OTHER;
}

static int
integer(const struct slot *s, struct kc_span v, int64_t *n, struct kc_err *e)
{
	if (!kc_parse_i64(v, n))
		return misfit(s, v, "a time is an integer", e);
	return 0;
}

static int
date_days(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	char b[40], *p;
	int64_t n;
	bool bc;

	if (!is_number(v) || !timelike(s))
		return text(s, v, out, e);
	if (integer(s, v, &n, e) != 0)
		return -1;
	if (n < -4000000 || n > 400000000)
		return misfit(s, v, "is no date: days since 1970-01-01 are", e);
	p = put_date(b, n, &bc);
	kc_buf_put(out, b, (size_t)(p - b));
	if (bc)
		kc_buf_lit(out, " BC");
	return 0;
}

static int
stamp_us(const struct slot *s, struct kc_span v, int64_t mul, int64_t div,
    bool instant, struct kc_buf *out, struct kc_err *e)
{
	int64_t n;

	if (!is_number(v) || !timelike(s))
		return text(s, v, out, e);
	if (integer(s, v, &n, e) != 0)
		return -1;
	if (n > INT64_MAX / 1000 / mul || n < INT64_MIN / 1000 / mul) {
		if (div == 1)
			return misfit(s, v, "is no timestamp: out of range", e);
	}
	n = n * mul / div - (div > 1 && n % div < 0);
	put_timestamp(out, instant ? local_us(s, n) : n);
	return 0;
}

#define STAMP(name, mul, div, instant)                            \
	static int name(const struct slot *s, struct kc_span v,   \
	    struct kc_buf *out, struct kc_err *e)                 \
	{                                                         \
		return stamp_us(s, v, mul, div, instant, out, e); \
	}
STAMP(instant_ms, 1000, 1, true)
STAMP(stamp_ms, 1000, 1, false)
STAMP(stamp_micro, 1, 1, false)
STAMP(stamp_nano, 1, 1000, false)

static int
clock_us(const struct slot *s, struct kc_span v, int64_t mul, int64_t div,
    struct kc_buf *out, struct kc_err *e)
{
	char b[40], *p = b;
	int64_t n;

	if (!is_number(v) || !timelike(s))
		return text(s, v, out, e);
	if (integer(s, v, &n, e) != 0)
		return -1;
	if (n / div > 1000 * 3600 * 1000000LL / mul ||
	    n / div < -1000 * 3600 * 1000000LL / mul)
		return misfit(s, v, "is no time of day", e);
	n = n * mul / div;
	if (n < 0) {
		*p++ = '-';
		n = -n;
	}
	if (n >= 100 * 3600 * 1000000LL) { /* MySQL's TIME goes to 838 hours */
		int64_t hours = n / 3600000000LL / 100;
		*p++ = (char)('0' + hours);
		n -= hours * 360000000000LL;
	}
	p = put_clock(p, n);
	kc_buf_put(out, b, (size_t)(p - b));
	return 0;
}

#define CLOCK(name, mul, div)                                   \
	static int name(const struct slot *s, struct kc_span v, \
	    struct kc_buf *out, struct kc_err *e)               \
	{                                                       \
		return clock_us(s, v, mul, div, out, e);        \
	}
CLOCK(clock_ms, 1000, 1)
CLOCK(clock_micro, 1, 1)
CLOCK(clock_nano, 1, 1000)

/* Digits at *p as a number; false when there is none. */
static bool
digits(const char **p, const char *end, int64_t *n)
{
	const char *from = *p;

	for (*n = 0; *p < end && **p >= '0' && **p <= '9' && *p - from < 9; (*p)++)
		*n = *n * 10 + (**p - '0');
	return *p > from;
}

static bool
lit(const char **p, const char *end, char c)
{
	return *p < end && **p == c ? ((*p)++, true) : false;
}

/* 2026-01-02T03:04:05.678Z, +01:00: µs since the epoch. */
static bool
iso_us(struct kc_span t, int64_t *us)
{
	const char *p = t.p, *end = t.p + t.n, *from;
	int64_t y, mo, d, h, mi, sec = 0, frac = 0, oh = 0, om = 0;
	int sign;

	if (!digits(&p, end, &y) || !lit(&p, end, '-') ||
	    !digits(&p, end, &mo) || !lit(&p, end, '-') ||
	    !digits(&p, end, &d) || !(lit(&p, end, 'T') || lit(&p, end, ' ')) ||
	    !digits(&p, end, &h) || !lit(&p, end, ':') || !digits(&p, end, &mi))
		return false;
	if (lit(&p, end, ':') && !digits(&p, end, &sec))
		return false;
	if (lit(&p, end, '.')) {
		from = p;
		if (!digits(&p, end, &frac))
			return false;
		for (size_t k = (size_t)(p - from); k < 6; k++)
			frac *= 10;
		for (size_t k = (size_t)(p - from); k > 6; k--)
			frac /= 10;
	}
	sign = p < end && *p == '-' ? -1 : 1;
	if (!lit(&p, end, 'Z') && (lit(&p, end, '+') || lit(&p, end, '-'))) {
		if (!digits(&p, end, &oh))
			return false;
		if (lit(&p, end, ':') && !digits(&p, end, &om))
			return false;
	}
	*us = ((kc_days_from_civil(y, (int)mo, (int)d) * 24 + h) * 60 + mi -
		  sign * (oh * 60 + om)) *
		60000000LL +
	    sec * 1000000 + frac;
	return p == end && mo >= 1 && mo <= 12;
}

/* ISO text with a zone; PostgreSQL reads it as it is, the others UTC. */
static int
zoned(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	int64_t us;

	if (!kc_json_is_str(v) || (s->cls != CLS_TS && s->cls != CLS_TSTZ) ||
	    (s->d == &dialect_pg && s->cls == CLS_TSTZ) ||
	    !iso_us(kc_json_inner(v), &us))
		return text(s, v, out, e);
	put_timestamp(out, local_us(s, us));
	return 0;
}

/* An integer of an unknown unit: by its size, dates before 1973 aside. */
static int
stamp_auto(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	int64_t n;

	if (!is_number(v))
		return zoned(s, v, out, e);
	if (integer(s, v, &n, e) != 0)
		return -1;
	int64_t a = n < 0 ? -n : n;
	enum time_unit u = s->o->unit;
	if (u == UNIT_AUTO)
		u = a >= 100000000000000000LL ? UNIT_NS :
		    a >= 100000000000000LL    ? UNIT_US :
						UNIT_MS;
	return u == UNIT_NS ? stamp_nano(s, v, out, e) :
	    u == UNIT_US    ? stamp_micro(s, v, out, e) :
			      stamp_ms(s, v, out, e);
}

static int
clock_auto(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	return s->o->unit == UNIT_NS ? clock_nano(s, v, out, e) :
	    s->o->unit == UNIT_MS    ? clock_ms(s, v, out, e) :
				       clock_micro(s, v, out, e);
}

/* io.debezium.data.Bits: little-endian bytes; "0101", or an integer. */
static int
bits(const struct slot *s, struct kc_span v, struct kc_buf *out, struct kc_err *e)
{
	size_t at = out->len, n;
	unsigned char b[512];
	int len = s->bits;

	if (v.p[0] == 't' || v.p[0] == 'f' || is_number(v))
		return bit(s, v, out, e);
	if (bytes(s, v, out, e) != 0)
		return -1;
	n = out->len - at;
	if (s->d == &dialect_sqlite)
		return 0;
	if (n > sizeof b)
		return misfit(s, v, "too many bits", e);
	if (n > 0)
		memcpy(b, out->p + at, n);
	out->len = at;
	if (s->d == &dialect_mysql) {
		uint64_t u = 0;
		for (size_t i = n < 8 ? n : 8; i-- > 0;)
			u = u << 8 | b[i];
		kc_buf_u64(out, u);
		return 0;
	}
	if (len <= 0)
		len = (int)n * 8;
	for (int i = len; i-- > 0;)
		kc_buf_putc(out,
		    (size_t)i / 8 < n && (b[i / 8] >> i % 8 & 1) ? '1' : '0');
	return 0;
}

/* {"scale":2,"value":"BASE64"} */
static int
scaled(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	struct kc_span value;
	struct kc_buf raw = { 0 };
	int64_t scale;
	int rc;

	if (v.p[0] != '{')
		return text(s, v, out, e);
	value = kc_json_get(v, "value");
	if (!kc_json_is_str(value) ||
	    !kc_parse_i64(kc_json_get(v, "scale"), &scale))
		return misfit(s, v,
		    "a VariableScaleDecimal has scale and value", e);
	rc = kc_b64_decode(&raw, kc_json_inner(value));
	if (rc == 0)
		kc_decimal_text(out, raw.p, raw.len, (int)scale);
	kc_buf_release(&raw);
	return rc == 0 ? 0 : misfit(s, v, "its value is not base64", e);
}

/* A float's NaN and infinities come as strings; integers as numbers. */
static int
number(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	if (v.p[0] == 't' || v.p[0] == 'f')
		return bit(s, v, out, e);
	if (v.p[0] == '{')
		return scaled(s, v, out, e);
	return text(s, v, out, e);
}

static int
interval_us(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	int64_t n;

	if (!is_number(v) || s->cls != CLS_INTERVAL)
		return text(s, v, out, e);
	if (integer(s, v, &n, e) != 0)
		return -1;
	kc_buf_i64(out, n);
	kc_buf_lit(out, " microseconds");
	return 0;
}

/* {"x":1,"y":2,"wkb":"BASE64","srid":4326} as "(1,2)" or as its bytes. */
static int
geometry(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	struct kc_span wkb, x, y;

	if (v.p[0] != '{')
		return s->cls == CLS_BYTES ? bytes(s, v, out, e) :
					     text(s, v, out, e);
	if (s->cls == CLS_POINT) {
		x = kc_json_get(v, "x");
		y = kc_json_get(v, "y");
		if (x.p == NULL || y.p == NULL)
			return misfit(s, v, "a point has x and y", e);
		kc_buf_putc(out, '(');
		kc_buf_span(out, x);
		kc_buf_putc(out, ',');
		kc_buf_span(out, y);
		kc_buf_putc(out, ')');
		return 0;
	}
	if (s->cls != CLS_BYTES && s->cls != CLS_GEOMETRY)
		return text(s, v, out, e);
	wkb = kc_json_get(v, "wkb");
	if (!kc_json_is_str(wkb))
		return misfit(s, v, "a geometry has wkb", e);
	if (s->cls == CLS_GEOMETRY && s->d == &dialect_mysql) {
		int64_t srid = 0; /* MySQL's own form: SRID, then the WKB */
		kc_parse_i64(kc_json_get(v, "srid"), &srid);
		for (int i = 0; i < 4; i++)
			kc_buf_putc(out, (char)(srid >> 8 * i & 0xff));
	}
	return bytes(s, wkb, out, e);
}

/* ["a",null] as {"a",NULL}; elements by the item's schema. */
static int
array(const struct slot *s, struct kc_span v, struct kc_buf *out,
    struct kc_err *e)
{
	struct slot item = { .name = s->name,
		.d = s->d,
		.o = s->o,
		.cls = CLS_TEXT,
		.schema = s->schema == NULL ? NULL : s->schema->items };
	struct kc_buf one = { 0 };
	struct kc_json_it it;
	struct kc_span x;
	bool first = true;
	int rc = 0;

	if (v.p[0] != '[' || s->cls != CLS_ARRAY || kc_json_open(&it, v) != 0)
		return text(s, v, out, e);
	convert_pick(&item);
	kc_buf_putc(out, '{');
	while (rc == 0 && kc_json_item(&it, &x) == 1) {
		if (!first)
			kc_buf_putc(out, ',');
		first = false;
		if (kc_json_is_null(x)) {
			kc_buf_lit(out, "NULL");
			continue;
		}
		if (x.p[0] == '[') {
			rc = array(s, x, out, e);
			continue;
		}
		one.len = 0;
		bool raw = item.schema != NULL && item.schema->type == KC_BYTES &&
		    item.schema->logical == KC_L_NONE;
		rc = raw ? bytes(&item, x, &one, e) :
			   item.convert(&item, x, &one, e);
		kc_buf_putc(out, '"');
		if (raw) {
			kc_buf_lit(out, "\\\\x");
			char *to = kc_buf_room(out, one.len * 2);
			out->len += (size_t)(kc_put_hex(to, one.p, one.len) - to);
		}
		for (size_t i = 0; !raw && i < one.len; i++) {
			if (one.p[i] == '"' || one.p[i] == '\\')
				kc_buf_putc(out, '\\');
			kc_buf_putc(out, one.p[i]);
		}
		kc_buf_putc(out, '"');
	}
	kc_buf_putc(out, '}');
	kc_buf_release(&one);
	return rc;
}

/* What a schema's name asks for; NULL: the column decides. */
static convert_fn *const by_logical[KC_L_DBZ_OTHER + 1] = {
	[KC_L_DATE] = date_days,
	[KC_L_TIME] = clock_ms,
	[KC_L_TIMESTAMP] = instant_ms,
	[KC_L_DBZ_DATE] = date_days,
	[KC_L_DBZ_TIME] = clock_ms,
	[KC_L_DBZ_MICROTIME] = clock_micro,
	[KC_L_DBZ_NANOTIME] = clock_nano,
	[KC_L_DBZ_TIMESTAMP] = stamp_ms,
	[KC_L_DBZ_MICROTIMESTAMP] = stamp_micro,
	[KC_L_DBZ_NANOTIMESTAMP] = stamp_nano,
	[KC_L_DBZ_ZONEDTIMESTAMP] = zoned,
	[KC_L_DBZ_MICRODURATION] = interval_us,
	[KC_L_DBZ_BITS] = bits,
	[KC_L_DBZ_POINT] = geometry,
	[KC_L_DBZ_GEOMETRY] = geometry,
	[KC_L_DBZ_GEOGRAPHY] = geometry,
	[KC_L_DBZ_VARIABLESCALEDECIMAL] = scaled,
};

/* What a column takes of a value that no schema explains. */
static convert_fn *const by_class[] = {
	[CLS_INT] = number,
	[CLS_FLOAT] = number,
	[CLS_DECIMAL] = number,
	[CLS_BOOL] = bit,
	[CLS_TEXT] = text,
	[CLS_BYTES] = bytes,
	[CLS_DATE] = date_days,
	[CLS_TIME] = clock_auto,
	[CLS_TS] = stamp_auto,
	[CLS_TSTZ] = stamp_auto,
	[CLS_JSON] = text,
	[CLS_BITS] = bits,
	[CLS_ARRAY] = array,
	[CLS_INTERVAL] = interval_us,
	[CLS_POINT] = geometry,
	[CLS_GEOMETRY] = geometry,
	[CLS_OTHER] = text,
};

/* Bytes into a column of text stay base64. */
static bool
keeps_text(const struct slot *s)
{
	return s->cls == CLS_TEXT || s->cls == CLS_JSON || s->cls == CLS_OTHER;
}

void
convert_pick(struct slot *s)
{
	const struct kc_schema *c = s->schema;

	s->convert = by_class[s->cls];
	if (c == NULL)
		return;
	if (c->logical == KC_L_DBZ_BITS && s->bits == 0 &&
	    kc_schema_param(c, "length") != NULL)
		s->bits = atoi(kc_schema_param(c, "length"));
	if (by_logical[c->logical] != NULL) {
		s->convert = by_logical[c->logical];
		return;
	}
	/* The schema knows: no guesses from the column. */
	if (c->type == KC_BYTES && c->logical == KC_L_NONE && !keeps_text(s))
		s->convert = bytes;
	else if (c->type == KC_BYTES && c->logical == KC_L_DECIMAL)
		s->convert = text;
	else if (c->type == KC_BOOLEAN && !keeps_text(s))
		s->convert = bit;
	else if (c->type == KC_STRING && s->cls != CLS_TS &&
	    s->cls != CLS_TSTZ && s->cls != CLS_BITS)
		s->convert = text;
	else if (c->type == KC_ARRAY)
		s->convert = array;
}

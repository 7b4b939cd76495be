/*
 * Values: PostgreSQL's text output as JSON, in Debezium's default rendering.
 */
#include <stdlib.h>

#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

/* What Debezium makes of the infinities, from the JDBC driver's constants. */
#define TS_INFINITY INT64_C(9223372036825200000)
#define TS_MINUS_INFINITY INT64_C(-9223372036832400000)
#define DATE_INFINITY (-2147472692)
#define DATE_MINUS_INFINITY (-2147472691)

static bool
is(struct kc_span s, const char *text)
{
	return kc_span_is(s, text);
}

/* A run of digits at *p, moved on; -1: none. */
static int64_t
digits(const char **p, const char *end)
{
	int64_t v = 0;
	const char *from = *p;

	while (*p < end && **p >= '0' && **p <= '9' && *p - from < 10)
		v = v * 10 + (*(*p)++ - '0');
	return *p == from ? -1 : v;
}

/* .5 as 500000 µs. */
static int64_t
fraction(const char **p, const char *end)
{
	int64_t us = 0, scale = 100000;

	if (*p >= end || **p != '.')
		return 0;
	for (++*p; *p < end && **p >= '0' && **p <= '9'; ++*p, scale /= 10)
		us += (**p - '0') * scale;
	return us;
}

/* hh:mm:ss[.f] in µs; -1: not a time. */
static int64_t
clock_us(const char **p, const char *end)
{
	int64_t h = digits(p, end), m, s = 0;

	if (h < 0 || *p >= end || **p != ':')
		return -1;
	++*p;
	if ((m = digits(p, end)) < 0)
		return -1;
	if (*p < end && **p == ':') {
		++*p;
		if ((s = digits(p, end)) < 0)
			return -1;
	}
	if (h > 2562047786 || m > 59 || s > 60)
		return -1;
	return (h * 3600 + m * 60 + s) * 1000000 + fraction(p, end);
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int64_t
zone(const char **p, const char *end)
{
	int64_t sign, s, part;

	if (*p >= end || (**p != '+' && **p != '-'))
		return 0;
	sign = *(*p)++ == '-' ? -1 : 1;
	s = digits(p, end) * 3600;
	for (int64_t unit = 60; *p < end && **p == ':' && unit > 0; unit /= 60) {
		++*p;
		part = digits(p, end);
		s += part * unit;
	}
	return sign * s;
}

static bool
is_bc(const char *p, const char *end)
{
	return end - p >= 3 && memcmp(end - 3, " BC", 3) == 0;
}

/* y-m-d[ BC] in days. false: not a date. */
static bool
date_days(const char **p, const char *end, int64_t *days)
{
	int64_t y = digits(p, end), m, d;

	if (y < 0 || *p >= end || *(*p)++ != '-')
		return false;
	m = digits(p, end);
	if (y > 6000000 || m < 1 || m > 12 || *p >= end || *(*p)++ != '-')
		return false;
	d = digits(p, end);
	if (d < 1 || d > 31)
		return false;
	*days = kc_days_from_civil(is_bc(*p, end) ? 1 - y : y, (int)m, (int)d);
	return true;
}

static int
put_date(struct kc_buf *b, struct kc_span v)
{
	const char *p = v.p, *end = v.p + v.n;
	int64_t days;

	if (is(v, "infinity") || is(v, "-infinity")) {
		kc_buf_i64(b,
		    v.p[0] == '-' ? DATE_MINUS_INFINITY : DATE_INFINITY);
		return 0;
	}
	if (!date_days(&p, end, &days))
		return -1;
	kc_buf_i64(b, days);
	return 0;
}

/* A timestamp's µs since 1970, its zone taken off. */
static int
timestamp_us(struct kc_span v, int64_t *us)
{
	const char *p = v.p, *end = v.p + v.n;
	int64_t days, t;

	if (!date_days(&p, end, &days) || p >= end || *p++ != ' ' ||
	    (t = clock_us(&p, end)) < 0 || days > 106000000 ||
	    days < -106000000 || t > INT64_C(86400000000))
		return -1;
	*us = days * INT64_C(86400000000) + t - zone(&p, end) * 1000000;
	return 0;
}

static int
put_timestamp(struct kc_buf *b, struct kc_span v, bool micros)
{
	int64_t us;

	if (is(v, "infinity") || is(v, "-infinity")) {
		us = v.p[0] == '-' ? TS_MINUS_INFINITY : TS_INFINITY;
	} else if (timestamp_us(v, &us) != 0) {
		return -1;
	}
	if (!micros)
		us = us >= 0 ? us / 1000 : (us - 999) / 1000;
	kc_buf_i64(b, us);
	return 0;
}

static char *
put_two(char *to, int64_t v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
	return to + 2;
}

static char *
put_fraction(char *to, int64_t us, int fsp)
{
	if (fsp == 0)
		return to;
	*to++ = '.';
	for (int64_t unit = 100000; fsp > 0; fsp--, unit /= 10)
		*to++ = (char)('0' + us / unit % 10);
	return to;
}

/* "2024-06-01T10:00:00.120000Z" */
static int
put_zoned(struct kc_buf *b, struct kc_span v, int fsp)
{
	int64_t us, days, y, t;
	int m, d;

	if (is(v, "infinity") || is(v, "-infinity")) {
		kc_json_str(b, v.p, v.n);
		return 0;
	}
	if (timestamp_us(v, &us) != 0)
		return -1;
	days = us / INT64_C(86400000000);
	t = us % INT64_C(86400000000);
	if (t < 0) {
		t += INT64_C(86400000000);
		days--;
	}
	kc_civil_from_days(days, &y, &m, &d);
	char *at = kc_buf_room(b, 64), *to = at;
	*to++ = '"';
	if (y < 0)
		*to++ = '-';
	if (y > 9999)
		*to++ = '+';
	y = y < 0 ? -y : y;
	if (y > 9999)
		to = kc_put_i64(to, y);
	else
		to = put_two(put_two(to, y / 100), y % 100);
	*to++ = '-';
	to = put_two(to, m);
	*to++ = '-';
	to = put_two(to, d);
	*to++ = 'T';
	int64_t s = t / 1000000;
	to = put_two(to, s / 3600);
	*to++ = ':';
	to = put_two(to, s / 60 % 60);
	*to++ = ':';
	to = put_two(to, s % 60);
	to = put_fraction(to, t % 1000000, fsp);
	*to++ = 'Z';
	*to++ = '"';
	b->len += (size_t)(to - at);
	return 0;
}

/* "08:20:30.5Z": in UTC, the fraction without zeros at its end. */
static int
put_timetz(struct kc_buf *b, struct kc_span v)
{
	const char *p = v.p, *end = v.p + v.n;
	int64_t t = clock_us(&p, end), day = INT64_C(86400000000);

	if (t < 0)
		return -1;
	t = ((t - zone(&p, end) * 1000000) % day + day) % day;
	char *at = kc_buf_room(b, 40), *to = at;
	*to++ = '"';
	to = put_two(to, t / 3600000000);
	*to++ = ':';
	to = put_two(to, t / 60000000 % 60);
	*to++ = ':';
	to = put_two(to, t / 1000000 % 60);
	if (t % 1000000 != 0) {
		to = put_fraction(to, t % 1000000, 6);
		while (to[-1] == '0')
			to--;
	}
	*to++ = 'Z';
	*to++ = '"';
	b->len += (size_t)(to - at);
	return 0;
}

static int
put_time(struct kc_buf *b, struct kc_span v, bool micros)
{
	const char *p = v.p;
	int64_t us = clock_us(&p, v.p + v.n);

	if (us < 0)
		return -1;
	kc_buf_i64(b, micros ? us : us / 1000);
	return 0;
}

/* *total += n units, as far as 64 bits go. */
static void
add(int64_t *total, int64_t n, int64_t unit)
{
	int64_t v;

	if (__builtin_mul_overflow(n, unit, &v) ||
	    __builtin_add_overflow(*total, v, total))
		*total = n < 0 ? INT64_MIN : INT64_MAX;
}

/* "1 year 2 mons -3 days 04:05:06.789" in µs, a month 30.4375 days. */
static int
put_interval(struct kc_buf *b, struct kc_span v)
{
	const char *p = v.p, *end = v.p + v.n;
	int64_t total = 0, day = INT64_C(86400000000), n, sign;

	while (p < end) {
		while (p < end && *p == ' ')
			p++;
		sign = 1;
		if (p < end && (*p == '-' || *p == '+'))
			sign = *p++ == '-' ? -1 : 1;
		const char *from = p;
		if ((n = digits(&p, end)) < 0)
			return -1;
		if (p < end && *p == ':') {
			p = from;
			if ((n = clock_us(&p, end)) < 0)
				return -1;
			add(&total, sign, n);
		} else if (end - p >= 4 && memcmp(p, " yea", 4) == 0) {
			add(&total, sign * n * 12, 304375 * (day / 10000));
		} else if (end - p >= 4 && memcmp(p, " mon", 4) == 0) {
			add(&total, sign * n, 304375 * (day / 10000));
		} else if (end - p >= 4 && memcmp(p, " day", 4) == 0) {
			add(&total, sign * n, day);
		} else {
			return -1;
		}
		if (p < end && *p == ' ')
			p++;
		while (p < end && *p != ' ')
			p++;
	}
	kc_buf_i64(b, total);
	return 0;
}

/* ---- numbers ---- */

static int
put_integer(struct kc_buf *b, struct kc_span v)
{
	size_t from = v.n > 0 && v.p[0] == '-';

	if (v.n == from || (v.p[from] == '0' && v.n > from + 1))
		return -1;
	for (size_t i = from; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return -1;
	kc_buf_span(b, v);
	return 0;
}

static int
put_real(struct kc_buf *b, struct kc_span v, bool is_float)
{
	char text[64], *end;

	if (is(v, "NaN") || is(v, "Infinity") || is(v, "-Infinity")) {
		kc_json_str(b, v.p, v.n);
		return 0;
	}
	if (v.n == 0 || v.n >= sizeof text)
		return -1;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	char *to = kc_buf_room(b, 32);
	if (is_float)
		b->len += (size_t)(kc_put_float(to, strtof(text, &end)) - to);
	else
		b->len += (size_t)(kc_put_double(to, strtod(text, &end)) - to);
	return *end == '\0' ? 0 : -1;
}

/* {"scale":6,"value":"B1vNFQ=="}: without zeros at the fraction's end. */
static int
put_variable(struct kc_buf *b, struct kc_span v)
{
	const char *dot = memchr(v.p, '.', v.n);
	struct kc_buf bytes = { 0 };
	struct kc_err e;

	while (dot != NULL && v.n > 0 && v.p[v.n - 1] == '0')
		v.n--;
	if (dot != NULL && v.n > 0 && v.p + v.n - 1 == dot)
		v.n--;
	int scale = dot == NULL || dot >= v.p + v.n ? 0 :
						      (int)(v.p + v.n - dot) - 1;

	if (is(v, "NaN") || is(v, "Infinity") || is(v, "-Infinity")) {
		kc_buf_lit(b, "null");
		return 0;
	}
	int rc = kc_decimal_bytes(&bytes, v, scale, &e);
	kc_buf_lit(b, "{\"scale\":");
	kc_buf_i64(b, scale);
	kc_buf_lit(b, ",\"value\":\"");
	kc_buf_b64(b, bytes.p, bytes.len);
	kc_buf_lit(b, "\"}");
	kc_buf_release(&bytes);
	return rc;
}

/* A default may have fewer digits than its column. */
static int
put_decimal(struct kc_buf *b, struct kc_span v, int scale)
{
	const char *dot = memchr(v.p, '.', v.n);
	int have = dot == NULL ? 0 : (int)(v.p + v.n - dot) - 1;

	if (is(v, "NaN") || is(v, "Infinity") || is(v, "-Infinity")) {
		kc_buf_lit(b, "null");
		return 0;
	}
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] < '0' || v.p[i] > '9') && v.p + i != dot &&
		    (v.p[i] != '-' || i > 0))
			return -1;
	kc_buf_putc(b, '"');
	kc_buf_span(b, v);
	if (dot == NULL && scale > 0)
		kc_buf_putc(b, '.');
	for (; have < scale; have++)
		kc_buf_putc(b, '0');
	kc_buf_putc(b, '"');
	return 0;
}

/* "-$1,234.56" */
static int
put_money(struct kc_buf *b, struct kc_span v)
{
	kc_buf_putc(b, '"');
	if (v.n > 0 && (v.p[0] == '-' || v.p[0] == '('))
		kc_buf_putc(b, '-');
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] >= '0' && v.p[i] <= '9') || v.p[i] == '.')
			kc_buf_putc(b, v.p[i]);
	kc_buf_putc(b, '"');
	return 0;
}

/* ---- bytes and structures ---- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'	       ? c - '0' :
	    (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 :
						 -1;
}

static int
hex_bytes(struct kc_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		int hi = hex_digit(p[i]), lo = hex_digit(p[i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		kc_buf_putc(out, (char)(hi << 4 | lo));
	}
	return n % 2 == 0 ? 0 : -1;
}

static int
put_bytes(struct kc_buf *b, struct kc_span v)
{
	static struct kc_buf raw; /* kept for the next */

	if (v.n < 2 || v.p[0] != '\\' || v.p[1] != 'x')
		return -1;
	kc_buf_reset(&raw);
	if (hex_bytes(&raw, v.p + 2, v.n - 2) != 0)
		return -1;
	kc_buf_putc(b, '"');
	kc_buf_b64(b, raw.p, raw.len);
	kc_buf_putc(b, '"');
	return 0;
}

/* "10101", first bit highest, as bytes, lowest first, to the last set bit. */
static int
put_bits(struct kc_buf *b, struct kc_span v)
{
	static struct kc_buf raw;
	size_t n = (v.n + 7) / 8;

	kc_buf_reset(&raw);
	memset(kc_buf_room(&raw, n + 1), 0, n + 1);
	for (size_t i = 0; i < v.n; i++)
		if (v.p[v.n - 1 - i] == '1')
			raw.p[i / 8] = (char)(raw.p[i / 8] | 1 << (i % 8));
	while (n > 0 && raw.p[n - 1] == 0)
		n--;
	kc_buf_putc(b, '"');
	kc_buf_b64(b, raw.p, n);
	kc_buf_putc(b, '"');
	return 0;
}

static void
put_wkb_point(struct kc_buf *b, double x, double y)
{
	char wkb[21] = { 1, 1, 0, 0, 0 };

	memcpy(wkb + 5, &x, 8);
	memcpy(wkb + 13, &y, 8);
	kc_buf_lit(b, "\"wkb\":\"");
	kc_buf_b64(b, wkb, sizeof wkb);
	kc_buf_lit(b, "\",\"srid\":null}");
}

/* (1.5,-2) */
static int
put_point(struct kc_buf *b, struct kc_span v)
{
	char text[80], *end;

	if (v.n < 5 || v.n >= sizeof text || v.p[0] != '(')
		return -1;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	double x = strtod(text + 1, &end);
	if (*end != ',')
		return -1;
	double y = strtod(end + 1, &end);
	kc_buf_lit(b, "{\"x\":");
	kc_buf_double(b, x);
	kc_buf_lit(b, ",\"y\":");
	kc_buf_double(b, y);
	kc_buf_putc(b, ',');
	put_wkb_point(b, x, y);
	return *end == ')' ? 0 : -1;
}

/* PostGIS: hex of EWKB; an SRID flag and number are taken out of it. */
static int
put_geometry(struct kc_buf *b, struct kc_span v)
{
	static struct kc_buf raw;
	uint32_t srid = 0;

	kc_buf_reset(&raw);
	if (hex_bytes(&raw, v.p, v.n) != 0 || raw.len < 5)
		return -1;
	if (raw.p[0] == 1 && raw.len >= 9 && (raw.p[4] & 0x20) != 0) {
		memcpy(&srid, raw.p + 5, 4);
		raw.p[4] = (char)(raw.p[4] & ~0x20);
		memmove(raw.p + 5, raw.p + 9, raw.len - 9);
		raw.len -= 4;
	}
	kc_buf_lit(b, "{\"wkb\":\"");
	kc_buf_b64(b, raw.p, raw.len);
	kc_buf_lit(b, "\",\"srid\":");
	if (srid == 0)
		kc_buf_lit(b, "null}");
	else
		kc_buf_printf(b, "%u}", srid);
	return 0;
}

/* A quoted or bare word of hstore or of an array; false: malformed. */
static bool
word(const char **p, const char *end, const char *stops, struct kc_buf *out,
    bool *quoted)
{
	kc_buf_reset(out);
	*quoted = *p < end && **p == '"';
	if (!*quoted) {
		while (*p < end && strchr(stops, **p) == NULL) {
			if (**p == '\\' && *p + 1 < end)
				++*p;
			kc_buf_putc(out, *(*p)++);
		}
		return true;
	}
	for (++*p; *p < end && **p != '"'; ++*p) {
		if (**p == '\\' && *p + 1 < end)
			++*p;
		kc_buf_putc(out, **p);
	}
	return *p < end && *(*p)++ == '"';
}

/* "a"=>"1", "b"=>NULL as the text of a JSON object. */
static int
put_hstore(struct kc_buf *b, struct kc_span v)
{
	static struct kc_buf text, item;
	const char *p = v.p, *end = v.p + v.n;
	bool quoted;

	kc_buf_reset(&text);
	kc_buf_putc(&text, '{');
	while (p < end) {
		if (!word(&p, end, "=", &item, &quoted))
			return -1;
		if (text.len > 1)
			kc_buf_putc(&text, ',');
		kc_json_str(&text, item.p, item.len);
		kc_buf_putc(&text, ':');
		if (end - p < 2 || p[0] != '=' || p[1] != '>')
			return -1;
		p += 2;
		if (!word(&p, end, ",", &item, &quoted))
			return -1;
		if (!quoted && is(KC_BUF_SPAN(&item), "NULL"))
			kc_buf_lit(&text, "null");
		else
			kc_json_str(&text, item.p, item.len);
		while (p < end && (*p == ',' || *p == ' '))
			p++;
	}
	kc_buf_putc(&text, '}');
	kc_json_str(b, text.p, text.len);
	return 0;
}

/* {1,NULL,"a b",{2}} */
static int
put_array(struct kc_buf *b, const struct column *c, const char **p,
    const char *end)
{
	struct column item = { .kind = c->item,
		.scale = c->scale,
		.fsp = c->fsp,
		.length = c->length };
	struct kc_buf text = { 0 };
	bool quoted;
	int rc = 0;

	if (*p < end && **p == '[') /* bounds: [0:2]={…} */
		while (*p < end && *(*p)++ != '=')
			;
	if (*p >= end || *(*p)++ != '{')
		return -1;
	kc_buf_putc(b, '[');
	while (rc == 0 && *p < end && **p != '}') {
		if (b->p[b->len - 1] != '[')
			kc_buf_putc(b, ',');
		if (**p == '{') {
			rc = put_array(b, c, p, end);
		} else if (!word(p, end, ",}", &text, &quoted)) {
			rc = -1;
		} else if (!quoted && is(KC_BUF_SPAN(&text), "NULL")) {
			kc_buf_lit(b, "null");
		} else {
			kc_buf_str(&text);
			rc = type_put(b, &item, KC_BUF_SPAN(&text));
		}
		if (*p < end && **p == ',')
			++*p;
	}
	kc_buf_release(&text);
	if (rc != 0 || *p >= end)
		return -1;
	++*p;
	kc_buf_putc(b, ']');
	return 0;
}

int
type_put(struct kc_buf *b, const struct column *c, struct kc_span v)
{
	const char *p = v.p;

	switch (c->kind) {
	case P_INT16:
	case P_INT32:
	case P_INT64:
		return put_integer(b, v);
	case P_FLOAT:
	case P_DOUBLE:
		return put_real(b, v, c->kind == P_FLOAT);
	case P_NUMERIC:
		return put_variable(b, v);
	case P_DECIMAL:
		return put_decimal(b, v, c->scale);
	case P_MONEY:
		return put_money(b, v);
	case P_BOOL:
	case P_BIT1:
		kc_buf_puts(b,
		    v.n > 0 && (v.p[0] == 't' || v.p[0] == '1') ? "true" :
								  "false");
		return 0;
	case P_BYTES:
		return put_bytes(b, v);
	case P_DATE:
		return put_date(b, v);
	case P_TIME:
	case P_MICROTIME:
		return put_time(b, v, c->kind == P_MICROTIME);
	case P_TIMETZ:
		return put_timetz(b, v);
	case P_TIMESTAMP:
	case P_MICROTIMESTAMP:
		return put_timestamp(b, v, c->kind == P_MICROTIMESTAMP);
	case P_TIMESTAMPTZ:
		return put_zoned(b, v, c->fsp);
	case P_INTERVAL:
		return put_interval(b, v);
	case P_BITS:
	case P_VARBITS:
		return put_bits(b, v);
	case P_HSTORE:
		return put_hstore(b, v);
	case P_POINT:
		return put_point(b, v);
	case P_GEOMETRY:
	case P_GEOGRAPHY:
		return put_geometry(b, v);
	case P_ARRAY:
		return put_array(b, c, &p, v.p + v.n);
	default: /* text and its kin */
		kc_json_str(b, v.p, v.n);
		return 0;
	}
}

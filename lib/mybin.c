/*
 * MySQL's binary values; see mybin.h. A decimal's layout is in the server's
 * strings/decimal.cc: groups of nine digits in 4 bytes, big-endian, the odd
 * ones at both ends in fewer; the first bit is set, all bytes are inverted when
 * it is negative. JSON's layout is in the server's sql-common/json_binary.h: a type
 * byte, then the value. Objects and arrays: count, size, key entries (offset,
 * length), value entries (type, offset or inlined value), all of 2 bytes in the
 * small form and 4 in the large one; offsets from the count.
 */
#include "mybin.h"

#include <stdbool.h>
#include <string.h>

#include "json.h"
#include "num.h"

#define DEPTH_MAX 200

enum {
	SMALL_OBJECT,
	LARGE_OBJECT,
	SMALL_ARRAY,
	LARGE_ARRAY,
	LITERAL,
	INT16,
	UINT16,
	INT32,
	UINT32,
	INT64,
	UINT64,
	DOUBLE,
	STRING,
	OPAQUE = 15
};

struct bytes {
	const uint8_t *p;
	size_t n;
};

static uint64_t
le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint64_t
be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* ---- decimals ---- */

/* Bytes of so many digits. */
static const uint8_t group[10] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 4 };

static char *
put_digits(char *to, uint32_t v, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		to[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return to + n;
}

size_t
kc_mybin_decimal(struct kc_buf *out, const uint8_t *p, size_t n, int precision,
    int scale)
{
	int whole = precision - scale;

	if (scale < 0 || whole < 0 || precision > 81 || precision == 0)
		return 0;
	int lead = whole % 9, tail = scale % 9;
	size_t len = (size_t)(group[lead] + whole / 9 * 4 + scale / 9 * 4 +
	    group[tail]);
	uint8_t d[48];
	char text[100], *t = text, *first = text;

	if (len == 0 || len > n || len > sizeof d)
		return 0;
	bool negative = (p[0] & 0x80) == 0;
	for (size_t i = 0; i < len; i++)
		d[i] = negative ? (uint8_t)~p[i] : p[i];
	d[0] ^= 0x80;
	const uint8_t *q = d;
	t = put_digits(t, (uint32_t)be(q, group[lead]), lead);
	q += group[lead];
	for (int i = 0; i < whole / 9; i++, q += 4)
		t = put_digits(t, (uint32_t)be(q, 4), 9);
	if (t == text)
		*t++ = '0';
	/* cppcheck-suppress uninitvar */
	while (first < t - 1 && *first == '0')
		first++;
	if (scale > 0) {
		*t++ = '.';
		for (int i = 0; i < scale / 9; i++, q += 4)
			t = put_digits(t, (uint32_t)be(q, 4), 9);
		t = put_digits(t, (uint32_t)be(q, group[tail]), tail);
	}
	if (negative)
		kc_buf_putc(out, '-');
	kc_buf_put(out, first, (size_t)(t - first));
	return len;
}

/* ---- JSON ---- */

static int put_value(struct kc_buf *out, uint8_t type, struct bytes b, int depth);

static int
put_literal(struct kc_buf *out, uint64_t v)
{
	static const char *const names[] = { "null", "true", "false" };

	if (v > 2)
		return -1;
	kc_buf_puts(out, names[v]);
	return 0;
}

/* Length in groups of 7 bits, the low ones first. */
static int
var_length(struct bytes *b, size_t *len)
{
	*len = 0;
	for (int i = 0; i < 5 && b->n > 0; i++) {
		uint8_t c = *b->p++;
		b->n--;
		*len |= (size_t)(c & 0x7f) << (7 * i);
		if ((c & 0x80) == 0)
			return *len <= b->n ? 0 : -1;
	}
	return -1;
}

/* DATE, TIME and DATETIME inside JSON: 8 bytes, packed. */
static void
put_time(struct kc_buf *out, uint8_t type, int64_t v)
{
	int64_t u = v < 0 ? -v : v, us = u & 0xffffff, hms = u >> 24;
	int64_t ymd = hms >> 17, ym = ymd >> 5;

	kc_buf_putc(out, '"');
	if (type == 11) /* TIME */
		kc_buf_printf(out, "%s%02d:%02d:%02d", v < 0 ? "-" : "",
		    (int)(hms >> 12 & 0x3ff), (int)(hms >> 6 & 63),
		    (int)(hms & 63));
	else
		kc_buf_printf(out, "%04d-%02d-%02d", (int)(ym / 13),
		    (int)(ym % 13), (int)(ymd & 31));
	if (type == 12 || type == 7)
		kc_buf_printf(out, " %02d:%02d:%02d", (int)(hms >> 12 & 31),
		    (int)(hms >> 6 & 63), (int)(hms & 63));
	if (type != 10 && us != 0)
		kc_buf_printf(out, ".%06d", (int)us);
	kc_buf_putc(out, '"');
}

/* A value of another column type: type 1, length, bytes. */
static int
put_opaque(struct kc_buf *out, struct bytes b)
{
	size_t len;

	if (b.n < 1)
		return -1;
	uint8_t type = *b.p++;
	b.n--;
	if (var_length(&b, &len) != 0)
		return -1;
	if (type == 246 && len >= 2) /* DECIMAL: precision, scale, digits */
		return kc_mybin_decimal(out, b.p + 2, len - 2, b.p[0], b.p[1]) ==
			0 ?
		    -1 :
		    0;
	if ((type == 7 || (type >= 10 && type <= 12)) && len == 8) {
		put_time(out, type, (int64_t)le(b.p, 8));
		return 0;
	}
	kc_buf_putc(out, '"');
	kc_buf_b64(out, b.p, len);
	kc_buf_putc(out, '"');
	return 0;
}

/* A number whose bytes are w wide at p, or a literal. */
static int
put_scalar(struct kc_buf *out, uint8_t type, const uint8_t *p)
{
	double d;

	switch (type) {
	case LITERAL:
		return put_literal(out, p[0]);
	case INT16:
		kc_buf_i64(out, (int16_t)le(p, 2));
		return 0;
	case UINT16:
		kc_buf_u64(out, le(p, 2));
		return 0;
	case INT32:
		kc_buf_i64(out, (int32_t)le(p, 4));
		return 0;
	case UINT32:
		kc_buf_u64(out, le(p, 4));
		return 0;
	case INT64:
		kc_buf_i64(out, (int64_t)le(p, 8));
		return 0;
	case UINT64:
		kc_buf_u64(out, le(p, 8));
		return 0;
	case DOUBLE:
		memcpy(&d, p, 8);
		kc_buf_double(out, d);
		return 0;
	default:
		return -1;
	}
}

static size_t
scalar_width(uint8_t type)
{
	static const uint8_t width[] = { [LITERAL] = 1,
		[INT16] = 2,
		[UINT16] = 2,
		[INT32] = 4,
		[UINT32] = 4,
		[INT64] = 8,
		[UINT64] = 8,
		[DOUBLE] = 8 };

	return type < sizeof width ? width[type] : 0;
}

/* An entry of an array or object: type 1, then offset, or the value itself. */
static int
put_entry(struct kc_buf *out, struct bytes b, const uint8_t *entry, size_t w,
    int depth)
{
	uint8_t type = entry[0];
	size_t inl = scalar_width(type);

	if (inl > 0 && inl <= w)
		return put_scalar(out, type, entry + 1);
	size_t at = (size_t)le(entry + 1, w);
	if (at >= b.n)
		return -1;
	return put_value(out, type, (struct bytes){ b.p + at, b.n - at }, depth);
}

static int
put_container(struct kc_buf *out, bool object, size_t w, struct bytes b, int depth)
{
	if (b.n < 2 * w || depth > DEPTH_MAX)
		return -1;
	size_t count = (size_t)le(b.p, w), size = (size_t)le(b.p + w, w);
	size_t keys = 2 * w, vals = keys + (object ? count * (w + 2) : 0);
	if (size > b.n || count > size || vals + count * (1 + w) > size)
		return -1;
	b.n = size;
	kc_buf_putc(out, object ? '{' : '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			kc_buf_putc(out, ',');
		if (object) {
			const uint8_t *k = b.p + keys + i * (w + 2);
			size_t at = (size_t)le(k, w), len = (size_t)le(k + w, 2);
			if (at > size || len > size - at)
				return -1;
			kc_json_str(out, b.p + at, len);
			kc_buf_putc(out, ':');
		}
		if (put_entry(out, b, b.p + vals + i * (1 + w), w, depth + 1) != 0)
			return -1;
	}
	kc_buf_putc(out, object ? '}' : ']');
	return 0;
}

static int
put_value(struct kc_buf *out, uint8_t type, struct bytes b, int depth)
{
	size_t len;

	switch (type) {
	case SMALL_OBJECT:
	case LARGE_OBJECT:
		return put_container(out, true, type == SMALL_OBJECT ? 2 : 4, b,
		    depth);
	case SMALL_ARRAY:
	case LARGE_ARRAY:
		return put_container(out, false, type == SMALL_ARRAY ? 2 : 4, b,
		    depth);
	case STRING:
		if (var_length(&b, &len) != 0)
			return -1;
		kc_json_str(out, b.p, len);
		return 0;
	case OPAQUE:
		return put_opaque(out, b);
	default:
		len = scalar_width(type);
		return len == 0 || len > b.n ? -1 : put_scalar(out, type, b.p);
	}
}

int
kc_mybin_json(struct kc_buf *out, const uint8_t *p, size_t n)
{
	if (n == 0) { /* an empty one, from INSERT IGNORE, is null */
		kc_buf_lit(out, "null");
		return 0;
	}
	return put_value(out, p[0], (struct bytes){ p + 1, n - 1 }, 0);
}

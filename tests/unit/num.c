/* lib/num.c, lib/decimal.c, lib/shortest.c: numbers, dates and bytes as text. */
#include "num.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static uint64_t seed = 88172645463325252ULL;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static bool
is(struct kc_buf *b, const char *want)
{
	bool same = b->len == strlen(want) && memcmp(b->p, want, b->len) == 0;

	if (!same)
		printf("# got %.*s, not %s\n", (int)b->len, b->p, want);
	b->len = 0;
	return same;
}

static void
integers(struct kc_buf *b)
{
	static const int64_t v[] = { 0, 1, -1, 9, 10, 99, 100, 12345678,
		INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };
	int bad = 0;

	for (size_t i = 0; i < 100000; i++) {
		int64_t x = i < sizeof v / sizeof *v ?
		    v[i] :
		    (int64_t)(next() >> (next() & 63)),
			back;
		char text[32];

		snprintf(text, sizeof text, "%" PRId64, x);
		kc_buf_i64(b, x);
		bad += !is(b, text);
		bad += !kc_parse_i64((struct kc_span){ text, strlen(text) },
			   &back) ||
		    back != x;
	}
	ok(bad == 0, "integers there and back");
}

static bool
refused(const char *text)
{
	int64_t x;

	return !kc_parse_i64((struct kc_span){ text, strlen(text) }, &x);
}

static void
doubles(struct kc_buf *b)
{
	static const struct {
		double v;
		const char *text;
	} t[] = {
		{ 1, "1.0" },
		{ -0.0, "-0.0" },
		{ 0.1, "0.1" },
		{ 1e10, "1.0E10" },
		{ 1e-5, "1.0E-5" },
		{ 0.001, "0.001" },
		{ 9999999, "9999999.0" },
		{ 1e7, "1.0E7" },
		{ 5e-324, "4.9E-324" },
		{ 1.7976931348623157e308, "1.7976931348623157E308" },
		{ INFINITY, "\"Infinity\"" },
		{ -INFINITY, "\"-Infinity\"" },
		{ NAN, "\"NaN\"" },
	};
	int bad = 0;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		kc_buf_double(b, t[i].v);
		ok(is(b, t[i].text), "double %s", t[i].text);
	}
	for (int i = 0; i < 200000; i++) {
		uint64_t bits = next();
		char text[40];
		double v;

		memcpy(&v, &bits, sizeof v);
		if (!isfinite(v))
			continue;
		*kc_put_double(text, v) = '\0';
		bad += strtod(text, NULL) != v;
		*kc_put_float(text, (float)v) = '\0';
		if (isfinite((float)v))
			bad += strtof(text, NULL) != (float)v;
	}
	ok(bad == 0, "doubles and floats read back the same");
}

static void
decimals(struct kc_buf *b)
{
	static const struct {
		const char *text;
		int scale;
		size_t n;
		const char *be;
	} t[] = {
		{ "0", 0, 1, "\x00" },
		{ "12.34", 2, 2, "\x04\xd2" },
		{ "-12.34", 2, 2, "\xfb\x2e" },
		{ "1.28", 2, 2, "\x00\x80" },
		{ "-1.28", 2, 1, "\x80" },
		{ "0.01", 2, 1, "\x01" },
		{ "-0.05", 2, 1, "\xfb" },
		{ "18446744073709551616", 0, 9, "\x01\0\0\0\0\0\0\0\0" },
	};
	struct kc_err e;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		kc_decimal_text(b, t[i].be, t[i].n, t[i].scale);
		ok(is(b, t[i].text), "decimal bytes to %s", t[i].text);
		ok(kc_decimal_bytes(b,
		       (struct kc_span){ t[i].text, strlen(t[i].text) },
		       t[i].scale, &e) == 0 &&
			b->len == t[i].n && memcmp(b->p, t[i].be, b->len) == 0,
		    "decimal %s to bytes", t[i].text);
		b->len = 0;
	}
	ok(kc_decimal_bytes(b, (struct kc_span){ "1x", 2 }, 0, &e) == -1 &&
		e.status == KC_DATA,
	    "1x is no decimal");
	b->len = 0;
}

static void
bytes(struct kc_buf *b)
{
	unsigned char raw[50];
	struct kc_buf back = { 0 };
	int bad = 0;

	for (size_t n = 0; n <= sizeof raw; n++) {
		for (size_t i = 0; i < n; i++)
			raw[i] = (unsigned char)next();
		kc_buf_b64(b, raw, n);
		bad += kc_b64_decode(&back, (struct kc_span){ b->p, b->len }) !=
			0 ||
		    back.len != n || (n > 0 && memcmp(back.p, raw, n) != 0);
		b->len = back.len = 0;
	}
	ok(bad == 0, "base64 there and back");
	ok(kc_b64_decode(&back, (struct kc_span){ "YQ=", 3 }) == -1,
	    "base64 cut short is refused");
	ok(kc_b64_decode(&back, (struct kc_span){ "Y*==", 4 }) == -1,
	    "what is no base64 is refused");
	kc_buf_release(&back);
}

static void
dates(void)
{
	int bad = 0;

	for (int64_t d = -800000; d < 3000000; d += 13) {
		int64_t y;
		int m, day;

		kc_civil_from_days(d, &y, &m, &day);
		bad += kc_days_from_civil(y, m, day) != d || m < 1 || m > 12 ||
		    day < 1 || day > 31;
	}
	ok(bad == 0, "dates there and back");
	ok(kc_days_from_civil(2000, 3, 1) == 11017, "2000-03-01 is day 11017");
}

int
main(void)
{
	struct kc_buf b = { 0 };

	integers(&b);
	ok(refused("") && refused("-") && refused("1x") && refused(" 1") &&
		refused("9223372036854775808"),
	    "what is no 64-bit integer is refused");
	doubles(&b);
	decimals(&b);
	bytes(&b);
	dates();
	kc_buf_release(&b);
	return done();
}

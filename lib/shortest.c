/*
 * Doubles and floats as the shortest decimal that reads back the same, by
 * R. Giulietti, "The Schubfach way to render doubles" (2020), laid out as
 * Java's Double.toString. Its table of powers of ten, rounded up to 128 bits,
 * is computed once, with plain long arithmetic.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "num.h"

#define K_MIN (-292)
#define K_MAX 324
#define LIMBS 36 /* 32 bits each: 10^324 has 1077 bits */

struct u128 {
	uint64_t hi, lo;
};

/* powers[k - K_MIN]: 10^k, its first bit set, rounded up. */
static struct u128 powers[K_MAX - K_MIN + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct decimal {
	uint64_t digits;
	int exponent;
};

/* ---- the table ---- */

static int
bit_length(const uint32_t *a)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a[i] != 0)
			return i * 32 + 32 - __builtin_clz(a[i]);
	return 0;
}

static void
times_ten(uint32_t *a)
{
	uint64_t carry = 0;

	for (int i = 0; i < LIMBS; i++) {
		carry += (uint64_t)a[i] * 10;
		a[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void
add_one(struct u128 *v)
{
	if (++v->lo == 0)
		v->hi++;
}

/* The first 128 bits of a, rounded up. */
static struct u128
leading(const uint32_t *a)
{
	struct u128 v = { 0, 0 };
	int n = bit_length(a);
	bool rest = false;

	for (int i = n - 1; i >= n - 128; i--) {
		uint64_t bit = i < 0 ? 0 : a[i / 32] >> (i % 32) & 1;
		v.hi = v.hi << 1 | v.lo >> 63;
		v.lo = v.lo << 1 | bit;
	}
	for (int i = 0; i < n - 128; i++)
		rest |= (a[i / 32] >> (i % 32) & 1) != 0;
	if (rest)
		add_one(&v);
	return v;
}

static bool
at_least(const uint32_t *a, const uint32_t *b)
{
	for (int i = LIMBS - 1; i >= 0; i--)
		if (a[i] != b[i])
			return a[i] > b[i];
	return true;
}

/* The first 128 bits of 1/a, rounded up; a is no power of two. */
static struct u128
reciprocal(const uint32_t *a)
{
	uint32_t r[LIMBS] = { 0 };
	struct u128 q = { 0, 0 };
	int n = bit_length(a) - 1;

	r[n / 32] = (uint32_t)1 << (n % 32);
	for (int bit = 0; bit < 128; bit++) {
		uint64_t borrow = 0;
		for (int i = LIMBS - 1; i > 0; i--)
			r[i] = r[i] << 1 | r[i - 1] >> 31;
		r[0] <<= 1;
		bool one = at_least(r, a);
		for (int i = 0; one && i < LIMBS; i++) {
			uint64_t d = (uint64_t)r[i] - a[i] - borrow;
			r[i] = (uint32_t)d;
			borrow = d >> 63;
		}
		q.hi = q.hi << 1 | q.lo >> 63;
		q.lo = q.lo << 1 | (one ? 1 : 0);
	}
	add_one(&q);
	return q;
}

static void
make_powers(void)
{
	uint32_t a[LIMBS] = { 1 };

	powers[-K_MIN] = leading(a);
	for (int k = 1; k <= K_MAX; k++) {
		times_ten(a);
		powers[k - K_MIN] = leading(a);
		if (-k >= K_MIN)
			powers[-k - K_MIN] = reciprocal(a);
	}
}

/* ---- the algorithm ---- */

static int
floor_log2_pow10(int e)
{
	return (e * 1741647) >> 19;
}

/* The product's high part, its last bit set when anything was cut off. */
static uint64_t
round_to_odd(struct u128 g, uint64_t cp)
{
	unsigned __int128 x = (unsigned __int128)g.lo * cp;
	unsigned __int128 y = (unsigned __int128)g.hi * cp + (uint64_t)(x >> 64);

	return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static uint64_t
round_to_odd32(struct u128 g, uint64_t cp)
{
	unsigned __int128 p = (unsigned __int128)(g.hi + (g.lo != 0)) * cp;

	return (uint64_t)(p >> 64) | ((uint32_t)(p >> 32) > 1);
}

/* c * 2^q; regular: the neighbours are equally far. */
static struct decimal
shortest(uint64_t c, int q, bool regular, bool is_float)
{
	uint64_t (*mul)(struct u128, uint64_t) = is_float ? round_to_odd32 :
							    round_to_odd;
	int k = (q * 1262611 - (regular ? 0 : 524031)) >> 22;
	int h = q + floor_log2_pow10(-k) + 1;
	struct u128 g = powers[-k - K_MIN];
	uint64_t odd = c & 1;
	uint64_t lower = mul(g, (4 * c - 2 + !regular) << h) + odd;
	uint64_t v = mul(g, (4 * c) << h);
	uint64_t upper = mul(g, (4 * c + 2) << h) - odd;
	uint64_t s = v / 4;

	if (s >= 10) {
		uint64_t t = s / 10;
		bool down = lower <= 40 * t, up = 40 * t + 40 <= upper;
		if (down != up)
			return (struct decimal){ t + up, k + 1 };
	}
	bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
	if (down != up)
		return (struct decimal){ s + up, k };
	bool round_up = v > 4 * s + 2 || (v == 4 * s + 2 && (s & 1) != 0);
	return (struct decimal){ s + round_up, k };
}

/* ---- the text ---- */

static char *
put_sci(char *dst, const char *digits, int n, int e)
{
	*dst++ = digits[0];
	*dst++ = '.';
	if (n == 1)
		*dst++ = '0';
	memcpy(dst, digits + 1, (size_t)n - 1);
	dst += n - 1;
	*dst++ = 'E';
	return kc_put_i64(dst, e);
}

static char *
put_decimal(char *dst, struct decimal d)
{
	char digits[24];
	int n, e;

	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	n = (int)(kc_put_u64(digits, d.digits) - digits);
	e = n + d.exponent - 1;
	if (e < -3 || e >= 7)
		return put_sci(dst, digits, n, e);
	if (e < 0) {
		memcpy(dst, "0.00", 4);
		dst += 1 - e;
		memcpy(dst, digits, (size_t)n);
		return dst + n;
	}
	for (int i = 0; i < n || i <= e + 1; i++) {
		if (i == e + 1)
			*dst++ = '.';
		*dst++ = i < n ? digits[i] : '0';
	}
	return dst;
}

/* Java wants two digits of the smallest numbers: 4.9E-324, not 5E-324. */
static struct decimal
two_digits(struct decimal d, uint64_t c, double unit, int exponent)
{
	double x = (double)c * unit;

	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	if (d.digits >= 10)
		return d;
	while (x >= 100) {
		x /= 10;
		exponent++;
	}
	return (struct decimal){ (uint64_t)(x + 0.5), exponent };
}

static char *
put_special(char *dst, bool nan, bool negative)
{
	const char *text = nan ? "\"NaN\"" :
	    negative	       ? "\"-Infinity\"" :
				 "\"Infinity\"";

	memcpy(dst, text, strlen(text));
	return dst + strlen(text);
}

char *
kc_put_double(char *dst, double v)
{
	uint64_t bits, c;
	int e;

	memcpy(&bits, &v, sizeof bits);
	c = bits & ((UINT64_C(1) << 52) - 1);
	e = (int)(bits >> 52 & 0x7ff);
	if (e == 0x7ff)
		return put_special(dst, c != 0, bits >> 63 != 0);
	if (bits >> 63)
		*dst++ = '-';
	if (e == 0 && c == 0) {
		memcpy(dst, "0.0", 3);
		return dst + 3;
	}
	pthread_once(&once, make_powers);
	if (e == 0)
		return put_decimal(dst,
		    two_digits(shortest(c, -1074, true, false), c,
			49.40656458412465, -325));
	bool regular = c != 0 || e == 1;
	c |= UINT64_C(1) << 52;
	e -= 1075;
	if (e <= 0 && e > -53 && (c & ((UINT64_C(1) << -e) - 1)) == 0)
		return put_decimal(dst, (struct decimal){ c >> -e, 0 });
	return put_decimal(dst, shortest(c, e, regular, false));
}

char *
kc_put_float(char *dst, float v)
{
	uint32_t bits, c;
	int e;

	memcpy(&bits, &v, sizeof bits);
	c = bits & ((UINT32_C(1) << 23) - 1);
	e = (int)(bits >> 23 & 0xff);
	if (e == 0xff)
		return put_special(dst, c != 0, bits >> 31 != 0);
	if (bits >> 31)
		*dst++ = '-';
	if (e == 0 && c == 0) {
		memcpy(dst, "0.0", 3);
		return dst + 3;
	}
	pthread_once(&once, make_powers);
	if (e == 0)
		return put_decimal(dst,
		    two_digits(shortest(c, -149, true, true), c,
			14.01298464324817, -46));
	bool regular = c != 0 || e == 1;
	c |= UINT32_C(1) << 23;
	e -= 150;
	if (e <= 0 && e > -24 && (c & ((UINT32_C(1) << -e) - 1)) == 0)
		return put_decimal(dst, (struct decimal){ c >> -e, 0 });
	return put_decimal(dst, shortest(c, e, regular, true));
}

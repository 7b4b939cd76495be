/* Numbers, bytes and dates as text. Doubles: shortest.c. */
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "num.h"

static const char digits2[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

static int
count_digits(uint64_t v)
{
	static const uint64_t powers[] = { 0, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000, 10000000000,
		100000000000, 1000000000000, 10000000000000, 100000000000000,
		1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, 10000000000000000000u };
	int n = (64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= powers[n]);
}

char *
kc_put_u64(char *dst, uint64_t v)
{
	char *end = dst + count_digits(v), *p = end;
	uint32_t w;

	while (v > UINT32_MAX) { /* eight digits at a time, by 32-bit divisions */
		w = (uint32_t)(v % 100000000);
		v /= 100000000;
		for (int i = 0; i < 4; i++, w /= 100)
			memcpy(p -= 2, digits2 + w % 100 * 2, 2);
	}
	for (w = (uint32_t)v; w >= 100; w /= 100)
		memcpy(p -= 2, digits2 + w % 100 * 2, 2);
	if (w >= 10)
		memcpy(p - 2, digits2 + w * 2, 2);
	else
		p[-1] = (char)('0' + w);
	return end;
}

char *
kc_put_i64(char *dst, int64_t v)
{
	if (v < 0) {
		*dst++ = '-';
		return kc_put_u64(dst, 0 - (uint64_t)v);
	}
	return kc_put_u64(dst, (uint64_t)v);
}

void
kc_buf_i64(struct kc_buf *b, int64_t v)
{
	b->len = (size_t)(kc_put_i64(kc_buf_room(b, 20), v) - b->p);
}

void
kc_buf_u64(struct kc_buf *b, uint64_t v)
{
	b->len = (size_t)(kc_put_u64(kc_buf_room(b, 20), v) - b->p);
}

void
kc_buf_double(struct kc_buf *b, double v)
{
	b->len = (size_t)(kc_put_double(kc_buf_room(b, 32), v) - b->p);
}

char *
kc_put_hex(char *dst, const void *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i++) {
		*dst++ = hex[s[i] >> 4];
		*dst++ = hex[s[i] & 15];
	}
	return dst;
}

static const char b64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
kc_put_b64(char *dst, const void *p, size_t n)
{
	const unsigned char *s = p;
	uint32_t v;

	for (; n >= 3; n -= 3, s += 3) {
		v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
		*dst++ = b64[v >> 18];
		*dst++ = b64[v >> 12 & 63];
		*dst++ = b64[v >> 6 & 63];
		*dst++ = b64[v & 63];
	}
	if (n > 0) {
		v = (uint32_t)s[0] << 16 | (n > 1 ? (uint32_t)s[1] << 8 : 0);
		*dst++ = b64[v >> 18];
		*dst++ = b64[v >> 12 & 63];
		*dst++ = n > 1 ? b64[v >> 6 & 63] : '=';
		*dst++ = '=';
	}
	return dst;
}

void
kc_buf_b64(struct kc_buf *b, const void *p, size_t n)
{
	b->len = (size_t)(kc_put_b64(kc_buf_room(b, 4 * ((n + 2) / 3)), p, n) -
	    b->p);
}

int
kc_b64_decode(struct kc_buf *b, struct kc_span text)
{
	static signed char val[256];
	const unsigned char *s = (const unsigned char *)text.p;
	size_t n = text.n;
	uint32_t acc = 0;
	int bits = 0;

	if (val['B'] == 0) {
		memset(val, -1, sizeof(val));
		for (int i = 0; i < 64; i++)
			val[(unsigned char)b64[i]] = (signed char)i;
	}
	while (n > 0 && s[n - 1] == '=' && text.n - n < 2)
		n--;
	if ((text.n != n && text.n % 4 != 0) || n % 4 == 1)
		return -1;
	kc_buf_room(b, n / 4 * 3 + 3);
	for (size_t i = 0; i < n; i++) {
		if (val[s[i]] < 0)
			return -1;
		acc = acc << 6 | (uint32_t)val[s[i]];
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			b->p[b->len++] = (char)(acc >> bits);
		}
	}
	return 0;
}

bool
kc_parse_u64(struct kc_span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.p == NULL || s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(s.p[i] - '0');
		if (d > 9 || v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - d)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

bool
kc_parse_i64(struct kc_span s, int64_t *out)
{
	bool neg = s.p != NULL && s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (neg)
		s = (struct kc_span){ s.p + 1, s.n - 1 };
	if (!kc_parse_u64(s, &v) || v > (uint64_t)INT64_MAX + neg)
		return false;
	*out = (int64_t)(neg ? 0 - v : v);
	return true;
}

/* Howard Hinnant's civil calendar arithmetic: years begin in March. */
int64_t
kc_days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

void
kc_civil_from_days(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

void
kc_sha256_id(char id[17], struct kc_span text)
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text.p, text.n, md);
	*kc_put_hex(id, md, 8) = '\0';
}

static int64_t
clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
kc_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t
kc_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

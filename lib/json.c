/*
 * JSON on spans, RFC 8259. Containers are skipped 64 bytes at a time: a mask of
 * the quotes that are not escaped gives, by a running exclusive or, which bytes
 * are inside strings; the brackets outside are counted.
 */
#include "json.h"

#include <stdlib.h>

#include "err.h"
#include "num.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define DEPTH_MAX 1024

enum { QUOTE, BACKSLASH, OPEN, CLOSE, SQUARES, MASKS };

#ifdef __SSE2__
/* Bit i of the masks: what byte i of the 64 at p is. */
static inline void
classify(const char *p, uint64_t m[MASKS])
{
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	const __m128i bit = _mm_set1_epi8(0x20);

	m[QUOTE] = m[BACKSLASH] = m[OPEN] = m[CLOSE] = m[SQUARES] = 0;
	for (int i = 0; i < 64; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(p + i));
		__m128i y = _mm_or_si128(x, bit); /* [ and ] as { and } */
#define MASK(v) ((uint64_t)(unsigned)_mm_movemask_epi8(v) << i)
		m[QUOTE] |= MASK(_mm_cmpeq_epi8(x, quote));
		m[BACKSLASH] |= MASK(_mm_cmpeq_epi8(x, back));
		m[OPEN] |= MASK(_mm_cmpeq_epi8(y, open));
		m[CLOSE] |= MASK(_mm_cmpeq_epi8(y, close));
		m[SQUARES] |= ~MASK(_mm_cmpeq_epi8(x, y)) &
		    ((uint64_t)0xffff << i);
#undef MASK
	}
}

/* Offset of the first byte that a string must escape or that is not ASCII. */
static inline size_t
plain_run(const char *p, size_t n)
{
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	const __m128i low = _mm_set1_epi8(0x20);
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(p + i));
		/* signed: bytes from 0x80 are below 0x20 too */
		__m128i y = _mm_or_si128(_mm_cmplt_epi8(x, low),
		    _mm_or_si128(_mm_cmpeq_epi8(x, quote),
			_mm_cmpeq_epi8(x, back)));
		int m = _mm_movemask_epi8(y);
		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
	while (i < n && (signed char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

/* First quote or backslash at or after p; end when there is none. */
static inline const char *
string_stop(const char *p, const char *end)
{
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i x = _mm_loadu_si128((const void *)p);
		int m = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, quote),
		    _mm_cmpeq_epi8(x, back)));
		if (m != 0)
			return p + __builtin_ctz((unsigned)m);
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}
#else
static inline void
classify(const char *p, uint64_t m[MASKS])
{
	m[QUOTE] = m[BACKSLASH] = m[OPEN] = m[CLOSE] = m[SQUARES] = 0;
	for (int i = 0; i < 64; i++) {
		char c = p[i], d = (char)(c | 0x20);
		m[QUOTE] |= (uint64_t)(c == '"') << i;
		m[BACKSLASH] |= (uint64_t)(c == '\\') << i;
		m[OPEN] |= (uint64_t)(d == '{') << i;
		m[CLOSE] |= (uint64_t)(d == '}') << i;
		m[SQUARES] |= (uint64_t)(c != d) << i;
	}
}

static inline size_t
plain_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (signed char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static inline const char *
string_stop(const char *p, const char *end)
{
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}
#endif

/* Bit i of the result: an odd number of bits up to i are set. */
static inline uint64_t
prefix_xor(uint64_t x)
{
	x ^= x << 1;
	x ^= x << 2;
	x ^= x << 4;
	x ^= x << 8;
	x ^= x << 16;
	x ^= x << 32;
	return x;
}

/* Set bits; the compiler's own is a call where the CPU is not known to count. */
static inline int
count_bits(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) +
	    (x >> 2 & UINT64_C(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (int)((x * UINT64_C(0x0101010101010101)) >> 56);
}

/* The bytes that follow an active backslash; *carry: into the next block. */
static uint64_t
escaped_bytes(uint64_t back, uint64_t *carry)
{
	uint64_t out = *carry;

	back &= ~*carry;
	*carry = 0;
	while (back != 0) {
		int i = __builtin_ctzll(back);
		if (i == 63) {
			*carry = 1;
			break;
		}
		out |= (uint64_t)2 << i;
		back &= ~((uint64_t)3 << i);
	}
	return out;
}

const char *
kc_json_ws(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* p is after the opening quote; returns after the closing one. */
static const char *
skip_string(const char *p, const char *end)
{
	for (;;) {
		p = string_stop(p, end);
		if (p >= end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (end - p < 2)
			return NULL;
		p += 2;
	}
}

/* p is at the opening bracket. */
static const char *
skip_container(const char *p, const char *end)
{
	uint64_t m[MASKS], string = 0, carry = 0;
	int64_t depth = 0, squares = 0;
	char tail[64];

	for (;; p += 64) {
		const char *at = p;
		if (end - p < 64) {
			if (end <= p)
				return NULL;
			memset(tail, ' ', sizeof tail);
			memcpy(tail, p, (size_t)(end - p));
			at = tail;
		}
		classify(at, m);
		if ((m[BACKSLASH] | carry) != 0)
			m[QUOTE] &= ~escaped_bytes(m[BACKSLASH], &carry);
		uint64_t in = prefix_xor(m[QUOTE]) ^ string;
		string = 0 - (in >> 63);
		uint64_t open = m[OPEN] & ~in, close = m[CLOSE] & ~in;
		if ((open | close) == 0)
			continue;
		int64_t closes = count_bits(close);

		for (; closes >= depth && close != 0; close &= close - 1) {
			int i = __builtin_ctzll(close);
			uint64_t upto = ((uint64_t)2 << i) - 1;
			int64_t d = depth + count_bits(open & upto) -
			    (closes - count_bits(close) + 1);
			if (d > 0)
				continue;
			squares += count_bits(open & m[SQUARES] & upto);
			squares -= count_bits(m[CLOSE] & ~in & m[SQUARES] & upto);
			return squares == 0 ? p + i + 1 : NULL;
		}
		depth += count_bits(open) - closes;
		squares += count_bits(open & m[SQUARES]) -
		    count_bits(m[CLOSE] & ~in & m[SQUARES]);
	}
}

static const char *
skip_digits(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && *q >= '0' && *q <= '9')
		q++;
	return q == p ? NULL : q;
}

static const char *
skip_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if ((p = skip_digits(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.' && (p = skip_digits(p + 1, end)) == NULL)
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end);
	}
	return p;
}

static const char *
skip_word(const char *p, const char *end, const char *word, size_t n)
{
	if ((size_t)(end - p) < n || memcmp(p, word, n) != 0)
		return NULL;
	return p + n;
}

static const char *
skip_scalar(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return skip_string(p + 1, end);
	case 't':
		return skip_word(p, end, "true", 4);
	case 'f':
		return skip_word(p, end, "false", 5);
	case 'n':
		return skip_word(p, end, "null", 4);
	default:
		return skip_number(p, end);
	}
}

const char *
kc_json_skip(const char *p, const char *end)
{
	if (p >= end)
		return NULL;
	if (*p == '{' || *p == '[')
		return skip_container(p, end);
	return skip_scalar(p, end);
}

int
kc_json_open(struct kc_json_it *it, struct kc_span v)
{
	if (v.p == NULL || v.n < 2 ||
	    !((v.p[0] == '{' && v.p[v.n - 1] == '}') ||
		(v.p[0] == '[' && v.p[v.n - 1] == ']')))
		return -1;
	it->p = v.p + 1;
	it->end = v.p + v.n;
	it->first = true;
	return 0;
}

/* Stands on the next member or item: 1; at the closing bracket: 0; else -1. */
static inline int
step(struct kc_json_it *it, char close)
{
	const char *p = kc_json_ws(it->p, it->end);

	if (p >= it->end)
		return -1;
	if (*p == close)
		return p + 1 == it->end ? 0 : -1;
	if (!it->first) {
		if (*p != ',')
			return -1;
		p = kc_json_ws(p + 1, it->end);
	}
	it->first = false;
	it->p = p;
	return p < it->end ? 1 : -1;
}

int
kc_json_member(struct kc_json_it *it, struct kc_span *key, struct kc_span *val)
{
	int r = step(it, '}');

	if (r <= 0)
		return r;
	if (*it->p != '"')
		return -1;
	const char *k = it->p + 1, *p = skip_string(k, it->end);
	if (p == NULL)
		return -1;
	*key = (struct kc_span){ k, (size_t)(p - k) - 1 };
	p = kc_json_ws(p, it->end);
	if (p >= it->end || *p != ':')
		return -1;
	p = kc_json_ws(p + 1, it->end);
	const char *q = kc_json_skip(p, it->end);
	if (q == NULL)
		return -1;
	*val = (struct kc_span){ p, (size_t)(q - p) };
	it->p = q;
	return 1;
}

int
kc_json_item(struct kc_json_it *it, struct kc_span *val)
{
	int r = step(it, ']');

	if (r <= 0)
		return r;
	const char *q = kc_json_skip(it->p, it->end);
	if (q == NULL)
		return -1;
	*val = (struct kc_span){ it->p, (size_t)(q - it->p) };
	it->p = q;
	return 1;
}

struct kc_span
kc_json_get(struct kc_span obj, const char *name)
{
	struct kc_json_it it;
	struct kc_span key, val, none = { NULL, 0 };

	if (kc_json_open(&it, obj) != 0 || obj.p[0] != '{')
		return none;
	while (kc_json_member(&it, &key, &val) == 1)
		if (kc_span_is(key, name))
			return val;
	return none;
}

static int
hex4(const char *p, unsigned *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		unsigned d;
		if (c >= '0' && c <= '9')
			d = (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			d = (unsigned)((c | 0x20) - 'a') + 10;
		else
			return -1;
		*out = *out << 4 | d;
	}
	return 0;
}

static void
put_utf8(struct kc_buf *b, unsigned c)
{
	char *p = kc_buf_room(b, 4);

	if (c < 0x80) {
		p[0] = (char)c;
		b->len += 1;
	} else if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		b->len += 2;
	} else if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		b->len += 3;
	} else {
		p[0] = (char)(0xf0 | c >> 18);
		p[1] = (char)(0x80 | (c >> 12 & 0x3f));
		p[2] = (char)(0x80 | (c >> 6 & 0x3f));
		p[3] = (char)(0x80 | (c & 0x3f));
		b->len += 4;
	}
}

/* p is after `\u`; returns after it (both halves of a pair), NULL: bad. */
static const char *
unescape_u(struct kc_buf *b, const char *p, const char *end)
{
	unsigned c, low;

	if (end - p < 4 || hex4(p, &c) != 0)
		return NULL;
	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
	    p[1] == 'u' && hex4(p + 2, &low) == 0 && (low & ~0x3ffU) == 0xdc00) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	} else if (c >= 0xd800 && c < 0xe000) {
		c = 0xfffd; /* half a pair is no character */
	}
	put_utf8(b, c);
	return p;
}

int
kc_json_unescape(struct kc_buf *b, struct kc_span inner)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = inner.p, *end = inner.p + inner.n;

	while (p < end) {
		const char *q = memchr(p, '\\', (size_t)(end - p));
		if (q == NULL) {
			kc_buf_put(b, p, (size_t)(end - p));
			break;
		}
		kc_buf_put(b, p, (size_t)(q - p));
		if (end - q < 2)
			return -1;
		p = q + 2;
		if (q[1] == 'u') {
			if ((p = unescape_u(b, p, end)) == NULL)
				return -1;
			continue;
		}
		const char *f = q[1] == '\0' ? NULL : strchr(from, q[1]);
		if (f == NULL)
			return -1;
		kc_buf_putc(b, to[f - from]);
	}
	return 0;
}

char *
kc_json_strdup(struct kc_span v)
{
	struct kc_buf b = { 0 };

	if (!kc_json_is_str(v))
		return NULL;
	if (kc_json_unescape(&b, kc_json_inner(v)) != 0) {
		kc_buf_release(&b);
		return NULL;
	}
	return kc_buf_str(&b);
}

/* p is after the opening quote: escapes, control bytes and UTF-8 checked. */
static const char *
check_string(const char *p, const char *end)
{
	unsigned u;
	size_t k;

	while ((p += plain_run(p, (size_t)(end - p))) < end) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			if (end - p < 2 || p[1] == '\0' ||
			    strchr("\"\\/bfnrtu", p[1]) == NULL)
				return NULL;
			if (p[1] == 'u' && (end - p < 6 || hex4(p + 2, &u) != 0))
				return NULL;
			p += p[1] == 'u' ? 6 : 2;
			continue;
		}
		if ((unsigned char)*p < 0x20 ||
		    (k = kc_utf8_len(p, (size_t)(end - p))) == 0)
			return NULL;
		p += k;
	}
	return NULL;
}

/* A member's name and its colon; the value's start, or NULL. */
static const char *
check_name(const char *p, const char *end)
{
	if (p >= end || *p != '"' || (p = check_string(p + 1, end)) == NULL)
		return NULL;
	p = kc_json_ws(p, end);
	return p < end && *p == ':' ? kc_json_ws(p + 1, end) : NULL;
}

bool
kc_json_valid(struct kc_span v)
{
	const char *p = v.p, *end = p == NULL ? NULL : p + v.n;
	char stack[DEPTH_MAX];
	size_t depth = 0;

	p = kc_json_ws(p, end);
	for (;;) {
		/* p is where a value must begin */
		if (p >= end)
			return false;
		if (*p == '{' || *p == '[') {
			char close = *p == '{' ? '}' : ']';
			if (depth == DEPTH_MAX)
				return false;
			p = kc_json_ws(p + 1, end);
			if (p < end && *p == close) {
				p++;
			} else {
				stack[depth++] = close;
				if (close == '}' &&
				    (p = check_name(p, end)) == NULL)
					return false;
				continue;
			}
		} else {
			p = *p == '"' ? check_string(p + 1, end) :
					skip_scalar(p, end);
			if (p == NULL)
				return false;
		}
		for (;;) { /* after a value */
			p = kc_json_ws(p, end);
			if (depth == 0)
				return p == end;
			if (p >= end)
				return false;
			if (*p != stack[depth - 1])
				break;
			depth--;
			p++;
		}
		if (*p != ',')
			return false;
		p = kc_json_ws(p + 1, end);
		if (stack[depth - 1] == '}' && (p = check_name(p, end)) == NULL)
			return false;
	}
}

void
kc_json_compact(struct kc_buf *b, struct kc_span v)
{
	const char *p = v.p, *end = v.p + v.n;

	while (p < end) {
		const char *q = p;
		while (q < end && *q != ' ' && *q != '\t' && *q != '\n' &&
		    *q != '\r') {
			if (*q++ == '"' && (q = skip_string(q, end)) == NULL)
				q = end;
		}
		kc_buf_put(b, p, (size_t)(q - p));
		p = kc_json_ws(q, end);
	}
}

bool
kc_json_double(struct kc_span v, double *out)
{
	char text[128], *p = text;

	if (v.p == NULL || v.n == 0 || skip_number(v.p, v.p + v.n) != v.p + v.n)
		return false;
	if (v.n >= sizeof text)
		p = kc_xmalloc(v.n + 1);
	memcpy(p, v.p, v.n);
	p[v.n] = '\0';
	*out = strtod(p, NULL);
	if (p != text)
		free(p);
	return true;
}

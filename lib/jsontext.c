/*
 * Text as JSON strings, RFC 8259: what needs no escape is copied 16 bytes at a
 * time; what is not UTF-8 (RFC 3629) becomes U+FFFD.
 */
#include <stdint.h>

#include "json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t
kc_utf8_len(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t k;

	if (p[0] < 0xc2)
		return p[0] < 0x80;
	if (p[0] < 0xe0) {
		k = 2;
	} else if (p[0] < 0xf0) {
		k = 3;
		lo = p[0] == 0xe0 ? 0xa0 : 0x80;
		hi = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] < 0xf5) {
		k = 4;
		lo = p[0] == 0xf0 ? 0x90 : 0x80;
		hi = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (n < k || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < k; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return k;
}

/* Length of the run of ASCII at the start. */
static inline size_t
ascii_run(const char *p, size_t n)
{
	size_t i = 0;

	for (uint64_t w; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if ((w & 0x8080808080808080u) != 0)
			break;
	}
	while (i < n && (p[i] & 0x80) == 0)
		i++;
	return i;
}

size_t
kc_utf8_check(const char *text, size_t n)
{
	size_t i = 0, k;

	while ((i += ascii_run(text + i, n - i)) < n)
		for (; i < n && (text[i] & 0x80) != 0; i += k)
			if ((k = kc_utf8_len(text + i, n - i)) == 0)
				return i;
	return n;
}

/*
 * Copies the bytes of p that need no escape and are ASCII, up to the first that
 * does not; returns how many. Writes up to 16 bytes past them.
 */
static inline size_t
copy_plain(char *o, const char *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	const __m128i low = _mm_set1_epi8(0x20);

	for (; i + 16 <= n; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(p + i));
		/* signed: bytes from 0x80 are below 0x20 too */
		__m128i y = _mm_or_si128(_mm_cmplt_epi8(x, low),
		    _mm_or_si128(_mm_cmpeq_epi8(x, quote),
			_mm_cmpeq_epi8(x, back)));
		int m = _mm_movemask_epi8(y);
		_mm_storeu_si128((void *)(o + i), x);
		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
#endif
	for (; i < n && (signed char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\';
	     i++)
		o[i] = p[i];
	return i;
}

/* Writes what stands for a byte that must be escaped. */
static char *
escape(char *o, unsigned char c)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char names
	    [0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	char name = c < 0x20 ? names[c] : (char)c;

	*o++ = '\\';
	if (name != '\0') {
		*o++ = name;
		return o;
	}
	memcpy(o, "u00", 3);
	o[3] = hex[c >> 4];
	o[4] = hex[c & 15];
	return o + 5;
}

static inline char *
copy_character(char *o, const char **p, const char *end)
{
	size_t k = kc_utf8_len(*p, (size_t)(end - *p));

	if (k == 0) {
		memcpy(o, "\xef\xbf\xbd", 3);
		++*p;
		return o + 3;
	}
	for (size_t i = 0; i < k; i++)
		*o++ = *(*p)++;
	return o;
}

void
kc_json_esc(struct kc_buf *b, const void *text, size_t n)
{
	const char *p = text, *end = n == 0 ? p : p + n;

	while (p < end) {
		/* a byte becomes 6 at most; the last block may go beyond stop */
		const char *stop = end - p > 4096 ? p + 4096 : end;
		char *o = kc_buf_room(b, (size_t)(stop - p) * 6 + 32);
		while (p < stop) {
			size_t k = copy_plain(o, p, (size_t)(stop - p));
			p += k;
			o += k;
			while (p < stop && (*p & 0x80) != 0)
				o = copy_character(o, &p, end);
			if (p < stop &&
			    ((unsigned char)*p < 0x20 || *p == '"' || *p == '\\'))
				o = escape(o, (unsigned char)*p++);
		}
		b->len = (size_t)(o - b->p);
	}
}

void
kc_json_str(struct kc_buf *b, const void *text, size_t n)
{
	kc_buf_putc(b, '"');
	kc_json_esc(b, text, n);
	kc_buf_putc(b, '"');
}

/*
 * Connect's Decimal: unscaled big-endian two's complement against exact text.
 * Magnitudes are little-endian arrays of 32-bit words, or of 9-digit groups.
 */
#include <stdlib.h>
#include <string.h>

#include "num.h"

#define GROUP 1000000000u
#define SMALL 64 /* words on the stack: 600 digits */

/* Magnitude of n bytes into w (room for n/4+1 words); returns the words. */
static size_t
load(uint32_t *w, const unsigned char *be, size_t n, bool negative)
{
	size_t words = (n + 3) / 4;
	unsigned carry = negative;

	memset(w, 0, (words + 1) * sizeof(*w));
	for (size_t i = 0; i < n; i++) {
		unsigned byte = be[n - 1 - i];
		if (negative) {
			byte = (unsigned char)~byte + carry;
			carry = byte >> 8;
			byte &= 255;
		}
		w[i / 4] |= (uint32_t)byte << i % 4 * 8;
	}
	if (carry)
		w[n / 4] |= 1u << n % 4 * 8;
	words++;
	while (words > 0 && w[words - 1] == 0)
		words--;
	return words;
}

/* Digits of w (destroyed), least group first, into g; returns the groups. */
static size_t
groups(uint32_t *g, uint32_t *w, size_t words)
{
	size_t n = 0;

	while (words > 0) {
		uint64_t rem = 0;
		for (size_t i = words; i-- > 0;) {
			rem = rem << 32 | w[i];
			w[i] = (uint32_t)(rem / GROUP);
			rem %= GROUP;
		}
		g[n++] = (uint32_t)rem;
		while (words > 0 && w[words - 1] == 0)
			words--;
	}
	return n;
}

void
kc_decimal_text(struct kc_buf *out, const void *be, size_t n, int scale)
{
	uint32_t small[2 * SMALL], *w = small, *g;
	const unsigned char *s = be;
	bool negative = n > 0 && s[0] & 0x80;
	struct kc_buf d = { 0 };
	size_t words, ng;

	if (n / 4 + 2 > SMALL)
		w = kc_xmalloc((n / 4 + 2) * 3 * sizeof(*w));
	g = w + (n / 4 + 2 > SMALL ? n / 4 + 2 : SMALL / 2 + 16);
	words = load(w, s, n, negative);
	ng = groups(g, w, words);
	for (size_t i = ng; i-- > 0;)
		kc_buf_printf(&d, i + 1 == ng ? "%u" : "%09u", g[i]);
	if (ng == 0)
		kc_buf_putc(&d, '0');
	if (negative)
		kc_buf_putc(out, '-');
	if (scale <= 0) {
		kc_buf_put(out, d.p, d.len);
		for (int i = scale; i < 0 && ng > 0; i++)
			kc_buf_putc(out, '0');
	} else if (d.len > (size_t)scale) {
		kc_buf_put(out, d.p, d.len - (size_t)scale);
		kc_buf_putc(out, '.');
		kc_buf_put(out, d.p + d.len - scale, (size_t)scale);
	} else {
		kc_buf_lit(out, "0.");
		for (size_t i = d.len; i < (size_t)scale; i++)
			kc_buf_putc(out, '0');
		kc_buf_put(out, d.p, d.len);
	}
	kc_buf_release(&d);
	if (w != small)
		free(w);
}

/*
 * Splits -12.34E5 into its digits without the point, and its scale.
 * false: not a number.
 */
static bool
digits_of(struct kc_buf *d, struct kc_span t, bool *negative, int *scale)
{
	size_t i = 0;
	int64_t exp;
	bool point = false;

	*negative = t.n > 0 && t.p[0] == '-';
	i += t.n > 0 && (t.p[0] == '-' || t.p[0] == '+');
	*scale = 0;
	for (; i < t.n && t.p[i] != 'e' && t.p[i] != 'E'; i++) {
		if (t.p[i] == '.' && !point) {
			point = true;
		} else if (t.p[i] >= '0' && t.p[i] <= '9') {
			kc_buf_putc(d, t.p[i]);
			*scale += point;
		} else {
			return false;
		}
	}
	if (i < t.n) {
		i++;
		i += i < t.n && t.p[i] == '+';
		if (!kc_parse_i64((struct kc_span){ t.p + i, t.n - i }, &exp) ||
		    exp > 100000 || exp < -100000)
			return false;
		*scale -= (int)exp;
	}
	return d->len > 0;
}

/* Magnitude of decimal digits as words; returns them. */
static size_t
words_of(uint32_t *w, struct kc_span d)
{
	size_t n = 0;

	for (size_t i = 0; i < d.n; i++) {
		uint64_t carry = (uint64_t)(d.p[i] - '0');
		for (size_t j = 0; j < n; j++) {
			carry += (uint64_t)w[j] * 10;
			w[j] = (uint32_t)carry;
			carry >>= 32;
		}
		if (carry)
			w[n++] = (uint32_t)carry;
	}
	return n;
}

/* Shortest two's complement, as BigInteger.toByteArray. */
static void
store(struct kc_buf *out, const uint32_t *w, size_t words, bool negative)
{
	size_t n = words * 4, at = out->len, lead = 0;
	unsigned carry = negative;
	unsigned char *p, sign;

	p = (unsigned char *)kc_buf_room(out, n + 1);
	p[0] = 0;
	for (size_t i = 0; i < n; i++)
		p[n - i] = (unsigned char)(w[i / 4] >> i % 4 * 8);
	for (size_t i = n + 1; negative && i-- > 0;) {
		unsigned v = (unsigned char)~p[i] + carry;
		p[i] = (unsigned char)v;
		carry = v >> 8;
	}
	sign = p[0] & 0x80 ? 0xff : 0;
	while (lead < n && p[lead] == sign &&
	    (p[lead + 1] & 0x80) == (sign & 0x80))
		lead++;
	memmove(p, p + lead, n + 1 - lead);
	out->len = at + n + 1 - lead;
}

int
kc_decimal_bytes(struct kc_buf *out, struct kc_span text, int scale,
    struct kc_err *e)
{
	struct kc_buf d = { 0 };
	bool negative;
	uint32_t *w = NULL;
	int have, rc = -1;

	if (!digits_of(&d, text, &negative, &have)) {
		kc_fail(e, KC_DATA, "%.*s: not a decimal number",
		    (int)(text.n > 80 ? 80 : text.n), text.p ? text.p : "");
		goto out;
	}
	for (; have < scale; have++)
		kc_buf_putc(&d, '0');
	for (; have > scale && d.len > 1 && d.p[d.len - 1] == '0'; have--)
		d.len--;
	if (have > scale && !(d.len == 1 && d.p[0] == '0')) {
		kc_fail(e, KC_DATA, "%.*s: more than the schema's %d decimals",
		    (int)(text.n > 80 ? 80 : text.n), text.p, scale);
		goto out;
	}
	w = kc_xcalloc(d.len / 9 + 2, sizeof(*w));
	store(out, w, words_of(w, KC_BUF_SPAN(&d)), negative);
	rc = 0;
out:
	free(w);
	kc_buf_release(&d);
	return rc;
}

/*
 * Values as JSON, in Debezium's default rendering. The same functions serve
 * the log's bytes and the snapshot's text, so that both say the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "kc-binlog.h"

/* ---- numbers ---- */

void
put_int(struct kc_buf *b, const struct column *c, int64_t v)
{
	(void)c;
	kc_buf_i64(b, v);
}

/* Bits are little-endian bytes, as many as the column needs. */
void
put_bit(struct kc_buf *b, const struct column *c, const void *be, size_t n)
{
	const unsigned char *p = be;
	unsigned char le[8] = { 0 };

	for (size_t i = 0; i < n && i < sizeof le; i++)
		le[i] = p[n - 1 - i];
	if (c->kind == K_BOOL) {
		kc_buf_puts(b, le[0] != 0 ? "true" : "false");
		return;
	}
	kc_buf_putc(b, '"');
	n = (size_t)(c->size + 7) / 8;
	kc_buf_b64(b, le, n < sizeof le ? n : sizeof le);
	kc_buf_putc(b, '"');
}

void
put_float(struct kc_buf *b, const struct column *c, float v)
{
	char *p = kc_buf_room(b, 32);

	b->len += (size_t)((c->kind == K_FLOAT ? kc_put_float(p, v) :
						 kc_put_double(p, (double)v)) -
	    p);
}

void
put_double(struct kc_buf *b, const struct column *c, double v)
{
	(void)c;
	kc_buf_double(b, v);
}

void
put_decimal(struct kc_buf *b, struct kc_span text)
{
	kc_buf_putc(b, '"');
	kc_buf_span(b, text);
	kc_buf_putc(b, '"');
}

/* ---- text and bytes ---- */

/* What iconv(3) calls the server's character sets that are not UTF-8. */
static const char *const charsets[][2] = {
	{ "latin1", "CP1252" },
	{ "latin2", "ISO-8859-2" },
	{ "latin5", "ISO-8859-9" },
	{ "latin7", "ISO-8859-13" },
	{ "greek", "ISO-8859-7" },
	{ "hebrew", "ISO-8859-8" },
	{ "ucs2", "UTF-16BE" },
	{ "utf16", "UTF-16BE" },
	{ "utf16le", "UTF-16LE" },
	{ "utf32", "UTF-32BE" },
	{ "cp850", "CP850" },
	{ "cp852", "CP852" },
	{ "cp866", "CP866" },
	{ "cp932", "CP932" },
	{ "cp1250", "CP1250" },
	{ "cp1251", "CP1251" },
	{ "cp1256", "CP1256" },
	{ "cp1257", "CP1257" },
	{ "koi8r", "KOI8-R" },
	{ "koi8u", "KOI8-U" },
	{ "big5", "BIG5" },
	{ "gbk", "GBK" },
	{ "gb2312", "EUC-CN" },
	{ "gb18030", "GB18030" },
	{ "sjis", "SHIFT_JIS" },
	{ "ujis", "EUC-JP" },
	{ "eucjpms", "EUC-JP-MS" },
	{ "euckr", "EUC-KR" },
	{ "tis620", "TIS-620" },
	{ "armscii8", "ARMSCII-8" },
	{ "macroman", "MACINTOSH" },
	{ "macce", "MAC-CENTRALEUROPE" },
	{ "geostd8", "GEORGIAN-PS" },
	{ "dec8", "DEC-MCS" },
	{ "hp8", "HP-ROMAN8" },
};

static const char *
iconv_name(const char *charset)
{
	for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++)
		if (strcmp(charsets[i][0], charset) == 0)
			return charsets[i][1];
	return NULL; /* utf8mb4, utf8mb3, ascii, or unknown */
}

void
value_release(struct column *c)
{
	if (c->conv != (iconv_t)0 && c->conv != (iconv_t)-1)
		iconv_close(c->conv);
	c->conv = (iconv_t)0;
}

/* A byte that is no character becomes U+FFFD. */
static void
to_utf8(struct kc_buf *text, iconv_t conv, const void *p, size_t n)
{
	char *in = (char *)(uintptr_t)p, *out;
	size_t room;

	while (n > 0) {
		out = kc_buf_room(text, 4 * n + 16);
		room = text->cap - text->len;
		size_t r = iconv(conv, &in, &n, &out, &room);
		text->len = (size_t)(out - text->p);
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		kc_buf_lit(text, "\xef\xbf\xbd");
		in++;
		n--;
		iconv(conv, NULL, NULL, NULL, NULL);
	}
}

static iconv_t
from_charset(const char *charset)
{
	const char *name = charset == NULL ? NULL : iconv_name(charset);

	return name == NULL ? (iconv_t)-1 : iconv_open("UTF-8", name);
}

void
charset_text(struct kc_buf *out, const char *charset, const void *p, size_t n)
{
	iconv_t conv = from_charset(charset);

	if (conv == (iconv_t)-1) {
		kc_buf_put(out, p, n);
		return;
	}
	to_utf8(out, conv, p, n);
	iconv_close(conv);
}

void
put_text(struct kc_buf *b, struct column *c, const void *p, size_t n)
{
	static struct kc_buf text;

	if (c->conv == (iconv_t)0)
		c->conv = from_charset(c->charset);
	if (c->conv == (iconv_t)-1) {
		kc_json_str(b, p, n);
		return;
	}
	kc_buf_reset(&text);
	to_utf8(&text, c->conv, p, n);
	kc_json_str(b, text.p, text.len);
}

void
put_bytes(struct kc_buf *b, const struct column *c, const void *p, size_t n)
{
	unsigned char whole[256] = { 0 };

	kc_buf_putc(b, '"');
	if (c->kind == K_BINARY && n < (size_t)c->size &&
	    (size_t)c->size <= sizeof whole) {
		memcpy(whole, p, n);
		p = whole;
		n = (size_t)c->size;
	}
	kc_buf_b64(b, p, n);
	kc_buf_putc(b, '"');
}

void
put_enum(struct kc_buf *b, const struct column *c, unsigned index)
{
	kc_buf_putc(b, '"');
	if (index > 0 && index <= c->nlabels)
		kc_buf_span(b, KC_BUF_SPAN(&c->label_json[index - 1]));
	else if (c->nlabels == 0) /* a log that does not name them */
		kc_buf_u64(b, index);
	kc_buf_putc(b, '"');
}

void
put_set(struct kc_buf *b, const struct column *c, uint64_t mask)
{
	bool first = true;

	kc_buf_putc(b, '"');
	if (c->nlabels == 0)
		kc_buf_u64(b, mask);
	for (size_t i = 0; i < c->nlabels && i < 64; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		if (!first)
			kc_buf_putc(b, ',');
		first = false;
		kc_buf_span(b, KC_BUF_SPAN(&c->label_json[i]));
	}
	kc_buf_putc(b, '"');
}

/* ---- dates and times ---- */

static bool
is_date(int y, int m, int d)
{
	static const char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	if (m < 1 || m > 12 || d < 1 || d > days[m - 1])
		return false;
	return m != 2 || d < 29 || (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* Years of two digits are of our time, as in enable.time.adjuster. */
static int
adjust(int y)
{
	return y >= 100 ? y : y < 70 ? y + 2000 : y + 1900;
}

void
put_date(struct kc_buf *b, const struct column *c, int y, int m, int d)
{
	if (is_date(y, m, d))
		kc_buf_i64(b, kc_days_from_civil(adjust(y), m, d));
	else
		kc_buf_puts(b, c->zero);
}

void
put_datetime(struct kc_buf *b, const struct column *c, int y, int m, int d,
    int64_t us)
{
	int64_t day;

	if (!is_date(y, m, d)) {
		kc_buf_puts(b, c->zero);
		return;
	}
	day = kc_days_from_civil(adjust(y), m, d);
	kc_buf_i64(b,
	    c->fsp <= 3 ? day * 86400000 + us / 1000 :
			  day * INT64_C(86400000000) + us);
}

static char *
put_2(char *p, int v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

void
put_timestamp(struct kc_buf *b, const struct column *c, int64_t sec, int us)
{
	char *p = kc_buf_room(b, 48), *at = p;
	int64_t day = sec / 86400, y;
	int m, d, s = (int)(sec % 86400);

	if (s < 0) {
		s += 86400;
		day--;
	}
	kc_civil_from_days(day, &y, &m, &d);
	*at++ = '"';
	at = put_2(put_2(at, (int)(y / 100)), (int)(y % 100));
	*at++ = '-';
	at = put_2(at, m);
	*at++ = '-';
	at = put_2(at, d);
	*at++ = 'T';
	at = put_2(at, s / 3600);
	*at++ = ':';
	at = put_2(at, s / 60 % 60);
	*at++ = ':';
	at = put_2(at, s % 60);
	if (c->fsp > 0) {
		*at++ = '.';
		for (int i = 0, div = 100000; i < c->fsp; i++, div /= 10)
			*at++ = (char)('0' + us / div % 10);
	}
	*at++ = 'Z';
	*at++ = '"';
	b->len += (size_t)(at - p);
}

void
put_time(struct kc_buf *b, const struct column *c, int64_t us)
{
	(void)c;
	kc_buf_i64(b, us);
}

void
put_year(struct kc_buf *b, const struct column *c, int y)
{
	(void)c;
	kc_buf_i64(b, y);
}

/* ---- structs ---- */

void
put_geometry(struct kc_buf *b, const struct column *c, const void *p, size_t n)
{
	const unsigned char *u = p;
	uint32_t srid;
	double x, y;

	if (n < 9 || (c->kind == K_POINT && n < 25)) {
		kc_buf_lit(b, "null");
		return;
	}
	srid = (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
	    (uint32_t)u[3] << 24;
	if (c->kind == K_POINT) {
		memcpy(&x, u + 9, 8);
		memcpy(&y, u + 17, 8);
		kc_buf_lit(b, "{\"x\":");
		kc_buf_double(b, x);
		kc_buf_lit(b, ",\"y\":");
		kc_buf_double(b, y);
		kc_buf_lit(b, ",\"wkb\":\"");
	} else {
		kc_buf_lit(b, "{\"wkb\":\"");
	}
	kc_buf_b64(b, u + 4, n - 4);
	kc_buf_lit(b, "\",\"srid\":");
	if (srid == 0)
		kc_buf_lit(b, "null");
	else
		kc_buf_u64(b, srid);
	kc_buf_putc(b, '}');
}

void
put_uuid(struct kc_buf *b, const void *p16)
{
	const unsigned char *u = p16;
	static const int parts[] = { 4, 2, 2, 2, 6 };
	char *p = kc_buf_room(b, 40), *at = p;

	*at++ = '"';
	for (int i = 0; i < 5; i++) {
		if (i > 0)
			*at++ = '-';
		at = kc_put_hex(at, u, (size_t)parts[i]);
		u += parts[i];
	}
	*at++ = '"';
	b->len += (size_t)(at - p);
}

void
put_vector(struct kc_buf *b, const void *p, size_t n)
{
	const unsigned char *u = p;
	float v;

	kc_buf_putc(b, '[');
	for (size_t i = 0; i + 4 <= n; i += 4) {
		if (i > 0)
			kc_buf_putc(b, ',');
		memcpy(&v, u + i, 4);
		b->len += (size_t)(kc_put_float(kc_buf_room(b, 32), v) -
		    (b->p + b->len));
	}
	kc_buf_putc(b, ']');
}

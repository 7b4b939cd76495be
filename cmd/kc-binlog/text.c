/* Values of the text protocol: what a SELECT sends, as JSON. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "kc-binlog.h"

void
put_inet(struct kc_buf *b, const void *p, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof text) == NULL)
		kc_buf_lit(b, "null");
	else
		kc_json_str(b, text, strlen(text));
}

/* The n digits at p, or -1. */
static int
digits(const char *p, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* Microseconds of the fraction .d{1,6} that ends a text; 0 for none. */
static int
fraction(const char *p, const char *end)
{
	int us = 0, scale = 100000;

	if (p == end || *p != '.')
		return 0;
	for (p++; p < end && *p >= '0' && *p <= '9'; p++, scale /= 10)
		us += (*p - '0') * scale;
	return us;
}

/* [-]hh:mm:ss[.f], hours up to 838: µs. */
static int
parse_time(struct kc_span v, int64_t *us)
{
	const char *p = v.p, *end = v.p + v.n;
	bool minus = p < end && *p == '-';
	int64_t h = 0;
	int m, s;

	for (p += minus; p < end && *p >= '0' && *p <= '9'; p++)
		h = h * 10 + (*p - '0');
	if (end - p < 6 || p[0] != ':' || p[3] != ':' ||
	    (m = digits(p + 1, 2)) < 0 || (s = digits(p + 4, 2)) < 0)
		return -1;
	*us = ((h * 60 + m) * 60 + s) * 1000000 + fraction(p + 6, end);
	if (minus)
		*us = -*us;
	return 0;
}

static int
put_sql_date(struct kc_buf *b, const struct column *c, struct kc_span v)
{
	int y, m, d;
	int64_t us = 0;

	if (v.n < 10 || (y = digits(v.p, 4)) < 0 ||
	    (m = digits(v.p + 5, 2)) < 0 || (d = digits(v.p + 8, 2)) < 0)
		return -1;
	if (c->kind == K_DATE) {
		put_date(b, c, y, m, d);
		return 0;
	}
	if (v.n > 11 &&
	    parse_time((struct kc_span){ v.p + 11, v.n - 11 }, &us) != 0)
		return -1;
	if (c->kind == K_DATETIME)
		put_datetime(b, c, y, m, d, us);
	else if (m == 0 || d == 0)
		put_timestamp(b, c, 0, 0);
	else
		put_timestamp(b, c,
		    kc_days_from_civil(y, m, d) * 86400 + us / 1000000,
		    (int)(us % 1000000));
	return 0;
}

static int
put_sql_int(struct kc_buf *b, const struct column *c, struct kc_span v)
{
	uint64_t u;
	int64_t i;

	if (!c->is_unsigned) {
		kc_buf_span(b, v);
		return 0;
	}
	if (!kc_parse_u64(v, &u)) { /* zeros in front */
		while (v.n > 1 && *v.p == '0')
			v.p++, v.n--;
		if (!kc_parse_u64(v, &u))
			return kc_parse_i64(v, &i) ? (put_int(b, c, i), 0) : -1;
	}
	put_int(b, c, (int64_t)u);
	return 0;
}

static void
put_sql_decimal(struct kc_buf *b, struct kc_span v)
{
	while (v.n > 1 && v.p[0] == '0' && v.p[1] != '.')
		v.p++, v.n--;
	put_decimal(b, v);
}

/* Its text is followed by a NUL, or by the next column's length. */
static double
number(struct kc_span v)
{
	char text[400];
	size_t n = v.n < sizeof text ? v.n : sizeof text - 1;

	memcpy(text, v.p, n);
	text[n] = '\0';
	return strtod(text, NULL);
}

/* MySQL writes a blank after , and :, the log's text has none. */
static void
put_sql_json(struct kc_buf *b, struct kc_span v)
{
	const char *p = v.p, *end = v.p + v.n, *from = p;
	bool quoted = false;

	kc_buf_putc(b, '"');
	for (; p < end; p++) {
		if (quoted && *p == '\\' && p + 1 < end) {
			p++;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (*p == ' ' && !quoted) {
			kc_json_esc(b, from, (size_t)(p - from));
			from = p + 1;
		}
	}
	kc_json_esc(b, from, (size_t)(end - from));
	kc_buf_putc(b, '"');
}

static int
put_sql_year(struct kc_buf *b, const struct column *c, struct kc_span v)
{
	int64_t i;

	if (!kc_parse_i64(v, &i) && (v.n != 4 || (i = digits(v.p, 4)) < 0))
		return -1;
	put_year(b, c, (int)i);
	return 0;
}

int
put_sql(struct kc_buf *b, const struct column *c, struct kc_span v)
{
	int64_t i;

	if (v.p == NULL) {
		kc_buf_lit(b, "null");
		return 0;
	}
	switch (c->kind) {
	case K_INT:
		return put_sql_int(b, c, v);
	case K_TEXT:
	case K_ENUM:
	case K_SET:
	case K_UUID:
	case K_INET4:
	case K_INET6:
		kc_json_str(b, v.p, v.n);
		return 0;
	case K_DATE:
	case K_DATETIME:
	case K_TIMESTAMP:
		return put_sql_date(b, c, v);
	case K_TIME:
		if (parse_time(v, &i) != 0)
			return -1;
		put_time(b, c, i);
		return 0;
	case K_YEAR:
		return put_sql_year(b, c, v);
	case K_DECIMAL:
		put_sql_decimal(b, v);
		return 0;
	case K_FLOAT:
	case K_FLOAT64:
		put_float(b, c, (float)number(v));
		return 0;
	case K_DOUBLE:
		put_double(b, c, number(v));
		return 0;
	case K_BOOL:
	case K_BITS:
		put_bit(b, c, v.p, v.n);
		return 0;
	case K_BINARY:
	case K_BLOB:
		put_bytes(b, c, v.p, v.n);
		return 0;
	case K_JSON:
		put_sql_json(b, v);
		return 0;
	case K_POINT:
	case K_GEOMETRY:
		put_geometry(b, c, v.p, v.n);
		return 0;
	case K_VECTOR:
		put_vector(b, v.p, v.n);
		return 0;
	case K_NONE:
		break;
	}
	return -1;
}

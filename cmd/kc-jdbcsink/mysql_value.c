/* Values in statements of MySQL. */
#include "mysql_value.h"

#include "num.h"

/* Letters after a backslash, as the server reads them. */
static const char letters[256] = {
	[0] = '0', ['\n'] = 'n', ['\r'] = 'r', ['\\'] = '\\', ['\''] = '\'', [26] = 'Z'
};

void
my_literal(struct db *db, struct kc_buf *b, struct kc_span s)
{
	(void)db;
	char *to = kc_buf_room(b, 2 * s.n + 2);
	const char *p = s.p, *end = s.p + s.n;

	*to++ = '\'';
	while (p < end) {
		char l = letters[(unsigned char)*p];
		/* [0] = '0' is the only letter of a byte that is 0 */
		if (l != 0) {
			*to++ = '\\';
			*to++ = l;
			p++;
		} else {
			*to++ = *p++;
		}
	}
	*to++ = '\'';
	b->len = (size_t)(to - b->p);
}

static bool
all_digits(struct kc_span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return v.n > 0;
}

void
my_put_value(struct db *db, struct kc_buf *b, const struct column *c,
    struct kc_span v)
{
	if (v.p == NULL) {
		kc_buf_lit(b, "NULL");
	} else if (c->cls == CLS_BYTES || c->cls == CLS_GEOMETRY) {
		char *to = kc_buf_room(b, 2 * v.n + 3);
		*to++ = 'x';
		*to++ = '\'';
		to = kc_put_hex(to, v.p, v.n);
		*to++ = '\'';
		b->len = (size_t)(to - b->p);
	} else if (c->cls == CLS_BITS && all_digits(v)) {
		kc_buf_span(b, v); /* in quotes it would be bytes */
	} else {
		my_literal(db, b, v);
	}
}

/* SQL that the dialects share. */
#include "jdbc.h"
#include "json.h"
#include "num.h"

void
sql_columns(const struct dialect *d, struct kc_buf *b, const struct shape *s,
    const char *prefix)
{
	for (size_t i = 0; i < s->n; i++) {
		kc_buf_puts(b, i == 0 ? "" : ", ");
		kc_buf_puts(b, prefix);
		put_name(d, b, s->t->cols[s->cols[i]].name);
	}
}

void
sql_conflict(const struct dialect *d, struct kc_buf *b, const struct shape *s)
{
	kc_buf_lit(b, " ON CONFLICT (");
	for (size_t i = 0; i < s->nkeys; i++) {
		kc_buf_puts(b, i == 0 ? "" : ", ");
		put_name(d, b, s->t->cols[s->cols[i]].name);
	}
	kc_buf_puts(b, s->n == s->nkeys ? ") DO NOTHING" : ") DO UPDATE SET ");
	for (size_t i = s->nkeys; i < s->n; i++) {
		kc_buf_puts(b, i == s->nkeys ? "" : ", ");
		put_name(d, b, s->t->cols[s->cols[i]].name);
		kc_buf_lit(b, " = EXCLUDED.");
		put_name(d, b, s->t->cols[s->cols[i]].name);
	}
}

void
sql_keys_equal(const struct dialect *d, struct kc_buf *b, const struct shape *s,
    const char *left, const char *right)
{
	for (size_t i = 0; i < s->nkeys; i++) {
		const char *name = s->t->cols[s->cols[i]].name;
		kc_buf_puts(b, i == 0 ? "" : " AND ");
		kc_buf_puts(b, left);
		put_name(d, b, name);
		kc_buf_lit(b, " = ");
		kc_buf_puts(b, right);
		put_name(d, b, name);
	}
}

static void
put_arg(const struct db *db, struct kc_buf *b, size_t i)
{
	kc_buf_printf(b, "%c%zu", db->d == &dialect_pg ? '$' : '?', i + 1);
}

static void
put_where(const struct db *db, struct kc_buf *b, const struct shape *s)
{
	for (size_t i = 0; i < s->nkeys; i++) {
		kc_buf_puts(b, i == 0 ? " WHERE " : " AND ");
		put_name(db->d, b, s->t->cols[s->cols[i]].name);
		kc_buf_lit(b, " = ");
		put_arg(db, b, i);
	}
}

static void
put_insert(const struct db *db, struct kc_buf *b, const struct shape *s)
{
	kc_buf_printf(b, "INSERT INTO %s (", s->t->quoted);
	sql_columns(db->d, b, s, "");
	kc_buf_lit(b, ") VALUES (");
	for (size_t i = 0; i < s->n; i++) {
		kc_buf_puts(b, i == 0 ? "" : ", ");
		put_arg(db, b, i);
	}
	kc_buf_lit(b, ")");
}

void
sql_statement(struct db *db, struct kc_buf *b, const struct shape *s, enum stmt st)
{
	bool update = s->partial || db->o->insert == MODE_UPDATE;

	if (st == ST_DELETE) {
		kc_buf_printf(b, "DELETE FROM %s", s->t->quoted);
		put_where(db, b, s);
	} else if (st == ST_INSERT || db->o->insert == MODE_INSERT ||
	    s->nkeys == 0) {
		put_insert(db, b, s);
	} else if (update && s->n > s->nkeys) {
		kc_buf_printf(b, "UPDATE %s SET ", s->t->quoted);
		for (size_t i = s->nkeys; i < s->n; i++) {
			kc_buf_puts(b, i == s->nkeys ? "" : ", ");
			put_name(db->d, b, s->t->cols[s->cols[i]].name);
			kc_buf_lit(b, " = ");
			put_arg(db, b, i);
		}
		put_where(db, b, s);
	} else {
		put_insert(db, b, s);
		sql_conflict(db->d, b, s);
	}
}

/* `{"id":"6","name":"x"}`, long values cut. */
void
sql_shown(struct kc_buf *b, const struct work *w, const struct row *r,
    const struct shape *s)
{
	const char *p = w->data.p + r->at;

	kc_buf_putc(b, '{');
	for (size_t i = 0; i < s->n && b->len < 800; i++) {
		struct kc_span v = row_value(&p);
		kc_buf_puts(b, i == 0 ? "" : ",");
		kc_buf_puts(b, s->t->cols[s->cols[i]].name);
		kc_buf_putc(b, ':');
		if (v.p == NULL)
			kc_buf_lit(b, "null");
		else
			kc_json_str(b, v.p, v.n < 100 ? v.n : 100);
		if (v.p != NULL && v.n > 100)
			kc_buf_printf(b, "…(%zu bytes)", v.n);
	}
	kc_buf_putc(b, '}');
}

#define ONES 0x0101010101010101ULL
#define HIGH 0x8080808080808080ULL

/* Any byte of w below 0x20 or a backslash. */
static inline bool
special(uint64_t w)
{
	uint64_t x = w ^ (ONES * '\\');

	return ((((w - ONES * 0x20) & ~w) | ((x - ONES) & ~x)) & HIGH) != 0;
}

static char *
escape(char *to, const char *p, size_t n)
{
	static const char
	    letter[256] = { ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['\\'] = '\\' };
	uint64_t w;

	while (n > 0) {
		if (n >= 8) {
			memcpy(&w, p, 8);
			if (!special(w)) {
				memcpy(to, &w, 8);
				to += 8;
				p += 8;
				n -= 8;
				continue;
			}
		}
		for (size_t i = n < 8 ? n : 8; i > 0; i--, p++, n--) {
			char l = letter[(unsigned char)*p];
			if (l != 0)
				*to++ = '\\';
			*to++ = l != 0 ? l : *p;
		}
	}
	return to;
}

void
sql_text_row(struct kc_buf *b, const struct shape *s, const char *p, size_t len,
    const char *hex)
{
	size_t nhex = strlen(hex);
	char *to = kc_buf_room(b, 2 * len + (nhex + 4) * s->n + 8);

	for (size_t i = 0; i < s->n; i++) {
		struct kc_span v = row_value(&p);
		enum cls cls = s->t->cols[s->cols[i]].cls;
		if (i > 0)
			*to++ = '\t';
		if (v.p == NULL) {
			*to++ = '\\';
			*to++ = 'N';
		} else if (cls == CLS_BYTES || cls == CLS_GEOMETRY) {
			memcpy(to, hex, nhex);
			to = kc_put_hex(to + nhex, v.p, v.n);
		} else {
			to = escape(to, v.p, v.n);
		}
	}
	*to++ = '\n';
	b->len = (size_t)(to - b->p);
}

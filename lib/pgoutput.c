/* See pgoutput.h. Integers are big-endian, strings end in a zero byte. */
#include "pgoutput.h"

/* Microseconds from 1970 to 2000, where PostgreSQL's time begins. */
#define PG_EPOCH_US UINT64_C(946684800000000)

struct reader {
	const uint8_t *p, *end;
	bool cut;
};

static uint64_t
num(struct reader *r, size_t n)
{
	uint64_t v = 0;

	if (r->cut || (size_t)(r->end - r->p) < n) {
		r->cut = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v = v << 8 | *r->p++;
	return v;
}

static struct kc_span
bytes_of(struct reader *r, size_t n)
{
	const char *p = (const char *)r->p;

	if (r->cut || (size_t)(r->end - r->p) < n) {
		r->cut = true;
		return (struct kc_span){ "", 0 };
	}
	r->p += n;
	return (struct kc_span){ p, n };
}

static struct kc_span
string(struct reader *r)
{
	const uint8_t *z = r->cut ? NULL :
				    memchr(r->p, 0, (size_t)(r->end - r->p));

	if (z == NULL) {
		r->cut = true;
		return (struct kc_span){ "", 0 };
	}
	struct kc_span s = { (const char *)r->p, (size_t)(z - r->p) };
	r->p = z + 1;
	return s;
}

/* count 2, each: kind 1, for t: length 4 and text. */
static void
tuple(struct reader *r, struct kc_pg_tuple *t)
{
	t->n = (size_t)num(r, 2);
	if (t->n > KC_PG_MAX_COLUMNS)
		r->cut = true;
	for (size_t i = 0; i < t->n && !r->cut; i++) {
		t->v[i].kind = (char)num(r, 1);
		t->v[i].text = (struct kc_span){ NULL, 0 };
		if (t->v[i].kind == 't')
			t->v[i].text = bytes_of(r, (size_t)num(r, 4));
		else if (t->v[i].kind != 'n' && t->v[i].kind != 'u')
			r->cut = true;
	}
}

static void
relation(struct reader *r, struct kc_pg_msg *m)
{
	m->rel = (uint32_t)num(r, 4);
	m->schema = string(r);
	m->table = string(r);
	m->identity = (char)num(r, 1);
	m->ncols = (size_t)num(r, 2);
	if (m->ncols > KC_PG_MAX_COLUMNS)
		r->cut = true;
	for (size_t i = 0; i < m->ncols && !r->cut; i++) {
		m->cols[i].key = (num(r, 1) & 1) != 0;
		m->cols[i].name = string(r);
		m->cols[i].type = (uint32_t)num(r, 4);
		m->cols[i].typmod = (int32_t)num(r, 4);
	}
}

static void
change(struct reader *r, struct kc_pg_msg *m)
{
	m->rel = (uint32_t)num(r, 4);
	m->old.n = m->new.n = 0;
	m->old_kind = 0;
	char kind = (char)num(r, 1);
	if (kind == 'K' || kind == 'O') {
		m->old_kind = kind;
		tuple(r, &m->old);
		if (m->type == 'D')
			return;
		kind = (char)num(r, 1);
	}
	if (kind != 'N')
		r->cut = true;
	tuple(r, &m->new);
}

int
kc_pgoutput(struct kc_pg_msg *m, struct kc_span bytes, struct kc_err *e)
{
	struct reader r = { (const uint8_t *)bytes.p,
		(const uint8_t *)bytes.p + bytes.n, false };

	m->type = (char)num(&r, 1);
	switch (m->type) {
	case 'B':
		m->lsn = num(&r, 8);
		m->ts_us = (int64_t)(num(&r, 8) + PG_EPOCH_US);
		m->xid = (uint32_t)num(&r, 4);
		break;
	case 'C':
		num(&r, 1);
		num(&r, 8);
		m->lsn = num(&r, 8);
		m->ts_us = (int64_t)(num(&r, 8) + PG_EPOCH_US);
		break;
	case 'R':
		relation(&r, m);
		break;
	case 'I':
	case 'U':
	case 'D':
		change(&r, m);
		break;
	case 'T':
		m->nrels = (uint32_t)num(&r, 4);
		num(&r, 1);
		m->rels = r.p;
		bytes_of(&r, (size_t)m->nrels * 4);
		break;
	case 'M':
		m->transactional = (num(&r, 1) & 1) != 0;
		m->lsn = num(&r, 8);
		m->prefix = string(&r);
		m->content = bytes_of(&r, (size_t)num(&r, 4));
		break;
	case 'O':
	case 'Y':
		m->type = 0;
		return 0;
	default:
		return kc_fail(e, KC_DATA,
		    "pgoutput: a message of type %d is not "
		    "known",
		    m->type);
	}
	return r.cut ? kc_fail(e, KC_DATA,
			   "pgoutput: a message of type %c is cut "
			   "short",
			   m->type) :
		       0;
}

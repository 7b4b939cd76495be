/* Records through their plans into rows. */
#include "json.h"
#include "plan.h"

/* Spans of an object's members by slot; false: not the members planned. */
static bool
collect(struct planner *p, const struct members *m, struct kc_span obj,
    bool exact, int *bad)
{
	struct kc_json_it it;
	struct kc_span k, x;
	size_t i = 0, seen = 0;
	int rc;

	if (obj.p == NULL || obj.p[0] != '{' || kc_json_open(&it, obj) != 0)
		return m->n == 0;
	while ((rc = kc_json_member(&it, &k, &x)) == 1) {
		size_t at = i;
		for (; at < m->n; at++)
			if (m->v[at].len == k.n &&
			    memcmp(m->v[at].name, k.p, k.n) == 0)
				break;
		if (at == m->n && !exact)
			for (at = 0; at < i; at++)
				if (m->v[at].len == k.n &&
				    memcmp(m->v[at].name, k.p, k.n) == 0)
					break;
		if (at == m->n || (exact && at != i)) {
			if (exact)
				return false;
			continue;
		}
		if (m->v[at].slot >= 0)
			p->vals[m->v[at].slot] = x;
		i = at + 1;
		seen++;
	}
	*bad |= rc < 0;
	return !exact || seen == m->n;
}

static bool
fits(struct planner *p, const struct plan *pl, const struct parts *a, int *bad)
{
	if (pl->deletes_only != (a->row.p == NULL) && a->row.p != NULL)
		return false;
	memset(p->vals, 0, pl->n * sizeof *p->vals);
	if (pl->whole_key >= 0)
		p->vals[pl->whole_key] = a->rec->key;
	else if (pl->key.n > 0 &&
	    !collect(p, &pl->key, a->rec->key, a->keys == NULL, bad))
		return false;
	if (a->row.p == NULL)
		return true;
	return collect(p, &pl->value, a->row, a->values == NULL, bad);
}

/* The plan for a record, its values in p->vals; 1, 0: nothing to do, -1. */
static int
plan_find(struct planner *p, const struct parts *a, struct plan **out,
    struct kc_err *e)
{
	struct kc_span name = { NULL, 0 };
	const struct kc_rec *r = a->rec;
	int bad = 0, rc;

	if (p->by_source) {
		if (plan_table_name(p, a, e) != 0)
			return -1;
		name = KC_BUF_SPAN(&p->name);
	}
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < p->n; i++) {
			struct plan *pl = p->plans[(p->last + i) % p->n];
			if (kc_span_eq(pl->topic, r->topic) &&
			    kc_span_eq(pl->vid, r->value_schema) &&
			    kc_span_eq(pl->kid, r->key_schema) &&
			    kc_span_eq(pl->name, name) && fits(p, pl, a, &bad)) {
				p->last = (p->last + i) % p->n;
				*out = pl;
				return bad ?
				    kc_fail(e, KC_DATA, "malformed JSON") :
				    1;
			}
		}
		if (turn == 0 && (rc = plan_make(p, a, e)) <= 0)
			return rc;
	}
	return kc_fail(e, KC_DATA, "an object names a member twice");
}

static int
kafka_values(struct planner *p, const struct kc_rec *r, struct kc_err *e)
{
	struct kc_span part, off;

	if (r->source.p == NULL || !kc_position_split(r->source, &part, &off) ||
	    (p->vals[1] = kc_json_get(part, "kafka_partition")).p == NULL ||
	    (p->vals[2] = kc_json_get(off, "kafka_offset")).p == NULL)
		return kc_fail(e, KC_DATA,
		    "pk.mode=kafka: the record does not come from "
		    "Kafka: its source has no kafka_partition and kafka_offset");
	p->vals[0] = kc_json_get(part, "kafka_topic");
	return 0;
}

static int
header_values(struct planner *p, const struct plan *pl, const struct kc_rec *r,
    struct kc_err *e)
{
	struct kc_json_it it, in;
	struct kc_span h, name, val;

	if (r->headers.p != NULL && kc_json_open(&it, r->headers) == 0)
		while (kc_json_item(&it, &h) == 1)
			if (kc_json_open(&in, h) == 0 &&
			    kc_json_item(&in, &name) == 1 &&
			    kc_json_is_str(name) && kc_json_item(&in, &val) == 1)
				for (size_t i = 0; i < pl->nkeys; i++)
					if (kc_span_is(kc_json_inner(name),
						pl->slots[i].name))
						p->vals[i] = val;
	for (size_t i = 0; i < pl->nkeys; i++)
		if (p->vals[i].p == NULL)
			return kc_fail(e, KC_DATA,
			    "pk.mode=record_header: the record has no "
			    "header %s",
			    pl->slots[i].name);
	return 0;
}

static int
put_value(struct work *w, const struct slot *s, struct kc_span v,
    struct kc_err *e)
{
	struct kc_buf *b = &w->data;
	uint32_t n = ROW_NULL;
	size_t at = b->len;

	kc_buf_put(b, &n, sizeof n);
	if (!kc_json_is_null(v)) {
		if (s->convert(s, v, b, e) != 0)
			return -1;
		if (b->len - at - sizeof n >= ROW_NULL)
			return kc_fail(e, KC_DATA,
			    "field %s: larger than 4 GiB", s->name);
		n = (uint32_t)(b->len - at - sizeof n);
		memcpy(b->p + at, &n, sizeof n);
	}
	kc_buf_putc(b, '\0');
	return 0;
}

static bool
is_unchanged(struct kc_span list, const char *name)
{
	struct kc_json_it it;
	struct kc_span x;

	if (kc_json_open(&it, list) != 0)
		return false;
	while (kc_json_item(&it, &x) == 1)
		if (kc_json_is_str(x) && kc_span_is(kc_json_inner(x), name))
			return true;
	return false;
}

static int
put_row(struct planner *p, struct work *w, const struct plan *pl, size_t n,
    const struct parts *a, uint32_t seq, struct kc_err *e)
{
	struct kc_span unchanged = a->rec->unchanged;
	struct shape *shape = n == pl->n ? pl->shape : pl->keyshape;
	bool partial = n > pl->nkeys && unchanged.p != NULL && unchanged.n > 2;
	size_t used = 0;

	row_begin(w);
	for (size_t i = 0; i < n; i++) {
		const struct slot *s = &pl->slots[i];
		if (partial && i >= pl->nkeys && is_unchanged(unchanged, s->name))
			continue;
		if (partial)
			p->cols[used++] = s->col;
		if (i < pl->nkeys && kc_json_is_null(p->vals[i]))
			return kc_fail(e, KC_DATA,
			    "table %s: column %s: is null, and it is "
			    "part of the primary key",
			    pl->t->shown, s->name);
		if (put_value(w, s, p->vals[i], e) != 0)
			return kc_fail_in(e,
			    "table %s: column %s: ", pl->t->shown,
			    pl->t->cols[s->col].name);
		if (i + 1 == pl->nkeys)
			w->row.keylen = (uint32_t)(w->data.len - w->row.at);
	}
	if (partial)
		shape = shape_get(pl->t, p->cols, used, pl->nkeys, used < n);
	row_end(w, shape, n == pl->nkeys && a->op == 'd' ? ROW_DELETE : ROW_PUT,
	    seq, p->o);
	return 0;
}

static int
truncate_row(struct planner *p, struct work *w, const struct parts *a,
    uint32_t seq, struct kc_err *e)
{
	struct table *t;

	if (plan_table_name(p, a, e) != 0)
		return -1;
	t = plan_table(p, kc_buf_str(&p->name));
	if (!t->exists) {
		p->idle(p->arg);
		if (run_connect(p->db, e) != 0 ||
		    p->db->d->describe(p->db, t, e) != 0)
			return -1;
		if (!t->exists)
			return 0;
	}
	row_begin(w);
	row_end(w, shape_get(t, NULL, 0, 0, false), ROW_TRUNCATE, seq, p->o);
	return 0;
}

static int
record(struct planner *p, struct work *w, const struct kc_rec *r, uint32_t seq,
    struct kc_err *e)
{
	struct parts a;
	struct plan *pl = NULL;
	int rc;

	if (take_apart(p, &a, r, e) != 0)
		return -1;
	if (a.op == 0 || (a.op == 'd' && !p->o->deletes) ||
	    (a.op == 't' && !p->o->truncates) ||
	    (a.op == 'd' && p->by_source && a.source.p == NULL))
		return 0; /* the last: a tombstone, after its delete */
	if (a.op == 't')
		return truncate_row(p, w, &a, seq, e);
	if ((rc = plan_find(p, &a, &pl, e)) <= 0)
		return rc;
	if (p->o->pk == PK_KAFKA && kafka_values(p, r, e) != 0)
		return -1;
	if (p->o->pk == PK_HEADER && header_values(p, pl, r, e) != 0)
		return -1;
	return put_row(p, w, pl, a.op == 'd' ? pl->nkeys : pl->n, &a, seq, e);
}

int
plan_record(struct planner *p, struct work *w, const struct kc_rec *r,
    uint32_t seq, struct kc_err *e)
{
	size_t at = w->data.len;

	if (record(p, w, r, seq, e) == 0)
		return 0;
	w->data.len = at;
	if (e->status != KC_DATA)
		return -1;
	return kc_fail_in(e, "record of topic %.*s, key %.*s: ",
	    (int)(r->topic.n < 200 ? r->topic.n : 200), r->topic.p,
	    r->key.p == NULL ? 4 : (int)(r->key.n < 150 ? r->key.n : 150),
	    r->key.p == NULL ? "none" : r->key.p);
}

/*
 * A batch as rows by table. Several records of one key collapse to the last;
 * where that would change the outcome (it has not all the columns of the one
 * before) a new phase begins, which is written after the one before.
 */
#include <stdlib.h>

#include "jdbc.h"

static uint64_t
hash(const char *p, size_t n)
{
	uint64_t h = n * 0x9e3779b97f4a7c15ULL, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, n);
	h = (h ^ w) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 29;
}

static struct phase *
phase_new(struct work *w, struct table *t)
{
	if (w->n == w->cap) {
		w->phases = kc_xrealloc(w->phases,
		    (w->cap + 8) * sizeof *w->phases);
		for (size_t i = 0; i < 8; i++)
			w->phases[w->cap++] = kc_xcalloc(1, sizeof **w->phases);
	}
	struct phase *p = w->phases[w->n++];
	p->t = t;
	p->n = p->ngroups = p->used = 0;
	if (p->nslots > 0)
		memset(p->slots, 0, p->nslots * sizeof *p->slots);
	t->open = p;
	return p;
}

static void
phase_release(struct phase *p)
{
	free(p->rows);
	free(p->groups);
	free(p->slots);
	free(p);
}

void
work_reset(struct work *w)
{
	w->data.len = w->lines.len = 0;
	w->n = w->npos = w->nlines = 0;
	w->strict = w->unknown = false;
	for (size_t i = 0; i < w->nrefused; i++)
		free(w->refused[i].why);
	w->nrefused = 0;
}

void
work_line(struct work *w, struct kc_span line)
{
	if (w->nlines + 1 >= w->linecap) {
		w->linecap = w->linecap * 2 + 256;
		w->line_at = kc_xrealloc(w->line_at,
		    w->linecap * sizeof *w->line_at);
	}
	w->line_at[w->nlines++] = w->lines.len;
	kc_buf_span(&w->lines, line);
	w->line_at[w->nlines] = w->lines.len;
}

void
work_position(struct work *w, struct kc_span partition, struct kc_span offset)
{
	if (w->npos == w->poscap) {
		size_t n = w->poscap + 8;
		w->partition = kc_xrealloc(w->partition,
		    n * sizeof *w->partition);
		w->offset = kc_xrealloc(w->offset, n * sizeof *w->offset);
		memset(w->partition + w->poscap, 0, 8 * sizeof *w->partition);
		memset(w->offset + w->poscap, 0, 8 * sizeof *w->offset);
		w->poscap = n;
	}
	w->partition[w->npos].len = w->offset[w->npos].len = 0;
	kc_buf_span(&w->partition[w->npos], partition);
	kc_buf_span(&w->offset[w->npos++], offset);
}

void
work_refuse(struct work *w, uint32_t seq)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->phases[i]->n; k++)
			if (w->phases[i]->rows[k].seq == seq)
				w->phases[i]->rows[k].bad = true;
}

void
work_release(struct work *w)
{
	for (size_t i = 0; i < w->cap; i++)
		phase_release(w->phases[i]);
	free(w->phases);
	for (size_t i = 0; i < w->poscap; i++) {
		kc_buf_release(&w->partition[i]);
		kc_buf_release(&w->offset[i]);
	}
	free(w->partition);
	free(w->offset);
	work_reset(w);
	free(w->refused);
	free(w->line_at);
	kc_buf_release(&w->lines);
	kc_buf_release(&w->data);
	memset(w, 0, sizeof *w);
}

/* The slot of a key: its row's index + 1, or 0 where it would go. */
static uint32_t *
find(struct phase *p, const struct work *w, const char *key, size_t n)
{
	size_t i = hash(key, n) & (p->nslots - 1);

	for (;; i = (i + 1) & (p->nslots - 1)) {
		if (p->slots[i] == 0)
			return &p->slots[i];
		struct row *r = &p->rows[p->slots[i] - 1];
		if (r->keylen == n && memcmp(w->data.p + r->at, key, n) == 0)
			return &p->slots[i];
	}
}

static void
grow_slots(struct phase *p, const struct work *w)
{
	uint32_t *old = p->slots;
	size_t n = p->nslots;

	p->nslots = n == 0 ? 64 : n * 4;
	p->slots = kc_xcalloc(p->nslots, sizeof *p->slots);
	for (size_t i = 0; i < n; i++)
		if (old[i] != 0) {
			struct row *r = &p->rows[old[i] - 1];
			*find(p, w, w->data.p + r->at, r->keylen) = old[i];
		}
	free(old);
}

static uint32_t
group_of(struct phase *p, struct shape *s, enum kind k)
{
	for (size_t i = p->ngroups; i-- > 0;)
		if (p->groups[i].shape == s && p->groups[i].kind == k)
			return (uint32_t)i;
	if (p->ngroups == p->gcap) {
		p->gcap = p->gcap * 2 + 4;
		p->groups = kc_xrealloc(p->groups, p->gcap * sizeof *p->groups);
	}
	p->groups[p->ngroups] = (struct group){ k, s, 0 };
	return (uint32_t)p->ngroups++;
}

static void
append(struct phase *p, struct row *r, struct shape *s, enum kind k)
{
	if (p->n == p->cap) {
		p->cap = p->cap * 2 + 64;
		p->rows = kc_xrealloc(p->rows, p->cap * sizeof *p->rows);
	}
	r->group = group_of(p, s, k);
	p->groups[r->group].live++;
	p->rows[p->n++] = *r;
}

/* True: r may go into p beside old, the row of the same key. */
static bool
replace(struct phase *p, struct row *old, struct shape *s, enum kind k,
    const struct opts *o)
{
	struct group *g = &p->groups[old->group];

	if (o->insert == MODE_INSERT || !o->collapse)
		return false;
	if (g->kind == ROW_DELETE && k == ROW_PUT)
		return true; /* both: deletes come first */
	if (k == ROW_PUT && !shape_covers(s, g->shape))
		return false;
	old->dead = true;
	g->live--;
	return true;
}

void
row_begin(struct work *w)
{
	w->row = (struct row){ .at = w->data.len };
}

void
row_end(struct work *w, struct shape *s, enum kind k, uint32_t seq,
    const struct opts *o)
{
	struct phase *p = s->t->open;
	struct row *r = &w->row;
	uint32_t *slot = NULL;

	r->seq = seq;
	r->len = (uint32_t)(w->data.len - r->at);
	if (p == NULL || k == ROW_TRUNCATE ||
	    (p->ngroups > 0 && p->groups[0].kind == ROW_TRUNCATE))
		p = phase_new(w, s->t);
	/* Inserts without deletes have no order to keep. */
	if (r->keylen == 0 || (o->insert == MODE_INSERT && !o->deletes)) {
		append(p, r, s, k);
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (p->used * 2 >= p->nslots)
			grow_slots(p, w);
		slot = find(p, w, w->data.p + r->at, r->keylen);
		if (*slot == 0 || replace(p, &p->rows[*slot - 1], s, k, o))
			break;
		p = phase_new(w, s->t);
	}
	if (*slot == 0)
		p->used++;
	append(p, r, s, k);
	*slot = (uint32_t)p->n;
}

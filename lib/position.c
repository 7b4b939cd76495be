/* Positions by source partition; see position.h. */
#include "position.h"

#include <stdlib.h>

#include "envelope.h"
#include "err.h"
#include "json.h"

static size_t
count_members(struct kc_span v)
{
	struct kc_json_it it;
	struct kc_span key, val;
	size_t n = 0;

	if (kc_json_open(&it, v) != 0 || v.p[0] != '{')
		return 0;
	while (kc_json_member(&it, &key, &val) == 1)
		n++;
	return n;
}

bool
kc_same_map(struct kc_span a, struct kc_span b)
{
	struct kc_json_it it, other;
	struct kc_span key, val, k, v;

	if (kc_span_eq(a, b))
		return true;
	if (kc_json_open(&it, a) != 0 || a.p[0] != '{' ||
	    count_members(a) != count_members(b))
		return false;
	while (kc_json_member(&it, &key, &val) == 1) {
		bool found = false;
		if (kc_json_open(&other, b) != 0)
			return false;
		while (!found && kc_json_member(&other, &k, &v) == 1)
			found = kc_span_eq(k, key) &&
			    (kc_span_eq(v, val) ||
				(v.p[0] == '{' && kc_same_map(v, val)));
		if (!found)
			return false;
	}
	return true;
}

static bool
has_prefix(const struct kc_position *p, struct kc_span position)
{
	return p->prefix.len > 0 && position.n > p->prefix.len &&
	    memcmp(position.p, p->prefix.p, p->prefix.len) == 0;
}

static struct kc_position *
add(struct kc_positions *t, struct kc_span partition)
{
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 4;
		t->v = kc_xrealloc(t->v, t->cap * sizeof *t->v);
	}
	struct kc_position *p = &t->v[t->n++];
	memset(p, 0, sizeof *p);
	kc_buf_span(&p->partition, partition);
	return p;
}

struct kc_position *
kc_positions_find(const struct kc_positions *t, struct kc_span partition)
{
	for (size_t i = 0; i < t->n; i++)
		if (kc_same_map(KC_BUF_SPAN(&t->v[i].partition), partition))
			return &t->v[i];
	return NULL;
}

/* The slow way in: the first of its partition, or written another way. */
static struct kc_position *
lookup(struct kc_positions *t, struct kc_span position)
{
	struct kc_span partition, offset;

	for (size_t i = 0; i < t->n; i++)
		if (has_prefix(&t->v[i], position)) {
			t->last = i;
			return &t->v[i];
		}
	if (!kc_position_split(position, &partition, &offset))
		return NULL;
	struct kc_position *p = kc_positions_find(t, partition);
	if (p == NULL)
		p = add(t, partition);
	t->last = (size_t)(p - t->v);
	p->prefix.len = 0;
	kc_buf_lit(&p->prefix, "{\"partition\":");
	kc_buf_span(&p->prefix, partition);
	kc_buf_putc(&p->prefix, ',');
	return p;
}

struct kc_position *
kc_positions_note(struct kc_positions *t, struct kc_span position)
{
	struct kc_position *p;

	if (position.p == NULL)
		return NULL;
	if (t->n > 0 && has_prefix(&t->v[t->last], position))
		p = &t->v[t->last];
	else if ((p = lookup(t, position)) == NULL)
		return NULL;
	p->raw = position;
	return p;
}

void
kc_positions_settle(struct kc_positions *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct kc_position *p = &t->v[i];
		struct kc_span partition, offset;
		if (p->raw.p == NULL)
			continue;
		if (kc_position_split(p->raw, &partition, &offset)) {
			kc_buf_reset(&p->offset);
			kc_buf_span(&p->offset, offset);
			p->dirty = true;
		}
		p->raw.p = NULL;
	}
}

void
kc_positions_set(struct kc_positions *t, struct kc_span partition,
    struct kc_span offset)
{
	struct kc_position *p = kc_positions_find(t, partition);

	if (p == NULL)
		p = add(t, partition);
	if (p->offset.len > 0 && kc_span_eq(KC_BUF_SPAN(&p->offset), offset))
		return;
	kc_buf_reset(&p->offset);
	kc_buf_span(&p->offset, offset);
	p->dirty = true;
}

void
kc_positions_release(struct kc_positions *t)
{
	for (size_t i = 0; i < t->n; i++) {
		kc_buf_release(&t->v[i].partition);
		kc_buf_release(&t->v[i].offset);
		kc_buf_release(&t->v[i].prefix);
	}
	free(t->v);
	memset(t, 0, sizeof *t);
}

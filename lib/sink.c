/* The loop every sink shares; see sink.h. */
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

#define RING 256   /* accepted batches whose positions wait */
#define POLL_MS 10 /* between looks at an asynchronous sink */
#define BACKOFF_MAX_MS 60000

struct waiting {
	uint64_t batch; /* durable once this many are */
	struct kc_positions pos;
};

struct loop {
	struct kc_ctx *ctx;
	struct kc_sink s;
	void *arg;
	struct kc_in in;
	struct kc_dead dead;
	uint64_t synced;
	/* the batch being gathered */
	char *arena;
	size_t used, cap;
	struct kc_rec *recs;
	size_t n, recs_cap;
	int64_t since_us;	  /* when its first line came */
	struct kc_positions now;  /* after everything gathered */
	struct kc_positions part; /* within the batch being delivered */
	bool moved;		  /* now has positions the sink has not seen */
	/* what was accepted, what is durable, what is stored */
	uint64_t accepted, durable;
	struct waiting ring[RING];
	size_t head, waiting;
	struct kc_store *store;
	bool unstored;
	int64_t stored_us, interval_us;
	int64_t seen;
	uint64_t bad;
	bool refused; /* the batch at hand was: don't offer it again */
};

static void
copy_positions(struct kc_positions *to, const struct kc_positions *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (from->v[i].offset.len > 0)
			kc_positions_set(to, KC_BUF_SPAN(&from->v[i].partition),
			    KC_BUF_SPAN(&from->v[i].offset));
}

/* Positions of a batch that became durable go to the store's memory. */
static void
now_durable(struct loop *l, struct kc_positions *pos)
{
	for (size_t i = 0; l->store != NULL && i < pos->n; i++) {
		struct kc_position *p = &pos->v[i];
		if (!p->dirty)
			continue;
		kc_store_put(l->store, KC_BUF_SPAN(&p->partition),
		    KC_BUF_SPAN(&p->offset));
		p->dirty = false;
		l->unstored = true;
	}
}

static int
poll_durable(struct loop *l, bool wait, struct kc_err *e)
{
	if (l->s.durable == NULL)
		return 0;
	l->durable = l->s.durable(l->arg, wait, e);
	if (l->durable == UINT64_MAX)
		return -1;
	while (l->waiting > 0 && l->ring[l->head].batch <= l->durable) {
		now_durable(l, &l->ring[l->head].pos);
		l->head = (l->head + 1) % RING;
		l->waiting--;
	}
	return 0;
}

static int
sync_dead(struct loop *l, struct kc_err *e)
{
	if (l->dead.path == NULL || l->dead.count == l->synced)
		return 0;
	if (kc_dead_sync(&l->dead, e) != 0)
		return -1;
	l->synced = l->dead.count;
	return 0;
}

static int
store_now(struct loop *l, struct kc_err *e)
{
	if (!l->unstored)
		return 0;
	if (sync_dead(l, e) != 0 || kc_store_commit(l->store, e) != 0)
		return -1;
	l->unstored = false;
	l->stored_us = kc_mono_us();
	return 0;
}

static int
store_if_due(struct loop *l, struct kc_err *e)
{
	if (l->unstored && kc_mono_us() - l->stored_us >= l->interval_us)
		return store_now(l, e);
	return 0;
}

/* The sink took a batch: its positions are durable now, or wait for it. */
static void
accept_batch(struct loop *l, struct kc_positions *pos)
{
	struct waiting *w;

	l->accepted++;
	if (l->store != NULL && l->s.durable == NULL) {
		now_durable(l, pos);
	} else if (l->store != NULL) {
		/* A full ring: the newest waits for this batch as well. */
		if (l->waiting < RING)
			l->waiting++;
		w = &l->ring[(l->head + l->waiting - 1) % RING];
		w->batch = l->accepted;
		copy_positions(&w->pos, pos);
	}
	for (size_t i = 0; i < pos->n; i++)
		pos->v[i].dirty = false;
}

/* One write with retries and back-off. */
static int
write_batch(struct loop *l, const struct kc_batch *b, struct kc_err *e)
{
	int64_t ms = l->s.backoff_ms;

	for (int tries = 0;; tries++) {
		if (l->s.write(l->arg, b, e) == 0)
			return 0;
		if (e->status != KC_TEMP || kc_stop ||
		    (l->s.retries >= 0 && tries >= l->s.retries))
			return -1;
		kc_log(KC_WARN, "%s; trying again in %lld ms", e->msg,
		    (long long)ms);
		if (kc_wait(-1, (int)ms, false) == -1)
			return -1;
		ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
	}
}

static int
dead_letter(struct loop *l, struct kc_span line, const struct kc_err *why,
    const char *at, struct kc_err *e)
{
	if (kc_dead_put(&l->dead, line, l->ctx->cmd->name, why, at, e) != 0)
		return -1;
	l->bad++;
	return 0;
}

/*
 * Delivers records lo to hi of the batch. What ends before the batch's end has
 * the positions of its own records only: they never run ahead.
 */
static int
deliver(struct loop *l, size_t lo, size_t hi, struct kc_err *e)
{
	struct kc_positions *pos = &l->now;
	struct kc_batch b = { .recs = l->recs + lo, .n = hi - lo };
	struct kc_err why;

	if (hi < l->n) {
		for (size_t i = lo; i < hi; i++)
			kc_positions_note(&l->part, l->recs[i].position);
		kc_positions_settle(&l->part);
		pos = &l->part;
	}
	b.pos = pos;
	b.last = !kc_in_ready(&l->in);
	if (write_batch(l, &b, e) == 0) {
		accept_batch(l, pos);
		return 0;
	}
	if (e->status != KC_DATA || l->dead.path == NULL || hi == lo)
		return -1;
	if (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		return deliver(l, lo, mid, e) != 0 ||
			deliver(l, mid, hi, e) != 0 ?
		    -1 :
		    0;
	}
	why = *e;
	if (dead_letter(l, b.recs->line, &why, "", e) != 0 || sync_dead(l, e) != 0)
		return -1;
	b.n = 0;
	if (write_batch(l, &b, e) != 0)
		return -1;
	accept_batch(l, pos);
	return 0;
}

static int
deliver_all(struct loop *l, struct kc_err *e)
{
	if (l->n == 0 && !l->moved) {
		l->used = 0;
		return 0;
	}
	kc_positions_settle(&l->now);
	if (deliver(l, 0, l->n, e) != 0) {
		l->refused = true;
		return -1;
	}
	if (l->dead.path != NULL)
		copy_positions(&l->part, &l->now);
	l->n = l->used = 0;
	l->moved = false;
	if (poll_durable(l, false, e) != 0)
		return -1;
	return store_if_due(l, e);
}

static int
open_store(struct loop *l, struct kc_err *e)
{
	if (l->store != NULL || l->s.own_store || l->ctx->store == NULL)
		return 0;
	l->store = kc_store_open(l->ctx->store, KC_SINK, e);
	return l->store == NULL ? -1 : 0;
}

static int
bad_line(struct loop *l, struct kc_span line, struct kc_err *e)
{
	char at[40];
	struct kc_err why = *e;

	snprintf(at, sizeof at, "line %llu", (unsigned long long)l->in.line);
	if (e->status != KC_DATA || l->dead.path == NULL)
		return kc_fail_in(e, "%s: ", at);
	return dead_letter(l, line, &why, at, e);
}

/* Copies a line into the batch; a full one is delivered before. */
static int
gather(struct loop *l, struct kc_span line, struct kc_span *copy,
    struct kc_err *e)
{
	if ((l->n >= l->s.max_count || l->used + line.n > l->cap) &&
	    deliver_all(l, e) != 0)
		return -1;
	if (l->used + line.n > l->cap) {
		/* Longer than a batch: alone in it, and nothing points there. */
		kc_positions_settle(&l->now);
		l->cap = line.n;
		l->arena = kc_xrealloc(l->arena, l->cap);
	}
	if (l->n == l->recs_cap) {
		l->recs_cap = l->recs_cap * 2 + 64;
		l->recs = kc_xrealloc(l->recs, l->recs_cap * sizeof *l->recs);
	}
	memcpy(l->arena + l->used, line.p, line.n);
	*copy = (struct kc_span){ l->arena + l->used, line.n };
	return 0;
}

static int
one_line(struct loop *l, struct kc_span line, struct kc_err *e)
{
	struct kc_rec *r;
	struct kc_span copy;

	if (line.n == 0)
		return 0;
	if (open_store(l, e) != 0 || gather(l, line, &copy, e) != 0)
		return -1;
	r = &l->recs[l->n];
	if (kc_rec_parse(r, copy, e) != 0)
		return bad_line(l, line, e);
	if (r->kind == KC_SCHEMA) {
		if (l->s.schemas != NULL &&
		    kc_schemas_learn(l->s.schemas, r, e) != 0)
			return bad_line(l, line, e);
		return 0;
	}
	if (l->n == 0 && !l->moved)
		l->since_us = kc_mono_us();
	if (kc_positions_note(&l->now, r->position) != NULL)
		l->moved = true;
	l->used += line.n;
	if (r->kind == KC_RECORD) {
		l->n++;
		l->seen++;
	}
	return 0;
}

/* Milliseconds until something is due although no input comes; -1: never. */
static int
due_in(const struct loop *l)
{
	int64_t now = kc_mono_us(), ms = -1, t;

	if (l->n > 0 || l->moved) {
		t = l->since_us + l->s.linger_ms * 1000 - now;
		ms = t < 0 ? 0 : (t + 999) / 1000;
	}
	if (l->unstored) {
		t = l->stored_us + l->interval_us - now;
		t = t < 0 ? 0 : (t + 999) / 1000;
		ms = ms < 0 || t < ms ? t : ms;
	}
	if ((l->waiting > 0 ||
		(l->s.durable != NULL && l->durable < l->accepted)) &&
	    (ms < 0 || ms > POLL_MS))
		ms = POLL_MS;
	return (int)ms;
}

/* Input would block: what is due meanwhile. */
static int
idle(struct loop *l, struct kc_err *e)
{
	while (!kc_stop) {
		if (kc_wait(0, 0, false) != 0)
			return 0; /* a part of a line at least: no need to hurry */
		if ((l->n > 0 || l->moved) &&
		    kc_mono_us() - l->since_us >= l->s.linger_ms * 1000 &&
		    deliver_all(l, e) != 0)
			return -1;
		if (poll_durable(l, false, e) != 0 || store_if_due(l, e) != 0)
			return -1;
		if (kc_wait(0, due_in(l), false) != 0)
			return 0;
	}
	return 0;
}

static int
run(struct loop *l, struct kc_err *e)
{
	struct kc_span line;
	int rc;

	while (!kc_stop && (l->ctx->count < 0 || l->seen < l->ctx->count)) {
		if (!kc_in_ready(&l->in) && idle(l, e) != 0)
			return -1;
		if ((rc = kc_in_line(&l->in, &line, e)) <= 0)
			return rc;
		if (one_line(l, line, e) != 0)
			return -1;
	}
	return 0;
}

static int
finish(struct loop *l, struct kc_err *e)
{
	if (deliver_all(l, e) != 0 || poll_durable(l, true, e) != 0 ||
	    sync_dead(l, e) != 0)
		return -1;
	return store_now(l, e);
}

/* After a failure: what the sink has made durable before it is stored. */
static void
salvage(struct loop *l)
{
	struct kc_err e = { 0 };

	if ((poll_durable(l, true, &e) != 0 || store_now(l, &e) != 0) &&
	    strcmp(e.msg, l->ctx->err.msg) != 0)
		kc_log(KC_WARN, "%s", e.msg);
}

static void
release(struct loop *l)
{
	kc_store_close(l->store);
	kc_dead_close(&l->dead);
	kc_positions_release(&l->now);
	kc_positions_release(&l->part);
	for (size_t i = 0; i < RING; i++)
		kc_positions_release(&l->ring[i].pos);
	kc_in_release(&l->in);
	free(l->arena);
	free(l->recs);
}

static void
set_up(struct loop *l)
{
	struct kc_sink *s = &l->s;

	s->max_count = s->max_count > 0 ? s->max_count : 10000;
	s->max_bytes = s->max_bytes > 0 ? s->max_bytes : 4 * 1024 * 1024;
	s->backoff_ms = s->backoff_ms > 0 ? s->backoff_ms : 1000;
	l->cap = s->max_bytes;
	l->arena = kc_xmalloc(l->cap);
	l->interval_us = 1000 *
	    kc_conf_int(l->ctx->conf, "offset.flush.interval.ms");
	kc_in_init(&l->in, 0);
}

int
kc_sink_run(struct kc_ctx *ctx, const struct kc_sink *s, void *arg)
{
	struct loop *l = kc_xcalloc(1, sizeof *l);
	struct kc_err late = { 0 };
	int rc;

	l->ctx = ctx;
	l->s = *s;
	l->arg = arg;
	kc_signals(true);
	set_up(l);
	ctx->loop = l;
	rc = ctx->dead == NULL ? 0 : kc_dead_open(&l->dead, ctx->dead, &ctx->err);
	if (rc == 0) {
		rc = run(l, &ctx->err);
		/* Lines before a bad or cut one were whole: they are kept. */
		if (rc == 0)
			rc = finish(l, &ctx->err);
		else if (!l->refused && finish(l, &late) != 0 &&
		    strcmp(late.msg, ctx->err.msg) != 0)
			kc_log(KC_WARN, "%s", late.msg);
		if (rc != 0)
			salvage(l);
	}
	if (l->bad > 0)
		kc_log(KC_WARN, "%llu bad records went to %s",
		    (unsigned long long)l->bad, ctx->dead);
	ctx->loop = NULL;
	release(l);
	free(l);
	return rc == 0 ? 0 : ctx->err.status;
}

int
kc_sink_dead(struct kc_ctx *ctx, struct kc_span line, const struct kc_err *why,
    struct kc_err *e)
{
	struct loop *l = ctx->loop;

	if (l == NULL || l->dead.path == NULL) {
		*e = *why;
		return -1;
	}
	return dead_letter(l, line, why, "", e) != 0 || sync_dead(l, e) != 0 ?
	    -1 :
	    0;
}

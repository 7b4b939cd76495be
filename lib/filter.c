/* The loop every filter shares; see filter.h. */
#include "filter.h"

#include <stdio.h>
#include <string.h>

#include "position.h"

struct loop {
	struct kc_ctx *ctx;
	const struct kc_filter *f;
	void *arg;
	struct kc_in in;
	struct kc_out out;
	struct kc_dead dead;
	uint64_t synced;	     /* dead letters that are on the disk */
	struct kc_positions dropped; /* dirty: to be passed on */
	bool any_dropped;
	int64_t seen;
};

/* A letter is on the disk before a position behind it leaves us. */
static int
flush(struct loop *l, struct kc_err *e)
{
	if (l->dead.path != NULL && l->dead.count != l->synced) {
		if (kc_dead_sync(&l->dead, e) != 0)
			return -1;
		l->synced = l->dead.count;
	}
	for (size_t i = 0; l->any_dropped && i < l->dropped.n; i++) {
		struct kc_position *p = &l->dropped.v[i];
		if (p->dirty)
			kc_put_checkpoint(&l->out.b, KC_BUF_SPAN(&p->partition),
			    KC_BUF_SPAN(&p->offset));
		p->dirty = false;
	}
	l->any_dropped = false;
	return kc_out_flush(&l->out, e);
}

/* A line that goes on tells its own position: older ones need not. */
static void
passed(struct loop *l, struct kc_span position)
{
	struct kc_position *p;

	if (!l->any_dropped ||
	    (p = kc_positions_note(&l->dropped, position)) == NULL)
		return;
	kc_positions_settle(&l->dropped);
	p->dirty = false;
}

static void
dropped(struct loop *l, struct kc_span position)
{
	if (kc_positions_note(&l->dropped, position) == NULL)
		return;
	kc_positions_settle(&l->dropped);
	l->any_dropped = true;
}

static void
copy_line(struct loop *l, struct kc_span line)
{
	char *to = kc_buf_room(&l->out.b, line.n + 1);

	memcpy(to, line.p, line.n);
	to[line.n] = '\n';
	l->out.b.len += line.n + 1;
}

/* Bad data: a dead letter when there is -D, else the end. */
static int
bad(struct loop *l, struct kc_span line, struct kc_err *e)
{
	char at[40];
	struct kc_err why = *e;

	snprintf(at, sizeof at, "line %llu", (unsigned long long)l->in.line);
	if (e->status != KC_DATA || l->dead.path == NULL)
		return kc_fail_in(e, "%s: ", at);
	return kc_dead_put(&l->dead, line, l->ctx->cmd->name, &why, at, e);
}

static int
one_record(struct loop *l, struct kc_rec *r, struct kc_err *e)
{
	size_t before = l->out.b.len;
	int verdict = l->f->record(l->arg, r, &l->out.b, e);

	switch (verdict) {
	case KC_PASS:
		copy_line(l, r->line);
		passed(l, r->position);
		return 0;
	case KC_WROTE:
		passed(l, r->position);
		return 0;
	case KC_DROPPED:
		dropped(l, r->position);
		return 0;
	default:
		l->out.b.len = before;
		if (bad(l, r->line, e) != 0)
			return -1;
		dropped(l, r->position);
		return 0;
	}
}

static int
one_line(struct loop *l, struct kc_span line, struct kc_err *e)
{
	struct kc_rec r;

	if (line.n == 0)
		return 0;
	if (kc_rec_parse(&r, line, e) != 0)
		return bad(l, line, e);
	if (r.kind == KC_RECORD) {
		l->seen++;
		return one_record(l, &r, e);
	}
	if (r.kind == KC_CHECKPOINT) {
		passed(l, r.position);
		copy_line(l, line);
		return 0;
	}
	if (l->f->schemas != NULL && kc_schemas_learn(l->f->schemas, &r, e) != 0)
		return bad(l, line, e);
	int verdict = l->f->schema == NULL ? KC_PASS :
					     l->f->schema(l->arg, &r, e);
	if (verdict == KC_PASS)
		copy_line(l, line);
	return verdict == -1 ? bad(l, line, e) : 0;
}

static int
run(struct loop *l, struct kc_err *e)
{
	struct kc_span line;
	int rc;

	while (!kc_stop && (l->ctx->count < 0 || l->seen < l->ctx->count)) {
		if (!kc_in_ready(&l->in) && kc_wait(0, 0, false) == 0) {
			if (flush(l, e) != 0)
				return -1;
			kc_wait(0, -1, true);
		}
		if ((rc = kc_in_line(&l->in, &line, e)) <= 0)
			return rc;
		if (one_line(l, line, e) != 0)
			return -1;
		if (l->out.b.len >= KC_OUT_BLOCK && flush(l, e) != 0)
			return -1;
	}
	return 0;
}

int
kc_filter_run(struct kc_ctx *ctx, const struct kc_filter *f, void *arg)
{
	struct loop l = { .ctx = ctx, .f = f, .arg = arg };
	struct kc_err late;
	int rc;

	kc_signals(true);
	kc_in_init(&l.in, 0);
	kc_out_init(&l.out, 1);
	if (ctx->dead != NULL && kc_dead_open(&l.dead, ctx->dead, &ctx->err) != 0)
		return ctx->err.status;
	rc = run(&l, &ctx->err);
	if (rc == 0 && f->finish != NULL)
		rc = f->finish(arg, &l.out.b, &ctx->err);
	/* What came before an error is whole and goes on. */
	if (flush(&l, &late) != 0 && rc == 0) {
		ctx->err = late;
		rc = -1;
	}
	if (l.dead.count > 0)
		kc_log(KC_WARN, "%llu bad records went to %s",
		    (unsigned long long)l.dead.count, ctx->dead);
	kc_dead_close(&l.dead);
	kc_positions_release(&l.dropped);
	kc_in_release(&l.in);
	kc_out_release(&l.out);
	return rc == 0 ? 0 : ctx->err.status;
}

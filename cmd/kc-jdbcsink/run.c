/* A batch as one transaction. */
#include <stdlib.h>

#include "jdbc.h"

int
run_connect(struct db *db, struct kc_err *e)
{
	if (db->conn != NULL)
		return 0;
	db->session++;
	db->stages++;
	return db->d->connect(db, e);
}

static int
run_group(struct db *db, struct work *w, struct phase *p, unsigned g,
    struct kc_err *e)
{
	const struct group *gr = &p->groups[g];
	size_t i = 0;
	struct row *r;

	if (gr->live == 0)
		return 0;
	if (gr->kind == ROW_PUT || gr->kind == ROW_DELETE)
		if (gr->live > db->d->few)
			return db->d->bulk(db, w, p, g, e);
	while ((r = phase_next(p, &i, g)) != NULL)
		if (db->d->one(db, w, p, r, e) != 0)
			return -1;
	return 0;
}

/* Truncates, then deletes, then puts of a phase. */
static int
run_phase(struct db *db, struct work *w, struct phase *p, struct kc_err *e)
{
	for (int k = ROW_TRUNCATE; k <= ROW_PUT; k++)
		for (unsigned g = 0; g < p->ngroups; g++)
			if ((int)p->groups[g].kind == k &&
			    run_group(db, w, p, g, e) != 0)
				return -1;
	return 0;
}

struct at {
	struct phase *p;
	struct row *r;
};

static int
by_seq(const void *a, const void *b)
{
	const struct at *x = a, *y = b;

	return x->r->seq != y->r->seq ? (x->r->seq < y->r->seq ? -1 : 1) :
	    x->r < y->r		      ? -1 :
					x->r > y->r;
}

static void
refuse(struct work *w, uint32_t seq, const char *why)
{
	if (w->nrefused % 64 == 0)
		w->refused = kc_xrealloc(w->refused,
		    (w->nrefused + 64) * sizeof *w->refused);
	w->refused[w->nrefused++] = (struct refused){ seq, kc_xstrdup(why) };
}

static int
one_flushed(struct db *db, struct work *w, const struct at *at, struct kc_err *e)
{
	if (db->d->one(db, w, at->p, at->r, e) != 0)
		return -1;
	return db->d->flush == NULL ? 0 : db->d->flush(db, e);
}

/* The error says which row, and which column if the database can tell. */
static void
explain(struct db *db, struct work *w, const struct at *at, struct kc_err *e)
{
	struct kc_err better, ignored;
	struct kc_buf row = { 0 };

	if (db->d->explain != NULL) {
		if (db->d->explain(db, w, at->p, at->r, &better) != 0 &&
		    better.status == KC_DATA)
			*e = better;
		if (db->conn != NULL)
			db->d->exec(db, "ROLLBACK TO SAVEPOINT kc", &ignored);
	}
	better = *e;
	sql_shown(&row, w, at->r, at->p->groups[at->r->group].shape);
	kc_fail(e, KC_DATA, "%.1100s [row %s]", better.msg, kc_buf_str(&row));
	kc_buf_release(&row);
}

static int
one_strictly(struct db *db, struct work *w, struct at *at, struct kc_err *e)
{
	struct kc_err ignored;

	if (db->d->exec(db, "SAVEPOINT kc", e) != 0)
		return -1;
	if (one_flushed(db, w, at, e) == 0)
		return db->d->exec(db, "RELEASE SAVEPOINT kc", e);
	if (e->status != KC_DATA || db->conn == NULL ||
	    db->d->exec(db, "ROLLBACK TO SAVEPOINT kc", &ignored) != 0)
		return -1;
	explain(db, w, at, e);
	if (!w->keep_lines || db->conn == NULL)
		return -1;
	refuse(w, at->r->seq, e->msg);
	return 0;
}

/*
 * One row after the other as the records came, those too that later ones
 * replaced: finds the record the database refuses, and does what only fails
 * when it is done by table.
 */
static int
run_strictly(struct db *db, struct work *w, struct kc_err *e)
{
	struct at *v;
	size_t n = 0, k = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->phases[i]->n;
	v = kc_xmalloc((n + 1) * sizeof *v);
	for (size_t i = 0; i < w->n; i++)
		for (size_t j = 0; j < w->phases[i]->n; j++)
			if (!w->phases[i]->rows[j].bad)
				v[k++] = (struct at){ w->phases[i],
					&w->phases[i]->rows[j] };
	qsort(v, k, sizeof *v, by_seq);
	for (size_t i = 0; rc == 0 && i < k; i++)
		rc = one_strictly(db, w, &v[i], e);
	free(v);
	if (rc == 0 && w->nrefused > 0)
		return kc_fail(e, KC_DATA, "%s", w->refused[0].why);
	return rc;
}

static void
roll_back(struct db *db)
{
	struct kc_err ignored;

	db->stages++;
	if (db->conn != NULL && db->d->exec(db, "ROLLBACK", &ignored) != 0)
		db->d->close(db);
}

static int
run_once(struct db *db, struct work *w, struct kc_err *e)
{
	if (db->own_offsets && offsets_ready(db, e) != 0)
		return -1;
	if (db->d->exec(db, db->d->begin, e) != 0)
		return -1;
	if (w->strict) {
		if (run_strictly(db, w, e) != 0)
			return -1;
	} else {
		for (size_t i = 0; i < w->n; i++)
			if (run_phase(db, w, w->phases[i], e) != 0)
				return -1;
	}
	if (db->own_offsets && offsets_write(db, w, e) != 0)
		return -1;
	if (db->d->exec(db, "COMMIT", e) == 0)
		return 0;
	w->unknown = db->conn == NULL;
	return -1;
}

/* A COMMIT whose answer never came: did it happen? */
static int
look_again(struct db *db, struct work *w, struct kc_err *e)
{
	int rc = 0;

	if (db->own_offsets && w->npos > 0 && (rc = offsets_stored(db, w, e)) < 0)
		return -1;
	if (rc == 0 && !db->own_offsets && db->o->insert == MODE_INSERT)
		kc_log(KC_WARN,
		    "%s: the connection broke at COMMIT; the batch is "
		    "written again and may be there twice (-o sink: or "
		    "insert.mode=upsert prevents that)",
		    db->to->shown);
	w->unknown = false;
	return rc;
}

int
run_work(struct db *db, struct work *w, struct kc_err *e)
{
	int rc;

	if (w->n == 0 && (!db->own_offsets || w->npos == 0))
		return 0;
	if (run_connect(db, e) != 0)
		return -1;
	if (w->unknown && (rc = look_again(db, w, e)) != 0)
		return rc > 0 ? 0 : -1;
	if (run_once(db, w, e) == 0)
		return 0;
	roll_back(db);
	if (e->status != KC_DATA || w->strict || w->n == 0)
		return -1;
	w->strict = true;
	kc_log(KC_INFO, "%s; the batch is written again row by row", e->msg);
	if (run_connect(db, e) != 0)
		return -1;
	if (run_once(db, w, e) == 0)
		return 0;
	roll_back(db);
	return -1;
}

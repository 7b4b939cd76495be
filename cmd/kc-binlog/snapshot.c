/*
 * The snapshot: whether one is due, and the rows of a consistent view (view.c),
 * streamed as they come.
 */
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "kc-binlog.h"

struct snap {
	struct binlog *b;
	struct view view;
	struct kc_cdc_row rows[2];
	int turn;	      /* rows[turn] is decoded next */
	struct table *held;   /* of the row not written yet; NULL: none */
	bool held_first;      /* it is its table's first */
	uint64_t written;     /* rows */
	struct kc_buf offset; /* of all rows but the last */
	struct kc_buf source; /* of table and mark below */
	const struct table *source_of;
	const char *mark;
	uint64_t expected; /* rows, as the server guesses; 0: unknown */
	int64_t begun;	   /* kc_mono_us */
	int64_t now;	   /* kc_now_us, of every 16th row */
};

/* ---- rows ---- */

static void
make_source(struct snap *s, const struct table *t, const char *mark)
{
	struct kc_buf *b = &s->source;
	const struct offset *o = &s->b->at;

	if (s->source_of == t && s->mark == mark)
		return;
	s->source_of = t;
	s->mark = mark;
	kc_buf_reset(b);
	source_head(b, s->b);
	kc_buf_printf(b,
	    "%lld000,\"snapshot\":\"%s\",\"db\":", (long long)s->view.ts, mark);
	kc_json_str(b, t->cdc.database, strlen(t->cdc.database));
	kc_buf_printf(b,
	    ",\"sequence\":null,\"ts_us\":%lld000000,"
	    "\"ts_ns\":%lld000000000,\"table\":",
	    (long long)s->view.ts, (long long)s->view.ts);
	kc_json_str(b, t->cdc.table, strlen(t->cdc.table));
	kc_buf_lit(b, ",\"server_id\":0,\"gtid\":null,\"file\":");
	kc_json_str(b, o->file, strlen(o->file));
	kc_buf_printf(b,
	    ",\"pos\":%llu,\"row\":0,\"thread\":null,"
	    "\"query\":null}",
	    (unsigned long long)o->pos);
}

static const char *
mark_of(const struct snap *s, bool last_of_table, bool last)
{
	if (last)
		return "last";
	if (s->written == 0)
		return "first";
	if (last_of_table)
		return "last_in_data_collection";
	return s->held_first ? "first_in_data_collection" : "true";
}

/* Writes the row that is held back until what follows it is known. */
static int
write_held(struct snap *s, bool last_of_table, bool last, struct kc_err *e)
{
	struct binlog *b = s->b;
	struct kc_cdc_event ev = { .op = 'r', .after = &s->rows[!s->turn] };

	if (s->held == NULL)
		return 0;
	make_source(s, s->held, mark_of(s, last_of_table, last));
	ev.source = KC_BUF_SPAN(&s->source);
	ev.offset = KC_BUF_SPAN(&s->offset);
	if (s->written % 16 == 0)
		s->now = kc_now_us();
	ev.ts_us = s->now;
	b->emitted += kc_cdc_event(b->cdc, &s->held->cdc, &ev, &b->out.b);
	s->held = NULL;
	s->written++;
	return kc_out_more(&b->out, e);
}

static void
progress(const struct snap *s, const struct table *t)
{
	double sec = (double)(kc_mono_us() - s->begun) / 1e6,
	       rate = sec > 0 ? (double)s->written / sec : 0;

	if (s->expected > s->written && rate > 0)
		kc_progress("snapshot: %s.%s: %llu of about %llu rows, %.0f/s, "
			    "%.0f s to go",
		    t->cdc.database, t->cdc.table, (unsigned long long)s->written,
		    (unsigned long long)s->expected, rate,
		    (double)(s->expected - s->written) / rate);
	else
		kc_progress("snapshot: %s.%s: %llu rows, %.0f/s", t->cdc.database,
		    t->cdc.table, (unsigned long long)s->written, rate);
}

/* from[i]: which column of the result is column i; -1: none, null. */
static int
decode(struct snap *s, struct table *t, const int *from,
    const struct kc_span *vals, struct kc_err *e)
{
	struct kc_cdc_row *r = &s->rows[s->turn];

	kc_cdc_row_columns(r, t->cdc.ncols);
	kc_cdc_row_begin(r);
	for (size_t i = 0; i < t->cdc.ncols; i++) {
		struct kc_span v = { NULL, 0 };
		if (!t->cdc.cols[i].included && !t->cdc.cols[i].key)
			continue;
		if (from[i] >= 0)
			v = vals[from[i]];
		kc_cdc_row_col(r, &t->cdc.cols[i], i);
		if (put_sql(&r->json, &t->cols[i], v) != 0)
			return kc_fail(e, KC_DATA,
			    "%s.%s.%s: %.*s: not a value of "
			    "the column's type",
			    t->cdc.database, t->cdc.table, t->cdc.cols[i].name,
			    v.n > 100 ? 100 : (int)v.n, v.p);
		kc_cdc_row_val(r, i);
	}
	kc_cdc_row_end(r);
	return 0;
}

/* ---- tables ---- */

/* A float's text is rounded to its display; a double's of it is not. */
static void
put_select_column(struct kc_buf *q, const struct column *c, const char *name)
{
	bool exact = c->kind == K_FLOAT || c->kind == K_FLOAT64 ||
	    (c->kind == K_DOUBLE && c->scale > 0);

	kc_mysql_ident(q, name);
	if (exact) {
		kc_buf_lit(q, "+0e0 AS ");
		kc_mysql_ident(q, name);
	}
}

static void
put_select(struct kc_buf *q, const struct binlog *b, const struct table *t)
{
	char *name = kc_xasprintf("snapshot.select.statement.overrides.%s.%s",
	    t->cdc.database, t->cdc.table);
	const char *own = kc_conf_str(b->conf, name);
	bool first = true;

	free(name);
	if (own != NULL && *own != '\0') {
		kc_buf_puts(q, own);
		return;
	}
	kc_buf_lit(q, "SELECT ");
	for (size_t i = 0; i < t->cdc.ncols; i++) {
		if (!t->cdc.cols[i].included && !t->cdc.cols[i].key)
			continue;
		if (!first)
			kc_buf_lit(q, ", ");
		first = false;
		put_select_column(q, &t->cols[i], t->cdc.cols[i].name);
	}
	kc_buf_puts(q, first ? "1 FROM " : " FROM ");
	kc_mysql_ident(q, t->cdc.database);
	kc_buf_putc(q, '.');
	kc_mysql_ident(q, t->cdc.table);
}

static int *
map_columns(const struct binlog *b, const struct table *t)
{
	int *from = kc_xcalloc(t->cdc.ncols + 1, sizeof *from);

	for (size_t i = 0; i < t->cdc.ncols; i++) {
		from[i] = -1;
		for (size_t k = 0; k < kc_mysql_ncols(b->db); k++)
			if (strcasecmp(kc_mysql_colname(b->db, k),
				t->cdc.cols[i].name) == 0)
				from[i] = (int)k;
	}
	return from;
}

/* Told to stop, or -n records are there (one of them held back). */
static bool
enough(const struct snap *s)
{
	int64_t n = s->b->ctx->count;

	return kc_stop || (n >= 0 && s->b->emitted + (s->held != NULL) >= n);
}

static int
read_table(struct snap *s, struct table *t, struct kc_err *e)
{
	struct kc_mysql *db = s->b->db;
	struct kc_buf q = { 0 };
	struct kc_span *vals;
	bool first = true;
	int *from, got;

	put_select(&q, s->b, t);
	got = kc_mysql_query(db, kc_buf_str(&q), e);
	kc_buf_release(&q);
	if (got != 0)
		return -1;
	from = map_columns(s->b, t);
	while (!enough(s) && (got = kc_mysql_row(db, &vals, e)) == 1) {
		if (decode(s, t, from, vals, e) != 0 ||
		    write_held(s, s->held != t, false, e) != 0) {
			got = -1;
			break;
		}
		s->held = t;
		s->held_first = first;
		s->turn = !s->turn;
		first = false;
		if (s->written % 8192 == 0)
			progress(s, t);
	}
	free(from);
	return got < 0 ? -1 : 0;
}

/* The server's guess, for the progress line. */
static void
expect_rows(struct snap *s, const struct table *t)
{
	struct kc_buf q = { 0 };
	struct kc_err ignored;
	char *v = NULL;

	kc_buf_lit(&q,
	    "SELECT TABLE_ROWS FROM information_schema.TABLES "
	    "WHERE TABLE_SCHEMA=");
	kc_mysql_string(&q, t->cdc.database);
	kc_buf_lit(&q, " AND TABLE_NAME=");
	kc_mysql_string(&q, t->cdc.table);
	if (kc_mysql_value(s->b->db, kc_buf_str(&q), &v, &ignored) == 0 &&
	    v != NULL)
		s->expected += strtoull(v, NULL, 10);
	free(v);
	kc_buf_release(&q);
}

static bool
has_data(const struct kc_match *only, const struct table *t)
{
	char *name;
	bool yes;

	if (only == NULL)
		return true;
	name = kc_xasprintf("%s.%s", t->cdc.database, t->cdc.table);
	yes = kc_match(only, (struct kc_span){ name, strlen(name) });
	free(name);
	return yes;
}

static int
read_tables(struct snap *s, struct kc_err *e)
{
	struct binlog *b = s->b;
	struct kc_match *only;
	int rc = 0;

	if (kc_match_new(&only,
		kc_conf_str(b->conf, "snapshot.include.collection.list"), e) != 0)
		return kc_fail_in(e,
		    "property snapshot.include.collection.list: ");
	if (b->ntables == 0)
		kc_log(KC_WARN, "no table matches the include and exclude lists");
	for (size_t i = 0; isatty(2) && i < b->ntables; i++)
		if (has_data(only, b->tables[i]))
			expect_rows(s, b->tables[i]);
	for (size_t i = 0; i < b->ntables && rc == 0 && !enough(s); i++)
		if (has_data(only, b->tables[i]))
			rc = read_table(s, b->tables[i], e);
	kc_match_free(only);
	return rc;
}

/* ---- the whole ---- */

static int
checkpoint(struct binlog *b, struct kc_err *e)
{
	struct kc_buf o = { 0 };

	offset_put(&o, &b->at);
	kc_put_checkpoint(&b->out.b, kc_cdc_partition(b->cdc), KC_BUF_SPAN(&o));
	kc_buf_release(&o);
	return kc_out_flush(&b->out, e);
}

/* Every row says "in a snapshot": a crash before its end begins it again. */
static int
take(struct snap *s, struct kc_err *e)
{
	struct binlog *b = s->b;

	s->begun = kc_mono_us();
	if (view_open(&s->view, e) != 0)
		return -1;
	kc_log(KC_NOTICE, "snapshot of %zu tables at %s:%llu", b->ntables,
	    b->at.file, (unsigned long long)b->at.pos);
	b->at.snapshot = true;
	offset_put(&s->offset, &b->at);
	if (read_tables(s, e) != 0)
		return -1;
	if (enough(s))
		return write_held(s, false, false, e);
	b->at.snapshot = false;
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &b->at);
	if (write_held(s, true, true, e) != 0 ||
	    kc_mysql_exec(b->db, "COMMIT", e) != 0)
		return -1;
	kc_log(KC_NOTICE, "snapshot: %llu rows in %.1f s",
	    (unsigned long long)s->written,
	    (double)(kc_mono_us() - s->begun) / 1e6);
	return checkpoint(b, e);
}

static int
take_snapshot(struct binlog *b, struct kc_err *e)
{
	struct snap s = { .b = b, .view.b = b };
	int rc, ms = (int)kc_conf_int(b->conf, "snapshot.delay.ms");

	if (ms > 0 && kc_wait(-1, ms, true) < 0)
		return 0;
	rc = take(&s, e);
	view_unlock(&s.view);
	kc_cdc_row_release(&s.rows[0]);
	kc_cdc_row_release(&s.rows[1]);
	kc_buf_release(&s.offset);
	kc_buf_release(&s.source);
	return rc;
}

/* No rows: the log from now on, or from its first file. */
static int
start_at(struct binlog *b, bool beginning, struct kc_err *e)
{
	struct kc_mysql_pos p = { 0 };
	struct kc_span *row;
	int got, rc = -1;

	if (kc_mysql_position(b->db, &p, e) != 0)
		goto out;
	if (beginning) {
		if (kc_mysql_query(b->db, "SHOW BINARY LOGS", e) != 0 ||
		    (got = kc_mysql_row(b->db, &row, e)) < 0)
			goto out;
		if (got == 1 && row[0].n < sizeof p.file) {
			memcpy(p.file, row[0].p, row[0].n);
			p.file[row[0].n] = '\0';
		}
		kc_mysql_end(b->db);
		p.pos = 4;
		kc_buf_reset(&p.gtids);
	}
	offset_set(&b->at, &p, 0);
	rc = beginning ? 0 : checkpoint(b, e);
out:
	kc_buf_release(&p.gtids);
	return rc;
}

/* 1: the log still has where we stopped, or nobody can tell; 0: gone. */
static int
still_there(struct binlog *b, struct kc_err *e)
{
	int has = kc_mysql_has_binlog(b->db, b->at.file, e);

	return has < 0 && kc_mysql_errno(b->db) != 0 ? 1 : has;
}

/* What a mode does: with a stored position, and without. */
enum { ROWS = 1, NOW = 2, BEGINNING = 4, STREAM = 8, AGAIN_IF_GONE = 16 };
static const struct {
	const char *mode;
	int without, with;
} modes[] = {
	{ "initial", ROWS | STREAM, STREAM },
	{ "always", ROWS | STREAM, ROWS | STREAM },
	{ "initial_only", ROWS, 0 },
	{ "no_data", NOW | STREAM, STREAM },
	{ "schema_only", NOW | STREAM, STREAM },
	{ "recovery", NOW | STREAM, STREAM },
	{ "schema_only_recovery", NOW | STREAM, STREAM },
	{ "when_needed", ROWS | STREAM, STREAM | AGAIN_IF_GONE },
	{ "never", BEGINNING | STREAM, STREAM },
};

static int
todo(const struct binlog *b, const char **mode)
{
	bool has = b->at.file[0] != '\0' && !b->at.snapshot;

	*mode = kc_conf_str(b->conf, "snapshot.mode");
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(modes[i].mode, *mode) == 0)
			return has ? modes[i].with : modes[i].without;
	return ROWS | STREAM;
}

int
snapshot(struct binlog *b, bool *go_on, struct kc_err *e)
{
	const char *mode;
	int what = todo(b, &mode), there;

	*go_on = false;
	if (what == 0)
		kc_log(KC_NOTICE, "the snapshot is complete: nothing to do");
	if (what == 0 || kc_mysql_check_binlog(b->db, e) != 0)
		return what == 0 ? 0 : -1;
	if ((what & (ROWS | NOW | BEGINNING)) == 0) {
		if ((there = still_there(b, e)) < 0)
			return -1;
		if (there == 0 && (what & AGAIN_IF_GONE) == 0)
			return kc_fail(e, KC_USAGE,
			    "%s: binlog %s, where the store says we stopped, is gone "
			    "from the server; snapshot.mode=when_needed or kc-offset "
			    "reset takes a new snapshot",
			    kc_mysql_where(b->db), b->at.file);
		if (there == 0) {
			kc_log(KC_WARN,
			    "binlog %s is gone from the server: a new "
			    "snapshot",
			    b->at.file);
			what |= ROWS;
		}
	}
	if (b->at.snapshot && (what & ROWS) != 0)
		kc_log(KC_NOTICE,
		    "the last snapshot did not complete: a new one");
	if ((what & ROWS) != 0 ? take_snapshot(b, e) != 0 :
		(what & (NOW | BEGINNING)) != 0 ?
				 start_at(b, (what & BEGINNING) != 0, e) != 0 ||
		    tables_load(b, NULL, NULL, e) != 0 :
				 tables_load(b, NULL, NULL, e) != 0)
		return -1;
	*go_on = (what & STREAM) != 0 && !b->at.snapshot && !kc_stop &&
	    (b->ctx->count < 0 || b->emitted < b->ctx->count);
	return 0;
}

/*
 * The tables as they were when the slot was made: its exported snapshot, read
 * by COPY. Each row is held back until the next is there, so that the last one
 * of a table and of all can say so.
 */
#include <stdlib.h>

#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

struct shot {
	struct pgwal *w;
	uint64_t lsn;
	uint32_t tx;
	int64_t ts_us;
	/* the row held back */
	struct table *held;
	struct kc_cdc_row row, next;
	bool first, first_of_table;
	struct kc_buf source, offset, text;
	uint64_t rows;
};

/* Writes the row held back, marked. */
static int
say(struct shot *s, bool last_of_table, bool last, struct kc_err *e)
{
	struct pgwal *w = s->w;
	const char *mark = last ? "last" :
	    s->first		? "first" :
	    last_of_table	? "last_in_data_collection" :
	    s->first_of_table	? "first_in_data_collection" :
				  "true";

	if (s->held == NULL)
		return 0;
	kc_buf_reset(&s->source);
	source_put(&s->source, w, s->held, mark, s->ts_us, 0, s->lsn, s->tx);
	struct kc_cdc_event ev = { .op = 'r',
		.after = &s->row,
		.source = KC_BUF_SPAN(&s->source),
		.offset = KC_BUF_SPAN(&s->offset),
		.prior = KC_BUF_SPAN(&s->offset),
		.ts_us = kc_now_us() };
	w->emitted += kc_cdc_event(w->cdc, &s->held->cdc, &ev, &w->out.b);
	s->held = NULL;
	s->first = s->first_of_table = false;
	if (++s->rows % 65536 == 0)
		kc_progress("snapshot: %llu rows", (unsigned long long)s->rows);
	return w->out.b.len >= KC_OUT_BLOCK ? flush(w, e) : 0;
}

/* One field of COPY's text: \N null, \t and kin escaped. Moves on. */
static bool
field(const char **p, const char *end, struct kc_buf *text)
{
	static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";

	kc_buf_reset(text);
	if (end - *p >= 2 && (*p)[0] == '\\' && (*p)[1] == 'N') {
		*p += 2;
		*p += *p < end;
		return false;
	}
	for (;;) {
		const char *q = *p;
		while (q < end && *q != '\t' && *q != '\\' && *q != '\n')
			q++;
		kc_buf_put(text, *p, (size_t)(q - *p));
		*p = q;
		if (q >= end || *q != '\\' || q + 1 >= end)
			break;
		const char *f = strchr(from, q[1]);
		kc_buf_putc(text, f != NULL ? to[f - from] : q[1]);
		*p = q + 2;
	}
	*p += *p < end;
	return true;
}

static int
take_row(struct shot *s, struct table *t, struct kc_span line, struct kc_err *e)
{
	struct kc_cdc_row *r = &s->next;
	const char *p = line.p, *end = line.p + line.n;

	kc_cdc_row_columns(r, t->cdc.ncols);
	kc_cdc_row_begin(r);
	for (size_t i = 0; i < t->cdc.ncols; i++) {
		if (!t->cdc.cols[i].included)
			continue;
		kc_cdc_row_col(r, &t->cdc.cols[i], i);
		if (!field(&p, end, &s->text)) {
			kc_buf_lit(&r->json, "null");
		} else {
			kc_buf_str(&s->text);
			if (type_put(&r->json, &t->cols[i],
				KC_BUF_SPAN(&s->text)) != 0)
				return kc_fail(e, KC_DATA,
				    "table %s.%s: column %s: value %.100s "
				    "is not understood; leave the column out with "
				    "column.exclude.list",
				    t->cdc.schema, t->cdc.table,
				    t->cdc.cols[i].name, s->text.p);
		}
		kc_cdc_row_val(r, i);
	}
	kc_cdc_row_end(r);
	struct kc_cdc_row was = s->row;
	s->row = s->next;
	s->next = was;
	return 0;
}

static void
select_of(struct kc_buf *sql, struct pgwal *w, const struct table *t)
{
	char *name = kc_xasprintf("snapshot.select.statement.overrides.%s.%s",
	    t->cdc.schema, t->cdc.table);
	const char *own = kc_conf_str(w->conf, name);
	bool first = true;

	free(name);
	kc_buf_lit(sql, "copy (select ");
	for (size_t i = 0; i < t->cdc.ncols; i++) {
		if (!t->cdc.cols[i].included)
			continue;
		if (!first)
			kc_buf_putc(sql, ',');
		first = false;
		server_ident(sql, t->cdc.cols[i].name);
	}
	kc_buf_lit(sql, " from ");
	if (own != NULL) {
		kc_buf_printf(sql, "(%s) x", own);
	} else {
		server_ident(sql, t->cdc.schema);
		kc_buf_putc(sql, '.');
		server_ident(sql, t->cdc.table);
	}
	kc_buf_lit(sql, ") to stdout");
}

static int
one_table(struct shot *s, struct table *t, struct kc_err *e)
{
	struct kc_buf sql = { 0 };
	struct kc_span line;
	int rc;

	select_of(&sql, s->w, t);
	rc = server_copy(s->w->db, e, kc_buf_str(&sql));
	kc_buf_release(&sql);
	if (rc != 0)
		return kc_fail_in(e, "snapshot of %s.%s: ", t->cdc.schema,
		    t->cdc.table);
	while (!kc_stop && (rc = server_copied(s->w->db, true, &line, e)) == 1) {
		/* the row before this one is not the last of its table */
		if (say(s, false, false, e) != 0 || take_row(s, t, line, e) != 0)
			return -1;
		s->held = t;
		if (s->w->ctx->count >= 0 && s->w->emitted + 1 >= s->w->ctx->count)
			return say(s, false, false, e) != 0 ? -1 : 1;
	}
	return rc;
}

/* The captured tables' oids, in the order of their names. */
static int
captured(struct pgwal *w, uint32_t **oids, size_t *n, struct kc_err *e)
{
	struct kc_match *only;
	int rows;

	if (kc_match_new(&only,
		kc_conf_str(w->conf, "snapshot.include.collection.list"), e) != 0)
		return kc_fail_in(e,
		    "property snapshot.include.collection.list: ");
	rows = server_query(w->db, e,
	    "select c.oid, n.nspname, c.relname from pg_class c "
	    "join pg_namespace n on n.oid=c.relnamespace where c.relkind in ('r','p') "
	    "and not c.relispartition and c.relpersistence='p' and n.nspname not in "
	    "('pg_catalog','information_schema') and n.nspname !~ '^pg_' order by 2, 3");
	*n = 0;
	*oids = kc_xcalloc(rows > 0 ? (size_t)rows : 1, sizeof **oids);
	for (int i = 0; i < rows; i++) {
		const char *schema = server_value(w->db, i, 1);
		const char *table = server_value(w->db, i, 2);
		char *name = kc_xasprintf("%s.%s", schema, table);
		if (kc_cdc_wants(w->cdc, w->dbname, schema, table) &&
		    (only == NULL ||
			kc_match(only, (struct kc_span){ name, strlen(name) })))
			(*oids)[(*n)++] = (uint32_t)strtoul(
			    server_value(w->db, i, 0), NULL, 10);
		free(name);
	}
	kc_match_free(only);
	return rows < 0 ? -1 : 0;
}

static int
begin(struct shot *s, const char *name, struct kc_err *e)
{
	struct kc_buf lit = { 0 };
	struct pgwal *w = s->w;
	int rc;

	server_literal(&lit, name);
	rc = server_query(w->db, e,
	    "begin isolation level repeatable read read only");
	if (rc >= 0)
		rc = server_query(w->db, e, "set transaction snapshot %s",
		    kc_buf_str(&lit));
	if (rc >= 0)
		rc = server_query(w->db, e, "select txid_current_snapshot()");
	if (rc >= 0)
		s->tx = (uint32_t)strtoull(server_value(w->db, 0, 0), NULL, 10);
	kc_buf_release(&lit);
	return rc < 0 ? -1 : 0;
}

static int
all_tables(struct shot *s, const uint32_t *oids, size_t n, struct kc_err *e)
{
	struct table *t;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n && !kc_stop; i++) {
		if (table_load(s->w, oids[i], &t, e) != 0)
			return -1;
		if (t == NULL)
			continue;
		table_set_take(s->w, t);
		kc_log(KC_INFO, "snapshot of %s.%s", t->cdc.schema, t->cdc.table);
		/* the last row of the table before, if any, is that */
		if (say(s, true, false, e) != 0)
			return -1;
		s->first_of_table = true;
		rc = one_table(s, t, e);
	}
	if (rc < 0)
		return -1;
	return rc == 0 && !kc_stop ? say(s, true, true, e) : 0;
}

int
snapshot(struct pgwal *w, const char *name, uint64_t lsn, struct kc_err *e)
{
	struct shot s = { .w = w, .lsn = lsn, .first = true, .ts_us = kc_now_us() };
	struct offset at = { .snapshot = true, .lsn = lsn };
	uint32_t *oids = NULL;
	size_t n = 0;
	int rc;

	kc_log(KC_NOTICE, "snapshot of %s at %X/%X", server_where(w->db),
	    KC_PG_LSN_ARG(lsn));
	rc = begin(&s, name, e);
	at.tx = s.tx;
	at.ts_usec = s.ts_us;
	offset_put(&s.offset, &at);
	if (rc == 0)
		rc = captured(w, &oids, &n, e);
	if (rc == 0)
		rc = all_tables(&s, oids, n, e);
	if (rc == 0 && !kc_stop &&
	    (w->ctx->count < 0 || w->emitted < w->ctx->count)) {
		rc = server_query(w->db, e, "commit") < 0 ? -1 : 0;
		kc_log(KC_NOTICE, "snapshot: %llu rows in %.1f s",
		    (unsigned long long)s.rows,
		    (double)(kc_now_us() - s.ts_us) / 1e6);
	}
	free(oids);
	kc_cdc_row_release(&s.row);
	kc_cdc_row_release(&s.next);
	kc_buf_release(&s.source);
	kc_buf_release(&s.offset);
	kc_buf_release(&s.text);
	return rc;
}

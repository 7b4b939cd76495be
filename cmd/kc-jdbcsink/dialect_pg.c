/*
 * PostgreSQL. Many rows: COPY into a temporary staging table, then one
 * INSERT … ON CONFLICT, UPDATE or DELETE. Few rows: prepared statements in
 * libpq's pipeline mode, one round trip for the whole transaction.
 */
/* needs: libpq */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "jdbc.h"
#include "num.h"
#include "pg_params.h"

#define CHUNK (128 * 1024) /* of COPY data a call */

/* What was sent in pipeline mode and not answered yet. */
struct own {
	const struct shape *sent[64]; /* NULL: not a row */
	size_t nsent;
	long touched;	  /* rows, by the statement answered last */
	const char **val; /* arguments of one statement */
	int *len, *format;
	size_t cap;
};

static const struct {
	const char *state; /* SQLSTATE, or its beginning */
	int status;
	const char *remedy;
} states[] = {
	{ "42P01", KC_DATA, "create the table, or set auto.create=true" },
	{ "42703", KC_DATA, "ALTER TABLE … ADD COLUMN, or set auto.evolve=true" },
	{ "42P10", KC_USAGE,
	    "upsert needs a primary key or unique index on exactly "
	    "the columns of pk.mode and pk.fields; ALTER TABLE … ADD PRIMARY KEY" },
	{ "42501", KC_USAGE, "GRANT the user of connection.user what is missing" },
	{ "42804", KC_DATA,
	    "the column's type does not take the field; ALTER TABLE" },
	{ "28", KC_USAGE,
	    "see connection.user, connection.password and pg_hba.conf" },
	{ "3D000", KC_USAGE, "CREATE DATABASE, or see connection.url" },
	{ "3F000", KC_USAGE, "CREATE SCHEMA, or see collection.name.format" },
	{ "22", KC_DATA, "the value does not fit its column" },
	{ "23502", KC_DATA,
	    "the column is NOT NULL and the record has no value for it" },
	{ "23505", KC_DATA,
	    "the row is there already; insert.mode=upsert replaces it" },
	{ "23", KC_DATA, "the row breaks a constraint of the table" },
	{ "54", KC_DATA, "the row is larger than the database takes" },
	{ "53100", KC_TEMP, "the server's disk is full" },
	{ "42", KC_USAGE, "see the server's message" },
	{ "0A", KC_USAGE, "see the server's message" },
};

static void
state_of(const char *code, int *status, const char **remedy)
{
	*status = KC_TEMP;
	*remedy = NULL;
	for (size_t i = 0; code != NULL && i < sizeof states / sizeof *states; i++)
		if (strncmp(code, states[i].state, strlen(states[i].state)) == 0) {
			*status = states[i].status;
			*remedy = states[i].remedy;
			return;
		}
}

static void
pg_close(struct db *db)
{
	struct own *own = db->own;

	PQfinish(db->conn);
	db->conn = NULL;
	if (own != NULL) {
		free(own->val);
		free(own->len);
		free(own->format);
		free(own);
	}
	db->own = NULL;
}

static int
lost(struct db *db, struct kc_err *e)
{
	kc_fail(e, KC_TEMP, "%s: %s", db->to->shown, PQerrorMessage(db->conn));
	pg_close(db);
	return -1;
}

/* What the server says, with table and column; t may be NULL. */
static int
failed(struct db *db, const PGresult *r, const struct table *t, struct kc_err *e)
{
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *col = PQresultErrorField(r, PG_DIAG_COLUMN_NAME);
	const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
	const char *context = PQresultErrorField(r, PG_DIAG_CONTEXT);
	const char *msg = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), *remedy;
	const char *at;
	struct kc_buf b = { 0 };
	int status;

	if (PQstatus(db->conn) != CONNECTION_OK)
		return lost(db, e);
	state_of(code, &status, &remedy);
	if (t != NULL)
		kc_buf_printf(&b, "table %s: ", t->shown);
	/* COPY stage, line 7, column price: "x" */
	if (context != NULL && (at = strstr(context, ", column ")) != NULL)
		kc_buf_printf(&b, "column %.300s: ", at + 9);
	else if (col != NULL)
		kc_buf_printf(&b, "column %s: ", col);
	kc_buf_puts(&b, msg != NULL ? msg : PQresultErrorMessage(r));
	if (detail != NULL)
		kc_buf_printf(&b, " (%.600s)", detail);
	if (remedy != NULL)
		kc_buf_printf(&b, "; %s", remedy);
	kc_fail(e, status, "%s", kc_buf_str(&b));
	kc_buf_release(&b);
	return -1;
}

/* ---- pipeline mode ---- */

/* Leaves pipeline mode; the first error of what was sent. */
static int
pg_drain(struct db *db, struct kc_err *e)
{
	struct own *own = db->own;
	PGresult *r;
	int rc = 0;

	if (own == NULL || db->conn == NULL ||
	    PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF)
		return 0;
	if (PQpipelineSync(db->conn) != 1)
		return lost(db, e);
	for (size_t i = 0; i < own->nsent;) {
		if ((r = PQgetResult(db->conn)) == NULL) {
			i++;
			if (PQstatus(db->conn) != CONNECTION_OK)
				return lost(db, e);
			continue;
		}
		ExecStatusType s = PQresultStatus(r);
		if (rc == 0 && s == PGRES_FATAL_ERROR)
			rc = failed(db, r,
			    own->sent[i] == NULL ? NULL : own->sent[i]->t, e);
		if (s == PGRES_COMMAND_OK)
			own->touched = atol(PQcmdTuples(r));
		PQclear(r);
		if (db->conn == NULL)
			return -1;
	}
	while ((r = PQgetResult(db->conn)) != NULL) /* the sync */
		PQclear(r);
	own->nsent = 0;
	if (PQexitPipelineMode(db->conn) != 1)
		return lost(db, e);
	return rc;
}

static int
pg_enter(struct db *db, struct kc_err *e)
{
	struct own *own = db->own;

	if (own->nsent == sizeof own->sent / sizeof *own->sent &&
	    pg_drain(db, e) != 0)
		return -1;
	if (PQpipelineStatus(db->conn) == PQ_PIPELINE_OFF &&
	    PQenterPipelineMode(db->conn) != 1)
		return lost(db, e);
	return 0;
}

static void
pg_sent(struct db *db, const struct shape *s)
{
	struct own *own = db->own;

	own->sent[own->nsent++] = s;
}

/* BEGIN waits for what follows it, COMMIT ends the round trip. */
static int
pg_exec(struct db *db, const char *sql, struct kc_err *e)
{
	bool begin = strcmp(sql, "BEGIN") == 0, piped;
	PGresult *r;
	int rc = 0;

	if (db->conn == NULL)
		return kc_fail(e, KC_TEMP, "%s: not connected", db->to->shown);
	piped = PQpipelineStatus(db->conn) != PQ_PIPELINE_OFF;
	if (begin || (piped && strcmp(sql, "COMMIT") == 0)) {
		if (pg_enter(db, e) != 0)
			return -1;
		if (PQsendQueryParams(db->conn, sql, 0, NULL, NULL, NULL, NULL,
			0) != 1)
			return lost(db, e);
		pg_sent(db, NULL);
		return begin ? 0 : pg_drain(db, e);
	}
	if (pg_drain(db, e) != 0)
		return -1;
	r = PQexec(db->conn, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK &&
	    PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = failed(db, r, NULL, e);
	else if (strcmp(sql, "COMMIT") == 0 &&
	    strcmp(PQcmdStatus(r), "COMMIT") != 0)
		rc = kc_fail(e, KC_TEMP, "%s: the transaction was rolled back",
		    db->to->shown);
	PQclear(r);
	return rc;
}

/* ---- connection ---- */

/* Waits until the connection stands or fails, at most ten seconds or so. */
static bool
establish(PGconn *c, int seconds)
{
	int64_t until = kc_mono_us() + seconds * 1000000LL, left;
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;

	while (s != PGRES_POLLING_OK && s != PGRES_POLLING_FAILED) {
		struct pollfd fd = { PQsocket(c),
			s == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0 };
		if ((left = until - kc_mono_us()) <= 0)
			return false;
		if (poll(&fd, 1, (int)(left / 1000 + 1)) > 0)
			s = PQconnectPoll(c);
	}
	return s == PGRES_POLLING_OK;
}

/* "FATAL:  28P01: password authentication …": its code, or NULL. */
static const char *
verbose_code(const char *msg, char code[6])
{
	for (const char *p = msg; (p = strstr(p, ":  ")) != NULL; p++)
		if (strlen(p) > 9 && p[8] == ':') {
			memcpy(code, p + 3, 5);
			code[5] = '\0';
			return code;
		}
	return NULL;
}

static int
refused(struct db *db, bool timeout, struct kc_err *e)
{
	char code[6];
	const char *msg = PQerrorMessage(db->conn), *remedy;
	int status;

	state_of(verbose_code(msg, code), &status, &remedy);
	if (PQconnectionNeedsPassword(db->conn))
		status = KC_USAGE;
	size_t n = strcspn(msg, "\n");
	kc_fail(e, status, "cannot connect to %s: %.*s%s%s", db->to->shown,
	    (int)n, msg, timeout && n == 0 ? "no answer" : "", "");
	if (remedy != NULL) {
		struct kc_err c = *e;
		kc_fail(e, status, "%s; %s", c.msg, remedy);
	} else if (status == KC_TEMP) {
		struct kc_err c = *e;
		kc_fail(e, status,
		    "%s; is the server up, and connection.url right?", c.msg);
	}
	pg_close(db);
	return -1;
}

static int
pg_connect(struct db *db, struct kc_err *e)
{
	struct pg_params w = { .n = 0 };
	const char *timeout = target_param(db->to, "connectTimeout");
	const char *schema = target_param(db->to, "currentSchema");
	struct kc_buf *b = &db->sql;

	pg_params(&w, db->to);
	db->own = kc_xcalloc(1, sizeof(struct own));
	db->conn = PQconnectStartParams(w.k, w.v, 1);
	if (PQstatus(db->conn) != CONNECTION_BAD)
		PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
	if (PQstatus(db->conn) == CONNECTION_BAD ||
	    !establish(db->conn,
		timeout != NULL && atoi(timeout) > 0 ? atoi(timeout) : 10))
		return refused(db, true, e);
	PQsetErrorVerbosity(db->conn, PQERRORS_DEFAULT);
	b->len = 0;
	kc_buf_lit(b,
	    "SET TimeZone='UTC'; SET DateStyle='ISO,YMD'; SET "
	    "client_min_messages=warning; SET standard_conforming_strings=on");
	if (schema != NULL) {
		kc_buf_lit(b, "; SET search_path=");
		kc_buf_puts(b, schema);
	}
	return pg_exec(db, kc_buf_str(b), e);
}

/* ---- the catalog ---- */

static const struct {
	const char *type;
	enum cls cls;
} classes[] = {
	{ "int2", CLS_INT },
	{ "int4", CLS_INT },
	{ "int8", CLS_INT },
	{ "oid", CLS_INT },
	{ "float4", CLS_FLOAT },
	{ "float8", CLS_FLOAT },
	{ "numeric", CLS_DECIMAL },
	{ "money", CLS_DECIMAL },
	{ "bool", CLS_BOOL },
	{ "text", CLS_TEXT },
	{ "varchar", CLS_TEXT },
	{ "bpchar", CLS_TEXT },
	{ "name", CLS_TEXT },
	{ "citext", CLS_TEXT },
	{ "bytea", CLS_BYTES },
	{ "date", CLS_DATE },
	{ "time", CLS_TIME },
	{ "timetz", CLS_TIME },
	{ "timestamp", CLS_TS },
	{ "timestamptz", CLS_TSTZ },
	{ "json", CLS_JSON },
	{ "jsonb", CLS_JSON },
	{ "bit", CLS_BITS },
	{ "varbit", CLS_BITS },
	{ "interval", CLS_INTERVAL },
	{ "point", CLS_POINT },
	{ "geometry", CLS_GEOMETRY },
	{ "geography", CLS_GEOMETRY },
};

static const char columns_sql[] =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typname, "
    "  t.typcategory, a.attnotnull, a.atthasdef, a.atttypmod, "
    "  coalesce(a.attnum = ANY(i.indkey), false) "
    "FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid "
    "JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype "
    "  ELSE d.oid END "
    "LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum";

static int
pg_describe(struct db *db, struct table *t, struct kc_err *e)
{
	const char *arg = t->quoted;
	PGresult *r = PQexecParams(db->conn, columns_sql, 1, NULL, &arg, NULL,
	    NULL, 0);
	int rc = 0;

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = failed(db, r, t, e);
	else
		t->exists = PQntuples(r) > 0;
	for (int i = 0; rc == 0 && i < PQntuples(r); i++) {
		struct column *c = table_add(t, kc_xstrdup(PQgetvalue(r, i, 0)),
		    kc_xstrdup(PQgetvalue(r, i, 1)));
		c->cls = CLS_OTHER;
		if (PQgetvalue(r, i, 3)[0] == 'A')
			c->cls = CLS_ARRAY;
		for (size_t k = 0; k < sizeof classes / sizeof *classes; k++)
			if (strcmp(classes[k].type, PQgetvalue(r, i, 2)) == 0)
				c->cls = classes[k].cls;
		c->notnull = PQgetvalue(r, i, 4)[0] == 't';
		c->defaulted = PQgetvalue(r, i, 5)[0] == 't';
		c->bits = c->cls == CLS_BITS ? atoi(PQgetvalue(r, i, 6)) : 0;
		c->pk = PQgetvalue(r, i, 7)[0] == 't';
	}
	PQclear(r);
	return rc;
}

static int
pg_query(struct db *db, const char *sql,
    void (*fn)(void *arg, struct kc_span a, struct kc_span b), void *arg,
    struct kc_err *e)
{
	PGresult *r = PQexec(db->conn, sql);
	int rc = 0;

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = failed(db, r, NULL, e);
	for (int i = 0; rc == 0 && i < PQntuples(r); i++)
		fn(arg,
		    (struct kc_span){ PQgetvalue(r, i, 0),
			(size_t)PQgetlength(r, i, 0) },
		    (struct kc_span){ PQgetvalue(r, i, 1),
			(size_t)PQgetlength(r, i, 1) });
	PQclear(r);
	return rc;
}

static void
pg_literal(struct db *db, struct kc_buf *b, struct kc_span s)
{
	(void)db; /* standard_conforming_strings is on */
	kc_buf_putc(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			kc_buf_putc(b, '\'');
		kc_buf_putc(b, s.p[i]);
	}
	kc_buf_putc(b, '\'');
}

/* ---- COPY ---- */

static int
copy_end(struct db *db, const struct table *t, struct kc_err *e)
{
	PGresult *r;
	int rc = 0;

	if (PQputCopyEnd(db->conn, NULL) != 1)
		return lost(db, e);
	while ((r = PQgetResult(db->conn)) != NULL) {
		if (rc == 0 && PQresultStatus(r) != PGRES_COMMAND_OK)
			rc = failed(db, r, t, e);
		PQclear(r);
		if (db->conn == NULL)
			return -1;
	}
	return rc;
}

/* The live rows of a group, or only one row. */
static int
copy_rows(struct db *db, struct work *w, struct phase *p, unsigned g,
    struct row *only, const char *into, struct kc_err *e)
{
	const struct shape *s = p->groups[g].shape;
	struct kc_buf *b = &db->sql;
	struct row *row = only;
	size_t i = 0;
	PGresult *r;

	b->len = 0;
	kc_buf_printf(b, "COPY %s (", into);
	sql_columns(db->d, b, s, "");
	kc_buf_lit(b, ") FROM STDIN");
	r = PQexec(db->conn, kc_buf_str(b));
	if (PQresultStatus(r) != PGRES_COPY_IN) {
		failed(db, r, s->t, e);
		PQclear(r);
		return -1;
	}
	PQclear(r);
	b = &db->text;
	b->len = 0;
	while (only != NULL ? row != NULL : (row = phase_next(p, &i, g)) != NULL) {
		sql_text_row(b, s, w->data.p + row->at, row->len, "\\\\x");
		if (only != NULL)
			row = NULL;
		if (b->len < CHUNK)
			continue;
		if (PQputCopyData(db->conn, b->p, (int)b->len) != 1)
			return copy_end(db, s->t, e) == 0 ? lost(db, e) : -1;
		b->len = 0;
	}
	if (b->len > 0 && PQputCopyData(db->conn, b->p, (int)b->len) != 1)
		return copy_end(db, s->t, e) == 0 ? lost(db, e) : -1;
	return copy_end(db, s->t, e);
}

/* ---- many rows ---- */

static int
run_sql(struct db *db, const struct table *t, struct kc_err *e)
{
	PGresult *r = PQexec(db->conn, kc_buf_str(&db->sql));
	int rc = 0;

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		rc = failed(db, r, t, e);
	PQclear(r);
	return rc;
}

/* The shape's staging table, empty. */
static int
stage(struct db *db, struct shape *s, const char *name, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;

	b->len = 0;
	if (s->session[ST_STAGE] == db->stages) {
		kc_buf_printf(b, "TRUNCATE %s", name);
		return run_sql(db, s->t, e);
	}
	kc_buf_printf(b,
	    "CREATE TEMPORARY TABLE IF NOT EXISTS %s ON COMMIT DELETE "
	    "ROWS AS SELECT ",
	    name);
	sql_columns(db->d, b, s, "");
	kc_buf_printf(b, " FROM %s WITH NO DATA", s->t->quoted);
	if (run_sql(db, s->t, e) != 0)
		return -1;
	s->session[ST_STAGE] = db->stages;
	return 0;
}

static void
put_set(struct db *db, struct kc_buf *b, const struct shape *s)
{
	for (size_t i = s->nkeys; i < s->n; i++) {
		kc_buf_puts(b, i == s->nkeys ? "" : ", ");
		put_name(db->d, b, s->t->cols[s->cols[i]].name);
		kc_buf_lit(b, " = s.");
		put_name(db->d, b, s->t->cols[s->cols[i]].name);
	}
}

/* INSERT alone would ask for the columns that the source did not send. */
static void
put_merge(struct db *db, struct kc_buf *b, const struct shape *s, const char *name)
{
	bool update = s->partial || db->o->insert == MODE_UPDATE;

	if (update && s->n > s->nkeys) {
		kc_buf_printf(b, "UPDATE %s AS t SET ", s->t->quoted);
		put_set(db, b, s);
		kc_buf_printf(b, " FROM %s AS s WHERE ", name);
		sql_keys_equal(db->d, b, s, "t.", "s.");
		kc_buf_lit(b, ";");
	}
	if (db->o->insert == MODE_UPDATE)
		return;
	kc_buf_printf(b, "INSERT INTO %s (", s->t->quoted);
	sql_columns(db->d, b, s, "");
	kc_buf_lit(b, ") SELECT ");
	sql_columns(db->d, b, s, "s.");
	kc_buf_printf(b, " FROM %s AS s", name);
	if (update) {
		kc_buf_printf(b, " WHERE NOT EXISTS (SELECT FROM %s AS t WHERE ",
		    s->t->quoted);
		sql_keys_equal(db->d, b, s, "t.", "s.");
		kc_buf_lit(b, ")");
	} else {
		sql_conflict(db->d, b, s);
	}
}

static int
pg_bulk(struct db *db, struct work *w, struct phase *p, unsigned g,
    struct kc_err *e)
{
	struct group *gr = &p->groups[g];
	struct shape *s = gr->shape;
	char name[40];

	if (pg_drain(db, e) != 0)
		return -1;
	if (gr->kind == ROW_PUT && (db->o->insert == MODE_INSERT || s->nkeys == 0))
		return copy_rows(db, w, p, g, NULL, s->t->quoted, e);
	snprintf(name, sizeof name, "kc_stage_%u", s->id);
	if (stage(db, s, name, e) != 0 ||
	    copy_rows(db, w, p, g, NULL, name, e) != 0)
		return -1;
	db->sql.len = 0;
	if (gr->kind == ROW_DELETE) {
		kc_buf_printf(&db->sql,
		    "DELETE FROM %s AS t USING %s AS s WHERE ", s->t->quoted,
		    name);
		sql_keys_equal(db->d, &db->sql, s, "t.", "s.");
	} else {
		put_merge(db, &db->sql, s, name);
	}
	return db->sql.len == 0 ? 0 : run_sql(db, s->t, e);
}

/* ---- one row ---- */

static void
put_args_of(struct own *own, const struct shape *s, const char *p)
{
	if (own->cap < s->n) {
		own->cap = s->n;
		own->val = kc_xrealloc(own->val, s->n * sizeof *own->val);
		own->len = kc_xrealloc(own->len, s->n * sizeof *own->len);
		own->format = kc_xrealloc(own->format,
		    s->n * sizeof *own->format);
	}
	for (size_t i = 0; i < s->n; i++) {
		struct kc_span v = row_value(&p);
		own->val[i] = v.p;
		own->len[i] = (int)v.n;
		own->format[i] = s->t->cols[s->cols[i]].cls == CLS_BYTES;
	}
}

/* Sends one row's statement into the pipeline, prepared at its first use. */
static int
send_row(struct db *db, struct shape *s, enum stmt st, const char *row,
    struct kc_err *e)
{
	struct own *own = db->own;
	char name[40];

	snprintf(name, sizeof name, "kc_%u_%d", s->id, (int)st);
	if (pg_enter(db, e) != 0)
		return -1;
	if (s->session[st] != db->session) {
		db->sql.len = 0;
		sql_statement(db, &db->sql, s, st);
		if (PQsendPrepare(db->conn, name, kc_buf_str(&db->sql), 0,
			NULL) != 1)
			return lost(db, e);
		pg_sent(db, s);
		s->session[st] = db->session;
		if (pg_enter(db, e) != 0)
			return -1;
	}
	put_args_of(own, s, row);
	if (PQsendQueryPrepared(db->conn, name, (int)s->n, own->val, own->len,
		own->format, 0) != 1)
		return lost(db, e);
	pg_sent(db, s);
	return 0;
}

static int
pg_one(struct db *db, struct work *w, struct phase *p, struct row *r,
    struct kc_err *e)
{
	const struct group *g = &p->groups[r->group];
	struct own *own = db->own;
	struct shape *s = g->shape;
	const char *row = w->data.p + r->at;

	if (g->kind == ROW_TRUNCATE) {
		db->sql.len = 0;
		kc_buf_printf(&db->sql, "TRUNCATE %s", s->t->quoted);
		return pg_exec(db, kc_buf_str(&db->sql), e);
	}
	if (g->kind == ROW_DELETE)
		return send_row(db, s, ST_DELETE, row, e);
	if (!s->partial || db->o->insert != MODE_UPSERT || s->n == s->nkeys)
		return send_row(db, s, ST_PUT, row, e);
	own->touched = 1;
	if (send_row(db, s, ST_PUT, row, e) != 0 || pg_drain(db, e) != 0)
		return -1;
	return own->touched > 0 ? 0 : send_row(db, s, ST_INSERT, row, e);
}

/* COPY's errors name the column. */
static int
pg_explain(struct db *db, struct work *w, struct phase *p, struct row *r,
    struct kc_err *e)
{
	struct shape *s = p->groups[r->group].shape;
	char name[40];

	snprintf(name, sizeof name, "kc_stage_%u", s->id);
	if (s->n == 0)
		return 0;
	db->stages++;
	if (stage(db, s, name, e) != 0)
		return -1;
	db->stages++;
	return copy_rows(db, w, p, r->group, r, name, e);
}

const struct dialect dialect_pg = {
	.name = "PostgreSQL",
	.id = 0,
	.begin = "BEGIN",
	.quote = '"',
	.fold_lower = true,
	.connect = pg_connect,
	.close = pg_close,
	.exec = pg_exec,
	.describe = pg_describe,
	.bulk = pg_bulk,
	.flush = pg_drain,
	.explain = pg_explain,
	.one = pg_one,
	.query = pg_query,
	.literal = pg_literal,
	.few = 20,
};

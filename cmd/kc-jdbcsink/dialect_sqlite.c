/* SQLite: prepared statements, row by row, in one transaction. */
/* needs: sqlite3 */
#include <sqlite3.h>
#include <stdlib.h>
#include <strings.h>

#include "jdbc.h"

static const struct {
	int code;
	int status;
	const char *remedy;
} codes[] = {
	{ SQLITE_BUSY, KC_TEMP, "another process holds the database" },
	{ SQLITE_LOCKED, KC_TEMP, "another process holds the table" },
	{ SQLITE_FULL, KC_IO, "free space, or raise PRAGMA max_page_count" },
	{ SQLITE_IOERR, KC_IO, "see the disk and its free space" },
	{ SQLITE_CANTOPEN, KC_IO,
	    "see the path of connection.url and its folder" },
	{ SQLITE_READONLY, KC_IO, "the file and its folder must be writable" },
	{ SQLITE_PERM, KC_IO, "the file and its folder must be writable" },
	{ SQLITE_CORRUPT, KC_IO, "restore the file" },
	{ SQLITE_NOTADB, KC_IO, "the file is no SQLite database" },
	{ SQLITE_CONSTRAINT, KC_DATA, "the row breaks a constraint of the table" },
	{ SQLITE_MISMATCH, KC_DATA, "the value does not fit its column" },
	{ SQLITE_TOOBIG, KC_DATA, "the row is larger than the database takes" },
	{ SQLITE_NOMEM, KC_TEMP, "out of memory" },
};

static int
failed(struct db *db, const struct table *t, struct kc_err *e)
{
	int code = sqlite3_extended_errcode(db->conn), status = KC_USAGE;
	const char *remedy = "see the message";

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == (code & 0xff)) {
			status = codes[i].status;
			remedy = codes[i].remedy;
		}
	if (code == SQLITE_CONSTRAINT_NOTNULL)
		remedy = "the column is NOT NULL and the record has no value for it";
	else if (code == SQLITE_CONSTRAINT_PRIMARYKEY ||
	    code == SQLITE_CONSTRAINT_UNIQUE)
		remedy = "the row is there already; insert.mode=upsert replaces it";
	return kc_fail(e, status, "%s%s%s: %s; %s", t == NULL ? "" : "table ",
	    t == NULL ? db->to->shown : t->shown, "", sqlite3_errmsg(db->conn),
	    remedy);
}

static void
lite_close(struct db *db)
{
	sqlite3_stmt *s;

	while ((s = sqlite3_next_stmt(db->conn, NULL)) != NULL)
		sqlite3_finalize(s);
	sqlite3_close(db->conn);
	db->conn = NULL;
}

static int
lite_connect(struct db *db, struct kc_err *e)
{
	const char *wait = target_param(db->to, "busy_timeout");
	sqlite3 *c;
	int rc = sqlite3_open_v2(db->to->db, &c,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL);

	db->conn = c;
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(c, wait != NULL ? atoi(wait) : 5000);
	/* The file is not read before the first statement. */
	if (rc == SQLITE_OK &&
	    sqlite3_exec(c, "SELECT count(*) FROM sqlite_schema", NULL, NULL,
		NULL) == SQLITE_OK)
		return 0;
	failed(db, NULL, e);
	lite_close(db);
	return -1;
}

static int
lite_exec(struct db *db, const char *sql, struct kc_err *e)
{
	if (db->conn == NULL)
		return kc_fail(e, KC_TEMP, "%s: not open", db->to->shown);
	if (sqlite3_exec(db->conn, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, NULL, e);
	return 0;
}

/* What a declared type holds, by the words SQLite and people use. */
static const struct {
	const char *word;
	enum cls cls;
} classes[] = {
	{ "TIMESTAMPTZ", CLS_TSTZ },
	{ "TIMESTAMP", CLS_TS },
	{ "DATETIME", CLS_TS },
	{ "DATE", CLS_DATE },
	{ "TIME", CLS_TIME },
	{ "BOOL", CLS_BOOL },
	{ "DECIMAL", CLS_DECIMAL },
	{ "NUMERIC", CLS_DECIMAL },
	{ "INT", CLS_INT },
	{ "CHAR", CLS_TEXT },
	{ "CLOB", CLS_TEXT },
	{ "TEXT", CLS_TEXT },
	{ "JSON", CLS_JSON },
	{ "BLOB", CLS_BYTES },
	{ "BINARY", CLS_BYTES },
	{ "REAL", CLS_FLOAT },
	{ "FLOA", CLS_FLOAT },
	{ "DOUB", CLS_FLOAT },
};

static enum cls
class_of(const char *type)
{
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strcasestr(type, classes[i].word) != NULL)
			return classes[i].cls;
	return CLS_OTHER;
}

static const char *
column_text(sqlite3_stmt *s, int i)
{
	const char *v = (const char *)sqlite3_column_text(s, i);

	return v == NULL ? "" : v;
}

static int
lite_describe(struct db *db, struct table *t, struct kc_err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (sqlite3_prepare_v2(db->conn,
		"SELECT name, type, \"notnull\", dflt_value, "
		"pk FROM pragma_table_info(?1)",
		-1, &s, NULL) != SQLITE_OK)
		return failed(db, t, e);
	sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
	t->exists = false;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct column *c = table_add(t, kc_xstrdup(column_text(s, 0)),
		    kc_xstrdup(column_text(s, 1)));
		c->cls = class_of(c->type);
		c->notnull = sqlite3_column_int(s, 2) != 0;
		c->defaulted = sqlite3_column_type(s, 3) != SQLITE_NULL;
		c->pk = sqlite3_column_int(s, 4) != 0;
		t->exists = true;
	}
	rc = rc == SQLITE_DONE ? 0 : failed(db, t, e);
	sqlite3_finalize(s);
	return rc;
}

static int
lite_query(struct db *db, const char *sql,
    void (*fn)(void *arg, struct kc_span a, struct kc_span b), void *arg,
    struct kc_err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (sqlite3_prepare_v2(db->conn, sql, -1, &s, NULL) != SQLITE_OK)
		return failed(db, NULL, e);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *a = column_text(s, 0), *b = column_text(s, 1);
		fn(arg, (struct kc_span){ a, strlen(a) },
		    (struct kc_span){ b, strlen(b) });
	}
	rc = rc == SQLITE_DONE ? 0 : failed(db, NULL, e);
	sqlite3_finalize(s);
	return rc;
}

static void
lite_literal(struct db *db, struct kc_buf *b, struct kc_span s)
{
	(void)db;
	kc_buf_putc(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			kc_buf_putc(b, '\'');
		kc_buf_putc(b, s.p[i]);
	}
	kc_buf_putc(b, '\'');
}

static void
bind(sqlite3_stmt *st, const struct shape *s, const char *p)
{
	for (size_t i = 0; i < s->n; i++) {
		struct kc_span v = row_value(&p);
		int at = (int)i + 1;
		if (v.p == NULL)
			sqlite3_bind_null(st, at);
		else if (s->t->cols[s->cols[i]].cls == CLS_BYTES)
			sqlite3_bind_blob64(st, at, v.p, v.n, SQLITE_STATIC);
		else
			sqlite3_bind_text64(st, at, v.p, v.n, SQLITE_STATIC,
			    SQLITE_UTF8);
	}
}

static int
run_row(struct db *db, struct shape *s, enum stmt st, const char *row,
    struct kc_err *e)
{
	sqlite3_stmt *q;

	if (s->session[st] != db->session) {
		db->sql.len = 0;
		sql_statement(db, &db->sql, s, st);
		if (sqlite3_prepare_v3(db->conn, kc_buf_str(&db->sql), -1,
			SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK)
			return failed(db, s->t, e);
		s->stmt[st] = q;
		s->session[st] = db->session;
	}
	q = s->stmt[st];
	bind(q, s, row);
	int rc = sqlite3_step(q) == SQLITE_DONE ? 0 : failed(db, s->t, e);
	sqlite3_reset(q);
	return rc;
}

static int
lite_one(struct db *db, struct work *w, struct phase *p, struct row *r,
    struct kc_err *e)
{
	const struct group *g = &p->groups[r->group];
	struct shape *s = g->shape;
	const char *row = w->data.p + r->at;

	if (g->kind == ROW_TRUNCATE) {
		db->sql.len = 0;
		kc_buf_printf(&db->sql, "DELETE FROM %s", s->t->quoted);
		return lite_exec(db, kc_buf_str(&db->sql), e);
	}
	if (run_row(db, s, g->kind == ROW_DELETE ? ST_DELETE : ST_PUT, row, e) !=
	    0)
		return -1;
	if (g->kind == ROW_DELETE || !s->partial || s->n == s->nkeys ||
	    db->o->insert != MODE_UPSERT || sqlite3_changes(db->conn) > 0)
		return 0;
	return run_row(db, s, ST_INSERT, row, e);
}

const struct dialect dialect_sqlite = {
	.name = "SQLite",
	.id = 2,
	.begin = "BEGIN IMMEDIATE",
	.quote = '"',
	.connect = lite_connect,
	.close = lite_close,
	.exec = lite_exec,
	.describe = lite_describe,
	.one = lite_one,
	.query = lite_query,
	.literal = lite_literal,
	.few = SIZE_MAX,
};

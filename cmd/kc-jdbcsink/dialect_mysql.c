/*
 * MySQL and MariaDB. Many rows: LOAD DATA LOCAL INFILE, fed from memory, into
 * a temporary staging table, then one INSERT … ON DUPLICATE KEY UPDATE: one
 * and a half times as fast as statements of many rows, which are the way where
 * the server has local_infile off, for few rows, and when loading warned.
 */
/* needs: mysqlclient */
#include <errmsg.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "jdbc.h"
#include "mysql_value.h"
#include "num.h"

#define STATEMENT_MAX (1024 * 1024)
#define FEW_KEYS 1000 /* of a DELETE */

#define LOAD_MIN 200 /* rows that are worth a staging table */

struct own {
	size_t packet; /* @@max_allowed_packet */
	bool infile;   /* @@local_infile */
	/* what LOAD DATA reads */
	struct work *w;
	struct phase *p;
	unsigned g;
	size_t next, at; /* row; byte of text */
	struct kc_buf text;
};

static const struct {
	unsigned code;
	int status;
	const char *remedy;
} codes[] = {
	{ 1044, KC_USAGE, "GRANT the user of connection.user the database" },
	{ 1045, KC_USAGE, "see connection.user and connection.password" },
	{ 1698, KC_USAGE, "see connection.user and connection.password" },
	{ 1049, KC_USAGE, "CREATE DATABASE, or see connection.url" },
	{ 1142, KC_USAGE, "GRANT the user of connection.user what is missing" },
	{ 1143, KC_USAGE, "GRANT the user of connection.user what is missing" },
	{ 1146, KC_DATA, "create the table, or set auto.create=true" },
	{ 1054, KC_DATA, "ALTER TABLE … ADD COLUMN, or set auto.evolve=true" },
	{ 1048, KC_DATA,
	    "the column is NOT NULL and the record has no value for it" },
	{ 1364, KC_DATA,
	    "the column is NOT NULL and the record has no value for it" },
	{ 1062, KC_DATA,
	    "the row is there already; insert.mode=upsert replaces it" },
	{ 1406, KC_DATA, "the value is longer than its column" },
	{ 1118, KC_DATA, "the row is larger than the database takes" },
	{ 1153, KC_DATA, "raise the server's max_allowed_packet" },
	{ 1264, KC_DATA, "the value does not fit its column" },
	{ 1265, KC_DATA, "the value does not fit its column" },
	{ 1292, KC_DATA, "the value does not fit its column" },
	{ 1366, KC_DATA, "the value does not fit its column" },
	{ 1367, KC_DATA, "the value does not fit its column" },
	{ 1416, KC_DATA, "the value does not fit its column" },
	{ 3140, KC_DATA, "the value is not JSON" },
	{ 4025, KC_DATA, "the row breaks a constraint of the table" },
	{ 3819, KC_DATA, "the row breaks a constraint of the table" },
	{ 1451, KC_DATA, "the row breaks a foreign key" },
	{ 1452, KC_DATA, "the row breaks a foreign key" },
	{ 1290, KC_TEMP, "the server is read-only" },
	{ 1836, KC_TEMP, "the server is read-only" },
};

static void
my_close(struct db *db)
{
	struct own *own = db->own;

	mysql_close(db->conn);
	db->conn = NULL;
	if (own != NULL)
		kc_buf_release(&own->text);
	free(own);
	db->own = NULL;
}

/* Errors of the client, and those after which the server hangs up. */
static bool
is_lost(unsigned code)
{
	return (code >= 2000 && code < 3000) || code == 1053 || code == 1927 ||
	    code == 1152 || code == 1158 || code == 1159 || code == 1160 ||
	    code == 1161 || code == 3169 || code == 4031;
}

static int
failed(struct db *db, const struct table *t, struct kc_err *e)
{
	unsigned code = mysql_errno(db->conn);
	const char *state = mysql_sqlstate(db->conn), *remedy = NULL;
	int status = KC_TEMP;

	if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0)
		status = KC_DATA;
	else if (strncmp(state, "42", 2) == 0)
		status = KC_USAGE;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code) {
			status = codes[i].status;
			remedy = codes[i].remedy;
		}
	kc_fail(e, status, "%s%s: %s (%u)%s%s", t == NULL ? "" : "table ",
	    t == NULL ? db->to->shown : t->shown, mysql_error(db->conn), code,
	    remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
	if (is_lost(code))
		my_close(db);
	return -1;
}

static int
run_sql(struct db *db, const struct table *t, struct kc_err *e)
{
	if (mysql_real_query(db->conn, db->sql.p, db->sql.len) != 0)
		return failed(db, t, e);
	return 0;
}

static int
my_exec(struct db *db, const char *sql, struct kc_err *e)
{
	if (db->conn == NULL)
		return kc_fail(e, KC_TEMP, "%s: not connected", db->to->shown);
	if (mysql_real_query(db->conn, sql, strlen(sql)) != 0)
		return failed(db, NULL, e);
	return 0;
}

static int
my_query(struct db *db, const char *sql,
    void (*fn)(void *arg, struct kc_span a, struct kc_span b), void *arg,
    struct kc_err *e)
{
	MYSQL_RES *r;
	MYSQL_ROW row;

	if (my_exec(db, sql, e) != 0)
		return -1;
	if ((r = mysql_store_result(db->conn)) == NULL)
		return failed(db, NULL, e);
	while ((row = mysql_fetch_row(r)) != NULL) {
		unsigned long *n = mysql_fetch_lengths(r);
		fn(arg, (struct kc_span){ row[0], n[0] },
		    (struct kc_span){ row[1], n[1] });
	}
	mysql_free_result(r);
	return 0;
}

static void
take_packet(void *arg, struct kc_span a, struct kc_span b)
{
	struct own *own = arg;
	int64_t n;

	own->infile = kc_span_is(b, "1");
	if (kc_parse_i64(a, &n) && n > 0)
		own->packet = (size_t)n;
}

/* LOAD DATA LOCAL's source: whatever file is asked for, it gets our rows. */
static int
infile_open(void **ptr, const char *name, void *arg)
{
	(void)name;
	*ptr = arg;
	return 0;
}

static int
infile_read(void *ptr, char *to, unsigned room)
{
	struct own *own = ptr;
	struct kc_buf *b = &own->text;
	struct row *r;

	if (own->at == b->len) {
		own->at = b->len = 0;
		while (b->len < 256 * 1024 &&
		    (r = phase_next(own->p, &own->next, own->g)) != NULL)
			sql_text_row(b, own->p->groups[own->g].shape,
			    own->w->data.p + r->at, r->len, "");
	}
	size_t n = b->len - own->at < room ? b->len - own->at : room;
	memcpy(to, b->p + own->at, n);
	own->at += n;
	return (int)n;
}

static void
infile_close(void *ptr)
{
	(void)ptr;
}

static int
infile_error(void *ptr, char *msg, unsigned room)
{
	(void)ptr;
	snprintf(msg, room, "reading rows failed");
	return CR_UNKNOWN_ERROR;
}

/* sslMode of both drivers, and the older useSSL and requireSSL. */
static void
set_ssl(MYSQL *c, const struct target *t)
{
	const char *mode = target_param(t, "sslMode");
	const char *ca = target_param(t, "serverSslCert");
	my_bool yes = 1;

	if (mode == NULL)
		mode = target_param(t, "useSSL");
	if (mode == NULL)
		mode = target_param(t, "requireSSL");
	if (ca != NULL)
		mysql_options(c, MYSQL_OPT_SSL_CA, ca);
	if (mode == NULL || strcasecmp(mode, "disable") == 0 ||
	    strcasecmp(mode, "disabled") == 0 ||
	    strcasecmp(mode, "false") == 0 || strcasecmp(mode, "preferred") == 0)
		return;
	mysql_options(c, MYSQL_OPT_SSL_ENFORCE, &yes);
	if (strncasecmp(mode, "verify", 6) == 0)
		mysql_options(c, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

static int
my_connect(struct db *db, struct kc_err *e)
{
	const struct target *t = db->to;
	const char *ms = target_param(t, "connectTimeout");
	const char *user = t->user != NULL ? t->user : target_param(t, "user");
	const char *password = t->password != NULL ? t->password :
						     target_param(t, "password");
	unsigned seconds = ms != NULL && atoi(ms) > 0 ?
	    (unsigned)(atoi(ms) + 999) / 1000 :
	    10;
	MYSQL *c = db->conn = mysql_init(NULL);
	unsigned yes = 1;

	db->own = kc_xcalloc(1, sizeof(struct own));
	((struct own *)db->own)->packet = STATEMENT_MAX;
	mysql_options(c, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(c, MYSQL_OPT_LOCAL_INFILE, &yes);
	mysql_set_local_infile_handler(c, infile_open, infile_read,
	    infile_close, infile_error, db->own);
	set_ssl(c, t);
	if (mysql_real_connect(c, t->host != NULL ? t->host : "localhost", user,
		password, t->db, t->port != NULL ? (unsigned)atoi(t->port) : 3306,
		target_param(t, "localSocket"), CLIENT_FOUND_ROWS) == NULL) {
		failed(db, NULL, e);
		if (db->conn != NULL)
			my_close(db);
		return kc_fail_in(e, "cannot connect to ");
	}
	if (my_exec(db,
		"SET time_zone='+00:00', sql_mode='STRICT_ALL_TABLES,"
		"NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'",
		e) != 0)
		return -1;
	return my_query(db, "SELECT @@max_allowed_packet, @@local_infile",
	    take_packet, db->own, e);
}

static const struct {
	const char *type;
	enum cls cls;
} classes[] = {
	{ "tinyint", CLS_BOOL },
	{ "smallint", CLS_INT },
	{ "mediumint", CLS_INT },
	{ "int", CLS_INT },
	{ "bigint", CLS_INT },
	{ "year", CLS_INT },
	{ "float", CLS_FLOAT },
	{ "double", CLS_FLOAT },
	{ "decimal", CLS_DECIMAL },
	{ "char", CLS_TEXT },
	{ "varchar", CLS_TEXT },
	{ "tinytext", CLS_TEXT },
	{ "text", CLS_TEXT },
	{ "mediumtext", CLS_TEXT },
	{ "longtext", CLS_TEXT },
	{ "enum", CLS_TEXT },
	{ "set", CLS_TEXT },
	{ "binary", CLS_BYTES },
	{ "varbinary", CLS_BYTES },
	{ "tinyblob", CLS_BYTES },
	{ "blob", CLS_BYTES },
	{ "mediumblob", CLS_BYTES },
	{ "longblob", CLS_BYTES },
	{ "date", CLS_DATE },
	{ "time", CLS_TIME },
	{ "datetime", CLS_TS },
	{ "timestamp", CLS_TSTZ },
	{ "json", CLS_JSON },
	{ "bit", CLS_BITS },
	{ "geometry", CLS_GEOMETRY },
	{ "point", CLS_GEOMETRY },
	{ "linestring", CLS_GEOMETRY },
	{ "polygon", CLS_GEOMETRY },
	{ "multipoint", CLS_GEOMETRY },
	{ "multilinestring", CLS_GEOMETRY },
	{ "multipolygon", CLS_GEOMETRY },
	{ "geometrycollection", CLS_GEOMETRY },
	{ "geomcollection", CLS_GEOMETRY },
};

static int
my_describe(struct db *db, struct table *t, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;
	MYSQL_RES *r;
	MYSQL_ROW row;

	b->len = 0;
	kc_buf_lit(b,
	    "SELECT column_name, column_type, data_type, is_nullable, "
	    "column_default, column_key, numeric_precision FROM "
	    "information_schema.columns WHERE table_schema = ");
	if (t->schema != NULL)
		my_literal(db, b,
		    (struct kc_span){ t->schema, strlen(t->schema) });
	else
		kc_buf_lit(b, "database()");
	kc_buf_lit(b, " AND table_name = ");
	my_literal(db, b, (struct kc_span){ t->name, strlen(t->name) });
	kc_buf_lit(b, " ORDER BY ordinal_position");
	if (run_sql(db, t, e) != 0)
		return -1;
	if ((r = mysql_store_result(db->conn)) == NULL)
		return failed(db, t, e);
	t->exists = mysql_num_rows(r) > 0;
	while ((row = mysql_fetch_row(r)) != NULL) {
		struct column *c = table_add(t, kc_xstrdup(row[0]),
		    kc_xstrdup(row[1]));
		c->cls = CLS_OTHER;
		for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
			if (strcmp(row[2], classes[i].type) == 0)
				c->cls = classes[i].cls;
		c->notnull = strcmp(row[3], "NO") == 0;
		c->defaulted = row[4] != NULL;
		c->pk = strcmp(row[5], "PRI") == 0;
		c->bits = row[6] != NULL ? atoi(row[6]) : 0;
	}
	mysql_free_result(r);
	return 0;
}

static void
put_tuple(struct db *db, struct kc_buf *b, const struct shape *s, const char *p,
    size_t n)
{
	kc_buf_putc(b, '(');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			kc_buf_putc(b, ',');
		my_put_value(db, b, &s->t->cols[s->cols[i]], row_value(&p));
	}
	kc_buf_putc(b, ')');
}

static void
put_head(struct db *db, struct kc_buf *b, const struct shape *s)
{
	b->len = 0;
	kc_buf_printf(b, "INSERT INTO %s (", s->t->quoted);
	sql_columns(db->d, b, s, "");
	kc_buf_lit(b, ") VALUES ");
}

/* With only keys there is nothing to change: the first is set to itself. */
static void
put_duplicate(struct db *db, struct kc_buf *b, const struct shape *s)
{
	bool keys = s->n == s->nkeys;

	kc_buf_lit(b, " ON DUPLICATE KEY UPDATE ");
	for (size_t i = keys ? 0 : s->nkeys; i < (keys ? 1 : s->n); i++) {
		const char *name = s->t->cols[s->cols[i]].name;
		kc_buf_puts(b, i == (keys ? 0 : s->nkeys) ? "" : ",");
		put_name(db->d, b, name);
		kc_buf_lit(b, "=VALUES(");
		put_name(db->d, b, name);
		kc_buf_lit(b, ")");
	}
}

static int
finish(struct db *db, const struct shape *s, bool upsert, struct kc_err *e)
{
	const struct own *own = db->own;

	if (upsert)
		put_duplicate(db, &db->sql, s);
	if (db->sql.len >= own->packet)
		return kc_fail(e, KC_DATA,
		    "table %s: a row of %zu bytes; the server's "
		    "max_allowed_packet is %zu, raise it",
		    s->t->shown, db->sql.len, own->packet);
	return run_sql(db, s->t, e);
}

static void
put_where(struct db *db, struct kc_buf *b, const struct shape *s, const char *p)
{
	for (size_t i = 0; i < s->nkeys; i++) {
		const struct column *c = &s->t->cols[s->cols[i]];
		kc_buf_puts(b, i == 0 ? "" : " AND ");
		put_name(db->d, b, c->name);
		kc_buf_lit(b, " = ");
		my_put_value(db, b, c, row_value(&p));
	}
}

/* UPDATE; *found: rows with that key. */
static int
update_row(struct db *db, const struct shape *s, const char *row, bool *found,
    struct kc_err *e)
{
	struct kc_buf *b = &db->sql;
	const char *p = row;

	b->len = 0;
	kc_buf_printf(b, "UPDATE %s SET ", s->t->quoted);
	for (size_t i = 0; i < s->n; i++) {
		struct kc_span v = row_value(&p);
		if (i < s->nkeys)
			continue;
		kc_buf_puts(b, i == s->nkeys ? "" : ", ");
		put_name(db->d, b, s->t->cols[s->cols[i]].name);
		kc_buf_lit(b, " = ");
		my_put_value(db, b, &s->t->cols[s->cols[i]], v);
	}
	kc_buf_lit(b, " WHERE ");
	put_where(db, b, s, row);
	if (finish(db, s, false, e) != 0)
		return -1;
	*found = mysql_affected_rows(db->conn) > 0;
	return 0;
}

static int
put_one(struct db *db, const struct shape *s, const char *row, struct kc_err *e)
{
	bool update = s->nkeys > 0 && s->n > s->nkeys &&
	    (db->o->insert == MODE_UPDATE ||
		(s->partial && db->o->insert == MODE_UPSERT));
	bool found = false;

	if (update) {
		if (update_row(db, s, row, &found, e) != 0)
			return -1;
		if (found || db->o->insert == MODE_UPDATE)
			return 0;
	}
	put_head(db, &db->sql, s);
	put_tuple(db, &db->sql, s, row, s->n);
	return finish(db, s,
	    db->o->insert == MODE_UPSERT && s->nkeys > 0 && !update, e);
}

static int
my_one(struct db *db, struct work *w, struct phase *p, struct row *r,
    struct kc_err *e)
{
	const struct group *g = &p->groups[r->group];
	const struct shape *s = g->shape;
	const char *row = w->data.p + r->at;

	if (g->kind == ROW_PUT)
		return put_one(db, s, row, e);
	db->sql.len = 0;
	/* TRUNCATE would end the transaction. */
	kc_buf_printf(&db->sql, "DELETE FROM %s", s->t->quoted);
	if (g->kind == ROW_DELETE) {
		kc_buf_lit(&db->sql, " WHERE ");
		put_where(db, &db->sql, s, row);
	}
	return run_sql(db, s->t, e);
}

static int
delete_many(struct db *db, struct work *w, struct phase *p, unsigned g,
    struct kc_err *e)
{
	const struct shape *s = p->groups[g].shape;
	struct kc_buf *b = &db->sql;
	size_t i = 0, n = 0;
	struct row *r;

	b->len = 0;
	while ((r = phase_next(p, &i, g)) != NULL) {
		if (n == 0) {
			b->len = 0;
			kc_buf_printf(b, "DELETE FROM %s WHERE ", s->t->quoted);
		}
		kc_buf_puts(b, n++ == 0 ? "(" : " OR (");
		put_where(db, b, s, w->data.p + r->at);
		kc_buf_putc(b, ')');
		if (n < FEW_KEYS)
			continue;
		if (run_sql(db, s->t, e) != 0)
			return -1;
		n = 0;
	}
	return n == 0 ? 0 : run_sql(db, s->t, e);
}

/* How a column is read from the text. */
static void
put_load_columns(struct db *db, struct kc_buf *b, const struct shape *s)
{
	bool set = false;

	kc_buf_lit(b, " (");
	for (size_t i = 0; i < s->n; i++) {
		const struct column *c = &s->t->cols[s->cols[i]];
		kc_buf_puts(b, i == 0 ? "" : ", ");
		if (c->cls == CLS_BYTES || c->cls == CLS_GEOMETRY ||
		    c->cls == CLS_BITS)
			kc_buf_printf(b, "@v%zu", i);
		else
			put_name(db->d, b, c->name);
	}
	kc_buf_lit(b, ")");
	for (size_t i = 0; i < s->n; i++) {
		const struct column *c = &s->t->cols[s->cols[i]];
		if (c->cls != CLS_BYTES && c->cls != CLS_GEOMETRY &&
		    c->cls != CLS_BITS)
			continue;
		kc_buf_puts(b, set ? ", " : " SET ");
		set = true;
		put_name(db->d, b, c->name);
		kc_buf_printf(b,
		    c->cls == CLS_BITS ? " = CAST(@v%zu AS UNSIGNED)" :
					 " = UNHEX(@v%zu)",
		    i);
	}
}

/* Rows of a group into kc_stage; 1: some did not fit, 0, -1. */
static int
load(struct db *db, struct work *w, struct phase *p, unsigned g, struct kc_err *e)
{
	const struct shape *s = p->groups[g].shape;
	struct own *own = db->own;
	struct kc_buf *b = &db->sql;

	own->w = w;
	own->p = p;
	own->g = g;
	own->next = own->at = own->text.len = 0;
	if (my_exec(db, "DROP TEMPORARY TABLE IF EXISTS kc_stage", e) != 0)
		return -1;
	b->len = 0;
	kc_buf_lit(b, "CREATE TEMPORARY TABLE kc_stage AS SELECT ");
	sql_columns(db->d, b, s, "");
	kc_buf_printf(b, " FROM %s LIMIT 0", s->t->quoted);
	if (run_sql(db, s->t, e) != 0)
		return -1;
	b->len = 0;
	kc_buf_lit(b,
	    "LOAD DATA LOCAL INFILE 'kc' INTO TABLE kc_stage "
	    "CHARACTER SET utf8mb4");
	put_load_columns(db, b, s);
	if (run_sql(db, s->t, e) != 0)
		return -1;
	return mysql_warning_count(db->conn) > 0;
}

/* What is staged, into the table. */
static int
merge(struct db *db, const struct shape *s, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;
	bool keyed = db->o->insert != MODE_INSERT && s->nkeys > 0;
	bool update = keyed && (s->partial || db->o->insert == MODE_UPDATE);

	if (update && s->n > s->nkeys) {
		b->len = 0;
		kc_buf_printf(b, "UPDATE %s AS t JOIN kc_stage AS s ON ",
		    s->t->quoted);
		sql_keys_equal(db->d, b, s, "t.", "s.");
		kc_buf_lit(b, " SET ");
		for (size_t i = s->nkeys; i < s->n; i++) {
			const char *name = s->t->cols[s->cols[i]].name;
			kc_buf_puts(b, i == s->nkeys ? "t." : ", t.");
			put_name(db->d, b, name);
			kc_buf_lit(b, " = s.");
			put_name(db->d, b, name);
		}
		if (run_sql(db, s->t, e) != 0)
			return -1;
	}
	if (keyed && db->o->insert == MODE_UPDATE)
		return 0;
	b->len = 0;
	kc_buf_printf(b, "INSERT INTO %s (", s->t->quoted);
	sql_columns(db->d, b, s, "");
	kc_buf_lit(b, ") SELECT ");
	sql_columns(db->d, b, s, "s.");
	kc_buf_lit(b, " FROM kc_stage AS s");
	if (update) {
		kc_buf_printf(b,
		    " WHERE NOT EXISTS (SELECT 1 FROM %s AS t WHERE ",
		    s->t->quoted);
		sql_keys_equal(db->d, b, s, "t.", "s.");
		kc_buf_lit(b, ")");
	}
	return finish(db, s, keyed && !update, e);
}

static int
my_bulk(struct db *db, struct work *w, struct phase *p, unsigned g,
    struct kc_err *e)
{
	const struct group *gr = &p->groups[g];
	const struct shape *s = gr->shape;
	const struct own *own = db->own;
	bool upsert = db->o->insert == MODE_UPSERT && s->nkeys > 0;
	size_t i = 0, n = 0, limit = own->packet / 2;
	struct row *r;
	int rc = 1;

	if (gr->kind == ROW_DELETE)
		return delete_many(db, w, p, g, e);
	if (own->infile && gr->live >= LOAD_MIN &&
	    (rc = load(db, w, p, g, e)) <= 0)
		return rc < 0 ? -1 : merge(db, s, e);
	if (db->o->insert == MODE_UPDATE || s->partial) {
		while ((r = phase_next(p, &i, g)) != NULL)
			if (put_one(db, s, w->data.p + r->at, e) != 0)
				return -1;
		return 0;
	}
	if (limit > STATEMENT_MAX)
		limit = STATEMENT_MAX;
	while ((r = phase_next(p, &i, g)) != NULL) {
		if (n > 0 && db->sql.len + 2 * r->len > limit) {
			if (finish(db, s, upsert, e) != 0)
				return -1;
			n = 0;
		}
		if (n == 0)
			put_head(db, &db->sql, s);
		else
			kc_buf_putc(&db->sql, ',');
		put_tuple(db, &db->sql, s, w->data.p + r->at, s->n);
		n++;
	}
	return n == 0 ? 0 : finish(db, s, upsert, e);
}

const struct dialect dialect_mysql = {
	.name = "MySQL",
	.id = 1,
	.begin = "BEGIN",
	.quote = '`',
	.connect = my_connect,
	.close = my_close,
	.exec = my_exec,
	.describe = my_describe,
	.bulk = my_bulk,
	.one = my_one,
	.query = my_query,
	.literal = my_literal,
	.few = 1,
};

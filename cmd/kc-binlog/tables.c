/*
 * The captured tables: their columns and keys from the server's
 * information_schema, found again by name.
 */
#include <stdlib.h>

#include "kc-binlog.h"

/* ---- the list ---- */

static void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; t->cols != NULL && i < t->cdc.ncols; i++)
		column_release(&t->cols[i]);
	free(t->cols);
	kc_cdc_table_release(&t->cdc);
	free(t);
}

static bool
named(const struct table *t, struct kc_span database, struct kc_span table)
{
	return kc_span_is(table, t->cdc.table) &&
	    kc_span_is(database, t->cdc.database);
}

struct table *
table_find(struct binlog *b, struct kc_span database, struct kc_span table)
{
	for (size_t i = 0; i < b->ntables; i++)
		if (named(b->tables[i], database, table))
			return b->tables[i];
	return NULL;
}

/* The same schemas: what was announced stays. */
static bool
same(const struct table *a, const struct table *b)
{
	return strcmp(a->cdc.key_id, b->cdc.key_id) == 0 &&
	    strcmp(a->cdc.value_id, b->cdc.value_id) == 0 &&
	    a->cdc.ncols == b->cdc.ncols;
}

struct table *
table_add_take(struct binlog *b, struct table *t)
{
	struct kc_span db = { t->cdc.database, strlen(t->cdc.database) },
		       name = { t->cdc.table, strlen(t->cdc.table) };

	for (size_t i = 0; i < b->ntables; i++)
		if (named(b->tables[i], db, name)) {
			t->cdc.announced = same(b->tables[i], t) &&
			    b->tables[i]->cdc.announced;
			table_free(b->tables[i]);
			return b->tables[i] = t;
		}
	b->tables = kc_xrealloc(b->tables,
	    (b->ntables + 1) * sizeof(struct table *));
	return b->tables[b->ntables++] = t;
}

void
tables_free(struct binlog *b)
{
	for (size_t i = 0; i < b->ntables; i++)
		table_free(b->tables[i]);
	free(b->tables);
	b->tables = NULL;
	b->ntables = 0;
}

/* ---- from the server ---- */

/* The columns of what information_schema.columns is asked. */
enum { DB, TABLE, NAME, TYPE, CHARSET, DEFAULT, EXTRA, NULLABLE };

static void
put_query(struct kc_buf *q, const char *database, const char *table)
{
	kc_buf_lit(q,
	    "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, "
	    "c.CHARACTER_SET_NAME, c.COLUMN_DEFAULT, c.EXTRA, "
	    "c.IS_NULLABLE='YES' FROM information_schema.COLUMNS c "
	    "JOIN information_schema.TABLES t ON t.TABLE_SCHEMA=c.TABLE_SCHEMA "
	    "AND t.TABLE_NAME=c.TABLE_NAME WHERE t.TABLE_TYPE IN "
	    "('BASE TABLE','SYSTEM VERSIONED') AND ");
	if (database != NULL) {
		kc_buf_lit(q, "c.TABLE_SCHEMA=");
		kc_mysql_string(q, database);
		kc_buf_lit(q, " AND c.TABLE_NAME=");
		kc_mysql_string(q, table);
	} else {
		kc_buf_lit(q,
		    "c.TABLE_SCHEMA NOT IN ('mysql',"
		    "'information_schema','performance_schema','sys')");
	}
	kc_buf_lit(q, " ORDER BY 1, 2, c.ORDINAL_POSITION");
}

static char *
text_of(struct kc_span s)
{
	return s.p == NULL ? NULL : kc_xstrndup(s.p, s.n);
}

static void
add_column(struct table *t, const struct kc_span *row, bool mariadb)
{
	size_t n = t->cdc.ncols;
	char *name = text_of(row[NAME]), *type = text_of(row[TYPE]),
	     *charset = text_of(row[CHARSET]), *def = text_of(row[DEFAULT]),
	     *extra = text_of(row[EXTRA]);
	struct column_def d = { name, type, charset, def,
		extra == NULL ? "" : extra, kc_span_is(row[NULLABLE], "1") };

	t->cols = kc_xrealloc(t->cols, (n + 1) * sizeof *t->cols);
	t->cdc.cols = kc_xrealloc(t->cdc.cols, (n + 1) * sizeof *t->cdc.cols);
	memset(&t->cdc.cols[n], 0, sizeof *t->cdc.cols);
	column_make(&t->cols[n], &t->cdc.cols[n], &d, mariadb);
	t->cdc.ncols++;
	if (t->cols[n].kind == K_NONE)
		kc_log(KC_WARN,
		    "%s.%s.%s: %s: not a type that can be captured; "
		    "the column is left out",
		    t->cdc.database, t->cdc.table, name, type);
	free(name);
	free(type);
	free(charset);
	free(def);
	free(extra);
}

/*
 * The primary key; without one the first unique key, in the server's order,
 * which is that of SHOW CREATE TABLE.
 */
static int
read_key(struct binlog *b, struct table *t, struct kc_err *e)
{
	struct kc_buf q = { 0 };
	struct kc_span *row, index = { 0 };
	char *first = NULL;
	size_t n = 0;
	int got;

	kc_buf_lit(&q, "SHOW INDEX FROM ");
	kc_mysql_ident(&q, t->cdc.table);
	kc_buf_lit(&q, " FROM ");
	kc_mysql_ident(&q, t->cdc.database);
	got = kc_mysql_query(b->db, kc_buf_str(&q), e);
	kc_buf_release(&q);
	if (got != 0)
		return -1;
	while ((got = kc_mysql_row(b->db, &row, e)) == 1) {
		if (!kc_span_is(row[1], "0") || row[4].p == NULL)
			continue;
		if (first == NULL)
			first = text_of(row[2]);
		index = row[2];
		if (!kc_span_is(index, first))
			continue;
		t->cdc.key_names = kc_xrealloc(t->cdc.key_names,
		    (n + 2) * sizeof(char *));
		t->cdc.key_names[n++] = text_of(row[4]);
		t->cdc.key_names[n] = NULL;
	}
	t->cdc.nkeys = n;
	free(first);
	return got;
}

static int
finish(struct binlog *b, struct table *t, struct kc_err *e)
{
	if (read_key(b, t, e) != 0 ||
	    kc_cdc_table_ready(b->cdc, &t->cdc, e) != 0) {
		table_free(t);
		return -1;
	}
	table_add_take(b, t);
	return 0;
}

/* Begins the table of this row, when the row is of another than t. */
static struct table *
begin(struct table *t, const struct kc_span *row)
{
	if (t != NULL && named(t, row[DB], row[TABLE]))
		return t;
	t = kc_xcalloc(1, sizeof *t);
	t->cdc.database = text_of(row[DB]);
	t->cdc.table = text_of(row[TABLE]);
	return t;
}

int
tables_load(struct binlog *b, const char *database, const char *table,
    struct kc_err *e)
{
	struct kc_buf q = { 0 };
	struct kc_span *row;
	struct table **made = NULL, *t = NULL;
	size_t n = 0;
	int got;

	put_query(&q, database, table);
	got = kc_mysql_query(b->db, kc_buf_str(&q), e);
	kc_buf_release(&q);
	if (got != 0)
		return -1;
	while ((got = kc_mysql_row(b->db, &row, e)) == 1) {
		char *db = text_of(row[DB]), *name = text_of(row[TABLE]);
		bool wanted = kc_cdc_wants(b->cdc, db, NULL, name);
		free(db);
		free(name);
		if (!wanted)
			continue;
		struct table *now = begin(t, row);
		if (now != t) {
			made = kc_xrealloc(made, (n + 1) * sizeof *made);
			made[n++] = t = now;
		}
		add_column(t, row, b->mariadb);
	}
	for (size_t i = 0; i < n; i++)
		if (got != 0 || finish(b, made[i], e) != 0) {
			if (got != 0)
				table_free(made[i]);
			got = -1;
		}
	free(made);
	return got;
}

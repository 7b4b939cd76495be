/* Tables as the catalogue has them. */
#include <stdlib.h>

#include "kc-pgwal.h"

/*
 * One row a column of cols(n, name, type, typmod, notnull, def): name, not null,
 * typmod, default, then of the type (domains looked through): oid, name,
 * typtype, element oid, name, typtype, labels.
 */
static const char columns_sql[] =
    "select c.name, c.nn, case when t.typtype='d' then t.typtypmod else c.mod end,"
    " case when t.typtype='d' then null else c.def end, b.oid, b.typname, b.typtype,"
    " case when b.typcategory='A' then b.typelem else 0 end, e.typname, e.typtype,"
    " (select string_agg(l.enumlabel, ','"
    "   order by l.enumsortorder) from pg_enum l"
    "   where l.enumtypid in (b.oid, b.typelem))"
    " from (%s) c(n, name, typ, mod, nn, def) join pg_type t on t.oid=c.typ"
    " join pg_type b on b.oid=case when t.typtype='d' then"
    "   (with recursive x(o, base) as (select t.oid, t.typbasetype union all"
    "     select y.oid, y.typbasetype from pg_type y join x on y.oid=x.base)"
    "     select o from x where base=0) else t.oid end"
    " left join pg_type e on e.oid=b.typelem and b.typcategory='A'"
    " order by c.n";

#define ATTRIBUTES                                                             \
	"select a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,"   \
	" pg_get_expr(d.adbin, d.adrelid) from pg_attribute a"                 \
	" left join pg_attrdef d on d.adrelid=a.attrelid and d.adnum=a.attnum" \
	" where a.attrelid=%u and a.attnum>0 and not a.attisdropped"

/* The primary key's columns, else those of the index that identifies rows. */
static const char key_sql[] =
    "select a.attname from pg_index i"
    " join lateral unnest(i.indkey) with ordinality k(n, o) on true"
    " join pg_attribute a on a.attrelid=i.indrelid and a.attnum=k.n"
    " where i.indrelid=%u and (i.indisprimary or (i.indisreplident and not exists"
    "   (select 1 from pg_index p where p.indrelid=i.indrelid and p.indisprimary)))"
    " order by k.o";

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; t->cols != NULL && i < t->cdc.ncols; i++)
		free(t->cols[i].missing);
	kc_cdc_table_release(&t->cdc);
	free(t->cols);
	free(t);
}

static uint32_t
oid_of(const char *s)
{
	return s == NULL ? 0 : (uint32_t)strtoul(s, NULL, 10);
}

static void
load_column(struct pgwal *w, struct table *t, int i)
{
	struct server *s = w->db;
	const char *elem_type = server_value(s, i, 9),
		   *labels = server_value(s, i, 10);
	struct type_def def = {
		.oid = oid_of(server_value(s, i, 4)),
		.name = server_value(s, i, 5),
		.typtype = server_value(s, i, 6)[0],
		.elem = oid_of(server_value(s, i, 7)),
		.elem_name = server_value(s, i, 8),
		.elem_typtype = elem_type == NULL ? 0 : elem_type[0],
		.typmod = atoi(server_value(s, i, 2)),
		.labels = labels == NULL ? "" : labels,
	};

	if (def.elem_name == NULL)
		def.elem = 0;
	t->cdc.cols[i].name = kc_xstrdup(server_value(s, i, 0));
	type_column(&t->cols[i], &t->cdc.cols[i].schema, &def,
	    server_value(s, i, 1)[0] != 't', server_value(s, i, 3));
}

static int
load_key(struct pgwal *w, struct table *t, struct kc_err *e)
{
	int n = server_query(w->db, e, key_sql, t->oid);

	if (n < 0)
		return -1;
	t->cdc.key_names = kc_xcalloc((size_t)n + 1, sizeof(char *));
	for (int i = 0; i < n; i++) {
		const char *name = server_value(w->db, i, 0);
		for (size_t k = 0; k < t->cdc.ncols; k++)
			if (strcmp(t->cdc.cols[k].name, name) == 0)
				t->cdc.key_names[t->cdc.nkeys++] = kc_xstrdup(
				    name);
	}
	return 0;
}

/* Fills t's columns from the rows of columns_sql over source. */
static int
load(struct pgwal *w, struct table *t, const char *source, struct kc_err *e)
{
	int n = server_query(w->db, e, columns_sql, source);

	if (n < 0)
		return -1;
	t->cdc.ncols = (size_t)n;
	t->cdc.cols = kc_xcalloc((size_t)n + 1, sizeof *t->cdc.cols);
	t->cols = kc_xcalloc((size_t)n + 1, sizeof *t->cols);
	for (int i = 0; i < n; i++)
		load_column(w, t, i);
	if (load_key(w, t, e) != 0)
		return -1;
	return kc_cdc_table_ready(w->cdc, &t->cdc, e);
}

int
table_load(struct pgwal *w, uint32_t oid, struct table **out, struct kc_err *e)
{
	struct kc_buf source = { 0 };
	struct table *t;
	int n;

	*out = NULL;
	n = server_query(w->db, e,
	    "select n.nspname, c.relname from pg_class c join "
	    "pg_namespace n on n.oid=c.relnamespace where c.oid=%u",
	    oid);
	if (n <= 0)
		return n;
	t = kc_xcalloc(1, sizeof *t);
	t->oid = oid;
	t->wanted = true;
	t->cdc.database = kc_xstrdup(w->dbname);
	t->cdc.schema = kc_xstrdup(server_value(w->db, 0, 0));
	t->cdc.table = kc_xstrdup(server_value(w->db, 0, 1));
	kc_buf_printf(&source, ATTRIBUTES, oid);
	n = load(w, t, kc_buf_str(&source), e);
	kc_buf_release(&source);
	if (n != 0) {
		table_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

/* The message's columns as cols, what the catalogue still knows of them beside. */
static void
relation_columns(struct kc_buf *b, const struct kc_pg_msg *m)
{
	kc_buf_lit(b,
	    "select v.n, v.name, v.typ, v.mod, coalesce(a.nn, false), a.def "
	    "from (values ");
	for (size_t i = 0; i < m->ncols; i++) {
		char *name = kc_xstrndup(m->cols[i].name.p, m->cols[i].name.n);
		kc_buf_printf(b, "%s(%zu,", i > 0 ? "," : "", i);
		server_literal(b, name);
		kc_buf_printf(b, "::name,%u::oid,%d)", m->cols[i].type,
		    m->cols[i].typmod);
		free(name);
	}
	kc_buf_lit(b, ") v(n, name, typ, mod) left join (");
	kc_buf_printf(b, ATTRIBUTES, m->rel);
	kc_buf_lit(b,
	    ") a(n, name, typ, mod, nn, def) on a.name=v.name and a.typ=v.typ "
	    "and a.mod=v.mod");
}

int
table_of_relation(struct pgwal *w, const struct kc_pg_msg *m,
    struct table **out, struct kc_err *e)
{
	struct kc_buf source = { 0 };
	struct table *t = kc_xcalloc(1, sizeof *t);
	int rc = 0;

	*out = t;
	t->oid = m->rel;
	t->cdc.database = kc_xstrdup(w->dbname);
	t->cdc.schema = kc_xstrndup(m->schema.p, m->schema.n);
	t->cdc.table = kc_xstrndup(m->table.p, m->table.n);
	t->wanted = kc_cdc_wants(w->cdc, w->dbname, t->cdc.schema, t->cdc.table);
	if (!t->wanted)
		return 0;
	relation_columns(&source, m);
	rc = load(w, t, kc_buf_str(&source), e);
	kc_buf_release(&source);
	if (rc == 0 && t->cdc.ncols != m->ncols)
		rc = kc_fail(e, KC_DATA,
		    "table %s.%s: a type of its columns in the log does "
		    "not exist any more; take a new snapshot (kc-offset reset)",
		    t->cdc.schema, t->cdc.table);
	if (rc != 0) {
		table_free(t);
		*out = NULL;
	}
	return rc;
}

struct table *
table_find(const struct pgwal *w, uint32_t oid)
{
	for (size_t i = 0; i < w->ntables; i++)
		if (w->tables[i]->oid == oid)
			return w->tables[i];
	return NULL;
}

void
table_set_take(struct pgwal *w, struct table *t)
{
	for (size_t i = 0; i < w->ntables; i++)
		if (w->tables[i]->oid == t->oid) {
			table_free(w->tables[i]);
			w->tables[i] = t;
			return;
		}
	w->tables = kc_xrealloc(w->tables,
	    (w->ntables + 1) * sizeof(struct table *));
	w->tables[w->ntables++] = t;
}

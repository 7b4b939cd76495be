/*
 * What the table ids of the log mean: the plan of each table, made of its map
 * event and of what the server says of the table.
 */
#include <stdlib.h>

#include "stream.h"

static void
mapped_free(struct mapped *m)
{
	if (m == NULL)
		return;
	kc_buf_release(&m->body);
	free(m->cols);
	free(m);
}

struct mapped *
find_map(struct stream *s, uint64_t id)
{
	if (s->last != NULL && s->last->id == id)
		return s->last;
	for (size_t i = 0; i < s->nmaps; i++)
		if (s->maps[i]->id == id)
			return s->last = s->maps[i];
	return NULL;
}

void
maps_release(struct stream *s)
{
	for (size_t i = 0; i < s->nmaps; i++)
		mapped_free(s->maps[i]);
	s->nmaps = 0;
	s->last = NULL;
}

/* Table ids grow; those of long ago do not come back. */
static struct mapped *
add_map(struct stream *s, uint64_t id)
{
	if (s->nmaps >= 4096)
		maps_release(s);
	s->maps = kc_xrealloc(s->maps, (s->nmaps + 1) * sizeof(struct mapped *));
	s->last = s->maps[s->nmaps++] = kc_xcalloc(1, sizeof *s->last);
	s->last->id = id;
	return s->last;
}

/* The plan of a table in the log: how each column's bytes are read. */
static int
make_cols(struct mapped *m, struct table *t, const struct kc_bl_table *map,
    struct kc_err *e)
{
	size_t at = 0;
	uint8_t type;
	uint16_t meta;

	free(m->cols);
	m->cols = kc_xcalloc(map->ncols + 1, sizeof *m->cols);
	for (size_t i = 0; i < map->ncols; i++) {
		if (kc_bl_column_meta(map, i, &at, &type, &meta) != 0)
			return kc_fail(e, KC_DATA,
			    "binlog: a table map is cut short");
		if (rowcol_make(&m->cols[i], t->cdc.cols[i].name, type, meta,
			&t->cols[i], e) != 0)
			return kc_fail_in(e, "table %s.%s: ", t->cdc.database,
			    t->cdc.table);
	}
	m->table = t;
	return 0;
}

/*
 * The table of a map: as information_schema has it (defaults and all) while
 * that is what the log holds; else as the log itself describes it.
 */
static struct table *
table_of(struct stream *s, const struct kc_bl_table *map, struct kc_err *e)
{
	struct binlog *b = s->b;
	struct table *t = table_find(b, map->db, map->table);
	bool named = kc_bl_optional(map, KC_BLO_COLUMN_NAME).p != NULL;

	if (t != NULL && !t->stale && meta_fits(t, map, &s->why))
		return t;
	if (b->db != NULL) {
		char *db = kc_xstrndup(map->db.p, map->db.n);
		char *name = kc_xstrndup(map->table.p, map->table.n);
		int rc = tables_load(b, db, name, e);
		s->generation++; /* what other maps point at may be gone */
		free(db);
		free(name);
		if (rc != 0)
			return NULL;
		t = table_find(b, map->db, map->table);
		if (t != NULL)
			t->stale = false; /* or it is gone: once is enough */
		if (t != NULL && meta_fits(t, map, &s->why))
			return t;
	}
	if (!named && b->db != NULL) {
		kc_fail(e, KC_DATA,
		    "table %.*s.%.*s: %s: the log at %s:%llu was written "
		    "before the table was altered or dropped, and does not say what its "
		    "columns were; SET GLOBAL binlog_row_metadata=FULL for what comes, "
		    "and take a new snapshot (kc-offset reset)",
		    (int)map->db.n, map->db.p, (int)map->table.n, map->table.p,
		    t == NULL ? "it is not there any more" : kc_buf_str(&s->why),
		    s->file, (unsigned long long)s->pos);
		return NULL;
	}
	t = meta_table(b, map, e);
	if (t == NULL)
		return NULL;
	if (kc_cdc_table_ready(b->cdc, &t->cdc, e) != 0)
		return NULL;
	s->generation++;
	return table_add_take(b, t);
}

int
on_table_map(struct stream *s, const struct kc_binlog_event *ev, struct kc_err *e)
{
	struct kc_bl_table map;
	struct mapped *m;

	if (kc_bl_table_map(ev, &map, e) != 0)
		return -1;
	m = find_map(s, map.id);
	if (m != NULL && m->generation == s->generation &&
	    kc_span_eq(KC_BUF_SPAN(&m->body), ev->body))
		return 0;
	if (m == NULL)
		m = add_map(s, map.id);
	kc_buf_reset(&m->body);
	kc_buf_span(&m->body, ev->body);
	m->generation = s->generation;
	m->table = NULL;
	char *db = kc_xstrndup(map.db.p, map.db.n);
	char *name = kc_xstrndup(map.table.p, map.table.n);
	bool wanted = kc_cdc_wants(s->b->cdc, db, NULL, name) &&
	    strcmp(db, "mysql") != 0 && strcmp(db, "sys") != 0 &&
	    strcmp(db, "performance_schema") != 0 &&
	    strcmp(db, "information_schema") != 0;
	free(db);
	free(name);
	if (!wanted)
		return 0;
	struct table *t = table_of(s, &map, e);
	m->generation = s->generation;
	return t == NULL ? -1 : make_cols(m, t, &map, e);
}

/*
 * -o sink: positions in a table of the target, written in the transaction of
 * the rows. `kc-jdbcsink -c CONF offsets` serves them to a source, in lines:
 *   {"get":null}             {"partition":P,"offset":O} …, then {"end":N}
 *   {"put":[{"partition":P,"offset":O},…]}     {"ok":true}
 *   anything that fails      {"error":"…","status":75}
 */
#include <stdlib.h>

#include "jdbc.h"
#include "json.h"
#include "num.h"

struct member {
	struct kc_span key, val;
};

static int
by_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int rc = memcmp(x->key.p, y->key.p, n);

	return rc != 0 ? rc : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

/* Partition maps are flat: only the outermost members need sorting. */
void
offsets_canonical(struct kc_buf *b, struct kc_span map)
{
	struct kc_json_it it;
	struct member v[64];
	size_t n = 0;

	if (map.n == 0 || map.p[0] != '{' || kc_json_open(&it, map) != 0) {
		kc_json_compact(b, map);
		return;
	}
	while (n < 64 && kc_json_member(&it, &v[n].key, &v[n].val) == 1)
		n++;
	qsort(v, n, sizeof *v, by_key);
	kc_buf_putc(b, '{');
	for (size_t i = 0; i < n; i++) {
		kc_buf_puts(b, i == 0 ? "\"" : ",\"");
		kc_buf_span(b, v[i].key);
		kc_buf_lit(b, "\":");
		kc_json_compact(b, v[i].val);
	}
	kc_buf_putc(b, '}');
}

static void
put_table(const struct db *db, struct kc_buf *b)
{
	struct table *t = table_new(db, db->o->offsets);

	kc_buf_puts(b, t->quoted);
	table_free(t);
}

int
offsets_ready(struct db *db, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;

	if (db->offsets_ready)
		return 0;
	b->len = 0;
	kc_buf_lit(b, "CREATE TABLE IF NOT EXISTS ");
	put_table(db, b);
	kc_buf_lit(b,
	    " (id char(16) NOT NULL PRIMARY KEY, source_partition text "
	    "NOT NULL, source_offset text NOT NULL)");
	if (db->d->exec(db, kc_buf_str(b), e) != 0)
		return kc_fail_in(e, "offset.table %s: ", db->o->offsets);
	db->offsets_ready = true;
	return 0;
}

static int
write_one(struct db *db, struct kc_span partition, struct kc_span offset,
    struct kc_err *e)
{
	struct kc_buf *b = &db->sql, canon = { 0 };
	char id[17];
	bool gone = offset.n == 0 || kc_json_is_null(offset);

	offsets_canonical(&canon, partition);
	kc_sha256_id(id, KC_BUF_SPAN(&canon));
	b->len = 0;
	if (gone)
		kc_buf_lit(b, "DELETE FROM ");
	else
		kc_buf_puts(b,
		    db->d == &dialect_pg ? "INSERT INTO " : "REPLACE INTO ");
	put_table(db, b);
	if (gone) {
		kc_buf_printf(b, " WHERE id = '%s'", id);
	} else {
		kc_buf_printf(b,
		    " (id, source_partition, source_offset) VALUES ('%s', ", id);
		db->d->literal(db, b, KC_BUF_SPAN(&canon));
		kc_buf_lit(b, ", ");
		db->d->literal(db, b, offset);
		kc_buf_puts(b,
		    db->d == &dialect_pg ?
			") ON CONFLICT (id) DO UPDATE "
			"SET source_offset = EXCLUDED.source_offset" :
			")");
	}
	kc_buf_release(&canon);
	return db->d->exec(db, kc_buf_str(b), e);
}

int
offsets_write(struct db *db, const struct work *w, struct kc_err *e)
{
	for (size_t i = 0; i < w->npos; i++)
		if (write_one(db, KC_BUF_SPAN(&w->partition[i]),
			KC_BUF_SPAN(&w->offset[i]), e) != 0)
			return kc_fail_in(e, "offset.table %s: ", db->o->offsets);
	return 0;
}

static int
query(struct db *db, void (*fn)(void *arg, struct kc_span a, struct kc_span b),
    void *arg, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;

	b->len = 0;
	kc_buf_lit(b, "SELECT source_partition, source_offset FROM ");
	put_table(db, b);
	return db->d->query(db, kc_buf_str(b), fn, arg, e);
}

struct look {
	const struct work *w;
	size_t same;
};

static void
compare(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct look *l = arg;

	for (size_t i = 0; i < l->w->npos; i++)
		if (kc_same_map(partition, KC_BUF_SPAN(&l->w->partition[i])) &&
		    kc_same_map(offset, KC_BUF_SPAN(&l->w->offset[i])))
			l->same++;
}

int
offsets_stored(struct db *db, const struct work *w, struct kc_err *e)
{
	struct look l = { w, 0 };

	if (query(db, compare, &l, e) != 0)
		return -1;
	return l.same == w->npos;
}

struct serve {
	struct kc_out *out;
	size_t n;
};

static void
emit(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct serve *s = arg;
	struct kc_buf *b = &s->out->b;

	kc_buf_lit(b, "{\"partition\":");
	kc_buf_span(b, partition);
	kc_buf_lit(b, ",\"offset\":");
	kc_buf_span(b, offset);
	kc_buf_lit(b, "}\n");
	s->n++;
}

static int
put_all(struct db *db, struct kc_span list, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span x, partition, offset;
	int rc;

	if (list.p == NULL || list.p[0] != '[' || kc_json_open(&it, list) != 0)
		return kc_fail(e, KC_USAGE, "put: must be an array of positions");
	if (db->d->exec(db, db->d->begin, e) != 0)
		return -1;
	while ((rc = kc_json_item(&it, &x)) == 1) {
		if (!kc_position_split(x, &partition, &offset))
			return kc_fail(e, KC_USAGE,
			    "put: a position has \"partition\" and \"offset\"");
		if (write_one(db, partition, offset, e) != 0)
			return -1;
	}
	if (rc != 0)
		return kc_fail(e, KC_USAGE, "put: malformed JSON");
	return db->d->exec(db, "COMMIT", e);
}

static int
answer(struct db *db, struct kc_span line, struct kc_out *out, struct kc_err *e)
{
	struct serve s = { out, 0 };
	struct kc_span put;

	if (run_connect(db, e) != 0 || offsets_ready(db, e) != 0)
		return -1;
	if (kc_json_get(line, "get").p != NULL) {
		if (query(db, emit, &s, e) != 0)
			return -1;
		kc_buf_printf(&out->b, "{\"end\":%zu}\n", s.n);
		return 0;
	}
	if ((put = kc_json_get(line, "put")).p == NULL)
		return kc_fail(e, KC_USAGE,
		    "%.60s: neither \"get\" nor \"put\"", line.p);
	if (put_all(db, put, e) != 0) {
		struct kc_err ignored;
		if (db->conn != NULL)
			db->d->exec(db, "ROLLBACK", &ignored);
		return -1;
	}
	kc_buf_lit(&out->b, "{\"ok\":true}\n");
	return 0;
}

int
offsets_serve(struct db *db, struct kc_err *e)
{
	struct kc_in in;
	struct kc_out out;
	struct kc_span line;
	struct kc_err why;
	int rc;

	kc_in_init(&in, 0);
	kc_out_init(&out, 1);
	while ((rc = kc_in_line(&in, &line, e)) == 1) {
		size_t at = out.b.len;
		if (answer(db, line, &out, &why) != 0) {
			out.b.len = at;
			kc_buf_lit(&out.b, "{\"error\":");
			kc_json_str(&out.b, why.msg, strlen(why.msg));
			kc_buf_printf(&out.b, ",\"status\":%d}\n", why.status);
		}
		if ((rc = kc_out_flush(&out, e)) != 0)
			break;
	}
	kc_in_release(&in);
	kc_out_release(&out);
	return rc;
}

/*
 * The log: event after event into change events. Where we stand is the start
 * of the transaction at hand and what of it is done (event, row, line), so a
 * run resumes inside a transaction without repeating or losing a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "kc-binlog.h"

#define BACKOFF_MAX_MS 30000

/* What a table id of the log means until the next map says otherwise. */
struct mapped {
	uint64_t id;
	struct kc_buf body;   /* of the map event it was made of */
	struct table *table;  /* NULL: not captured */
	struct rowcol *cols;
	unsigned generation;  /* of the DDL it was checked at */
};

struct stream {
	struct binlog *b;
	struct kc_binlog dec;
	struct mapped **maps;
	size_t nmaps;
	struct mapped *last;
	unsigned generation; /* DDL statements seen */
	/* where we are in the log */
	char file[512];
	uint64_t pos; /* after the event at hand */
	/* the transaction at hand */
	bool in_tx, tx_records;
	int64_t event; /* its number; a BEGIN is 0 */
	uint64_t thread;
	int64_t commit_us;
	struct kc_buf gtid, gtids; /* its id; the set before it, as text */
	struct gtids *set;	   /* NULL: unknown, or no GTIDs */
	struct offset skip;	   /* done of the transaction we resumed in */
	/* output */
	struct kc_buf source, offset, prior, why;
	size_t source_head, offset_head;
	struct kc_buf offset_tail;
	bool unsaid; /* a position moved without a line saying so */
	bool has_end;
	struct kc_mysql_pos end; /* -e: where the log ended at our start */
	int64_t heartbeat_us, heartbeat_at;
	bool stop;
};

/* ---- positions ---- */

/* 32 bits of the position are in an event; the log may be larger. */
static uint64_t
wide_position(const struct stream *s, uint32_t end_pos)
{
	uint64_t p = (s->pos & ~UINT64_C(0xffffffff)) | end_pos;

	if (p + (UINT64_C(1) << 31) < s->pos)
		p += UINT64_C(1) << 32;
	return p;
}

static void
checkpoint(struct stream *s)
{
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &s->b->at);
	kc_put_checkpoint(&s->b->out.b, kc_cdc_partition(s->b->cdc),
	    KC_BUF_SPAN(&s->offset));
	s->unsaid = false;
}

static bool
at_end(const struct stream *s)
{
	int order = strcmp(s->b->at.file, s->end.file);
	size_t a = strlen(s->b->at.file), e = strlen(s->end.file);

	if (!s->has_end)
		return false;
	if (a != e)
		order = a < e ? -1 : 1; /* bin.999999 comes before bin.1000000 */
	return order > 0 || (order == 0 && s->b->at.pos >= s->end.pos);
}

/* Nothing is open at pos: it is where we would begin again. */
static void
transaction_done(struct stream *s, const struct kc_binlog_event *ev)
{
	struct offset *at = &s->b->at;

	if (s->set != NULL && s->gtid.len > 0) {
		gtids_add(s->set, KC_BUF_SPAN(&s->gtid));
		kc_buf_reset(&s->gtids);
		gtids_put(&s->gtids, s->set);
		kc_buf_reset(&at->gtids);
		kc_buf_span(&at->gtids, KC_BUF_SPAN(&s->gtids));
	}
	memcpy(at->file, s->file, sizeof at->file);
	at->pos = s->pos;
	at->event = at->row = at->line = 0;
	at->ts_sec = ev->ts;
	memset(&s->skip, 0, sizeof s->skip);
	if (s->tx_records)
		checkpoint(s);
	else
		s->unsaid = true;
	s->in_tx = s->tx_records = false;
	kc_buf_reset(&s->gtid);
	s->commit_us = 0;
	s->thread = 0;
	if (at_end(s))
		s->stop = true;
}

static void
begin(struct stream *s, int64_t event)
{
	s->in_tx = true;
	s->event = event;
}

/* ---- tables ---- */

static void
mapped_free(struct mapped *m)
{
	if (m == NULL)
		return;
	kc_buf_release(&m->body);
	free(m->cols);
	free(m);
}

static struct mapped *
find_map(struct stream *s, uint64_t id)
{
	if (s->last != NULL && s->last->id == id)
		return s->last;
	for (size_t i = 0; i < s->nmaps; i++)
		if (s->maps[i]->id == id)
			return s->last = s->maps[i];
	return NULL;
}

/* Table ids grow; those of long ago do not come back. */
static struct mapped *
add_map(struct stream *s, uint64_t id)
{
	if (s->nmaps >= 4096) {
		for (size_t i = 0; i < s->nmaps; i++)
			mapped_free(s->maps[i]);
		s->nmaps = 0;
	}
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
			return kc_fail(e, KC_DATA, "binlog: a table map is cut short");
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

	if (t != NULL && meta_fits(t, map, &s->why))
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
		if (t != NULL && meta_fits(t, map, &s->why))
			return t;
	}
	if (!named && b->db != NULL) {
		kc_fail(e, KC_DATA, "table %.*s.%.*s: %s: the log at %s:%llu was written "
		    "before the table was altered or dropped, and does not say what its "
		    "columns were; SET GLOBAL binlog_row_metadata=FULL for what comes, "
		    "and take a new snapshot (kc-offset reset)", (int)map->db.n,
		    map->db.p, (int)map->table.n, map->table.p,
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

static int
on_table_map(struct stream *s, const struct kc_binlog_event *ev,
    struct kc_err *e)
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

/* ---- rows ---- */

/* What all rows of an event share: source block and offset but the row. */
static void
event_heads(struct stream *s, const struct kc_binlog_event *ev,
    const struct table *t, uint64_t start)
{
	struct binlog *b = s->b;
	int64_t us = s->commit_us != 0 ? s->commit_us : (int64_t)ev->ts * 1000000;
	struct kc_buf *o = &s->source;

	kc_buf_reset(o);
	source_head(o, b);
	kc_buf_i64(o, us / 1000);
	kc_buf_lit(o, ",\"snapshot\":\"false\",\"db\":");
	kc_json_str(o, t->cdc.database, strlen(t->cdc.database));
	kc_buf_lit(o, ",\"sequence\":null,\"ts_us\":");
	kc_buf_i64(o, us);
	kc_buf_lit(o, ",\"ts_ns\":");
	kc_buf_i64(o, us * 1000);
	kc_buf_lit(o, ",\"table\":");
	kc_json_str(o, t->cdc.table, strlen(t->cdc.table));
	kc_buf_lit(o, ",\"server_id\":");
	kc_buf_u64(o, ev->server_id);
	kc_buf_lit(o, ",\"gtid\":");
	if (s->gtid.len > 0)
		kc_json_str(o, s->gtid.p, s->gtid.len);
	else
		kc_buf_lit(o, "null");
	kc_buf_lit(o, ",\"file\":");
	kc_json_str(o, s->file, strlen(s->file));
	kc_buf_lit(o, ",\"pos\":");
	kc_buf_u64(o, start);
	kc_buf_lit(o, ",\"row\":");
	s->source_head = o->len;

	o = &s->offset;
	kc_buf_reset(o);
	kc_buf_lit(o, "{\"ts_sec\":");
	kc_buf_u64(o, ev->ts);
	kc_buf_lit(o, ",\"file\":");
	kc_json_str(o, b->at.file, strlen(b->at.file));
	kc_buf_lit(o, ",\"pos\":");
	kc_buf_u64(o, b->at.pos);
	if (s->gtids.len > 0) {
		kc_buf_lit(o, ",\"gtids\":");
		kc_json_str(o, s->gtids.p, s->gtids.len);
	}
	kc_buf_lit(o, ",\"row\":");
	s->offset_head = o->len;
	kc_buf_reset(&s->prior);
	kc_buf_span(&s->prior, KC_BUF_SPAN(o));
	o = &s->offset_tail;
	kc_buf_reset(o);
	kc_buf_lit(o, ",\"server_id\":");
	kc_buf_u64(o, ev->server_id);
	kc_buf_lit(o, ",\"event\":");
	kc_buf_i64(o, s->event);
	kc_buf_putc(o, '}');
}

static void
row_heads(struct stream *s, uint64_t row)
{
	s->source.len = s->source_head;
	kc_buf_u64(&s->source, row);
	kc_buf_lit(&s->source, ",\"thread\":");
	if (s->thread != 0)
		kc_buf_u64(&s->source, s->thread);
	else
		kc_buf_lit(&s->source, "null");
	kc_buf_lit(&s->source, ",\"query\":null}");
	s->prior.len = s->offset_head;
	kc_buf_u64(&s->prior, row);
	kc_buf_span(&s->prior, KC_BUF_SPAN(&s->offset_tail));
	s->offset.len = s->offset_head;
	kc_buf_u64(&s->offset, row + 1);
	kc_buf_span(&s->offset, KC_BUF_SPAN(&s->offset_tail));
}

/* Cuts the first n record lines of what was appended from `from` on. */
static void
cut_lines(struct kc_buf *out, size_t from, uint64_t n)
{
	while (n > 0 && from < out->len) {
		char *nl = memchr(out->p + from, '\n', out->len - from);
		size_t next = nl == NULL ? out->len : (size_t)(nl - out->p) + 1;
		if (memcmp(out->p + from, "{\"topic\"", 8) != 0) {
			from = next; /* an announcement stays */
			continue;
		}
		memmove(out->p + from, out->p + next, out->len - next);
		out->len -= next - from;
		n--;
	}
}

/* Was this row handed on before the run we resume? *lines: of it that were. */
static bool
done_before(const struct stream *s, uint64_t row, uint64_t *lines)
{
	const struct offset *k = &s->skip;

	*lines = 0;
	if (k->event == 0 || (uint64_t)s->event > k->event)
		return false;
	if ((uint64_t)s->event < k->event || row < k->row)
		return true;
	*lines = row == k->row ? k->line : 0;
	return false;
}

static int
put_row(struct stream *s, struct mapped *m, const struct kc_bl_rows *rows,
    const uint8_t **p, const uint8_t *end, struct kc_cdc_event *ev)
{
	struct binlog *b = s->b;

	if (rows->op != 'c' &&
	    row_image(m->cols, &m->table->cdc, rows->present, p, end, &b->before) != 0)
		return -1;
	if (rows->op != 'd' && row_image(m->cols, &m->table->cdc,
	    rows->op == 'u' ? rows->present_after : rows->present, p, end,
	    &b->after) != 0)
		return -1;
	ev->op = rows->op;
	ev->before = rows->op == 'c' ? NULL : &b->before;
	ev->after = rows->op == 'd' ? NULL : &b->after;
	return 0;
}

static int
on_rows(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e)
{
	struct binlog *b = s->b;
	struct kc_bl_rows rows;
	struct mapped *m;
	uint64_t lines;

	if (kc_bl_rows(&s->dec, ev, &rows, e) != 0)
		return -1;
	if ((m = find_map(s, rows.table_id)) == NULL || m->table == NULL)
		return 0;
	if (rows.ncols != m->table->cdc.ncols)
		return kc_fail(e, KC_DATA, "binlog %s:%llu: rows of %zu columns for a "
		    "table of %zu: the log is damaged", s->file,
		    (unsigned long long)start, rows.ncols, m->table->cdc.ncols);
	const uint8_t *p = (const uint8_t *)rows.rows.p, *end = p + rows.rows.n;
	struct kc_cdc_event out = { .ts_us = kc_now_us() };
	event_heads(s, ev, m->table, start);
	for (uint64_t row = 0; p < end; row++) {
		if (put_row(s, m, &rows, &p, end, &out) != 0)
			return kc_fail(e, KC_DATA, "binlog %s:%llu: row %llu of %s.%s does "
			    "not fit its columns: the log is damaged, or the table was "
			    "altered since (set binlog_row_metadata=FULL)", s->file,
			    (unsigned long long)start, (unsigned long long)row,
			    m->table->cdc.database, m->table->cdc.table);
		if (done_before(s, row, &lines))
			continue;
		row_heads(s, row);
		out.source = KC_BUF_SPAN(&s->source);
		out.offset = KC_BUF_SPAN(&s->offset);
		out.prior = KC_BUF_SPAN(&s->prior);
		size_t from = b->out.b.len;
		b->emitted += kc_cdc_event(b->cdc, &m->table->cdc, &out, &b->out.b);
		if (lines > 0)
			cut_lines(&b->out.b, from, lines);
		s->tx_records = true;
		if (b->ctx->count >= 0 && b->emitted >= b->ctx->count) {
			s->stop = true;
			return 0;
		}
		if (kc_out_more(&b->out, e) != 0)
			return -1;
	}
	/* A reconnect goes on after this. */
	b->at.event = (uint64_t)s->event + 1;
	b->at.row = b->at.line = 0;
	return 0;
}

/* ---- statements ---- */

static bool
starts_with(struct kc_span sql, const char *word)
{
	size_t n = strlen(word);

	return sql.n >= n && strncasecmp(sql.p, word, n) == 0;
}

/* A name at *p, quoted or not, as a new string; moves on. */
static char *
take_name(const char **p, const char *end)
{
	struct kc_buf b = { 0 };

	while (*p < end && (**p == ' ' || **p == '\n' || **p == '\t'))
		++*p;
	if (*p < end && **p == '`') {
		for (++*p; *p < end; ++*p) {
			if (**p == '`' && (*p + 1 >= end || *++*p != '`'))
				break;
			kc_buf_putc(&b, **p);
		}
		if (*p < end && **p == '`')
			++*p;
	} else {
		while (*p < end && strchr(" .;\n\t", **p) == NULL)
			kc_buf_putc(&b, *(*p)++);
	}
	return kc_buf_str(&b);
}

static int
on_truncate(struct stream *s, const struct kc_binlog_event *ev,
    const struct kc_bl_query *q, uint64_t start)
{
	const char *p = q->sql.p + 8, *end = q->sql.p + q->sql.n;
	char *first = take_name(&p, end), *db, *name;

	if (strcasecmp(first, "table") == 0) {
		free(first);
		first = take_name(&p, end);
	}
	if (p < end && *p == '.') {
		p++;
		db = first;
		name = take_name(&p, end);
	} else {
		db = kc_xstrndup(q->db.p, q->db.n);
		name = first;
	}
	struct table *t = table_find(s->b, (struct kc_span){ db, strlen(db) },
	    (struct kc_span){ name, strlen(name) });
	free(db);
	free(name);
	if (t == NULL)
		return 0;
	struct kc_cdc_event out = { .op = 't', .ts_us = kc_now_us() };
	event_heads(s, ev, t, start);
	row_heads(s, 0);
	out.source = KC_BUF_SPAN(&s->source);
	out.offset = KC_BUF_SPAN(&s->offset);
	out.prior = KC_BUF_SPAN(&s->prior);
	int n = kc_cdc_event(s->b->cdc, &t->cdc, &out, &s->b->out.b);
	s->b->emitted += n;
	s->tx_records = n > 0;
	return 0;
}

static int
on_query(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e)
{
	struct kc_bl_query q;

	if (kc_bl_query(&s->dec, ev, &q, e) != 0)
		return -1;
	if (starts_with(q.sql, "BEGIN") || starts_with(q.sql, "XA START")) {
		s->thread = s->b->mariadb ? 0 : q.thread;
		if (!s->in_tx)
			begin(s, 0);
		return 0;
	}
	if (starts_with(q.sql, "COMMIT") || starts_with(q.sql, "ROLLBACK")) {
		if (!starts_with(q.sql, "ROLLBACK TO"))
			transaction_done(s, ev);
		return 0;
	}
	if (starts_with(q.sql, "SAVEPOINT") || starts_with(q.sql, "XA END") ||
	    starts_with(q.sql, "RELEASE"))
		return 0;
	s->thread = s->b->mariadb ? 0 : q.thread;
	if (starts_with(q.sql, "TRUNCATE"))
		on_truncate(s, ev, &q, start);
	else if (!starts_with(q.sql, "INSERT") && !starts_with(q.sql, "XA "))
		s->generation++; /* DDL: known tables are looked at again */
	transaction_done(s, ev);
	return 0;
}

/* ---- events ---- */

static int
on_rotate(struct stream *s, const struct kc_binlog_event *ev, struct kc_err *e)
{
	struct kc_bl_rotate r;

	if (kc_bl_rotate(ev, &r, e) != 0)
		return -1;
	if (r.file.n >= sizeof s->file)
		return kc_fail(e, KC_DATA, "binlog: a file's name of %zu bytes", r.file.n);
	memcpy(s->file, r.file.p, r.file.n);
	s->file[r.file.n] = '\0';
	s->pos = r.pos;
	/* The server's first event repeats where we asked to begin. */
	if (!s->in_tx && s->skip.event == 0 &&
	    (strcmp(s->file, s->b->at.file) != 0 || r.pos > s->b->at.pos)) {
		memcpy(s->b->at.file, s->file, sizeof s->file);
		s->b->at.pos = r.pos;
		s->unsaid = true;
		if (at_end(s))
			s->stop = true;
	}
	return 0;
}

static int
on_gtid(struct stream *s, const struct kc_binlog_event *ev, struct kc_err *e)
{
	struct kc_bl_gtid g;
	bool maria = ev->type == KC_BL_MARIA_GTID;

	if (kc_bl_gtid(ev, &g, e) != 0)
		return -1;
	kc_buf_reset(&s->gtid);
	if (ev->type != KC_BL_ANONYMOUS_GTID)
		gtid_text(&s->gtid, maria, &g, ev->server_id);
	s->commit_us = (int64_t)g.commit_us;
	/* MySQL's BEGIN follows and is event 0; MariaDB's GTID is its BEGIN. */
	if (!g.standalone)
		begin(s, maria ? 0 : -1);
	return 0;
}

static int
unsupported(struct stream *s, const struct kc_binlog_event *ev, struct kc_err *e)
{
	bool payload = ev->type == KC_BL_PAYLOAD;

	return kc_fail(e, KC_USAGE, "binlog %s:%llu: %s; SET GLOBAL %s and start again "
	    "with a new snapshot (kc-offset reset)", s->file,
	    (unsigned long long)s->pos, payload ?
	    "a compressed transaction (binlog_transaction_compression=ON), which is "
	    "not read yet" : ev->type == KC_BL_PARTIAL_UPDATE ?
	    "a partial update of JSON, which does not hold the row" :
	    "an encrypted log", payload ? "binlog_transaction_compression=OFF" :
	    ev->type == KC_BL_PARTIAL_UPDATE ? "binlog_row_value_options=''" :
	    "encrypt_binlog=OFF");
}

/* An event that is of no transaction: where it ends we can begin. */
static void
outside(struct stream *s, const struct kc_binlog_event *ev)
{
	if (ev->end_pos == 0 || (ev->flags & KC_BL_ARTIFICIAL) != 0 ||
	    s->skip.event != 0 || strcmp(s->file, s->b->at.file) != 0 ||
	    s->pos <= s->b->at.pos)
		return;
	s->b->at.pos = s->pos;
	s->unsaid = true;
	if (at_end(s))
		s->stop = true;
}

static int
on_event(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e)
{
	switch (ev->type) {
	case KC_BL_ROTATE:
		return on_rotate(s, ev, e);
	case KC_BL_GTID:
	case KC_BL_ANONYMOUS_GTID:
	case KC_BL_MARIA_GTID:
		return on_gtid(s, ev, e);
	case KC_BL_QUERY:
	case KC_BL_MARIA_QUERY_COMPRESSED:
		return on_query(s, ev, start, e);
	case KC_BL_TABLE_MAP:
		return on_table_map(s, ev, e);
	case KC_BL_XID:
	case KC_BL_XA_PREPARE:
		transaction_done(s, ev);
		return 0;
	case KC_BL_PAYLOAD:
	case KC_BL_PARTIAL_UPDATE:
	case KC_BL_MARIA_START_ENCRYPTION:
		return unsupported(s, ev, e);
	default:
		if (kc_bl_is_rows(ev->type))
			return on_rows(s, ev, start, e);
		if (!s->in_tx)
			outside(s, ev);
		return 0;
	}
}

static int
one_event(struct stream *s, struct kc_span raw, struct kc_err *e)
{
	struct kc_binlog_event ev;
	bool in_tx = s->in_tx;
	uint64_t start = s->pos;

	if (raw.n > 4 && (uint8_t)raw.p[4] == KC_BL_FORMAT)
		return kc_binlog_format(&s->dec, raw, e);
	if (kc_binlog_event(&s->dec, raw, &ev, e) != 0)
		return -1;
	if (ev.type == KC_BL_HEARTBEAT || ev.type == KC_BL_HEARTBEAT_V2)
		return 0;
	if (ev.end_pos != 0 && ev.type != KC_BL_ROTATE &&
	    (ev.flags & KC_BL_ARTIFICIAL) == 0) {
		s->pos = wide_position(s, ev.end_pos);
		start = s->pos - ev.size;
	}
	if (on_event(s, &ev, start, e) != 0)
		return -1;
	/* Annotations come only when asked for: they have no number. */
	if ((in_tx || s->in_tx) && ev.type != KC_BL_MARIA_ANNOTATE)
		s->event++;
	return 0;
}

/* ---- sources of events ---- */

static void
heartbeat(struct stream *s)
{
	int64_t now = kc_mono_us();

	if (s->heartbeat_us == 0 || now < s->heartbeat_at || s->in_tx)
		return;
	s->heartbeat_at = now + s->heartbeat_us;
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &s->b->at);
	kc_cdc_heartbeat(s->b->cdc, KC_BUF_SPAN(&s->offset), kc_now_us(),
	    &s->b->out.b);
	s->unsaid = false;
}

static int
idle(struct stream *s, struct kc_err *e)
{
	if (s->unsaid && !s->in_tx)
		checkpoint(s);
	heartbeat(s);
	return kc_out_flush(&s->b->out, e);
}

static void
set_up(struct stream *s, struct binlog *b)
{
	struct offset *at = &b->at;

	memset(s, 0, sizeof *s);
	s->b = b;
	memcpy(s->file, at->file, sizeof s->file);
	s->pos = at->pos;
	s->skip.event = at->event;
	s->skip.row = at->row;
	s->skip.line = at->line;
	if (at->gtids.len > 0) {
		s->set = gtids_new(b->mariadb, KC_BUF_SPAN(&at->gtids));
		gtids_put(&s->gtids, s->set);
	}
	s->heartbeat_us = kc_conf_int(b->conf, "heartbeat.interval.ms") * 1000;
}

static void
tear_down(struct stream *s)
{
	for (size_t i = 0; i < s->nmaps; i++)
		mapped_free(s->maps[i]);
	free(s->maps);
	gtids_free(s->set);
	kc_binlog_release(&s->dec);
	kc_buf_release(&s->gtid);
	kc_buf_release(&s->gtids);
	kc_buf_release(&s->source);
	kc_buf_release(&s->offset);
	kc_buf_release(&s->prior);
	kc_buf_release(&s->offset_tail);
	kc_buf_release(&s->why);
	kc_buf_release(&s->end.gtids);
}

/* From b->at on until the end, a stop, or the connection's. */
static int
dump(struct stream *s, struct kc_mysql *db, struct kc_err *e)
{
	struct binlog *b = s->b;
	int64_t id = kc_conf_int(b->conf, "database.server.id");
	struct kc_mysql_dump d = { .file = b->at.file, .pos = b->at.pos,
		.server_id = (uint32_t)(id > 0 ? id : 5400 + getpid() % 1000000),
		.heartbeat_ms = 1000 };
	struct kc_span raw;
	int rc;

	if (kc_mysql_dump(db, &d, e) != 0)
		return -1;
	while (!s->stop && !kc_stop) {
		if (!kc_mysql_ready(db) && idle(s, e) != 0)
			return -1;
		if ((rc = kc_mysql_event(db, &raw, e)) <= 0)
			return rc;
		if (one_event(s, raw, e) != 0)
			return -1;
	}
	return 0;
}

/* What is done of the transaction at hand is skipped when it comes again. */
static void
rewind_transaction(struct stream *s)
{
	struct offset *at = &s->b->at;

	if (s->in_tx && at->event > s->skip.event) {
		s->skip.event = at->event;
		s->skip.row = at->row;
		s->skip.line = at->line;
	}
	s->in_tx = false;
	kc_buf_reset(&s->gtid);
	memcpy(s->file, at->file, sizeof s->file);
	s->pos = at->pos;
	for (size_t i = 0; i < s->nmaps; i++)
		mapped_free(s->maps[i]);
	s->nmaps = 0;
	s->last = NULL;
}

static int
follow(struct stream *s, struct kc_err *e)
{
	int64_t ms = 500;
	uint64_t was;
	int rc;

	for (;;) {
		struct kc_mysql *db = kc_mysql_open(s->b->conf, e);
		was = s->b->at.pos;
		rc = db == NULL ? -1 : dump(s, db, e);
		kc_mysql_close(db);
		if (rc == 0 || e->status != KC_TEMP || kc_stop)
			return kc_stop ? 0 : rc;
		if (s->b->at.pos != was)
			ms = 500;
		kc_log(KC_WARN, "%s; connecting again in %lld ms", e->msg,
		    (long long)ms);
		if (idle(s, &s->b->ctx->err) != 0)
			return -1;
		if (kc_wait(-1, (int)ms, true) == -1)
			return 0;
		ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
		rewind_transaction(s);
	}
}

int
stream(struct binlog *b, struct kc_err *e)
{
	struct stream *s = kc_xcalloc(1, sizeof *s);
	struct kc_err late;
	int rc = 0;

	set_up(s, b);
	s->has_end = b->ctx->end;
	if (s->has_end)
		rc = kc_mysql_position(b->db, &s->end, e);
	/* Where it begins is a position too: it is stored from the start. */
	s->unsaid = s->skip.event == 0;
	if (rc == 0 && (!s->has_end || !at_end(s) || s->skip.event > 0))
		rc = follow(s, e);
	if (s->unsaid && !s->in_tx)
		checkpoint(s);
	if (kc_out_flush(&b->out, &late) != 0 && rc == 0) {
		*e = late;
		rc = -1;
	}
	tear_down(s);
	free(s);
	return rc;
}

/* ---- files ---- */

/* One event of a file: its header says how long it is. 1, 0, -1. */
static int
read_event(int fd, struct kc_buf *in, size_t *at, struct kc_span *raw,
    const char *path, struct kc_err *e)
{
	for (;;) {
		size_t have = in->len - *at, want = 19;
		if (have >= 19) {
			const uint8_t *p = (const uint8_t *)in->p + *at;
			want = (size_t)p[9] | (size_t)p[10] << 8 |
			    (size_t)p[11] << 16 | (size_t)p[12] << 24;
			if (want < 19)
				return kc_fail(e, KC_DATA, "%s: an event of %zu bytes: not a "
				    "binlog, or damaged", path, want);
		}
		if (have >= want && have >= 19) {
			*raw = (struct kc_span){ in->p + *at, want };
			*at += want;
			return 1;
		}
		memmove(in->p, in->p + *at, have);
		in->len = have;
		*at = 0;
		size_t room = want > 262144 ? want : 262144;
		ssize_t n = read(fd, kc_buf_room(in, room), room);
		if (n == -1)
			return kc_fail(e, KC_IO, "%s: %s", path, strerror(errno));
		if (n == 0 && have > 0)
			return kc_fail(e, KC_DATA, "%s: ends in the middle of an event: it "
			    "was cut, or is being written", path);
		if (n == 0)
			return 0;
		in->len += (size_t)n;
	}
}

static int
one_file(struct stream *s, const char *path, struct kc_err *e)
{
	struct kc_buf in = { 0 };
	struct kc_span raw;
	const char *name = strrchr(path, '/');
	size_t at = 0;
	char magic[4];
	int rc, fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return kc_fail(e, KC_USAGE, "%s: %s", path, strerror(errno));
	if (read(fd, magic, 4) != 4 || memcmp(magic, "\xfe"
	    "bin", 4) != 0) {
		close(fd);
		return kc_fail(e, KC_DATA, "%s: not a binlog: it does not begin with "
		    "\\xfe b i n", path);
	}
	snprintf(s->file, sizeof s->file, "%s", name == NULL ? path : name + 1);
	memcpy(s->b->at.file, s->file, sizeof s->file);
	s->b->at.pos = s->pos = 4;
	s->dec.checksum = false;
	while ((rc = read_event(fd, &in, &at, &raw, path, e)) == 1 && !s->stop &&
	    !kc_stop) {
		if (one_event(s, raw, e) != 0) {
			rc = -1;
			break;
		}
		s->b->mariadb = s->dec.maria;
	}
	kc_buf_release(&in);
	close(fd);
	return rc < 0 ? -1 : 0;
}

int
stream_files(struct binlog *b, char **paths, int n, struct kc_err *e)
{
	struct stream *s = kc_xcalloc(1, sizeof *s);
	struct kc_err late;
	int rc = 0;

	set_up(s, b);
	for (int i = 0; i < n && rc == 0 && !s->stop && !kc_stop; i++)
		rc = one_file(s, paths[i], e);
	if (s->unsaid && !s->in_tx)
		checkpoint(s);
	if (kc_out_flush(&b->out, &late) != 0 && rc == 0) {
		*e = late;
		rc = -1;
	}
	tear_down(s);
	free(s);
	return rc;
}

/*
 * Row events into change events.
 */
#include "stream.h"

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
	    row_image(m->cols, &m->table->cdc, rows->present, p, end,
		&b->before) != 0)
		return -1;
	if (rows->op != 'd' &&
	    row_image(m->cols, &m->table->cdc,
		rows->op == 'u' ? rows->present_after : rows->present, p, end,
		&b->after) != 0)
		return -1;
	ev->op = rows->op;
	ev->before = rows->op == 'c' ? NULL : &b->before;
	ev->after = rows->op == 'd' ? NULL : &b->after;
	return 0;
}

static bool
all_present(const uint8_t *bits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!kc_bl_bit(bits, i))
			return false;
	return true;
}

int
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
		return kc_fail(e, KC_DATA,
		    "binlog %s:%llu: rows of %zu columns for a "
		    "table of %zu: the log is damaged",
		    s->file, (unsigned long long)start, rows.ncols,
		    m->table->cdc.ncols);
	if (!all_present(rows.present, rows.ncols) ||
	    !all_present(rows.present_after, rows.ncols))
		return kc_fail(e, KC_DATA,
		    "binlog %s:%llu: rows of %s.%s hold only some "
		    "of the columns: their session's binlog_row_image was not FULL; "
		    "SET GLOBAL binlog_row_image=FULL, let nobody change it, and take "
		    "a new snapshot (kc-offset reset)",
		    s->file, (unsigned long long)start, m->table->cdc.database,
		    m->table->cdc.table);
	const uint8_t *p = (const uint8_t *)rows.rows.p, *end = p + rows.rows.n;
	struct kc_cdc_event out = { .ts_us = kc_now_us() };
	event_heads(s, ev, m->table, start);
	for (uint64_t row = 0; p < end; row++) {
		if (put_row(s, m, &rows, &p, end, &out) != 0)
			return kc_fail(e, KC_DATA,
			    "binlog %s:%llu: row %llu of %s.%s does "
			    "not fit its columns: the log is damaged, or the table was "
			    "altered since (set binlog_row_metadata=FULL)",
			    s->file, (unsigned long long)start,
			    (unsigned long long)row, m->table->cdc.database,
			    m->table->cdc.table);
		if (done_before(s, row, &lines))
			continue;
		row_heads(s, row);
		out.source = KC_BUF_SPAN(&s->source);
		out.offset = KC_BUF_SPAN(&s->offset);
		out.prior = KC_BUF_SPAN(&s->prior);
		size_t from = b->out.b.len;
		b->emitted += kc_cdc_event(b->cdc, &m->table->cdc, &out,
		    &b->out.b);
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

void
put_truncate(struct stream *s, const struct kc_binlog_event *ev,
    struct table *t, uint64_t start)
{
	struct kc_cdc_event out = { .op = 't', .ts_us = kc_now_us() };

	event_heads(s, ev, t, start);
	row_heads(s, 0);
	out.source = KC_BUF_SPAN(&s->source);
	out.offset = KC_BUF_SPAN(&s->offset);
	out.prior = KC_BUF_SPAN(&s->prior);
	int n = kc_cdc_event(s->b->cdc, &t->cdc, &out, &s->b->out.b);
	s->b->emitted += n;
	s->tx_records = n > 0;
}

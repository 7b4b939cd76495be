/*
 * Binlog events, one after the other as a server sends them: whatever they hold,
 * nothing is read beyond them and every row is JSON.
 */
/* with: cmd/kc-binlog/row.c cmd/kc-binlog/value.c cmd/kc-binlog/meta.c */
/* with: cmd/kc-binlog/column.c cmd/kc-binlog/charset.c cmd/kc-binlog/text.c */
#include <stdlib.h>

#include "../../cmd/kc-binlog/kc-binlog.h"
#include "payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct kc_binlog dec;
	struct binlog b;
	struct table *t; /* of the last table map */
	struct rowcol *cols;
	uint64_t id;
	int depth;
};

static void events(struct fuzz *f, const uint8_t *p, const uint8_t *end);

static void
forget(struct fuzz *f)
{
	if (f->t == NULL)
		return;
	for (size_t i = 0; i < f->t->cdc.ncols; i++)
		column_release(&f->t->cols[i]);
	free(f->t->cols);
	kc_cdc_table_release(&f->t->cdc);
	free(f->t);
	free(f->cols);
	f->t = NULL;
}

static void
table_map(struct fuzz *f, const struct kc_binlog_event *ev)
{
	struct kc_bl_table map;
	struct kc_err e;
	size_t at = 0;
	uint8_t type;
	uint16_t meta;

	forget(f);
	if (kc_bl_table_map(ev, &map, &e) != 0 ||
	    (f->t = meta_table(&f->b, &map, &e)) == NULL)
		return;
	f->id = map.id;
	f->cols = kc_xcalloc(map.ncols + 1, sizeof *f->cols);
	for (size_t i = 0; i < map.ncols; i++) {
		struct kc_cdc_column *c = &f->t->cdc.cols[i];
		kc_json_str(&c->prefix, c->name, strlen(c->name));
		kc_buf_putc(&c->prefix, ':');
		c->included = true;
		if (kc_bl_column_meta(&map, i, &at, &type, &meta) != 0 ||
		    rowcol_make(&f->cols[i], c->name, type, meta,
			&f->t->cols[i], &e) != 0) {
			forget(f);
			return;
		}
	}
}

static void
rows(struct fuzz *f, const struct kc_binlog_event *ev)
{
	struct kc_bl_rows r;
	struct kc_err e;

	if (kc_bl_rows(&f->dec, ev, &r, &e) != 0 || f->t == NULL ||
	    r.table_id != f->id || r.ncols != f->t->cdc.ncols)
		return;
	const uint8_t *p = (const uint8_t *)r.rows.p, *end = p + r.rows.n;
	while (p < end &&
	    row_image(f->cols, &f->t->cdc, r.present, &p, end, &f->b.before) == 0)
		if (!kc_json_valid(KC_BUF_SPAN(&f->b.before.json)))
			abort();
}

static void
payload(struct fuzz *f, const struct kc_binlog_event *ev)
{
	struct kc_payload *p = kc_payload_new();
	struct kc_span raw;
	struct kc_err e;

	if (f->depth++ == 0 && kc_payload_open(p, ev, &e) == 0)
		for (int i = 0; i < 1000 && kc_payload_next(p, &raw, &e) == 1; i++)
			events(f, (const uint8_t *)raw.p,
			    (const uint8_t *)raw.p + raw.n);
	f->depth--;
	kc_payload_free(p);
}

static void
event(struct fuzz *f, struct kc_span raw)
{
	struct kc_binlog_event ev;
	struct kc_bl_rotate rotate;
	struct kc_bl_query query;
	struct kc_bl_gtid gtid;
	struct kc_err e;

	if (raw.n > 4 && raw.p[4] == KC_BL_FORMAT) {
		kc_binlog_format(&f->dec, raw, &e);
		f->dec.checksum = false; /* or hardly an event would pass */
		f->b.mariadb = f->dec.maria;
	}
	if (kc_binlog_event(&f->dec, raw, &ev, &e) != 0)
		return;
	if (ev.type == KC_BL_TABLE_MAP)
		table_map(f, &ev);
	else if (kc_bl_is_rows(ev.type))
		rows(f, &ev);
	else if (ev.type == KC_BL_PAYLOAD)
		payload(f, &ev);
	kc_bl_rotate(&ev, &rotate, &e);
	kc_bl_query(&f->dec, &ev, &query, &e);
	kc_bl_gtid(&ev, &gtid, &e);
}

/* Cut by the sizes in their heads. */
static void
events(struct fuzz *f, const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 19) {
		size_t n = (size_t)p[9] | (size_t)p[10] << 8 |
		    (size_t)p[11] << 16;
		if (n < 19 || n > (size_t)(end - p))
			n = (size_t)(end - p);
		event(f, (struct kc_span){ (const char *)p, n });
		p += n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { 0 };

	events(&f, data, data + size);
	forget(&f);
	kc_cdc_row_release(&f.b.before);
	kc_binlog_release(&f.dec);
	return 0;
}

/* needs: zlib */
/*
 * Binlog events; see binlog.h. An event: timestamp 4, type 1, server id 4,
 * size 4, end position 4, flags 2, then its post-header and body, then with
 * checksums a CRC32 of all before. Integers are little-endian.
 */
#include "binlog.h"

#include <string.h>
#include <zlib.h>

#define HEADER 19

struct reader {
	const uint8_t *p, *end;
	bool cut;
};

static struct reader
reader(struct kc_span s)
{
	return (struct reader){ (const uint8_t *)s.p,
		(const uint8_t *)s.p + s.n, false };
}

static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->cut || (size_t)(r->end - r->p) < n) {
		r->cut = true;
		return NULL;
	}
	r->p += n;
	return p;
}

/* A little-endian integer of n bytes, the first 8 of them; 0 when cut. */
static uint64_t
num(struct reader *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	for (size_t i = 0; p != NULL && i < n && i < sizeof v; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static struct kc_span
span(struct reader *r, size_t n)
{
	const char *p = (const char *)take(r, n);

	return (struct kc_span){ p, p == NULL ? 0 : n };
}

static int
cut(const struct kc_binlog_event *ev, const char *what, struct kc_err *e)
{
	return kc_fail(e, KC_DATA,
	    "binlog: %s event of type %u before position %u "
	    "is cut short: the log is damaged",
	    what, ev->type, ev->end_pos);
}

uint64_t
kc_bl_lenenc(const uint8_t **p, const uint8_t *end)
{
	static const uint8_t width[] = { 2, 3, 8 };
	uint64_t v = 0;

	if (*p >= end)
		return UINT64_MAX;
	uint8_t first = *(*p)++;
	if (first < 251)
		return first;
	if (first < 252 || first > 254 || end - *p < width[first - 252])
		return UINT64_MAX;
	for (int i = 0; i < width[first - 252]; i++)
		v |= (uint64_t) * (*p)++ << (8 * i);
	return v;
}

int
kc_binlog_event(const struct kc_binlog *b, struct kc_span raw,
    struct kc_binlog_event *ev, struct kc_err *e)
{
	struct reader r = reader(raw);
	size_t tail = b->checksum ? 4 : 0;

	memset(ev, 0, sizeof *ev);
	ev->ts = (uint32_t)num(&r, 4);
	ev->type = (uint8_t)num(&r, 1);
	ev->server_id = (uint32_t)num(&r, 4);
	ev->size = (uint32_t)num(&r, 4);
	ev->end_pos = (uint32_t)num(&r, 4);
	ev->flags = (uint16_t)num(&r, 2);
	if (r.cut || raw.n < HEADER + tail)
		return cut(ev, "an", e);
	ev->body = (struct kc_span){ raw.p + HEADER, raw.n - HEADER - tail };
	if (tail == 0)
		return 0;
	struct reader c = reader((struct kc_span){ raw.p + raw.n - 4, 4 });
	uint32_t want = (uint32_t)num(&c, 4);
	if ((uint32_t)crc32(0, (const Bytef *)raw.p, (uInt)(raw.n - 4)) != want)
		return kc_fail(e, KC_DATA,
		    "binlog: the event of type %u before "
		    "position %u has a wrong checksum: the log or the connection "
		    "damages data",
		    ev->type, ev->end_pos);
	return 0;
}

/* version 2, server version 50, created 4, header length 1, lengths by type… */
int
kc_binlog_format(struct kc_binlog *b, struct kc_span raw, struct kc_err *e)
{
	struct kc_binlog plain = { 0 };
	struct kc_binlog_event ev;

	if (kc_binlog_event(&plain, raw, &ev, e) != 0)
		return -1;
	struct reader r = reader(ev.body);
	uint16_t version = (uint16_t)num(&r, 2);
	struct kc_span server = span(&r, 50);
	num(&r, 5);
	if (r.cut)
		return cut(&ev, "the format", e);
	if (version != 4)
		return kc_fail(e, KC_DATA,
		    "binlog: format %u; version 4, of MySQL 5 "
		    "and later, is read",
		    version);
	b->maria = memmem(server.p, server.n, "MariaDB", 7) != NULL;
	/* lengths, then checksum algorithm 1 and the event's own CRC 4 */
	size_t left = (size_t)(r.end - r.p);
	b->checksum = false;
	if (left > 5) {
		b->checksum = r.end[-5] == 1;
		left -= 5;
	}
	memset(b->rows_head, 0, sizeof b->rows_head);
	for (size_t i = 0; i < left && i + 1 < 256; i++)
		b->rows_head[i + 1] = r.p[i];
	return 0;
}

void
kc_binlog_release(struct kc_binlog *b)
{
	kc_buf_release(&b->inflated);
}

int
kc_bl_rotate(const struct kc_binlog_event *ev, struct kc_bl_rotate *rot,
    struct kc_err *e)
{
	struct reader r = reader(ev->body);

	rot->pos = num(&r, 8);
	rot->file = span(&r, (size_t)(r.end - r.p));
	return r.cut ? cut(ev, "a rotate", e) : 0;
}

/* MariaDB's compression: 0x80|len bytes, the plain size in them, zlib data. */
static int
inflate_tail(struct kc_binlog *b, struct kc_span packed,
    const struct kc_binlog_event *ev, struct kc_span *plain, struct kc_err *e)
{
	const uint8_t *p = (const uint8_t *)packed.p;
	uint64_t size = 0;
	size_t n = packed.n > 0 ? p[0] & 7 : 0;

	if (packed.n < 1 + n || (p[0] & 0x70) != 0)
		return cut(ev, "a compressed", e);
	for (size_t i = 0; i < n; i++)
		size = size << 8 | p[1 + i];
	if (size > (UINT64_C(1) << 32) || size / 1032 > packed.n)
		return cut(ev, "a compressed", e); /* more than zlib packs */
	kc_buf_reset(&b->inflated);
	kc_buf_room(&b->inflated, size + 1);
	uLongf got = (uLongf)size;
	if (uncompress((Bytef *)b->inflated.p, &got, p + 1 + n,
		(uLong)(packed.n - 1 - n)) != Z_OK ||
	    got != size)
		return cut(ev, "a compressed", e);
	*plain = (struct kc_span){ b->inflated.p, size };
	return 0;
}

/* thread 4, seconds 4, db length 1, error 2, status length 2, status, db 0 sql */
int
kc_bl_query(struct kc_binlog *b, const struct kc_binlog_event *ev,
    struct kc_bl_query *q, struct kc_err *e)
{
	struct reader r = reader(ev->body);

	q->thread = (uint32_t)num(&r, 4);
	num(&r, 4);
	size_t dblen = (size_t)num(&r, 1);
	num(&r, 2);
	size_t status = (size_t)num(&r, 2);
	take(&r, status);
	q->db = span(&r, dblen);
	num(&r, 1);
	q->sql = span(&r, (size_t)(r.end - r.p));
	if (r.cut)
		return cut(ev, "a query", e);
	if (ev->type == KC_BL_MARIA_QUERY_COMPRESSED)
		return inflate_tail(b, q->sql, ev, &q->sql, e);
	return 0;
}

/* flags 1, uuid 16, number 8, type 1, last committed 8, sequence 8, commit 7 */
static void
mysql_gtid(struct reader *r, struct kc_bl_gtid *g)
{
	num(r, 1);
	const uint8_t *sid = take(r, 16);
	if (sid != NULL)
		memcpy(g->sid, sid, 16);
	g->seq = num(r, 8);
	if (r->end - r->p >= 17 + 7) {
		num(r, 17);
		g->commit_us = num(r, 7) & ~(UINT64_C(1) << 55);
	}
}

int
kc_bl_gtid(const struct kc_binlog_event *ev, struct kc_bl_gtid *g,
    struct kc_err *e)
{
	struct reader r = reader(ev->body);

	memset(g, 0, sizeof *g);
	if (ev->type == KC_BL_MARIA_GTID) {
		g->seq = num(&r, 8);
		g->domain = (uint32_t)num(&r, 4);
		g->standalone = (num(&r, 1) & 1) != 0;
	} else {
		mysql_gtid(&r, g);
	}
	return r.cut ? cut(ev, "a GTID", e) : 0;
}

/* id 6, flags 2, db length 1 text 0, table length 1 text 0, columns… */
int
kc_bl_table_map(const struct kc_binlog_event *ev, struct kc_bl_table *t,
    struct kc_err *e)
{
	struct reader r = reader(ev->body);

	memset(t, 0, sizeof *t);
	t->id = num(&r, 6);
	num(&r, 2);
	t->db = span(&r, (size_t)num(&r, 1));
	num(&r, 1);
	t->table = span(&r, (size_t)num(&r, 1));
	num(&r, 1);
	uint64_t n = kc_bl_lenenc(&r.p, r.end);
	if (r.cut || n > 4096)
		return cut(ev, "a table map", e);
	t->ncols = (size_t)n;
	t->types = take(&r, t->ncols);
	n = kc_bl_lenenc(&r.p, r.end);
	t->meta = span(&r, n > ev->body.n ? SIZE_MAX / 2 : (size_t)n);
	t->nullable = take(&r, (t->ncols + 7) / 8);
	if (r.cut)
		return cut(ev, "a table map", e);
	t->optional = span(&r, (size_t)(r.end - r.p));
	return 0;
}

/* Bytes of metadata by column type; types not here have none. */
static size_t
meta_width(uint8_t type)
{
	switch (type) {
	case 4:	  /* FLOAT */
	case 5:	  /* DOUBLE */
	case 17:  /* TIMESTAMP2 */
	case 18:  /* DATETIME2 */
	case 19:  /* TIME2 */
	case 242: /* VECTOR */
	case 245: /* JSON */
	case 249: /* TINY_BLOB and kin */
	case 250:
	case 251:
	case 252:
	case 255: /* GEOMETRY */
	case 140: /* MariaDB compressed BLOB */
		return 1;
	case 15:  /* VARCHAR */
	case 16:  /* BIT */
	case 141: /* MariaDB compressed VARCHAR */
	case 246: /* NEWDECIMAL */
	case 247: /* ENUM */
	case 248: /* SET */
	case 253: /* VAR_STRING */
	case 254: /* STRING */
		return 2;
	default:
		return 0;
	}
}

int
kc_bl_column_meta(const struct kc_bl_table *t, size_t col, size_t *at,
    uint8_t *type, uint16_t *meta)
{
	const uint8_t *p = (const uint8_t *)t->meta.p + *at;
	size_t n;

	*type = t->types[col];
	n = meta_width(*type);
	*meta = 0;
	if (t->meta.n - *at < n)
		return -1;
	*at += n;
	if (n == 1)
		*meta = p[0];
	else if (n == 2)
		*meta = (uint16_t)(p[0] | p[1] << 8);
	if (*type != 254)
		return 0;
	/* STRING: real type and length, the length's top bits in the type's */
	uint8_t real = p[0];
	uint16_t len = p[1];
	if ((real & 0x30) != 0x30) {
		len = (uint16_t)(p[1] | ((real & 0x30) ^ 0x30) << 4);
		real |= 0x30;
	}
	*type = real;
	*meta = len;
	return 0;
}

struct kc_span
kc_bl_optional(const struct kc_bl_table *t, enum kc_bl_option o)
{
	const uint8_t *p = (const uint8_t *)t->optional.p;
	const uint8_t *end = p + t->optional.n;

	while (p != NULL && p < end) {
		uint8_t type = *p++;
		uint64_t n = kc_bl_lenenc(&p, end);
		if (n > (uint64_t)(end - p))
			break;
		if (type == o)
			return (struct kc_span){ (const char *)p, (size_t)n };
		p += n;
	}
	return (struct kc_span){ NULL, 0 };
}

static const struct {
	uint8_t type;
	char op;
	bool v2, packed;
} row_types[] = {
	{ KC_BL_WRITE, 'c', true, false },
	{ KC_BL_UPDATE, 'u', true, false },
	{ KC_BL_DELETE, 'd', true, false },
	{ KC_BL_WRITE_V1, 'c', false, false },
	{ KC_BL_UPDATE_V1, 'u', false, false },
	{ KC_BL_DELETE_V1, 'd', false, false },
	{ KC_BL_MARIA_WRITE_COMPRESSED, 'c', false, true },
	{ KC_BL_MARIA_UPDATE_COMPRESSED, 'u', false, true },
	{ KC_BL_MARIA_DELETE_COMPRESSED, 'd', false, true },
	{ 169, 'c', true, true },
	{ 170, 'u', true, true },
	{ 171, 'd', true, true },
};
#define NROW_TYPES (sizeof row_types / sizeof *row_types)

bool
kc_bl_is_rows(uint8_t type)
{
	for (size_t i = 0; i < NROW_TYPES; i++)
		if (row_types[i].type == type)
			return true;
	return false;
}

/* id 6, flags 2, v2: extra length 2 (itself included), columns, bitmaps, rows */
int
kc_bl_rows(struct kc_binlog *b, const struct kc_binlog_event *ev,
    struct kc_bl_rows *rows, struct kc_err *e)
{
	struct reader r = reader(ev->body);
	size_t k = 0;

	while (k < NROW_TYPES && row_types[k].type != ev->type)
		k++;
	if (k == NROW_TYPES)
		return kc_fail(e, KC_BUG, "binlog: type %u has no rows",
		    ev->type);
	memset(rows, 0, sizeof *rows);
	rows->op = row_types[k].op;
	rows->table_id = num(&r, b->rows_head[ev->type] == 6 ? 4 : 6);
	rows->end_of_statement = (num(&r, 2) & 1) != 0;
	if (row_types[k].v2) {
		uint64_t extra = num(&r, 2);
		take(&r, extra < 2 ? SIZE_MAX / 2 : (size_t)extra - 2);
	}
	uint64_t n = r.cut ? UINT64_MAX : kc_bl_lenenc(&r.p, r.end);
	if (n == 0 || n > 4096)
		return cut(ev, "a row", e);
	rows->ncols = (size_t)n;
	rows->present = take(&r, (rows->ncols + 7) / 8);
	rows->present_after = rows->present;
	if (rows->op == 'u')
		rows->present_after = take(&r, (rows->ncols + 7) / 8);
	rows->rows = span(&r, (size_t)(r.end - r.p));
	if (r.cut)
		return cut(ev, "a row", e);
	if (row_types[k].packed)
		return inflate_tail(b, rows->rows, ev, &rows->rows, e);
	return 0;
}

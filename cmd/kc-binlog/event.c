/*
 * One event of the log after the other, and the positions they lead to. Where
 * we stand is the start of the transaction at hand and what of it is done
 * (event, row, line), so a run resumes inside a transaction without repeating
 * or losing a line.
 */
#include "envelope.h"

#include "stream.h"

/* 32 bits of the position are in an event; the log may be larger. */
static uint64_t
wide_position(const struct stream *s, uint32_t end_pos)
{
	uint64_t p = (s->pos & ~UINT64_C(0xffffffff)) | end_pos;

	if (p + (UINT64_C(1) << 31) < s->pos)
		p += UINT64_C(1) << 32;
	return p;
}

void
checkpoint(struct stream *s)
{
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &s->b->at);
	kc_put_checkpoint(&s->b->out.b, kc_cdc_partition(s->b->cdc),
	    KC_BUF_SPAN(&s->offset));
	s->unsaid = false;
}

bool
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

void
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
	s->in_tx = s->begun = s->tx_records = false;
	kc_buf_reset(&s->gtid);
	s->commit_us = 0;
	s->thread = 0;
	if (at_end(s))
		s->stop = true;
}

void
begin(struct stream *s, int64_t event)
{
	s->in_tx = true;
	s->begun = event >= 0;
	s->event = event;
}

static int
on_rotate(struct stream *s, const struct kc_binlog_event *ev, struct kc_err *e)
{
	struct kc_bl_rotate r;

	if (kc_bl_rotate(ev, &r, e) != 0)
		return -1;
	if (r.file.n >= sizeof s->file)
		return kc_fail(e, KC_DATA, "binlog: a file's name of %zu bytes",
		    r.file.n);
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
	bool partial = ev->type == KC_BL_PARTIAL_UPDATE;

	return kc_fail(e, KC_USAGE,
	    "binlog %s:%llu: %s; SET GLOBAL %s and start again with a new snapshot "
	    "(kc-offset reset)",
	    s->file, (unsigned long long)s->pos,
	    partial ? "a partial update of JSON, which does not hold the row" :
		      "an encrypted log",
	    partial ? "binlog_row_value_options=''" : "encrypt_binlog=OFF");
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
number_and_do(struct stream *s, const struct kc_binlog_event *ev,
    uint64_t start, struct kc_err *e)
{
	bool in_tx = s->in_tx;

	if (on_event(s, ev, start, e) != 0)
		return -1;
	/* Annotations come only when asked for: they have no number. */
	if ((in_tx || s->in_tx) && ev->type != KC_BL_MARIA_ANNOTATE)
		s->event++;
	return 0;
}

/* The events in a compressed transaction: all at its own position. */
static int
on_payload(struct stream *s, const struct kc_binlog_event *whole,
    uint64_t start, struct kc_err *e)
{
	struct kc_binlog_event ev;
	struct kc_span raw;
	bool checksum = s->dec.checksum;
	int rc = 0;

	if (s->payload == NULL)
		s->payload = kc_payload_new();
	if (kc_payload_open(s->payload, whole, e) != 0)
		return -1;
	s->dec.checksum = false;
	while (!s->stop && (rc = kc_payload_next(s->payload, &raw, e)) == 1)
		if ((rc = kc_binlog_event(&s->dec, raw, &ev, e)) != 0 ||
		    (rc = number_and_do(s, &ev, start, e)) != 0)
			break;
	s->dec.checksum = checksum;
	return s->stop ? 0 : rc;
}

int
one_event(struct stream *s, struct kc_span raw, struct kc_err *e)
{
	struct kc_binlog_event ev;
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
	if (start < s->pass)
		return 0;
	s->pass = 0;
	if (ev.type == KC_BL_PAYLOAD)
		return on_payload(s, &ev, start, e);
	return number_and_do(s, &ev, start, e);
}

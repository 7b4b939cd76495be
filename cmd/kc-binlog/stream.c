/*
 * The log of a server: from where we are until the end, a stop, or the
 * connection's; then connected again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "stream.h"

#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 30000

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

void
stream_init(struct stream *s, struct binlog *b)
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
	maps_release(s);
	free(s->maps);
	gtids_free(s->set);
	kc_binlog_release(&s->dec);
	kc_payload_free(s->payload);
	kc_buf_release(&s->gtid);
	kc_buf_release(&s->gtids);
	kc_buf_release(&s->source);
	kc_buf_release(&s->offset);
	kc_buf_release(&s->prior);
	kc_buf_release(&s->offset_tail);
	kc_buf_release(&s->why);
	kc_buf_release(&s->end.gtids);
}

/* Ours among the server's replicas. */
static uint32_t
server_id(const struct kc_conf *conf)
{
	int64_t id = kc_conf_int(conf, "database.server.id");

	if (id == 0)
		id = 5400 + (kc_now_us() ^ (int64_t)getpid() << 40) % 2000000000;
	return (uint32_t)id;
}

/*
 * From b->at on until the end, a stop, or the connection's. The protocol has 32
 * bits for a position; behind a transaction larger than that the file is read
 * from its start again, and passed over.
 */
static int
dump(struct stream *s, struct kc_mysql *db, struct kc_err *e)
{
	struct binlog *b = s->b;
	struct kc_mysql_dump d = { .file = b->at.file,
		.pos = b->at.pos,
		.server_id = server_id(b->conf),
		.heartbeat_ms = 1000 };
	struct kc_span raw;
	int rc;

	s->pass = 0;
	s->dec.checksum = false; /* until this server says so */
	if (d.pos > UINT32_MAX) {
		s->pass = d.pos;
		d.pos = s->pos = 4;
	}
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
	maps_release(s);
}

/* Another connection, for the queries too when theirs is gone. */
static int
connect_and_dump(struct stream *s, struct kc_err *e)
{
	struct binlog *b = s->b;
	struct kc_mysql *db;
	int rc;

	if (b->db == NULL && (b->db = kc_mysql_open(b->conf, e)) == NULL)
		return -1;
	if ((db = kc_mysql_open(b->conf, e)) == NULL)
		return -1;
	rc = dump(s, db, e);
	kc_mysql_close(db);
	return rc;
}

static int
follow(struct stream *s, struct kc_err *e)
{
	int64_t retries = kc_conf_int(s->b->conf, "errors.max.retries"),
		tried = 0;
	int ms = BACKOFF_MS;

	for (;;) {
		uint64_t was = s->b->at.pos, event = s->b->at.event;
		int rc = connect_and_dump(s, e);
		if (kc_stop)
			return 0;
		if (rc == 0 || e->status != KC_TEMP)
			return rc;
		if (s->b->at.pos != was || s->b->at.event != event) {
			ms = BACKOFF_MS;
			tried = 0;
		}
		if (retries >= 0 && tried++ >= retries)
			return -1;
		kc_log(KC_WARN, "%s; connecting again in %d ms", e->msg, ms);
		if (idle(s, e) != 0)
			return -1;
		if (kc_wait(-1, ms, true) == -1)
			return 0;
		ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
		rewind_transaction(s);
		kc_mysql_close(s->b->db);
		s->b->db = NULL;
	}
}

int
stream_finish(struct stream *s, int rc, struct kc_err *e)
{
	struct kc_err late;

	if (s->unsaid && !s->in_tx)
		checkpoint(s);
	if (kc_out_flush(&s->b->out, &late) != 0 && rc == 0) {
		*e = late;
		rc = -1;
	}
	tear_down(s);
	return rc;
}

int
stream(struct binlog *b, struct kc_err *e)
{
	struct stream s;
	int rc = 0;

	stream_init(&s, b);
	s.has_end = b->ctx->end;
	if (s.has_end)
		rc = kc_mysql_position(b->db, &s.end, e);
	/* Where it begins is a position too: it is stored from the start. */
	s.unsaid = s.skip.event == 0;
	if (rc == 0 && (!s.has_end || !at_end(&s) || s.skip.event > 0))
		rc = follow(&s, e);
	return stream_finish(&s, rc, e);
}

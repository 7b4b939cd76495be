/*
 * The log being read: where it stands, what it makes. event.c takes one event
 * after the other from stream.c (a server) or file.c; map.c knows the tables,
 * change.c writes their changes, query.c reads statements.
 */
#ifndef KC_CMD_BINLOG_STREAM_H
#define KC_CMD_BINLOG_STREAM_H

#include "kc-binlog.h"
#include "payload.h"

/* What a table id of the log means until the next map says otherwise. */
struct mapped {
	uint64_t id;
	struct kc_buf body;  /* of the map event it was made of */
	struct table *table; /* NULL: not captured */
	struct rowcol *cols;
	unsigned generation; /* of the DDL it was checked at */
};

struct stream {
	struct binlog *b;
	struct kc_binlog dec;
	struct kc_payload *payload; /* NULL: none was there */
	struct mapped **maps;
	size_t nmaps;
	struct mapped *last;
	unsigned generation; /* DDL statements seen */
	/* where we are in the log */
	char file[512];
	uint64_t pos;  /* after the event at hand */
	uint64_t pass; /* events up to here are passed over */
	/* the transaction at hand */
	bool in_tx, tx_records;
	bool begun;    /* by a BEGIN: only a COMMIT ends it */
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

/* event.c */

/* One event, header and all. Sets s->stop at the end. */
int one_event(struct stream *s, struct kc_span raw, struct kc_err *e);
/* Appends a checkpoint of b->at. */
void checkpoint(struct stream *s);
/* Nothing is open any more: where we are is where we would begin again. */
void transaction_done(struct stream *s, const struct kc_binlog_event *ev);
/* A transaction begins; event: the number of the event at hand. */
void begin(struct stream *s, int64_t event);
/* -e: b->at is as far as the log went at our start. */
bool at_end(const struct stream *s);

/* map.c */

int on_table_map(struct stream *s, const struct kc_binlog_event *ev,
    struct kc_err *e);
/* What a table id means now; NULL: no map said. */
struct mapped *find_map(struct stream *s, uint64_t id);
void maps_release(struct stream *s);

/* change.c; start: the event's position. */

int on_rows(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e);
void put_truncate(struct stream *s, const struct kc_binlog_event *ev,
    struct table *t, uint64_t start);

/* query.c */

int on_query(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e);

/* stream.c */

/* Begins at b->at. */
void stream_init(struct stream *s, struct binlog *b);
/* Says what is not said yet and flushes; rc, or -1 when that fails. */
int stream_finish(struct stream *s, int rc, struct kc_err *e);

#endif

/*
 * The log: pgoutput's messages into change events. The server is told only what
 * the store has. Where we stand inside a transaction is the number of its
 * changes that are done: they come again in the same order.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

#define PG_EPOCH_US INT64_C(946684800000000)
#define BACKOFF_MAX_MS 30000
#define STORE_LOOK_US 1000000
#define ASK_US 20000

struct stream {
	struct pgwal *w;
	struct kc_pg_msg *msg;
	bool in_tx, tx_records, stop;
	uint32_t xid;
	int64_t commit_us;
	uint64_t row;	  /* changes of the transaction so far */
	uint32_t skip_tx; /* done of it before we began: */
	uint64_t skip_row, skip_line;
	bool unsaid;  /* the position moved without a line saying so */
	uint64_t end; /* -e: stop there; 0: no */
	int64_t look_at, ask_at, heartbeat_us, heartbeat_at;
	struct kc_buf source, offset, prior;
};

/* ---- what the server is told ---- */

static void
be64(char *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (char)v;
}

/* Standby status update: written, flushed, applied, time, reply wanted. */
static int
status(struct pgwal *w, bool reply, struct kc_err *e)
{
	char m[34] = { 'r' };

	be64(m + 1, w->confirmed);
	be64(m + 9, w->confirmed);
	be64(m + 17, w->confirmed);
	be64(m + 25, (uint64_t)(kc_now_us() - PG_EPOCH_US));
	m[33] = reply;
	w->status_at = kc_mono_us() +
	    kc_conf_int(w->conf, "status.update.interval.ms") * 1000;
	return w->repl == NULL ? 0 : server_send(w->repl, m, sizeof m, e);
}

/* The store's position, when it moved: that much may be forgotten. */
static int
look_at_store(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;
	struct kc_buf text = { 0 };
	struct offset o;
	int rc;

	s->look_at = kc_mono_us() + STORE_LOOK_US;
	if (w->store == NULL || (rc = kc_store_refresh(w->store, e)) == 0)
		return 0;
	if (rc == -1)
		return -1;
	rc = kc_store_get(w->store, kc_cdc_partition(w->cdc), &text, e);
	if (rc == 1) {
		offset_parse(&o, KC_BUF_SPAN(&text));
		if (!o.snapshot && o.lsn_commit > w->confirmed)
			w->confirmed = o.lsn_commit;
	}
	kc_buf_release(&text);
	return rc < 0 ? -1 : 0;
}

int
flush(struct pgwal *w, struct kc_err *e)
{
	struct kc_buf *b = &w->out.b;
	size_t at = 0;

	while (at < b->len) {
		ssize_t n = write(1, b->p + at, b->len - at);
		if (n >= 0) {
			at += (size_t)n;
			continue;
		}
		if (errno == EAGAIN) {
			struct pollfd p = { .fd = 1, .events = POLLOUT };
			if (poll(&p, 1, 1000) == 0 && w->repl != NULL &&
			    kc_mono_us() >= w->status_at &&
			    status(w, false, e) != 0)
				kc_log(KC_WARN, "%s", e->msg);
		} else if (errno != EINTR) {
			/* the same words and end as everywhere */
			memmove(b->p, b->p + at, b->len - at);
			b->len -= at;
			return kc_out_flush(&w->out, e);
		}
	}
	b->len = 0;
	return 0;
}

/* ---- positions ---- */

static void
checkpoint(struct stream *s)
{
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &s->w->at);
	kc_put_checkpoint(&s->w->out.b, kc_cdc_partition(s->w->cdc),
	    KC_BUF_SPAN(&s->offset));
	s->unsaid = false;
}

/* No transaction is open, and all before lsn was seen. */
static void
clean_at(struct stream *s, uint64_t lsn, const char *message)
{
	struct offset *at = &s->w->at;

	at->lsn = at->lsn_proc = at->lsn_commit = lsn;
	at->has_row = false;
	at->row = at->line = 0;
	snprintf(at->message, sizeof at->message, "%s", message);
	s->skip_tx = 0;
	s->unsaid = true;
	if (s->end != 0 && lsn >= s->end)
		s->stop = true;
}

/* ---- rows ---- */

static int
put_value(struct stream *s, struct kc_cdc_row *row, const struct table *t,
    size_t i, const struct kc_pg_value *v, const struct kc_pg_value *old,
    struct kc_err *e)
{
	const struct column *c = &t->cols[i];

	if (v->kind == 'u' && old != NULL && old->kind == 't')
		v = old; /* a whole old row has what did not change */
	if (v->kind == 'n') {
		kc_buf_puts(&row->json, c->missing != NULL ? c->missing : "null");
		return 0;
	}
	if (v->kind == 'u') {
		if (row->unchanged.len > 0)
			kc_buf_putc(&row->unchanged, ',');
		kc_json_str(&row->unchanged, t->cdc.cols[i].name,
		    strlen(t->cdc.cols[i].name));
		type_put_unavailable(&row->json, c, s->w->placeholder);
		return 0;
	}
	if (type_put(&row->json, c, v->text) == 0)
		return 0;
	return kc_fail(e, KC_DATA,
	    "table %s.%s: column %s: value %.*s is not "
	    "understood; leave the column out with column.exclude.list",
	    t->cdc.schema, t->cdc.table, t->cdc.cols[i].name,
	    (int)(v->text.n < 100 ? v->text.n : 100), v->text.p);
}

static int
make_row(struct stream *s, struct kc_cdc_row *row, const struct table *t,
    const struct kc_pg_tuple *tuple, const struct kc_pg_tuple *old,
    struct kc_err *e)
{
	if (tuple->n != t->cdc.ncols)
		return kc_fail(e, KC_DATA,
		    "table %s.%s: a row of %zu columns where its "
		    "relation has %zu",
		    t->cdc.schema, t->cdc.table, tuple->n, t->cdc.ncols);
	kc_cdc_row_columns(row, t->cdc.ncols);
	kc_cdc_row_begin(row);
	for (size_t i = 0; i < tuple->n; i++) {
		if (!t->cdc.cols[i].included)
			continue;
		kc_cdc_row_col(row, &t->cdc.cols[i], i);
		if (put_value(s, row, t, i, &tuple->v[i],
			old->n == tuple->n ? &old->v[i] : NULL, e) != 0)
			return -1;
		kc_cdc_row_val(row, i);
	}
	kc_cdc_row_end(row);
	return 0;
}

static const char *
message_name(char type)
{
	return type == 'I' ? "INSERT" :
	    type == 'U'	   ? "UPDATE" :
	    type == 'D'	   ? "DELETE" :
	    type == 'M'	   ? "MESSAGE" :
			     "TRUNCATE";
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

/* The position before and after the transaction's next change. */
static void
in_transaction(struct stream *s, uint64_t lsn, char type)
{
	struct offset *at = &s->w->at;

	at->lsn = at->lsn_proc = lsn;
	at->tx = s->xid;
	at->ts_usec = s->commit_us;
	at->has_row = true;
	at->line = 0;
	snprintf(at->message, sizeof at->message, "%s", message_name(type));
	kc_buf_reset(&s->prior);
	at->row = s->row;
	offset_put(&s->prior, at);
	kc_buf_reset(&s->offset);
	at->row = s->row + 1;
	offset_put(&s->offset, at);
}

/*
 * Writes one change, the transaction's next; skipped when it was done before.
 * 1: written, 0: not.
 */
static int
say(struct stream *s, struct table *t, struct kc_cdc_event *ev, uint64_t lsn,
    char type)
{
	struct pgwal *w = s->w;
	struct offset *at = &w->at;
	uint64_t last = at->lsn_commit, lines = 0;

	if (s->skip_tx == s->xid && s->skip_tx != 0) {
		if (s->row < s->skip_row)
			return 0;
		lines = s->row == s->skip_row ? s->skip_line : 0;
	}
	in_transaction(s, lsn, type);
	kc_buf_reset(&s->source);
	source_put(&s->source, w, t, "false", s->commit_us, last, lsn, s->xid);
	ev->source = KC_BUF_SPAN(&s->source);
	ev->offset = KC_BUF_SPAN(&s->offset);
	ev->prior = KC_BUF_SPAN(&s->prior);
	ev->ts_us = kc_now_us();
	size_t from = w->out.b.len;
	int n = kc_cdc_event(w->cdc, &t->cdc, ev, &w->out.b);
	if (lines > 0)
		cut_lines(&w->out.b, from, lines);
	w->emitted += n;
	s->tx_records |= n > 0;
	if (w->ctx->count >= 0 && w->emitted >= w->ctx->count)
		s->stop = true;
	return n > 0;
}

static int
on_change(struct stream *s, uint64_t lsn, struct kc_err *e)
{
	struct kc_pg_msg *m = s->msg;
	struct table *t = table_find(s->w, m->rel);
	struct kc_cdc_event ev = { .op = m->type == 'I' ? 'c' :
		    m->type == 'U'			? 'u' :
							  'd' };
	static const struct kc_pg_tuple none;

	if (t == NULL)
		return kc_fail(e, KC_DATA,
		    "pgoutput: a change of relation %u, which was "
		    "never described",
		    m->rel);
	if (t->wanted) {
		if (m->old.n > 0 &&
		    make_row(s, &s->w->before, t, &m->old, &none, e) != 0)
			return -1;
		if (m->new.n > 0 &&
		    make_row(s, &s->w->after, t, &m->new, &m->old, e) != 0)
			return -1;
		ev.before = m->old.n > 0 ? &s->w->before : NULL;
		ev.after = m->new.n > 0 ? &s->w->after : NULL;
		say(s, t, &ev, lsn, m->type);
	}
	s->row++;
	return 0;
}

static int
on_truncate(struct stream *s, uint64_t lsn)
{
	for (uint32_t i = 0; i < s->msg->nrels; i++) {
		const uint8_t *p = s->msg->rels + i * 4;
		struct table *t = table_find(s->w,
		    (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			(uint32_t)p[2] << 8 | p[3]);
		struct kc_cdc_event ev = { .op = 't' };
		if (t != NULL && t->wanted)
			say(s, t, &ev, lsn, 'T');
		s->row++;
	}
	return 0;
}

/*
 * One of a transaction is a change like others; one of none stands between
 * transactions, and was said before if we resume in one that came after it.
 */
static void
on_logical(struct stream *s)
{
	struct pgwal *w = s->w;
	struct kc_pg_msg *m = s->msg;
	bool done = s->skip_tx != 0 &&
	    (!s->in_tx || (s->skip_tx == s->xid && s->row < s->skip_row));
	uint64_t last = w->at.lsn_commit;

	if (!done && message_wanted(&w->messages, m)) {
		if (s->in_tx) {
			in_transaction(s, m->lsn, 'M');
		} else {
			w->at.ts_usec = kc_now_us();
			clean_at(s, m->lsn, "MESSAGE");
			kc_buf_reset(&s->offset);
			offset_put(&s->offset, &w->at);
			s->unsaid = false;
		}
		kc_buf_reset(&s->source);
		source_put(&s->source, w, NULL, "false", w->at.ts_usec, last,
		    m->lsn, s->in_tx ? s->xid : 0);
		message_put(w, m, KC_BUF_SPAN(&s->source),
		    KC_BUF_SPAN(&s->offset));
		s->tx_records |= s->in_tx;
		w->emitted++;
		s->stop |= w->ctx->count >= 0 && w->emitted >= w->ctx->count;
	}
	s->row += s->in_tx;
}

static int
on_relation(struct stream *s, struct kc_err *e)
{
	struct table *t;

	if (table_of_relation(s->w, s->msg, &t, e) != 0)
		return -1;
	if (t->wanted && t->cdc.nkeys == 0 && s->msg->identity != 'f')
		kc_log(KC_WARN,
		    "table %s.%s has no primary key: the server refuses its "
		    "updates and deletes until ALTER TABLE … REPLICA IDENTITY FULL",
		    t->cdc.schema, t->cdc.table);
	else if (t->wanted && s->msg->identity == 'n')
		kc_log(KC_WARN,
		    "table %s.%s has REPLICA IDENTITY NOTHING: the server refuses its "
		    "updates and deletes until ALTER TABLE … REPLICA IDENTITY DEFAULT",
		    t->cdc.schema, t->cdc.table);
	table_set_take(s->w, t);
	return 0;
}

static int
on_message(struct stream *s, struct kc_span bytes, uint64_t lsn, struct kc_err *e)
{
	struct kc_pg_msg *m = s->msg;

	if (kc_pgoutput(m, bytes, e) != 0)
		return -1;
	switch (m->type) {
	case 'B':
		s->in_tx = true;
		s->tx_records = false;
		s->xid = m->xid;
		s->commit_us = m->ts_us;
		s->row = 0;
		return 0;
	case 'C':
		s->in_tx = false;
		s->w->at.ts_usec = m->ts_us;
		s->w->at.tx = s->xid;
		clean_at(s, m->lsn, "COMMIT");
		if (s->tx_records)
			checkpoint(s);
		return 0;
	case 'R':
		return on_relation(s, e);
	case 'I':
	case 'U':
	case 'D':
		return on_change(s, lsn, e);
	case 'T':
		return on_truncate(s, lsn);
	case 'M':
		on_logical(s);
		return 0;
	default:
		return 0;
	}
}

static uint64_t
get64(const char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* w: start 8, end 8, time 8, message. k: end 8, time 8, reply wanted 1. */
static int
on_copied(struct stream *s, struct kc_span d, struct kc_err *e)
{
	if (d.n >= 25 && d.p[0] == 'w')
		return on_message(s, (struct kc_span){ d.p + 25, d.n - 25 },
		    get64(d.p + 1), e);
	if (d.n >= 18 && d.p[0] == 'k') {
		uint64_t end = get64(d.p + 1);
		/*
		 * All that was committed before `end` was sent; but a
		 * transaction we resume in begins before its commit.
		 */
		if (s->skip_tx != 0 && !s->in_tx)
			s->stop |= s->end != 0 && end >= s->end;
		else if (!s->in_tx &&
		    (end > s->w->at.lsn_commit || (s->end != 0 && end >= s->end)))
			clean_at(s, end, "");
		return d.p[17] != 0 ? status(s->w, false, e) : 0;
	}
	return kc_fail(e, KC_DATA,
	    "%s: a replication message of type %d is not known",
	    server_where(s->w->repl), d.n > 0 ? d.p[0] : 0);
}

/* ---- the run ---- */

static void
heartbeat(struct stream *s)
{
	int64_t now = kc_mono_us();

	if (s->heartbeat_us == 0 || s->in_tx || now < s->heartbeat_at)
		return;
	s->heartbeat_at = now + s->heartbeat_us;
	kc_buf_reset(&s->offset);
	offset_put(&s->offset, &s->w->at);
	kc_cdc_heartbeat(s->w->cdc, KC_BUF_SPAN(&s->offset), kc_now_us(),
	    &s->w->out.b);
	s->unsaid = false;
}

static int
action_query(struct stream *s, struct kc_err *e)
{
	const char *sql = kc_conf_str(s->w->conf, "heartbeat.action.query");

	if (s->heartbeat_us == 0 || sql == NULL || sql[0] == '\0' ||
	    kc_mono_us() < s->heartbeat_at)
		return 0;
	return server_query(s->w->db, e, "%s", sql) < 0 ?
	    kc_fail_in(e, "heartbeat.action.query: ") :
	    0;
}

/* Tells the server what the store has, when it is time. */
static int
tell(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;
	int64_t now = kc_mono_us();

	if (now >= s->look_at) {
		uint64_t was = w->confirmed;
		if (look_at_store(s, e) != 0)
			return -1;
		if (w->confirmed != was)
			w->status_at = now;
	}
	return now >= w->status_at ? status(w, false, e) : 0;
}

/* Nothing to read: say what is unsaid, tell the server, wait. */
static int
idle(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;

	if (tell(s, e) != 0)
		return -1;
	if (s->unsaid && !s->in_tx)
		checkpoint(s);
	if (action_query(s, e) != 0)
		return -1;
	heartbeat(s);
	if (flush(w, e) != 0)
		return -1;
	/* a server asked for a reply says at once how far it is */
	if (s->end != 0 && !s->in_tx && kc_mono_us() >= s->ask_at) {
		s->ask_at = kc_mono_us() + ASK_US;
		if (status(w, true, e) != 0)
			return -1;
	}
	kc_wait(server_fd(w->repl), s->end != 0 ? 20 : 500, true);
	return server_consume(w->repl, e);
}

static int
start(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;
	struct kc_buf sql = { 0 }, pub = { 0 };
	const char *more = kc_conf_str(w->conf, "slot.stream.params");
	int rc;

	if (w->repl == NULL && (w->repl = server_open(w->conf, true, e)) == NULL)
		return -1;
	server_ident(&pub, w->publication);
	kc_buf_lit(&sql, "START_REPLICATION SLOT ");
	server_ident(&sql, w->temporary != NULL ? w->temporary : w->slot);
	kc_buf_printf(&sql,
	    " LOGICAL %X/%X (proto_version '1', publication_names ",
	    KC_PG_LSN_ARG(w->at.lsn_commit));
	server_literal(&sql, kc_buf_str(&pub));
	if (server_version(w->repl) >= 140000)
		kc_buf_lit(&sql, ", messages 'true'");
	for (; more != NULL && *more != '\0'; more += *more == ';') {
		size_t n = strcspn(more, ";"), eq = strcspn(more, "=");
		if (eq < n)
			kc_buf_printf(&sql, ", %.*s '%.*s'", (int)eq, more,
			    (int)(n - eq - 1), more + eq + 1);
		more += n;
	}
	kc_buf_putc(&sql, ')');
	rc = server_copy(w->repl, e, kc_buf_str(&sql));
	if (rc != 0 && strcmp(server_state(w->repl), "55006") == 0)
		kc_fail_in(e,
		    "slot %s is in use by another reader: stop it, or choose "
		    "another slot.name: ",
		    w->slot);
	else if (rc != 0 && strcmp(server_state(w->repl), "42704") == 0)
		e->status = KC_USAGE;
	kc_buf_release(&sql);
	kc_buf_release(&pub);
	s->in_tx = false;
	s->skip_tx = w->at.has_row ? w->at.tx : 0;
	s->skip_row = w->at.row;
	s->skip_line = w->at.line;
	for (size_t i = 0; i < w->ntables; i++)
		table_free(w->tables[i]);
	w->ntables = 0;
	return rc != 0 ? -1 : status(w, false, e);
}

static int
read_log(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;
	struct kc_span d;
	int rc;

	if (start(s, e) != 0)
		return -1;
	while (!s->stop && !kc_stop) {
		rc = server_copied(w->repl, false, &d, e);
		if (rc == 1)
			rc = on_copied(s, d, e) != 0 ||
				(w->out.b.len >= KC_OUT_BLOCK &&
				    (flush(w, e) != 0 || tell(s, e) != 0)) ?
			    -1 :
			    1;
		else if (rc == 2)
			rc = idle(s, e);
		else if (rc == 0)
			rc = kc_fail(e, KC_TEMP,
			    "%s: the server ended the replication",
			    server_where(w->repl));
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* -e: everything committed by now is flushed, and its end the end. */
static int
find_end(struct stream *s, struct kc_err *e)
{
	struct kc_err ignored;
	unsigned hi, lo;

	server_query(s->w->db, &ignored, "set synchronous_commit=on");
	server_query(s->w->db, &ignored,
	    "select pg_logical_emit_message(true, 'kc', '')");
	if (server_query(s->w->db, e, "select pg_current_wal_flush_lsn()") < 0)
		return -1;
	if (sscanf(server_value(s->w->db, 0, 0), "%X/%X", &hi, &lo) != 2)
		return kc_fail(e, KC_TEMP,
		    "pg_current_wal_flush_lsn: no position");
	s->end = (uint64_t)hi << 32 | lo;
	return 0;
}

static int
reconnect(struct stream *s, struct kc_err *e)
{
	struct pgwal *w = s->w;

	server_close(w->repl);
	w->repl = NULL;
	server_close(w->db);
	w->db = server_open(w->conf, false, e);
	return w->db == NULL ? -1 : 0;
}

static int
follow(struct stream *s, struct kc_err *e)
{
	int64_t ms = 500;
	uint64_t was = 0;
	int rc = s->w->ctx->end ? find_end(s, e) : 0;

	while (rc == 0 || rc == -2) {
		rc = rc == -2 ? reconnect(s, e) : 0;
		if (rc == 0)
			rc = read_log(s, e);
		if (rc == 0 || kc_stop)
			return 0;
		if (e->status != KC_TEMP || s->w->temporary != NULL)
			return -1;
		if (s->w->at.lsn != was)
			ms = 500;
		was = s->w->at.lsn;
		kc_log(KC_WARN, "%s; connecting again in %lld ms", e->msg,
		    (long long)ms);
		if (flush(s->w, e) != 0)
			return -1;
		if (kc_wait(-1, (int)ms, true) == -1)
			return 0;
		ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
		rc = -2;
	}
	return rc;
}

int
stream(struct pgwal *w, struct kc_err *e)
{
	struct stream s = { .w = w,
		.unsaid = !w->at.has_row && w->at.lsn_commit != 0 };
	struct kc_err late;
	int rc, flags = fcntl(1, F_GETFL);
	struct pollfd p = { .fd = 1 };

	s.msg = kc_xcalloc(1, sizeof *s.msg);
	s.heartbeat_us = kc_conf_int(w->conf, "heartbeat.interval.ms") * 1000;
	/* only a pipe: a terminal's flags are other people's too */
	if (lseek(1, 0, SEEK_CUR) == -1 && errno == ESPIPE && !isatty(1) &&
	    poll(&p, 1, 0) >= 0)
		fcntl(1, F_SETFL, flags | O_NONBLOCK);
	rc = follow(&s, e);
	if (rc == 0 || kc_stop)
		look_at_store(&s, &late);
	if (s.unsaid && !s.in_tx)
		checkpoint(&s);
	if (flush(w, &late) != 0 && rc == 0) {
		*e = late;
		rc = -1;
	}
	if (w->repl != NULL && rc == 0)
		status(w, false, &late);
	fcntl(1, F_SETFL, flags);
	free(s.msg);
	kc_buf_release(&s.source);
	kc_buf_release(&s.offset);
	kc_buf_release(&s.prior);
	return rc;
}

/*
 * kc-produce: envelopes to Kafka. Batches are handed to the producer's queue
 * and counted as durable when the brokers acknowledged them; with a
 * transactional.id each batch is a transaction, which holds the position too
 * when it goes to -o kafka:TOPIC.
 */
/* needs: rdkafka */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "produce.h"

static const struct kc_prop props[] = {
	{ "bootstrap.servers", KC_T_LIST, NULL, NULL, 'H',
	    "Brokers to begin with, host:port.", 'b', NULL, KC_REQUIRED },
	{ "topic", KC_T_STRING, NULL, NULL, 'M',
	    "Topic of every record, whatever its own.", 't', NULL, 0 },
	{ "name", KC_T_STRING, NULL, NULL, 'M',
	    "Connector's name in the keys of -o kafka:TOPIC.", 0, NULL, 0 },
	{ "transactional.id", KC_T_STRING, NULL, NULL, 'M',
	    "Write each batch in a transaction, under this name.", 0, NULL, 0 },
	{ "acks", KC_T_STRING, "all", "all|-1|0|1", 'M',
	    "Who must have a record before it counts as written.", 0, NULL, 0 },
	{ "enable.idempotence", KC_T_BOOLEAN, "true", NULL, 'M',
	    "Retries neither repeat nor reorder.", 0, NULL, 0 },
	{ "compression.type", KC_T_STRING, "none", "none|gzip|snappy|lz4|zstd",
	    'M', "How batches are compressed.", 'z', "compression.codec", 0 },
	{ "linger.ms", KC_T_INT, "5", "0..900000", 'M',
	    "Wait this long for a fuller batch.", 0, "queue.buffering.max.ms", 0 },
	{ "delivery.timeout.ms", KC_T_INT, "120000", "0..", 'M',
	    "Retry for so long; 0: for ever.", 0, "message.timeout.ms", 0 },
	{ "buffer.memory", KC_T_LONG, "25165824", "1024..", 'M',
	    "Bytes under way at most; more input waits.", 0, NULL, 0 },
	{ "message.max.bytes", KC_T_INT, "1000000", "1000..1000000000", 'M',
	    "The largest message.", 0, "max.request.size", 0 },
	{ "partition.from", KC_T_STRING, "record", "record|key", 'M',
	    "Send a record to its own partition, if it names one, or by key.",
	    0, NULL, 0 },
	{ "transaction.max.records", KC_T_INT, "10000", "1..", 'L',
	    "Records in a transaction at most.", 0, NULL, 0 },
	{ "transaction.retries", KC_T_INT, "10", "0..", 'L',
	    "Tries of an aborted transaction.", 0, NULL, 0 },
	{ "topic.creation.default.partitions", KC_T_INT, NULL, "-1..", 'M',
	    "Create missing topics with so many partitions.", 0, NULL, 0 },
	{ "topic.creation.default.replication.factor", KC_T_INT, NULL, "-1..",
	    'M', "Create missing topics with so many replicas.", 0, NULL, 0 },
	{ "producer.", KC_T_STRING, NULL, NULL, 'L',
	    "Any property of the client, and producer.override. as well.", 0,
	    "producer.override.", KC_PREFIX },
	{ "", KC_T_STRING, NULL, NULL, 'L',
	    "Any other property of librdkafka or of Java's producer.", 'X',
	    NULL, KC_PREFIX },
	KC_SINK_PROPS,
	{ 0 },
};

static const char *const prefixes[] = { "producer.", "producer.override.", NULL };

/* ---- topics that are missing ---- */

/* known is "\nname\nname\n". */
static int
create_topic(struct produce *w, struct kc_span topic, struct kc_err *e)
{
	static const char parts[] = "topic.creation.default.partitions",
			  reps[] = "topic.creation.default.replication.factor";
	struct kc_conf *c = w->ctx->conf;
	struct kc_buf line = { 0 };
	struct kc_kconf *k;
	char *name;
	int rc;

	kc_buf_putc(&line, '\n');
	kc_buf_span(&line, topic);
	kc_buf_putc(&line, '\n');
	if (w->known.len > 0 &&
	    memmem(w->known.p, w->known.len, line.p, line.len)) {
		kc_buf_release(&line);
		return 0;
	}
	kc_buf_span(&w->known, KC_BUF_SPAN(&line));
	kc_buf_release(&line);
	name = kc_xstrndup(topic.p, topic.n);
	k = kc_kconf_new(true, props);
	rc = kc_kconf_from(k, c, prefixes, e);
	if (rc == 0)
		rc = kc_kafka_create(k, name,
		    kc_conf_isset(c, parts) ? (int)kc_conf_int(c, parts) : -1,
		    kc_conf_isset(c, reps) ? (int)kc_conf_int(c, reps) : -1,
		    NULL, e);
	else
		kc_kconf_free(k);
	free(name);
	return rc;
}

/* ---- the sink ---- */

static int
one(struct produce *w, const struct kc_rec *r, struct kc_err *e)
{
	struct kc_kmsg m;
	struct kc_err why;

	if (message(w, r, &m, &why) == 0 &&
	    (!w->creates || create_topic(w, m.topic, &why) == 0) &&
	    kc_producer_send(w->p, &m, &why) == 0)
		return 0;
	if (why.status == KC_DATA)
		return kc_sink_dead(w->ctx, r->line, &why, e);
	*e = why;
	return -1;
}

static int
send_positions(struct produce *w, const struct kc_positions *pos,
    struct kc_err *e)
{
	struct kc_kmsg m = { .partition = -1, .timestamp = -1 };

	m.topic = (struct kc_span){ w->store.topic, strlen(w->store.topic) };
	for (size_t i = 0; i < pos->n; i++) {
		if (!pos->v[i].dirty)
			continue;
		kc_buf_reset(&w->key);
		kc_kspec_key(&w->key, w->connector,
		    KC_BUF_SPAN(&pos->v[i].partition));
		kc_buf_reset(&w->value);
		kc_json_compact(&w->value, KC_BUF_SPAN(&pos->v[i].offset));
		m.key = KC_BUF_SPAN(&w->key);
		m.value = KC_BUF_SPAN(&w->value);
		if (kc_producer_send(w->p, &m, e) != 0)
			return -1;
	}
	return 0;
}

static int
write_plain(void *arg, const struct kc_batch *b, struct kc_err *e)
{
	struct produce *w = arg;

	for (size_t i = 0; i < b->n; i++)
		if (one(w, &b->recs[i], e) != 0)
			return -1;
	kc_producer_mark(w->p);
	return 0;
}

static uint64_t
durable(void *arg, bool wait, struct kc_err *e)
{
	return kc_producer_durable(((struct produce *)arg)->p, wait, e);
}

static int
transaction(struct produce *w, const struct kc_batch *b, struct kc_err *e)
{
	if (kc_producer_begin(w->p, e) != 0)
		return -1;
	w->begun = true;
	for (size_t i = 0; i < b->n; i++)
		if (one(w, &b->recs[i], e) != 0)
			return -1;
	if (w->store.topic != NULL && send_positions(w, b->pos, e) != 0)
		return -1;
	kc_producer_mark(w->p);
	return kc_producer_commit(w->p, e);
}

static int
write_transaction(void *arg, const struct kc_batch *b, struct kc_err *e)
{
	struct produce *w = arg;
	struct kc_err late;

	if (b->n == 0 && w->store.topic == NULL)
		return 0;
	if (!w->ready && kc_producer_init(w->p, e) != 0)
		return -1;
	w->ready = true;
	w->begun = false;
	if (transaction(w, b, e) == 0)
		return 0;
	if (w->begun && kc_producer_abort(w->p, &late) != 0)
		kc_log(KC_WARN, "%s", late.msg);
	if (kc_producer_dead(w->p))
		kc_stop = 1; /* fenced: trying again is of no use */
	return -1;
}

static int
set_up(struct produce *w, struct kc_err *e)
{
	struct kc_conf *c = w->ctx->conf;
	struct kc_kconf *k = kc_kconf_new(true, props);
	const char *spec = w->ctx->store;
	bool in_kafka = spec != NULL && strncmp(spec, "kafka:", 6) == 0, late;
	int rc = in_kafka ? kc_kspec_parse(&w->store, spec, k, e) : 0;

	/* The source fences under an id in the spec, then reads: we are next. */
	late = kc_kconf_isset(k, "transactional.id");
	if (rc != 0 || kc_kconf_from(k, c, prefixes, e) != 0) {
		kc_kconf_free(k);
		return -1;
	}
	w->transactional = kc_kconf_isset(k, "transactional.id");
	if (!w->transactional)
		kc_kspec_release(&w->store);
	w->connector = kc_kspec_name(&w->store);
	w->p = kc_producer_new(k, refused, w, e);
	if (w->p == NULL)
		return -1;
	w->by_key = kc_conf_is(c, "partition.from", "key");
	w->creates = kc_conf_isset(c, "topic.creation.default.partitions") ||
	    kc_conf_isset(c, "topic.creation.default.replication.factor");
	if (kc_conf_isset(c, "topic"))
		w->topic = (struct kc_span){ kc_conf_str(c, "topic"),
			strlen(kc_conf_str(c, "topic")) };
	w->sink.schemas = &w->schemas;
	if (!w->transactional) {
		w->sink.write = write_plain;
		w->sink.durable = durable;
		w->sink.max_count = 1000;
		w->sink.max_bytes = 1024 * 1024;
		return 0;
	}
	w->sink.write = write_transaction;
	w->sink.own_store = w->store.topic != NULL;
	w->sink.max_count = (size_t)kc_conf_int(c, "transaction.max.records");
	w->sink.max_bytes = 8 * 1024 * 1024;
	w->sink.retries = (int)kc_conf_int(c, "transaction.retries");
	if (late)
		return 0;
	w->ready = true;
	return kc_producer_init(w->p, e);
}

static int
run(struct kc_ctx *ctx)
{
	struct produce w = { .ctx = ctx };
	int rc = set_up(&w, &ctx->err) != 0 ? ctx->err.status :
					      kc_sink_run(ctx, &w.sink, &w);

	kc_producer_free(w.p);
	kc_kspec_release(&w.store);
	kc_schemas_release(&w.schemas);
	kc_buf_release(&w.key);
	kc_buf_release(&w.value);
	kc_buf_release(&w.name);
	kc_buf_release(&w.text);
	kc_buf_release(&w.known);
	free(w.headers);
	return rc;
}

static const struct kc_cmd cmd = {
	.name = "kc-produce",
	.summary = "write envelopes to Kafka",
	.operands = "",
	.type = "sink",
	.options = "oDn",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

/*
 * The producer: a copy of each message in librdkafka's bounded queue, batches
 * counted until their last message is acknowledged, transactions. See kafka.h.
 */
/* needs: rdkafka */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "kafka-rd.h"
#include "log.h"

#define RING 4096 /* batches on their way */
#define POLL_EVERY 512

struct topic {
	char *name;
	size_t n;
	rd_kafka_topic_t *rkt;
};

struct kc_producer {
	struct kc_kafka h;	/* first: the callbacks' opaque */
	uint32_t unacked[RING]; /* of batch i & (RING - 1) */
	uint64_t acked;		/* batches, all before it too */
	uint64_t batch;		/* the one being sent */
	unsigned sent;
	struct topic *topics;
	size_t ntopics;
	struct topic *last;
	int64_t timeout_ms; /* delivery.timeout.ms */
	long max_bytes;
	bool transactional, failed;
	struct kc_err why; /* when failed */
	int (*bad)(void *arg, const struct kc_kmsg *m, const struct kc_err *why,
	    struct kc_err *e);
	void *arg;
};

/* What the broker refuses for what it is, and the remedy. */
static const struct {
	rd_kafka_resp_err_t err;
	int status;
	const char *text;
} refusals[] = {
	{ RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, KC_DATA,
	    "is too large: raise max.message.bytes of the topic "
	    "(message.max.bytes of the broker) and message.max.bytes here; when a "
	    "batch was too large for the topic, lower batch.size" },
	{ RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, KC_DATA,
	    "is too large: raise max.message.bytes of the topic" },
	{ RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, KC_USAGE,
	    "batch larger than a log segment: lower batch.size" },
	{ RD_KAFKA_RESP_ERR_INVALID_RECORD, KC_DATA,
	    "refused: a compacted topic (cleanup.policy=compact) takes no record "
	    "without a key" },
	{ RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, KC_DATA,
	    "refused: its timestamp is outside the topic's "
	    "message.timestamp.*.max.ms" },
	{ RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KC_DATA,
	    "names a partition that is not there: set partition.from=key, or "
	    "give the topic more" },
	{ RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, KC_TEMP,
	    "no such topic, and the broker does not create it: create it, or set "
	    "topic.creation.default.partitions and .replication.factor" },
	{ RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, KC_TEMP,
	    "no such topic, and the broker does not create it: create it, or set "
	    "topic.creation.default.partitions and .replication.factor" },
	{ RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, KC_DATA,
	    "not a valid topic name: letters, digits, '.', '_' and '-', at most "
	    "249 of them" },
	{ RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, KC_TEMP,
	    "not allowed: grant Write (and Create) on the topic to this user" },
	{ RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, KC_TEMP,
	    "fewer replicas in sync than min.insync.replicas: see the brokers" },
};

static int
fenced(struct kc_producer *p, const char *what, struct kc_err *e)
{
	return kc_fail(e, KC_TEMP,
	    "%s: %s: fenced: another process took over this "
	    "transactional.id, or a transaction took longer than "
	    "transaction.timeout.ms; one pipe to a transactional.id",
	    p->h.servers, what);
}

static bool
is_fence(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__FENCED ||
	    err == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
	    err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* Why a message failed, as *e. */
static int
explain(struct kc_producer *p, struct kc_span topic, int32_t partition,
    rd_kafka_resp_err_t err, struct kc_err *e)
{
	char what[320], fatal[300];

	snprintf(what, sizeof what, "topic %.*s%s%.*d", (int)topic.n, topic.p,
	    partition < 0 ? "" : " partition ", partition < 0 ? 0 : 1,
	    partition < 0 ? 0 : (int)partition);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].err == err)
			return kc_fail(e, refusals[i].status, "%s: message %s",
			    what, refusals[i].text);
	if (err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) {
		snprintf(fatal, sizeof fatal,
		    "not acknowledged within "
		    "delivery.timeout.ms=%lld: is the broker up and reachable?",
		    (long long)p->timeout_ms);
		return kc_kafka_fail(&p->h, KC_TEMP, what, fatal, e);
	}
	if (err == RD_KAFKA_RESP_ERR__FATAL &&
	    (err = rd_kafka_fatal_error(p->h.rk, fatal, sizeof fatal)) != 0)
		return is_fence(err) ?
		    fenced(p, what, e) :
		    kc_kafka_fail(&p->h, KC_TEMP, what, fatal, e);
	return kc_kafka_fail(&p->h, KC_TEMP, what, rd_kafka_err2str(err), e);
}

static struct kc_span
span(const void *p, size_t n)
{
	return (struct kc_span){ p, n };
}

/* A message came to its end. Only good ones count as acknowledged. */
static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kc_producer *p = opaque;
	uintptr_t batch = (uintptr_t)m->_private;
	struct kc_err why, e;

	(void)rk;
	if (m->err != 0) {
		const char *name = rd_kafka_topic_name(m->rkt);
		struct kc_kmsg msg = { .topic = span(name, strlen(name)),
			.partition = m->partition,
			.key = span(m->key, m->key_len),
			.value = span(m->payload, m->len),
			.timestamp = rd_kafka_message_timestamp(m, NULL),
			.raw = (void *)(uintptr_t)m };
		if (p->failed || m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
		    m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
			return;
		explain(p, msg.topic, m->partition, m->err, &why);
		if (why.status != KC_DATA || p->transactional ||
		    p->bad == NULL || p->bad(p->arg, &msg, &why, &e) != 0) {
			p->why = why.status != KC_DATA || p->transactional ||
				p->bad == NULL ?
			    why :
			    e;
			p->failed = true;
			return;
		}
	} else if (p->h.warned) {
		kc_kafka_well(&p->h);
	}
	p->unacked[batch & (RING - 1)]--;
}

static void
callbacks(rd_kafka_conf_t *rd)
{
	rd_kafka_conf_set_dr_msg_cb(rd, on_delivery);
}

static void
defaults(struct kc_kconf *k)
{
	const char *acks = kc_kconf_get(k, "acks");
	bool weak = kc_kconf_isset(k, "acks") && acks != NULL &&
	    strcmp(acks, "-1") != 0 && strcmp(acks, "all") != 0;

	if (!weak)
		kc_kconf_default(k, "enable.idempotence", "true");
	/* As Java's: the same key goes to the same partition. */
	kc_kconf_default(k, "partitioner", "murmur2_random");
	kc_kconf_default(k, "queue.buffering.max.kbytes", "24576");
	kc_kconf_default(k, "queue.buffering.max.messages", "50000");
	kc_kconf_default(k, "linger.ms", "5");
	if (!kc_kconf_isset(k, "message.timeout.ms") &&
	    !kc_kconf_isset(k, "transactional.id"))
		kc_kconf_default(k, "delivery.timeout.ms", "120000");
	kc_kconf_default(k, "client.id", "kc-produce");
}

static long
get_long(struct kc_kconf *k, const char *name)
{
	const char *v = kc_kconf_get(k, name);

	return v == NULL ? 0 : strtol(v, NULL, 10);
}

struct kc_producer *
kc_producer_new(struct kc_kconf *k,
    int (*bad)(void *arg, const struct kc_kmsg *m, const struct kc_err *why,
	struct kc_err *e),
    void *arg, struct kc_err *e)
{
	struct kc_producer *p = kc_xcalloc(1, sizeof *p);

	defaults(k);
	p->bad = bad;
	p->arg = arg;
	p->timeout_ms = get_long(k, "delivery.timeout.ms");
	p->max_bytes = get_long(k, "message.max.bytes");
	p->transactional = kc_kconf_get(k, "transactional.id") != NULL;
	if (kc_kafka_open(&p->h, k, true, callbacks, e) == 0)
		return p;
	kc_producer_free(p);
	return NULL;
}

void
kc_producer_free(struct kc_producer *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->ntopics; i++) {
		rd_kafka_topic_destroy(p->topics[i].rkt);
		free(p->topics[i].name);
	}
	free(p->topics);
	if (p->h.rk != NULL)
		rd_kafka_purge(p->h.rk,
		    RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
			RD_KAFKA_PURGE_F_NON_BLOCKING);
	kc_kafka_close(&p->h);
	free(p);
}

static rd_kafka_topic_t *
find_topic(struct kc_producer *p, struct kc_span name, struct kc_err *e)
{
	struct topic *t = p->last;
	rd_kafka_topic_t *rkt;
	char *copy;

	if (t != NULL && t->n == name.n && memcmp(t->name, name.p, name.n) == 0)
		return t->rkt;
	for (size_t i = 0; i < p->ntopics; i++) {
		t = &p->topics[i];
		if (t->n == name.n && memcmp(t->name, name.p, name.n) == 0) {
			p->last = t;
			return t->rkt;
		}
	}
	copy = kc_xstrndup(name.p, name.n);
	rkt = strlen(copy) != name.n ? NULL :
				       rd_kafka_topic_new(p->h.rk, copy, NULL);
	if (rkt == NULL) {
		free(copy);
		explain(p, name, -1, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, e);
		return NULL;
	}
	p->topics = kc_xrealloc(p->topics, (p->ntopics + 1) * sizeof *p->topics);
	p->last = &p->topics[p->ntopics++];
	*p->last = (struct topic){ copy, name.n, rkt };
	return rkt;
}

static rd_kafka_headers_t *
make_headers(const struct kc_kmsg *m)
{
	rd_kafka_headers_t *h = rd_kafka_headers_new(m->nheaders);

	for (size_t i = 0; i < m->nheaders; i++)
		rd_kafka_header_add(h, m->headers[i].name.p,
		    (ssize_t)m->headers[i].name.n, m->headers[i].value.p,
		    (ssize_t)m->headers[i].value.n);
	return h;
}

/* One try; the error, 0 when it is queued. */
static rd_kafka_resp_err_t
try_send(struct kc_producer *p, rd_kafka_topic_t *rkt, const struct kc_kmsg *m)
{
	rd_kafka_vu_t v[8];
	rd_kafka_headers_t *headers = NULL;
	rd_kafka_error_t *error;
	rd_kafka_resp_err_t err;
	size_t n = 0;

	v[n].vtype = RD_KAFKA_VTYPE_RKT;
	v[n++].u.rkt = rkt;
	v[n].vtype = RD_KAFKA_VTYPE_PARTITION;
	v[n++].u.i32 = m->partition;
	v[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
	v[n++].u.i = RD_KAFKA_MSG_F_COPY;
	v[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
	v[n++].u.ptr = (void *)(uintptr_t)p->batch;
	v[n].vtype = RD_KAFKA_VTYPE_KEY;
	v[n].u.mem.ptr = (void *)(uintptr_t)m->key.p;
	v[n++].u.mem.size = m->key.n;
	v[n].vtype = RD_KAFKA_VTYPE_VALUE;
	v[n].u.mem.ptr = (void *)(uintptr_t)m->value.p;
	v[n++].u.mem.size = m->value.n;
	if (m->timestamp > 0) { /* 0: librdkafka takes the time of day */
		v[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
		v[n++].u.i64 = m->timestamp;
	}
	if (m->nheaders > 0) {
		headers = make_headers(m);
		v[n].vtype = RD_KAFKA_VTYPE_HEADERS;
		v[n++].u.headers = headers;
	}
	error = rd_kafka_produceva(p->h.rk, v, n);
	if (error == NULL)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	err = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	if (headers != NULL)
		rd_kafka_headers_destroy(headers);
	return err;
}

/* What ends this producer has happened. */
static bool
over(struct kc_producer *p)
{
	if (p->h.denied && !p->failed) {
		kc_kafka_denied(&p->h, &p->why);
		p->failed = true;
	}
	return p->failed;
}

static int
failure(const struct kc_producer *p, struct kc_err *e)
{
	*e = p->why;
	return -1;
}

int
kc_producer_send(struct kc_producer *p, const struct kc_kmsg *m, struct kc_err *e)
{
	rd_kafka_topic_t *rkt = find_topic(p, m->topic, e);
	rd_kafka_resp_err_t err;

	if (rkt == NULL)
		return -1;
	while ((err = try_send(p, rkt, m)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
		rd_kafka_poll(p->h.rk, 100);
		if (over(p))
			return failure(p, e);
		if (kc_stop)
			return kc_fail(e, KC_TEMP,
			    "stopped with messages on "
			    "their way to %s",
			    p->h.servers);
	}
	if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return kc_fail(e, KC_DATA,
		    "topic %.*s: message of %zu bytes is "
		    "larger than message.max.bytes=%ld: raise it (max.request.size "
		    "is another name), and max.message.bytes of the topic",
		    (int)m->topic.n, m->topic.p, m->key.n + m->value.n,
		    p->max_bytes);
	if (err != 0)
		return explain(p, m->topic, m->partition, err, e);
	p->unacked[p->batch & (RING - 1)]++;
	if (++p->sent % POLL_EVERY == 0)
		rd_kafka_poll(p->h.rk, 0);
	return p->failed ? failure(p, e) : 0;
}

static void
count(struct kc_producer *p)
{
	while (p->acked < p->batch && p->unacked[p->acked & (RING - 1)] == 0)
		p->acked++;
}

void
kc_producer_mark(struct kc_producer *p)
{
	p->batch++;
	count(p);
	/* A ring that is full of batches under way waits for the first. */
	while (p->batch - p->acked >= RING && !p->failed && !kc_stop) {
		rd_kafka_poll(p->h.rk, 100);
		count(p);
	}
}

/*
 * Waits until every message came to its end. A second signal ends it: what is
 * not acknowledged then is not durable.
 */
static int
flush(struct kc_producer *p, struct kc_err *e)
{
	while (!over(p) && rd_kafka_outq_len(p->h.rk) > 0) {
		if (kc_stop)
			return kc_fail(e, KC_TEMP,
			    "stopped with %d messages on "
			    "their way to %s",
			    rd_kafka_outq_len(p->h.rk), p->h.servers);
		rd_kafka_flush(p->h.rk, 100);
	}
	return p->failed ? failure(p, e) : 0;
}

uint64_t
kc_producer_durable(struct kc_producer *p, bool wait, struct kc_err *e)
{
	rd_kafka_poll(p->h.rk, 0);
	if (wait && flush(p, e) != 0)
		return UINT64_MAX;
	count(p);
	if (over(p)) {
		failure(p, e);
		return UINT64_MAX;
	}
	return p->acked;
}

/* A transaction call's error; freed. Fatal: this producer is at its end. */
static int
transaction_failed(struct kc_producer *p, const char *what,
    rd_kafka_error_t *error, struct kc_err *e)
{
	rd_kafka_resp_err_t err = rd_kafka_error_code(error);

	if (is_fence(err) ||
	    (err == RD_KAFKA_RESP_ERR__FATAL &&
		is_fence(rd_kafka_fatal_error(p->h.rk, NULL, 0))))
		fenced(p, what, e);
	else
		kc_kafka_fail(&p->h, KC_TEMP, what,
		    rd_kafka_error_string(error), e);
	rd_kafka_error_destroy(error);
	return -1;
}

/* Calls again what may be called again, until the second signal. */
static int
persist(struct kc_producer *p, const char *what,
    rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms), struct kc_err *e)
{
	rd_kafka_error_t *error;
	int left = p->h.wait_ms / 1000;

	while ((error = call(p->h.rk, 1000)) != NULL) {
		rd_kafka_poll(p->h.rk, 0);
		if (p->h.denied) {
			rd_kafka_error_destroy(error);
			return kc_kafka_denied(&p->h, e);
		}
		if (kc_stop || left-- <= 0 || !rd_kafka_error_is_retriable(error))
			return transaction_failed(p, what, error, e);
		rd_kafka_error_destroy(error);
	}
	return 0;
}

int
kc_producer_init(struct kc_producer *p, struct kc_err *e)
{
	return persist(p, "transactional.id", rd_kafka_init_transactions, e);
}

int
kc_producer_begin(struct kc_producer *p, struct kc_err *e)
{
	rd_kafka_error_t *error = rd_kafka_begin_transaction(p->h.rk);

	return error == NULL ?
	    0 :
	    transaction_failed(p, "begin of a transaction", error, e);
}

int
kc_producer_commit(struct kc_producer *p, struct kc_err *e)
{
	if (flush(p, e) != 0)
		return -1;
	return persist(p, "commit", rd_kafka_commit_transaction, e);
}

int
kc_producer_abort(struct kc_producer *p, struct kc_err *e)
{
	if (kc_producer_dead(p))
		return 0;
	p->failed = false;
	if (persist(p, "abort", rd_kafka_abort_transaction, e) != 0)
		return -1;
	p->failed = false;
	memset(p->unacked, 0, sizeof p->unacked);
	return 0;
}

bool
kc_producer_dead(const struct kc_producer *p)
{
	return rd_kafka_fatal_error(p->h.rk, NULL, 0) != 0;
}

/*
 * Connect's offsets topic (KafkaOffsetBackingStore): compacted, a record per
 * source partition, key `["connector",{partition}]`, value `{offset}` or null,
 * both JsonConverter's JSON without schemas. And what creates topics.
 */
/* needs: rdkafka */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "json.h"
#include "kafka-rd.h"
#include "log.h"
#include "num.h"
#include "position.h"

struct entry {
	struct kc_buf key, partition, offset; /* offset empty: removed */
	int64_t time;			      /* of the record it came with */
};

struct kc_offsets {
	struct kc_kafka h; /* the reader */
	struct kc_kspec spec;
	struct kc_producer *producer;
	bool transactional, begun;
	struct entry *v;
	size_t n;
	struct kc_tp *parts; /* offset: read up to here */
	int64_t *ends;
	size_t nparts;
};

/* ---- administration ---- */

/* Runs one admin request that `submit` makes and hands out its answer. */
static rd_kafka_event_t *
admin(struct kc_kafka *h,
    void (*submit)(rd_kafka_t *rk, rd_kafka_queue_t *q,
	const rd_kafka_AdminOptions_t *options, void *arg),
    void *arg)
{
	rd_kafka_queue_t *q = rd_kafka_queue_new(h->rk);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(h->rk,
	    RD_KAFKA_ADMIN_OP_ANY);
	rd_kafka_event_t *ev;
	char why[200];

	rd_kafka_AdminOptions_set_request_timeout(options, h->wait_ms, why,
	    sizeof why);
	submit(h->rk, q, options, arg);
	ev = rd_kafka_queue_poll(q, h->wait_ms + 5000);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(q);
	return ev;
}

static void
submit_create(rd_kafka_t *rk, rd_kafka_queue_t *q,
    const rd_kafka_AdminOptions_t *options, void *arg)
{
	rd_kafka_NewTopic_t *topic = arg;

	rd_kafka_CreateTopics(rk, &topic, 1, options, q);
}

static int
create(struct kc_kafka *h, const char *name, int partitions, int replicas,
    const char *const *config, struct kc_err *e)
{
	char why[400] = "no answer";
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions,
	    replicas, why, sizeof why);
	rd_kafka_event_t *ev;
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
	const rd_kafka_CreateTopics_result_t *res;
	size_t n = 0;

	if (topic == NULL)
		return kc_fail(e, KC_USAGE, "topic %s: %s", name, why);
	for (; config != NULL && config[0] != NULL; config += 2)
		rd_kafka_NewTopic_set_config(topic, config[0], config[1]);
	ev = admin(h, submit_create, topic);
	rd_kafka_NewTopic_destroy(topic);
	if (ev != NULL && (err = rd_kafka_event_error(ev)) == 0 &&
	    (res = rd_kafka_event_CreateTopics_result(ev)) != NULL) {
		const rd_kafka_topic_result_t **t =
		    rd_kafka_CreateTopics_result_topics(res, &n);
		if (n > 0) {
			err = rd_kafka_topic_result_error(t[0]);
			const char *s = rd_kafka_topic_result_error_string(t[0]);
			snprintf(why, sizeof why, "%s",
			    s != NULL ? s : rd_kafka_err2str(err));
		}
	}
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	if (err == 0 || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return 0;
	return kc_fail(e, KC_TEMP, "topic %s: cannot be created: %s", name, why);
}

int
kc_kafka_create(struct kc_kconf *k, const char *topic, int partitions,
    int replicas, const char *const *config, struct kc_err *e)
{
	struct kc_kafka h = { 0 };
	int rc = kc_kafka_open(&h, k, true, NULL, e);

	if (rc == 0)
		rc = create(&h, topic, partitions, replicas, config, e);
	kc_kafka_close(&h);
	return rc;
}

static void
submit_forget(rd_kafka_t *rk, rd_kafka_queue_t *q,
    const rd_kafka_AdminOptions_t *options, void *arg)
{
	rd_kafka_DeleteConsumerGroupOffsets_t *what = arg;

	rd_kafka_DeleteConsumerGroupOffsets(rk, &what, 1, options, q);
}

int
kc_kafka_forget(struct kc_kconf *k, const char *group, const struct kc_tp *v,
    size_t n, struct kc_err *e)
{
	struct kc_kafka h = { 0 };
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(
	    (int)n);
	rd_kafka_DeleteConsumerGroupOffsets_t *what;
	rd_kafka_event_t *ev;
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int rc = kc_kafka_open(&h, k, true, NULL, e);

	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(l, v[i].topic, v[i].partition);
	if (rc == 0) {
		what = rd_kafka_DeleteConsumerGroupOffsets_new(group, l);
		ev = admin(&h, submit_forget, what);
		rd_kafka_DeleteConsumerGroupOffsets_destroy(what);
		if (ev != NULL) {
			err = rd_kafka_event_error(ev);
			rd_kafka_event_destroy(ev);
		}
		if (err != 0 && err != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
			rc = kc_fail(e, KC_TEMP,
			    "group %s: offsets not removed: %s; "
			    "stop its members first",
			    group, rd_kafka_err2str(err));
	}
	rd_kafka_topic_partition_list_destroy(l);
	kc_kafka_close(&h);
	return rc;
}

/* ---- kafka:TOPIC?name=value&… ---- */

static void
unescape(char *s)
{
	char *to = s;
	unsigned byte;

	for (; *s != '\0'; s++) {
		if (*s == '%' && sscanf(s + 1, "%2x", &byte) == 1 && s[1] &&
		    s[2]) {
			*to++ = (char)byte;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static int
spec_property(struct kc_kspec *s, char *pair, struct kc_kconf *k,
    struct kc_err *e)
{
	char *value = strchr(pair, '=');
	int64_t n;

	if (value == NULL)
		return kc_fail(e, KC_USAGE,
		    "-o kafka:%s: %s: is not name=value", s->topic, pair);
	*value++ = '\0';
	unescape(value);
	if (strcmp(pair, "name") == 0) {
		free(s->name);
		s->name = kc_xstrdup(value);
	} else if (strcmp(pair, "offset.storage.partitions") == 0 ||
	    strcmp(pair, "offset.storage.replication.factor") == 0) {
		if (!kc_parse_i64((struct kc_span){ value, strlen(value) }, &n) ||
		    n < -1 || n == 0 || n > 10000)
			return kc_fail(e, KC_USAGE,
			    "-o kafka:%s: %s: %s: -1 or 1 to "
			    "10000",
			    s->topic, pair, value);
		*(pair[15] == 'p' ? &s->partitions : &s->replicas) = (int)n;
	} else {
		return kc_kconf_set(k, pair, value, e);
	}
	return 0;
}

int
kc_kspec_parse(struct kc_kspec *s, const char *spec, struct kc_kconf *k,
    struct kc_err *e)
{
	char *query, *save = NULL;
	const char *env;
	int rc = 0;

	*s = (struct kc_kspec){ .partitions = 1, .replicas = -1 };
	s->topic = kc_xstrdup(strncmp(spec, "kafka:", 6) == 0 ? spec + 6 : spec);
	if ((query = strchr(s->topic, '?')) != NULL)
		*query++ = '\0';
	if ((env = getenv("KC_BOOTSTRAP_SERVERS")) != NULL && *env != '\0')
		kc_kconf_default(k, "bootstrap.servers", env);
	if (*s->topic == '\0')
		rc = kc_fail(e, KC_USAGE, "-o %s: names no topic: kafka:TOPIC",
		    spec);
	for (char *p = query == NULL ? NULL : strtok_r(query, "&", &save);
	     p != NULL && rc == 0; p = strtok_r(NULL, "&", &save))
		rc = spec_property(s, p, k, e);
	if (rc != 0)
		kc_kspec_release(s);
	return rc;
}

/* The connector's name: the spec's, else the environment's, else "kc". */
const char *
kc_kspec_name(const struct kc_kspec *s)
{
	const char *env = getenv("KC_NAME");

	return s->name != NULL ? s->name : env != NULL && *env ? env : "kc";
}

void
kc_kspec_release(struct kc_kspec *s)
{
	free(s->topic);
	free(s->name);
	s->topic = s->name = NULL;
}

void
kc_kspec_key(struct kc_buf *b, const char *name, struct kc_span partition)
{
	kc_buf_putc(b, '[');
	kc_json_str(b, name, strlen(name));
	kc_buf_putc(b, ',');
	kc_json_compact(b, partition);
	kc_buf_putc(b, ']');
}

/* ---- the store ---- */

static struct entry *
find(struct kc_offsets *o, struct kc_span partition)
{
	for (size_t i = 0; i < o->n; i++)
		if (kc_same_map(KC_BUF_SPAN(&o->v[i].partition), partition))
			return &o->v[i];
	o->v = kc_xrealloc(o->v, (o->n + 1) * sizeof *o->v);
	o->v[o->n] = (struct entry){ .time = -1 };
	kc_json_compact(&o->v[o->n].partition, partition);
	return &o->v[o->n++];
}

/* One record of the topic. Of equal maps the newest counts. */
static void
learn(struct kc_offsets *o, const rd_kafka_message_t *m)
{
	struct kc_span key = { m->key, m->key_len }, name, partition;
	struct kc_span value = { m->payload, m->len };
	struct kc_json_it it;
	struct entry *en;
	char *text;
	bool ours;
	int64_t time = rd_kafka_message_timestamp(m, NULL);

	if (!kc_json_valid(key) || kc_json_open(&it, key) != 0 ||
	    key.p[0] != '[' || kc_json_item(&it, &name) != 1 ||
	    kc_json_item(&it, &partition) != 1 || partition.p[0] != '{')
		return;
	text = kc_json_strdup(name);
	ours = text != NULL && strcmp(text, kc_kspec_name(&o->spec)) == 0;
	free(text);
	if (!ours)
		return;
	en = find(o, partition);
	if (time < en->time)
		return;
	en->time = time;
	kc_buf_reset(&en->key);
	kc_buf_span(&en->key, key);
	kc_buf_reset(&en->offset);
	if (value.p != NULL && kc_json_valid(value) && !kc_json_is_null(value))
		kc_json_compact(&en->offset, value);
}

/* The topic's partitions; creates it when there are none. */
static int
look(struct kc_offsets *o, struct kc_err *e)
{
	static const char *const config[] = { "cleanup.policy", "compact", NULL };
	/* The reader: a producer's question would make the broker create it. */
	rd_kafka_t *rk = o->h.rk;
	const struct rd_kafka_metadata *md;
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, o->spec.topic, NULL);
	rd_kafka_resp_err_t err = 0;
	bool made = false;

	for (int tries = 0; rkt != NULL && o->nparts == 0 && tries < 100;
	     tries++) {
		err = rd_kafka_metadata(rk, 0, rkt, &md, o->h.wait_ms);
		if (err != 0)
			break;
		if (md->topic_cnt == 1 && md->topics[0].err == 0)
			o->nparts = (size_t)md->topics[0].partition_cnt;
		rd_kafka_metadata_destroy(md);
		if (o->nparts == 0 && !made &&
		    create(&o->h, o->spec.topic, o->spec.partitions,
			o->spec.replicas, config, e) != 0)
			break;
		if (o->nparts == 0 && made && kc_wait(-1, 50, false) == -1)
			break;
		made = true;
	}
	if (rkt != NULL)
		rd_kafka_topic_destroy(rkt);
	rd_kafka_poll(rk, 0);
	if (err != 0)
		return kc_kafka_fail(&o->h, KC_TEMP, o->spec.topic,
		    rd_kafka_err2str(err), e);
	if (o->nparts == 0 && made)
		return kc_fail(e, KC_TEMP,
		    "topic %s: was created, but no broker "
		    "leads it",
		    o->spec.topic);
	return o->nparts == 0 ? -1 : 0;
}

/* Reads all partitions from their beginning, for ever. */
static int
start_reader(struct kc_offsets *o, struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(
	    (int)o->nparts);
	rd_kafka_resp_err_t err;

	o->parts = kc_xcalloc(o->nparts, sizeof *o->parts);
	o->ends = kc_xcalloc(o->nparts, sizeof *o->ends);
	for (size_t i = 0; i < o->nparts; i++)
		rd_kafka_topic_partition_list_add(l, o->spec.topic, (int32_t)i)
		    ->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_poll_set_consumer(o->h.rk);
	err = rd_kafka_assign(o->h.rk, l);
	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ? 0 :
			  kc_kafka_fail(&o->h, KC_TEMP, o->spec.topic,
			      rd_kafka_err2str(err), e);
}

/* Both handles, of the same spec. */
static int
open_handles(struct kc_offsets *o, const char *spec, struct kc_err *e)
{
	static const char *const reader[][2] = { { "group.id", "kc-offset" },
		{ "isolation.level", "read_committed" },
		{ "enable.auto.commit", "false" }, { "fetch.wait.max.ms", "50" },
		{ "enable.partition.eof", "true" },
		{ "auto.offset.reset", "earliest" },
		{ "queued.max.messages.kbytes", "4096" } };
	struct kc_kconf *k = kc_kconf_new(false, NULL), *p;

	if (kc_kspec_parse(&o->spec, spec, k, e) != 0) {
		kc_kconf_free(k);
		return -1;
	}
	for (size_t i = 0; i < sizeof reader / sizeof *reader; i++)
		kc_kconf_default(k, reader[i][0], reader[i][1]);
	if (kc_kafka_open(&o->h, k, false, NULL, e) != 0)
		return -1;
	kc_kspec_release(&o->spec);
	p = kc_kconf_new(true, NULL);
	if (kc_kspec_parse(&o->spec, spec, p, e) != 0) {
		kc_kconf_free(p);
		return -1;
	}
	o->transactional = kc_kconf_isset(p, "transactional.id");
	kc_kconf_default(p, "linger.ms", "0");
	/* So that it asks for the end with the undecided transactions. */
	kc_kconf_default(p, "isolation.level", "read_uncommitted");
	o->producer = kc_producer_new(p, NULL, NULL, e);
	return o->producer == NULL ? -1 : 0;
}

struct kc_offsets *
kc_offsets_open(const char *spec, bool fence, struct kc_err *e)
{
	struct kc_offsets *o = kc_xcalloc(1, sizeof *o);

	if (open_handles(o, spec, e) != 0 || look(o, e) != 0 ||
	    (fence && o->transactional && kc_producer_init(o->producer, e) != 0) ||
	    start_reader(o, e) != 0) {
		kc_offsets_close(o);
		return NULL;
	}
	return o;
}

void
kc_offsets_close(struct kc_offsets *o)
{
	if (o == NULL)
		return;
	kc_producer_free(o->producer);
	if (o->h.rk != NULL)
		rd_kafka_consumer_close(o->h.rk);
	kc_kafka_close(&o->h);
	kc_kspec_release(&o->spec);
	for (size_t i = 0; i < o->n; i++) {
		kc_buf_release(&o->v[i].key);
		kc_buf_release(&o->v[i].partition);
		kc_buf_release(&o->v[i].offset);
	}
	free(o->v);
	free(o->parts);
	free(o->ends);
	free(o);
}

static int
find_ends(struct kc_offsets *o, struct kc_err *e)
{
	struct kc_kafka *h = (struct kc_kafka *)o->producer;
	rd_kafka_resp_err_t err;
	int64_t lo;

	for (size_t i = 0; i < o->nparts; i++) {
		err = rd_kafka_query_watermark_offsets(h->rk, o->spec.topic,
		    (int32_t)i, &lo, &o->ends[i], h->wait_ms);
		if (err != 0)
			return kc_kafka_fail(h, KC_TEMP, o->spec.topic,
			    rd_kafka_err2str(err), e);
		if (o->parts[i].offset < lo)
			o->parts[i].offset = lo;
	}
	return 0;
}

static bool
at_end(const struct kc_offsets *o)
{
	for (size_t i = 0; i < o->nparts; i++)
		if (o->parts[i].offset < o->ends[i])
			return false;
	return true;
}

/* 1: took a message or an event; 0: none came; -1. */
static int
take_one(struct kc_offsets *o, int timeout_ms, struct kc_err *e)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(o->h.rk, timeout_ms);
	int rc = 1;

	if (m == NULL)
		return 0;
	if (m->err == 0 || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		if (m->err == 0)
			learn(o, m);
		if ((size_t)m->partition < o->nparts)
			o->parts[m->partition].offset = m->offset + (m->err == 0);
	} else if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	    m->err == RD_KAFKA_RESP_ERR__FATAL) {
		rc = kc_kafka_fail(&o->h, KC_TEMP, o->spec.topic,
		    rd_kafka_message_errstr(m), e);
	}
	rd_kafka_message_destroy(m);
	return rc;
}

int
kc_offsets_read(struct kc_offsets *o, bool whole, struct kc_err *e)
{
	int rc, idle = 0;

	if (!whole) {
		while ((rc = take_one(o, 0, e)) == 1)
			;
		return rc;
	}
	if (find_ends(o, e) != 0)
		return -1;
	while (!at_end(o)) {
		if (kc_stop)
			return kc_fail(e, KC_TEMP,
			    "topic %s: stopped while reading", o->spec.topic);
		rc = take_one(o, 100, e);
		if (rc == -1)
			return -1;
		idle = rc == 1 ? idle : idle + 1;
		if (idle == 20)
			kc_log(KC_NOTICE,
			    "topic %s: waiting for a transaction to "
			    "end (at most its transaction.timeout.ms)",
			    o->spec.topic);
	}
	return 0;
}

void
kc_offsets_each(struct kc_offsets *o,
    void (*fn)(void *arg, struct kc_span partition, struct kc_span offset),
    void *arg)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].offset.len > 0)
			fn(arg, KC_BUF_SPAN(&o->v[i].partition),
			    KC_BUF_SPAN(&o->v[i].offset));
}

int
kc_offsets_put(struct kc_offsets *o, struct kc_span partition,
    struct kc_span offset, struct kc_err *e)
{
	struct entry *en = find(o, partition);
	struct kc_kmsg m = { .partition = -1 };

	/* Newer than all before it: what comes back is told apart by it. */
	m.timestamp = kc_now_us() / 1000;
	if (m.timestamp <= en->time)
		m.timestamp = en->time + 1;
	en->time = m.timestamp;
	if (o->transactional && !o->begun) {
		if (kc_producer_begin(o->producer, e) != 0)
			return -1;
		o->begun = true;
	}
	if (en->key.len == 0)
		kc_kspec_key(&en->key, kc_kspec_name(&o->spec),
		    KC_BUF_SPAN(&en->partition));
	kc_buf_reset(&en->offset);
	if (!kc_json_is_null(offset))
		kc_json_compact(&en->offset, offset);
	m.topic = (struct kc_span){ o->spec.topic, strlen(o->spec.topic) };
	m.key = KC_BUF_SPAN(&en->key);
	if (en->offset.len > 0)
		m.value = KC_BUF_SPAN(&en->offset);
	return kc_producer_send(o->producer, &m, e);
}

int
kc_offsets_flush(struct kc_offsets *o, struct kc_err *e)
{
	struct kc_err ignored;

	kc_producer_mark(o->producer);
	if (!o->transactional)
		return kc_producer_durable(o->producer, true, e) == UINT64_MAX ?
		    -1 :
		    0;
	if (!o->begun)
		return 0;
	o->begun = false;
	if (kc_producer_commit(o->producer, e) == 0)
		return 0;
	kc_producer_abort(o->producer, &ignored);
	return -1;
}

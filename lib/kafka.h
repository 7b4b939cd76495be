/*
 * Kafka, by librdkafka: handles from a command's configuration, a producer
 * whose full queue is back-pressure, a consumer, Connect's offsets topic.
 * Only lib/kafka*.c see rdkafka.h.
 */
#ifndef KC_KAFKA_H
#define KC_KAFKA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "conf.h"
#include "err.h"

/* ---- configuration ---- */

struct kc_kconf;

/*
 * Client properties by librdkafka's names or the Java client's. own: the
 * command's table, whose names are not taken for a typing error; may be NULL.
 */
struct kc_kconf *kc_kconf_new(bool producer, const struct kc_prop *own);
void kc_kconf_free(struct kc_kconf *k);
/*
 * Sets one; warns of a name nobody knows. -1, KC_USAGE, naming property, value
 * and what is allowed.
 */
int kc_kconf_set(struct kc_kconf *k, const char *name, const char *value,
    struct kc_err *e);
/* Sets it unless it was set before: a default that differs from librdkafka's. */
void kc_kconf_default(struct kc_kconf *k, const char *name, const char *value);
bool kc_kconf_isset(const struct kc_kconf *k, const char *name);
/*
 * Takes everything set in c: names without prefix first, then those below
 * each prefix ("producer.", "producer.override."; NULL-ended).
 */
int kc_kconf_from(struct kc_kconf *k, const struct kc_conf *c,
    const char *const *prefixes, struct kc_err *e);
/* The same of a connector's configuration: what is no client's is left alone. */
int kc_kconf_known(struct kc_kconf *k, const struct kc_conf *c,
    const char *const *prefixes, struct kc_err *e);
/* What was set, or NULL: by its librdkafka name. Borrowed. */
const char *kc_kconf_get(const struct kc_kconf *k, const char *name);

/* ---- messages ---- */

struct kc_kheader {
	struct kc_span name, value; /* value.p NULL: null */
};

struct kc_kmsg {
	struct kc_span topic;
	int32_t partition;	   /* -1, producing: by key */
	int64_t offset;		   /* consumed */
	int64_t timestamp;	   /* ms; -1: none */
	struct kc_span key, value; /* p NULL: null; an empty one is not */
	const struct kc_kheader *headers; /* producing */
	size_t nheaders;
	void *raw; /* the library's */
};

/* A topic's partition and an offset: where to begin, what to commit. */
struct kc_tp {
	char *topic;
	int32_t partition;
	int64_t offset;
};

#define KC_OFFSET_BEGINNING (-2)
#define KC_OFFSET_END (-1)
#define KC_OFFSET_STORED (-1000) /* the group's; else auto.offset.reset */

/* ---- producer ---- */

struct kc_producer;

/*
 * bad: a message that the broker refused for what it is (too large, no key in
 * a compacted topic), why with KC_DATA. 0: taken care of, -1 with *e: not.
 */
struct kc_producer *kc_producer_new(struct kc_kconf *conf_take,
    int (*bad)(void *arg, const struct kc_kmsg *m, const struct kc_err *why,
	struct kc_err *e),
    void *arg, struct kc_err *e);
/* Waits for nothing: flush before. */
void kc_producer_free(struct kc_producer *p);
/*
 * Queues a copy; waits while the queue is full. -1: KC_DATA: this message
 * cannot be sent, others can; else the producer is of no more use.
 */
int kc_producer_send(struct kc_producer *p, const struct kc_kmsg *m,
    struct kc_err *e);
/* What was sent since the last mark is a batch. */
void kc_producer_mark(struct kc_producer *p);
/*
 * How many batches are acknowledged, counted from the first, none missing
 * before; wait: all. UINT64_MAX with *e: never will be.
 */
uint64_t kc_producer_durable(struct kc_producer *p, bool wait, struct kc_err *e);
/*
 * Transactions (transactional.id). All may block; -1 with KC_TEMP. After a
 * failed commit or send: abort, then everything may be tried again, unless
 * kc_producer_dead: fenced, the process must end.
 */
int kc_producer_init(struct kc_producer *p, struct kc_err *e);
int kc_producer_begin(struct kc_producer *p, struct kc_err *e);
int kc_producer_commit(struct kc_producer *p, struct kc_err *e);
int kc_producer_abort(struct kc_producer *p, struct kc_err *e);
bool kc_producer_dead(const struct kc_producer *p);

/* ---- consumer ---- */

struct kc_consumer;

struct kc_consumer_cb {
	/* Partitions given; offset may be changed: where to begin. */
	void (*assigned)(void *arg, struct kc_tp *v, size_t n);
	/* About to be taken away; lost: they are somebody else's already. */
	void (*revoked)(void *arg, const struct kc_tp *v, size_t n, bool lost);
	/* Nothing more now; offset: of the next message to come. */
	void (*eof)(void *arg, struct kc_span topic, int32_t partition,
	    int64_t offset);
};

struct kc_consumer *kc_consumer_new(struct kc_kconf *conf_take,
    const struct kc_consumer_cb *cb, void *arg, struct kc_err *e);
/* Leaves the group. */
void kc_consumer_free(struct kc_consumer *c);
/* Every topic of the cluster; offset: its number of partitions. */
int kc_consumer_topics(struct kc_consumer *c, struct kc_tp **v, size_t *n,
    struct kc_err *e);
void kc_tps_free(struct kc_tp *v, size_t n);
int kc_consumer_subscribe(struct kc_consumer *c, char *const *topics, size_t n,
    struct kc_err *e);
/* Without a group: exactly these. */
int kc_consumer_assign(struct kc_consumer *c, const struct kc_tp *v, size_t n,
    struct kc_err *e);
/* Readable when kc_consumer_next may have something. */
int kc_consumer_fd(struct kc_consumer *c);
/*
 * The next message, valid until the next call, without waiting. 1; 0: none
 * now; -1. Runs the callbacks.
 */
int kc_consumer_next(struct kc_consumer *c, struct kc_kmsg *m, struct kc_err *e);
/* The i-th header of a consumed message; false: there are no more. */
bool kc_kmsg_header(const struct kc_kmsg *m, size_t i, struct kc_kheader *h);
/* Commits to the group; wait: until the broker has it. */
int kc_consumer_commit(struct kc_consumer *c, const struct kc_tp *v, size_t n,
    bool wait, struct kc_err *e);
/* Group offsets as committed; KC_OFFSET_STORED: none. */
int kc_consumer_committed(struct kc_consumer *c, struct kc_tp *v, size_t n,
    struct kc_err *e);
/* First offset kept and the one after the last readable. */
int kc_consumer_range(struct kc_consumer *c, const struct kc_tp *tp,
    int64_t *lo, int64_t *hi, struct kc_err *e);
/* Replaces offset (a time, ms) by that of the first message since then. */
int kc_consumer_at_time(struct kc_consumer *c, struct kc_tp *v, size_t n,
    struct kc_err *e);

/* ---- administration ---- */

/* Creates a topic; one that exists is fine. config: name, value, … NULL. */
int kc_kafka_create(struct kc_kconf *conf_take, const char *topic,
    int partitions, int replicas, const char *const *config, struct kc_err *e);
/* Forgets a group's offsets of these partitions; the group must be empty. */
int kc_kafka_forget(struct kc_kconf *conf_take, const char *group,
    const struct kc_tp *v, size_t n, struct kc_err *e);

/* ---- the offsets topic, kafka:TOPIC[?name=value[&…]] ---- */

/*
 * A spec's topic and its properties: bootstrap.servers (else
 * $KC_BOOTSTRAP_SERVERS), name of the connector (else $KC_NAME, else "kc"),
 * offset.storage.partitions and .replication.factor for a topic that is
 * missing, any client property. Values may be %-escaped.
 */
struct kc_kspec {
	char *topic, *name;
	int partitions, replicas;
};

/* Sets client properties in k. */
int kc_kspec_parse(struct kc_kspec *s, const char *spec, struct kc_kconf *k,
    struct kc_err *e);
void kc_kspec_release(struct kc_kspec *s);
const char *kc_kspec_name(const struct kc_kspec *s);
/* Appends the key `["name",P]` of Connect's format. */
void kc_kspec_key(struct kc_buf *b, const char *name, struct kc_span partition);

struct kc_offsets;

/*
 * Creates the topic when it is missing. fence: with a transactional.id in the
 * spec, ends whatever transaction another process has open under it.
 */
struct kc_offsets *kc_offsets_open(const char *spec, bool fence,
    struct kc_err *e);
void kc_offsets_close(struct kc_offsets *o);
/*
 * Reads on to the end: every position whose transaction is decided; whole:
 * waits for the undecided ones.
 */
int kc_offsets_read(struct kc_offsets *o, bool whole, struct kc_err *e);
void kc_offsets_each(struct kc_offsets *o,
    void (*fn)(void *arg, struct kc_span partition, struct kc_span offset),
    void *arg);
/* Sends; offset "null" removes. Durable after kc_offsets_flush. */
int kc_offsets_put(struct kc_offsets *o, struct kc_span partition,
    struct kc_span offset, struct kc_err *e);
int kc_offsets_flush(struct kc_offsets *o, struct kc_err *e);

#endif

/*
 * The consumer: batches from librdkafka's one queue, rebalances told to the
 * command, offsets committed only when it says so. See kafka.h.
 */
/* needs: rdkafka */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "kafka-rd.h"
#include "log.h"
#include "num.h"

#define LOOK_EVERY (1024 * 1024) /* bytes taken between looks at the queue */

/*
 * When librdkafka's queue is full its broker thread sleeps for up to a second,
 * however fast the queue is emptied (fetch.queue.backoff.ms came with 2.2). A
 * question to the partition's leader wakes it; a thread asks, for it blocks.
 */
struct waker {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool ask, stop;
	char topic[256];
	int32_t partition;
	/* the reader's own */
	int64_t limit, count_limit; /* of the queue: bytes, messages */
	int64_t bytes, count;	    /* taken since the last look */
	bool full;
};

struct kc_consumer {
	struct kc_kafka h; /* first: the callbacks' opaque */
	struct waker w;
	const struct kc_consumer_cb *cb;
	void *arg;
	bool group, reading;
	rd_kafka_queue_t *queue;
	int pipe[2];		 /* written when the queue is no longer empty */
	rd_kafka_message_t *raw; /* of the message given last */
};

static struct kc_span
text(const char *s)
{
	return (struct kc_span){ s, strlen(s) };
}

void
kc_tps_free(struct kc_tp *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].topic);
	free(v);
}

static rd_kafka_topic_partition_list_t *
list_of(const struct kc_tp *v, size_t n)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(
	    (int)n);

	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(l, v[i].topic, v[i].partition)
		    ->offset = v[i].offset;
	return l;
}

/* Borrows the names of l. */
static struct kc_tp *
tps_of(const rd_kafka_topic_partition_list_t *l)
{
	struct kc_tp *v = kc_xcalloc((size_t)l->cnt + 1, sizeof *v);

	for (int i = 0; i < l->cnt; i++)
		v[i] = (struct kc_tp){ l->elems[i].topic, l->elems[i].partition,
			l->elems[i].offset };
	return v;
}

static void
assigned(struct kc_consumer *c, rd_kafka_topic_partition_list_t *l, bool coop)
{
	struct kc_tp *v;
	rd_kafka_resp_err_t err = rd_kafka_committed(c->h.rk, l, c->h.wait_ms);

	if (err != 0) /* the library asks for them itself then */
		kc_log(KC_INFO, "%s: committed offsets: %s", c->h.servers,
		    rd_kafka_err2str(err));
	v = tps_of(l);
	for (int i = 0; i < l->cnt; i++)
		if (v[i].offset < 0)
			v[i].offset = KC_OFFSET_STORED;
	c->cb->assigned(c->arg, v, (size_t)l->cnt);
	for (int i = 0; i < l->cnt; i++)
		l->elems[i].offset = v[i].offset;
	free(v);
	if (coop)
		rd_kafka_error_destroy(rd_kafka_incremental_assign(c->h.rk, l));
	else
		rd_kafka_assign(c->h.rk, l);
}

static void
on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
    rd_kafka_topic_partition_list_t *l, void *opaque)
{
	struct kc_consumer *c = opaque;
	bool coop = strcmp(rd_kafka_rebalance_protocol(rk), "COOPERATIVE") == 0;
	struct kc_tp *v;

	if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		assigned(c, l, coop);
		return;
	}
	if (err != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		kc_log(KC_WARN, "%s: rebalance: %s", c->h.servers,
		    rd_kafka_err2str(err));
	v = tps_of(l);
	c->cb->revoked(c->arg, v, (size_t)l->cnt, rd_kafka_assignment_lost(rk));
	free(v);
	if (coop)
		rd_kafka_error_destroy(rd_kafka_incremental_unassign(rk, l));
	else
		rd_kafka_assign(rk, NULL);
}

static void
callbacks(rd_kafka_conf_t *rd)
{
	rd_kafka_conf_set_rebalance_cb(rd, on_rebalance);
}

static void
defaults(struct kc_kconf *k)
{
	kc_kconf_default(k, "auto.offset.reset", "earliest");
	kc_kconf_default(k, "queued.max.messages.kbytes", "16384");
	kc_kconf_default(k, "queued.min.messages", "50000");
	kc_kconf_default(k, "fetch.max.bytes", "16777216");
	kc_kconf_default(k, "client.id", "kc-consume");
	kc_kconf_default(k, "enable.partition.eof", "true");
}

static int64_t
get_int(struct kc_kconf *k, const char *name)
{
	const char *v = kc_kconf_get(k, name);

	return v == NULL ? 0 : strtoll(v, NULL, 10);
}

static void *
wake(void *arg)
{
	struct kc_consumer *c = arg;
	struct waker *w = &c->w;
	char topic[sizeof w->topic];
	int64_t lo, hi;
	int32_t partition;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		if (!w->ask) {
			pthread_cond_wait(&w->cond, &w->lock);
			continue;
		}
		w->ask = false;
		memcpy(topic, w->topic, sizeof topic);
		partition = w->partition;
		pthread_mutex_unlock(&w->lock);
		rd_kafka_query_watermark_offsets(c->h.rk, topic, partition, &lo,
		    &hi, 1000);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int
start_waker(struct kc_consumer *c, struct kc_err *e)
{
	struct waker *w = &c->w;
	sigset_t all, old;
	int rc;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->cond, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, wake, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->running = rc == 0;
	return rc == 0 ? 0 : kc_fail(e, KC_TEMP, "thread: %s", strerror(rc));
}

static void
stop_waker(struct waker *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->running = false;
}

/* Looks at the queue; once it was full, wakes until it is nearly empty. */
static void
look(struct kc_consumer *c, const struct kc_kmsg *m)
{
	struct waker *w = &c->w;
	int64_t n = (int64_t)rd_kafka_queue_length(c->queue);
	int64_t bytes = n * (w->bytes / w->count);

	w->bytes = w->count = 0;
	if (n >= w->count_limit * 9 / 10 || bytes >= w->limit * 9 / 10)
		w->full = true;
	else if (n < w->count_limit / 4 && bytes < w->limit / 4)
		w->full = false;
	if (!w->full || pthread_mutex_trylock(&w->lock) != 0)
		return;
	if (m->topic.n < sizeof w->topic) {
		memcpy(w->topic, m->topic.p, m->topic.n + 1);
		w->partition = m->partition;
		w->ask = true;
		pthread_cond_signal(&w->cond);
	}
	pthread_mutex_unlock(&w->lock);
}

struct kc_consumer *
kc_consumer_new(struct kc_kconf *k, const struct kc_consumer_cb *cb, void *arg,
    struct kc_err *e)
{
	static const char *const ours[] = { "enable.auto.commit",
		"enable.auto.offset.store" };
	struct kc_consumer *c = kc_xcalloc(1, sizeof *c);
	struct kc_err ignored;

	c->cb = cb;
	c->arg = arg;
	c->pipe[0] = c->pipe[1] = -1;
	c->group = kc_kconf_get(k, "group.id") != NULL;
	defaults(k);
	for (size_t i = 0; i < 2; i++) {
		if (kc_kconf_isset(k, ours[i]))
			kc_log(KC_WARN,
			    "%s: is false here: offsets are committed "
			    "from the store of -o",
			    ours[i]);
		kc_kconf_set(k, ours[i], "false", &ignored);
	}
	c->w.limit = 1024 * get_int(k, "queued.max.messages.kbytes");
	c->w.count_limit = get_int(k, "queued.min.messages");
	if (!c->group) /* the library wants one even to assign */
		kc_kconf_default(k, "group.id", "kc-consume-without-group");
	if (kc_kafka_open(&c->h, k, false, c->group ? callbacks : NULL, e) != 0) {
		kc_consumer_free(c);
		return NULL;
	}
	rd_kafka_poll_set_consumer(c->h.rk);
	c->queue = rd_kafka_queue_get_consumer(c->h.rk);
	if (pipe2(c->pipe, O_CLOEXEC | O_NONBLOCK) == -1) {
		kc_fail(e, KC_IO, "pipe: %s", strerror(errno));
		kc_consumer_free(c);
		return NULL;
	}
	rd_kafka_queue_io_event_enable(c->queue, c->pipe[1], "1", 1);
	if (start_waker(c, e) != 0) {
		kc_consumer_free(c);
		return NULL;
	}
	return c;
}

/*
 * rd_kafka_consumer_close, and destroy after it, wait for ever when there is no
 * broker any more. False: not left; it and its threads end with the process.
 */
#define CLOSE_WAIT_US (5 * 1000 * 1000)

static bool
leave(rd_kafka_t *rk)
{
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	int64_t until = kc_mono_us() + CLOSE_WAIT_US;
	rd_kafka_message_t *m;
	bool closed;

	rd_kafka_error_destroy(rd_kafka_consumer_close_queue(rk, q));
	while (!(closed = rd_kafka_consumer_closed(rk)) && kc_mono_us() < until) {
		m = rd_kafka_consume_queue(q, 100); /* and calls rebalanced */
		if (m != NULL)
			rd_kafka_message_destroy(m);
	}
	rd_kafka_queue_destroy(q);
	if (!closed)
		kc_log(KC_NOTICE,
		    "no broker to leave the group at: its other members wait "
		    "until the session times out");
	return closed;
}

void
kc_consumer_free(struct kc_consumer *c)
{
	if (c == NULL)
		return;
	stop_waker(&c->w);
	if (c->raw != NULL)
		rd_kafka_message_destroy(c->raw);
	if (c->queue != NULL) {
		rd_kafka_queue_io_event_enable(c->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(c->queue);
		if (!leave(c->h.rk))
			return;
	}
	kc_kafka_close(&c->h);
	for (size_t i = 0; i < 2; i++)
		if (c->pipe[i] != -1)
			close(c->pipe[i]);
	free(c);
}

int
kc_consumer_topics(struct kc_consumer *c, struct kc_tp **v, size_t *n,
    struct kc_err *e)
{
	const struct rd_kafka_metadata *md;
	int left = c->reading ? 1000 : c->h.wait_ms;

	/* A second at a time, so that a signal or a refusal ends it. */
	while (rd_kafka_metadata(c->h.rk, 1, NULL, &md,
		   left < 1000 ? left : 1000) != 0) {
		if (!c->reading)
			rd_kafka_consumer_poll(c->h.rk, 0); /* for its errors */
		if (c->h.denied)
			return kc_kafka_denied(&c->h, e);
		if ((left -= 1000) <= 0 || kc_stop)
			return kc_kafka_fail(&c->h, KC_TEMP, "no answer",
			    "is a broker there, and reachable from here?", e);
	}
	*n = (size_t)md->topic_cnt;
	*v = kc_xcalloc(*n + 1, sizeof **v);
	for (size_t i = 0; i < *n; i++)
		(*v)[i] = (struct kc_tp){ kc_xstrdup(md->topics[i].topic), 0,
			md->topics[i].partition_cnt };
	rd_kafka_metadata_destroy(md);
	return 0;
}

int
kc_consumer_subscribe(struct kc_consumer *c, char *const *topics, size_t n,
    struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(
	    (int)n);
	rd_kafka_resp_err_t err;

	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(l, topics[i],
		    RD_KAFKA_PARTITION_UA);
	c->reading = true;
	err = rd_kafka_subscribe(c->h.rk, l);
	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ?
	    0 :
	    kc_kafka_fail(&c->h, KC_TEMP, "subscribe", rd_kafka_err2str(err), e);
}

int
kc_consumer_assign(struct kc_consumer *c, const struct kc_tp *v, size_t n,
    struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = list_of(v, n);
	rd_kafka_resp_err_t err = rd_kafka_assign(c->h.rk, l);

	c->reading = true;
	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ?
	    0 :
	    kc_kafka_fail(&c->h, KC_TEMP, "assign", rd_kafka_err2str(err), e);
}

int
kc_consumer_fd(struct kc_consumer *c)
{
	return c->pipe[0];
}

/* Not a message but an event: 0, or -1 when it ends everything. */
static int
event(struct kc_consumer *c, const rd_kafka_message_t *m, struct kc_err *e)
{
	const char *topic = m->rkt == NULL ? "" : rd_kafka_topic_name(m->rkt);
	const char *why = m->payload != NULL ? rd_kafka_message_errstr(m) :
					       rd_kafka_err2str(m->err);

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		c->cb->eof(c->arg, text(topic), m->partition, m->offset);
		return 0;
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		kc_log(KC_WARN,
		    "%s: the pipe was blocked for longer than "
		    "max.poll.interval.ms: left the group, joining again",
		    c->h.servers);
		return 0;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		return kc_fail(e, KC_TEMP,
		    "topic %s partition %d: offset %lld is "
		    "not there any more: %s; set another with kc-offset, or "
		    "auto.offset.reset=earliest",
		    topic, (int)m->partition, (long long)m->offset, why);
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return kc_fail(e, KC_TEMP,
		    "topic %s: not allowed: grant Read and "
		    "Describe on it to this user",
		    topic);
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return kc_fail(e, KC_TEMP,
		    "group.id: not allowed: grant Read on "
		    "the group to this user");
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return kc_fail(e, KC_TEMP,
		    "topic %s: is not there any more on %s; "
		    "create it, or take it out of topics",
		    topic, c->h.servers);
	case RD_KAFKA_RESP_ERR__FATAL:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
	case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
		return kc_kafka_fail(&c->h, KC_TEMP, "group.id", why, e);
	default:
		kc_log(KC_INFO, "%s: %s%s%s", c->h.servers, topic,
		    *topic == '\0' ? "" : ": ", why);
		return 0;
	}
}

static void
fill(struct kc_kmsg *to, const rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;

	to->topic = text(rd_kafka_topic_name(m->rkt));
	to->partition = m->partition;
	to->offset = m->offset;
	to->timestamp = rd_kafka_message_timestamp(m, &type);
	if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
		to->timestamp = -1;
	to->key = (struct kc_span){ m->key, m->key_len };
	to->value = (struct kc_span){ m->payload, m->len };
	to->raw = (void *)(uintptr_t)m;
}

/*
 * One at a time: in librdkafka 2.0 rd_kafka_consume_batch_queue may drop
 * messages when partitions are given meanwhile (mended in 2.1).
 */
int
kc_consumer_next(struct kc_consumer *c, struct kc_kmsg *m, struct kc_err *e)
{
	rd_kafka_message_t *raw;
	char drop[64];

	for (bool drained = false;;) {
		if (c->h.denied)
			return kc_kafka_denied(&c->h, e);
		if (c->raw != NULL)
			rd_kafka_message_destroy(c->raw);
		c->raw = raw = rd_kafka_consumer_poll(c->h.rk, 0);
		if (raw == NULL && drained)
			return 0;
		if (raw == NULL) {
			/* Look once more: what comes now is signalled anew. */
			while (read(c->pipe[0], drop, sizeof drop) > 0)
				;
			drained = true;
		} else if (raw->err == 0) {
			break;
		} else if (event(c, raw, e) != 0) {
			return -1;
		}
	}
	if (c->h.warned)
		kc_kafka_well(&c->h);
	fill(m, raw);
	c->w.bytes += (int64_t)(m->key.n + m->value.n);
	c->w.count++;
	if (c->w.bytes >= LOOK_EVERY)
		look(c, m);
	return 1;
}

bool
kc_kmsg_header(const struct kc_kmsg *m, size_t i, struct kc_kheader *h)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t n;

	if (rd_kafka_message_headers(m->raw, &headers) != 0 ||
	    rd_kafka_header_get_all(headers, i, &name, &value, &n) != 0)
		return false;
	h->name = text(name);
	h->value = (struct kc_span){ value, n };
	return true;
}

static void
on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err,
    rd_kafka_topic_partition_list_t *l, void *opaque)
{
	(void)rk;
	(void)l;
	(void)opaque;
	if (err != 0 && err != RD_KAFKA_RESP_ERR__NO_OFFSET)
		kc_log(KC_INFO, "commit to the group: %s", rd_kafka_err2str(err));
}

/* rd_kafka_commit would wait for ever when there is no broker any more. */
#define COMMIT_WAIT_MS 5000

static rd_kafka_resp_err_t
commit_now(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *l)
{
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	rd_kafka_resp_err_t err = rd_kafka_commit_queue(rk, l, q, NULL, NULL);
	rd_kafka_event_t *ev;

	if (err == 0) {
		ev = rd_kafka_queue_poll(q, COMMIT_WAIT_MS);
		err = ev == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT :
				   rd_kafka_event_error(ev);
		if (ev != NULL)
			rd_kafka_event_destroy(ev);
	}
	rd_kafka_queue_destroy(q);
	return err;
}

int
kc_consumer_commit(struct kc_consumer *c, const struct kc_tp *v, size_t n,
    bool wait, struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = list_of(v, n);
	rd_kafka_resp_err_t err = wait ?
	    commit_now(c->h.rk, l) :
	    rd_kafka_commit_queue(c->h.rk, l, c->queue, on_commit, c);

	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ?
	    0 :
	    kc_kafka_fail(&c->h, KC_TEMP, "commit", rd_kafka_err2str(err), e);
}

/* What a lookup answered, back into v. */
static void
offsets_back(struct kc_tp *v, size_t n, const rd_kafka_topic_partition_list_t *l)
{
	for (size_t i = 0; i < n; i++)
		v[i].offset = l->elems[i].offset;
}

int
kc_consumer_committed(struct kc_consumer *c, struct kc_tp *v, size_t n,
    struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = list_of(v, n);
	rd_kafka_resp_err_t err = rd_kafka_committed(c->h.rk, l, c->h.wait_ms);

	offsets_back(v, n, l);
	for (size_t i = 0; i < n; i++)
		if (v[i].offset < 0)
			v[i].offset = KC_OFFSET_STORED;
	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ? 0 :
			  kc_kafka_fail(&c->h, KC_TEMP, "committed offsets",
			      rd_kafka_err2str(err), e);
}

int
kc_consumer_range(struct kc_consumer *c, const struct kc_tp *tp, int64_t *lo,
    int64_t *hi, struct kc_err *e)
{
	char what[300];
	rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(c->h.rk,
	    tp->topic, tp->partition, lo, hi, c->h.wait_ms);

	if (err == 0)
		return 0;
	snprintf(what, sizeof what, "topic %s partition %d", tp->topic,
	    (int)tp->partition);
	return kc_kafka_fail(&c->h, KC_TEMP, what, rd_kafka_err2str(err), e);
}

int
kc_consumer_at_time(struct kc_consumer *c, struct kc_tp *v, size_t n,
    struct kc_err *e)
{
	rd_kafka_topic_partition_list_t *l = list_of(v, n);
	rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(c->h.rk, l,
	    c->h.wait_ms);

	offsets_back(v, n, l);
	rd_kafka_topic_partition_list_destroy(l);
	return err == 0 ? 0 :
			  kc_kafka_fail(&c->h, KC_TEMP, "offsets by time",
			      rd_kafka_err2str(err), e);
}

/*
 * Positions: the store of -o says what is durable, and only that is committed
 * to the group, when it moves and before partitions are given away.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consume.h"
#include "json.h"
#include "num.h"

#define CONFIRM_US 500000

/* An entry of the store, when it is of a partition of Kafka. */
static void
on_stored(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct consume *w = arg;
	struct kc_span topic = kc_json_get(partition, "kafka_topic");
	int64_t number, at;
	struct part *p;
	char *name;

	if (!kc_json_is_str(topic) ||
	    !kc_parse_i64(kc_json_get(partition, "kafka_partition"), &number) ||
	    !kc_parse_i64(kc_json_get(offset, "kafka_offset"), &at))
		return;
	name = kc_json_strdup(topic);
	if (name != NULL) {
		p = part_get(w, (struct kc_span){ name, strlen(name) },
		    (int32_t)number);
		p->stored = at;
		p->forced = kc_span_is(kc_json_get(offset, "set"), "true");
	}
	free(name);
}

int
read_store(struct consume *w, struct kc_err *e)
{
	int rc;

	if (w->store == NULL)
		return 0;
	if ((rc = kc_store_refresh(w->store, e)) == -1)
		return -1;
	if (rc == 1)
		kc_store_each(w->store, on_stored, w);
	return rc;
}

void
first_store(struct consume *w)
{
	kc_store_each(w->store, on_stored, w);
}

/* Commits what the store has of our partitions and the group not yet. */
static int
commit(struct consume *w, bool wait, struct kc_err *e)
{
	struct kc_tp *v = kc_xcalloc(w->nparts + 1, sizeof *v);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->nparts; i++) {
		struct part *p = w->parts[i];
		/* Only what this pipe made durable: told came through it. */
		if (!p->assigned || p->told < 0 || p->stored < 0 ||
		    p->stored + 1 <= p->committed)
			continue;
		v[n++] = (struct kc_tp){ p->topic, p->partition, p->stored + 1 };
		p->committed = p->stored + 1;
	}
	if (n > 0)
		rc = kc_consumer_commit(w->c, v, n, wait, e);
	free(v);
	return rc;
}

int
confirm(struct consume *w, struct kc_err *e)
{
	int64_t now = kc_mono_us();
	int rc;

	if (w->store == NULL || !w->group || now - w->looked_us < CONFIRM_US)
		return 0;
	w->looked_us = now;
	rc = read_store(w, e);
	return rc == 1 ? commit(w, false, e) : rc;
}

int
find_stop(struct consume *w, struct part *p, struct kc_err *e)
{
	struct kc_tp tp = { p->topic, p->partition, 0 };
	int64_t lo;

	if (!w->ctx->end || p->stop != -1)
		return 0;
	if (kc_consumer_range(w->c, &tp, &lo, &p->stop, e) != 0)
		return -1;
	p->done = lo >= p->stop;
	return 0;
}

/*
 * Where to begin: the furthest of what the group has, the store has and we
 * have sent ourselves already; what kc-offset set wins.
 */
static void
on_assigned(void *arg, struct kc_tp *v, size_t n)
{
	struct consume *w = arg;

	if (read_store(w, &w->err) == -1)
		return;
	w->given = true;
	for (size_t i = 0; i < n; i++) {
		struct part *p = part_get(w,
		    (struct kc_span){ v[i].topic, strlen(v[i].topic) },
		    v[i].partition);
		int64_t at = v[i].offset;
		p->committed = at;
		if (p->stored >= 0 && (p->forced || p->stored + 1 > at))
			at = p->stored + 1;
		if (p->told >= 0 && p->told + 1 > at)
			at = p->told + 1;
		if (p->forced)
			p->committed = -1;
		p->start = v[i].offset = at;
		p->assigned = true;
		kc_log(KC_INFO, "%s partition %d: given, from %lld", p->topic,
		    (int)p->partition, (long long)at);
		if (find_stop(w, p, &w->err) != 0)
			return;
		if (p->stop != -1 && at >= p->stop)
			p->done = true;
	}
}

/* Everything sent of these partitions is in the store. */
static bool
caught_up(struct consume *w, const struct kc_tp *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct part *p = part_get(w,
		    (struct kc_span){ v[i].topic, strlen(v[i].topic) },
		    v[i].partition);
		if (p->told > p->stored)
			return false;
	}
	return true;
}

/*
 * The rest of the pipe gets a moment to store what it has, so that the next
 * member repeats little; then the group learns it.
 */
static void
on_revoked(void *arg, const struct kc_tp *v, size_t n, bool lost)
{
	struct consume *w = arg;
	struct timespec nap = { .tv_nsec = 10000000 };
	int64_t until = kc_mono_us() +
	    1000 * kc_conf_int(w->ctx->conf, "revoke.wait.ms");
	struct kc_err e = { 0 };
	int rc = kc_out_flush(&w->out, &e);

	while (rc >= 0 && w->store != NULL && !lost) {
		rc = read_store(w, &e);
		if (caught_up(w, v, n) || kc_mono_us() >= until)
			break;
		nanosleep(&nap, NULL);
	}
	if (rc >= 0 && w->store != NULL && !lost) {
		if (!caught_up(w, v, n))
			kc_log(KC_NOTICE,
			    "gave partitions away before everything "
			    "sent was stored: the next member repeats the rest");
		rc = commit(w, true, &e);
	}
	if (rc == -1)
		kc_log(KC_WARN, "%s", e.msg);
	for (size_t i = 0; i < n; i++)
		part_get(w, (struct kc_span){ v[i].topic, strlen(v[i].topic) },
		    v[i].partition)
		    ->assigned = false;
}

static void
on_eof(void *arg, struct kc_span topic, int32_t partition, int64_t offset)
{
	struct consume *w = arg;
	struct part *p = part_get(w, topic, partition);

	if (!p->assigned)
		return;
	if (p->stop != -1 && offset >= p->stop) {
		p->done = true;
		offset = p->stop;
	}
	put_reached(w, p, offset);
}

const struct kc_consumer_cb group_cb = { on_assigned, on_revoked, on_eof };

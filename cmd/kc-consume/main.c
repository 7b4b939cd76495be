/*
 * kc-consume: Kafka to envelopes, as a member of a group or from topics and
 * offsets named. It confirms nothing but what the store of -o says.
 */
/* needs: rdkafka */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consume.h"
#include "num.h"

static const struct kc_prop props[] = {
	{ "bootstrap.servers", KC_T_LIST, NULL, NULL, 'H',
	    "Brokers to begin with, host:port.", 'b', NULL, KC_REQUIRED },
	{ "topics", KC_T_LIST, NULL, NULL, 'H', "Topics to read.", 't', "topic",
	    0 },
	{ "topics.regex", KC_T_STRING, NULL, NULL, 'H',
	    "Read topics whose whole name matches.", 0, NULL, 0 },
	{ "group.id", KC_T_STRING, NULL, NULL, 'H',
	    "Share the partitions with the other members of this group.", 'g',
	    NULL, 0 },
	{ "offset", KC_T_STRING, "earliest", NULL, 'M',
	    "Without a group: earliest, latest, a number, or @ms since 1970.",
	    0, NULL, 0 },
	{ "partition", KC_T_LIST, NULL, NULL, 'M',
	    "Without a group: only these partitions.", 'p', NULL, 0 },
	{ "auto.offset.reset", KC_T_STRING, "earliest",
	    "earliest|latest|none|error|smallest|largest|beginning|end", 'M',
	    "Where to begin when there is no position, or it is gone.", 0, NULL,
	    0 },
	{ "isolation.level", KC_T_STRING, "read_committed",
	    "read_committed|read_uncommitted", 'M',
	    "Whether records of open and aborted transactions are left out.", 0,
	    NULL, 0 },
	{ "partition.assignment.strategy", KC_T_LIST, "range,roundrobin", NULL,
	    'M', "How a group shares partitions.", 0, NULL, 0 },
	{ "revoke.wait.ms", KC_T_INT, "5000", "0..", 'L',
	    "Before giving partitions away, wait so long for the store.", 0,
	    NULL, 0 },
	{ "metadata.max.age.ms", KC_T_INT, "300000", "1..86400000", 'L',
	    "How often new topics and partitions are looked for.", 0, NULL, 0 },
	{ "name", KC_T_STRING, NULL, NULL, 'L', "Name of the connector.", 0,
	    NULL, 0 },
	{ "consumer.", KC_T_STRING, NULL, NULL, 'L',
	    "Any property of the client, and consumer.override. as well.", 0,
	    "consumer.override.", KC_PREFIX },
	{ "", KC_T_STRING, NULL, NULL, 'L',
	    "Any other property of librdkafka or of Java's consumer.", 'X',
	    NULL, KC_PREFIX },
	{ 0 },
};

static int
take(struct consume *w, const struct kc_kmsg *m, struct kc_err *e)
{
	struct part *p = part_get(w, m->topic, m->partition);

	if (!p->assigned)
		return 0;
	if (p->stop != -1 && m->offset >= p->stop) {
		p->done = true;
		return 0;
	}
	put_message(w, p, m);
	w->sent++;
	if (p->stop != -1 && m->offset + 1 >= p->stop)
		p->done = true;
	return kc_out_more(&w->out, e);
}

/* -e: every partition we have is at its end. */
static bool
all_done(const struct consume *w)
{
	if (!w->ctx->end || (!w->given && w->ntopics > 0))
		return false;
	for (size_t i = 0; i < w->nparts; i++)
		if (w->parts[i]->assigned && !w->parts[i]->done)
			return false;
	return true;
}

/* What is due now and then. New topics can wait for a broker. */
static int
tick(struct consume *w, struct kc_err *e)
{
	struct kc_err why;

	if (kc_mono_us() - w->topics_us >= w->age_us && find_topics(w, &why) != 0)
		kc_log(KC_WARN, "%s", why.msg);
	return confirm(w, e) == -1 ? -1 : 0;
}

/* Nothing to read now. 1: go on, 0: end, -1. */
static int
idle(struct consume *w, struct kc_err *e)
{
	if (kc_out_flush(&w->out, e) != 0)
		return -1;
	if (all_done(w))
		return 0;
	kc_wait(kc_consumer_fd(w->c), 500, true);
	return 1;
}

static int
loop(struct consume *w, struct kc_err *e)
{
	struct kc_kmsg m;
	int rc;

	for (unsigned turn = 0; !kc_stop; turn++) {
		rc = kc_consumer_next(w->c, &m, e);
		if (w->err.status != 0) {
			*e = w->err;
			return -1;
		}
		if (rc == -1 || (rc == 1 && take(w, &m, e) != 0))
			return -1;
		if (rc == 1 && w->ctx->count >= 0 && w->sent >= w->ctx->count)
			return 0;
		if ((rc == 0 || turn % 1024 == 0) && tick(w, e) != 0)
			return -1;
		if (rc == 0 && (rc = idle(w, e)) <= 0)
			return rc;
	}
	return 0;
}

static int
open_all(struct consume *w, struct kc_err *e)
{
	static const char *const prefixes[] = { "consumer.",
		"consumer.override.", NULL };
	struct kc_conf *c = w->ctx->conf;
	const char *regex = kc_conf_str(c, "topics.regex");
	struct kc_kconf *k;

	if ((regex == NULL) == !kc_conf_isset(c, "topics"))
		return kc_fail(e, KC_USAGE,
		    "topics: set either topics or topics.regex");
	w->group = kc_conf_isset(c, "group.id");
	w->age_us = 1000 * kc_conf_int(c, "metadata.max.age.ms");
	if (w->group &&
	    (kc_conf_isset(c, "offset") || kc_conf_isset(c, "partition")))
		return kc_fail(e, KC_USAGE,
		    "group.id: a group keeps its own offsets: "
		    "leave offset and partition out, or group.id");
	if (regex != NULL &&
	    kc_regex_new(&w->regex, "topics.regex", regex, e) != 0)
		return -1;
	k = kc_kconf_new(false, props);
	if (kc_kconf_from(k, c, prefixes, e) != 0) {
		kc_kconf_free(k);
		return -1;
	}
	if (w->ctx->end) /* an empty partition says so sooner */
		kc_kconf_default(k, "fetch.wait.max.ms", "50");
	if (w->ctx->store != NULL) {
		w->store = kc_store_open(w->ctx->store, KC_SOURCE, e);
		if (w->store == NULL) {
			kc_kconf_free(k);
			return -1;
		}
		first_store(w);
	}
	w->c = kc_consumer_new(k, &group_cb, w, e);
	return w->c == NULL ? -1 : find_topics(w, e);
}

/*
 * The end of our output, so that the pipe drains and stores; the group is left
 * after that (revoke.wait.ms).
 */
static void
end_output(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null != -1) {
		dup2(null, 1);
		close(null);
	}
}

static int
run(struct kc_ctx *ctx)
{
	struct consume w = { .ctx = ctx };
	struct kc_err late;
	int rc;

	kc_signals(false);
	kc_out_init(&w.out, 1);
	rc = open_all(&w, &ctx->err);
	if (rc == 0)
		rc = loop(&w, &ctx->err);
	if (kc_out_flush(&w.out, &late) != 0 && rc == 0) {
		ctx->err = late;
		rc = -1;
	}
	end_output();
	kc_consumer_free(w.c);
	kc_store_close(w.store);
	kc_regex_free(w.regex);
	parts_free(&w);
	for (size_t i = 0; i < w.ntopics; i++)
		free(w.topics[i]);
	free(w.topics);
	kc_out_release(&w.out);
	return rc == 0 ? 0 : ctx->err.status;
}

static const struct kc_cmd cmd = {
	.name = "kc-consume",
	.summary = "read Kafka as envelopes",
	.operands = "",
	.type = "source",
	.options = "one",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

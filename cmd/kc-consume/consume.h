/* What the parts of kc-consume share. */
#ifndef CONSUME_H
#define CONSUME_H

#include "cmd.h"
#include "kafka.h"
#include "regex.h"
#include "store.h"

/* A topic's partition as we know it, for as long as we run. */
struct part {
	char *topic;
	size_t topic_len;
	int32_t partition;
	bool assigned;
	int64_t start;	   /* where reading began or will, KC_OFFSET_* too */
	int64_t told;	   /* offset of the last position sent, -1: none */
	int64_t stored;	   /* in -o, -1: none */
	int64_t committed; /* to the group: of the next message, -1: none */
	int64_t stop;	   /* -e: not this one and after, -1: no end */
	bool done;	   /* -e: there */
	bool forced;	   /* stored was set by hand: it wins */
	struct kc_buf map; /* {"kafka_topic":…,"kafka_partition":…} */
	struct kc_buf head, tail; /* of its records, around what changes */
};

struct consume {
	struct kc_ctx *ctx;
	struct kc_consumer *c;
	struct kc_store *store; /* NULL: no -o */
	struct kc_out out;
	struct part **parts;
	size_t nparts;
	struct part *last;
	char **topics; /* wanted, of topics or found by topics.regex */
	size_t ntopics, npartitions;
	struct kc_regex *regex;
	bool group, given; /* given: partitions, at least once */
	bool announced;	   /* the schema of bytes in headers */
	int64_t sent, looked_us, topics_us, age_us;
	struct kc_err err; /* of a callback; status 0: none */
};

struct part *part_get(struct consume *w, struct kc_span topic, int32_t partition);
void parts_free(struct consume *w);

/* record.c: one message as a line; checkpoints. */
void put_message(struct consume *w, struct part *p, const struct kc_kmsg *m);
void put_reached(struct consume *w, struct part *p, int64_t next);

/* topics.c: looks for topics, at the start and every metadata.max.age.ms. */
int find_topics(struct consume *w, struct kc_err *e);

/* group.c: positions against the store and the group. */
extern const struct kc_consumer_cb group_cb;
void first_store(struct consume *w);
int read_store(struct consume *w, struct kc_err *e);
/* Commits what the store has, at most every half second. */
int confirm(struct consume *w, struct kc_err *e);
/* -e: where to stop in each partition. */
int find_stop(struct consume *w, struct part *p, struct kc_err *e);

#endif

/* What the parts of kc-produce share. */
#ifndef PRODUCE_H
#define PRODUCE_H

#include "cmd.h"
#include "kafka.h"
#include "sink.h"

struct produce {
	struct kc_ctx *ctx;
	struct kc_sink sink;
	struct kc_producer *p;
	struct kc_schemas schemas;
	struct kc_span topic; /* instead of a record's own */
	struct kc_buf key, value, name, text;
	struct kc_kheader *headers;
	size_t headers_cap;
	struct kc_kspec store; /* -o kafka:, in the transaction; topic NULL: no */
	const char *connector;
	bool transactional, ready, begun, by_key;
	/* topics that were looked for, when missing ones are created */
	bool creates;
	struct kc_buf known;
};

/* record.c: a record as a message, valid until the next; -1 with KC_DATA. */
int message(struct produce *w, const struct kc_rec *r, struct kc_kmsg *m,
    struct kc_err *e);
/* A message the broker refused after it was queued, as a dead letter. */
int refused(void *arg, const struct kc_kmsg *m, const struct kc_err *why,
    struct kc_err *e);

#endif

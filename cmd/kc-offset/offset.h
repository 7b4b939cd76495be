/* What the parts of kc-offset share. */
#ifndef OFFSET_H
#define OFFSET_H

#include <string.h>

#include "cmd.h"
#include "json.h"
#include "kafka.h"
#include "num.h"
#include "store.h"

static inline struct kc_span
text(const char *s)
{
	return (struct kc_span){ s, strlen(s) };
}

/* `{"partition":P,"offset":O`, to be closed. */
void put_position(struct kc_buf *b, struct kc_span partition,
    struct kc_span offset);
/* A whole line of it; arg is a kc_out. */
void show_one(void *arg, struct kc_span partition, struct kc_span offset);
/*
 * A position's topic (the caller's), partition and offset in Kafka; an offset
 * that is absent is left alone. false: a position of another kind.
 */
bool in_kafka(struct kc_span partition, struct kc_span offset, struct kc_tp *tp);
/* What the configuration says of a Kafka client. */
struct kc_kconf *client(struct kc_ctx *ctx, bool producer, struct kc_err *e);

int lag(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e);
int serve(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e);

#endif

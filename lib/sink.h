/*
 * The loop of every sink: batches by count, bytes and time; hands a batch to
 * the sink; retries with back-off (KC_TEMP); on KC_DATA with -D halves the
 * batch until the bad record is alone and a dead letter; stores the position of
 * what is durable, at most every offset.flush.interval.ms, and at the end.
 */
#ifndef KC_SINK_H
#define KC_SINK_H

#include "cmd.h"
#include "envelope.h"
#include "filter.h"
#include "position.h"
#include "schema.h"
#include "store.h"

struct kc_batch {
	struct kc_rec *recs; /* records only, in order; borrowed */
	size_t n;
	const struct kc_positions *pos; /* after the batch */
	bool last; /* no more input is at hand: be quick, not big */
};

struct kc_sink {
	/*
	 * Takes a batch (n may be 0: positions only). 0: accepted. -1: nothing
	 * of it was kept, or repeating it does no harm.
	 */
	int (*write)(void *arg, const struct kc_batch *b, struct kc_err *e);
	/*
	 * How many of the batches accepted so far are durable. NULL: all, when
	 * write returns. Called when input would block and between batches;
	 * wait: block until all are (at the end). UINT64_MAX with *e: failed.
	 */
	uint64_t (*durable)(void *arg, bool wait, struct kc_err *e);
	bool own_store; /* -o sink: or kafka:, the sink's write keeps b->pos */
	struct kc_schemas *schemas; /* filled from announcements; NULL: don't */
	size_t max_count;	    /* records a batch */
	size_t max_bytes;	    /* of lines */
	int linger_ms;	/* wait this long for more once input would block */
	int retries;	/* of KC_TEMP; -1: for ever */
	int backoff_ms; /* first; doubles up to a minute */
};

/* Runs until end of input, -n or a signal. Returns the exit status. */
int kc_sink_run(struct kc_ctx *ctx, const struct kc_sink *s, void *arg);
/* For a sink that finds a bad record by itself (asynchronously): -1 without -D. */
int kc_sink_dead(struct kc_ctx *ctx, struct kc_span line,
    const struct kc_err *why, struct kc_err *e);

/* The properties the loop itself reads; put them into a sink's table. */
#define KC_SINK_PROPS                                                          \
	{                                                                      \
		"offset.flush.interval.ms", KC_T_LONG, "100", "0..", 'L',      \
		    "At most this often the position of -o is stored, in ms.", \
		    0, NULL, 0                                                 \
	}

#endif

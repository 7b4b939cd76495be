/*
 * The loop of every stage between a source and a sink: reads lines, tolerates
 * and counts bad ones (-D), passes schemas and checkpoints on, keeps the
 * position of what was dropped, flushes when input would block.
 */
#ifndef KC_FILTER_H
#define KC_FILTER_H

#include "cmd.h"
#include "envelope.h"
#include "schema.h"

enum kc_verdict {
	KC_PASS,   /* unchanged: the loop copies the line */
	KC_WROTE,  /* the function appended whole lines to out */
	KC_DROPPED /* nothing was written; its position goes on */
};

struct kc_filter {
	/*
	 * One record. A verdict, or -1 with *e: KC_DATA makes it a dead
	 * letter (stage, class and message from e), anything else ends the run.
	 * out may hold partial output on -1: the loop cuts it off.
	 */
	int (*record)(void *arg, struct kc_rec *r, struct kc_buf *out,
	    struct kc_err *e);
	/* After an announcement was learnt; KC_PASS or KC_DROPPED. NULL: pass. */
	int (*schema)(void *arg, struct kc_rec *r, struct kc_err *e);
	/* At the end of input. NULL: nothing. */
	int (*finish)(void *arg, struct kc_buf *out, struct kc_err *e);
	struct kc_schemas *schemas; /* filled from announcements; NULL: don't */
};

/* Runs until end of input, -n or a signal. Returns the exit status. */
int kc_filter_run(struct kc_ctx *ctx, const struct kc_filter *f, void *arg);

/* Dead letters: a record line with an "error" member, replayable. */
struct kc_dead {
	int fd;
	const char *path;
	uint64_t count;
	struct kc_buf line;
};

int kc_dead_open(struct kc_dead *d, const char *path, struct kc_err *e);
/*
 * Appends one letter: the line with its error member. A line that is not JSON
 * is kept base64 in valueBytes of a record of topic "". at: "line 12" etc.
 */
int kc_dead_put(struct kc_dead *d, struct kc_span line, const char *stage,
    const struct kc_err *why, const char *at, struct kc_err *e);
int kc_dead_sync(struct kc_dead *d, struct kc_err *e);
void kc_dead_close(struct kc_dead *d);

#endif

/*
 * Where each source partition of a stream stands: what a record's "source" and
 * a "checkpoint" say, the last one of each partition. kc-envelope(5).
 */
#ifndef KC_POSITION_H
#define KC_POSITION_H

#include <stdbool.h>

#include "buf.h"

struct kc_position {
	struct kc_buf partition, offset; /* JSON texts; offset after settle */
	bool dirty;	      /* moved since whoever reads it cleared this */
	struct kc_buf prefix; /* `{"partition":P,`, to know it by */
	struct kc_span raw;   /* noted, not settled yet; borrowed */
};

/* Zero-initialise. */
struct kc_positions {
	struct kc_position *v;
	size_t n, cap, last;
};

/*
 * Remembers a source or checkpoint object ({"partition":…,"offset":…}, others
 * are not positions and change nothing). Borrowed until kc_positions_settle.
 * Returns its entry, or NULL.
 */
struct kc_position *kc_positions_note(struct kc_positions *t,
    struct kc_span position);
/* Copies what was noted. After it offset is up to date everywhere. */
void kc_positions_settle(struct kc_positions *t);
/* Sets an entry outright (settled); makes it dirty when it changed. */
void kc_positions_set(struct kc_positions *t, struct kc_span partition,
    struct kc_span offset);
/* The entry of a partition, or NULL. */
struct kc_position *kc_positions_find(const struct kc_positions *t,
    struct kc_span partition);
void kc_positions_release(struct kc_positions *t);

/* JSON maps as equal maps: member order does not matter. */
bool kc_same_map(struct kc_span a, struct kc_span b);

#endif

/*
 * Offset stores, -o: FILE, kafka:TOPIC, sink:CONF. The last command of a pipe
 * puts what it has made durable; the first reads it. kc-envelope(5).
 *
 * A FILE is read and replaced here. The others belong to kc-offset, which
 * knows Kafka and the databases: it is started as a child, kc-offset serve ROLE
 * -o SPEC, and spoken to in lines (its manual has the protocol), so no source
 * links a database client for its store.
 */
#ifndef KC_STORE_H
#define KC_STORE_H

#include "buf.h"
#include "err.h"
#include "position.h"

enum kc_role { KC_SOURCE, KC_SINK, KC_READER };

struct kc_store;

/*
 * A source: takes the source lock and waits for a sink that still drains; held
 * by another source: -1, KC_TEMP, naming the holder. A sink opens at its first
 * line of input (so that a source that waits for the sink before it is not
 * mistaken) and takes the sink lock. A reader only looks, and takes none.
 */
struct kc_store *kc_store_open(const char *spec, enum kc_role role,
    struct kc_err *e);
void kc_store_close(struct kc_store *s);

/* 1: *offset appended; 0: nothing stored for that partition; -1. */
int kc_store_get(struct kc_store *s, struct kc_span partition,
    struct kc_buf *offset, struct kc_err *e);
/* Looks again; 1 when anything changed since the last look, 0, -1. Cheap. */
int kc_store_refresh(struct kc_store *s, struct kc_err *e);
void kc_store_each(struct kc_store *s,
    void (*fn)(void *arg, struct kc_span partition, struct kc_span offset),
    void *arg);

/* Remembers; offset "null" or empty removes. Then kc_store_commit is durable. */
void kc_store_put(struct kc_store *s, struct kc_span partition,
    struct kc_span offset);
int kc_store_commit(struct kc_store *s, struct kc_err *e);

#endif

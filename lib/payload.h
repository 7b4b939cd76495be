/*
 * MySQL's Transaction_payload_event: a whole transaction compressed with zstd
 * (binlog_transaction_compression). Its events come out one at a time, so
 * memory does not grow with the transaction.
 */
#ifndef KC_PAYLOAD_H
#define KC_PAYLOAD_H

#include "binlog.h"

struct kc_payload;

struct kc_payload *kc_payload_new(void);
void kc_payload_free(struct kc_payload *p);
/* Begins with a KC_BL_PAYLOAD event, which is borrowed until the last _next. */
int kc_payload_open(struct kc_payload *p, const struct kc_binlog_event *ev,
    struct kc_err *e);
/*
 * The next event, header and all, without checksum; valid until the next call.
 * 1, 0 at the end, -1 with KC_DATA.
 */
int kc_payload_next(struct kc_payload *p, struct kc_span *raw, struct kc_err *e);

#endif

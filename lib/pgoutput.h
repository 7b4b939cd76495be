/*
 * Messages of PostgreSQL's pgoutput plugin, protocol version 1: bytes in,
 * structs out. PostgreSQL documentation, "Logical Replication Message Formats".
 * Spans are borrowed.
 */
#ifndef KC_PGOUTPUT_H
#define KC_PGOUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define KC_PG_MAX_COLUMNS 1664

struct kc_pg_value {
	char kind; /* n null, u unchanged (TOAST), t text */
	struct kc_span text;
};

struct kc_pg_tuple {
	size_t n; /* 0: no such tuple */
	struct kc_pg_value v[KC_PG_MAX_COLUMNS];
};

struct kc_pg_relcol {
	bool key; /* of the replica identity */
	struct kc_span name;
	uint32_t type;
	int32_t typmod;
};

/* B begin, C commit, R relation, I U D changes, T truncate, M message, or 0. */
struct kc_pg_msg {
	char type;
	uint64_t lsn;  /* B: of the commit, C: its end, M: its own */
	int64_t ts_us; /* B, C: of the commit, since 1970 */
	uint32_t xid;  /* B */
	uint32_t rel;  /* R I U D */
	char identity; /* R: d default, n nothing, f full, i index */
	struct kc_span schema, table; /* R */
	size_t ncols;
	struct kc_pg_relcol cols[KC_PG_MAX_COLUMNS]; /* R */
	char old_kind; /* U D: K key, O whole old row, 0 none */
	struct kc_pg_tuple old, new;
	uint32_t nrels;			/* T */
	const uint8_t *rels;		/* big-endian ids, 4 bytes each */
	struct kc_span prefix, content; /* M */
	bool transactional;
};

/* -1, KC_DATA: cut or unknown. Large: keep one and use it again. */
int kc_pgoutput(struct kc_pg_msg *m, struct kc_span bytes, struct kc_err *e);

#endif

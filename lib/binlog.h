/*
 * The binary log of MySQL 5.7+ and MariaDB 10+, event by event: bytes in,
 * structs out, no I/O. Layouts: MySQL internals, "Binary Log", and MariaDB
 * knowledge base, "Replication protocol". All spans are borrowed.
 */
#ifndef KC_BINLOG_H
#define KC_BINLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum kc_binlog_type {
	KC_BL_QUERY = 2,
	KC_BL_STOP = 3,
	KC_BL_ROTATE = 4,
	KC_BL_FORMAT = 15,
	KC_BL_XID = 16,
	KC_BL_TABLE_MAP = 19,
	KC_BL_WRITE_V1 = 23,
	KC_BL_UPDATE_V1 = 24,
	KC_BL_DELETE_V1 = 25,
	KC_BL_HEARTBEAT = 27,
	KC_BL_ROWS_QUERY = 29,
	KC_BL_WRITE = 30,
	KC_BL_UPDATE = 31,
	KC_BL_DELETE = 32,
	KC_BL_GTID = 33,
	KC_BL_ANONYMOUS_GTID = 34,
	KC_BL_XA_PREPARE = 38,
	KC_BL_PARTIAL_UPDATE = 39,
	KC_BL_PAYLOAD = 40,
	KC_BL_HEARTBEAT_V2 = 41,
	KC_BL_MARIA_ANNOTATE = 160,
	KC_BL_MARIA_GTID = 162,
	KC_BL_MARIA_GTID_LIST = 163,
	KC_BL_MARIA_START_ENCRYPTION = 164,
	KC_BL_MARIA_QUERY_COMPRESSED = 165,
	KC_BL_MARIA_WRITE_COMPRESSED = 166, /* v1; 169: v2 */
	KC_BL_MARIA_UPDATE_COMPRESSED = 167,
	KC_BL_MARIA_DELETE_COMPRESSED = 168
};

/* What later events need of the format description. Zero-initialise. */
struct kc_binlog {
	bool checksum; /* events end in a CRC32 */
	bool maria;
	uint8_t rows_head[256]; /* post-header length by type; 0: default */
	struct kc_buf inflated; /* of a compressed event; one at a time */
};

struct kc_binlog_event {
	uint32_t ts; /* seconds since the epoch */
	uint8_t type;
	uint32_t server_id, size;
	uint32_t end_pos; /* of the next event; 0 for made-up ones */
	uint16_t flags;
	struct kc_span body; /* without header and checksum */
};

/* flags: not in the log, made by the server for us. */
#define KC_BL_ARTIFICIAL 0x20

/* Splits one event; -1, KC_DATA: cut, or its checksum is wrong. */
int kc_binlog_event(const struct kc_binlog *b, struct kc_span raw,
    struct kc_binlog_event *ev, struct kc_err *e);
/*
 * Learns from KC_BL_FORMAT. raw is the whole event: its own checksum flag says
 * whether it ends in one.
 */
int kc_binlog_format(struct kc_binlog *b, struct kc_span raw, struct kc_err *e);
void kc_binlog_release(struct kc_binlog *b);

struct kc_bl_rotate {
	struct kc_span file;
	uint64_t pos;
};
int kc_bl_rotate(const struct kc_binlog_event *ev, struct kc_bl_rotate *r,
    struct kc_err *e);

struct kc_bl_query {
	uint32_t thread;
	struct kc_span db, sql;
};
/* Of KC_BL_QUERY and its compressed kin. */
int kc_bl_query(struct kc_binlog *b, const struct kc_binlog_event *ev,
    struct kc_bl_query *q, struct kc_err *e);

struct kc_bl_gtid {
	uint8_t sid[16];    /* MySQL: the server's uuid */
	uint64_t seq;	    /* transaction's number */
	uint32_t domain;    /* MariaDB */
	bool standalone;    /* MariaDB: no commit event follows (DDL) */
	uint64_t commit_us; /* MySQL 8: immediate commit; 0: unknown */
};
int kc_bl_gtid(const struct kc_binlog_event *ev, struct kc_bl_gtid *g,
    struct kc_err *e);

/* A table map; its columns' types and, with FULL metadata, names and keys. */
struct kc_bl_table {
	uint64_t id;
	struct kc_span db, table;
	size_t ncols;
	const uint8_t *types;
	struct kc_span meta;	 /* see kc_bl_column_meta */
	const uint8_t *nullable; /* bitmap */
	struct kc_span optional; /* TLVs, see kc_bl_optional */
};
int kc_bl_table_map(const struct kc_binlog_event *ev, struct kc_bl_table *t,
    struct kc_err *e);
/*
 * A column's metadata from t->meta, and what it really is: ENUM and SET hide in
 * STRING. *at walks t->meta. -1: cut.
 */
int kc_bl_column_meta(const struct kc_bl_table *t, size_t col, size_t *at,
    uint8_t *type, uint16_t *meta);

enum kc_bl_option {
	KC_BLO_SIGNEDNESS = 1,
	KC_BLO_DEFAULT_CHARSET,
	KC_BLO_COLUMN_CHARSET,
	KC_BLO_COLUMN_NAME,
	KC_BLO_SET_VALUES,
	KC_BLO_ENUM_VALUES,
	KC_BLO_GEOMETRY,
	KC_BLO_PRIMARY_KEY,
	KC_BLO_PRIMARY_KEY_PREFIX,
	KC_BLO_ENUM_DEFAULT_CHARSET,
	KC_BLO_ENUM_COLUMN_CHARSET
};
/* A member of the optional metadata; .p NULL: not there. */
struct kc_span kc_bl_optional(const struct kc_bl_table *t, enum kc_bl_option o);
/* A length-encoded integer at *p, moved on; UINT64_MAX: cut. */
uint64_t kc_bl_lenenc(const uint8_t **p, const uint8_t *end);

struct kc_bl_rows {
	char op; /* c u d */
	uint64_t table_id;
	bool end_of_statement;
	size_t ncols;
	const uint8_t *present, *present_after; /* bitmaps; after: updates */
	struct kc_span rows;
};
int kc_bl_rows(struct kc_binlog *b, const struct kc_binlog_event *ev,
    struct kc_bl_rows *r, struct kc_err *e);
/* Is this event type one of rows? */
bool kc_bl_is_rows(uint8_t type);

static inline bool
kc_bl_bit(const uint8_t *bits, size_t i)
{
	return (bits[i >> 3] >> (i & 7) & 1) != 0;
}

#endif

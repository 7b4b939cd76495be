/*
 * kc-binlog's parts: what a table's columns become (tables.c, column.c), the
 * snapshot (snapshot.c), the log (stream.c, row.c), their values as JSON, the
 * same of the snapshot's text and the log's bytes (value.c), offsets and source
 * blocks (offset.c), main.c.
 */
#ifndef KC_CMD_BINLOG_H
#define KC_CMD_BINLOG_H

#include <iconv.h>

#include "binlog.h"
#include "cdc.h"
#include "cmd.h"
#include "json.h"
#include "mysqldb.h"
#include "num.h"
#include "store.h"

/* What a column's value becomes; its type on the wire is another matter. */
enum kind {
	K_BOOL,	   /* bit(1): boolean */
	K_BITS,	   /* bit(n): Bits */
	K_INT,	   /* any signed or unsigned integer; bigint wraps to int64 */
	K_FLOAT,   /* float(1..24) without scale: float */
	K_FLOAT64, /* float(m,d): a float as double */
	K_DOUBLE,
	K_DECIMAL,
	K_TEXT,	  /* char varchar text, any character set */
	K_BINARY, /* binary(n): padded with zero bytes */
	K_BLOB,	  /* varbinary blob */
	K_ENUM,
	K_SET,
	K_JSON, /* MySQL's JSON; MariaDB's is a text */
	K_DATE,
	K_TIME,
	K_DATETIME,  /* Timestamp, MicroTimestamp */
	K_TIMESTAMP, /* ZonedTimestamp */
	K_YEAR,
	K_POINT,
	K_GEOMETRY,
	K_UUID,
	K_INET4,
	K_INET6,  /* MariaDB's: text; 16, 4, 16 bytes in the log */
	K_VECTOR, /* floats: FloatVector */
	K_NONE	  /* not captured */
};

struct column {
	enum kind kind;
	bool optional; /* may be NULL */
	bool is_unsigned;
	int size; /* integer: bytes 1 2 3 4 8; binary(n): n; bit: bits */
	int precision, scale; /* decimal */
	int fsp;	      /* fraction digits of a time, 0..6 */
	char *charset;	      /* server's name: "latin1"; NULL: utf8 or none */
	iconv_t conv;	      /* value.c's own; 0: not open */
	char **labels;	      /* enum, set: NULL-ended, UTF-8 */
	struct kc_buf *label_json; /* their texts escaped, without quotes */
	size_t nlabels;
	/* JSON of a date that is none (0000-00-00): null, default or epoch. */
	char *zero;
};

struct table {
	struct kc_cdc_table cdc; /* cols there and here: the same order */
	struct column *cols;
	bool stale; /* DDL named it since it was read */
};

/* Where the log was read to; Debezium's offset map. */
struct offset {
	char file[512];
	uint64_t pos;	     /* of the transaction to resume at */
	uint64_t event, row; /* to skip of it; 0: absent */
	uint64_t line;	     /* to skip of the row after; 0: absent */
	uint64_t server_id;  /* 0: absent */
	int64_t ts_sec;	     /* 0: absent */
	struct kc_buf gtids; /* len 0: absent */
	bool snapshot;	     /* in a snapshot that is not complete */
};

struct binlog {
	struct kc_ctx *ctx;
	struct kc_conf *conf;
	bool mariadb;	     /* the flavor: connector, names of variables */
	struct kc_mysql *db; /* for queries; not the dumping one */
	struct kc_cdc *cdc;
	struct kc_store *store; /* NULL: none */
	struct kc_out out;
	struct kc_cdc_row before, after;
	struct table **tables; /* those that are captured; tables.c */
	size_t ntables;
	struct offset at;
	int64_t emitted; /* records; -n counts them */
};

/* tables.c */

/*
 * Reads the columns and keys of database.table, or of every captured table
 * (both NULL), and makes them ready; an already known table is replaced when
 * it differs (and announced again).
 */
int tables_load(struct binlog *b, const char *database, const char *table,
    struct kc_err *e);
/* NULL: not captured, or not known. */
struct table *table_find(struct binlog *b, struct kc_span database,
    struct kc_span table);
/* Adds a table made elsewhere (binlog metadata); owned from here on. */
struct table *table_add_take(struct binlog *b, struct table *t);
void tables_free(struct binlog *b);

/* column.c */

/* As information_schema.columns has them; NULL where it says NULL. */
struct column_def {
	const char *name;
	const char *type;    /* COLUMN_TYPE: "decimal(10,2) unsigned" */
	const char *charset; /* CHARACTER_SET_NAME */
	const char *def;     /* COLUMN_DEFAULT, in the flavor's own form */
	const char *extra;   /* EXTRA */
	bool nullable;
};
/*
 * Fills col (plan) and cdc (name, schema). mariadb: whose quoting def has.
 * A type that cannot be captured has kind K_NONE and schema NULL.
 */
void column_make(struct column *col, struct kc_cdc_column *cdc,
    const struct column_def *d, bool mariadb);
void column_release(struct column *col);

/* value.c: each appends a value's JSON. */

void put_int(struct kc_buf *b, const struct column *c, int64_t v);
void put_bit(struct kc_buf *b, const struct column *c, const void *be, size_t n);
void put_float(struct kc_buf *b, const struct column *c, float v);
void put_double(struct kc_buf *b, const struct column *c, double v);
void put_decimal(struct kc_buf *b, struct kc_span text);
void put_text(struct kc_buf *b, struct column *c, const void *p, size_t n);
void put_bytes(struct kc_buf *b, const struct column *c, const void *p, size_t n);
void put_enum(struct kc_buf *b, const struct column *c, unsigned index);
void put_set(struct kc_buf *b, const struct column *c, uint64_t mask);
/* Month or day 0, or all 0: the zero date. hms in µs of the day. */
void put_date(struct kc_buf *b, const struct column *c, int y, int m, int d);
void put_datetime(struct kc_buf *b, const struct column *c, int y, int m, int d,
    int64_t us_of_day);
void put_timestamp(struct kc_buf *b, const struct column *c, int64_t sec, int us);
void put_time(struct kc_buf *b, const struct column *c, int64_t us);
void put_year(struct kc_buf *b, const struct column *c, int y); /* 0, 1901.. */
/* The server's own form: 4 bytes of SRID, then WKB. */
void put_geometry(struct kc_buf *b, const struct column *c, const void *p,
    size_t n);
void put_uuid(struct kc_buf *b, const void *p16);
void put_inet(struct kc_buf *b, const void *p, size_t n); /* 4 or 16 */
void put_vector(struct kc_buf *b, const void *p, size_t n);
/* Appends text of a character set (the server's name; NULL: UTF-8) as UTF-8. */
void charset_text(struct kc_buf *out, const char *charset, const void *p,
    size_t n);
void value_release(struct column *c); /* what put_text opened */
/* A value of the text protocol, any kind; p NULL: null. -1: does not parse. */
int put_sql(struct kc_buf *b, const struct column *c, struct kc_span v);

/* offset.c */

/* Appends {"file":…}, Debezium's source offset. */
void offset_put(struct kc_buf *b, const struct offset *o);
int offset_parse(struct offset *o, struct kc_span json, struct kc_err *e);
/* Position p of the log, its time, between transactions. */
void offset_set(struct offset *o, const struct kc_mysql_pos *p, int64_t ts);
/* Source struct's schema, with its "field":"source". */
const char *source_schema(bool mariadb);
/* `{"version":…,"name":"inv","ts_ms":` — the head that never changes. */
void source_head(struct kc_buf *b, const struct binlog *k);

/* charset.c */

/* The server's name of a collation's character set; NULL: not known. */
const char *collation_charset(uint64_t id);

/* row.c */

/* How the bytes of one column in the log become a value. */
struct rowcol {
	uint8_t type; /* as kc_bl_column_meta says */
	uint16_t meta;
	struct column *col;
	const uint8_t *(*decode)(const struct rowcol *c, const uint8_t *p,
	    const uint8_t *end, struct kc_buf *out);
};

/* -1, KC_DATA: the type in the log does not hold such a column. */
int rowcol_make(struct rowcol *r, const char *name, uint8_t type, uint16_t meta,
    struct column *col, struct kc_err *e);
/* One row image at *p, moved on; -1: it does not fit the columns. */
int row_image(const struct rowcol *cols, const struct kc_cdc_table *t,
    const uint8_t *present, const uint8_t **p, const uint8_t *end,
    struct kc_cdc_row *row);

/* meta.c */

/*
 * The table a table map describes by itself (binlog_row_metadata=FULL, or
 * columns named @1, @2… without). Not yet ready nor added.
 */
struct table *meta_table(struct binlog *b, const struct kc_bl_table *map,
    struct kc_err *e);
/* Does a known table have the columns of the map? why: what differs. */
bool meta_fits(const struct table *t, const struct kc_bl_table *map,
    struct kc_buf *why);

/* gtid.c */

struct gtids; /* what was read so far */

struct gtids *gtids_new(bool mariadb, struct kc_span text);
void gtids_free(struct gtids *g);
void gtids_add(struct gtids *g, struct kc_span gtid);
void gtids_put(struct kc_buf *b, const struct gtids *g);
/* Text of one transaction's id. server: the event's server id. */
void gtid_text(struct kc_buf *b, bool mariadb, const struct kc_bl_gtid *t,
    uint32_t server);

/* stream.c */

/* The log from b->at on until -e, -n or a signal. */
int stream(struct binlog *b, struct kc_err *e);
/* Binlog files, one after the other. */
int stream_files(struct binlog *b, char **paths, int n, struct kc_err *e);

/* view.c */

struct view {
	struct binlog *b;
	struct kc_mysql *locker; /* holds the locks; NULL: none held */
	int64_t ts;		 /* of the server, seconds */
};
/*
 * Begins a consistent view in b->db; b->at is its position and the tables are
 * as they are in it. snapshot.locking.mode extended: locks are still held.
 */
int view_open(struct view *v, struct kc_err *e);
void view_unlock(struct view *v);

/* snapshot.c */

/*
 * Decides by snapshot.mode and the stored offset, and takes the snapshot.
 * *stream: go on with the log from b->at. 0, -1.
 */
int snapshot(struct binlog *b, bool *stream, struct kc_err *e);
/* Properties of the snapshot, for main.c's table. */
#define SNAPSHOT_PROPS                                                                                                        \
	{ "snapshot.mode", KC_T_STRING, "initial",                                                                            \
		"always|initial|initial_only|no_data|schema_only|schema_only_recovery|recovery|when_needed|never",            \
		'M',                                                                                                          \
		"When to read the tables before the log: initial, always, initial_only, no_data, when_needed, never.",        \
		's', NULL, 0 },                                                                                               \
	    { "snapshot.locking.mode", KC_T_STRING, "minimal",                                                                \
		    "minimal|minimal_percona|minimal_percona_no_table_locks|minimal_at_least_once|extended|none",             \
		    'L',                                                                                                      \
		    "How a snapshot keeps writers away: minimal (until its position is known), extended (to its end), none.", \
		    0, NULL, 0 },                                                                                             \
	    { "snapshot.fetch.size", KC_T_INT, "0", "0..", 'L',                                                               \
		    "Rows asked for at a time; rows are streamed here, so it has no effect.",                                 \
		    0, NULL, KC_IGNORED },                                                                                    \
	    { "snapshot.include.collection.list", KC_T_LIST, "", NULL, 'M',                                                   \
		    "Regexes of the tables to read in a snapshot; default: all captured ones.",                               \
		    0, NULL, 0 },                                                                                             \
	    { "snapshot.select.statement.overrides", KC_T_LIST, "", NULL, 'M',                                                \
		    "Tables (database.table) whose rows are chosen by a statement of their own.",                             \
		    0, NULL, 0 },                                                                                             \
	    { "snapshot.select.statement.overrides.", KC_T_STRING, NULL, NULL,                                                \
		    'M', "That table's SELECT.", 0, NULL, KC_PREFIX },                                                        \
	    { "snapshot.lock.timeout.ms", KC_T_INT, "10000", "0..", 'L',                                                      \
		    "How long to wait for a lock.", 0, NULL, 0 },                                                             \
	{                                                                                                                     \
		"snapshot.delay.ms", KC_T_INT, "0", "0..", 'L',                                                               \
		    "Wait this long before the snapshot.", 0, NULL, 0                                                         \
	}

#endif

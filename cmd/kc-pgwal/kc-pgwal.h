/*
 * kc-pgwal's parts: values (type.c), tables from the catalogue (table.c),
 * connections and slots (server.c), the snapshot (snapshot.c), the log
 * (stream.c), main.c. Only server.c sees libpq.
 */
#ifndef KC_CMD_PGWAL_H
#define KC_CMD_PGWAL_H

#include "cdc.h"
#include "cmd.h"
#include "pgoutput.h"
#include "store.h"

/* ---- type.c ---- */

enum kind {
	P_NONE, /* not captured */
	P_INT16,
	P_INT32,
	P_INT64,
	P_FLOAT,
	P_DOUBLE,
	P_NUMERIC,
	P_DECIMAL,
	P_MONEY,
	P_BOOL,
	P_TEXT,
	P_BYTES,
	P_DATE,
	P_TIME,
	P_MICROTIME,
	P_TIMETZ,
	P_TIMESTAMP,
	P_MICROTIMESTAMP,
	P_TIMESTAMPTZ,
	P_INTERVAL,
	P_UUID,
	P_JSON,
	P_XML,
	P_BIT1,
	P_BITS,
	P_VARBITS,
	P_HSTORE,
	P_LTREE,
	P_ENUM,
	P_POINT,
	P_GEOMETRY,
	P_GEOGRAPHY,
	P_ARRAY
};

/* What pg_type says of a column's type, domains looked through. */
struct type_def {
	uint32_t oid, base; /* base: of a domain, else oid */
	const char *name;   /* of base */
	char typtype;	    /* b e r d … of base */
	uint32_t elem;	    /* of an array, else 0 */
	const char *elem_name;
	char elem_typtype;
	int32_t typmod;
	const char *labels; /* enum (or its array): commas apart, as JSON params */
};

struct column {
	enum kind kind, item; /* item: of an array */
	int scale, fsp, length;
	bool optional;
	char *missing; /* not optional: stands for a value that is not there */
};

/* Fills col, and schema (a new string; NULL: not captured). */
void type_column(struct column *col, char **schema, const struct type_def *t,
    bool optional, const char *default_expr);
/* Appends the JSON of a value's text. -1: it does not parse. */
int type_put(struct kc_buf *b, const struct column *c, struct kc_span text);
/* What stands for a value that was not sent (TOAST). */
void type_put_unavailable(struct kc_buf *b, const struct column *c,
    struct kc_span placeholder);

/* ---- server.c ---- */

struct server;

#define KC_PG_LSN_FMT "%X/%X"
#define KC_PG_LSN_ARG(l) (unsigned)((l) >> 32), (unsigned)((l)&0xffffffff)

/* replication: a walsender connection to the database. */
struct server *server_open(const struct kc_conf *conf, bool replication,
    struct kc_err *e);
void server_close(struct server *s);
const char *server_where(const struct server *s); /* host:port/dbname */
int server_version(const struct server *s);	  /* 150020 */
/* Runs SQL; rows stay until the next call. Number of rows, or -1. */
int server_query(struct server *s, struct kc_err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A value of the last query; NULL: SQL NULL. */
const char *server_value(const struct server *s, int row, int col);
/* SQLSTATE of the last failure, "" for none. */
const char *server_state(const struct server *s);
/* 'it''s', "a""b" */
void server_literal(struct kc_buf *b, const char *text);
void server_ident(struct kc_buf *b, const char *name);
/* After a COPY … TO STDOUT or START_REPLICATION was sent. */
int server_copy(struct server *s, struct kc_err *e, const char *sql);
/*
 * A copied row or message, valid until the next call. 1; 0: the end; 2: none
 * now (wait false); -1.
 */
int server_copied(struct server *s, bool wait, struct kc_span *data,
    struct kc_err *e);
int server_send(struct server *s, const void *data, size_t n, struct kc_err *e);
int server_fd(const struct server *s);
/* Reads what is there; -1: the connection is lost. */
int server_consume(struct server *s, struct kc_err *e);

/* ---- the run ---- */

struct table {
	struct kc_cdc_table cdc;
	struct column *cols;
	uint32_t oid; /* 0: not known yet */
	bool wanted;
};

/* Debezium's source offset, with row and line inside a transaction. */
struct offset {
	uint64_t lsn, lsn_proc, lsn_commit; /* 0: absent */
	uint64_t row, line; /* changes of transaction tx done, lines of the next */
	uint32_t tx;
	int64_t ts_usec;
	bool snapshot; /* in one that is not complete */
	bool has_row;
	char message[24];
};

/* Logical decoding messages: which, and their schemas. */
struct messages {
	struct kc_match *only, *but;
	struct kc_buf schema; /* of the value */
	char key_id[17], value_id[17];
	bool announced;
};

struct pgwal {
	struct kc_ctx *ctx;
	struct kc_conf *conf;
	struct server *db;   /* for queries */
	struct server *repl; /* the log; NULL: not open */
	uint64_t confirmed;  /* what the store has: the server may forget it */
	int64_t status_at;   /* when the server is told next, kc_mono_us */
	struct kc_cdc *cdc;
	struct kc_store *store;
	struct kc_out out;
	struct kc_cdc_row before, after;
	struct messages messages;
	struct table **tables; /* by relation id */
	size_t ntables;
	const char *slot, *publication, *dbname;
	char *temporary; /* the slot of this run only, or NULL */
	struct kc_span placeholder;
	struct offset at;
	int64_t emitted;
};

/* table.c */

/*
 * The table of a relation message: its columns are the log's, what it does not
 * say (NOT NULL, defaults, key) the catalogue's.
 */
int table_of_relation(struct pgwal *w, const struct kc_pg_msg *m,
    struct table **t, struct kc_err *e);
/* The table of an oid, from the catalogue; *t NULL: there is none. */
int table_load(struct pgwal *w, uint32_t oid, struct table **t, struct kc_err *e);
void table_free(struct table *t);
/* Known ones by oid; NULL. */
struct table *table_find(const struct pgwal *w, uint32_t oid);
/* Replaces the one of its oid. */
void table_set_take(struct pgwal *w, struct table *t);

/* offset.c */

void offset_put(struct kc_buf *b, const struct offset *o);
void offset_parse(struct offset *o, struct kc_span json);
/* The source block; t NULL: of a message, tx 0: of none. */
void source_put(struct kc_buf *b, const struct pgwal *w, const struct table *t,
    const char *snapshot, int64_t ts_us, uint64_t last_commit, uint64_t lsn,
    uint32_t tx);
extern const char source_schema[];

/* slot.c */

/* What server and role must allow, before anything is made. */
int check_server(struct pgwal *w, struct kc_err *e);
int make_publication(struct pgwal *w, struct kc_err *e);
/* confirmed: 0 none yet. 1: exists, 0: not, -1 (also: in use, wrong plugin). */
int find_slot(struct pgwal *w, uint64_t *confirmed, struct kc_err *e);
int drop_slot(struct pgwal *w, struct kc_err *e);
/*
 * Creates it on a replication connection; snapshot: its exported name (valid
 * while that connection does nothing else), or NULL.
 */
int create_slot(struct pgwal *w, struct server *repl, bool temporary,
    uint64_t *lsn, char **snapshot, struct kc_err *e);

/* snapshot.c */

int snapshot(struct pgwal *w, const char *name, uint64_t lsn, struct kc_err *e);

/* message.c */

int messages_new(struct pgwal *w, struct kc_err *e);
void messages_release(struct messages *m);
bool message_wanted(const struct messages *m, const struct kc_pg_msg *msg);
void message_put(struct pgwal *w, const struct kc_pg_msg *msg,
    struct kc_span source, struct kc_span offset);

/* stream.c */

/* From w->at on; w->repl may be open already (a temporary slot's). */
int stream(struct pgwal *w, struct kc_err *e);
/* Writes out; a reader that makes us wait does not make the server wait. */
int flush(struct pgwal *w, struct kc_err *e);

#endif

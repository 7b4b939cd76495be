/*
 * kc-jdbcsink's own structures. A record becomes a row: a shape (which columns
 * of which table) and the values' bytes. Rows of a batch are gathered by table
 * into phases; a dialect writes the phases in one transaction.
 *
 * A row's bytes, values in the order of its shape, keys first:
 *   uint32 length (ROW_NULL: null), bytes, NUL
 */
#ifndef JDBC_H
#define JDBC_H

#include <stdint.h>

#include "cmd.h"
#include "schema.h"
#include "sink.h"

#define ROW_NULL UINT32_MAX

enum insert_mode { MODE_INSERT, MODE_UPSERT, MODE_UPDATE };
enum pk_mode { PK_NONE, PK_KAFKA, PK_KEY, PK_VALUE, PK_HEADER };
enum time_unit { UNIT_AUTO, UNIT_MS, UNIT_US, UNIT_NS };

struct opts {
	bool confluent; /* dots of a table name part it; else they become _ */
	bool fold;	/* identifiers are not quoted: new names fold */
	bool deletes, truncates, create, evolve, normalize;
	bool utc;      /* db.timezone is UTC */
	bool collapse; /* several records of a key in a batch: the last one */
	enum insert_mode insert;
	enum pk_mode pk;
	enum time_unit unit; /* of integers that no schema explains */
	char **pk_fields, **include, **exclude, **tables;
	const char *format, *schema, *offsets;
};

/* What a target column takes. */
enum cls {
	CLS_INT,
	CLS_FLOAT,
	CLS_DECIMAL,
	CLS_BOOL,
	CLS_TEXT,
	CLS_BYTES,
	CLS_DATE,
	CLS_TIME,
	CLS_TS,
	CLS_TSTZ,
	CLS_JSON,
	CLS_BITS,
	CLS_ARRAY,
	CLS_INTERVAL,
	CLS_POINT,
	CLS_GEOMETRY,
	CLS_OTHER
};

struct column {
	char *name, *type; /* type: as the database says it */
	enum cls cls;
	bool notnull, defaulted, pk;
	int bits; /* of CLS_BITS: its length */
};

struct table {
	char *schema, *name; /* schema NULL: the connection's */
	char *shown;	     /* for messages */
	char *quoted;
	bool exists;
	struct column *cols; /* only ever grows: indices stay */
	size_t ncols;
	struct shape **shapes;
	size_t nshapes;
	struct phase *open; /* where the batch being built adds rows */
};

/* A set of columns that statements are prepared for. */
struct shape {
	struct table *t;
	unsigned id;
	size_t n, nkeys;
	unsigned *cols; /* keys first */
	uint64_t *set;	/* bits of t->cols */
	size_t words;
	bool partial;	     /* lacks columns that the source did not send */
	unsigned session[4]; /* of struct db, when each statement was made */
	void *stmt[4];	     /* the dialect's handles */
};

enum kind { ROW_TRUNCATE, ROW_DELETE, ROW_PUT };

struct row {
	size_t at;
	uint32_t len, keylen; /* bytes; keylen: of the key columns */
	uint32_t seq;	      /* index of the record in its batch */
	uint32_t group;
	bool dead; /* a later record of the same key replaced it */
	bool bad;  /* became a dead letter */
};

struct group {
	enum kind kind;
	struct shape *shape; /* of a delete: the keys only */
	size_t live;
};

/* Rows of one table whose order does not matter: deletes, then puts. */
struct phase {
	struct table *t;
	struct row *rows;
	size_t n, cap;
	struct group *groups;
	size_t ngroups, gcap;
	uint32_t *slots; /* hash of live rows by key; 0: empty, else index + 1 */
	size_t nslots, used;
};

/* A record that the database refused. */
struct refused {
	uint32_t seq;
	char *why;
};

struct work {
	struct kc_buf data; /* the rows' bytes */
	struct phase **phases;
	size_t n, cap;
	struct kc_buf *partition, *offset; /* positions, only for -o sink: */
	size_t npos, poscap;
	struct row row; /* being made */
	/* With dead letters: the records' lines, and which were refused. */
	bool keep_lines;
	struct kc_buf lines;
	size_t *line_at; /* of each record; one more: the end */
	size_t nlines, linecap;
	struct refused *refused;
	size_t nrefused;
	bool strict;  /* one row after the other, as the records came */
	bool unknown; /* COMMIT was sent and its answer never came */
};

/* Statements a shape has; ST_STAGE: its staging table. */
enum stmt { ST_PUT, ST_INSERT, ST_DELETE, ST_STAGE };

struct db;

struct dialect {
	const char *name;
	int id;		   /* column of the table of types, types.c */
	const char *begin; /* SQL that begins a transaction that writes */
	char quote;
	bool fold_lower; /* unquoted identifiers become lower case */
	int (*connect)(struct db *db, struct kc_err *e);
	void (*close)(struct db *db);
	/* Statements without a result: DDL, BEGIN, COMMIT, ROLLBACK. */
	int (*exec)(struct db *db, const char *sql, struct kc_err *e);
	/* Fills t->exists and t->cols. */
	int (*describe)(struct db *db, struct table *t, struct kc_err *e);
	/* Many rows of one group, inside a transaction. */
	int (*bulk)(struct db *db, struct work *w, struct phase *p, unsigned g,
	    struct kc_err *e);
	/* One row. */
	int (*one)(struct db *db, struct work *w, struct phase *p,
	    struct row *r, struct kc_err *e);
	/* Waits for the answers of rows sent one by one; NULL: there are none. */
	int (*flush)(struct db *db, struct kc_err *e);
	/*
	 * After one refused a row: tries it in a way whose error names the
	 * column. NULL: one's does.
	 */
	int (*explain)(struct db *db, struct work *w, struct phase *p,
	    struct row *r, struct kc_err *e);
	/* A query of two text columns, row by row. */
	int (*query)(struct db *db, const char *sql,
	    void (*fn)(void *arg, struct kc_span a, struct kc_span b),
	    void *arg, struct kc_err *e);
	/* Appends SQL text of a string literal. */
	void (*literal)(struct db *db, struct kc_buf *b, struct kc_span s);
	size_t few; /* this many rows of a table go one by one */
};

extern const struct dialect dialect_pg, dialect_mysql, dialect_sqlite;

/* Where to: a JDBC URL taken apart, with user and password. */
struct target {
	const struct dialect *dialect;
	char *host, *port, *db, *user, *password; /* NULL: not said */
	char *shown;				  /* for messages: no secrets */
	char **params;				  /* name, value, …, NULL */
	bool mariadb;
};

struct db {
	const struct dialect *d;
	const struct target *to;
	const struct opts *o;
	void *conn;	  /* NULL: not connected */
	unsigned session; /* counts connections */
	unsigned stages;  /* counts what ends temporary tables */
	struct kc_buf sql, text;
	bool own_offsets;   /* -o sink: */
	bool offsets_ready; /* the table is there */
	void *own;	    /* the dialect's */
};

/* url.c */
int target_parse(struct target *t, const char *url, struct kc_err *e);
const char *target_param(const struct target *t, const char *name);
void target_release(struct target *t);

/* name.c */
/* Appends the quoted identifier. */
void put_name(const struct dialect *d, struct kc_buf *b, const char *name);
/* Appends the table's name for a record, dots parting schema from table. */
int table_name(const struct opts *o, struct kc_buf *b, struct kc_span topic,
    struct kc_span source, struct kc_err *e);
struct table *table_new(const struct db *db, const char *name);
void table_free(struct table *t);
/* Index of a column by exact name, else by any case; -1. */
int table_column(const struct table *t, const char *name);
/* Sets or appends a column; name and type are taken over. */
struct column *table_add(struct table *t, char *name, char *type);
/* The shape with these columns, made if new. */
struct shape *shape_get(struct table *t, const unsigned *cols, size_t n,
    size_t nkeys, bool partial);
bool shape_covers(const struct shape *a, const struct shape *b);

/* convert.c */
struct slot;
typedef int convert_fn(const struct slot *s, struct kc_span v,
    struct kc_buf *out, struct kc_err *e);
struct slot {
	char *name; /* of the field */
	size_t namelen;
	const struct kc_schema *schema; /* NULL: schemaless */
	unsigned col;
	enum cls cls;
	int bits;
	convert_fn *convert;
	const struct dialect *d;
	const struct opts *o;
};
/* Chooses s->convert by schema, class and dialect. */
void convert_pick(struct slot *s);

/* types.c */
/* Column type for a new column. key: it must be indexable. */
void type_put(const struct dialect *d, struct kc_buf *b,
    const struct kc_schema *s, bool key);

/* ddl.c */
struct want { /* a column that a record brings */
	const char *name;
	const struct kc_schema *schema;
	bool key;
};
int ddl_ensure(struct db *db, struct table *t, const struct want *w, size_t n,
    struct kc_err *e);

/* work.c */
void work_reset(struct work *w);
void work_release(struct work *w);
/* Keeps a record's line; the record's number is how many were kept before. */
void work_line(struct work *w, struct kc_span line);
void work_position(struct work *w, struct kc_span partition,
    struct kc_span offset);
/* The rows of a refused record are left out from now on. */
void work_refuse(struct work *w, uint32_t seq);
/* Begins a row's bytes; values follow; row_end files it. */
void row_begin(struct work *w);
void row_end(struct work *w, struct shape *s, enum kind k, uint32_t seq,
    const struct opts *o);
static inline struct row *
phase_next(struct phase *p, size_t *i, unsigned group)
{
	while (*i < p->n) {
		struct row *r = &p->rows[(*i)++];
		if (r->group == group && !r->dead)
			return r;
	}
	return NULL;
}
/* Reads the value at *p and steps over it; .p NULL: null. */
static inline struct kc_span
row_value(const char **p)
{
	uint32_t n;

	memcpy(&n, *p, sizeof n);
	const char *at = *p + sizeof n;
	if (n == ROW_NULL) {
		*p = at + 1;
		return (struct kc_span){ NULL, 0 };
	}
	*p = at + n + 1;
	return (struct kc_span){ at, n };
}

/* run.c: a batch as one transaction; reconnects when the connection is gone. */
int run_connect(struct db *db, struct kc_err *e);
/*
 * KC_DATA: nothing was kept. With keep_lines w->refused says which records
 * the database refused; mark them with work_refuse and run again.
 */
int run_work(struct db *db, struct work *w, struct kc_err *e);

/* Attempts at what failed for a while, with back-off. */
struct retry {
	int max; /* -1: for ever */
	int first_ms;
	int tries;
	int64_t ms;
};
/* Waits; false: not worth another try, or enough of them. */
bool retry_wait(struct retry *r, const struct kc_err *e);

/* pump.c: a thread runs a batch while the next one is being made. */
struct pump;
struct pump *pump_new(struct kc_ctx *ctx, struct db *db,
    const struct retry *retry);
/* Waits for the batch that runs; -1: it failed for good. */
int pump_wait(struct pump *p, struct kc_err *e);
/* The empty one of the two works, to be filled. */
struct work *pump_work(struct pump *p);
/* Runs it; call pump_wait before. */
void pump_start(struct pump *p);
/* Batches done; see kc_sink's durable. */
uint64_t pump_done(struct pump *p, bool wait, struct kc_err *e);
void pump_free(struct pump *p);

/* offsets.c */
int offsets_ready(struct db *db, struct kc_err *e);
int offsets_write(struct db *db, const struct work *w, struct kc_err *e);
/* 1: the positions of w are stored, 0: not, -1. */
int offsets_stored(struct db *db, const struct work *w, struct kc_err *e);
int offsets_serve(struct db *db, struct kc_err *e);
/* Appends a map's text without spaces, members sorted. */
void offsets_canonical(struct kc_buf *b, struct kc_span map);

/* plan.c */
struct planner;
struct planner *planner_new(struct db *db, struct kc_schemas *schemas,
    void (*idle)(void *arg), void *arg);
void planner_free(struct planner *p);
/* Adds a record's rows to w. */
int plan_record(struct planner *p, struct work *w, const struct kc_rec *r,
    uint32_t seq, struct kc_err *e);
/* The next batch begins: no phase is open. */
void planner_next(struct planner *p);
/* A table's columns are looked up again at its next record. */
void planner_forget(struct planner *p);

/* statements shared by the dialects: sql.c */
void sql_columns(const struct dialect *d, struct kc_buf *b,
    const struct shape *s, const char *prefix);
/* "(k1, k2) DO UPDATE SET c = EXCLUDED.c, …" for PostgreSQL and SQLite. */
void sql_conflict(const struct dialect *d, struct kc_buf *b,
    const struct shape *s);
void sql_keys_equal(const struct dialect *d, struct kc_buf *b,
    const struct shape *s, const char *left, const char *right);
/*
 * What one row needs, prepared: an insert, an upsert, an update or a delete. A
 * partial upsert is ST_PUT, an update, and then ST_INSERT where none was there.
 */
void sql_statement(struct db *db, struct kc_buf *b, const struct shape *s,
    enum stmt st);
/*
 * Appends a row as COPY and LOAD DATA read it: tabs between, \N for null,
 * bytes in hex after the text `hex`.
 */
void sql_text_row(struct kc_buf *b, const struct shape *s, const char *p,
    size_t len, const char *hex);
/* Names the table, its column and, from a row, the value. */
void sql_shown(struct kc_buf *b, const struct work *w, const struct row *r,
    const struct shape *s);

#endif

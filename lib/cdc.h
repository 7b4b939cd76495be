/*
 * Debezium's change events, the part that no database differs in: which tables
 * and columns, topic names, key and Envelope schemas, and the envelope lines
 * of a row change (tombstone, moved key, announcements, position).
 *
 * A source decodes a row straight into a kc_cdc_row (JSON text of the included
 * columns), then calls kc_cdc_event. No allocation per row.
 */
#ifndef KC_CDC_H
#define KC_CDC_H

#include <stdint.h>

#include "conf.h"
#include "io.h"
#include "match.h"

struct kc_cdc_column {
	char *name;
	/*
	 * Canonical schema text without "field":
	 * {"type":"int32","optional":true,"default":0}
	 */
	char *schema;
	bool key;	      /* in the primary key, or message.key.columns */
	bool included;	      /* set by kc_cdc_table_ready */
	struct kc_buf prefix; /* set by it: `"id":`, ready to copy */
};

struct kc_cdc_table {
	char *database, *schema, *table; /* schema: PostgreSQL only, or NULL */
	struct kc_cdc_column *cols;	 /* in the order of the wire's row */
	size_t ncols;
	char **key_names; /* in key order; from the database. NULL: no key */
	size_t nkeys;
	/* from here on set by kc_cdc_table_ready */
	struct kc_buf head; /* `{"topic":"…","keySchema":"…","key":{` … */
	char *topic;
	char key_id[17], value_id[17]; /* key_id "" without a key */
	struct kc_buf announce;	       /* both announcement lines */
	bool announced;
	size_t *key_cols; /* indices, nkeys of them */
	void *own;	  /* the source's own plan */
};

/* One row image: text of {"a":1,"b":null} and where each column's value is. */
struct kc_cdc_row {
	struct kc_buf json;
	struct kc_cdc_at {
		uint32_t at, n; /* in json; n 0: column not in the image */
	} * col;
	size_t cap;
	struct kc_buf unchanged; /* `"a","b"`: placeholders; mostly empty */
};

static inline void
kc_cdc_row_begin(struct kc_cdc_row *r)
{
	r->json.len = 0;
	r->unchanged.len = 0;
	kc_buf_putc(&r->json, '{');
}

/*
 * Before a column's value is appended to r->json. A name is mostly short: it is
 * copied as 32 bytes, which a buffer always has.
 */
static inline void
kc_cdc_row_col(struct kc_cdc_row *r, const struct kc_cdc_column *c, size_t i)
{
	size_t n = c->prefix.len;
	char *to = kc_buf_room(&r->json, n + 33);

	*to = ',';
	to += to[-1] != '{';
	if (n <= 32)
		memcpy(to, c->prefix.p, 32);
	else
		memcpy(to, c->prefix.p, n);
	r->json.len = (size_t)(to - r->json.p) + n;
	r->col[i].at = (uint32_t)r->json.len;
}

/* After it. */
static inline void
kc_cdc_row_val(struct kc_cdc_row *r, size_t i)
{
	r->col[i].n = (uint32_t)(r->json.len - r->col[i].at);
}

static inline void
kc_cdc_row_end(struct kc_cdc_row *r)
{
	kc_buf_putc(&r->json, '}');
}

/* Room for n columns, all marked as not there. */
void kc_cdc_row_columns(struct kc_cdc_row *r, size_t n);
void kc_cdc_row_release(struct kc_cdc_row *r);

struct kc_cdc_event {
	char op;				 /* c u d r t */
	const struct kc_cdc_row *before, *after; /* NULL: null */
	struct kc_span source; /* Debezium's source block, {…} */
	struct kc_span offset; /* Connect's source offset, {…} */
	/*
	 * The offset before this row. A row may make several lines (a delete
	 * and its tombstone): all but the last carry this one, with "line":N,
	 * the lines of the row that are done.
	 */
	struct kc_span prior;
	struct kc_span transaction; /* {…}, or p NULL: null */
	int64_t ts_us;		    /* when we processed it */
};

struct kc_cdc; /* filters, names, options; see kc_cdc_new */

/*
 * connector: "mysql", "mariadb", "postgresql". source_schema: canonical text
 * of the source struct, with its "field":"source". Reads KC_CDC_PROPS from conf.
 */
int kc_cdc_new(struct kc_cdc **c, struct kc_conf *conf, const char *connector,
    const char *source_schema, struct kc_err *e);
void kc_cdc_free(struct kc_cdc *c);

/* By the include and exclude lists. schema NULL for MySQL. */
bool kc_cdc_wants(const struct kc_cdc *c, const char *database,
    const char *schema, const char *table);
/* By the lists of databases alone. */
bool kc_cdc_wants_database(const struct kc_cdc *c, struct kc_span database);
/* Fills the derived members; again after a column changed. */
int kc_cdc_table_ready(struct kc_cdc *c, struct kc_cdc_table *t,
    struct kc_err *e);
void kc_cdc_table_release(struct kc_cdc_table *t);
/* cdcschema.c: the schemas of a ready table; source: its field's schema. */
void kc_cdc_key_schema(struct kc_buf *b, const struct kc_cdc_table *t);
void kc_cdc_value_schema(struct kc_buf *b, const struct kc_cdc_table *t,
    const char *source);

/*
 * Appends the lines of one event to out (announcements first, where new).
 * Returns how many record lines it wrote (0: skipped.operations).
 */
int kc_cdc_event(struct kc_cdc *c, struct kc_cdc_table *t,
    const struct kc_cdc_event *ev, struct kc_buf *out);
/* Appends a heartbeat record, announced at its first. */
void kc_cdc_heartbeat(struct kc_cdc *c, struct kc_span offset, int64_t ts_us,
    struct kc_buf *out);
/* `{"server":"inv"}`, the source partition; borrowed. */
struct kc_span kc_cdc_partition(const struct kc_cdc *c);

/* The properties shared by every database source; use in its table. */
/* clang-format off */
#define KC_CDC_PROPS \
	{ "topic.prefix", KC_T_STRING, NULL, NULL, 'H', \
	    "Name of the server: first part of every topic, key of the offsets.", \
	    't', "database.server.name", 0 }, \
	{ "database.include.list", KC_T_LIST, "", NULL, 'H', \
	    "Regexes of the databases to capture.", 0, \
	    "database.whitelist", 0 }, \
	{ "database.exclude.list", KC_T_LIST, "", NULL, 'M', \
	    "Regexes of the databases not to capture.", 0, \
	    "database.blacklist", 0 }, \
	{ "table.include.list", KC_T_LIST, "", NULL, 'H', \
	    "Regexes of the tables to capture, as database.table or schema.table.", 0, \
	    "table.whitelist", 0 }, \
	{ "table.exclude.list", KC_T_LIST, "", NULL, 'M', \
	    "Regexes of the tables not to capture.", 0, "table.blacklist", 0 }, \
	{ "column.include.list", KC_T_LIST, "", NULL, 'M', \
	    "Regexes of the columns to keep, as database.table.column.", 0, \
	    "column.whitelist", 0 }, \
	{ "column.exclude.list", KC_T_LIST, "", NULL, 'M', \
	    "Regexes of the columns to leave out.", 0, "column.blacklist", 0 }, \
	{ "message.key.columns", KC_T_STRING, "", NULL, 'M', \
	    "Key columns by table: table.regex:col,col;table.regex:col.", 0, NULL, 0 }, \
	{ "tombstones.on.delete", KC_T_BOOLEAN, "true", NULL, 'M', \
	    "A delete is followed by a null value, so that compaction forgets the key.", \
	    0, NULL, 0 }, \
	{ "skipped.operations", KC_T_LIST, "t", NULL, 'L', \
	    "Operations to leave out: c, u, d, t, or none.", 0, NULL, 0 }, \
	{ "topic.delimiter", KC_T_STRING, ".", NULL, 'L', \
	    "Between the parts of a topic name.", 0, NULL, 0 }, \
	{ "topic.heartbeat.prefix", KC_T_STRING, "__debezium-heartbeat", NULL, 'L', \
	    "Topic of the heartbeats is this, the delimiter and topic.prefix.", 0, NULL, 0 }, \
	{ "heartbeat.interval.ms", KC_T_INT, "0", "0..", 'L', \
	    "How often a heartbeat record is written when nothing else is; 0: checkpoints only.", \
	    0, NULL, 0 }, \
	{ "provide.transaction.metadata", KC_T_BOOLEAN, "false", NULL, 'L', \
	    "BEGIN and END records, and a transaction block in each event.", 0, NULL, KC_UNSUPPORTED }, \
	{ "unavailable.value.placeholder", KC_T_STRING, "__debezium_unavailable_value", \
	    NULL, 'L', "Stands for a value that the server did not send.", 0, NULL, 0 }
/* clang-format on */

#endif

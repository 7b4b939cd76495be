/*
 * Connect schemas: the announced ones by id, parsed once (kc-envelope(5)).
 */
#ifndef KC_SCHEMA_H
#define KC_SCHEMA_H

#include <stdint.h>

#include "buf.h"
#include "envelope.h"
#include "err.h"

enum kc_type {
	KC_INT8,
	KC_INT16,
	KC_INT32,
	KC_INT64,
	KC_FLOAT32,
	KC_FLOAT64,
	KC_BOOLEAN,
	KC_STRING,
	KC_BYTES,
	KC_ARRAY,
	KC_MAP,
	KC_STRUCT
};

/* What a schema's name means to us; KC_L_NONE: nothing. */
enum kc_logical {
	KC_L_NONE,
	KC_L_DECIMAL,	    /* org.apache.kafka.connect.data.Decimal */
	KC_L_DATE,	    /* …connect.data.Date: days */
	KC_L_TIME,	    /* …connect.data.Time: ms */
	KC_L_TIMESTAMP,	    /* …connect.data.Timestamp: ms */
	KC_L_DBZ_DATE,	    /* io.debezium.time.Date: days */
	KC_L_DBZ_TIME,	    /* io.debezium.time.Time: ms */
	KC_L_DBZ_MICROTIME, /* µs */
	KC_L_DBZ_NANOTIME,
	KC_L_DBZ_TIMESTAMP, /* ms, no zone */
	KC_L_DBZ_MICROTIMESTAMP,
	KC_L_DBZ_NANOTIMESTAMP,
	KC_L_DBZ_ZONEDTIMESTAMP, /* ISO text with zone */
	KC_L_DBZ_ZONEDTIME,
	KC_L_DBZ_YEAR,
	KC_L_DBZ_INTERVAL,	/* io.debezium.time.Interval: ISO text */
	KC_L_DBZ_MICRODURATION, /* µs */
	KC_L_DBZ_JSON,		/* io.debezium.data.Json */
	KC_L_DBZ_XML,
	KC_L_DBZ_UUID,
	KC_L_DBZ_ENUM,
	KC_L_DBZ_ENUMSET,
	KC_L_DBZ_BITS, /* little-endian bytes, parameter length */
	KC_L_DBZ_LTREE,
	KC_L_DBZ_POINT, /* io.debezium.data.geometry.* structs */
	KC_L_DBZ_GEOMETRY,
	KC_L_DBZ_GEOGRAPHY,
	KC_L_DBZ_VARIABLESCALEDECIMAL, /* struct scale, value */
	KC_L_DBZ_OTHER		       /* another io.debezium.* name */
};

struct kc_schema;

struct kc_field {
	char *name;
	struct kc_schema *schema;
};

struct kc_param {
	char *name, *value;
};

struct kc_schema {
	enum kc_type type;
	bool optional;
	enum kc_logical logical;
	int scale;   /* of a Decimal */
	char *name;  /* NULL: none */
	int version; /* 0: none */
	char *doc;   /* NULL: none */
	char *def;   /* default as JSON text; NULL: none */
	struct kc_param *params;
	size_t nparams;
	struct kc_field *fields; /* struct */
	size_t nfields;
	struct kc_schema *items;	 /* array */
	struct kc_schema *keys, *values; /* map */
	char id[17];			 /* of a top-level schema */
	struct kc_buf text; /* canonical text of a top-level schema */
	void *plan; /* the stage's own, compiled at first use; freed with free_plan */
	void (*free_plan)(void *);
};

/* Parses Connect's JSON form (JsonConverter's "schema" member). */
struct kc_schema *kc_schema_parse(struct kc_span json, struct kc_err *e);
void kc_schema_free(struct kc_schema *s);
/* Appends the canonical text; field: its name in a struct, else NULL. */
void kc_schema_text(struct kc_buf *b, const struct kc_schema *s,
    const char *field);
/* Index of a field, or -1. */
int kc_schema_field(const struct kc_schema *s, struct kc_span name);
const char *kc_schema_param(const struct kc_schema *s, const char *name);
const char *kc_type_name(enum kc_type t); /* "int8" … as in JSON */

/* The schemas a stream announced. */
struct kc_schemas {
	struct kc_schema **v;
	size_t n, cap;
	struct kc_schema *last; /* the one found last: mostly it again */
};

/* Learns from a KC_SCHEMA line; hearing one again changes nothing. */
int kc_schemas_learn(struct kc_schemas *t, const struct kc_rec *r,
    struct kc_err *e);
/* Borrowed; NULL with KC_DATA naming the id and the fix. */
struct kc_schema *kc_schemas_get(struct kc_schemas *t, struct kc_span id,
    struct kc_err *e);
void kc_schemas_release(struct kc_schemas *t);

#endif

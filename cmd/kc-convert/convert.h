/*
 * kc-convert's parts: each converter turns one key or value into what goes
 * over the wire, and back. main.c puts the record together.
 */
#ifndef KC_CMD_CONVERT_H
#define KC_CMD_CONVERT_H

#include "conf.h"
#include "schema.h"

/* One side, key or value, of a converted record. */
struct piece {
	struct kc_span data;	  /* JSON; p NULL: absent */
	struct kc_span bytes;	  /* base64; p NULL: absent */
	struct kc_schema *schema; /* NULL: schemaless */
};

/* What a side became; the texts are appended to one buffer each. */
struct made {
	struct kc_buf text;
	bool is_bytes;		  /* text is base64: keyBytes, valueBytes */
	struct kc_schema *schema; /* back: of the data, or NULL */
	bool announce;		  /* back: say it before the record */
};

struct converter {
	const struct converter_class *class;
	const char *side; /* "key" or "value" */
	/* JsonConverter */
	bool schemas_enable, numeric, defaults;
	/* schemas met on the way back, by their text on the wire */
	struct seen {
		struct kc_buf text;
		struct kc_schema *schema;
	} * seen;
	size_t nseen;
	struct kc_buf scratch;
};

/* -1, KC_DATA: what does not convert, and why. */
typedef int convert_fn(struct converter *c, const struct piece *in,
    struct made *out, struct kc_err *e);

struct converter_class {
	const char *name; /* Java class */
	convert_fn *forward, *back;
};

convert_fn json_forward, json_back;	/* json.c */
convert_fn string_forward, string_back; /* plain.c */
convert_fn bytes_forward, bytes_back;

/* Makes the defaults of a schema from the wire data; sets its text and id. */
int json_schema_back(struct converter *c, struct kc_schema *s, struct kc_err *e);

/* The schema of that text, parsed once; *first: it was not met before. */
struct kc_schema *converter_schema(struct converter *c, struct kc_span text,
    bool *first, struct kc_err *e);

#endif

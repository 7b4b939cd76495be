/*
 * One line of the kc envelope, kc-envelope(5), as spans into that line.
 */
#ifndef KC_ENVELOPE_H
#define KC_ENVELOPE_H

#include "buf.h"
#include "err.h"

enum kc_kind { KC_RECORD, KC_SCHEMA, KC_CHECKPOINT };

struct kc_rec {
	enum kc_kind kind;
	struct kc_span line; /* without the newline */
	/* a record; absent members have p == NULL */
	struct kc_span topic;	   /* inside its quotes, escaped */
	struct kc_span partition;  /* integer */
	struct kc_span timestamp;  /* integer, ms */
	struct kc_span key, value; /* any JSON, null included */
	struct kc_span key_schema; /* id, inside its quotes */
	struct kc_span value_schema;
	struct kc_span key_bytes; /* base64, inside its quotes */
	struct kc_span value_bytes;
	struct kc_span headers;	  /* array */
	struct kc_span source;	  /* object */
	struct kc_span unchanged; /* array */
	struct kc_span error;	  /* object */
	/* KC_SCHEMA */
	struct kc_span schema; /* object */
	struct kc_span id;     /* inside its quotes */
	/* KC_CHECKPOINT: object like source; a record's source is here too */
	struct kc_span position;
};

/* Finds the members of a line. -1 with KC_DATA: what is wrong with it. */
int kc_rec_parse(struct kc_rec *r, struct kc_span line, struct kc_err *e);

/*
 * Splits a source or checkpoint object into its partition and offset maps;
 * false when either is missing.
 */
bool kc_position_split(struct kc_span position, struct kc_span *partition,
    struct kc_span *offset);

/* Appends `{"checkpoint":{"partition":P,"offset":O}}\n`. */
void kc_put_checkpoint(struct kc_buf *b, struct kc_span partition,
    struct kc_span offset);
/* Appends `{"schema":S,"id":"I"}\n`. */
void kc_put_schema(struct kc_buf *b, struct kc_span schema, const char *id);

#endif

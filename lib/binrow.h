/*
 * Row images of a binlog as JSON, in Debezium's default rendering: a decoder
 * is chosen for each column once, then run over every row.
 */
#ifndef KC_BINROW_H
#define KC_BINROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binlog.h"
#include "cdc.h"

struct kc_binrow_col;

/* Appends a value's JSON; returns after its bytes, or NULL: cut or damaged. */
typedef const uint8_t *kc_binrow_fn(struct kc_binrow_col *c, const uint8_t *p,
    const uint8_t *end, struct kc_buf *out);

struct kc_binrow_col {
	/* set by the caller; the rest zero */
	uint8_t type;	  /* as kc_bl_column_meta says */
	uint16_t meta;
	bool is_unsigned;
	bool optional;	  /* zero dates are null, else the epoch */
	bool widen;	  /* FLOAT(M,D): a double in the schema */
	bool point;	  /* GEOMETRY that can only be a POINT */
	int collation;	  /* of text; 63: bytes; 0: UTF-8 */
	char **members;	  /* of ENUM and SET, UTF-8, NULL-ended; borrowed */
	/* set by kc_binrow_prepare */
	kc_binrow_fn *decode;
	struct kc_buf *quoted; /* members as JSON strings */
	size_t nmembers;
	void *iconv;
	struct kc_buf text;
};

/* -1: a type or character set that is not known, named in *e. */
int kc_binrow_prepare(struct kc_binrow_col *c, struct kc_err *e);
void kc_binrow_release(struct kc_binrow_col *c);

/*
 * One row image at *p, moved on: into row, the columns that t includes. cols:
 * t->ncols of them. -1: the image does not fit the columns.
 */
int kc_binrow_image(struct kc_binrow_col *cols, const struct kc_cdc_table *t,
    const uint8_t *present, const uint8_t **p, const uint8_t *end,
    struct kc_cdc_row *row);

/*
 * What iconv(3) calls a collation's character set; NULL: UTF-8 (or a subset);
 * "": bytes; "?" one that is not known.
 */
const char *kc_collation_charset(int id);

/*
 * MySQL's binary JSON as text, without blanks, as Debezium writes it. -1:
 * damaged.
 */
int kc_myjson(struct kc_buf *out, const uint8_t *p, size_t n);

#endif

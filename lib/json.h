/*
 * JSON on spans: find where values begin and end, copy bytes, never build a
 * tree. Skipping checks brackets and strings only; what a stage reads, it
 * checks. Configuration and REST use jansson instead.
 */
#ifndef KC_JSON_H
#define KC_JSON_H

#include <stdint.h>

#include "buf.h"

/* First byte at or after p that is not white space. */
const char *kc_json_ws(const char *p, const char *end);

/* The end of the value that starts at p (no leading space); NULL: cut or bad. */
const char *kc_json_skip(const char *p, const char *end);

/* Walks an object or an array: zero-initialise, set with _open. */
struct kc_json_it {
	const char *p, *end;
	bool first;
};

/* Opens the object or array in v; -1 when v is neither. */
int kc_json_open(struct kc_json_it *it, struct kc_span v);
/* 1: key (between its quotes, still escaped) and val; 0: end; -1: malformed. */
int kc_json_member(struct kc_json_it *it, struct kc_span *key,
    struct kc_span *val);
int kc_json_item(struct kc_json_it *it, struct kc_span *val);

/* The value of a member by its (plain) name; .p NULL when absent. */
struct kc_span kc_json_get(struct kc_span obj, const char *name);

static inline bool
kc_json_is_str(struct kc_span v)
{
	return v.n >= 2 && v.p[0] == '"';
}

static inline bool
kc_json_is_null(struct kc_span v)
{
	return v.p == NULL || (v.n == 4 && memcmp(v.p, "null", 4) == 0);
}

/* Between the quotes of a string value, still escaped. */
static inline struct kc_span
kc_json_inner(struct kc_span v)
{
	return (struct kc_span){ v.p + 1, v.n - 2 };
}

/* Appends the text of an escaped inner span; -1 on a bad escape. */
int kc_json_unescape(struct kc_buf *b, struct kc_span inner);
/* A string value's text as a new C string; NULL when it is not a string. */
char *kc_json_strdup(struct kc_span v);

/*
 * Appends text as a JSON string, quotes and escapes included. Bytes that are
 * not UTF-8 become U+FFFD, so that a stream is always UTF-8.
 */
void kc_json_str(struct kc_buf *b, const void *text, size_t n);
/* The same without the quotes. */
void kc_json_esc(struct kc_buf *b, const void *text, size_t n);

/* Length of the UTF-8 character at p, of n > 0 bytes there; 0: none. */
size_t kc_utf8_len(const char *p, size_t n);
/* Offset of the first byte that is not UTF-8; n when all are. */
size_t kc_utf8_check(const char *text, size_t n);

/* Strict check of one whole value (RFC 8259, UTF-8 too). */
bool kc_json_valid(struct kc_span v);
/* Appends v without white space outside strings. v must be valid. */
void kc_json_compact(struct kc_buf *b, struct kc_span v);

/* Reads any JSON number as a double; false when it is not one. */
bool kc_json_double(struct kc_span v, double *out);

#endif

/*
 * Numbers, bytes and dates as text, without locale and without allocation.
 * A kc_put_* function writes at dst (room in brackets) and returns the end.
 */
#ifndef KC_NUM_H
#define KC_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

char *kc_put_u64(char *dst, uint64_t v); /* [20] */
char *kc_put_i64(char *dst, int64_t v);	 /* [20] */
/*
 * [32] The shortest text that reads back the same, as Java and JSON write it
 * (1.0, 1.0E10, 1.0E-5); NaN and the infinities as JSON strings "NaN".
 */
char *kc_put_double(char *dst, double v);
char *kc_put_float(char *dst, float v);
char *kc_put_b64(char *dst, const void *p, size_t n); /* [4*((n+2)/3)] */
char *kc_put_hex(char *dst, const void *p, size_t n); /* [2*n] lower case */

void kc_buf_i64(struct kc_buf *b, int64_t v);
void kc_buf_u64(struct kc_buf *b, uint64_t v);
void kc_buf_double(struct kc_buf *b, double v);
void kc_buf_b64(struct kc_buf *b, const void *p, size_t n);

/* Bytes of base64 text appended to b; -1 when it is not base64. */
int kc_b64_decode(struct kc_buf *b, struct kc_span text);

/* A whole span as a decimal integer; false: not one, or out of range. */
bool kc_parse_i64(struct kc_span s, int64_t *out);
bool kc_parse_u64(struct kc_span s, uint64_t *out);

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t kc_days_from_civil(int64_t y, int m, int d);
void kc_civil_from_days(int64_t days, int64_t *y, int *m, int *d);

/*
 * Connect's Decimal: the unscaled two's complement big-endian bytes of
 * java.math.BigInteger, against the exact text ("-12.34") of the envelope.
 */
void kc_decimal_text(struct kc_buf *out, const void *be, size_t n, int scale);
int kc_decimal_bytes(struct kc_buf *out, struct kc_span text, int scale,
    struct kc_err *e);

/* First 16 hex digits of the SHA-256 of text, NUL-ended: a schema's id. */
void kc_sha256_id(char id[17], struct kc_span text);

int64_t kc_now_us(void);  /* microseconds since the epoch */
int64_t kc_mono_us(void); /* microseconds, monotonic */

#endif

/*
 * Spans (borrowed bytes) and growing buffers. A buffer's bytes move when it
 * grows: keep offsets, not pointers, across calls that append.
 */
#ifndef KC_BUF_H
#define KC_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct kc_span {
	const char *p; /* NULL: absent */
	size_t n;
};

struct kc_buf {
	char *p;
	size_t len, cap;
};

#define KC_LIT(s) ((struct kc_span){ s, sizeof(s) - 1 })
#define KC_BUF_SPAN(b) ((struct kc_span){ (b)->p, (b)->len })

void kc_buf_grow(struct kc_buf *b, size_t n);
void kc_buf_printf(struct kc_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void kc_buf_release(struct kc_buf *b);

/* Room for n more bytes; returns where they go. Then b->len += written. */
static inline char *
kc_buf_room(struct kc_buf *b, size_t n)
{
	if (b->cap - b->len < n)
		kc_buf_grow(b, n);
	return b->p + b->len;
}

static inline void
kc_buf_put(struct kc_buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(kc_buf_room(b, n), p, n);
	b->len += n;
}

#define kc_buf_lit(b, s) kc_buf_put((b), (s), sizeof(s) - 1)

static inline void
kc_buf_puts(struct kc_buf *b, const char *s)
{
	kc_buf_put(b, s, strlen(s));
}

static inline void
kc_buf_span(struct kc_buf *b, struct kc_span s)
{
	kc_buf_put(b, s.p, s.n);
}

static inline void
kc_buf_putc(struct kc_buf *b, char c)
{
	*kc_buf_room(b, 1) = c;
	b->len++;
}

static inline void
kc_buf_reset(struct kc_buf *b)
{
	b->len = 0;
}

/* The buffer as a C string (a NUL is kept past its end). */
static inline char *
kc_buf_str(struct kc_buf *b)
{
	*kc_buf_room(b, 1) = '\0';
	return b->p;
}

static inline bool
kc_span_is(struct kc_span a, const char *s)
{
	size_t n = strlen(s);
	return a.p != NULL && a.n == n && memcmp(a.p, s, n) == 0;
}

static inline bool
kc_span_eq(struct kc_span a, struct kc_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif

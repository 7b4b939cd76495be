/* Growing buffers: the slow path. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "err.h"

void
kc_buf_grow(struct kc_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap - b->len < n)
		cap += cap / 2;
	b->p = kc_xrealloc(b->p, cap);
	b->cap = cap;
}

void
kc_buf_printf(struct kc_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	kc_buf_room(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
kc_buf_release(struct kc_buf *b)
{
	free(b->p);
	*b = (struct kc_buf){ 0 };
}

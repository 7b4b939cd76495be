/* Errors and memory that cannot fail. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "log.h"

int
kc_fail(struct kc_err *e, int status, const char *fmt, ...)
{
	va_list ap;

	e->status = status;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

int
kc_fail_in(struct kc_err *e, const char *fmt, ...)
{
	char head[512], rest[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	memcpy(rest, e->msg, sizeof(rest));
	snprintf(e->msg, sizeof(e->msg), "%s%.*s", head,
	    (int)(sizeof(e->msg) - sizeof(head)), rest);
	return -1;
}

static void *
checked(void *p, size_t n)
{
	if (p == NULL && n > 0) {
		kc_log(KC_ERROR, "out of memory: %zu bytes asked for", n);
		_exit(KC_TEMP);
	}
	return p;
}

void *
kc_xmalloc(size_t n)
{
	return checked(malloc(n), n);
}

void *
kc_xcalloc(size_t n, size_t size)
{
	return checked(calloc(n, size), n * size);
}

void *
kc_xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n), n);
}

char *
kc_xstrndup(const char *s, size_t n)
{
	char *p = kc_xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
kc_xstrdup(const char *s)
{
	return kc_xstrndup(s, strlen(s));
}

char *
kc_xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return checked(n < 0 ? NULL : p, 1);
}

/*
 * Errors. Library functions return 0 or -1 (or NULL) and fill a kc_err; they
 * never print and never exit. status is the exit code the command should use.
 */
#ifndef KC_ERR_H
#define KC_ERR_H

#include <stddef.h>

enum kc_status {
	KC_OK = 0,
	KC_USAGE = 64, /* usage or configuration */
	KC_DATA = 65,  /* bad data and no -D */
	KC_BUG = 70,   /* our bug */
	KC_IO = 74,    /* local I/O */
	KC_TEMP = 75   /* temporary or remote failure after retries */
};

struct kc_err {
	int status;
	char msg[2048];
};

/* Fills *e with one sentence naming thing, value and remedy. Returns -1. */
int kc_fail(struct kc_err *e, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context before the message: "orders.note: " + msg. Returns -1. */
int kc_fail_in(struct kc_err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Memory that cannot be had ends the command: exit 75, one line. */
void *kc_xmalloc(size_t n);
void *kc_xcalloc(size_t n, size_t size);
void *kc_xrealloc(void *p, size_t n);
char *kc_xstrdup(const char *s);
char *kc_xstrndup(const char *s, size_t n);
char *kc_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

/*
 * Debezium's include and exclude lists: commas apart, each a Java-like regex
 * (PCRE2) that must match the whole name, upper and lower case alike.
 */
#ifndef KC_MATCH_H
#define KC_MATCH_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

struct kc_match;

/* list NULL or "": *m = NULL. -1 names the regex and where it is wrong. */
int kc_match_new(struct kc_match **m, const char *list, struct kc_err *e);
void kc_match_free(struct kc_match *m);
/* NULL matches nothing. */
bool kc_match(const struct kc_match *m, struct kc_span name);

#endif

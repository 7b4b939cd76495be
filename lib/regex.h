/* Java-like regular expressions (PCRE2) that must match a whole text. */
#ifndef KC_REGEX_H
#define KC_REGEX_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

struct kc_regex;

/* -1, KC_USAGE: "what: regex: where it is wrong". */
int kc_regex_new(struct kc_regex **r, const char *what, const char *regex,
    struct kc_err *e);
void kc_regex_free(struct kc_regex *r);
bool kc_regex_matches(const struct kc_regex *r, struct kc_span text);

#endif

/*
 * Files of configuration: Java's .properties, Connect's JSON, and what
 * ${provider:path:key} and @file stand for.
 */
#ifndef KC_CONFFILE_H
#define KC_CONFFILE_H

#include <stdbool.h>

#include "err.h"

/*
 * Hands every property of a file to set. JSON (the file begins with '{') in
 * either of Connect's shapes: {"name":…,"config":{…}} or the map alone.
 */
int kc_conffile_read(const char *path,
    void (*set)(void *arg, const char *name, const char *value), void *arg,
    struct kc_err *e);

/*
 * A new string: value with ${file:PATH:KEY}, ${dir:PATH:KEY} and ${env:NAME}
 * replaced; a secret that is @PATH is the file's text without its last
 * newline. NULL, KC_USAGE: cannot be resolved, naming the property.
 */
char *kc_conffile_resolve(const char *name, const char *value, bool secret,
    struct kc_err *e);

#endif

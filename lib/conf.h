/*
 * Configuration in Connect's language: one table per command, from which come
 * parsing, checking, -h, --kc-options and --describe.
 */
#ifndef KC_CONF_H
#define KC_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum kc_ptype {
	KC_T_STRING,
	KC_T_INT,
	KC_T_LONG,
	KC_T_DOUBLE,
	KC_T_BOOLEAN,
	KC_T_LIST,
	KC_T_PASSWORD,
	KC_T_CLASS
};

enum {
	KC_REQUIRED = 1,   /* must be set */
	KC_PREFIX = 2,	   /* name ends in '.': any property below it */
	KC_IGNORED = 4,	   /* of the JVM only: accepted, said to be unused */
	KC_UNSUPPORTED = 8 /* known, not honoured: a set value is warned of */
};

struct kc_prop {
	const char *name;
	enum kc_ptype type;
	const char *def;   /* NULL: none */
	const char *valid; /* "a|b|c", "1..100", "1..", or NULL: any */
	char importance;   /* 'H' 'M' 'L' */
	const char *doc;   /* one sentence */
	char opt;	   /* short option, 0: none */
	const char *alias; /* other names, comma-separated, or NULL */
	int flags;
};

struct kc_conf; /* name → value, over a table */

struct kc_conf *kc_conf_new(const struct kc_prop *table);
void kc_conf_free(struct kc_conf *c);
/* Later ones win. name may be an alias. */
void kc_conf_set(struct kc_conf *c, const char *name, const char *value);
/* .properties, or JSON in either of Connect's two shapes. */
int kc_conf_load(struct kc_conf *c, const char *path, struct kc_err *e);
/*
 * Before kc_conf_check: files that configure a connector of none of these
 * classes (commas apart, or NULL) are another stage's; what they hold beside
 * this table's properties is nothing to warn of.
 */
void kc_conf_stage(struct kc_conf *c, const char *classes);
/* Resolves ${file:…} ${env:…} ${dir:…} and @file, then checks every value. */
int kc_conf_check(struct kc_conf *c, struct kc_err *e);

/* Values after kc_conf_check; the default when not set. Borrowed. */
const char *kc_conf_str(const struct kc_conf *c, const char *name); /* or NULL */
int64_t kc_conf_int(const struct kc_conf *c, const char *name);
double kc_conf_double(const struct kc_conf *c, const char *name);
bool kc_conf_bool(const struct kc_conf *c, const char *name);
bool kc_conf_is(const struct kc_conf *c, const char *name, const char *value);
bool kc_conf_isset(const struct kc_conf *c, const char *name);
/* Commas apart, spaces trimmed, NULL-ended; free with kc_list_free. */
char **kc_conf_list(const struct kc_conf *c, const char *name);
void kc_list_free(char **list);
/* Every set property whose name begins with prefix, the prefix cut off. */
void kc_conf_each(const struct kc_conf *c, const char *prefix,
    void (*fn)(void *arg, const char *name, const char *value), void *arg);

#endif

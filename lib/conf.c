/*
 * Configuration over a command's table; see conf.h. What a connector's JSON
 * holds for other stages of its pipeline is known here and left to them.
 */
#include "conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conffile.h"
#include "log.h"
#include "num.h"

struct entry {
	char *name, *value;
	const struct kc_prop *prop; /* NULL: not in the table */
	bool framework;		    /* for the worker or another stage */
	bool file;		    /* set by a file */
};

struct kc_conf {
	const struct kc_prop *table;
	struct entry *v;
	size_t n, cap;
	bool loading; /* a file is being read */
};

/* Of the worker and of other stages; one that ends in '.': all below it. */
static const char *const framework[] = {
	"name",
	"connector.class",
	"tasks.max",
	"tasks.max.enforce",
	"config.action.reload",
	"key.converter",
	"key.converter.",
	"value.converter",
	"value.converter.",
	"header.converter",
	"header.converter.",
	"transforms",
	"transforms.",
	"predicates",
	"predicates.",
	"errors.",
	"topics",
	"topics.regex",
	"topic.creation.",
	"exactly.once.support",
	"transaction.boundary",
	"transaction.boundary.interval.ms",
	"offsets.storage.topic",
	"consumer.override.",
	"producer.override.",
	"admin.override.",
	"plugin.version",
	"connector.plugin.version",
	"schema.history.internal",
	"schema.history.internal.",
	"database.history",
	"database.history.",
	NULL,
};

static bool
is_framework(const char *name)
{
	for (size_t i = 0; framework[i] != NULL; i++) {
		size_t n = strlen(framework[i]);
		if (framework[i][n - 1] == '.' ?
			strncmp(name, framework[i], n) == 0 :
			strcmp(name, framework[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Is name one of p's? Names and aliases end at a comma; *rest is what a prefix
 * leaves of it, "" else.
 */
static bool
names(const struct kc_prop *p, const char *list, const char *name,
    const char **rest)
{
	size_t len = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t n = strcspn(list, ",");
		bool prefix = (p->flags & KC_PREFIX) != 0;
		if (prefix ? len > n && strncmp(name, list, n) == 0 :
			     len == n && memcmp(name, list, n) == 0) {
			*rest = prefix ? name + n : "";
			return true;
		}
		list += n + (list[n] == ',');
	}
	return false;
}

/* The table's property of that name, exact ones before prefixes. */
static const struct kc_prop *
find(const struct kc_prop *table, const char *name, const char **rest)
{
	const struct kc_prop *any = NULL, *best = NULL;
	const char *r = "", *best_rest = "";

	for (const struct kc_prop *p = table; p->name != NULL; p++) {
		if (p->name[0] == '\0') {
			any = p; /* whatever nobody else knows */
			continue;
		}
		if (!names(p, p->name, name, &r) && !names(p, p->alias, name, &r))
			continue;
		if ((p->flags & KC_PREFIX) == 0) {
			*rest = "";
			return p;
		}
		if (best == NULL || strlen(r) < strlen(best_rest)) {
			best = p;
			best_rest = r;
		}
	}
	if (best == NULL && any != NULL && !is_framework(name)) {
		best = any;
		best_rest = name;
	}
	*rest = best_rest;
	return best;
}

struct kc_conf *
kc_conf_new(const struct kc_prop *table)
{
	struct kc_conf *c = kc_xcalloc(1, sizeof *c);

	c->table = table;
	return c;
}

void
kc_conf_free(struct kc_conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].name);
		free(c->v[i].value);
	}
	free(c->v);
	free(c);
}

static struct entry *
entry(const struct kc_conf *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].name, name) == 0)
			return &c->v[i];
	return NULL;
}

void
kc_conf_set(struct kc_conf *c, const char *name, const char *value)
{
	const char *rest;
	const struct kc_prop *p = find(c->table, name, &rest);
	char *own = p == NULL ? kc_xstrdup(name) :
				kc_xasprintf("%s%s", p->name, rest);
	struct entry *en = entry(c, own);

	if (en != NULL) {
		free(own);
		free(en->value);
		en->value = kc_xstrdup(value);
		en->file = c->loading;
		return;
	}
	if (c->n == c->cap) {
		c->cap = c->cap * 2 + 16;
		c->v = kc_xrealloc(c->v, c->cap * sizeof *c->v);
	}
	c->v[c->n++] = (struct entry){ own, kc_xstrdup(value), p,
		p == NULL && is_framework(name), c->loading };
}

static void
set_one(void *arg, const char *name, const char *value)
{
	kc_conf_set(arg, name, value);
}

int
kc_conf_load(struct kc_conf *c, const char *path, struct kc_err *e)
{
	c->loading = true;
	int rc = kc_conffile_read(path, set_one, c, e);
	c->loading = false;
	return rc;
}

/* Does classes, commas apart, have class, with or without its package? */
static bool
has_class(const char *classes, const char *class)
{
	size_t len = strlen(class);

	while (classes != NULL && *classes != '\0') {
		size_t n = strcspn(classes, ",");
		if (n == len && memcmp(classes, class, len) == 0)
			return true;
		if (n > len && classes[n - len - 1] == '.' &&
		    memcmp(classes + n - len, class, len) == 0)
			return true;
		classes += n;
		classes += strspn(classes, ", ");
	}
	return false;
}

void
kc_conf_stage(struct kc_conf *c, const char *classes)
{
	const struct entry *class = entry(c, "connector.class");

	if (class == NULL || has_class(classes, class->value))
		return;
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].file &&
		    (c->v[i].prop == NULL || c->v[i].prop->name[0] == '\0'))
			c->v[i].framework = true;
}

/* ---- checks ---- */

static int
bad_value(const struct entry *en, const char *why, struct kc_err *e)
{
	bool secret = en->prop->type == KC_T_PASSWORD;

	return kc_fail(e, KC_USAGE, "property %s: %s: %s", en->name,
	    secret		     ? "(hidden)" :
		en->value[0] == '\0' ? "(empty)" :
				       en->value,
	    why);
}

/* "a|b|c": one of them, whatever the case. */
static bool
one_of(const char *list, const char *value)
{
	size_t len = strlen(value);

	for (;;) {
		size_t n = strcspn(list, "|");
		if (n == len && strncasecmp(list, value, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
		list += n + 1;
	}
}

/* "1..100", "1..": ends of a range, inclusive. */
static bool
in_range(const char *valid, double v)
{
	const char *dots = strstr(valid, "..");

	if (dots == NULL)
		return true;
	return (dots == valid || v >= strtod(valid, NULL)) &&
	    (dots[2] == '\0' || v <= strtod(dots + 2, NULL));
}

static int
check_number(const struct entry *en, struct kc_err *e)
{
	const struct kc_prop *p = en->prop;
	bool real = p->type == KC_T_DOUBLE;
	char why[200], *end;
	int64_t n = 0;
	double v;

	if (real) {
		v = strtod(en->value, &end);
		if (en->value[0] == '\0' || *end != '\0')
			return bad_value(en, "must be a number", e);
	} else {
		struct kc_span s = { en->value, strlen(en->value) };
		if (!kc_parse_i64(s, &n) ||
		    (p->type == KC_T_INT && (n < INT32_MIN || n > INT32_MAX)))
			return bad_value(en, "must be a whole number", e);
		v = (double)n;
	}
	if (p->valid == NULL || in_range(p->valid, v))
		return 0;
	snprintf(why, sizeof why, "must be within %s", p->valid);
	return bad_value(en, why, e);
}

/* Every item of a list. */
static bool
all_of(const char *valid, const char *list)
{
	bool ok = true;

	while (ok && *list != '\0') {
		size_t n = strcspn(list, ","), skip = strspn(list, " ");
		char *item = kc_xstrndup(list + skip, n > skip ? n - skip : 0);
		ok = one_of(valid, item);
		free(item);
		list += n + (list[n] == ',');
	}
	return ok;
}

static int
check_value(const struct entry *en, struct kc_err *e)
{
	const struct kc_prop *p = en->prop;
	char why[600];

	switch (p->type) {
	case KC_T_INT:
	case KC_T_LONG:
	case KC_T_DOUBLE:
		return check_number(en, e);
	case KC_T_BOOLEAN:
		if (strcasecmp(en->value, "true") != 0 &&
		    strcasecmp(en->value, "false") != 0)
			return bad_value(en, "must be true or false", e);
		return 0;
	default:
		if (p->valid == NULL ||
		    (p->type == KC_T_LIST ? all_of(p->valid, en->value) :
					    one_of(p->valid, en->value)))
			return 0;
		snprintf(why, sizeof why, "must be one of %s", p->valid);
		return bad_value(en, why, e);
	}
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits from a to b (Levenshtein); names longer than 99 are far. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[100], n = strlen(b), diag, up;

	if (n >= 100)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; *a != '\0'; a++, i++) {
		diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			up = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    diag + (*a != b[j - 1]));
			diag = up;
		}
	}
	return row[n];
}

static void
warn_unknown(const struct kc_conf *c, const char *name)
{
	const char *near = NULL;
	size_t best = SIZE_MAX;

	for (const struct kc_prop *p = c->table; p->name != NULL; p++) {
		size_t d = distance(name, p->name);
		if (d < best) {
			best = d;
			near = p->name;
		}
	}
	if (near != NULL && best <= 2 + strlen(name) / 4)
		kc_log(KC_WARN,
		    "property %s is not known here and does nothing; "
		    "did you mean %s?",
		    name, near);
	else
		kc_log(KC_WARN,
		    "property %s is not known here and does nothing; "
		    "-h lists what is",
		    name);
}

/* What is set but does not do what it says. */
static void
note(const struct kc_conf *c, const struct entry *en)
{
	const struct kc_prop *p = en->prop;

	if (en->framework)
		kc_log(KC_DEBUG, "property %s is for another stage of the pipe",
		    en->name);
	else if (p == NULL)
		warn_unknown(c, en->name);
	else if (p->flags & KC_IGNORED)
		kc_log(KC_INFO,
		    "property %s is of the JVM's and has no use here", en->name);
	else if ((p->flags & KC_UNSUPPORTED) &&
	    (p->def == NULL || strcasecmp(p->def, en->value) != 0))
		kc_log(KC_WARN,
		    "property %s=%s is known but not supported: it "
		    "does nothing",
		    en->name, p->type == KC_T_PASSWORD ? "(hidden)" : en->value);
}

static int
check_required(const struct kc_conf *c, struct kc_err *e)
{
	for (const struct kc_prop *p = c->table; p->name != NULL; p++) {
		if (!(p->flags & KC_REQUIRED))
			continue;
		struct entry *en = entry(c, p->name);
		if (en == NULL || en->value[0] == '\0')
			return kc_fail(e, KC_USAGE,
			    "property %s is missing: %s "
			    "Give it as %s=…, or in a file with -c",
			    p->name, p->doc, p->name);
	}
	return 0;
}

int
kc_conf_check(struct kc_conf *c, struct kc_err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		struct entry *en = &c->v[i];
		bool secret = en->prop != NULL && en->prop->type == KC_T_PASSWORD;
		if (en->framework)
			continue; /* another stage reads its files */
		char *v = kc_conffile_resolve(en->name, en->value, secret, e);
		if (v == NULL)
			return -1;
		free(en->value);
		en->value = v;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct entry *en = &c->v[i];
		bool empty = en->value[0] == '\0' && en->prop != NULL &&
		    en->prop->type != KC_T_STRING &&
		    !(en->prop->flags & KC_REQUIRED);
		note(c, en);
		if (en->prop != NULL && !empty &&
		    !(en->prop->flags & (KC_IGNORED | KC_UNSUPPORTED)) &&
		    check_value(en, e) != 0)
			return -1;
	}
	return check_required(c, e);
}

/* ---- values ---- */

static const struct kc_prop *
declared(const struct kc_conf *c, const char *name)
{
	for (const struct kc_prop *p = c->table; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const char *
kc_conf_str(const struct kc_conf *c, const char *name)
{
	const struct entry *en = entry(c, name);
	const struct kc_prop *p = declared(c, name);

	if (en != NULL &&
	    (en->value[0] != '\0' || p == NULL || p->type == KC_T_STRING ||
		p->type == KC_T_PASSWORD))
		return en->value;
	return p == NULL ? NULL : p->def;
}

int64_t
kc_conf_int(const struct kc_conf *c, const char *name)
{
	const char *v = kc_conf_str(c, name);

	return v == NULL ? 0 : strtoll(v, NULL, 10);
}

double
kc_conf_double(const struct kc_conf *c, const char *name)
{
	const char *v = kc_conf_str(c, name);

	return v == NULL ? 0 : strtod(v, NULL);
}

bool
kc_conf_bool(const struct kc_conf *c, const char *name)
{
	return kc_conf_is(c, name, "true");
}

bool
kc_conf_is(const struct kc_conf *c, const char *name, const char *value)
{
	const char *v = kc_conf_str(c, name);

	return v != NULL && strcasecmp(v, value) == 0;
}

bool
kc_conf_isset(const struct kc_conf *c, const char *name)
{
	return entry(c, name) != NULL;
}

char **
kc_conf_list(const struct kc_conf *c, const char *name)
{
	const char *p = kc_conf_str(c, name);
	char **list = kc_xcalloc(1, sizeof *list);
	size_t n = 0;

	while (p != NULL && *p != '\0') {
		size_t len = strcspn(p, ",");
		const char *next = p + len + (p[len] == ',');
		while (len > 0 && isspace((unsigned char)*p)) {
			p++;
			len--;
		}
		while (len > 0 && isspace((unsigned char)p[len - 1]))
			len--;
		if (len > 0) {
			list = kc_xrealloc(list, (n + 2) * sizeof *list);
			list[n++] = kc_xstrndup(p, len);
			list[n] = NULL;
		}
		p = next;
	}
	return list;
}

void
kc_list_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void
kc_conf_each(const struct kc_conf *c, const char *prefix,
    void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].framework && strncmp(c->v[i].name, prefix, n) == 0)
			fn(arg, c->v[i].name + n, c->v[i].value);
}

/* Names: tables by topic and format, columns, shapes (sets of columns). */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "jdbc.h"
#include "json.h"

void
put_name(const struct dialect *d, struct kc_buf *b, const char *name)
{
	kc_buf_putc(b, d->quote);
	for (; *name != '\0'; name++) {
		if (*name == d->quote)
			kc_buf_putc(b, d->quote);
		kc_buf_putc(b, *name);
	}
	kc_buf_putc(b, d->quote);
}

/* topics.to.tables.mapping: topic:table,… */
static const char *
mapped(const struct opts *o, struct kc_span topic)
{
	for (char **m = o->tables; m != NULL && *m != NULL; m++)
		if (strncmp(*m, topic.p, topic.n) == 0 && (*m)[topic.n] == ':')
			return *m + topic.n + 1;
	return NULL;
}

static int
put_source(struct kc_buf *b, const char *field, size_t n, struct kc_span source,
    struct kc_err *e)
{
	char name[128];
	struct kc_span v = { NULL, 0 };

	if (n < sizeof name) {
		memcpy(name, field, n);
		name[n] = '\0';
		if (source.p != NULL && source.p[0] == '{')
			v = kc_json_get(source, name);
	}
	if (!kc_json_is_str(v))
		return kc_fail(e, KC_DATA,
		    "collection.name.format: ${source.%.*s}: the record has no such "
		    "source field; only change events of Debezium have one",
		    (int)n, field);
	return kc_json_unescape(b, kc_json_inner(v)) == 0 ?
	    0 :
	    kc_fail(e, KC_DATA, "source.%s: bad escape", name);
}

int
table_name(const struct opts *o, struct kc_buf *b, struct kc_span topic,
    struct kc_span source, struct kc_err *e)
{
	const char *map = mapped(o, topic);

	if (map != NULL) {
		kc_buf_puts(b, map);
		return 0;
	}
	for (const char *p = o->format; *p != '\0';) {
		const char *end = strchr(p, '}');
		if (strncmp(p, "${topic}", 8) == 0) {
			size_t at = b->len;
			kc_buf_span(b, topic);
			for (size_t i = at; i < b->len; i++)
				if ((b->p[i] == '.' && !o->confluent) ||
				    (o->normalize &&
					!isalnum((unsigned char)b->p[i])))
					b->p[i] = '_';
			p += 8;
		} else if (strncmp(p, "${source.", 9) == 0 && end != NULL) {
			if (put_source(b, p + 9, (size_t)(end - p) - 9, source,
				e) != 0)
				return -1;
			p = end + 1;
		} else {
			kc_buf_putc(b, *p++);
		}
	}
	return 0;
}

struct table *
table_new(const struct db *db, const char *name)
{
	struct table *t = kc_xcalloc(1, sizeof *t);
	const char *dot = db->d == &dialect_sqlite ? NULL : strrchr(name, '.');
	struct kc_buf b = { 0 };

	t->name = kc_xstrdup(dot == NULL ? name : dot + 1);
	if (dot != NULL) {
		const char *from = dot;
		while (from > name && from[-1] != '.')
			from--;
		t->schema = kc_xstrndup(from, (size_t)(dot - from));
	} else if (db->o->schema != NULL && *db->o->schema != '\0') {
		t->schema = kc_xstrdup(db->o->schema);
	}
	if (t->schema != NULL) {
		put_name(db->d, &b, t->schema);
		kc_buf_putc(&b, '.');
	}
	put_name(db->d, &b, t->name);
	t->quoted = kc_xstrdup(kc_buf_str(&b));
	t->shown = t->schema == NULL ? kc_xstrdup(t->name) :
				       kc_xasprintf("%s.%s", t->schema, t->name);
	kc_buf_release(&b);
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->ncols; i++) {
		free(t->cols[i].name);
		free(t->cols[i].type);
	}
	for (size_t i = 0; i < t->nshapes; i++) {
		free(t->shapes[i]->cols);
		free(t->shapes[i]->set);
		free(t->shapes[i]);
	}
	free(t->cols);
	free(t->shapes);
	free(t->schema);
	free(t->name);
	free(t->shown);
	free(t->quoted);
	free(t);
}

int
table_column(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->ncols; i++)
		if (strcmp(t->cols[i].name, name) == 0)
			return (int)i;
	for (size_t i = 0; i < t->ncols; i++)
		if (strcasecmp(t->cols[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct column *
table_add(struct table *t, char *name, char *type)
{
	for (size_t i = 0; i < t->ncols; i++)
		if (strcmp(t->cols[i].name, name) == 0) {
			free(name);
			free(t->cols[i].type);
			t->cols[i].type = type;
			return &t->cols[i];
		}
	if (t->ncols % 32 == 0)
		t->cols = kc_xrealloc(t->cols, (t->ncols + 32) * sizeof *t->cols);
	struct column *c = &t->cols[t->ncols++];
	memset(c, 0, sizeof *c);
	c->name = name;
	c->type = type;
	return c;
}

struct shape *
shape_get(struct table *t, const unsigned *cols, size_t n, size_t nkeys,
    bool partial)
{
	static unsigned ids;

	for (size_t i = 0; i < t->nshapes; i++) {
		struct shape *s = t->shapes[i];
		if (s->n == n && s->nkeys == nkeys && s->partial == partial &&
		    memcmp(s->cols, cols, n * sizeof *cols) == 0)
			return s;
	}
	struct shape *s = kc_xcalloc(1, sizeof *s);
	s->t = t;
	s->id = ++ids;
	s->n = n;
	s->nkeys = nkeys;
	s->partial = partial;
	s->cols = kc_xmalloc((n + 1) * sizeof *cols);
	memcpy(s->cols, cols, n * sizeof *cols);
	s->words = t->ncols / 64 + 1;
	s->set = kc_xcalloc(s->words, sizeof *s->set);
	for (size_t i = 0; i < n; i++)
		s->set[cols[i] / 64] |= 1ULL << cols[i] % 64;
	t->shapes = kc_xrealloc(t->shapes, (t->nshapes + 1) * sizeof *t->shapes);
	return t->shapes[t->nshapes++] = s;
}

/* Every column of b is one of a. */
bool
shape_covers(const struct shape *a, const struct shape *b)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < b->words; i++)
		if ((b->set[i] & ~(i < a->words ? a->set[i] : 0)) != 0)
			return false;
	return true;
}

/*
 * Plans: which members of key and value go into which columns, for the
 * records of one topic and pair of schemas. A plan is made at the first such
 * record, when the table is looked up (or made) too. Records without schemas
 * have a plan for each list of members.
 */
#include <stdlib.h>
#include <strings.h>

#include "json.h"
#include "plan.h"

static void
members_free(struct members *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].name);
	free(m->v);
}

static void
plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->slots[i].name);
	free(p->slots);
	members_free(&p->key);
	members_free(&p->value);
	free(p->keep);
	free(p);
}

struct planner *
planner_new(struct db *db, struct kc_schemas *schemas, void (*idle)(void *arg),
    void *arg)
{
	struct planner *p = kc_xcalloc(1, sizeof *p);

	p->db = db;
	p->o = db->o;
	p->schemas = schemas;
	p->idle = idle;
	p->arg = arg;
	p->by_source = strstr(db->o->format, "${source.") != NULL;
	return p;
}

void
planner_free(struct planner *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		plan_free(p->plans[i]);
	for (size_t i = 0; i < p->ntables; i++)
		table_free(p->tables[i]);
	free(p->plans);
	free(p->tables);
	kc_buf_release(&p->name);
	free(p);
}

void
planner_next(struct planner *p)
{
	for (size_t i = 0; i < p->ntables; i++)
		p->tables[i]->open = NULL;
}

void
planner_forget(struct planner *p)
{
	for (size_t i = 0; i < p->n; i++)
		plan_free(p->plans[i]);
	p->n = p->last = 0;
	for (size_t i = 0; i < p->ntables; i++)
		p->tables[i]->exists = false;
}

/* fields.whitelist, field.include.list: field or topic:field. */
static bool
listed(char **list, struct kc_span topic, struct kc_span field)
{
	for (; *list != NULL; list++) {
		const char *colon = strrchr(*list, ':');
		const char *name = colon == NULL ? *list : colon + 1;
		if (kc_span_is(field, name) &&
		    (colon == NULL ||
			((size_t)(colon - *list) == topic.n &&
			    memcmp(*list, topic.p, topic.n) == 0)))
			return true;
	}
	return false;
}

static bool
wanted(const struct planner *p, struct kc_span topic, struct kc_span field)
{
	if (p->o->include != NULL && p->o->include[0] != NULL)
		return listed(p->o->include, topic, field);
	return p->o->exclude == NULL || !listed(p->o->exclude, topic, field);
}

static int
slot_add(struct plan *pl, const char *name, size_t len,
    const struct kc_schema *s, struct kc_err *e)
{
	if (pl->n == COLUMNS_MAX)
		return kc_fail(e, KC_DATA, "more than %d columns", COLUMNS_MAX);
	if (pl->n % 32 == 0)
		pl->slots = kc_xrealloc(pl->slots,
		    (pl->n + 32) * sizeof *pl->slots);
	struct slot *t = &pl->slots[pl->n];
	memset(t, 0, sizeof *t);
	t->name = kc_xstrndup(name, len);
	t->namelen = len;
	t->schema = s;
	return (int)pl->n++;
}

static int
slot_named(const struct plan *pl, struct kc_span name)
{
	for (size_t i = 0; i < pl->n; i++)
		if (kc_span_is(name, pl->slots[i].name))
			return (int)i;
	return -1;
}

static void
member_add(struct members *m, struct kc_span name, int slot)
{
	if (m->n % 32 == 0)
		m->v = kc_xrealloc(m->v, (m->n + 32) * sizeof *m->v);
	m->v[m->n++] = (struct member){ kc_xstrndup(name.p, name.n), name.n,
		slot };
}

/* Calls fn for each field of a schema's struct, or each member of an object. */
static int
each_field(const struct kc_schema *s, struct kc_span obj,
    int (*fn)(void *arg, struct kc_span name, const struct kc_schema *s,
	struct kc_err *e),
    void *arg, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span k, x;
	int rc;

	if (s != NULL) {
		for (size_t i = 0; i < s->nfields; i++) {
			struct kc_span name = { s->fields[i].name,
				strlen(s->fields[i].name) };
			if (fn(arg, name, s->fields[i].schema, e) != 0)
				return -1;
		}
		return 0;
	}
	if (obj.p == NULL || obj.p[0] != '{' || kc_json_open(&it, obj) != 0)
		return kc_fail(e, KC_DATA, "not an object with fields: %.*s",
		    (int)(obj.n < 60 ? obj.n : 60), obj.p == NULL ? "" : obj.p);
	while ((rc = kc_json_member(&it, &k, &x)) == 1)
		if (fn(arg, k, NULL, e) != 0)
			return -1;
	return rc == 0 ? 0 : kc_fail(e, KC_DATA, "malformed JSON object");
}

struct making {
	struct planner *p;
	struct plan *pl;
	const struct parts *a;
};

static bool
in_list(char **list, struct kc_span name)
{
	for (; list != NULL && *list != NULL; list++)
		if (kc_span_is(name, *list))
			return true;
	return false;
}

static bool
pk_listed(const struct opts *o)
{
	return o->pk_fields != NULL && o->pk_fields[0] != NULL;
}

static int
key_field(void *arg, struct kc_span name, const struct kc_schema *s,
    struct kc_err *e)
{
	struct making *m = arg;
	int slot = -1;

	if ((!pk_listed(m->p->o) || in_list(m->p->o->pk_fields, name)) &&
	    (slot = slot_add(m->pl, name.p, name.n, s, e)) < 0)
		return -1;
	member_add(&m->pl->key, name, slot);
	return 0;
}

/* pk.mode=record_value: the keys are columns of the row. */
static int
value_key(void *arg, struct kc_span name, const struct kc_schema *s,
    struct kc_err *e)
{
	struct making *m = arg;

	if (!in_list(m->p->o->pk_fields, name))
		return 0;
	return slot_add(m->pl, name.p, name.n, s, e) < 0 ? -1 : 0;
}

static int
value_field(void *arg, struct kc_span name, const struct kc_schema *s,
    struct kc_err *e)
{
	struct making *m = arg;
	int slot = slot_named(m->pl, name);

	if (slot >= 0 && m->p->o->pk != PK_VALUE && (size_t)slot < m->pl->nkeys) {
		slot = -1; /* the key has it already */
	} else if (slot < 0 && wanted(m->p, m->a->rec->topic, name) &&
	    (slot = slot_add(m->pl, name.p, name.n, s, e)) < 0) {
		return -1;
	}
	member_add(&m->pl->value, name, slot);
	return 0;
}

static const char *const kafka_names[] = { "__connect_topic",
	"__connect_partition", "__connect_offset" };

static const struct kc_schema kafka_schemas[] = { { .type = KC_STRING },
	{ .type = KC_INT32 }, { .type = KC_INT64 } };

static int
kafka_keys(struct making *m, struct kc_err *e)
{
	char **names = m->p->o->pk_fields;
	size_t n = 0;

	while (names != NULL && names[n] != NULL)
		n++;
	for (size_t i = 0; i < 3; i++) {
		const char *name = n == 3 ? names[i] : kafka_names[i];
		if (slot_add(m->pl, name, strlen(name), &kafka_schemas[i], e) < 0)
			return -1;
	}
	return 0;
}

static int
header_keys(struct making *m, struct kc_err *e)
{
	static const struct kc_schema any = { .type = KC_STRING };

	for (char **n = m->p->o->pk_fields; n != NULL && *n != NULL; n++)
		if (slot_add(m->pl, *n, strlen(*n), &any, e) < 0)
			return -1;
	return 0;
}

static int
record_keys(struct making *m, struct kc_err *e)
{
	const struct kc_rec *r = m->a->rec;
	const struct opts *o = m->p->o;

	if (kc_json_is_null(r->key))
		return kc_fail(e, KC_DATA,
		    "the record has no key, and pk.mode=record_key "
		    "takes the primary key from it");
	bool object = m->a->keys != NULL ? m->a->keys->type == KC_STRUCT :
					   r->key.p[0] == '{';
	if (object)
		return each_field(m->a->keys, r->key, key_field, m, e);
	if (!pk_listed(o) || o->pk_fields[1] != NULL)
		return kc_fail(e, KC_DATA,
		    "the key is a plain value: %.*s; pk.fields must "
		    "name the one column it goes to",
		    (int)(r->key.n < 40 ? r->key.n : 40), r->key.p);
	m->pl->whole_key = slot_add(m->pl, o->pk_fields[0],
	    strlen(o->pk_fields[0]), m->a->keys, e);
	return m->pl->whole_key < 0 ? -1 : 0;
}

static int
make_slots(struct making *m, struct kc_err *e)
{
	struct plan *pl = m->pl;
	const struct opts *o = m->p->o;
	int rc = 0;

	if (o->pk == PK_KEY)
		rc = record_keys(m, e);
	else if (o->pk == PK_KAFKA)
		rc = kafka_keys(m, e);
	else if (o->pk == PK_HEADER)
		rc = header_keys(m, e);
	else if (o->pk == PK_VALUE)
		rc = each_field(m->a->values, m->a->row, value_key, m, e);
	pl->nkeys = pl->n;
	if (rc != 0)
		return -1;
	for (char **f = o->pk_fields; f != NULL && *f != NULL; f++)
		if ((o->pk == PK_KEY || o->pk == PK_VALUE) &&
		    slot_named(pl, (struct kc_span){ *f, strlen(*f) }) < 0)
			return kc_fail(e, KC_DATA,
			    "pk.fields: %s: the record's %s has no "
			    "such field",
			    *f, o->pk == PK_KEY ? "key" : "value");
	if (o->pk == PK_VALUE && pl->nkeys == 0)
		return kc_fail(e, KC_DATA,
		    "pk.mode=record_value: pk.fields names no "
		    "field of the value");
	if (m->a->row.p == NULL)
		return 0;
	if (each_field(m->a->values, m->a->row, value_field, m, e) != 0)
		return -1;
	return pl->n > 0 ? 0 :
			   kc_fail(e, KC_DATA, "no field is left to be written");
}

struct table *
plan_table(struct planner *p, const char *name)
{
	struct table *t = table_new(p->db, name);

	for (size_t i = 0; i < p->ntables; i++) {
		struct table *x = p->tables[i];
		if (strcmp(x->quoted, t->quoted) == 0 ||
		    (p->o->fold && p->db->d->fold_lower &&
			strcasecmp(x->quoted, t->quoted) == 0)) {
			table_free(t);
			return x;
		}
	}
	p->tables = kc_xrealloc(p->tables, (p->ntables + 1) * sizeof *p->tables);
	return p->tables[p->ntables++] = t;
}

/* Looks the columns up; the connection must be free. */
static int
bind(struct planner *p, struct plan *pl, struct kc_err *e)
{
	struct want *w = kc_xcalloc(pl->n + 1, sizeof *w);
	int rc;

	for (size_t i = 0; i < pl->n; i++)
		w[i] = (struct want){ pl->slots[i].name, pl->slots[i].schema,
			i < pl->nkeys };
	p->idle(p->arg);
	rc = run_connect(p->db, e);
	if (rc == 0 && pl->deletes_only && !pl->t->exists) {
		/* Nothing to delete from a table that is not there. */
		rc = p->db->d->describe(p->db, pl->t, e);
		if (rc == 0 && !pl->t->exists && p->o->create) {
			free(w);
			return 1;
		}
	}
	if (rc == 0)
		rc = ddl_ensure(p->db, pl->t, w, pl->n, e);
	free(w);
	if (rc != 0)
		return -1;
	for (size_t i = 0; i < pl->n; i++) {
		struct slot *s = &pl->slots[i];
		s->col = (unsigned)table_column(pl->t, s->name);
		s->cls = pl->t->cols[s->col].cls;
		s->bits = pl->t->cols[s->col].bits;
		s->d = p->db->d;
		s->o = p->o;
		convert_pick(s);
		p->cols[i] = s->col;
	}
	pl->shape = shape_get(pl->t, p->cols, pl->n, pl->nkeys, false);
	pl->keyshape = shape_get(pl->t, p->cols, pl->nkeys, pl->nkeys, false);
	return 0;
}

/* The plan keeps what it is known by. */
static void
remember(struct plan *pl, const struct kc_rec *r, struct kc_span name)
{
	struct kc_span from[] = { r->topic, r->key_schema, r->value_schema, name };
	struct kc_span *to[] = { &pl->topic, &pl->kid, &pl->vid, &pl->name };
	size_t n = 0;

	for (size_t i = 0; i < 4; i++)
		n += from[i].n;
	char *at = pl->keep = kc_xmalloc(n + 1);
	for (size_t i = 0; i < 4; i++) {
		*to[i] = (struct kc_span){ at, from[i].n };
		if (from[i].n > 0)
			memcpy(at, from[i].p, from[i].n);
		at += from[i].n;
	}
}

int
plan_table_name(struct planner *p, const struct parts *a, struct kc_err *e)
{
	struct kc_buf topic = { 0 };
	int rc;

	p->name.len = 0;
	if (kc_json_unescape(&topic, a->rec->topic) != 0) {
		kc_buf_release(&topic);
		return kc_fail(e, KC_DATA, "bad escape in the topic");
	}
	rc = table_name(p->o, &p->name, KC_BUF_SPAN(&topic), a->source, e);
	kc_buf_release(&topic);
	return rc;
}

int
plan_make(struct planner *p, const struct parts *a, struct kc_err *e)
{
	struct plan *pl = kc_xcalloc(1, sizeof *pl);
	struct making m = { p, pl, a };
	int rc;

	pl->whole_key = -1;
	pl->deletes_only = a->row.p == NULL;
	if ((!p->by_source && plan_table_name(p, a, e) != 0) ||
	    make_slots(&m, e) != 0) {
		plan_free(pl);
		return -1;
	}
	pl->t = plan_table(p, kc_buf_str(&p->name));
	rc = bind(p, pl, e);
	if (rc != 0) {
		plan_free(pl);
		return rc < 0 ? -1 : 0;
	}
	remember(pl, a->rec,
	    p->by_source ? KC_BUF_SPAN(&p->name) : (struct kc_span){ NULL, 0 });
	p->plans = kc_xrealloc(p->plans, (p->n + 1) * sizeof *p->plans);
	p->plans[p->n] = pl;
	p->last = p->n++;
	return 1;
}

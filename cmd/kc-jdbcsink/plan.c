/*
 * From records to rows. A plan says for the records of one topic and pair of
 * schemas which members of key and value go into which columns; it is made at
 * the first such record, when the table is looked up (or made) too. Records
 * without schemas have a plan for each list of members.
 */
#include <stdlib.h>
#include <strings.h>

#include "jdbc.h"
#include "json.h"
#include "num.h"

#define COLUMNS_MAX 4096

/* A member of an object and the slot it fills; -1: left out. */
struct member {
	char *name;
	size_t len;
	int slot;
};

struct members {
	struct member *v;
	size_t n;
};

struct plan {
	struct kc_span topic, kid, vid, name; /* name: of ${source.…} formats */
	char *keep;			      /* their bytes */
	bool deletes_only;		      /* no value: keys alone */
	struct table *t;
	struct slot *slots; /* keys first */
	size_t n, nkeys;
	struct members key, value;
	int whole_key; /* the slot of a primitive key; -1 */
	struct shape *shape, *keyshape;
};

struct planner {
	struct db *db;
	const struct opts *o;
	struct kc_schemas *schemas;
	void (*idle)(void *arg);
	void *arg;
	struct plan **plans;
	size_t n, last;
	struct table **tables;
	size_t ntables;
	bool by_source; /* the table's name depends on the record */
	struct kc_buf name;
	struct kc_span vals[COLUMNS_MAX];
	unsigned cols[COLUMNS_MAX];
};

/* A record taken apart. */
struct parts {
	const struct kc_rec *rec;
	struct kc_span row; /* the object with the columns; .p NULL: none */
	struct kc_span source;
	char op; /* c u d r t as Debezium's; 'p': a flat row; 0: nothing to do */
	const struct kc_schema *keys, *values; /* of key and row, or NULL */
};

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
		    (colon == NULL || ((size_t)(colon - *list) == topic.n &&
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

/* ---- taking a record apart ---- */

static bool
envelope_schema(const struct kc_schema *s)
{
	return s->type == KC_STRUCT && kc_schema_field(s, KC_LIT("op")) >= 0 &&
	    kc_schema_field(s, KC_LIT("after")) >= 0;
}

/* Debezium's records about itself: heartbeats, transactions, schema changes. */
static bool
housekeeping(struct kc_span topic, const struct kc_schema *s)
{
	static const char *const names[] = {
		"io.debezium.connector.common.Heartbeat",
		"io.debezium.connector.common.TransactionMetadataKey",
		"io.debezium.connector.common.TransactionMetadataValue",
	};
	const char beat[] = "__debezium-heartbeat";

	if (topic.n >= sizeof beat - 1 && memcmp(topic.p, beat, sizeof beat - 1) == 0)
		return true;
	for (size_t i = 0; s != NULL && s->name != NULL && i < 3; i++)
		if (strcmp(s->name, names[i]) == 0)
			return true;
	return false;
}

struct envelope {
	struct kc_span before, after, source, op;
};

static bool
open_envelope(struct kc_span value, struct envelope *v)
{
	struct kc_json_it it;
	struct kc_span k, x;

	memset(v, 0, sizeof *v);
	if (kc_json_open(&it, value) != 0)
		return false;
	while (kc_json_member(&it, &k, &x) == 1) {
		if (kc_span_is(k, "after"))
			v->after = x;
		else if (kc_span_is(k, "op"))
			v->op = x;
		else if (kc_span_is(k, "before"))
			v->before = x;
		else if (kc_span_is(k, "source"))
			v->source = x;
	}
	return v->op.n == 3 && v->op.p[0] == '"' &&
	    (v->after.p != NULL || v->before.p != NULL || v->op.p[1] == 't');
}

static int
take_envelope(struct parts *a, const struct envelope *v, struct kc_err *e)
{
	a->op = v->op.p[1];
	a->source = v->source;
	switch (a->op) {
	case 'c':
	case 'u':
	case 'r':
		a->row = v->after;
		if (v->after.p == NULL || v->after.p[0] != '{')
			return kc_fail(e, KC_DATA,
			    "a change event with op %c needs the row in \"after\"", a->op);
		break;
	case 'd':
	case 't':
		break;
	default: /* m: a message, no row */
		a->op = 0;
	}
	return 0;
}

static int
schemas_of(struct planner *p, struct parts *a, const struct kc_rec *r,
    struct kc_err *e)
{
	if (r->key_schema.p != NULL &&
	    (a->keys = kc_schemas_get(p->schemas, r->key_schema, e)) == NULL)
		return -1;
	if (r->value_schema.p != NULL &&
	    (a->values = kc_schemas_get(p->schemas, r->value_schema, e)) == NULL)
		return -1;
	return 0;
}

/* A member of Debezium's envelope comes first in one. */
static bool
maybe_envelope(struct kc_span value)
{
	struct kc_json_it it;
	struct kc_span k, x;

	if (kc_json_open(&it, value) != 0 || kc_json_member(&it, &k, &x) != 1)
		return false;
	return kc_span_is(k, "before") || kc_span_is(k, "after") ||
	    kc_span_is(k, "op") || kc_span_is(k, "source") ||
	    kc_span_is(k, "ts_ms") || kc_span_is(k, "transaction");
}

static int
take_value(struct planner *p, struct parts *a, const struct kc_rec *r,
    struct kc_err *e)
{
	struct envelope v;
	const struct kc_schema *s = a->values;

	if (kc_json_is_null(r->value)) {
		a->op = 'd';
		if (p->o->confluent && !p->o->deletes)
			return kc_fail(e, KC_DATA,
			    "the value is null: a delete; set delete.enabled=true and "
			    "pk.mode=record_key, or drop such records before");
		return 0;
	}
	if (r->value.p[0] != '{')
		return kc_fail(e, KC_DATA, "the value is not an object but %.*s: rows "
		    "have named fields", (int)(r->value.n < 40 ? r->value.n : 40),
		    r->value.p);
	bool known = s != NULL;
	if ((known ? envelope_schema(s) : maybe_envelope(r->value)) &&
	    open_envelope(r->value, &v)) {
		if (known)
			a->values = s->fields[kc_schema_field(s, KC_LIT("after"))].schema;
		return take_envelope(a, &v, e);
	}
	if (!known && kc_json_get(r->value, "schema").p != NULL &&
	    kc_json_get(r->value, "payload").p != NULL)
		return kc_fail(e, KC_DATA, "the value carries its schema (JsonConverter "
		    "with schemas.enable=true): put kc-convert -r before kc-jdbcsink");
	a->op = 'p';
	a->row = r->value;
	return 0;
}

static int
take_apart(struct planner *p, struct parts *a, const struct kc_rec *r,
    struct kc_err *e)
{
	memset(a, 0, sizeof *a);
	a->rec = r;
	if (r->value_bytes.p != NULL || r->key_bytes.p != NULL)
		return kc_fail(e, KC_DATA, "key or value is still in wire bytes: put "
		    "kc-convert -r before kc-jdbcsink");
	if (schemas_of(p, a, r, e) != 0)
		return -1;
	if (housekeeping(r->topic, a->values))
		return 0;
	return take_value(p, a, r, e);
}

/* ---- making a plan ---- */

static int
slot_add(struct plan *pl, const char *name, size_t len,
    const struct kc_schema *s, struct kc_err *e)
{
	if (pl->n == COLUMNS_MAX)
		return kc_fail(e, KC_DATA, "more than %d columns", COLUMNS_MAX);
	if (pl->n % 32 == 0)
		pl->slots = kc_xrealloc(pl->slots, (pl->n + 32) * sizeof *pl->slots);
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
	m->v[m->n++] = (struct member){ kc_xstrndup(name.p, name.n), name.n, slot };
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
	struct plan *pl = NULL;
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

static const struct kc_schema kafka_schemas[] = {
	{ .type = KC_STRING }, { .type = KC_INT32 }, { .type = KC_INT64 }
};

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
		return kc_fail(e, KC_DATA, "the record has no key, and pk.mode=record_key "
		    "takes the primary key from it");
	bool object = m->a->keys != NULL ? m->a->keys->type == KC_STRUCT :
					   r->key.p[0] == '{';
	if (object)
		return each_field(m->a->keys, r->key, key_field, m, e);
	if (!pk_listed(o) || o->pk_fields[1] != NULL)
		return kc_fail(e, KC_DATA, "the key is a plain value: %.*s; pk.fields must "
		    "name the one column it goes to",
		    (int)(r->key.n < 40 ? r->key.n : 40), r->key.p);
	m->pl->whole_key = slot_add(m->pl, o->pk_fields[0], strlen(o->pk_fields[0]),
	    m->a->keys, e);
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
			return kc_fail(e, KC_DATA, "pk.fields: %s: the record's %s has no "
			    "such field", *f, o->pk == PK_KEY ? "key" : "value");
	if (o->pk == PK_VALUE && pl->nkeys == 0)
		return kc_fail(e, KC_DATA, "pk.mode=record_value: pk.fields names no "
		    "field of the value");
	if (m->a->row.p == NULL)
		return 0;
	if (each_field(m->a->values, m->a->row, value_field, m, e) != 0)
		return -1;
	return pl->n > 0 ? 0 : kc_fail(e, KC_DATA, "no field is left to be written");
}

static struct table *
table_of(struct planner *p, const char *name)
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

static int
table_for(struct planner *p, const struct parts *a, struct kc_err *e)
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

/* 1: a plan, 0: nothing to do, -1. */
static int
plan_make(struct planner *p, const struct parts *a, struct kc_err *e)
{
	struct plan *pl = kc_xcalloc(1, sizeof *pl);
	struct making m = { p, pl, a };
	int rc;

	pl->whole_key = -1;
	pl->deletes_only = a->row.p == NULL;
	if ((!p->by_source && table_for(p, a, e) != 0) || make_slots(&m, e) != 0) {
		plan_free(pl);
		return -1;
	}
	pl->t = table_of(p, kc_buf_str(&p->name));
	rc = bind(p, pl, e);
	if (rc != 0) {
		plan_free(pl);
		return rc < 0 ? -1 : 0;
	}
	remember(pl, a->rec, p->by_source ? KC_BUF_SPAN(&p->name) :
					    (struct kc_span){ NULL, 0 });
	p->plans = kc_xrealloc(p->plans, (p->n + 1) * sizeof *p->plans);
	p->plans[p->n] = pl;
	p->last = p->n++;
	return 1;
}

/* ---- records through a plan ---- */

/* Spans of an object's members by slot; false: not the members planned. */
static bool
collect(struct planner *p, const struct members *m, struct kc_span obj,
    bool exact, int *bad)
{
	struct kc_json_it it;
	struct kc_span k, x;
	size_t i = 0, seen = 0;
	int rc;

	if (obj.p == NULL || obj.p[0] != '{' || kc_json_open(&it, obj) != 0)
		return m->n == 0;
	while ((rc = kc_json_member(&it, &k, &x)) == 1) {
		size_t at = i;
		for (; at < m->n; at++)
			if (m->v[at].len == k.n && memcmp(m->v[at].name, k.p, k.n) == 0)
				break;
		if (at == m->n && !exact)
			for (at = 0; at < i; at++)
				if (m->v[at].len == k.n &&
				    memcmp(m->v[at].name, k.p, k.n) == 0)
					break;
		if (at == m->n || (exact && at != i)) {
			if (exact)
				return false;
			continue;
		}
		if (m->v[at].slot >= 0)
			p->vals[m->v[at].slot] = x;
		i = at + 1;
		seen++;
	}
	*bad |= rc < 0;
	return !exact || seen == m->n;
}

static bool
fits(struct planner *p, const struct plan *pl, const struct parts *a, int *bad)
{
	if (pl->deletes_only != (a->row.p == NULL) && a->row.p != NULL)
		return false;
	memset(p->vals, 0, pl->n * sizeof *p->vals);
	if (pl->whole_key >= 0)
		p->vals[pl->whole_key] = a->rec->key;
	else if (pl->key.n > 0 &&
	    !collect(p, &pl->key, a->rec->key, a->keys == NULL, bad))
		return false;
	if (a->row.p == NULL)
		return true;
	return collect(p, &pl->value, a->row, a->values == NULL, bad);
}

/* The plan for a record, its values in p->vals; 1, 0: nothing to do, -1. */
static int
plan_find(struct planner *p, const struct parts *a, struct plan **out,
    struct kc_err *e)
{
	struct kc_span name = { NULL, 0 };
	const struct kc_rec *r = a->rec;
	int bad = 0, rc;

	if (p->by_source) {
		if (table_for(p, a, e) != 0)
			return -1;
		name = KC_BUF_SPAN(&p->name);
	}
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < p->n; i++) {
			struct plan *pl = p->plans[(p->last + i) % p->n];
			if (kc_span_eq(pl->topic, r->topic) && kc_span_eq(pl->vid, r->value_schema) &&
			    kc_span_eq(pl->kid, r->key_schema) && kc_span_eq(pl->name, name) &&
			    fits(p, pl, a, &bad)) {
				p->last = (p->last + i) % p->n;
				*out = pl;
				return bad ? kc_fail(e, KC_DATA, "malformed JSON") : 1;
			}
		}
		if (turn == 0 && (rc = plan_make(p, a, e)) <= 0)
			return rc;
	}
	return kc_fail(e, KC_DATA, "an object names a member twice");
}

static int
kafka_values(struct planner *p, const struct kc_rec *r, struct kc_err *e)
{
	struct kc_span part, off;

	if (r->source.p == NULL || !kc_position_split(r->source, &part, &off) ||
	    (p->vals[1] = kc_json_get(part, "kafka_partition")).p == NULL ||
	    (p->vals[2] = kc_json_get(off, "kafka_offset")).p == NULL)
		return kc_fail(e, KC_DATA, "pk.mode=kafka: the record does not come from "
		    "Kafka: its source has no kafka_partition and kafka_offset");
	p->vals[0] = kc_json_get(part, "kafka_topic");
	return 0;
}

static int
header_values(struct planner *p, const struct plan *pl, const struct kc_rec *r,
    struct kc_err *e)
{
	struct kc_json_it it, in;
	struct kc_span h, name, val;

	if (r->headers.p != NULL && kc_json_open(&it, r->headers) == 0)
		while (kc_json_item(&it, &h) == 1)
			if (kc_json_open(&in, h) == 0 && kc_json_item(&in, &name) == 1 &&
			    kc_json_is_str(name) && kc_json_item(&in, &val) == 1)
				for (size_t i = 0; i < pl->nkeys; i++)
					if (kc_span_is(kc_json_inner(name), pl->slots[i].name))
						p->vals[i] = val;
	for (size_t i = 0; i < pl->nkeys; i++)
		if (p->vals[i].p == NULL)
			return kc_fail(e, KC_DATA, "pk.mode=record_header: the record has no "
			    "header %s", pl->slots[i].name);
	return 0;
}

static int
put_value(struct work *w, const struct slot *s, struct kc_span v,
    struct kc_err *e)
{
	struct kc_buf *b = &w->data;
	uint32_t n = ROW_NULL;
	size_t at = b->len;

	kc_buf_put(b, &n, sizeof n);
	if (!kc_json_is_null(v)) {
		if (s->convert(s, v, b, e) != 0)
			return -1;
		if (b->len - at - sizeof n >= ROW_NULL)
			return kc_fail(e, KC_DATA, "field %s: larger than 4 GiB", s->name);
		n = (uint32_t)(b->len - at - sizeof n);
		memcpy(b->p + at, &n, sizeof n);
	}
	kc_buf_putc(b, '\0');
	return 0;
}

static bool
is_unchanged(struct kc_span list, const char *name)
{
	struct kc_json_it it;
	struct kc_span x;

	if (kc_json_open(&it, list) != 0)
		return false;
	while (kc_json_item(&it, &x) == 1)
		if (kc_json_is_str(x) && kc_span_is(kc_json_inner(x), name))
			return true;
	return false;
}

static int
put_row(struct planner *p, struct work *w, const struct plan *pl, size_t n,
    const struct parts *a, uint32_t seq, struct kc_err *e)
{
	struct kc_span unchanged = a->rec->unchanged;
	struct shape *shape = n == pl->n ? pl->shape : pl->keyshape;
	bool partial = n > pl->nkeys && unchanged.p != NULL && unchanged.n > 2;
	size_t used = 0;

	row_begin(w);
	for (size_t i = 0; i < n; i++) {
		const struct slot *s = &pl->slots[i];
		if (partial && i >= pl->nkeys && is_unchanged(unchanged, s->name))
			continue;
		if (partial)
			p->cols[used++] = s->col;
		if (i < pl->nkeys && kc_json_is_null(p->vals[i]))
			return kc_fail(e, KC_DATA, "table %s: column %s: is null, and it is "
			    "part of the primary key", pl->t->shown, s->name);
		if (put_value(w, s, p->vals[i], e) != 0)
			return kc_fail_in(e, "table %s: column %s: ", pl->t->shown,
			    pl->t->cols[s->col].name);
		if (i + 1 == pl->nkeys)
			w->row.keylen = (uint32_t)(w->data.len - w->row.at);
	}
	if (partial)
		shape = shape_get(pl->t, p->cols, used, pl->nkeys, used < n);
	row_end(w, shape, n == pl->nkeys && a->op == 'd' ? ROW_DELETE : ROW_PUT, seq,
	    p->o);
	return 0;
}

static int
truncate_row(struct planner *p, struct work *w, const struct parts *a,
    uint32_t seq, struct kc_err *e)
{
	struct table *t;

	if (table_for(p, a, e) != 0)
		return -1;
	t = table_of(p, kc_buf_str(&p->name));
	if (!t->exists) {
		p->idle(p->arg);
		if (run_connect(p->db, e) != 0 || p->db->d->describe(p->db, t, e) != 0)
			return -1;
		if (!t->exists)
			return 0;
	}
	row_begin(w);
	row_end(w, shape_get(t, NULL, 0, 0, false), ROW_TRUNCATE, seq, p->o);
	return 0;
}

static int
record(struct planner *p, struct work *w, const struct kc_rec *r, uint32_t seq,
    struct kc_err *e)
{
	struct parts a;
	struct plan *pl = NULL;
	int rc;

	if (take_apart(p, &a, r, e) != 0)
		return -1;
	if (a.op == 0 || (a.op == 'd' && !p->o->deletes) ||
	    (a.op == 't' && !p->o->truncates) ||
	    (a.op == 'd' && p->by_source && a.source.p == NULL))
		return 0; /* the last: a tombstone, after its delete */
	if (a.op == 't')
		return truncate_row(p, w, &a, seq, e);
	if ((rc = plan_find(p, &a, &pl, e)) <= 0)
		return rc;
	if (p->o->pk == PK_KAFKA && kafka_values(p, r, e) != 0)
		return -1;
	if (p->o->pk == PK_HEADER && header_values(p, pl, r, e) != 0)
		return -1;
	return put_row(p, w, pl, a.op == 'd' ? pl->nkeys : pl->n, &a, seq, e);
}

int
plan_record(struct planner *p, struct work *w, const struct kc_rec *r,
    uint32_t seq, struct kc_err *e)
{
	size_t at = w->data.len;

	if (record(p, w, r, seq, e) == 0)
		return 0;
	w->data.len = at;
	return kc_fail_in(e, "record of topic %.*s, key %.*s: ",
	    (int)(r->topic.n < 200 ? r->topic.n : 200), r->topic.p,
	    r->key.p == NULL ? 4 : (int)(r->key.n < 150 ? r->key.n : 150),
	    r->key.p == NULL ? "none" : r->key.p);
}

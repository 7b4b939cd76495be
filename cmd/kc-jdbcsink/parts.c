/* What a record says: an upsert or a delete of a row, a truncate, or nothing. */
#include "json.h"
#include "plan.h"

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

	if (topic.n >= sizeof beat - 1 &&
	    memcmp(topic.p, beat, sizeof beat - 1) == 0)
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
			    "a change event with op %c needs the row in \"after\"",
			    a->op);
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
		return kc_fail(e, KC_DATA,
		    "the value is not an object but %.*s: rows "
		    "have named fields",
		    (int)(r->value.n < 40 ? r->value.n : 40), r->value.p);
	bool known = s != NULL;
	if ((known ? envelope_schema(s) : maybe_envelope(r->value)) &&
	    open_envelope(r->value, &v)) {
		if (known)
			a->values =
			    s->fields[kc_schema_field(s, KC_LIT("after"))].schema;
		return take_envelope(a, &v, e);
	}
	if (!known && kc_json_get(r->value, "schema").p != NULL &&
	    kc_json_get(r->value, "payload").p != NULL)
		return kc_fail(e, KC_DATA,
		    "the value carries its schema (JsonConverter "
		    "with schemas.enable=true): put kc-convert -r before kc-jdbcsink");
	a->op = 'p';
	a->row = r->value;
	return 0;
}

int
take_apart(struct planner *p, struct parts *a, const struct kc_rec *r,
    struct kc_err *e)
{
	memset(a, 0, sizeof *a);
	a->rec = r;
	if (r->value_bytes.p != NULL || r->key_bytes.p != NULL)
		return kc_fail(e, KC_DATA,
		    "key or value is still in wire bytes: put "
		    "kc-convert -r before kc-jdbcsink");
	if (schemas_of(p, a, r, e) != 0)
		return -1;
	if (housekeeping(r->topic, a->values))
		return 0;
	return take_value(p, a, r, e);
}

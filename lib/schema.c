/*
 * Connect schemas in JsonConverter's JSON form: parsed once, written back in
 * the canonical member order that gives a schema its id (kc-envelope(5)).
 */
#include "schema.h"

#include <stdlib.h>

#include "json.h"
#include "num.h"

static const char *const type_names[] = {
	[KC_INT8] = "int8",
	[KC_INT16] = "int16",
	[KC_INT32] = "int32",
	[KC_INT64] = "int64",
	[KC_FLOAT32] = "float",
	[KC_FLOAT64] = "double",
	[KC_BOOLEAN] = "boolean",
	[KC_STRING] = "string",
	[KC_BYTES] = "bytes",
	[KC_ARRAY] = "array",
	[KC_MAP] = "map",
	[KC_STRUCT] = "struct",
};
#define NTYPES (sizeof type_names / sizeof *type_names)

#define CONNECT "org.apache.kafka.connect.data."
#define DEBEZIUM "io.debezium."
static const struct {
	const char *name;
	enum kc_logical logical;
} logical_names[] = {
	{ CONNECT "Decimal", KC_L_DECIMAL },
	{ CONNECT "Date", KC_L_DATE },
	{ CONNECT "Time", KC_L_TIME },
	{ CONNECT "Timestamp", KC_L_TIMESTAMP },
	{ DEBEZIUM "time.Date", KC_L_DBZ_DATE },
	{ DEBEZIUM "time.Time", KC_L_DBZ_TIME },
	{ DEBEZIUM "time.MicroTime", KC_L_DBZ_MICROTIME },
	{ DEBEZIUM "time.NanoTime", KC_L_DBZ_NANOTIME },
	{ DEBEZIUM "time.Timestamp", KC_L_DBZ_TIMESTAMP },
	{ DEBEZIUM "time.MicroTimestamp", KC_L_DBZ_MICROTIMESTAMP },
	{ DEBEZIUM "time.NanoTimestamp", KC_L_DBZ_NANOTIMESTAMP },
	{ DEBEZIUM "time.ZonedTimestamp", KC_L_DBZ_ZONEDTIMESTAMP },
	{ DEBEZIUM "time.ZonedTime", KC_L_DBZ_ZONEDTIME },
	{ DEBEZIUM "time.Year", KC_L_DBZ_YEAR },
	{ DEBEZIUM "time.Interval", KC_L_DBZ_INTERVAL },
	{ DEBEZIUM "time.MicroDuration", KC_L_DBZ_MICRODURATION },
	{ DEBEZIUM "data.Json", KC_L_DBZ_JSON },
	{ DEBEZIUM "data.Xml", KC_L_DBZ_XML },
	{ DEBEZIUM "data.Uuid", KC_L_DBZ_UUID },
	{ DEBEZIUM "data.Enum", KC_L_DBZ_ENUM },
	{ DEBEZIUM "data.EnumSet", KC_L_DBZ_ENUMSET },
	{ DEBEZIUM "data.Bits", KC_L_DBZ_BITS },
	{ DEBEZIUM "data.Ltree", KC_L_DBZ_LTREE },
	{ DEBEZIUM "data.geometry.Point", KC_L_DBZ_POINT },
	{ DEBEZIUM "data.geometry.Geometry", KC_L_DBZ_GEOMETRY },
	{ DEBEZIUM "data.geometry.Geography", KC_L_DBZ_GEOGRAPHY },
	{ DEBEZIUM "data.VariableScaleDecimal", KC_L_DBZ_VARIABLESCALEDECIMAL },
};

const char *
kc_type_name(enum kc_type t)
{
	return type_names[t];
}

static enum kc_logical
logical_of(const char *name)
{
	for (size_t i = 0; i < sizeof logical_names / sizeof *logical_names; i++)
		if (strcmp(logical_names[i].name, name) == 0)
			return logical_names[i].logical;
	return strncmp(name, DEBEZIUM, strlen(DEBEZIUM)) == 0 ? KC_L_DBZ_OTHER :
								KC_L_NONE;
}

static int
parse_type(struct kc_schema *s, struct kc_span v, struct kc_err *e)
{
	struct kc_span name = kc_json_is_str(v) ? kc_json_inner(v) : v;

	if (kc_span_is(name, "float32") || kc_span_is(name, "float64")) {
		s->type = name.p[5] == '3' ? KC_FLOAT32 : KC_FLOAT64;
		return 0;
	}
	for (size_t i = 0; i < NTYPES; i++)
		if (kc_span_is(name, type_names[i])) {
			s->type = (enum kc_type)i;
			return 0;
		}
	return kc_fail(e, KC_DATA,
	    "schema: type %.*s is none of Connect's; "
	    "int8 int16 int32 int64 float double boolean string bytes array map struct are",
	    (int)v.n, v.p);
}

static struct kc_schema *parse(struct kc_span json, char **field, int depth,
    struct kc_err *e);

static int
parse_fields(struct kc_schema *s, struct kc_span v, int depth, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span f;
	size_t cap = s->nfields;
	int rc;

	if (kc_json_open(&it, v) != 0 || v.p[0] != '[')
		return kc_fail(e, KC_DATA, "schema: \"fields\" must be an array");
	while ((rc = kc_json_item(&it, &f)) == 1) {
		if (s->nfields == cap) {
			cap = cap * 2 + 8;
			s->fields = kc_xrealloc(s->fields,
			    cap * sizeof *s->fields);
		}
		struct kc_field *to = &s->fields[s->nfields];
		to->name = NULL;
		to->schema = parse(f, &to->name, depth + 1, e);
		if (to->schema != NULL && to->name == NULL) {
			kc_schema_free(to->schema);
			return kc_fail(e, KC_DATA,
			    "schema: field %zu has no \"field\" name",
			    s->nfields);
		}
		if (to->schema == NULL) {
			free(to->name);
			return -1;
		}
		s->nfields++;
	}
	return rc == 0 ? 0 : kc_fail(e, KC_DATA, "schema: malformed \"fields\"");
}

static int
parse_params(struct kc_schema *s, struct kc_span v, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span key, val;
	size_t cap = s->nparams;
	int rc;

	if (kc_json_is_null(v))
		return 0;
	if (kc_json_open(&it, v) != 0 || v.p[0] != '{')
		return kc_fail(e, KC_DATA,
		    "schema: \"parameters\" must be an object");
	while ((rc = kc_json_member(&it, &key, &val)) == 1) {
		struct kc_buf name = { 0 };
		char *text = kc_json_strdup(val);
		if (kc_json_unescape(&name, key) != 0 || text == NULL) {
			kc_buf_release(&name);
			free(text);
			return kc_fail(e, KC_DATA,
			    "schema: parameter %.*s must be a string",
			    (int)key.n, key.p);
		}
		if (s->nparams == cap) {
			cap = cap * 2 + 4;
			s->params = kc_xrealloc(s->params,
			    cap * sizeof *s->params);
		}
		s->params[s->nparams].name = kc_buf_str(&name);
		s->params[s->nparams++].value = text;
	}
	return rc == 0 ? 0 :
			 kc_fail(e, KC_DATA, "schema: malformed \"parameters\"");
}

static int
parse_text(char **to, struct kc_span v, const char *what, struct kc_err *e)
{
	if (kc_json_is_null(v))
		return 0;
	free(*to);
	*to = kc_json_strdup(v);
	if (*to == NULL)
		return kc_fail(e, KC_DATA, "schema: \"%s\" must be a string",
		    what);
	return 0;
}

static int
parse_member(struct kc_schema *s, struct kc_span key, struct kc_span v,
    char **field, int depth, struct kc_err *e)
{
	struct kc_schema **sub = NULL;
	int64_t n;

	if (kc_span_is(key, "type"))
		return parse_type(s, v, e);
	if (kc_span_is(key, "optional")) {
		s->optional = kc_span_is(v, "true");
	} else if (kc_span_is(key, "name")) {
		return parse_text(&s->name, v, "name", e);
	} else if (kc_span_is(key, "doc")) {
		return parse_text(&s->doc, v, "doc", e);
	} else if (kc_span_is(key, "field")) {
		return parse_text(field, v, "field", e);
	} else if (kc_span_is(key, "version")) {
		if (!kc_json_is_null(v) && !kc_parse_i64(v, &n))
			return kc_fail(e, KC_DATA,
			    "schema: \"version\" must be an integer");
		s->version = kc_json_is_null(v) ? 0 : (int)n;
	} else if (kc_span_is(key, "parameters")) {
		return parse_params(s, v, e);
	} else if (kc_span_is(key, "default")) {
		struct kc_buf b = { 0 };
		if (!kc_json_valid(v))
			return kc_fail(e, KC_DATA,
			    "schema: malformed \"default\"");
		kc_json_compact(&b, v);
		free(s->def);
		s->def = kc_json_is_null(v) ? NULL : kc_xstrdup(kc_buf_str(&b));
		kc_buf_release(&b);
	} else if (kc_span_is(key, "fields")) {
		return parse_fields(s, v, depth, e);
	} else if (kc_span_is(key, "items")) {
		sub = &s->items;
	} else if (kc_span_is(key, "keys")) {
		sub = &s->keys;
	} else if (kc_span_is(key, "values")) {
		sub = &s->values;
	}
	if (sub != NULL) {
		char *unused = NULL;
		kc_schema_free(*sub);
		*sub = parse(v, &unused, depth + 1, e);
		free(unused);
		return *sub == NULL ? -1 : 0;
	}
	return 0;
}

static int
complete(struct kc_schema *s, bool typed, struct kc_err *e)
{
	if (!typed)
		return kc_fail(e, KC_DATA, "schema: no \"type\"");
	if (s->type == KC_ARRAY && s->items == NULL)
		return kc_fail(e, KC_DATA, "schema: an array needs \"items\"");
	if (s->type == KC_MAP && (s->keys == NULL || s->values == NULL))
		return kc_fail(e, KC_DATA,
		    "schema: a map needs \"keys\" and \"values\"");
	if (s->name != NULL)
		s->logical = logical_of(s->name);
	if (s->logical == KC_L_DECIMAL) {
		const char *scale = kc_schema_param(s, "scale");
		int64_t n;
		if (scale == NULL ||
		    !kc_parse_i64((struct kc_span){ scale, strlen(scale) }, &n) ||
		    n < -100000 || n > 100000)
			return kc_fail(e, KC_DATA,
			    "schema: Decimal with scale %s: "
			    "the parameter \"scale\" must be an integer",
			    scale == NULL ? "(none)" : scale);
		s->scale = (int)n;
	}
	return 0;
}

static struct kc_schema *
parse(struct kc_span json, char **field, int depth, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span key, val;
	bool typed = false;
	int rc;

	if (json.p == NULL || kc_json_open(&it, json) != 0 || json.p[0] != '{') {
		kc_fail(e, KC_DATA, "schema: not an object: %.*s",
		    (int)(json.n < 40 ? json.n : 40),
		    json.p == NULL ? "" : json.p);
		return NULL;
	}
	if (depth > 100) {
		kc_fail(e, KC_DATA, "schema: nested more than 100 deep");
		return NULL;
	}
	struct kc_schema *s = kc_xcalloc(1, sizeof *s);
	while ((rc = kc_json_member(&it, &key, &val)) == 1) {
		typed |= kc_span_is(key, "type");
		if (parse_member(s, key, val, field, depth, e) != 0)
			goto fail;
	}
	if (rc != 0) {
		kc_fail(e, KC_DATA, "schema: malformed JSON");
		goto fail;
	}
	if (complete(s, typed, e) != 0)
		goto fail;
	return s;
fail:
	kc_schema_free(s);
	return NULL;
}

struct kc_schema *
kc_schema_parse(struct kc_span json, struct kc_err *e)
{
	char *field = NULL;
	struct kc_schema *s = parse(json, &field, 0, e);

	free(field);
	if (s == NULL)
		return NULL;
	kc_schema_text(&s->text, s, NULL);
	kc_sha256_id(s->id, KC_BUF_SPAN(&s->text));
	return s;
}

void
kc_schema_free(struct kc_schema *s)
{
	if (s == NULL)
		return;
	if (s->free_plan != NULL)
		s->free_plan(s->plan);
	for (size_t i = 0; i < s->nfields; i++) {
		free(s->fields[i].name);
		kc_schema_free(s->fields[i].schema);
	}
	for (size_t i = 0; i < s->nparams; i++) {
		free(s->params[i].name);
		free(s->params[i].value);
	}
	free(s->fields);
	free(s->params);
	free(s->name);
	free(s->doc);
	free(s->def);
	kc_schema_free(s->items);
	kc_schema_free(s->keys);
	kc_schema_free(s->values);
	kc_buf_release(&s->text);
	free(s);
}

static void
put_text(struct kc_buf *b, const char *member, const char *text)
{
	if (text == NULL)
		return;
	kc_buf_printf(b, ",\"%s\":", member);
	kc_json_str(b, text, strlen(text));
}

static void
put_params(struct kc_buf *b, const struct kc_schema *s)
{
	if (s->nparams == 0)
		return;
	kc_buf_lit(b, ",\"parameters\":{");
	for (size_t i = 0; i < s->nparams; i++) {
		if (i > 0)
			kc_buf_putc(b, ',');
		kc_json_str(b, s->params[i].name, strlen(s->params[i].name));
		kc_buf_putc(b, ':');
		kc_json_str(b, s->params[i].value, strlen(s->params[i].value));
	}
	kc_buf_putc(b, '}');
}

void
kc_schema_text(struct kc_buf *b, const struct kc_schema *s, const char *field)
{
	kc_buf_printf(b, "{\"type\":\"%s\",\"optional\":%s",
	    type_names[s->type], s->optional ? "true" : "false");
	put_text(b, "name", s->name);
	if (s->version != 0)
		kc_buf_printf(b, ",\"version\":%d", s->version);
	put_text(b, "doc", s->doc);
	put_params(b, s);
	if (s->def != NULL) {
		kc_buf_lit(b, ",\"default\":");
		kc_buf_puts(b, s->def);
	}
	if (s->type == KC_STRUCT) {
		kc_buf_lit(b, ",\"fields\":[");
		for (size_t i = 0; i < s->nfields; i++) {
			if (i > 0)
				kc_buf_putc(b, ',');
			kc_schema_text(b, s->fields[i].schema, s->fields[i].name);
		}
		kc_buf_putc(b, ']');
	} else if (s->type == KC_ARRAY) {
		kc_buf_lit(b, ",\"items\":");
		kc_schema_text(b, s->items, NULL);
	} else if (s->type == KC_MAP) {
		kc_buf_lit(b, ",\"keys\":");
		kc_schema_text(b, s->keys, NULL);
		kc_buf_lit(b, ",\"values\":");
		kc_schema_text(b, s->values, NULL);
	}
	put_text(b, "field", field);
	kc_buf_putc(b, '}');
}

int
kc_schema_field(const struct kc_schema *s, struct kc_span name)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (kc_span_is(name, s->fields[i].name))
			return (int)i;
	return -1;
}

const char *
kc_schema_param(const struct kc_schema *s, const char *name)
{
	for (size_t i = 0; i < s->nparams; i++)
		if (strcmp(s->params[i].name, name) == 0)
			return s->params[i].value;
	return NULL;
}

static struct kc_schema *
lookup(struct kc_schemas *t, struct kc_span id)
{
	if (t->last != NULL && kc_span_is(id, t->last->id))
		return t->last;
	for (size_t i = 0; i < t->n; i++)
		if (kc_span_is(id, t->v[i]->id))
			return t->last = t->v[i];
	return NULL;
}

int
kc_schemas_learn(struct kc_schemas *t, const struct kc_rec *r, struct kc_err *e)
{
	if (r->id.n > 16)
		return kc_fail(e, KC_DATA,
		    "schema %.*s: an id has at most 16 characters",
		    (int)(r->id.n < 40 ? r->id.n : 40), r->id.p);
	if (lookup(t, r->id) != NULL)
		return 0;
	struct kc_schema *s = kc_schema_parse(r->schema, e);
	if (s == NULL)
		return kc_fail_in(e, "schema %.*s: ", (int)r->id.n, r->id.p);
	/* Someone may have given it another id: it is known by that one. */
	memcpy(s->id, r->id.p, r->id.n);
	s->id[r->id.n] = '\0';
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 16;
		t->v = kc_xrealloc(t->v, t->cap * sizeof *t->v);
	}
	t->v[t->n++] = s;
	return 0;
}

struct kc_schema *
kc_schemas_get(struct kc_schemas *t, struct kc_span id, struct kc_err *e)
{
	struct kc_schema *s = lookup(t, id);

	if (s == NULL)
		kc_fail(e, KC_DATA,
		    "schema %.*s was never announced: its "
		    "{\"schema\":…} line was lost on the way (a filter dropped it?); "
		    "let lines that begin with {\"schema\" pass",
		    (int)(id.n < 40 ? id.n : 40), id.p);
	return s;
}

void
kc_schemas_release(struct kc_schemas *t)
{
	for (size_t i = 0; i < t->n; i++)
		kc_schema_free(t->v[i]);
	free(t->v);
	memset(t, 0, sizeof *t);
}

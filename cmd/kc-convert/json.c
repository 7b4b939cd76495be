/*
 * JsonConverter, both ways. A value is walked only where a Decimal or a default
 * is below it; everything else is copied as it stands. Shapes are those of
 * org.apache.kafka.connect.json.JsonConverter.
 */
#include <stdlib.h>

#include "convert.h"
#include "json.h"
#include "num.h"

/* What a schema asks of its values, compiled at its first use. */
struct plan {
	bool walk; /* something below is not copied */
	bool decimal;
	int scale;
	char *def;	     /* for null; NULL: null stays null */
	struct plan *fields; /* struct: one each; array: items; map: keys, values */
	struct kc_buf envelope; /* forward: `{"schema":…,"payload":` */
};

struct walk {
	struct converter *c;
	bool back;
	struct kc_buf *out;
	struct kc_err *e;
};

static int put_value(struct walk *w, const struct kc_schema *s,
    const struct plan *p, struct kc_span v);

/* ---- decimals ---- */

static int
decimal_forward(struct walk *w, const struct plan *p, struct kc_span v)
{
	struct kc_buf *bytes = &w->c->scratch;

	if (!kc_json_is_str(v))
		return kc_fail(w->e, KC_DATA,
		    "Decimal: must be a string with its "
		    "digits, is %.*s",
		    v.n > 40 ? 40 : (int)v.n, v.p);
	if (w->c->numeric) {
		kc_buf_span(w->out, kc_json_inner(v));
		return 0;
	}
	kc_buf_reset(bytes);
	if (kc_decimal_bytes(bytes, kc_json_inner(v), p->scale, w->e) != 0)
		return -1;
	kc_buf_putc(w->out, '"');
	kc_buf_b64(w->out, bytes->p, bytes->len);
	kc_buf_putc(w->out, '"');
	return 0;
}

/* Base64, or a number when the other side has decimal.format=NUMERIC. */
static int
decimal_back(struct walk *w, const struct plan *p, struct kc_span v)
{
	struct kc_buf *bytes = &w->c->scratch;

	kc_buf_putc(w->out, '"');
	if (kc_json_is_str(v)) {
		kc_buf_reset(bytes);
		if (kc_b64_decode(bytes, kc_json_inner(v)) != 0)
			return kc_fail(w->e, KC_DATA,
			    "Decimal: %.*s is not base64",
			    v.n > 40 ? 40 : (int)v.n, v.p);
		kc_decimal_text(w->out, bytes->p, bytes->len, p->scale);
	} else {
		size_t at = w->out->len;
		kc_buf_reset(bytes);
		if (kc_decimal_bytes(bytes, v, p->scale, w->e) != 0)
			return -1;
		w->out->len = at;
		kc_decimal_text(w->out, bytes->p, bytes->len, p->scale);
	}
	kc_buf_putc(w->out, '"');
	return 0;
}

/* ---- plans ---- */

static void
compile(struct plan *p, const struct kc_schema *s, struct converter *c)
{
	size_t n = s->type == KC_STRUCT ? s->nfields :
	    s->type == KC_MAP		? 2 :
	    s->type == KC_ARRAY		? 1 :
					  0;

	p->decimal = s->logical == KC_L_DECIMAL;
	p->scale = s->scale;
	if (c->defaults && s->def != NULL)
		p->def = s->def;
	p->walk = p->decimal || p->def != NULL;
	p->fields = n == 0 ? NULL : kc_xcalloc(n, sizeof *p->fields);
	for (size_t i = 0; i < n; i++) {
		const struct kc_schema *sub = s->type == KC_STRUCT ?
		    s->fields[i].schema :
		    s->type == KC_ARRAY ? s->items :
		    i == 0		? s->keys :
					  s->values;
		compile(&p->fields[i], sub, c);
		p->walk |= p->fields[i].walk;
	}
}

static void
plan_release(struct plan *p, const struct kc_schema *s)
{
	size_t n = s->type == KC_STRUCT ? s->nfields :
	    s->type == KC_MAP		? 2 :
	    s->type == KC_ARRAY		? 1 :
					  0;

	for (size_t i = 0; i < n; i++)
		plan_release(&p->fields[i],
		    s->type == KC_STRUCT    ? s->fields[i].schema :
			s->type == KC_ARRAY ? s->items :
			i == 0		    ? s->keys :
					      s->values);
	free(p->fields);
	kc_buf_release(&p->envelope);
}

struct owned {
	struct plan plan;
	const struct kc_schema *schema;
};

static void
free_plan(void *arg)
{
	struct owned *o = arg;

	plan_release(&o->plan, o->schema);
	free(o);
}

static struct plan *
plan_of(struct kc_schema *s, struct converter *c)
{
	struct owned *o = s->plan;

	if (o == NULL) {
		o = kc_xcalloc(1, sizeof *o);
		o->schema = s;
		compile(&o->plan, s, c);
		s->plan = o;
		s->free_plan = free_plan;
	}
	return &o->plan;
}

/* ---- values ---- */

static int
put_struct(struct walk *w, const struct kc_schema *s, const struct plan *p,
    struct kc_span v)
{
	struct kc_json_it it;
	struct kc_span key, val;
	size_t next = 0;
	int rc;

	if (v.p[0] != '{' || kc_json_open(&it, v) != 0)
		return kc_fail(w->e, KC_DATA, "%s: must be an object, is %.*s",
		    s->name != NULL ? s->name : "struct",
		    v.n > 40 ? 40 : (int)v.n, v.p);
	kc_buf_putc(w->out, '{');
	while ((rc = kc_json_member(&it, &key, &val)) == 1) {
		if (w->out->p[w->out->len - 1] != '{')
			kc_buf_putc(w->out, ',');
		kc_buf_put(w->out, key.p - 1, key.n + 2);
		kc_buf_putc(w->out, ':');
		if (next >= s->nfields || !kc_span_is(key, s->fields[next].name)) {
			int at = kc_schema_field(s, key);
			next = at == -1 ? s->nfields : (size_t)at;
		}
		if (next >= s->nfields) {
			kc_buf_span(w->out, val);
			continue;
		}
		if (put_value(w, s->fields[next].schema, &p->fields[next],
			val) != 0)
			return kc_fail_in(w->e, "%s: ", s->fields[next].name);
		next++;
	}
	kc_buf_putc(w->out, '}');
	return rc == 0 ? 0 :
			 kc_fail(w->e, KC_DATA, "malformed JSON in %s",
			     s->name != NULL ? s->name : "a struct");
}

static int
put_array(struct walk *w, const struct kc_schema *s, const struct plan *p,
    struct kc_span v)
{
	struct kc_json_it it;
	struct kc_span item;
	int rc;

	if (v.p[0] != '[' || kc_json_open(&it, v) != 0)
		return kc_fail(w->e, KC_DATA, "must be an array, is %.*s",
		    v.n > 40 ? 40 : (int)v.n, v.p);
	kc_buf_putc(w->out, '[');
	while ((rc = kc_json_item(&it, &item)) == 1) {
		if (w->out->p[w->out->len - 1] != '[')
			kc_buf_putc(w->out, ',');
		if (put_value(w, s->items, &p->fields[0], item) != 0)
			return -1;
	}
	kc_buf_putc(w->out, ']');
	return rc == 0 ? 0 : kc_fail(w->e, KC_DATA, "malformed JSON in an array");
}

/* An object when keys are strings, else an array of [key, value]. */
static int
put_map(struct walk *w, const struct kc_schema *s, const struct plan *p,
    struct kc_span v)
{
	struct kc_json_it it, pair;
	struct kc_span key, val;
	bool object = v.p[0] == '{', first = true;
	int rc;

	if (kc_json_open(&it, v) != 0)
		return kc_fail(w->e, KC_DATA, "must be a map, is %.*s",
		    v.n > 40 ? 40 : (int)v.n, v.p);
	kc_buf_putc(w->out, v.p[0]);
	while ((rc = object ? kc_json_member(&it, &key, &val) :
			      kc_json_item(&it, &val)) == 1) {
		if (!first)
			kc_buf_putc(w->out, ',');
		first = false;
		if (object) {
			kc_buf_put(w->out, key.p - 1, key.n + 2);
			kc_buf_putc(w->out, ':');
		} else {
			if (kc_json_open(&pair, val) != 0 ||
			    kc_json_item(&pair, &key) != 1 ||
			    kc_json_item(&pair, &val) != 1)
				return kc_fail(w->e, KC_DATA,
				    "a map's entry must be "
				    "[key, value]");
			kc_buf_putc(w->out, '[');
			if (put_value(w, s->keys, &p->fields[0], key) != 0)
				return -1;
			kc_buf_putc(w->out, ',');
		}
		if (put_value(w, s->values, &p->fields[1], val) != 0)
			return -1;
		if (!object)
			kc_buf_putc(w->out, ']');
	}
	kc_buf_putc(w->out, object ? '}' : ']');
	return rc == 0 ? 0 : kc_fail(w->e, KC_DATA, "malformed JSON in a map");
}

/* A default is kept as data is: on its way out it is converted too. */
static int
put_default(struct walk *w, const struct kc_schema *s, const struct plan *p)
{
	struct plan plain = *p;
	struct kc_span def = { p->def, strlen(p->def) };

	plain.def = NULL;
	if (w->back || !p->walk) {
		kc_buf_span(w->out, def);
		return 0;
	}
	return put_value(w, s, &plain, def);
}

static int
put_value(struct walk *w, const struct kc_schema *s, const struct plan *p,
    struct kc_span v)
{
	if (!p->walk) {
		kc_buf_span(w->out, v);
		return 0;
	}
	if (kc_json_is_null(v)) {
		if (p->def != NULL)
			return put_default(w, s, p);
		kc_buf_lit(w->out, "null");
		return 0;
	}
	if (p->decimal)
		return w->back ? decimal_back(w, p, v) : decimal_forward(w, p, v);
	switch (s->type) {
	case KC_STRUCT:
		return put_struct(w, s, p, v);
	case KC_ARRAY:
		return put_array(w, s, p, v);
	case KC_MAP:
		return put_map(w, s, p, v);
	default:
		kc_buf_span(w->out, v);
		return 0;
	}
}

/* ---- schemas on the wire ---- */

static void
put_text(struct kc_buf *b, const char *member, const char *text)
{
	if (text == NULL)
		return;
	kc_buf_printf(b, ",\"%s\":", member);
	kc_json_str(b, text, strlen(text));
}

static int
put_schema(struct walk *w, const struct kc_schema *s, const char *field)
{
	struct kc_buf *b = w->out;
	struct plan plan = { 0 };
	int rc = 0;

	kc_buf_printf(b, "{\"type\":\"%s\"", kc_type_name(s->type));
	if (s->type == KC_STRUCT) {
		kc_buf_lit(b, ",\"fields\":[");
		for (size_t i = 0; rc == 0 && i < s->nfields; i++) {
			if (i > 0)
				kc_buf_putc(b, ',');
			rc = put_schema(w, s->fields[i].schema,
			    s->fields[i].name);
		}
		kc_buf_putc(b, ']');
	} else if (s->type == KC_ARRAY) {
		kc_buf_lit(b, ",\"items\":");
		rc = put_schema(w, s->items, NULL);
	} else if (s->type == KC_MAP) {
		kc_buf_lit(b, ",\"keys\":");
		rc = put_schema(w, s->keys, NULL);
		kc_buf_lit(b, ",\"values\":");
		rc = rc != 0 ? rc : put_schema(w, s->values, NULL);
	}
	kc_buf_puts(b,
	    s->optional ? ",\"optional\":true" : ",\"optional\":false");
	put_text(b, "name", s->name);
	if (s->version != 0)
		kc_buf_printf(b, ",\"version\":%d", s->version);
	put_text(b, "doc", s->doc);
	for (size_t i = 0; i < s->nparams; i++) {
		kc_buf_puts(b, i == 0 ? ",\"parameters\":{" : ",");
		kc_json_str(b, s->params[i].name, strlen(s->params[i].name));
		kc_buf_putc(b, ':');
		kc_json_str(b, s->params[i].value, strlen(s->params[i].value));
	}
	if (s->nparams > 0)
		kc_buf_putc(b, '}');
	if (rc == 0 && s->def != NULL) {
		kc_buf_lit(b, ",\"default\":");
		compile(&plan, s, w->c);
		plan.def = NULL;
		rc = put_value(w, s, &plan,
		    (struct kc_span){ s->def, strlen(s->def) });
		plan_release(&plan, s);
	}
	put_text(b, "field", field);
	kc_buf_putc(b, '}');
	return rc;
}

/* A schema from the wire: its defaults become data, as everywhere in a pipe. */
static int
defaults_back(struct walk *w, struct kc_schema *s)
{
	struct plan plan = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->nfields; i++)
		rc = defaults_back(w, s->fields[i].schema);
	if (rc == 0 && s->items != NULL)
		rc = defaults_back(w, s->items);
	if (rc == 0 && s->keys != NULL)
		rc = defaults_back(w, s->keys);
	if (rc == 0 && s->values != NULL)
		rc = defaults_back(w, s->values);
	if (rc != 0 || s->def == NULL)
		return rc;
	kc_buf_reset(w->out);
	compile(&plan, s, w->c);
	plan.def = NULL;
	rc = put_value(w, s, &plan, (struct kc_span){ s->def, strlen(s->def) });
	plan_release(&plan, s);
	if (rc == 0) {
		free(s->def);
		s->def = kc_xstrdup(kc_buf_str(w->out));
	}
	return rc;
}

int
json_schema_back(struct converter *c, struct kc_schema *s, struct kc_err *e)
{
	struct kc_buf text = { 0 };
	struct walk w = { c, true, &text, e };
	int rc = defaults_back(&w, s);

	kc_buf_release(&text);
	kc_buf_reset(&s->text);
	kc_schema_text(&s->text, s, NULL);
	kc_sha256_id(s->id, KC_BUF_SPAN(&s->text));
	return rc == 0 ? 0 : kc_fail_in(e, "a default in the schema: ");
}

/* ---- the two directions ---- */

int
json_forward(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	struct walk w = { c, false, &out->text, e };
	struct plan *p = in->schema == NULL ? NULL : plan_of(in->schema, c);

	if (in->bytes.p != NULL)
		return kc_fail(e, KC_DATA,
		    "%sBytes: was converted before; "
		    "JsonConverter takes data",
		    c->side);
	if (c->schemas_enable && p != NULL) {
		if (p->envelope.len == 0) {
			struct walk s = { c, false, &p->envelope, e };
			kc_buf_lit(&p->envelope, "{\"schema\":");
			if (put_schema(&s, in->schema, NULL) != 0) {
				kc_buf_reset(&p->envelope);
				return -1;
			}
			kc_buf_lit(&p->envelope, ",\"payload\":");
		}
		kc_buf_span(&out->text, KC_BUF_SPAN(&p->envelope));
	} else if (c->schemas_enable) {
		if (kc_json_is_null(in->data)) {
			kc_buf_lit(&out->text, "null");
			return 0;
		}
		kc_buf_lit(&out->text, "{\"schema\":null,\"payload\":");
	}
	if (p != NULL) {
		if (put_value(&w, in->schema, p, in->data) != 0)
			return -1;
	} else {
		kc_buf_span(&out->text, in->data);
	}
	if (c->schemas_enable)
		kc_buf_putc(&out->text, '}');
	return 0;
}

int
json_back(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	struct walk w = { c, true, &out->text, e };
	struct kc_json_it it;
	struct kc_span key, val, schema = { 0 }, payload = { 0 };
	int n = 0;

	if (in->bytes.p != NULL)
		return kc_fail(e, KC_DATA,
		    "%s: is not JSON; is this the converter the "
		    "topic was written with?",
		    c->side);
	if (!c->schemas_enable || kc_json_is_null(in->data)) {
		kc_buf_span(&out->text, in->data);
		return 0;
	}
	if (in->data.p[0] == '{' && kc_json_open(&it, in->data) == 0)
		for (; kc_json_member(&it, &key, &val) == 1; n++) {
			if (kc_span_is(key, "schema"))
				schema = val;
			else if (kc_span_is(key, "payload"))
				payload = val;
		}
	if (n != 2 || schema.p == NULL || payload.p == NULL)
		return kc_fail(e, KC_DATA,
		    "%s: JsonConverter with schemas.enable "
		    "requires \"schema\" and \"payload\" and nothing else; for plain JSON "
		    "set %s.converter.schemas.enable=false",
		    c->side, c->side);
	if (kc_json_is_null(schema)) {
		kc_buf_span(&out->text, payload);
		return 0;
	}
	out->schema = converter_schema(c, schema, &out->announce, e);
	if (out->schema == NULL)
		return -1;
	return put_value(&w, out->schema, plan_of(out->schema, c), payload);
}

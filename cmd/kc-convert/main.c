/*
 * kc-convert: what Connect's converters do, as a stage: data to what goes over
 * the wire, -r: back. JSON stays text in key and value, so that kc-produce
 * sends it as it is; other converters give keyBytes and valueBytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "convert.h"
#include "filter.h"
#include "json.h"

#define JSON_CONVERTER "org.apache.kafka.connect.json.JsonConverter"

static const struct converter_class classes[] = {
	{ JSON_CONVERTER, json_forward, json_back },
	{ "org.apache.kafka.connect.storage.StringConverter", string_forward,
	    string_back },
	{ "org.apache.kafka.connect.converters.ByteArrayConverter",
	    bytes_forward, bytes_back },
};
#define NCLASSES (sizeof classes / sizeof *classes)

#define SIDE(side)                                                                   \
	{ side ".converter", KC_T_CLASS, JSON_CONVERTER, NULL, 'H',                  \
		"Converter of the " side ": JsonConverter, StringConverter or "      \
		"ByteArrayConverter, with or without their packages.",               \
		0, NULL, 0 },                                                        \
	    { side ".converter.schemas.enable", KC_T_BOOLEAN, "true", NULL,          \
		    'H', "JsonConverter: the schema goes with each " side ".",       \
		    0, NULL, 0 },                                                    \
	    { side ".converter.decimal.format", KC_T_STRING, "BASE64",               \
		    "BASE64|NUMERIC", 'M',                                           \
		    "JsonConverter: Decimals as base64 of their bytes, or numbers.", \
		    0, NULL, 0 },                                                    \
	    { side ".converter.replace.null.with.default", KC_T_BOOLEAN,             \
		    "true", NULL, 'M',                                               \
		    "JsonConverter: null becomes the schema's default.", 0,          \
		    NULL, 0 },                                                       \
	    { side ".converter.schemas.cache.size", KC_T_INT, "1000", "0..",         \
		    'L', "Every schema is kept here.", 0, NULL, KC_IGNORED },        \
	{                                                                            \
		side ".converter.converter.encoding", KC_T_STRING, "UTF-8",          \
		    "UTF-8|UTF8", 'L', "StringConverter: UTF-8 only.", 0,            \
		    side ".converter.encoding", 0                                    \
	}

static const struct kc_prop props[] = {
	SIDE("key"),
	SIDE("value"),
	{ "header.converter", KC_T_CLASS, NULL, NULL, 'L',
	    "Headers are kc-produce's and kc-consume's, as SimpleHeaderConverter.",
	    0, NULL, KC_IGNORED },
	{ 0 },
};

struct convert {
	bool back;
	struct converter key, value;
	struct kc_schemas schemas;
	struct made k, v;
};

struct kc_schema *
converter_schema(struct converter *c, struct kc_span text, bool *first,
    struct kc_err *e)
{
	*first = false;
	for (size_t i = 0; i < c->nseen; i++)
		if (kc_span_eq(KC_BUF_SPAN(&c->seen[i].text), text))
			return c->seen[i].schema;
	struct kc_schema *s = kc_schema_parse(text, e);
	if (s == NULL)
		return NULL;
	if (json_schema_back(c, s, e) != 0) {
		kc_schema_free(s);
		return NULL;
	}
	c->seen = kc_xrealloc(c->seen, (c->nseen + 1) * sizeof *c->seen);
	memset(&c->seen[c->nseen], 0, sizeof *c->seen);
	kc_buf_span(&c->seen[c->nseen].text, text);
	c->seen[c->nseen++].schema = s;
	*first = true;
	return s;
}

/* Converts one side; *present false: the record does not have it. */
static int
side(struct convert *cv, struct converter *c, struct made *out,
    struct kc_span data, struct kc_span bytes, struct kc_span schema,
    bool *present, struct kc_err *e)
{
	struct piece in = { .data = data, .bytes = bytes };

	*present = data.p != NULL || bytes.p != NULL;
	out->text.len = 0;
	out->is_bytes = out->announce = false;
	out->schema = NULL;
	if (!*present)
		return 0;
	if (!cv->back && schema.p != NULL) {
		in.schema = kc_schemas_get(&cv->schemas, schema, e);
		if (in.schema == NULL)
			return kc_fail_in(e, "%s: ", c->side);
	}
	if ((cv->back ? c->class->back : c->class->forward)(c, &in, out, e) != 0)
		return kc_fail_in(e, "%s: ", c->side);
	return 0;
}

static void
put_side(struct kc_buf *out, const char *name, const struct made *m)
{
	if (m->schema != NULL) {
		kc_buf_puts(out, name);
		kc_buf_lit(out, "Schema\":\"");
		kc_buf_puts(out, m->schema->id);
		kc_buf_lit(out, "\",");
	}
	kc_buf_puts(out, name);
	kc_buf_puts(out, m->is_bytes ? "Bytes\":\"" : "\":");
	kc_buf_span(out, KC_BUF_SPAN(&m->text));
	if (m->is_bytes)
		kc_buf_putc(out, '"');
}

/* The line again, its two sides replaced, everything else as it was. */
static int
put_record(struct convert *cv, const struct kc_rec *r, struct kc_buf *out,
    struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span name, val;
	int rc;

	kc_buf_putc(out, '{');
	kc_json_open(&it, r->line);
	while ((rc = kc_json_member(&it, &name, &val)) == 1) {
		const char *inner = val.p + 1;
		if (inner == r->key_schema.p || inner == r->value_schema.p)
			continue;
		if (out->p[out->len - 1] != '{')
			kc_buf_putc(out, ',');
		if (val.p == r->key.p || inner == r->key_bytes.p) {
			put_side(out, "\"key", &cv->k);
		} else if (val.p == r->value.p || inner == r->value_bytes.p) {
			put_side(out, "\"value", &cv->v);
		} else {
			kc_buf_put(out, name.p - 1, name.n + 2);
			kc_buf_putc(out, ':');
			kc_buf_span(out, val);
		}
	}
	kc_buf_lit(out, "}\n");
	return rc == 0 ? KC_WROTE : kc_fail(e, KC_DATA, "malformed JSON");
}

static int
record(void *arg, struct kc_rec *r, struct kc_buf *out, struct kc_err *e)
{
	struct convert *cv = arg;
	bool key, value;

	if (side(cv, &cv->key, &cv->k, r->key, r->key_bytes, r->key_schema,
		&key, e) != 0 ||
	    side(cv, &cv->value, &cv->v, r->value, r->value_bytes,
		r->value_schema, &value, e) != 0)
		return -1;
	if (cv->k.announce)
		kc_put_schema(out, KC_BUF_SPAN(&cv->k.schema->text),
		    cv->k.schema->id);
	if (cv->v.announce)
		kc_put_schema(out, KC_BUF_SPAN(&cv->v.schema->text),
		    cv->v.schema->id);
	return put_record(cv, r, out, e);
}

static const struct converter_class *
find_class(const char *name)
{
	for (size_t i = 0; i < NCLASSES; i++) {
		const char *dot = strrchr(classes[i].name, '.');
		if (strcmp(name, classes[i].name) == 0 ||
		    strcmp(name, dot + 1) == 0)
			return &classes[i];
	}
	return NULL;
}

static int
set_up(struct converter *c, const char *which, struct kc_conf *conf,
    struct kc_err *e)
{
	char name[80];
	const char *class;

	snprintf(name, sizeof name, "%s.converter", which);
	class = kc_conf_str(conf, name);
	c->side = which;
	c->class = find_class(class);
	if (c->class == NULL)
		return kc_fail(e, KC_USAGE,
		    "property %s: %s: there are JsonConverter, "
		    "StringConverter and ByteArrayConverter",
		    name, class);
	snprintf(name, sizeof name, "%s.converter.schemas.enable", which);
	c->schemas_enable = kc_conf_bool(conf, name);
	snprintf(name, sizeof name, "%s.converter.decimal.format", which);
	c->numeric = kc_conf_is(conf, name, "NUMERIC");
	snprintf(name, sizeof name, "%s.converter.replace.null.with.default",
	    which);
	c->defaults = kc_conf_bool(conf, name);
	return 0;
}

static void
release(struct converter *c)
{
	for (size_t i = 0; i < c->nseen; i++) {
		kc_buf_release(&c->seen[i].text);
		kc_schema_free(c->seen[i].schema);
	}
	free(c->seen);
	kc_buf_release(&c->scratch);
}

static int
run(struct kc_ctx *ctx)
{
	struct convert cv = { .back = ctx->reverse };
	struct kc_filter f = { .record = record,
		.schemas = ctx->reverse ? NULL : &cv.schemas };
	int rc;

	if (set_up(&cv.key, "key", ctx->conf, &ctx->err) != 0 ||
	    set_up(&cv.value, "value", ctx->conf, &ctx->err) != 0)
		return ctx->err.status;
	rc = kc_filter_run(ctx, &f, &cv);
	release(&cv.key);
	release(&cv.value);
	kc_schemas_release(&cv.schemas);
	kc_buf_release(&cv.k.text);
	kc_buf_release(&cv.v.text);
	return rc;
}

static const struct kc_cmd cmd = {
	.name = "kc-convert",
	.summary = "records to the bytes of a topic and back, as Connect's converters",
	.operands = "",
	.type = "converter",
	.classes = JSON_CONVERTER
	","
	"org.apache.kafka.connect.storage.StringConverter,"
	"org.apache.kafka.connect.converters.ByteArrayConverter",
	.options = "Dnr",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

/* Lines of the kc envelope as spans, kc-envelope(5). */
#include "envelope.h"

#include "json.h"

enum form { ANY, STRING, NUMBER, ARRAY, OBJECT };

/* Members of the three kinds of line, and where they go. */
static const struct member {
	const char *name;
	size_t n;
	enum form form;
	size_t at; /* offset of the span in struct kc_rec */
} members[] = {
#define M(name, form, to)                                                 \
	{                                                                 \
		name, sizeof(name) - 1, form, offsetof(struct kc_rec, to) \
	}
	M("topic", STRING, topic),
	M("partition", NUMBER, partition),
	M("timestamp", NUMBER, timestamp),
	M("keySchema", STRING, key_schema),
	M("key", ANY, key),
	M("valueSchema", STRING, value_schema),
	M("value", ANY, value),
	M("keyBytes", STRING, key_bytes),
	M("valueBytes", STRING, value_bytes),
	M("headers", ARRAY, headers),
	M("source", OBJECT, source),
	M("unchanged", ARRAY, unchanged),
	M("error", OBJECT, error),
	M("schema", OBJECT, schema),
	M("id", STRING, id),
	M("checkpoint", OBJECT, position),
#undef M
};
#define NMEMBERS (sizeof members / sizeof *members)

static const char *const form_name[] = { "a value", "a string", "a number",
	"an array", "an object" };

static bool
has_form(struct kc_span v, enum form f)
{
	switch (f) {
	case STRING:
		return v.p[0] == '"';
	case NUMBER:
		return v.p[0] == '-' || (v.p[0] >= '0' && v.p[0] <= '9');
	case ARRAY:
		return v.p[0] == '[';
	case OBJECT:
		return v.p[0] == '{';
	default:
		return true;
	}
}

/* *hint: where the member was likely to be; writers keep one order. */
static const struct member *
find(struct kc_span key, size_t *hint)
{
	for (size_t i = 0; i < NMEMBERS; i++) {
		size_t k = *hint + i < NMEMBERS ? *hint + i :
						  *hint + i - NMEMBERS;
		const struct member *m = &members[k];
		if (m->n == key.n && memcmp(m->name, key.p, key.n) == 0) {
			*hint = k + 1 < NMEMBERS ? k + 1 : 0;
			return m;
		}
	}
	return NULL;
}

static int
store(struct kc_rec *r, const struct member *m, struct kc_span v,
    struct kc_err *e)
{
	if (!has_form(v, m->form)) {
		if (m->form != ANY && kc_json_is_null(v))
			return 0; /* null is as good as absent */
		return kc_fail(e, KC_DATA, "member \"%s\": must be %s, is %.*s",
		    m->name, form_name[m->form], (int)(v.n < 40 ? v.n : 40), v.p);
	}
	if (m->form == STRING)
		v = kc_json_inner(v);
	memcpy((char *)r + m->at, &v, sizeof v);
	return 0;
}

static int
classify(struct kc_rec *r, struct kc_err *e)
{
	if (r->topic.p != NULL) {
		r->kind = KC_RECORD;
		r->position = r->source;
		if (r->key.p != NULL && r->key_bytes.p != NULL)
			return kc_fail(e, KC_DATA,
			    "the record has both \"key\" and \"keyBytes\"; keep one");
		if (r->value.p != NULL && r->value_bytes.p != NULL)
			return kc_fail(e, KC_DATA,
			    "the record has both \"value\" and \"valueBytes\"; keep one");
		return 0;
	}
	if (r->schema.p != NULL) {
		r->kind = KC_SCHEMA;
		if (r->id.p == NULL || r->id.n == 0)
			return kc_fail(e, KC_DATA,
			    "the schema line has no \"id\"; see kc-envelope(5)");
		return 0;
	}
	if (r->position.p != NULL) {
		r->kind = KC_CHECKPOINT;
		return 0;
	}
	return kc_fail(e, KC_DATA,
	    "not a line of the kc envelope: no member \"topic\", \"schema\" or "
	    "\"checkpoint\"; a record is {\"topic\":\"t\",\"value\":…}, see kc-envelope(5)");
}

int
kc_rec_parse(struct kc_rec *r, struct kc_span line, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span key, val;
	size_t hint = 0;
	int rc;

	memset(r, 0, sizeof *r);
	r->line = line;
	const char *p = kc_json_ws(line.p, line.p + line.n);
	const char *q = line.p + line.n;
	while (q > p && (q[-1] == ' ' || q[-1] == '\t' || q[-1] == '\r'))
		q--;
	if (p == q || *p != '{' ||
	    kc_json_open(&it, (struct kc_span){ p, (size_t)(q - p) }) != 0)
		return kc_fail(e, KC_DATA,
		    "not a JSON object: %.*s%s; see kc-envelope(5)",
		    (int)(line.n < 60 ? line.n : 60), line.p,
		    line.n > 60 ? "…" : "");
	while ((rc = kc_json_member(&it, &key, &val)) == 1) {
		const struct member *m = find(key, &hint);
		if (m != NULL && store(r, m, val, e) != 0)
			return -1;
	}
	size_t utf8 = kc_utf8_check(line.p, line.n);
	if (utf8 != line.n)
		return kc_fail(e, KC_DATA,
		    "byte %zu is not UTF-8; bytes belong into \"valueBytes\" as base64",
		    utf8 + 1);
	if (rc != 0)
		return kc_fail(e, KC_DATA, "malformed JSON at byte %zu: %.*s",
		    (size_t)(it.p - line.p) + 1,
		    (int)(it.end - it.p < 40 ? it.end - it.p : 40), it.p);
	return classify(r, e);
}

bool
kc_position_split(struct kc_span position, struct kc_span *partition,
    struct kc_span *offset)
{
	struct kc_json_it it;
	struct kc_span key, val;

	partition->p = offset->p = NULL;
	if (position.p == NULL || kc_json_open(&it, position) != 0)
		return false;
	while (kc_json_member(&it, &key, &val) == 1) {
		if (kc_span_is(key, "partition"))
			*partition = val;
		else if (kc_span_is(key, "offset"))
			*offset = val;
	}
	return partition->p != NULL && offset->p != NULL;
}

void
kc_put_checkpoint(struct kc_buf *b, struct kc_span partition,
    struct kc_span offset)
{
	kc_buf_lit(b, "{\"checkpoint\":{\"partition\":");
	kc_buf_span(b, partition);
	kc_buf_lit(b, ",\"offset\":");
	kc_buf_span(b, offset);
	kc_buf_lit(b, "}}\n");
}

void
kc_put_schema(struct kc_buf *b, struct kc_span schema, const char *id)
{
	kc_buf_lit(b, "{\"schema\":");
	kc_buf_span(b, schema);
	kc_buf_lit(b, ",\"id\":\"");
	kc_buf_puts(b, id);
	kc_buf_lit(b, "\"}\n");
}

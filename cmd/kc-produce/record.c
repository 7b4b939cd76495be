/* Records as Kafka messages, and refused ones back as lines. */
#include <string.h>

#include "json.h"
#include "num.h"
#include "produce.h"

/* A key or value: its text, its decoded bytes, or null. */
static int
payload(struct kc_span *out, struct kc_span json, struct kc_span base64,
    struct kc_buf *b, const char *what, struct kc_err *e)
{
	if (base64.p != NULL) {
		kc_buf_reset(b);
		if (kc_b64_decode(b, base64) != 0)
			return kc_fail(e, KC_DATA, "%s: is not base64: %.*s",
			    what, base64.n > 40 ? 40 : (int)base64.n, base64.p);
		kc_buf_room(b, 1); /* so that nothing is not null */
		*out = KC_BUF_SPAN(b);
	} else if (!kc_json_is_null(json)) {
		*out = json;
	}
	return 0;
}

static int
number(struct kc_span s, int64_t lo, int64_t hi, const char *what, int64_t *out,
    struct kc_err *e)
{
	if (s.p == NULL || kc_json_is_null(s))
		return 0;
	if (!kc_parse_i64(s, out) || *out < lo || *out > hi)
		return kc_fail(e, KC_DATA,
		    "%s: %.*s: must be a whole number from "
		    "%lld to %lld",
		    what, s.n > 40 ? 40 : (int)s.n, s.p, (long long)lo,
		    (long long)hi);
	return 0;
}

/*
 * The bytes of a header as SimpleHeaderConverter writes them: a string's text,
 * any other value's JSON. With a schema of bytes: what its base64 says.
 */
static int
header_value(struct produce *w, struct kc_span v, struct kc_span id,
    struct kc_err *e)
{
	struct kc_schema *s;

	if (id.p != NULL && !kc_json_is_null(id)) {
		if (!kc_json_is_str(id))
			return kc_fail(e, KC_DATA,
			    "headers: a schema's id is a string");
		s = kc_schemas_get(&w->schemas, kc_json_inner(id), e);
		if (s == NULL)
			return kc_fail_in(e, "headers: ");
		if (s->type == KC_BYTES && s->logical == KC_L_NONE &&
		    kc_json_is_str(v)) {
			if (kc_b64_decode(&w->text, kc_json_inner(v)) != 0)
				return kc_fail(e, KC_DATA,
				    "headers: a value of bytes "
				    "is not base64");
			return 0;
		}
	}
	if (!kc_json_is_str(v))
		kc_buf_span(&w->text, v);
	else if (kc_json_unescape(&w->text, kc_json_inner(v)) != 0)
		return kc_fail(e, KC_DATA, "headers: a string with a bad escape");
	return 0;
}

/* Offsets into w->text first: it moves while it grows. */
static int
headers(struct produce *w, struct kc_span json, struct kc_kmsg *m,
    struct kc_err *e)
{
	struct kc_json_it it, one;
	struct kc_span h, name, v, id;
	size_t n = 0, at;
	int rc;

	kc_buf_reset(&w->text);
	if (kc_json_open(&it, json) != 0 || json.p[0] != '[')
		return kc_fail(e, KC_DATA,
		    "headers: must be an array of [name, value]");
	while ((rc = kc_json_item(&it, &h)) == 1) {
		id.p = NULL;
		if (kc_json_open(&one, h) != 0 || h.p[0] != '[' ||
		    kc_json_item(&one, &name) != 1 || !kc_json_is_str(name) ||
		    kc_json_item(&one, &v) != 1 || kc_json_item(&one, &id) == -1)
			return kc_fail(e, KC_DATA,
			    "headers: each must be [name, value] "
			    "or [name, value, schemaId]");
		if (n == w->headers_cap) {
			w->headers_cap = n * 2 + 8;
			w->headers = kc_xrealloc(w->headers,
			    w->headers_cap * sizeof *w->headers);
		}
		at = w->text.len;
		if (kc_json_unescape(&w->text, kc_json_inner(name)) != 0)
			return kc_fail(e, KC_DATA,
			    "headers: a name with a bad escape");
		w->headers[n].name.n = w->text.len - at;
		at = w->text.len;
		if (!kc_json_is_null(v) && header_value(w, v, id, e) != 0)
			return -1;
		w->headers[n].value.n = w->text.len - at;
		w->headers[n++].value.p = kc_json_is_null(v) ? NULL : "";
	}
	if (rc == -1)
		return kc_fail(e, KC_DATA, "headers: malformed array");
	const char *p = kc_buf_str(&w->text);
	for (size_t i = 0; i < n; i++) {
		w->headers[i].name.p = p;
		p += w->headers[i].name.n;
		if (w->headers[i].value.p != NULL)
			w->headers[i].value.p = p;
		p += w->headers[i].value.n;
	}
	m->headers = w->headers;
	m->nheaders = n;
	return 0;
}

int
message(struct produce *w, const struct kc_rec *r, struct kc_kmsg *m,
    struct kc_err *e)
{
	int64_t partition = -1, time = -1;

	*m = (struct kc_kmsg){ .topic = w->topic.p != NULL ? w->topic : r->topic };
	if (w->topic.p == NULL && memchr(r->topic.p, '\\', r->topic.n) != NULL) {
		kc_buf_reset(&w->name);
		if (kc_json_unescape(&w->name, r->topic) != 0)
			return kc_fail(e, KC_DATA, "topic: bad escape");
		m->topic = KC_BUF_SPAN(&w->name);
	}
	if (m->topic.n == 0)
		return kc_fail(e, KC_DATA,
		    "topic: is empty; a dead letter that was "
		    "no record cannot be produced, or set topic=NAME");
	if (payload(&m->key, r->key, r->key_bytes, &w->key, "keyBytes", e) != 0 ||
	    payload(&m->value, r->value, r->value_bytes, &w->value,
		"valueBytes", e) != 0 ||
	    number(r->partition, 0, INT32_MAX, "partition", &partition, e) != 0 ||
	    number(r->timestamp, 0, INT64_MAX, "timestamp", &time, e) != 0)
		return -1;
	m->partition = w->by_key ? -1 : (int32_t)partition;
	m->timestamp = time;
	return r->headers.p == NULL || kc_json_is_null(r->headers) ?
	    0 :
	    headers(w, r->headers, m, e);
}

int
refused(void *arg, const struct kc_kmsg *m, const struct kc_err *why,
    struct kc_err *e)
{
	struct produce *w = arg;
	struct kc_buf line = { 0 };
	int rc;

	kc_buf_lit(&line, "{\"topic\":");
	kc_json_str(&line, m->topic.p, m->topic.n);
	if (m->key.p != NULL) {
		kc_buf_lit(&line, ",\"keyBytes\":\"");
		kc_buf_b64(&line, m->key.p, m->key.n);
		kc_buf_putc(&line, '"');
	}
	if (m->value.p != NULL) {
		kc_buf_lit(&line, ",\"valueBytes\":\"");
		kc_buf_b64(&line, m->value.p, m->value.n);
		kc_buf_putc(&line, '"');
	}
	kc_buf_putc(&line, '}');
	rc = kc_sink_dead(w->ctx, KC_BUF_SPAN(&line), why, e);
	kc_buf_release(&line);
	return rc;
}

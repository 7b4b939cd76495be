/* Messages as envelope lines, kc-envelope(5). */
#include <stdlib.h>
#include <string.h>

#include "consume.h"
#include "envelope.h"
#include "json.h"
#include "num.h"

/* A header of bytes that are not text names this schema. */
#define BYTES_SCHEMA "{\"type\":\"bytes\",\"optional\":false}"

static struct part *
part_new(struct kc_span topic, int32_t partition)
{
	struct part *p = kc_xcalloc(1, sizeof *p);

	p->topic = kc_xstrndup(topic.p, topic.n);
	p->topic_len = topic.n;
	p->partition = partition;
	p->start = KC_OFFSET_STORED;
	p->told = p->stored = p->committed = p->stop = -1;
	kc_buf_lit(&p->map, "{\"kafka_topic\":");
	kc_json_str(&p->map, topic.p, topic.n);
	kc_buf_printf(&p->map, ",\"kafka_partition\":%d}", (int)partition);
	kc_buf_lit(&p->head, "{\"topic\":");
	kc_json_str(&p->head, topic.p, topic.n);
	kc_buf_printf(&p->head, ",\"partition\":%d", (int)partition);
	kc_buf_lit(&p->tail, ",\"source\":{\"partition\":");
	kc_buf_span(&p->tail, KC_BUF_SPAN(&p->map));
	kc_buf_lit(&p->tail, ",\"offset\":{\"kafka_offset\":");
	return p;
}

struct part *
part_get(struct consume *w, struct kc_span topic, int32_t partition)
{
	struct part *p = w->last;

	if (p != NULL && p->partition == partition && p->topic_len == topic.n &&
	    memcmp(p->topic, topic.p, topic.n) == 0)
		return p;
	for (size_t i = 0; i < w->nparts; i++) {
		p = w->parts[i];
		if (p->partition == partition && p->topic_len == topic.n &&
		    memcmp(p->topic, topic.p, topic.n) == 0)
			return w->last = p;
	}
	w->parts = kc_xrealloc(w->parts, (w->nparts + 1) * sizeof *w->parts);
	return w->last = w->parts[w->nparts++] = part_new(topic, partition);
}

void
parts_free(struct consume *w)
{
	for (size_t i = 0; i < w->nparts; i++) {
		free(w->parts[i]->topic);
		kc_buf_release(&w->parts[i]->map);
		kc_buf_release(&w->parts[i]->head);
		kc_buf_release(&w->parts[i]->tail);
		free(w->parts[i]);
	}
	free(w->parts);
}

/* JSON as it is, on one line; anything else in base64 beside it. */
static void
put_payload(struct kc_buf *b, struct kc_span v, const char *name)
{
	kc_buf_lit(b, ",\"");
	kc_buf_puts(b, name);
	/* The text null is not Connect's null, a payload that is absent. */
	if (v.n == 0 || kc_json_is_null(v) || !kc_json_valid(v)) {
		kc_buf_lit(b, "Bytes\":\"");
		kc_buf_b64(b, v.p, v.n);
		kc_buf_putc(b, '"');
		return;
	}
	kc_buf_lit(b, "\":");
	if (memchr(v.p, '\n', v.n) != NULL)
		kc_json_compact(b, v);
	else
		kc_buf_span(b, v);
}

/*
 * A header's bytes come back the same from kc-produce: numbers, booleans,
 * arrays and objects stand as JSON, other text as a string, and bytes that are
 * no UTF-8 as base64 with a schema.
 */
static void
put_header(struct kc_buf *b, const struct kc_kheader *h)
{
	struct kc_span v = h->value;
	bool json = v.n > 0 && v.p[0] != '\0' &&
	    strchr("{[tf-0123456789", v.p[0]) != NULL &&
	    strchr(" \t\r\n", v.p[v.n - 1]) == NULL &&
	    memchr(v.p, '\n', v.n) == NULL && kc_json_valid(v);

	kc_buf_putc(b, '[');
	kc_json_str(b, h->name.p, h->name.n);
	kc_buf_putc(b, ',');
	if (v.p == NULL)
		kc_buf_lit(b, "null");
	else if (json)
		kc_buf_span(b, v);
	else
		kc_json_str(b, v.p, v.n);
	kc_buf_putc(b, ']');
}

static bool
is_utf8(struct kc_span v, struct kc_buf *tmp)
{
	kc_buf_reset(tmp);
	kc_buf_putc(tmp, '"');
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		kc_buf_putc(tmp,
		    c < 0x20 || c == '"' || c == '\\' ? ' ' : (char)c);
	}
	kc_buf_putc(tmp, '"');
	return kc_json_valid(KC_BUF_SPAN(tmp));
}

/* True when one names the schema of bytes. */
static bool
put_headers(struct kc_buf *b, const struct kc_kmsg *m)
{
	struct kc_buf tmp = { 0 };
	struct kc_kheader h;
	char id[17];
	size_t n = 0;
	bool bytes = false;

	for (; kc_kmsg_header(m, n, &h); n++) {
		kc_buf_puts(b, n == 0 ? ",\"headers\":[" : ",");
		if (h.value.p == NULL || is_utf8(h.value, &tmp)) {
			put_header(b, &h);
			continue;
		}
		kc_sha256_id(id, KC_LIT(BYTES_SCHEMA));
		kc_buf_putc(b, '[');
		kc_json_str(b, h.name.p, h.name.n);
		kc_buf_lit(b, ",\"");
		kc_buf_b64(b, h.value.p, h.value.n);
		kc_buf_printf(b, "\",\"%s\"]", id);
		bytes = true;
	}
	if (n > 0)
		kc_buf_putc(b, ']');
	kc_buf_release(&tmp);
	return bytes;
}

/* Puts the schema's line before what was appended since at. */
static void
announce(struct consume *w, size_t at)
{
	struct kc_buf line = { 0 }, *b = &w->out.b;
	char id[17];

	kc_sha256_id(id, KC_LIT(BYTES_SCHEMA));
	kc_put_schema(&line, KC_LIT(BYTES_SCHEMA), id);
	kc_buf_room(b, line.len);
	memmove(b->p + at + line.len, b->p + at, b->len - at);
	memcpy(b->p + at, line.p, line.len);
	b->len += line.len;
	kc_buf_release(&line);
	w->announced = true;
}

void
put_message(struct consume *w, struct part *p, const struct kc_kmsg *m)
{
	struct kc_buf *b = &w->out.b;
	size_t at = b->len;

	kc_buf_span(b, KC_BUF_SPAN(&p->head));
	if (m->timestamp >= 0) {
		kc_buf_lit(b, ",\"timestamp\":");
		kc_buf_i64(b, m->timestamp);
	}
	if (m->key.p != NULL)
		put_payload(b, m->key, "key");
	if (m->value.p != NULL)
		put_payload(b, m->value, "value");
	else
		kc_buf_lit(b, ",\"value\":null");
	if (put_headers(b, m) && !w->announced)
		announce(w, at);
	kc_buf_span(b, KC_BUF_SPAN(&p->tail));
	kc_buf_i64(b, m->offset);
	kc_buf_lit(b, "}}}\n");
	p->told = m->offset;
}

/*
 * Nothing more before offset next: control records and compacted ones need a
 * checkpoint, for they are no records.
 */
void
put_reached(struct consume *w, struct part *p, int64_t next)
{
	struct kc_buf *b = &w->out.b;

	if (next - 1 <= p->told || next < 1)
		return;
	kc_buf_lit(b, "{\"checkpoint\":{\"partition\":");
	kc_buf_span(b, KC_BUF_SPAN(&p->map));
	kc_buf_lit(b, ",\"offset\":{\"kafka_offset\":");
	kc_buf_i64(b, next - 1);
	kc_buf_lit(b, "}}}\n");
	p->told = next - 1;
}

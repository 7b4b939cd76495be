/* StringConverter and ByteArrayConverter. */
#include "convert.h"
#include "json.h"
#include "num.h"

static int
need_bytes(struct converter *c, const struct piece *in, struct kc_err *e)
{
	return kc_fail(e, KC_DATA,
	    "%s: %.*s: ByteArrayConverter takes bytes: base64 "
	    "text with a schema of type bytes, or %sBytes",
	    c->side, in->data.n > 40 ? 40 : (int)in->data.n, in->data.p, c->side);
}

int
bytes_forward(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	out->is_bytes = true;
	if (in->bytes.p != NULL) {
		kc_buf_span(&out->text, in->bytes);
		return 0;
	}
	if (kc_json_is_null(in->data)) {
		out->is_bytes = false;
		kc_buf_lit(&out->text, "null");
		return 0;
	}
	if (!kc_json_is_str(in->data) ||
	    (in->schema != NULL && in->schema->type != KC_BYTES))
		return need_bytes(c, in, e);
	kc_buf_reset(&c->scratch);
	if (kc_b64_decode(&c->scratch, kc_json_inner(in->data)) != 0)
		return need_bytes(c, in, e);
	kc_buf_span(&out->text, kc_json_inner(in->data));
	return 0;
}

static int
with_schema(struct converter *c, struct made *out, struct kc_span text,
    struct kc_err *e)
{
	out->schema = converter_schema(c, text, &out->announce, e);
	return out->schema == NULL ? -1 : 0;
}

int
bytes_back(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	if (in->bytes.p == NULL && kc_json_is_null(in->data)) {
		kc_buf_lit(&out->text, "null");
		return 0;
	}
	kc_buf_putc(&out->text, '"');
	if (in->bytes.p != NULL)
		kc_buf_span(&out->text, in->bytes);
	else
		kc_buf_b64(&out->text, in->data.p, in->data.n);
	kc_buf_putc(&out->text, '"');
	return with_schema(c, out,
	    KC_LIT("{\"type\":\"bytes\",\"optional\":true}"), e);
}

/* A string's text, anything else as it is written, as bytes. */
int
string_forward(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	if (in->bytes.p != NULL)
		return bytes_forward(c, in, out, e);
	if (kc_json_is_null(in->data)) {
		kc_buf_lit(&out->text, "null");
		return 0;
	}
	kc_buf_reset(&c->scratch);
	if (!kc_json_is_str(in->data))
		kc_buf_span(&c->scratch, in->data);
	else if (kc_json_unescape(&c->scratch, kc_json_inner(in->data)) != 0)
		return kc_fail(e, KC_DATA, "%s: a string with a bad escape",
		    c->side);
	out->is_bytes = true;
	kc_buf_b64(&out->text, c->scratch.p, c->scratch.len);
	return 0;
}

int
string_back(struct converter *c, const struct piece *in, struct made *out,
    struct kc_err *e)
{
	if (in->bytes.p == NULL && kc_json_is_null(in->data)) {
		kc_buf_lit(&out->text, "null");
		return 0;
	}
	if (in->bytes.p != NULL) {
		kc_buf_reset(&c->scratch);
		if (kc_b64_decode(&c->scratch, in->bytes) != 0)
			return kc_fail(e, KC_DATA, "%sBytes: is not base64",
			    c->side);
		kc_json_str(&out->text, c->scratch.p, c->scratch.len);
	} else {
		kc_json_str(&out->text, in->data.p, in->data.n);
	}
	return with_schema(c, out,
	    KC_LIT("{\"type\":\"string\",\"optional\":true}"), e);
}

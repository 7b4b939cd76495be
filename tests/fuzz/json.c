/* lib/json.c against jansson, and its own parts against each other. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Text written as a JSON string is valid and reads back as what it was. */
static void
strings(const uint8_t *data, size_t size)
{
	struct kc_buf b = { 0 }, back = { 0 };
	bool utf8 = kc_utf8_check((const char *)data, size) == size;

	kc_json_str(&b, data, size);
	must(kc_json_valid((struct kc_span){ b.p, b.len }));
	must(kc_json_skip(b.p, b.p + b.len) == b.p + b.len);
	must(kc_json_unescape(&back, (struct kc_span){ b.p + 1, b.len - 2 }) == 0);
	if (utf8)
		must(back.len == size &&
		    (size == 0 || memcmp(back.p, data, size) == 0));
	free(b.p);
	free(back.p);
}

static void
walk(struct kc_span v, int depth)
{
	struct kc_json_it it = { 0 };
	struct kc_span key, val;

	if (depth == 0 || kc_json_open(&it, v) != 0)
		return;
	if (v.p[0] == '{')
		while (kc_json_member(&it, &key, &val) == 1)
			walk(val, depth - 1);
	else
		while (kc_json_item(&it, &val) == 1)
			walk(val, depth - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kc_span v = { (const char *)data, size };
	struct kc_buf b = { 0 };
	json_error_t e;
	json_t *j;

	strings(data, size);
	walk(v, 20);
	kc_json_skip(v.p, v.p + v.n);
	j = json_loadb(v.p, v.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	if (kc_json_valid(v)) {
		kc_json_compact(&b, v);
		must(kc_json_valid((struct kc_span){ b.p, b.len }));
		/* what jansson refuses beyond the grammar */
		must(j != NULL ||
		    json_error_code(&e) == json_error_stack_overflow ||
		    json_error_code(&e) == json_error_numeric_overflow ||
		    json_error_code(&e) == json_error_invalid_syntax);
	} else {
		/* after the value, jansson takes a NUL for the end */
		must(j == NULL || memchr(data, '\0', size) != NULL);
	}
	json_decref(j);
	free(b.p);
	return 0;
}

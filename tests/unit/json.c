/* lib/json.c: what is JSON and what is not, and the walk over it. */
#include "json.h"

#include <stdlib.h>

#include "test.h"

static struct kc_span
span(const char *s)
{
	return (struct kc_span){ s, strlen(s) };
}

static void
validity(void)
{
	static const char *const good[] = { "0", "-0.5e+10", "\"\"", "true",
		"null", "[]", "{}", " [1 , 2] ", "{\"a\":{\"b\":[{}]}}",
		"\"\\u00e9\\n\\\\\\/\"", "\"\xc3\xa9\"", "1e5" };
	static const char *const bad[] = { "", "01", "1.", ".5", "+1", "-",
		"tru", "\"", "\"\\x\"", "\"\\u12\"", "[1,]", "[,1]", "{\"a\"}",
		"{a:1}", "{\"a\":1,}", "[1 2]", "]", "1 2", "\"\n\"",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "NaN" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ok(kc_json_valid(span(good[i])), "JSON: %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!kc_json_valid(span(bad[i])), "not JSON: case %zu", i);
}

/* The end of a container is found wherever its parts fall in a block. */
static void
skipping(void)
{
	char text[400];
	int wrong = 0;

	for (int pad = 0; pad < 200; pad++) {
		int n = snprintf(text, sizeof text,
		    "{\"k%0*d\":\"}]\\\"\\\\\",\"b\":[{},[\"\\\\\"]]}", pad + 1,
		    1);
		const char *end = kc_json_skip(text, text + n);

		wrong += end != text + n;
		wrong += kc_json_skip(text, text + n - 1) != NULL;
	}
	ok(wrong == 0, "containers end where they end");
}

static void
members(void)
{
	struct kc_span o = span("{ \"a\" : 1, \"b\":[true, \"x\"],\"c\":null}");
	struct kc_json_it it = { 0 };
	struct kc_span v;

	ok(kc_span_is(kc_json_get(o, "a"), "1"), "member a");
	ok(kc_json_is_null(kc_json_get(o, "c")), "member c is null");
	ok(kc_json_get(o, "d").p == NULL, "no member d");
	ok(kc_json_open(&it, kc_json_get(o, "b")) == 0 &&
		kc_json_item(&it, &v) == 1 && kc_span_is(v, "true") &&
		kc_json_item(&it, &v) == 1 && kc_span_is(v, "\"x\"") &&
		kc_json_item(&it, &v) == 0,
	    "items of b");
	ok(kc_json_open(&it, span("1")) == -1, "a number has no members");
}

static void
text(void)
{
	struct kc_buf b = { 0 };

	kc_json_str(&b, "a\"\\\n\x01\xc3\xa9\xff", 8);
	ok(kc_span_is((struct kc_span){ b.p, b.len },
	       "\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\""),
	    "escapes, and U+FFFD for what is not UTF-8");
	b.len = 0;
	ok(kc_json_unescape(&b, span("\\ud83d\\ude00\\t\\u0041")) == 0 &&
		kc_span_is((struct kc_span){ b.p, b.len }, "\xf0\x9f\x98\x80\tA"),
	    "unescape");
	b.len = 0;
	kc_json_compact(&b, span(" { \"a b\" : [ 1 , \" \" ] } "));
	ok(kc_span_is((struct kc_span){ b.p, b.len }, "{\"a b\":[1,\" \"]}"),
	    "compact");
	kc_buf_release(&b);
}

int
main(void)
{
	validity();
	skipping();
	members();
	text();
	return done();
}

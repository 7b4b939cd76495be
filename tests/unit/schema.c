/* lib/schema.c, lib/position.c, lib/store.c: schemas, positions, their file. */
#include "schema.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "test.h"

static struct kc_span
text(const char *s)
{
	return (struct kc_span){ s, strlen(s) };
}

/* However it is written, the same schema has the same text and id. */
static void
canonical(void)
{
	static const char *const same[] = {
		"{\"type\":\"struct\",\"optional\":false,\"name\":\"k\","
		"\"fields\":[{\"type\":\"int64\",\"optional\":false,"
		"\"field\":\"id\"}]}",
		"{ \"name\" : \"k\", \"fields\": [ {\"field\":\"id\","
		"\"optional\":false, \"type\":\"int64\"} ],"
		"\"type\":\"struct\", \"optional\" : false }",
	};
	struct kc_err e = { 0 };
	char first[17] = "";

	for (size_t i = 0; i < 2; i++) {
		struct kc_schema *s = kc_schema_parse(text(same[i]), &e);
		ok(s != NULL && strlen(s->id) == 16, "schema %zu: %s", i, e.msg);
		if (s == NULL)
			continue;
		ok(kc_span_is(KC_BUF_SPAN(&s->text), same[0]), "its text: %.*s",
		    (int)s->text.len, s->text.p);
		if (i == 0)
			memcpy(first, s->id, 17);
		ok(strcmp(s->id, first) == 0, "its id: %s", s->id);
		ok(kc_schema_field(s, KC_LIT("id")) == 0 &&
			kc_schema_field(s, KC_LIT("no")) == -1,
		    "its fields");
		kc_schema_free(s);
	}
}

static void
parts(void)
{
	struct kc_err e = { 0 };
	struct kc_schema *s = kc_schema_parse(
	    text("{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":"
		 "{\"type\":\"array\",\"items\":{\"type\":\"bytes\",\"name\":"
		 "\"org.apache.kafka.connect.data.Decimal\",\"parameters\":"
		 "{\"scale\":\"-2\",\"x\":\"y\"},\"optional\":true}}}"),
	    &e);

	ok(s != NULL && s->type == KC_MAP && s->keys->type == KC_STRING &&
		s->values->type == KC_ARRAY,
	    "map of arrays: %s", e.msg);
	if (s == NULL)
		return;
	ok(s->values->items->logical == KC_L_DECIMAL &&
		s->values->items->scale == -2 && s->values->items->optional,
	    "a Decimal and its scale");
	ok(strcmp(kc_schema_param(s->values->items, "x"), "y") == 0 &&
		kc_schema_param(s, "x") == NULL,
	    "parameters");
	kc_schema_free(s);
}

static void
refused(void)
{
	static const char *const bad[] = { "", "{", "5", "{}", "null",
		"{\"type\":\"int128\"}", "{\"type\":5}", "{\"type\":\"array\"}",
		"{\"type\":\"map\"}", "{\"type\":\"struct\",\"fields\":[5]}" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct kc_err e = { 0 };
		struct kc_schema *s = kc_schema_parse(text(bad[i]), &e);
		ok(s == NULL && e.status == KC_DATA, "refused %s: %s", bad[i],
		    e.msg);
		kc_schema_free(s);
	}
}

static void
maps(void)
{
	ok(kc_same_map(KC_LIT("{\"a\":1,\"b\":\"x\"}"),
	       KC_LIT("{ \"b\" : \"x\" , \"a\" : 1 }")),
	    "maps: order and spaces");
	ok(!kc_same_map(KC_LIT("{\"a\":1}"), KC_LIT("{\"a\":2}")) &&
		!kc_same_map(KC_LIT("{\"a\":1}"), KC_LIT("{\"a\":1,\"b\":1}")) &&
		!kc_same_map(KC_LIT("{\"a\":1,\"b\":1}"), KC_LIT("{\"a\":1}")),
	    "maps that differ");
}

static bool
stored(const char *path, const char *partition, const char *want)
{
	struct kc_err e = { 0 };
	struct kc_buf b = { 0 };
	struct kc_store *s = kc_store_open(path, KC_READER, &e);
	int rc = s == NULL ? -1 : kc_store_get(s, text(partition), &b, &e);
	bool good = want == NULL ? rc == 0 :
				   rc == 1 && kc_span_is(KC_BUF_SPAN(&b), want);

	if (!good)
		printf("# %d %.*s %s\n", rc, (int)b.len, b.p, e.msg);
	free(b.p);
	if (s != NULL)
		kc_store_close(s);
	return good;
}

static void
store(const char *path)
{
	struct kc_err e = { 0 };
	struct kc_store *s = kc_store_open(path, KC_SINK, &e);

	ok(s != NULL, "a store is made: %s", e.msg);
	if (s == NULL)
		return;
	kc_store_put(s, KC_LIT("{\"p\":1,\"q\":2}"), KC_LIT("{\"o\":5}"));
	kc_store_put(s, KC_LIT("{\"p\":2}"), KC_LIT("{\"o\":6}"));
	ok(stored(path, "{\"p\":2}", NULL), "nothing before it is durable");
	ok(kc_store_commit(s, &e) == 0, "commit: %s", e.msg);
	ok(stored(path, "{\"q\":2,\"p\":1}", "{\"o\":5}"), "in any order");
	kc_store_put(s, KC_LIT("{\"q\":2,\"p\":1}"), KC_LIT("{\"o\":7}"));
	kc_store_put(s, KC_LIT("{\"p\":2}"), KC_LIT("null"));
	ok(kc_store_commit(s, &e) == 0, "again");
	ok(stored(path, "{\"p\":1,\"q\":2}", "{\"o\":7}"), "the later one");
	ok(stored(path, "{\"p\":2}", NULL), "null forgets");
	kc_store_close(s);
}

int
main(void)
{
	char dir[] = "/tmp/kc-store.XXXXXX", path[64];

	canonical();
	parts();
	refused();
	maps();
	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	snprintf(path, sizeof path, "%s/o", dir);
	store(path);
	unlink("o");
	unlink("o.lock");
	ok(rmdir(dir) == 0, "nothing is left beside it");
	return done();
}

/* Key and Envelope schemas of a table's change events, in canonical text. */
#include <string.h>

#include "cdc.h"
#include "json.h"

/* `{"type":…}` with `,"field":"name"` inside. */
static void
put_field(struct kc_buf *b, const char *schema, const char *name)
{
	kc_buf_put(b, schema, strlen(schema) - 1);
	kc_buf_lit(b, ",\"field\":");
	kc_json_str(b, name, strlen(name));
	kc_buf_putc(b, '}');
}

static void
put_struct(struct kc_buf *b, const char *name, const char *suffix, bool optional)
{
	kc_buf_puts(b,
	    optional ? "{\"type\":\"struct\",\"optional\":true,\"name\":" :
		       "{\"type\":\"struct\",\"optional\":false,\"name\":");
	kc_json_str(b, name, strlen(name));
	b->len--;
	kc_buf_puts(b, suffix);
	kc_buf_putc(b, '"');
}

static void
put_row(struct kc_buf *b, const struct kc_cdc_table *t, const char *name,
    const char *field)
{
	bool first = true;

	put_struct(b, name, ".Value", true);
	kc_buf_lit(b, ",\"fields\":[");
	for (size_t i = 0; i < t->ncols; i++) {
		if (!t->cols[i].included)
			continue;
		if (!first)
			kc_buf_putc(b, ',');
		first = false;
		put_field(b, t->cols[i].schema, t->cols[i].name);
	}
	kc_buf_lit(b, "],\"field\":\"");
	kc_buf_puts(b, field);
	kc_buf_lit(b, "\"}");
}

static const char envelope_tail[] =
    ",{\"type\":\"struct\",\"optional\":true,\"name\":\"event.block\",\"version\":1,"
    "\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"id\"},"
    "{\"type\":\"int64\",\"optional\":false,\"field\":\"total_order\"},"
    "{\"type\":\"int64\",\"optional\":false,\"field\":\"data_collection_order\"}],"
    "\"field\":\"transaction\"},"
    "{\"type\":\"string\",\"optional\":false,\"field\":\"op\"},"
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ms\"},"
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"},"
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"}]}";

void
kc_cdc_value_schema(struct kc_buf *b, const struct kc_cdc_table *t,
    const char *source)
{
	const char *name = t->topic;

	put_struct(b, name, ".Envelope", false);
	kc_buf_lit(b, ",\"version\":2,\"fields\":[");
	put_row(b, t, name, "before");
	kc_buf_putc(b, ',');
	put_row(b, t, name, "after");
	kc_buf_putc(b, ',');
	kc_buf_puts(b, source);
	kc_buf_lit(b, envelope_tail);
}

void
kc_cdc_key_schema(struct kc_buf *b, const struct kc_cdc_table *t)
{
	put_struct(b, t->topic, ".Key", false);
	kc_buf_lit(b, ",\"fields\":[");
	for (size_t i = 0; i < t->nkeys; i++) {
		if (i > 0)
			kc_buf_putc(b, ',');
		put_field(b, t->cols[t->key_cols[i]].schema,
		    t->cols[t->key_cols[i]].name);
	}
	kc_buf_lit(b, "]}");
}

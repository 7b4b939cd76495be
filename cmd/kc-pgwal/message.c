/*
 * Logical decoding messages (pg_logical_emit_message) as Debezium's: records of
 * topic PREFIX.message, keyed by the message's prefix.
 */
#include <stdlib.h>

#include "envelope.h"
#include "json.h"
#include "kc-pgwal.h"
#include "num.h"

/* What -e sends to know the end; nobody's message. */
#define OWN_PREFIX "kc"

#define SOURCE_AND_MORE                                                        \
	",{\"type\":\"struct\",\"optional\":true,\"name\":\"event.block\","    \
	"\"version\":1,\"fields\":[{\"type\":\"string\",\"optional\":false,"   \
	"\"field\":\"id\"},{\"type\":\"int64\",\"optional\":false,"            \
	"\"field\":\"total_order\"},{\"type\":\"int64\",\"optional\":false,"   \
	"\"field\":\"data_collection_order\"}],\"field\":\"transaction\"},"    \
	"{\"type\":\"struct\",\"optional\":false,"                             \
	"\"name\":\"io.debezium.connector.postgresql.Message\",\"version\":1," \
	"\"fields\":[{\"type\":\"string\",\"optional\":true,"                  \
	"\"field\":\"prefix\"},{\"type\":\"bytes\",\"optional\":true,"         \
	"\"field\":\"content\"}],\"field\":\"message\"}]}"

static const char key_schema[] =
    "{\"type\":\"struct\",\"optional\":false,"
    "\"name\":\"io.debezium.connector.postgresql.MessageKey\",\"version\":1,"
    "\"fields\":[{\"type\":\"string\",\"optional\":true,\"field\":\"prefix\"}]}";
static const char value_head[] =
    "{\"type\":\"struct\",\"optional\":false,"
    "\"name\":\"io.debezium.connector.postgresql.MessageValue\",\"version\":1,"
    "\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"op\"},"
    "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ms\"},";

int
messages_new(struct pgwal *w, struct kc_err *e)
{
	struct messages *m = &w->messages;

	if (kc_match_new(&m->only,
		kc_conf_str(w->conf, "message.prefix.include.list"), e) != 0 ||
	    kc_match_new(&m->but,
		kc_conf_str(w->conf, "message.prefix.exclude.list"), e) != 0)
		return kc_fail_in(e, "property message.prefix.*.list: ");
	kc_buf_lit(&m->schema, value_head);
	kc_buf_puts(&m->schema, source_schema);
	kc_buf_lit(&m->schema, SOURCE_AND_MORE);
	kc_sha256_id(m->key_id, KC_LIT(key_schema));
	kc_sha256_id(m->value_id, KC_BUF_SPAN(&m->schema));
	return 0;
}

void
messages_release(struct messages *m)
{
	kc_match_free(m->only);
	kc_match_free(m->but);
	kc_buf_release(&m->schema);
}

bool
message_wanted(const struct messages *m, const struct kc_pg_msg *msg)
{
	if (kc_span_is(msg->prefix, OWN_PREFIX) && msg->content.n == 0)
		return false;
	return (m->only == NULL || kc_match(m->only, msg->prefix)) &&
	    (m->but == NULL || !kc_match(m->but, msg->prefix));
}

void
message_put(struct pgwal *w, const struct kc_pg_msg *msg, struct kc_span source,
    struct kc_span offset)
{
	struct messages *m = &w->messages;
	const char *prefix = kc_conf_str(w->conf, "topic.prefix");
	struct kc_buf *out = &w->out.b;

	if (!m->announced) {
		kc_put_schema(out, KC_LIT(key_schema), m->key_id);
		kc_put_schema(out, KC_BUF_SPAN(&m->schema), m->value_id);
		m->announced = true;
	}
	char *topic = kc_xasprintf("%s.message", prefix);
	kc_buf_lit(out, "{\"topic\":");
	kc_json_str(out, topic, strlen(topic));
	free(topic);
	kc_buf_printf(out,
	    ",\"keySchema\":\"%s\",\"key\":{\"prefix\":", m->key_id);
	kc_json_str(out, msg->prefix.p, msg->prefix.n);
	kc_buf_printf(out, "},\"valueSchema\":\"%s\",\"value\":{\"op\":\"m\",",
	    m->value_id);
	kc_buf_printf(out,
	    "\"ts_ms\":%lld,\"source\":", (long long)(kc_now_us() / 1000));
	kc_buf_span(out, source);
	kc_buf_lit(out, ",\"transaction\":null,\"message\":{\"prefix\":");
	kc_json_str(out, msg->prefix.p, msg->prefix.n);
	kc_buf_lit(out, ",\"content\":\"");
	kc_buf_b64(out, msg->content.p, msg->content.n);
	kc_buf_lit(out, "\"}},\"source\":{\"partition\":");
	kc_buf_span(out, kc_cdc_partition(w->cdc));
	kc_buf_lit(out, ",\"offset\":");
	kc_buf_span(out, offset);
	kc_buf_lit(out, "}}\n");
}

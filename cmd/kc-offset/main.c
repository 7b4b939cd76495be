/*
 * kc-offset: looks at and changes positions in every store, tells how far
 * behind they are, and serves the stores that are no file to the other
 * commands, one line a request (kc-offset(1), PROTOCOL).
 */
/* needs: rdkafka */
#include <stdlib.h>

#include "offset.h"

static const struct kc_prop props[] = {
	{ "bootstrap.servers", KC_T_LIST, NULL, NULL, 'M',
	    "lag, and reset of a group: brokers, host:port.", 'b', NULL, 0 },
	{ "group.id", KC_T_STRING, NULL, NULL, 'M',
	    "lag without -o: of this group. reset: the group forgets too.", 'g',
	    NULL, 0 },
	{ "topics", KC_T_LIST, NULL, NULL, 'M',
	    "lag without -o: of these topics.", 't', "topic", 0 },
	{ "consumer.", KC_T_STRING, NULL, NULL, 'L',
	    "Any property of the client.", 0, "consumer.override.", KC_PREFIX },
	{ "", KC_T_STRING, NULL, NULL, 'L',
	    "Any other property of librdkafka; others of a connector are no "
	    "matter.",
	    'X', NULL, KC_PREFIX },
	{ 0 },
};

void
put_position(struct kc_buf *b, struct kc_span partition, struct kc_span offset)
{
	kc_buf_lit(b, "{\"partition\":");
	kc_buf_span(b, partition);
	kc_buf_lit(b, ",\"offset\":");
	kc_buf_span(b, offset);
}

void
show_one(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct kc_out *out = arg;

	put_position(&out->b, partition, offset);
	kc_buf_lit(&out->b, "}\n");
}

static int
show(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e)
{
	struct kc_store *s = kc_store_open(ctx->store, KC_READER, e);

	if (s == NULL)
		return -1;
	kc_store_each(s, show_one, out);
	kc_store_close(s);
	return 0;
}

static int
is_map(const char *s, const char *what, struct kc_err *e)
{
	if (*s == '{' && kc_json_valid(text(s)))
		return 0;
	return kc_fail(e, KC_USAGE,
	    "%s: %s: must be a JSON object, as kc-offset "
	    "show prints it",
	    what, s);
}

/*
 * A position in Kafka is marked, so that kc-consume prefers it to what the
 * group has.
 */
static void
put_offset(struct kc_buf *b, struct kc_span partition, struct kc_span offset)
{
	kc_json_compact(b, offset);
	if (kc_json_get(partition, "kafka_topic").p == NULL ||
	    kc_json_get(offset, "kafka_offset").p == NULL ||
	    kc_json_get(offset, "set").p != NULL)
		return;
	b->len--;
	kc_buf_lit(b, ",\"set\":true}");
}

static int
set(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e)
{
	struct kc_buf partition = { 0 }, offset = { 0 };
	struct kc_store *s;
	int rc = -1;

	(void)out;
	if (ctx->argc != 3)
		return kc_fail(e, KC_USAGE,
		    "set: takes a partition and an offset: "
		    "kc-offset set -o STORE '{\"server\":\"inv\"}' "
		    "'{\"lsn\":1}'");
	if (is_map(ctx->argv[1], "partition", e) != 0 ||
	    is_map(ctx->argv[2], "offset", e) != 0)
		return -1;
	if ((s = kc_store_open(ctx->store, KC_SOURCE, e)) == NULL)
		return -1;
	kc_json_compact(&partition, text(ctx->argv[1]));
	put_offset(&offset, KC_BUF_SPAN(&partition), text(ctx->argv[2]));
	kc_store_put(s, KC_BUF_SPAN(&partition), KC_BUF_SPAN(&offset));
	rc = kc_store_commit(s, e);
	kc_store_close(s);
	kc_buf_release(&partition);
	kc_buf_release(&offset);
	return rc;
}

struct gather {
	struct kc_buf *v; /* partitions */
	size_t n;
};

static void
gather_one(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct gather *g = arg;

	(void)offset;
	g->v = kc_xrealloc(g->v, (g->n + 1) * sizeof *g->v);
	g->v[g->n] = (struct kc_buf){ 0 };
	kc_buf_span(&g->v[g->n++], partition);
}

bool
in_kafka(struct kc_span partition, struct kc_span offset, struct kc_tp *tp)
{
	int64_t number;

	if (!kc_parse_i64(kc_json_get(partition, "kafka_partition"), &number) ||
	    (offset.p != NULL &&
		!kc_parse_i64(kc_json_get(offset, "kafka_offset"), &tp->offset)))
		return false;
	tp->partition = (int32_t)number;
	tp->topic = kc_json_strdup(kc_json_get(partition, "kafka_topic"));
	return tp->topic != NULL;
}

struct kc_kconf *
client(struct kc_ctx *ctx, bool producer, struct kc_err *e)
{
	static const char *const prefixes[] = { "consumer.",
		"consumer.override.", NULL };
	static const char *const names[] = { "bootstrap.servers", "group.id" };
	struct kc_kconf *k = kc_kconf_new(producer, NULL);
	const char *env = getenv("KC_BOOTSTRAP_SERVERS");
	struct kc_kspec spec = { 0 };
	int rc = 0;

	if (env != NULL && *env != '\0')
		kc_kconf_default(k, "bootstrap.servers", env);
	if (ctx->store != NULL && strncmp(ctx->store, "kafka:", 6) == 0) {
		rc = kc_kspec_parse(&spec, ctx->store, k, e);
		kc_kspec_release(&spec);
	}
	for (size_t i = 0; i < 2 && rc == 0; i++)
		if (kc_conf_isset(ctx->conf, names[i]))
			rc = kc_kconf_set(k, names[i],
			    kc_conf_str(ctx->conf, names[i]), e);
	if (rc == 0)
		rc = kc_kconf_known(k, ctx->conf, prefixes, e);
	if (rc == 0)
		return k;
	kc_kconf_free(k);
	return NULL;
}

/* The group forgets what the store forgets. */
static int
forget(struct kc_ctx *ctx, const struct gather *g, struct kc_err *e)
{
	struct kc_tp *v = kc_xcalloc(g->n + 1, sizeof *v);
	struct kc_kconf *k;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n; i++)
		n += in_kafka(KC_BUF_SPAN(&g->v[i]), (struct kc_span){ 0 },
		    &v[n]);
	if (n > 0) {
		k = client(ctx, true, e);
		rc = k == NULL ?
		    -1 :
		    kc_kafka_forget(k, kc_conf_str(ctx->conf, "group.id"), v, n,
			e);
	}
	kc_tps_free(v, n);
	return rc;
}

static int
reset(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e)
{
	struct kc_store *s;
	struct kc_buf old = { 0 };
	struct gather g = { 0 };
	int rc = 0;

	(void)out;
	for (int i = 1; i < ctx->argc; i++)
		if (is_map(ctx->argv[i], "partition", e) != 0)
			return -1;
	if ((s = kc_store_open(ctx->store, KC_SOURCE, e)) == NULL)
		return -1;
	for (int i = 1; i < ctx->argc && rc == 0; i++) {
		if (kc_store_get(s, text(ctx->argv[i]), &old, e) != 1)
			rc = kc_fail(e, KC_USAGE,
			    "%s: nothing is stored for this "
			    "partition; kc-offset show lists them",
			    ctx->argv[i]);
		gather_one(&g, text(ctx->argv[i]), KC_LIT(""));
	}
	if (ctx->argc == 1)
		kc_store_each(s, gather_one, &g);
	if (rc == 0 && kc_conf_isset(ctx->conf, "group.id"))
		rc = forget(ctx, &g, e);
	for (size_t i = 0; i < g.n; i++) {
		if (rc == 0)
			kc_store_put(s, KC_BUF_SPAN(&g.v[i]), KC_LIT("null"));
		kc_buf_release(&g.v[i]);
	}
	if (rc == 0 && g.n > 0)
		rc = kc_store_commit(s, e);
	kc_store_close(s);
	kc_buf_release(&old);
	free(g.v);
	return rc;
}

static const struct verb {
	const char *name;
	int (*run)(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e);
	bool store; /* needs -o */
} verbs[] = {
	{ "show", show, true },
	{ "set", set, true },
	{ "reset", reset, true },
	{ "lag", lag, false },
	{ "serve", serve, true },
};

static int
run(struct kc_ctx *ctx)
{
	const struct verb *v = verbs, *end = verbs + sizeof verbs / sizeof *verbs;
	struct kc_out out;
	int rc;

	while (ctx->argc > 0 && v < end && strcmp(v->name, ctx->argv[0]) != 0)
		v++;
	if (ctx->argc == 0 || v == end)
		kc_fail(&ctx->err, KC_USAGE,
		    "%s: must be show, set, reset, lag or "
		    "serve",
		    ctx->argc == 0 ? "what to do" : ctx->argv[0]);
	else if (v->store && ctx->store == NULL)
		kc_fail(&ctx->err, KC_USAGE,
		    "%s: -o STORE is missing: a file, "
		    "kafka:TOPIC or sink:CONF",
		    v->name);
	else {
		kc_out_init(&out, 1);
		rc = v->run(ctx, &out, &ctx->err);
		if (rc == 0)
			rc = kc_out_flush(&out, &ctx->err);
		kc_out_release(&out);
		if (rc == 0)
			return 0;
	}
	return ctx->err.status;
}

static const struct kc_cmd cmd = {
	.name = "kc-offset",
	.summary = "show, set and reset positions, and how far behind they are",
	.operands = "show | set PARTITION OFFSET | reset [PARTITION...] | lag",
	.type = "tool",
	.options = "o",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

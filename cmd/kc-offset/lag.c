/* How far behind positions are. */
#include <stdlib.h>

#include "offset.h"

struct lag {
	struct kc_ctx *ctx;
	struct kc_out *out;
	struct kc_consumer *c;
	struct kc_err *e;
	int rc;
};

static const struct kc_consumer_cb no_cb = { 0 };

static int
connect_once(struct lag *l)
{
	struct kc_kconf *k;

	if (l->c != NULL)
		return 0;
	if ((k = client(l->ctx, false, l->e)) == NULL)
		return -1;
	l->c = kc_consumer_new(k, &no_cb, NULL, l->e);
	return l->c == NULL ? -1 : 0;
}

/* next: of the message to be read next. */
static int
put_lag(struct lag *l, const struct kc_tp *tp, int64_t next)
{
	struct kc_buf *b = &l->out->b;
	int64_t lo, hi;

	if (connect_once(l) != 0 ||
	    kc_consumer_range(l->c, tp, &lo, &hi, l->e) != 0)
		return -1;
	next = next < lo ? lo : next;
	kc_buf_printf(b, ",\"end\":%lld,\"lag\":%lld}\n", (long long)hi,
	    (long long)(hi > next ? hi - next : 0));
	return 0;
}

/* How to see it for a position that is not Kafka's. */
static void
hint(struct kc_span offset)
{
	struct kc_span lsn = kc_json_get(offset, "lsn"),
		       file = kc_json_get(offset, "file");
	uint64_t at;

	if (kc_parse_u64(lsn, &at))
		kc_log(KC_NOTICE,
		    "bytes behind, in PostgreSQL: select "
		    "pg_wal_lsn_diff(pg_current_wal_lsn(), '%X/%X')",
		    (unsigned)(at >> 32), (unsigned)at);
	else if (file.p != NULL)
		kc_log(KC_NOTICE,
		    "compare with SHOW MASTER STATUS in MySQL or "
		    "MariaDB: this position is in %.*s",
		    (int)file.n, file.p);
}

static void
lag_one(void *arg, struct kc_span partition, struct kc_span offset)
{
	struct lag *l = arg;
	struct kc_tp tp = { 0 };

	if (l->rc != 0)
		return;
	put_position(&l->out->b, partition, offset);
	if (in_kafka(partition, offset, &tp)) {
		l->rc = put_lag(l, &tp, tp.offset + 1);
	} else {
		kc_buf_lit(&l->out->b, ",\"end\":null,\"lag\":null}\n");
		hint(offset);
	}
	free(tp.topic);
}

/* What a group has committed, of the partitions of its topics. */
static int
lag_group(struct lag *l)
{
	struct kc_buf *b = &l->out->b;
	struct kc_tp *all = NULL;
	char **topics = kc_conf_list(l->ctx->conf, "topics");
	size_t n = 0;
	int rc = connect_once(l);

	if (rc == 0)
		rc = kc_consumer_topics(l->c, &all, &n, l->e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		char **t = topics;
		while (*t != NULL && strcmp(*t, all[i].topic) != 0)
			t++;
		for (int32_t k = 0; *t != NULL && k < all[i].offset && rc == 0;
		     k++) {
			struct kc_tp tp = { all[i].topic, k, KC_OFFSET_STORED };
			rc = kc_consumer_committed(l->c, &tp, 1, l->e);
			if (rc != 0 || (tp.offset < 0 && *topics == NULL))
				continue;
			kc_buf_lit(b, "{\"partition\":{\"kafka_topic\":");
			kc_json_str(b, tp.topic, strlen(tp.topic));
			kc_buf_printf(b,
			    ",\"kafka_partition\":%d},\"committed\":", k);
			kc_buf_puts(b, tp.offset < 0 ? "null" : "");
			if (tp.offset >= 0)
				kc_buf_i64(b, tp.offset);
			rc = put_lag(l, &tp, tp.offset);
		}
	}
	kc_tps_free(all, n);
	kc_list_free(topics);
	return rc;
}

int
lag(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e)
{
	struct lag l = { ctx, out, NULL, e, 0 };
	struct kc_store *s;

	if (ctx->store == NULL) {
		if (!kc_conf_isset(ctx->conf, "group.id") ||
		    !kc_conf_isset(ctx->conf, "topics"))
			return kc_fail(e, KC_USAGE,
			    "lag: give -o STORE, or group.id "
			    "and topics");
		l.rc = lag_group(&l);
	} else if ((s = kc_store_open(ctx->store, KC_READER, e)) == NULL) {
		return -1;
	} else {
		kc_store_each(s, lag_one, &l);
		kc_store_close(s);
	}
	kc_consumer_free(l.c);
	return l.rc;
}

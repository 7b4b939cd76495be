/*
 * kc-binlog: the changes of MySQL and MariaDB tables as Debezium's change
 * events, from a server's binary log or from files of it; a snapshot first.
 */
/* needs: mysqlclient zlib libzstd */
#include <stdlib.h>

#include "kc-binlog.h"

#define UNSUPPORTED(name, def, doc)                                             \
	{                                                                       \
		name, KC_T_STRING, def, NULL, 'L', doc, 0, NULL, KC_UNSUPPORTED \
	}
#define OF_THE_JVM(name, doc)                                                \
	{                                                                    \
		name, KC_T_STRING, NULL, NULL, 'L', doc, 0, NULL, KC_IGNORED \
	}

static const struct kc_prop props[] = {
	KC_MYSQL_PROPS,
	{ "database.server.id", KC_T_LONG, "0", "0..4294967295", 'H',
	    "Id among the server's replicas, unlike any other's; 0: one is made up.",
	    'i', NULL, 0 },
	KC_CDC_PROPS,
	SNAPSHOT_PROPS,
	UNSUPPORTED("decimal.handling.mode", "precise",
	    "Only precise: exact decimals."),
	UNSUPPORTED("bigint.unsigned.handling.mode", "long", "Only long."),
	UNSUPPORTED("time.precision.mode", "adaptive_time_microseconds",
	    "Only adaptive_time_microseconds."),
	UNSUPPORTED("binary.handling.mode", "bytes", "Only bytes."),
	UNSUPPORTED("include.query", "false", "The statement in source.query."),
	UNSUPPORTED("include.schema.changes", "false",
	    "Schema change events: none are written."),
	UNSUPPORTED("gtid.source.includes", "", "GTID failover comes later."),
	UNSUPPORTED("gtid.source.excludes", "", "GTID failover comes later."),
	UNSUPPORTED("signal.data.collection", "", "Signals come later."),
	UNSUPPORTED("signal.enabled.channels", "source", "Signals come later."),
	UNSUPPORTED("notification.enabled.channels", "", "Notifications: none."),
	UNSUPPORTED("read.only", "false", "Incremental snapshots come later."),
	UNSUPPORTED("converters", "", "Custom converters are Java classes."),
	UNSUPPORTED("post.processors", "", "Post processors are Java classes."),
	UNSUPPORTED("column.propagate.source.type", "",
	    "Source types in schemas."),
	UNSUPPORTED("datatype.propagate.source.type", "",
	    "Source types in schemas."),
	{ "column.mask.", KC_T_STRING, NULL, NULL, 'L', "Masked columns.", 0,
	    NULL, KC_PREFIX | KC_UNSUPPORTED },
	{ "column.truncate.", KC_T_STRING, NULL, NULL, 'L',
	    "Truncated columns.", 0, NULL, KC_PREFIX | KC_UNSUPPORTED },
	UNSUPPORTED("schema.name.adjustment.mode", "none", "Only none."),
	UNSUPPORTED("field.name.adjustment.mode", "none", "Only none."),
	{ "event.processing.failure.handling.mode", KC_T_STRING, "fail",
	    "fail|warn|skip|ignore", 'M',
	    "A change logged as a statement, which has no rows: fail, warn or skip it.",
	    0, NULL, 0 },
	UNSUPPORTED("event.deserialization.failure.handling.mode", "fail",
	    "Only fail."),
	UNSUPPORTED("inconsistent.schema.handling.mode", "fail", "Only fail."),
	UNSUPPORTED("enable.time.adjuster", "true", "Two-digit years."),
	UNSUPPORTED("database.initial.statements", "",
	    "Statements of each session."),
	UNSUPPORTED("topic.naming.strategy",
	    "io.debezium.schema.SchemaTopicNamingStrategy", "Only the default."),
	OF_THE_JVM("max.batch.size", "Batches are as large as they come."),
	OF_THE_JVM("max.queue.size", "The pipe is the queue."),
	OF_THE_JVM("max.queue.size.in.bytes", "The pipe is the queue."),
	OF_THE_JVM("poll.interval.ms", "Events go on as they come."),
	OF_THE_JVM("connect.keep.alive",
	    "A lost connection is always made again."),
	OF_THE_JVM("connect.keep.alive.interval.ms",
	    "The server's heartbeats serve."),
	OF_THE_JVM("min.row.count.to.stream.results", "Rows are always streamed."),
	OF_THE_JVM("snapshot.max.threads", "One connection reads."),
	OF_THE_JVM("binlog.buffer.size", "Nothing is buffered."),
	{ "errors.max.retries", KC_T_INT, "-1", "-1..", 'M',
	    "Connections tried in vain, one after the other, before giving up; -1: no end.",
	    0, NULL, 0 },
	OF_THE_JVM("retriable.restart.connector.wait.ms", "Back-off is built in."),
	OF_THE_JVM("database.allowPublicKeyRetrieval", "Of the JDBC driver."),
	OF_THE_JVM("database.jdbc.driver", "Of the JDBC driver."),
	OF_THE_JVM("database.protocol", "Of the JDBC driver."),
	OF_THE_JVM("driver.allowPublicKeyRetrieval", "Of the JDBC driver."),
	OF_THE_JVM("custom.metric.tags", "Of JMX."),
	{ 0 },
};

static void
release(struct binlog *b)
{
	tables_free(b);
	kc_cdc_row_release(&b->before);
	kc_cdc_row_release(&b->after);
	kc_out_release(&b->out);
	kc_buf_release(&b->at.gtids);
	kc_cdc_free(b->cdc);
	kc_store_close(b->store);
	kc_mysql_close(b->db);
}

/* The position that the store has for us, if any. */
static int
stored(struct binlog *b, struct kc_err *e)
{
	struct kc_buf text = { 0 };
	int rc = 0;

	if (b->ctx->store == NULL)
		return 0;
	b->store = kc_store_open(b->ctx->store, KC_SOURCE, e);
	if (b->store == NULL)
		return -1;
	rc = kc_store_get(b->store, kc_cdc_partition(b->cdc), &text, e);
	if (rc == 1)
		rc = offset_parse(&b->at, KC_BUF_SPAN(&text), e);
	kc_buf_release(&text);
	return rc;
}

static int
from_server(struct binlog *b, struct kc_err *e)
{
	bool go_on = false;

	b->db = kc_mysql_open(b->conf, e);
	if (b->db == NULL)
		return -1;
	b->mariadb = kc_mysql_is_mariadb(b->db);
	if (kc_cdc_new(&b->cdc, b->conf, b->mariadb ? "mariadb" : "mysql",
		source_schema(b->mariadb), e) != 0 ||
	    stored(b, e) != 0 || snapshot(b, &go_on, e) != 0)
		return -1;
	return go_on ? stream(b, e) : kc_out_flush(&b->out, e);
}

static int
from_files(struct binlog *b, struct kc_err *e)
{
	if (kc_conf_str(b->conf, "topic.prefix") == NULL)
		kc_conf_set(b->conf, "topic.prefix", "binlog");
	if (b->ctx->store != NULL)
		return kc_fail(e, KC_USAGE,
		    "-o %s: files have no position to go on "
		    "from; leave -o out",
		    b->ctx->store);
	return stream_files(b, b->ctx->argv, b->ctx->argc, e);
}

static int
run(struct kc_ctx *ctx)
{
	struct binlog b = { .ctx = ctx, .conf = ctx->conf };
	int rc;

	kc_signals(false);
	kc_out_init(&b.out, 1);
	rc = ctx->argc > 0 ? from_files(&b, &ctx->err) :
			     from_server(&b, &ctx->err);
	release(&b);
	return rc == 0 ? 0 : ctx->err.status;
}

static const struct kc_cmd cmd = {
	.name = "kc-binlog",
	.summary = "the changes of MySQL and MariaDB tables, as they happen",
	.operands = "[binlog-file ...]",
	.type = "source",
	.classes = "io.debezium.connector.mysql.MySqlConnector,"
		   "io.debezium.connector.mariadb.MariaDbConnector",
	.options = "one",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

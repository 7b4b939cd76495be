/*
 * kc-pgwal: the changes of PostgreSQL tables as Debezium's change events, from
 * a logical replication slot (pgoutput); a consistent snapshot first.
 */
/* needs: libpq */
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "kc-pgwal.h"

#define UNSUPPORTED(name, def, doc)                                             \
	{                                                                       \
		name, KC_T_STRING, def, NULL, 'L', doc, 0, NULL, KC_UNSUPPORTED \
	}
#define OF_THE_JVM(name, doc)                                                \
	{                                                                    \
		name, KC_T_STRING, NULL, NULL, 'L', doc, 0, NULL, KC_IGNORED \
	}

static const struct kc_prop props[] = {
	{ "database.hostname", KC_T_STRING, "localhost", NULL, 'H',
	    "Host of the server.", 'H', NULL, 0 },
	{ "database.port", KC_T_INT, "5432", "1..65535", 'H',
	    "Port of the server.", 'P', NULL, 0 },
	{ "database.user", KC_T_STRING, "postgres", NULL, 'H',
	    "User to log in as.", 'u', NULL, 0 },
	{ "database.password", KC_T_PASSWORD, "", NULL, 'H',
	    "Password of that user.", 0, NULL, 0 },
	{ "database.dbname", KC_T_STRING, NULL, NULL, 'H', "The database.", 'd',
	    NULL, KC_REQUIRED },
	{ "database.sslmode", KC_T_STRING, "prefer",
	    "disable|allow|prefer|require|verify-ca|verify-full", 'M',
	    "TLS, as libpq's "
	    "sslmode.",
	    0, NULL, 0 },
	{ "database.sslcert", KC_T_STRING, "", NULL, 'M',
	    "PEM file with the client's certificate.", 0, NULL, 0 },
	{ "database.sslkey", KC_T_STRING, "", NULL, 'M',
	    "PEM file with the client's key.", 0, NULL, 0 },
	{ "database.sslpassword", KC_T_PASSWORD, "", NULL, 'L',
	    "Passphrase of that key.", 0, NULL, 0 },
	{ "database.sslrootcert", KC_T_STRING, "", NULL, 'M',
	    "PEM file of the authorities to trust.", 0, NULL, 0 },
	KC_CDC_PROPS,
	{ "schema.include.list", KC_T_LIST, "", NULL, 'H',
	    "Regexes of the schemas to capture.", 0, "schema.whitelist", 0 },
	{ "schema.exclude.list", KC_T_LIST, "", NULL, 'M',
	    "Regexes of the schemas not to capture.", 0, "schema.blacklist", 0 },
	{ "plugin.name", KC_T_STRING, "pgoutput", "pgoutput|decoderbufs", 'M',
	    "The output plugin: pgoutput.", 0, NULL, 0 },
	{ "slot.name", KC_T_STRING, "debezium", NULL, 'H', "Name of the slot.",
	    'S', NULL, 0 },
	{ "slot.drop.on.stop", KC_T_BOOLEAN, "false", NULL, 'M',
	    "Drop the slot at the end; for tests.", 0, NULL, 0 },
	{ "slot.stream.params", KC_T_STRING, "", NULL, 'L',
	    "More parameters of START_REPLICATION: name=value;name=value.", 0,
	    NULL, 0 },
	{ "publication.name", KC_T_STRING, "dbz_publication", NULL, 'H',
	    "Name of the publication.", 0, NULL, 0 },
	{ "publication.autocreate.mode", KC_T_STRING, "all_tables",
	    "all_tables|filtered|disabled|no_tables", 'M',
	    "What of a publication that is "
	    "missing: for all tables, for the captured ones, an error, for none.",
	    0, NULL, 0 },
	{ "snapshot.mode", KC_T_STRING, "initial",
	    "always|initial|initial_only|no_data|never|when_needed", 'H',
	    "When to read "
	    "the tables before the log: initial, always, initial_only, no_data, "
	    "when_needed.",
	    's', NULL, 0 },
	{ "snapshot.include.collection.list", KC_T_LIST, "", NULL, 'M',
	    "Regexes of the tables to read in a snapshot; default: all captured ones.",
	    0, NULL, 0 },
	{ "snapshot.select.statement.overrides", KC_T_LIST, "", NULL, 'M',
	    "Tables (schema.table) whose rows are chosen by a statement of their own.",
	    0, NULL, 0 },
	{ "snapshot.select.statement.overrides.", KC_T_STRING, NULL, NULL, 'M',
	    "That table's SELECT.", 0, NULL, KC_PREFIX },
	{ "message.prefix.include.list", KC_T_LIST, "", NULL, 'M',
	    "Regexes of the prefixes of logical decoding messages to capture.",
	    0, NULL, 0 },
	{ "message.prefix.exclude.list", KC_T_LIST, "", NULL, 'M',
	    "Regexes of the prefixes not to capture.", 0, NULL, 0 },
	{ "status.update.interval.ms", KC_T_INT, "10000", "1..", 'M',
	    "How often the server is told what it may forget.", 0, NULL, 0 },
	{ "heartbeat.action.query", KC_T_STRING, "", NULL, 'L',
	    "Statement to run with each heartbeat.", 0, NULL, 0 },
	UNSUPPORTED("decimal.handling.mode", "precise",
	    "Only precise: exact decimals."),
	UNSUPPORTED("time.precision.mode", "adaptive", "Only adaptive."),
	UNSUPPORTED("interval.handling.mode", "numeric", "Only numeric."),
	UNSUPPORTED("hstore.handling.mode", "json", "Only json."),
	UNSUPPORTED("binary.handling.mode", "bytes", "Only bytes."),
	UNSUPPORTED("money.fraction.digits", "2", "Only 2."),
	UNSUPPORTED("include.unknown.datatypes", "false", "They are left out."),
	UNSUPPORTED("replica.identity.autoset.values", "",
	    "Set it by ALTER TABLE."),
	UNSUPPORTED("signal.data.collection", "", "Signals come later."),
	UNSUPPORTED("signal.enabled.channels", "source", "Signals come later."),
	UNSUPPORTED("notification.enabled.channels", "", "Notifications: none."),
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
	UNSUPPORTED("event.processing.failure.handling.mode", "fail",
	    "Only fail."),
	UNSUPPORTED("schema.refresh.mode", "columns_diff", "The log says it."),
	UNSUPPORTED("snapshot.isolation.mode", "serializable",
	    "The slot's snapshot."),
	UNSUPPORTED("snapshot.locking.mode", "none", "No lock is ever taken."),
	UNSUPPORTED("database.initial.statements", "",
	    "Statements of each session."),
	UNSUPPORTED("read.only", "false", "Incremental snapshots come later."),
	UNSUPPORTED("topic.naming.strategy",
	    "io.debezium.schema.SchemaTopicNamingStrategy", "Only the default."),
	OF_THE_JVM("xmin.fetch.interval.ms", "xmin is null."),
	OF_THE_JVM("slot.max.retries", "Retries go on."),
	OF_THE_JVM("slot.retry.delay.ms", "Back-off is built in."),
	OF_THE_JVM("max.batch.size", "Batches are as large as they come."),
	OF_THE_JVM("max.queue.size", "The pipe is the queue."),
	OF_THE_JVM("max.queue.size.in.bytes", "The pipe is the queue."),
	OF_THE_JVM("poll.interval.ms", "Events go on as they come."),
	OF_THE_JVM("snapshot.fetch.size", "Rows are streamed."),
	OF_THE_JVM("snapshot.max.threads", "One connection reads."),
	OF_THE_JVM("database.tcpKeepAlive", "Always on."),
	OF_THE_JVM("errors.max.retries", "Retries go on."),
	OF_THE_JVM("retriable.restart.connector.wait.ms", "Back-off is built in."),
	OF_THE_JVM("flush.lsn.source", "The store says what is confirmed."),
	OF_THE_JVM("custom.metric.tags", "Of JMX."),
	{ 0 },
};

static void
release(struct pgwal *w)
{
	for (size_t i = 0; i < w->ntables; i++)
		table_free(w->tables[i]);
	free(w->tables);
	free(w->temporary);
	kc_cdc_row_release(&w->before);
	kc_cdc_row_release(&w->after);
	messages_release(&w->messages);
	kc_out_release(&w->out);
	kc_cdc_free(w->cdc);
	kc_store_close(w->store);
	server_close(w->repl);
	server_close(w->db);
}

/* 1: the store has a position, now in w->at; 0: none; -1. */
static int
stored(struct pgwal *w, struct kc_err *e)
{
	struct kc_buf text = { 0 };
	int rc;

	if (w->ctx->store == NULL)
		return 0;
	w->store = kc_store_open(w->ctx->store, KC_SOURCE, e);
	if (w->store == NULL)
		return -1;
	rc = kc_store_get(w->store, kc_cdc_partition(w->cdc), &text, e);
	if (rc == 1)
		offset_parse(&w->at, KC_BUF_SPAN(&text));
	kc_buf_release(&text);
	return rc;
}

static bool
mode_is(const struct pgwal *w, const char *mode)
{
	return kc_conf_is(w->conf, "snapshot.mode", mode);
}

/*
 * A position is stored: the slot must be there and not be ahead of it.
 * 1: a new snapshot instead; 0: go on; -1.
 */
static int
check_resume(struct pgwal *w, int exists, uint64_t confirmed, struct kc_err *e)
{
	if (exists && confirmed <= w->at.lsn_commit) {
		w->confirmed = w->at.lsn_commit;
		return 0;
	}
	if (mode_is(w, "when_needed"))
		return 1;
	if (!exists)
		return kc_fail(e, KC_USAGE,
		    "slot %s does not exist on %s, but the store "
		    "has a position: what happened since cannot be had any more; run "
		    "kc-offset reset for a new snapshot, or set snapshot.mode=when_needed",
		    w->slot, server_where(w->db));
	return kc_fail(e, KC_USAGE,
	    "slot %s: confirmed at %X/%X but the store says "
	    "%X/%X: the slot was recreated or read by someone else; run kc-offset "
	    "reset, or set snapshot.mode=when_needed",
	    w->slot, KC_PG_LSN_ARG(confirmed), KC_PG_LSN_ARG(w->at.lsn_commit));
}

/* A new slot, and with it the tables as they are at its start. */
static int
begin_anew(struct pgwal *w, int exists, bool data, struct kc_err *e)
{
	char *name = NULL;
	uint64_t lsn = 0;
	int rc;

	if (exists && w->store != NULL) {
		kc_log(KC_NOTICE,
		    "slot %s: nothing of it was stored, it is made again",
		    w->slot);
		if (drop_slot(w, e) != 0)
			return -1;
	}
	/* Without a store nothing is confirmed: a lasting slot would only fill the
	 * server's disk. */
	if (w->store == NULL)
		w->temporary = kc_xasprintf("%s_%d", w->slot, (int)getpid());
	w->repl = server_open(w->conf, true, e);
	if (w->repl == NULL ||
	    create_slot(w, w->repl, w->temporary != NULL, &lsn,
		data ? &name : NULL, e) != 0)
		return -1;
	rc = data ? snapshot(w, name, lsn, e) : 0;
	free(name);
	memset(&w->at, 0, sizeof w->at);
	w->at.lsn = w->at.lsn_proc = w->at.lsn_commit = lsn;
	w->at.ts_usec = 0;
	return rc;
}

/* 1: stream; 0: done; -1. */
static int
prepare(struct pgwal *w, struct kc_err *e)
{
	uint64_t confirmed = 0;
	int have, exists, rc;
	bool data = !mode_is(w, "no_data") && !mode_is(w, "never");

	if (check_server(w, e) != 0 || (have = stored(w, e)) < 0 ||
	    make_publication(w, e) != 0 ||
	    (exists = find_slot(w, &confirmed, e)) < 0)
		return -1;
	if (have && w->at.snapshot) {
		kc_log(KC_NOTICE,
		    "the snapshot before did not end: it is taken again");
		have = 0;
	}
	if (have && !mode_is(w, "always")) {
		if ((rc = check_resume(w, exists, confirmed, e)) <= 0)
			return rc == 0 ? 1 : -1;
	} else if (!data && exists) {
		/* the slot says where: nothing is stored yet */
		w->at.lsn_commit = w->at.lsn = w->at.lsn_proc = confirmed;
		return 1;
	}
	if (begin_anew(w, exists, data, e) != 0)
		return -1;
	if (kc_stop || (w->ctx->count >= 0 && w->emitted >= w->ctx->count))
		return 0;
	return 1;
}

static int
run(struct kc_ctx *ctx)
{
	struct pgwal w = { .ctx = ctx, .conf = ctx->conf };
	struct kc_err *e = &ctx->err, late;
	const char *p = kc_conf_str(ctx->conf, "unavailable.value.placeholder");
	int rc;

	kc_signals(false);
	kc_out_init(&w.out, 1);
	w.slot = kc_conf_str(ctx->conf, "slot.name");
	w.publication = kc_conf_str(ctx->conf, "publication.name");
	w.dbname = kc_conf_str(ctx->conf, "database.dbname");
	w.placeholder = (struct kc_span){ p, strlen(p) };
	rc = kc_cdc_new(&w.cdc, ctx->conf, "postgresql", source_schema, e);
	if (rc == 0)
		rc = messages_new(&w, e);
	if (rc == 0 && (w.db = server_open(ctx->conf, false, e)) == NULL)
		rc = -1;
	if (rc == 0)
		rc = prepare(&w, e);
	if (rc == 1 && mode_is(&w, "initial_only")) {
		struct kc_buf o = { 0 };
		offset_put(&o, &w.at);
		kc_put_checkpoint(&w.out.b, kc_cdc_partition(w.cdc),
		    KC_BUF_SPAN(&o));
		kc_buf_release(&o);
		rc = 0;
	} else if (rc == 1) {
		rc = stream(&w, e);
	}
	if (flush(&w, &late) != 0 && rc == 0) {
		*e = late;
		rc = -1;
	}
	if (rc == 0 && kc_conf_bool(ctx->conf, "slot.drop.on.stop") &&
	    w.temporary == NULL) {
		server_close(w.repl);
		w.repl = NULL;
		rc = drop_slot(&w, e);
	}
	release(&w);
	return rc == 0 ? 0 : ctx->err.status;
}

static const struct kc_cmd cmd = {
	.name = "kc-pgwal",
	.summary = "the changes of PostgreSQL tables, as they happen",
	.operands = "",
	.type = "source",
	.classes = "io.debezium.connector.postgresql.PostgresConnector",
	.options = "one",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

/*
 * kc-jdbcsink: envelopes into the tables of PostgreSQL, MySQL, MariaDB and
 * SQLite, with the properties of Debezium's and Confluent's JDBC sinks.
 */
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "jdbc.h"

#define P(name, type, def, valid, imp, doc)                  \
	{                                                    \
		name, type, def, valid, imp, doc, 0, NULL, 0 \
	}
#define A(name, type, def, valid, imp, doc, alias)            \
	{                                                     \
		name, type, def, valid, imp, doc, 0, alias, 0 \
	}
#define JVM(name, type, doc)                                          \
	{                                                             \
		name, type, NULL, NULL, 'L', doc, 0, NULL, KC_IGNORED \
	}

static const struct kc_prop props[] = {
	{ "connection.url", KC_T_STRING, NULL, NULL, 'H',
	    "JDBC URL of the target: jdbc:postgresql://h:p/db, jdbc:mysql://h:p/db, "
	    "jdbc:mariadb://h:p/db or jdbc:sqlite:path.",
	    0, NULL, KC_REQUIRED },
	A("connection.user", KC_T_STRING, NULL, NULL, 'H',
	    "User of the database.", "connection.username"),
	P("connection.password", KC_T_PASSWORD, NULL, NULL, 'H',
	    "Password of the user."),
	P("insert.mode", KC_T_STRING, "insert", "insert|upsert|update", 'H',
	    "insert: every record is an INSERT; upsert: it replaces the row of its "
	    "key; update: it changes rows that are there."),
	A("pk.mode", KC_T_STRING, "none",
	    "none|kafka|record_key|record_value|record_header", 'H',
	    "Where the primary key comes from: nowhere, the Kafka coordinates, the "
	    "record's key, fields of its value, or headers.",
	    "primary.key.mode"),
	A("pk.fields", KC_T_LIST, "", NULL, 'H',
	    "Names of the primary key's columns; empty: all fields of the key.",
	    "primary.key.fields"),
	P("delete.enabled", KC_T_BOOLEAN, "false", NULL, 'H',
	    "Delete events and null values delete the row of the key; needs "
	    "pk.mode=record_key."),
	P("truncate.enabled", KC_T_BOOLEAN, "false", NULL, 'M',
	    "Truncate events empty the table."),
	P("auto.create", KC_T_BOOLEAN, "false", NULL, 'M',
	    "Tables that are missing are created from the schema."),
	P("auto.evolve", KC_T_BOOLEAN, "false", NULL, 'M',
	    "Columns that are missing are added from the schema."),
	P("schema.evolution", KC_T_STRING, "none", "none|basic", 'M',
	    "basic: auto.create and auto.evolve together."),
	A("collection.name.format", KC_T_STRING, "${topic}", NULL, 'M',
	    "Name of the table; ${topic} is the topic, ${source.db} and the like are "
	    "fields of a change event's source block.",
	    "table.name.format"),
	P("collection.naming.strategy", KC_T_CLASS, NULL, NULL, 'L',
	    "Not taken over: collection.name.format names tables."),
	P("table.name.normalize", KC_T_BOOLEAN, "false", NULL, 'L',
	    "What is neither letter nor digit in a topic becomes _ in the table's name."),
	P("topics.to.tables.mapping", KC_T_LIST, "", NULL, 'L',
	    "topic:table pairs that go before collection.name.format."),
	P("postgres.schema", KC_T_STRING, NULL, NULL, 'L',
	    "Schema of tables whose name has none; default: the search path's first."),
	A("field.include.list", KC_T_LIST, "", NULL, 'M',
	    "Fields of the value to write, as field or topic:field; empty: all.",
	    "fields.whitelist,fields.include.list"),
	A("field.exclude.list", KC_T_LIST, "", NULL, 'M',
	    "Fields of the value not to write.", "fields.exclude.list"),
	P("batch.size", KC_T_INT, "20000", "1..", 'M',
	    "Records in a transaction, at most; 8 MiB of them end one as well."),
	P("linger.ms", KC_T_INT, "0", "0..60000", 'L',
	    "Waits this long for more records before a transaction that is not full."),
	A("max.retries", KC_T_INT, "10", "-1..", 'M',
	    "Attempts after a failure that may pass; -1: for ever.",
	    "flush.max.retries"),
	A("retry.backoff.ms", KC_T_INT, "1000", "1..", 'M',
	    "Before the first of them; doubles up to a minute.",
	    "flush.retry.delay.ms"),
	A("quote.identifiers", KC_T_STRING, NULL, "true|false|always|never", 'M',
	    "false: new names fold as the database folds unquoted ones. Default: false, "
	    "and always for the classes of Confluent and Aiven.",
	    "quote.sql.identifiers"),
	A("db.timezone", KC_T_STRING, "UTC", NULL, 'M',
	    "Zone in which instants are written into columns without one.",
	    "use.time.zone,database.time_zone"),
	P("use.reduction.buffer", KC_T_BOOLEAN, "true", NULL, 'M',
	    "Several records of a key in one batch collapse to the last."),
	P("schemaless.time.precision", KC_T_STRING, "auto", "auto|ms|us|ns", 'L',
	    "Unit of integers in time columns when records have no schema; auto: by "
	    "size, right for dates after 1973."),
	P("offset.table", KC_T_STRING, "kc_offsets", NULL, 'L',
	    "Table of the target that -o sink: keeps positions in."),
	A("dialect.name", KC_T_STRING, NULL, NULL, 'L',
	    "Must fit connection.url, which decides.", "hibernate.dialect"),
	JVM("connection.provider", KC_T_CLASS, "Connection pool class."),
	JVM("connection.pool.min_size", KC_T_INT, "One connection is used."),
	JVM("connection.pool.max_size", KC_T_INT, "One connection is used."),
	JVM("connection.pool.acquire_increment", KC_T_INT,
	    "One connection is used."),
	JVM("connection.pool.timeout", KC_T_INT, "One connection is used."),
	JVM("connection.attempts", KC_T_INT, "See max.retries."),
	JVM("connection.backoff.ms", KC_T_INT, "See retry.backoff.ms."),
	JVM("connection.restart.on.errors", KC_T_BOOLEAN, "It always reconnects."),
	JVM("table.types", KC_T_LIST, "Kinds of tables the driver lists."),
	JVM("trim.sensitive.log", KC_T_BOOLEAN,
	    "Logs show no values but of bad records."),
	JVM("value.converter", KC_T_CLASS,
	    "Records come as envelopes; see kc-convert."),
	JVM("key.converter", KC_T_CLASS,
	    "Records come as envelopes; see kc-convert."),
	KC_SINK_PROPS,
	{ .name = NULL },
};

struct sink {
	struct kc_ctx *ctx;
	struct opts o;
	struct target to;
	struct db db;
	struct kc_schemas schemas;
	struct planner *planner;
	struct pump *pump;
	struct retry retry;
	struct kc_err late; /* of a run that ended while a plan was made */
};

/* A plan needs the connection: the batch that runs is waited for. */
static void
idle(void *arg)
{
	struct sink *s = arg;

	(void)pump_wait(s->pump, &s->late);
}

static int
build(struct sink *s, struct work *w, const struct kc_batch *b, struct kc_err *e)
{
	work_reset(w);
	planner_next(s->planner);
	for (size_t i = 0; i < b->n; i++) {
		if (w->keep_lines)
			work_line(w, b->recs[i].line);
		if (plan_record(s->planner, w, &b->recs[i], (uint32_t)i, e) != 0)
			return -1;
	}
	for (size_t i = 0; s->db.own_offsets && i < b->pos->n; i++)
		if (b->pos->v[i].dirty)
			work_position(w, KC_BUF_SPAN(&b->pos->v[i].partition),
			    KC_BUF_SPAN(&b->pos->v[i].offset));
	return 0;
}

static int
sink_write(void *arg, const struct kc_batch *b, struct kc_err *e)
{
	struct sink *s = arg;
	struct retry again = s->retry;
	struct work *w = pump_work(s->pump);
	int rc;

	while ((rc = build(s, w, b, e)) != 0 && retry_wait(&again, e))
		;
	if (rc != 0) {
		planner_forget(s->planner);
		return -1;
	}
	if (pump_wait(s->pump, e) != 0)
		return -1;
	pump_start(s->pump);
	return 0;
}

static uint64_t
sink_durable(void *arg, bool wait, struct kc_err *e)
{
	struct sink *s = arg;

	return pump_done(s->pump, wait, e);
}

static bool
contains(const char *s, const char *what)
{
	return s != NULL && strstr(s, what) != NULL;
}

static const char *const modes[] = { "insert", "upsert", "update" };
static const char *const pks[] = { "none", "kafka", "record_key",
	"record_value", "record_header" };
static const char *const units[] = { "auto", "ms", "us", "ns" };

static int
index_of(const char *const *names, size_t n, const char *v)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], v) == 0)
			return (int)i;
	return 0;
}
#define INDEX(names, v) index_of(names, sizeof names / sizeof *names, v)

static void
read_opts(struct opts *o, const struct kc_conf *c)
{
	const char *class = kc_conf_str(c, "connector.class");
	const char *quote = kc_conf_str(c, "quote.identifiers");
	bool basic = kc_conf_is(c, "schema.evolution", "basic");

	o->confluent = contains(class, "confluent") || contains(class, "aiven");
	o->fold = quote == NULL ?
	    !o->confluent :
	    strcmp(quote, "false") == 0 || strcmp(quote, "never") == 0;
	o->insert = (enum insert_mode)INDEX(modes, kc_conf_str(c, "insert.mode"));
	o->pk = (enum pk_mode)INDEX(pks, kc_conf_str(c, "pk.mode"));
	o->unit = (enum time_unit)INDEX(units,
	    kc_conf_str(c, "schemaless.time.precision"));
	o->deletes = kc_conf_bool(c, "delete.enabled");
	o->truncates = kc_conf_bool(c, "truncate.enabled");
	o->create = basic || kc_conf_bool(c, "auto.create");
	o->evolve = basic || kc_conf_bool(c, "auto.evolve");
	o->normalize = kc_conf_bool(c, "table.name.normalize");
	o->collapse = kc_conf_bool(c, "use.reduction.buffer");
	o->format = kc_conf_str(c, "collection.name.format");
	o->schema = kc_conf_str(c, "postgres.schema");
	o->offsets = kc_conf_str(c, "offset.table");
	o->pk_fields = kc_conf_list(c, "pk.fields");
	o->include = kc_conf_list(c, "field.include.list");
	o->exclude = kc_conf_list(c, "field.exclude.list");
	o->tables = kc_conf_list(c, "topics.to.tables.mapping");
}

static int
check_opts(const struct opts *o, struct kc_err *e)
{
	if (o->insert != MODE_INSERT && o->pk == PK_NONE)
		return kc_fail(e, KC_USAGE,
		    "insert.mode=%s: needs a primary key; set "
		    "pk.mode (primary.key.mode), to record_key for instance",
		    modes[o->insert]);
	if (o->deletes && o->pk != PK_KEY)
		return kc_fail(e, KC_USAGE,
		    "delete.enabled=true: needs "
		    "pk.mode=record_key (primary.key.mode), is %s",
		    pks[o->pk]);
	if ((o->pk == PK_VALUE || o->pk == PK_HEADER) && o->pk_fields[0] == NULL)
		return kc_fail(e, KC_USAGE,
		    "pk.mode=%s: needs pk.fields, the names of "
		    "the key's columns",
		    pks[o->pk]);
	return 0;
}

/* db.timezone becomes this process's zone, which localtime_r reads. */
static int
set_zone(struct opts *o, const char *zone, struct kc_err *e)
{
	struct stat st;

	o->utc = strcasecmp(zone, "UTC") == 0 || strcasecmp(zone, "Z") == 0;
	if (o->utc)
		return 0;
	char *path = kc_xasprintf("/usr/share/zoneinfo/%s", zone);
	int rc = stat(path, &st);
	free(path);
	if (rc != 0)
		return kc_fail(e, KC_USAGE,
		    "db.timezone: %s: no such zone in "
		    "/usr/share/zoneinfo; Europe/Berlin is one",
		    zone);
	setenv("TZ", zone, 1);
	tzset();
	return 0;
}

static int
set_up(struct sink *s, struct kc_err *e)
{
	const struct kc_conf *c = s->ctx->conf;
	const char *user = kc_conf_str(c, "connection.user");
	const char *password = kc_conf_str(c, "connection.password");

	read_opts(&s->o, c);
	if (check_opts(&s->o, e) != 0 ||
	    set_zone(&s->o, kc_conf_str(c, "db.timezone"), e) != 0 ||
	    target_parse(&s->to, kc_conf_str(c, "connection.url"), e) != 0)
		return -1;
	s->to.user = user == NULL ? NULL : kc_xstrdup(user);
	s->to.password = password == NULL ? NULL : kc_xstrdup(password);
	s->retry.max = (int)kc_conf_int(c, "max.retries");
	s->retry.first_ms = (int)kc_conf_int(c, "retry.backoff.ms");
	s->db.d = s->to.dialect;
	s->db.to = &s->to;
	s->db.o = &s->o;
	s->db.own_offsets = s->ctx->store != NULL &&
	    strncmp(s->ctx->store, "sink:", 5) == 0;
	return 0;
}

static int
sink_all(struct sink *s)
{
	struct kc_sink k = {
		.write = sink_write,
		.durable = sink_durable,
		.own_store = s->db.own_offsets,
		.schemas = &s->schemas,
		.max_count = (size_t)kc_conf_int(s->ctx->conf, "batch.size"),
		.max_bytes = 8 * 1024 * 1024,
		.linger_ms = (int)kc_conf_int(s->ctx->conf, "linger.ms"),
		.retries = 0, /* sink_write has its own */
	};
	int rc;

	s->pump = pump_new(s->ctx, &s->db, &s->retry);
	if (s->pump == NULL)
		return kc_fail(&s->ctx->err, KC_TEMP, "no thread can be started"),
		       KC_TEMP;
	s->planner = planner_new(&s->db, &s->schemas, idle, s);
	rc = kc_sink_run(s->ctx, &k, s);
	pump_free(s->pump);
	planner_free(s->planner);
	return rc;
}

static void
release(struct sink *s)
{
	if (s->db.conn != NULL)
		s->db.d->close(&s->db);
	kc_buf_release(&s->db.sql);
	kc_buf_release(&s->db.text);
	kc_schemas_release(&s->schemas);
	target_release(&s->to);
	kc_list_free(s->o.pk_fields);
	kc_list_free(s->o.include);
	kc_list_free(s->o.exclude);
	kc_list_free(s->o.tables);
}

static int
run(struct kc_ctx *ctx)
{
	struct sink s = { .ctx = ctx };
	int rc = KC_USAGE;

	if (set_up(&s, &ctx->err) != 0)
		rc = ctx->err.status;
	else if (ctx->argc == 0)
		rc = sink_all(&s);
	else if (ctx->argc == 1 && strcmp(ctx->argv[0], "offsets") == 0)
		rc = offsets_serve(&s.db, &ctx->err) == 0 ? 0 : ctx->err.status;
	else
		kc_fail(&ctx->err, KC_USAGE,
		    "%s: not a property; the only operand is "
		    "offsets",
		    ctx->argv[0]);
	release(&s);
	return rc;
}

static const struct kc_cmd cmd = {
	.name = "kc-jdbcsink",
	.summary = "write records into the tables of a database",
	.operands = "[offsets]",
	.type = "sink",
	.classes = "io.debezium.connector.jdbc.JdbcSinkConnector,"
		   "io.confluent.connect.jdbc.JdbcSinkConnector,"
		   "io.aiven.connect.jdbc.JdbcSinkConnector",
	.options = "oDn",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

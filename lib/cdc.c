/*
 * Debezium's change events; see cdc.h. Shapes, names and the handling of moved
 * keys are those of Debezium 3.2's documentation of its relational connectors.
 */
#include "cdc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "json.h"
#include "num.h"

/* message.key.columns: tables that match have these columns as their key. */
struct key_rule {
	struct kc_match *tables;
	char **cols;
};

struct kc_cdc {
	struct kc_match *db_in, *db_ex, *schema_in, *schema_ex, *table_in,
	    *table_ex, *col_in, *col_ex;
	struct key_rule *rules;
	size_t nrules;
	char *prefix, *delimiter, *source_schema;
	struct kc_buf partition;
	char *heartbeat_topic;
	bool tombstones, heartbeat_announced;
	char skipped[8]; /* operations left out */
};

/* ---- configuration ---- */

static int
list_of(struct kc_match **m, struct kc_conf *conf, const char *name,
    struct kc_err *e)
{
	if (kc_match_new(m, kc_conf_str(conf, name), e) == 0)
		return 0;
	return kc_fail_in(e, "property %s: ", name);
}

/* "db.t1:a,b;db.t2:c" */
static int
key_rules(struct kc_cdc *c, const char *text, struct kc_err *e)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ";");
		char *rule = kc_xstrndup(text, n), *colon = strrchr(rule, ':');
		if (colon == NULL) {
			kc_fail(e, KC_USAGE,
			    "property message.key.columns: %s: must be "
			    "table.regex:column,column",
			    rule);
			free(rule);
			return -1;
		}
		*colon = '\0';
		c->rules = kc_xrealloc(c->rules,
		    (c->nrules + 1) * sizeof *c->rules);
		struct key_rule *r = &c->rules[c->nrules++];
		size_t k = 0;
		r->cols = kc_xcalloc(strlen(colon + 1) + 2, sizeof *r->cols);
		for (char *save, *s = strtok_r(colon + 1, ", ", &save);
		     s != NULL; s = strtok_r(NULL, ", ", &save))
			r->cols[k++] = kc_xstrdup(s);
		int rc = kc_match_new(&r->tables, rule, e);
		free(rule);
		if (rc != 0)
			return kc_fail_in(e, "property message.key.columns: ");
		text += n + (text[n] == ';');
	}
	return 0;
}

static int
skipped_operations(struct kc_cdc *c, struct kc_conf *conf, struct kc_err *e)
{
	char **ops = kc_conf_list(conf, "skipped.operations");
	int rc = 0;

	for (size_t i = 0, n = 0; ops[i] != NULL && rc == 0; i++) {
		if (strcmp(ops[i], "none") == 0)
			continue;
		if (strlen(ops[i]) != 1 || strchr("cudtr", ops[i][0]) == NULL)
			rc = kc_fail(e, KC_USAGE,
			    "property skipped.operations: %s: "
			    "must be c, u, d, t or none",
			    ops[i]);
		else if (n < sizeof c->skipped - 1)
			c->skipped[n++] = ops[i][0];
	}
	kc_list_free(ops);
	return rc;
}

int
kc_cdc_new(struct kc_cdc **out, struct kc_conf *conf, const char *connector,
    const char *source_schema, struct kc_err *e)
{
	struct kc_cdc *c;

	(void)connector;
	if (kc_conf_str(conf, "topic.prefix") == NULL)
		return kc_fail(e, KC_USAGE,
		    "property topic.prefix is missing: it is "
		    "the first part of every topic and the key of the offsets; give it "
		    "as topic.prefix=…, or in a file with -c");
	c = kc_xcalloc(1, sizeof *c);
	c->prefix = kc_xstrdup(kc_conf_str(conf, "topic.prefix"));
	c->delimiter = kc_xstrdup(kc_conf_str(conf, "topic.delimiter"));
	c->source_schema = kc_xstrdup(source_schema);
	c->tombstones = kc_conf_bool(conf, "tombstones.on.delete");
	c->heartbeat_topic = kc_xasprintf("%s%s%s",
	    kc_conf_str(conf, "topic.heartbeat.prefix"), c->delimiter, c->prefix);
	kc_buf_lit(&c->partition, "{\"server\":");
	kc_json_str(&c->partition, c->prefix, strlen(c->prefix));
	kc_buf_putc(&c->partition, '}');
	if (list_of(&c->db_in, conf, "database.include.list", e) != 0 ||
	    list_of(&c->db_ex, conf, "database.exclude.list", e) != 0 ||
	    list_of(&c->schema_in, conf, "schema.include.list", e) != 0 ||
	    list_of(&c->schema_ex, conf, "schema.exclude.list", e) != 0 ||
	    list_of(&c->table_in, conf, "table.include.list", e) != 0 ||
	    list_of(&c->table_ex, conf, "table.exclude.list", e) != 0 ||
	    list_of(&c->col_in, conf, "column.include.list", e) != 0 ||
	    list_of(&c->col_ex, conf, "column.exclude.list", e) != 0 ||
	    key_rules(c, kc_conf_str(conf, "message.key.columns"), e) != 0 ||
	    skipped_operations(c, conf, e) != 0) {
		kc_cdc_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
kc_cdc_free(struct kc_cdc *c)
{
	if (c == NULL)
		return;
	kc_match_free(c->db_in);
	kc_match_free(c->db_ex);
	kc_match_free(c->schema_in);
	kc_match_free(c->schema_ex);
	kc_match_free(c->table_in);
	kc_match_free(c->table_ex);
	kc_match_free(c->col_in);
	kc_match_free(c->col_ex);
	for (size_t i = 0; i < c->nrules; i++) {
		kc_match_free(c->rules[i].tables);
		kc_list_free(c->rules[i].cols);
	}
	free(c->rules);
	free(c->prefix);
	free(c->delimiter);
	free(c->source_schema);
	free(c->heartbeat_topic);
	kc_buf_release(&c->partition);
	free(c);
}

struct kc_span
kc_cdc_partition(const struct kc_cdc *c)
{
	return KC_BUF_SPAN(&c->partition);
}

/* ---- which tables and columns ---- */

static bool
chosen(const struct kc_match *in, const struct kc_match *ex, struct kc_span name)
{
	return in != NULL ? kc_match(in, name) : !kc_match(ex, name);
}

static struct kc_span
cstr(const char *s)
{
	return (struct kc_span){ s, strlen(s) };
}

bool
kc_cdc_wants_database(const struct kc_cdc *c, struct kc_span database)
{
	return chosen(c->db_in, c->db_ex, database);
}

bool
kc_cdc_wants(const struct kc_cdc *c, const char *database, const char *schema,
    const char *table)
{
	const char *first = schema != NULL ? schema : database;
	char *name;
	bool yes;

	if (schema == NULL && !chosen(c->db_in, c->db_ex, cstr(database)))
		return false;
	if (schema != NULL && !chosen(c->schema_in, c->schema_ex, cstr(schema)))
		return false;
	name = kc_xasprintf("%s.%s", first, table);
	yes = chosen(c->table_in, c->table_ex, cstr(name));
	free(name);
	return yes;
}

static bool
wants_column(const struct kc_cdc *c, const struct kc_cdc_table *t,
    const char *column)
{
	char *name = kc_xasprintf("%s.%s.%s",
	    t->schema != NULL ? t->schema : t->database, t->table, column);
	bool yes = chosen(c->col_in, c->col_ex, cstr(name));

	free(name);
	return yes;
}

/* ---- names and schemas of a table ---- */

/* Kafka's alphabet and length; another character becomes _, as in Debezium. */
static void
sanitize(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c & 0xc0) == 0x80)
			continue; /* the rest of a character */
		*to++ = isalnum(c) || strchr("._-", c) != NULL ? (char)c : '_';
		if (c >= 0xf0) /* two in UTF-16, which Debezium counts in */
			*to++ = '_';
	}
	*to = '\0';
}

static const char *const *
key_names(const struct kc_cdc *c, const struct kc_cdc_table *t, size_t *n)
{
	char *name = kc_xasprintf("%s.%s",
	    t->schema != NULL ? t->schema : t->database, t->table);
	const char *const *names = (const char *const *)t->key_names;

	*n = t->nkeys;
	for (size_t i = 0; i < c->nrules; i++)
		if (kc_match(c->rules[i].tables, cstr(name))) {
			names = (const char *const *)c->rules[i].cols;
			for (*n = 0; names[*n] != NULL; ++*n)
				;
			break;
		}
	free(name);
	return names;
}

static int
find_column(const struct kc_cdc_table *t, const char *name)
{
	for (size_t i = 0; i < t->ncols; i++)
		if (strcasecmp(t->cols[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
find_keys(const struct kc_cdc *c, struct kc_cdc_table *t, struct kc_err *e)
{
	size_t n, k = 0;
	const char *const *names = key_names(c, t, &n);

	free(t->key_cols);
	t->key_cols = kc_xcalloc(n + 1, sizeof *t->key_cols);
	for (size_t i = 0; i < t->ncols; i++)
		t->cols[i].key = false;
	for (size_t i = 0; i < n; i++) {
		int at = find_column(t, names[i]);
		if (at == -1)
			return kc_fail(e, KC_USAGE,
			    "table %s.%s has no column %s for "
			    "its key; see message.key.columns",
			    t->schema != NULL ? t->schema : t->database,
			    t->table, names[i]);
		if (!t->cols[at].included)
			continue;
		t->cols[at].key = true;
		t->key_cols[k++] = (size_t)at;
	}
	return (int)k;
}

static void
make_head(struct kc_cdc_table *t)
{
	kc_buf_reset(&t->head);
	kc_buf_lit(&t->head, "{\"topic\":");
	kc_json_str(&t->head, t->topic, strlen(t->topic));
	if (t->nkeys > 0) {
		kc_buf_lit(&t->head, ",\"keySchema\":\"");
		kc_buf_puts(&t->head, t->key_id);
		kc_buf_lit(&t->head, "\",\"key\":");
	}
}

int
kc_cdc_table_ready(struct kc_cdc *c, struct kc_cdc_table *t, struct kc_err *e)
{
	struct kc_buf key = { 0 }, value = { 0 };
	int n;

	for (size_t i = 0; i < t->ncols; i++) {
		struct kc_cdc_column *col = &t->cols[i];
		col->included = col->schema != NULL &&
		    wants_column(c, t, col->name);
		kc_buf_reset(&col->prefix);
		kc_json_str(&col->prefix, col->name, strlen(col->name));
		kc_buf_putc(&col->prefix, ':');
	}
	if ((n = find_keys(c, t, e)) < 0)
		return -1;
	t->nkeys = (size_t)n;
	free(t->topic);
	t->topic = kc_xasprintf("%s%s%s%s%s", c->prefix, c->delimiter,
	    t->schema != NULL ? t->schema : t->database, c->delimiter, t->table);
	sanitize(t->topic);
	if (strlen(t->topic) > 249)
		t->topic[249] = '\0';
	t->key_id[0] = '\0';
	if (t->nkeys > 0) {
		kc_cdc_key_schema(&key, t);
		kc_sha256_id(t->key_id, KC_BUF_SPAN(&key));
	}
	kc_cdc_value_schema(&value, t, c->source_schema);
	kc_sha256_id(t->value_id, KC_BUF_SPAN(&value));
	kc_buf_reset(&t->announce);
	if (t->nkeys > 0)
		kc_put_schema(&t->announce, KC_BUF_SPAN(&key), t->key_id);
	kc_put_schema(&t->announce, KC_BUF_SPAN(&value), t->value_id);
	t->announced = false;
	make_head(t);
	kc_buf_release(&key);
	kc_buf_release(&value);
	return 0;
}

void
kc_cdc_table_release(struct kc_cdc_table *t)
{
	for (size_t i = 0; i < t->ncols; i++) {
		free(t->cols[i].name);
		free(t->cols[i].schema);
		kc_buf_release(&t->cols[i].prefix);
	}
	kc_list_free(t->key_names);
	free(t->cols);
	free(t->key_cols);
	free(t->database);
	free(t->schema);
	free(t->table);
	free(t->topic);
	kc_buf_release(&t->head);
	kc_buf_release(&t->announce);
	memset(t, 0, sizeof *t);
}

/* ---- rows and events ---- */

void
kc_cdc_row_columns(struct kc_cdc_row *r, size_t n)
{
	if (n > r->cap) {
		r->col = kc_xrealloc(r->col, n * sizeof *r->col);
		r->cap = n;
	}
	memset(r->col, 0, n * sizeof *r->col);
}

void
kc_cdc_row_release(struct kc_cdc_row *r)
{
	kc_buf_release(&r->json);
	kc_buf_release(&r->unchanged);
	free(r->col);
	memset(r, 0, sizeof *r);
}

static struct kc_span
value_of(const struct kc_cdc_row *r, size_t col)
{
	if (r == NULL || r->col[col].n == 0)
		return (struct kc_span){ NULL, 0 };
	return (struct kc_span){ r->json.p + r->col[col].at, r->col[col].n };
}

/* The key's object, from that row. */
static void
put_key(struct kc_buf *b, const struct kc_cdc_table *t,
    const struct kc_cdc_row *r)
{
	kc_buf_putc(b, '{');
	for (size_t i = 0; i < t->nkeys; i++) {
		size_t k = t->key_cols[i];
		struct kc_span v = value_of(r, k);
		if (i > 0)
			kc_buf_putc(b, ',');
		kc_buf_span(b, KC_BUF_SPAN(&t->cols[k].prefix));
		if (v.p == NULL)
			kc_buf_lit(b, "null");
		else
			kc_buf_span(b, v);
	}
	kc_buf_putc(b, '}');
}

/*
 * Where line `line` of `of` leaves us: only the last one has done with the row.
 * The others stand before it, and say how many of its lines are done.
 */
static void
put_source(struct kc_buf *b, const struct kc_cdc *c,
    const struct kc_cdc_event *ev, int line, int of)
{
	kc_buf_lit(b, ",\"source\":{\"partition\":");
	kc_buf_span(b, KC_BUF_SPAN(&c->partition));
	kc_buf_lit(b, ",\"offset\":");
	if (line == of) {
		kc_buf_span(b, ev->offset);
	} else {
		kc_buf_put(b, ev->prior.p, ev->prior.n - 1);
		kc_buf_lit(b, ",\"line\":");
		kc_buf_i64(b, line);
		kc_buf_putc(b, '}');
	}
	kc_buf_lit(b, "}}\n");
}

/* Up to the value: topic, key. key NULL: without one. */
static void
put_head(struct kc_buf *b, const struct kc_cdc_table *t,
    const struct kc_cdc_row *key)
{
	if (key == NULL) { /* truncate */
		kc_buf_lit(b, "{\"topic\":");
		kc_json_str(b, t->topic, strlen(t->topic));
		return;
	}
	kc_buf_span(b, KC_BUF_SPAN(&t->head));
	if (t->nkeys > 0)
		put_key(b, t, key);
}

/* The key that the row has, or had, elsewhere. */
static void
put_header(struct kc_buf *b, const struct kc_cdc_table *t, const char *name,
    const struct kc_cdc_row *other)
{
	kc_buf_lit(b, ",\"headers\":[[\"");
	kc_buf_puts(b, name);
	kc_buf_lit(b, "\",");
	put_key(b, t, other);
	kc_buf_lit(b, ",\"");
	kc_buf_puts(b, t->key_id);
	kc_buf_lit(b, "\"]]");
}

static void
put_times(struct kc_buf *b, int64_t us)
{
	static struct kc_buf text; /* of the last time: mostly it again */
	static int64_t last = -1;

	if (us != last) {
		last = us;
		kc_buf_reset(&text);
		kc_buf_lit(&text, ",\"ts_ms\":");
		kc_buf_i64(&text, us / 1000);
		kc_buf_lit(&text, ",\"ts_us\":");
		kc_buf_i64(&text, us);
		kc_buf_lit(&text, ",\"ts_ns\":");
		kc_buf_i64(&text, us);
		kc_buf_lit(&text, "000}");
	}
	kc_buf_span(b, KC_BUF_SPAN(&text));
}

static void
put_image(struct kc_buf *b, const struct kc_cdc_row *r)
{
	if (r == NULL)
		kc_buf_lit(b, "null");
	else
		kc_buf_span(b, KC_BUF_SPAN(&r->json));
}

/* One event record; other: the row whose key goes into a header, or NULL. */
static void
put_event(struct kc_buf *b, const struct kc_cdc *c,
    const struct kc_cdc_table *t, const struct kc_cdc_event *ev,
    const char *header, const struct kc_cdc_row *other, int line, int of)
{
	const struct kc_cdc_row *image = ev->op == 'd' ? ev->before : ev->after;

	put_head(b, t, image);
	kc_buf_lit(b, ",\"valueSchema\":\"");
	kc_buf_put(b, t->value_id, 16);
	kc_buf_lit(b, "\",\"value\":{\"before\":");
	put_image(b, ev->before);
	kc_buf_lit(b, ",\"after\":");
	put_image(b, ev->after);
	kc_buf_lit(b, ",\"source\":");
	kc_buf_span(b, ev->source);
	kc_buf_lit(b, ",\"transaction\":");
	if (ev->transaction.p != NULL)
		kc_buf_span(b, ev->transaction);
	else
		kc_buf_lit(b, "null");
	kc_buf_lit(b, ",\"op\":\"");
	kc_buf_putc(b, ev->op);
	kc_buf_putc(b, '"');
	put_times(b, ev->ts_us);
	if (other != NULL)
		put_header(b, t, header, other);
	if (image != NULL && image->unchanged.len > 0) {
		kc_buf_lit(b, ",\"unchanged\":[");
		kc_buf_span(b, KC_BUF_SPAN(&image->unchanged));
		kc_buf_putc(b, ']');
	}
	put_source(b, c, ev, line, of);
}

static void
put_tombstone(struct kc_buf *b, const struct kc_cdc *c,
    const struct kc_cdc_table *t, const struct kc_cdc_event *ev,
    const struct kc_cdc_row *newkey, int line, int of)
{
	put_head(b, t, ev->before);
	kc_buf_lit(b, ",\"value\":null");
	if (newkey != NULL)
		put_header(b, t, "__debezium.newkey", newkey);
	put_source(b, c, ev, line, of);
}

/* The update moved the row to another key. */
static bool
key_moved(const struct kc_cdc_table *t, const struct kc_cdc_event *ev)
{
	if (ev->op != 'u' || ev->before == NULL || ev->after == NULL)
		return false;
	for (size_t i = 0; i < t->nkeys; i++) {
		struct kc_span a = value_of(ev->before, t->key_cols[i]);
		struct kc_span b = value_of(ev->after, t->key_cols[i]);
		if (a.p != NULL && b.p != NULL && !kc_span_eq(a, b))
			return true;
	}
	return false;
}

/* A moved row: deleted at its old key, created at the new one. */
static int
put_moved(struct kc_buf *out, const struct kc_cdc *c,
    const struct kc_cdc_table *t, const struct kc_cdc_event *ev)
{
	struct kc_cdc_event part = *ev;
	int n = c->tombstones ? 3 : 2;

	part.op = 'd';
	part.after = NULL;
	put_event(out, c, t, &part, "__debezium.newkey", ev->after, 1, n);
	if (c->tombstones)
		put_tombstone(out, c, t, &part, ev->after, 2, n);
	part.op = 'c';
	part.before = NULL;
	part.after = ev->after;
	put_event(out, c, t, &part, "__debezium.oldkey", ev->before, n, n);
	return n;
}

int
kc_cdc_event(struct kc_cdc *c, struct kc_cdc_table *t,
    const struct kc_cdc_event *ev, struct kc_buf *out)
{
	int n;

	if (c->skipped[0] != '\0' && strchr(c->skipped, ev->op) != NULL)
		return 0;
	if (!t->announced) {
		kc_buf_span(out, KC_BUF_SPAN(&t->announce));
		t->announced = true;
	}
	if (key_moved(t, ev))
		return put_moved(out, c, t, ev);
	n = ev->op == 'd' && c->tombstones && t->nkeys > 0 ? 2 : 1;
	put_event(out, c, t, ev, NULL, NULL, 1, n);
	if (n == 2)
		put_tombstone(out, c, t, ev, NULL, 2, 2);
	return n;
}

static const char heartbeat_key[] =
    "{\"type\":\"struct\",\"optional\":false,"
    "\"name\":\"io.debezium.connector.common.ServerNameKey\",\"version\":1,"
    "\"fields\":[{\"type\":\"string\",\"optional\":false,"
    "\"field\":\"serverName\"}]}";
static const char heartbeat_value[] =
    "{\"type\":\"struct\",\"optional\":false,"
    "\"name\":\"io.debezium.connector.common.Heartbeat\",\"version\":1,"
    "\"fields\":[{\"type\":\"int64\",\"optional\":false,"
    "\"field\":\"ts_ms\"}]}";

void
kc_cdc_heartbeat(struct kc_cdc *c, struct kc_span offset, int64_t ts_us,
    struct kc_buf *out)
{
	char key[17], value[17];

	kc_sha256_id(key, KC_LIT(heartbeat_key));
	kc_sha256_id(value, KC_LIT(heartbeat_value));
	if (!c->heartbeat_announced) {
		kc_put_schema(out, KC_LIT(heartbeat_key), key);
		kc_put_schema(out, KC_LIT(heartbeat_value), value);
		c->heartbeat_announced = true;
	}
	kc_buf_lit(out, "{\"topic\":");
	kc_json_str(out, c->heartbeat_topic, strlen(c->heartbeat_topic));
	kc_buf_printf(out, ",\"keySchema\":\"%s\",\"key\":{\"serverName\":", key);
	kc_json_str(out, c->prefix, strlen(c->prefix));
	kc_buf_printf(out,
	    "},\"valueSchema\":\"%s\",\"value\":{\"ts_ms\":%lld}"
	    ",\"source\":{\"partition\":",
	    value, (long long)(ts_us / 1000));
	kc_buf_span(out, KC_BUF_SPAN(&c->partition));
	kc_buf_lit(out, ",\"offset\":");
	kc_buf_span(out, offset);
	kc_buf_lit(out, "}}\n");
}

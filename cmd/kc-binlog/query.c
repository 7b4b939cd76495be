/*
 * Statements in the log: the bounds of transactions, DDL, truncations.
 */
#include <stdlib.h>

#include "stream.h"

/* Without the spaces and comments before it. */
static struct kc_span
statement(struct kc_span sql)
{
	const char *p = sql.p, *end = sql.p + sql.n, *close;

	for (;;) {
		while (p < end &&
		    (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
			p++;
		if (end - p < 4 || memcmp(p, "/*", 2) != 0 || p[2] == '!')
			break;
		close = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
		if (close == NULL)
			break;
		p = close + 2;
	}
	return (struct kc_span){ p, (size_t)(end - p) };
}

static bool
starts_with(struct kc_span sql, const char *word)
{
	size_t n = strlen(word);

	return sql.n >= n && strncasecmp(sql.p, word, n) == 0;
}

/* A name at *p, quoted or not, as a new string; moves on. */
static char *
take_name(const char **p, const char *end)
{
	struct kc_buf b = { 0 };

	while (*p < end && (**p == ' ' || **p == '\n' || **p == '\t'))
		++*p;
	if (*p < end && **p == '`') {
		for (++*p; *p < end; ++*p) {
			if (**p == '`' && (*p + 1 >= end || *++*p != '`'))
				break;
			kc_buf_putc(&b, **p);
		}
		if (*p < end && **p == '`')
			++*p;
	} else {
		while (*p < end && strchr(" .;\n\t", **p) == NULL)
			kc_buf_putc(&b, *(*p)++);
	}
	return kc_buf_str(&b);
}

static int
on_truncate(struct stream *s, const struct kc_binlog_event *ev,
    const struct kc_bl_query *q, uint64_t start)
{
	const char *p = q->sql.p + 8, *end = q->sql.p + q->sql.n;
	char *first = take_name(&p, end), *db, *name;

	if (strcasecmp(first, "table") == 0) {
		free(first);
		first = take_name(&p, end);
	}
	if (p < end && *p == '.') {
		p++;
		db = first;
		name = take_name(&p, end);
	} else {
		db = kc_xstrndup(q->db.p, q->db.n);
		name = first;
	}
	struct table *t = table_find(s->b, (struct kc_span){ db, strlen(db) },
	    (struct kc_span){ name, strlen(name) });
	free(db);
	free(name);
	if (t == NULL)
		return 0;
	if (!s->in_tx)
		s->event = 0;
	put_truncate(s, ev, t, start);
	return 0;
}

/* Can it change a captured table: in its database, or in one it names? */
static bool
concerns(const struct binlog *b, const struct kc_bl_query *q)
{
	if (kc_cdc_wants_database(b->cdc, q->db))
		return true;
	for (size_t i = 0; i < b->ntables; i++) {
		const char *name = b->tables[i]->cdc.database;
		size_t n = strlen(name);
		for (size_t k = 0; k + n <= q->sql.n; k++)
			if (strncasecmp(q->sql.p + k, name, n) == 0)
				return true;
	}
	return false;
}

/* A change that is a statement, not rows: it cannot be captured. */
static int
on_dml(struct stream *s, const struct kc_bl_query *q, uint64_t start,
    struct kc_err *e)
{
	const char *mode = kc_conf_str(s->b->conf,
	    "event.processing.failure.handling.mode");

	if (!concerns(s->b, q))
		return 0;
	kc_fail(e, KC_DATA,
	    "binlog %s:%llu: a change of database %.*s is logged as a "
	    "statement: %.*s; set binlog_format=ROW, in sessions too, and take a new "
	    "snapshot (kc-offset reset), or go on without it with "
	    "event.processing.failure.handling.mode=warn",
	    s->file, (unsigned long long)start, (int)q->db.n, q->db.p,
	    q->sql.n > 200 ? 200 : (int)q->sql.n, q->sql.p);
	if (strcmp(mode, "fail") == 0)
		return -1;
	if (strcmp(mode, "warn") == 0)
		kc_log(KC_WARN, "%s", e->msg);
	return 0;
}

/* Tables that a DDL statement names are read anew before their next rows. */
static void
on_ddl(struct stream *s, struct kc_span sql)
{
	for (size_t i = 0; i < s->b->ntables; i++) {
		const char *name = s->b->tables[i]->cdc.table;
		size_t n = strlen(name);
		for (size_t k = 0; k + n <= sql.n && !s->b->tables[i]->stale; k++)
			s->b->tables[i]->stale = strncasecmp(sql.p + k, name,
						     n) == 0;
	}
	s->generation++;
}

enum does { BEGINS, ENDS, NOTHING, CHANGES_ROWS, TRUNCATES };

static const struct {
	const char *word;
	enum does does;
} statements[] = {
	{ "BEGIN", BEGINS },
	{ "XA START", BEGINS },
	{ "ROLLBACK TO", NOTHING },
	{ "COMMIT", ENDS },
	{ "ROLLBACK", ENDS },
	{ "SAVEPOINT", NOTHING },
	{ "RELEASE", NOTHING },
	{ "XA END", NOTHING },
	{ "XA ", ENDS },
	{ "TRUNCATE", TRUNCATES },
	{ "INSERT ", CHANGES_ROWS },
	{ "UPDATE ", CHANGES_ROWS },
	{ "DELETE ", CHANGES_ROWS },
	{ "REPLACE ", CHANGES_ROWS },
	{ "LOAD ", CHANGES_ROWS },
};
#define NSTATEMENTS (sizeof statements / sizeof *statements)

int
on_query(struct stream *s, const struct kc_binlog_event *ev, uint64_t start,
    struct kc_err *e)
{
	struct kc_bl_query q;
	size_t i = 0;
	int rc = 0;

	if (kc_bl_query(&s->dec, ev, &q, e) != 0)
		return -1;
	q.sql = statement(q.sql);
	while (i < NSTATEMENTS && !starts_with(q.sql, statements[i].word))
		i++;
	s->thread = s->b->mariadb ? 0 : q.thread;
	switch (i < NSTATEMENTS ? (int)statements[i].does : -1) {
	case BEGINS:
		if (!s->begun)
			begin(s, s->in_tx ? s->event : 0);
		return 0;
	case ENDS:
		transaction_done(s, ev);
		return 0;
	case NOTHING:
		return 0;
	case CHANGES_ROWS:
		rc = on_dml(s, &q, start, e);
		break;
	case TRUNCATES:
		on_truncate(s, ev, &q, start);
		break;
	default:
		on_ddl(s, q.sql);
	}
	/* CREATE TABLE … SELECT is in the transaction of its rows. */
	if (rc == 0 && !s->begun)
		transaction_done(s, ev);
	return rc;
}

/*
 * A consistent view of the tables at a known position of the log. Where the
 * server itself says what position a view has (MariaDB, Percona), nothing is
 * locked; else all writers wait for the moment in which both are taken.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kc-binlog.h"

/* Server errors that mean: this user may not. */
enum {
	DB_DENIED = 1044,
	ACCESS_DENIED = 1045,
	TABLE_DENIED = 1142,
	SPECIFIC_DENIED = 1227
};

static bool
denied(const struct kc_mysql *m)
{
	unsigned code = kc_mysql_errno(m);

	return code == DB_DENIED || code == ACCESS_DENIED ||
	    code == TABLE_DENIED || code == SPECIFIC_DENIED;
}

/* Every captured table, for a user who may not lock all of the server. */
static int
lock_tables(struct view *v, struct kc_err *e)
{
	struct kc_buf q = { 0 };
	int rc;

	if (tables_load(v->b, NULL, NULL, e) != 0)
		return -1;
	for (size_t i = 0; i < v->b->ntables; i++) {
		const struct kc_cdc_table *t = &v->b->tables[i]->cdc;
		kc_buf_puts(&q, i == 0 ? "LOCK TABLES " : ", ");
		kc_mysql_ident(&q, t->database);
		kc_buf_putc(&q, '.');
		kc_mysql_ident(&q, t->table);
		kc_buf_lit(&q, " READ");
	}
	rc = q.len == 0 ? 0 : kc_mysql_exec(v->locker, kc_buf_str(&q), e);
	kc_buf_release(&q);
	if (rc != 0 && denied(v->locker))
		kc_fail_in(e,
		    "snapshot: GRANT RELOAD ON *.* (or LOCK TABLES ON "
		    "the databases) to the user, or set "
		    "snapshot.locking.mode=none: ");
	return rc;
}

static int
lock(struct view *v, struct kc_err *e)
{
	int64_t ms = kc_conf_int(v->b->conf, "snapshot.lock.timeout.ms");
	char sql[80];

	if ((v->locker = kc_mysql_open(v->b->conf, e)) == NULL)
		return -1;
	snprintf(sql, sizeof sql, "SET SESSION lock_wait_timeout=%lld",
	    (long long)(ms < 1000 ? 1 : (ms + 999) / 1000));
	if (kc_mysql_exec(v->locker, sql, e) != 0)
		return -1;
	if (kc_mysql_exec(v->locker, "FLUSH TABLES WITH READ LOCK", e) == 0)
		return 0;
	if (!denied(v->locker))
		return -1;
	kc_log(KC_INFO, "snapshot: the user lacks RELOAD; locking the tables");
	return lock_tables(v, e);
}

void
view_unlock(struct view *v)
{
	struct kc_err ignored;

	if (v->locker != NULL)
		kc_mysql_exec(v->locker, "UNLOCK TABLES", &ignored);
	kc_mysql_close(v->locker);
	v->locker = NULL;
}

/* Long reads must outlive the server's limits and a slow reader of ours. */
static int
begin_view(struct kc_mysql *db, bool mariadb, struct kc_err *e)
{
	if (kc_mysql_exec(db,
		"SET SESSION net_write_timeout=86400, "
		"SESSION wait_timeout=86400",
		e) != 0 ||
	    kc_mysql_exec(db,
		mariadb ? "SET SESSION max_statement_time=0" :
			  "SET SESSION max_execution_time=0",
		e) != 0)
		return -1;
	if (kc_mysql_exec(db,
		"SET SESSION TRANSACTION ISOLATION LEVEL "
		"REPEATABLE READ",
		e) != 0)
		return -1;
	return kc_mysql_exec(db, "START TRANSACTION WITH CONSISTENT SNAPSHOT", e);
}

/*
 * Where the view stands in the log, told by the server itself (MariaDB,
 * Percona): no lock is needed. 1, 0: it does not tell, -1.
 */
static int
view_position(struct binlog *b, struct kc_mysql_pos *p, struct kc_err *e)
{
	struct kc_span *row;
	char *gtids, sql[700];
	int got;

	p->file[0] = '\0';
	p->pos = 0;
	if (kc_mysql_query(b->db, "SHOW STATUS LIKE 'binlog\\_snapshot\\_%'",
		e) != 0)
		return -1;
	while ((got = kc_mysql_row(b->db, &row, e)) == 1) {
		if (strncasecmp(row[0].p, "binlog_snapshot_file", row[0].n) == 0 &&
		    row[1].n < sizeof p->file) {
			memcpy(p->file, row[1].p, row[1].n);
			p->file[row[1].n] = '\0';
		} else if (strncasecmp(row[0].p, "binlog_snapshot_position",
			       row[0].n) == 0) {
			kc_parse_u64(row[1], &p->pos);
		}
	}
	if (got != 0 || p->file[0] == '\0' || p->pos == 0)
		return got;
	if (!b->mariadb)
		return 1;
	snprintf(sql, sizeof sql, "SELECT BINLOG_GTID_POS('%s',%llu)", p->file,
	    (unsigned long long)p->pos);
	if (kc_mysql_value(b->db, sql, &gtids, e) != 0)
		return -1;
	if (gtids != NULL)
		kc_buf_puts(&p->gtids, gtids);
	free(gtids);
	return 1;
}

static int
server_time(struct binlog *b, int64_t *sec, struct kc_err *e)
{
	char *v;

	if (kc_mysql_value(b->db, "SELECT UNIX_TIMESTAMP()", &v, e) != 0)
		return -1;
	*sec = v == NULL ? 0 : atoll(v);
	free(v);
	return 0;
}

/*
 * The view, its position and the tables as they are in it. Locks, if any were
 * needed, are still held.
 */
int
view_open(struct view *v, struct kc_err *e)
{
	struct binlog *b = v->b;
	struct kc_mysql_pos p = { 0 };
	bool none = kc_conf_is(b->conf, "snapshot.locking.mode", "none"),
	     extended = kc_conf_is(b->conf, "snapshot.locking.mode", "extended");
	int told = 0, rc = -1;

	/* A first view only asks whether locks are needed at all. */
	if (begin_view(b->db, b->mariadb, e) != 0 ||
	    (told = view_position(b, &p, e)) < 0)
		return -1;
	if ((told == 0 && !none) || extended) {
		if (lock(v, e) != 0 || begin_view(b->db, b->mariadb, e) != 0)
			goto out;
		kc_buf_reset(&p.gtids);
		told = view_position(b, &p, e);
	}
	if (told < 0 || (told == 0 && kc_mysql_position(b->db, &p, e) != 0))
		goto out;
	if (server_time(b, &v->ts, e) != 0 || tables_load(b, NULL, NULL, e) != 0)
		goto out;
	offset_set(&b->at, &p, v->ts);
	if (!extended)
		view_unlock(v);
	rc = 0;
out:
	kc_buf_release(&p.gtids);
	return rc;
}

/* needs: libpq */
/* Connections to PostgreSQL, by libpq. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kc-pgwal.h"

struct server {
	PGconn *c;
	PGresult *r;
	char *copied;
	char *where;
};

/* libpq's words without their line ends, and without "connection to …". */
static const char *
said(const struct server *s, char *buf, size_t n)
{
	const char *m = PQerrorMessage(s->c);

	snprintf(buf, n, "%s", m);
	for (char *p = buf; *p != '\0'; p++)
		if (*p == '\n')
			*p = p[1] == '\0' ? '\0' : ' ';
	return buf;
}

static int
connect_failed(struct server *s, const struct kc_conf *conf, struct kc_err *e)
{
	char why[1000];
	const char *remedy = "is it up, and do database.hostname and database.port "
			     "name it?";

	said(s, why, sizeof why);
	if (strstr(why, "password authentication failed") != NULL ||
	    strstr(why, "no password supplied") != NULL)
		remedy = "see database.user and database.password";
	else if (strstr(why, "does not exist") != NULL)
		remedy = "see database.dbname and database.user";
	else if (strstr(why, "no pg_hba.conf entry") != NULL)
		remedy = "allow it in the server's pg_hba.conf, or set database.sslmode";
	else if (strstr(why, "permission denied to start WAL sender") != NULL ||
	    strstr(why, "must be superuser or replication role") != NULL)
		return kc_fail(e, KC_USAGE,
		    "%s: user %s may not replicate: run ALTER ROLE "
		    "%s REPLICATION as a superuser",
		    s->where, kc_conf_str(conf, "database.user"),
		    kc_conf_str(conf, "database.user"));
	else if (strstr(why, "number of requested standby connections") != NULL)
		remedy = "raise max_wal_senders on the server";
	return kc_fail(e, KC_TEMP, "%s: cannot connect: %s; %s", s->where, why,
	    remedy);
}

struct server *
server_open(const struct kc_conf *conf, bool replication, struct kc_err *e)
{
	struct server *s = kc_xcalloc(1, sizeof *s);
	const char *keys[20], *vals[20];
	size_t n = 0;
	static const struct {
		const char *key, *prop;
	} map[] = {
		{ "host", "database.hostname" },
		{ "port", "database.port" },
		{ "user", "database.user" },
		{ "password", "database.password" },
		{ "dbname", "database.dbname" },
		{ "sslmode", "database.sslmode" },
		{ "sslcert", "database.sslcert" },
		{ "sslkey", "database.sslkey" },
		{ "sslrootcert", "database.sslrootcert" },
		{ "sslpassword", "database.sslpassword" },
	};

	for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
		const char *v = kc_conf_str(conf, map[i].prop);
		if (v == NULL || v[0] == '\0')
			continue;
		keys[n] = map[i].key;
		vals[n++] = v;
	}
	keys[n] = "application_name";
	vals[n++] = "kc-pgwal";
	keys[n] = "connect_timeout";
	vals[n++] = "30";
	keys[n] = "keepalives_idle";
	vals[n++] = "30";
	keys[n] = "client_encoding";
	vals[n++] = "UTF8";
	keys[n] = "options";
	vals[n++] = "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC "
		    "-c extra_float_digits=1 -c bytea_output=hex -c lc_monetary=C";
	if (replication) {
		keys[n] = "replication";
		vals[n++] = "database";
	}
	keys[n] = vals[n] = NULL;
	s->where = kc_xasprintf("%s:%s/%s",
	    kc_conf_str(conf, "database.hostname"),
	    kc_conf_str(conf, "database.port"),
	    kc_conf_str(conf, "database.dbname"));
	s->c = PQconnectdbParams(keys, vals, 0);
	if (PQstatus(s->c) != CONNECTION_OK) {
		connect_failed(s, conf, e);
		server_close(s);
		return NULL;
	}
	return s;
}

void
server_close(struct server *s)
{
	if (s == NULL)
		return;
	PQclear(s->r);
	PQfreemem(s->copied);
	PQfinish(s->c);
	free(s->where);
	free(s);
}

const char *
server_where(const struct server *s)
{
	return s->where;
}

int
server_version(const struct server *s)
{
	return PQserverVersion(s->c);
}

const char *
server_state(const struct server *s)
{
	const char *state = PQresultErrorField(s->r, PG_DIAG_SQLSTATE);

	return state == NULL ? "" : state;
}

/* A failed statement; a lost connection is temporary. */
static int
failed(struct server *s, const char *what, struct kc_err *e)
{
	char why[1000];

	said(s, why, sizeof why);
	return kc_fail(e, KC_TEMP, "%s: %.200s: %s", s->where, what, why);
}

int
server_query(struct server *s, struct kc_err *e, const char *fmt, ...)
{
	va_list ap;
	char *sql;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&sql, fmt, ap);
	va_end(ap);
	if (n == -1)
		return kc_fail(e, KC_TEMP, "out of memory");
	PQclear(s->r);
	s->r = PQexec(s->c, sql);
	ExecStatusType st = PQresultStatus(s->r);
	if (st != PGRES_TUPLES_OK && st != PGRES_COMMAND_OK)
		n = failed(s, sql, e);
	else
		n = PQntuples(s->r);
	free(sql);
	return n;
}

const char *
server_value(const struct server *s, int row, int col)
{
	return PQgetisnull(s->r, row, col) ? NULL : PQgetvalue(s->r, row, col);
}

void
server_literal(struct kc_buf *b, const char *text)
{
	kc_buf_putc(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			kc_buf_putc(b, '\'');
		kc_buf_putc(b, *text);
	}
	kc_buf_putc(b, '\'');
}

void
server_ident(struct kc_buf *b, const char *name)
{
	kc_buf_putc(b, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			kc_buf_putc(b, '"');
		kc_buf_putc(b, *name);
	}
	kc_buf_putc(b, '"');
}

int
server_copy(struct server *s, struct kc_err *e, const char *sql)
{
	PQclear(s->r);
	s->r = PQexec(s->c, sql);
	ExecStatusType st = PQresultStatus(s->r);
	if (st != PGRES_COPY_OUT && st != PGRES_COPY_BOTH)
		return failed(s, sql, e);
	return 0;
}

int
server_copied(struct server *s, bool wait, struct kc_span *data, struct kc_err *e)
{
	int n;

	PQfreemem(s->copied);
	s->copied = NULL;
	n = PQgetCopyData(s->c, &s->copied, wait ? 0 : 1);
	if (n > 0) {
		*data = (struct kc_span){ s->copied, (size_t)n };
		return 1;
	}
	if (n == 0)
		return 2;
	if (n == -2)
		return failed(s, "copy", e);
	PQclear(s->r);
	s->r = PQgetResult(s->c);
	if (PQresultStatus(s->r) == PGRES_FATAL_ERROR)
		return failed(s, "replication", e);
	while (s->r != NULL) {
		PQclear(s->r);
		s->r = PQgetResult(s->c);
	}
	return 0;
}

int
server_send(struct server *s, const void *data, size_t n, struct kc_err *e)
{
	if (PQputCopyData(s->c, data, (int)n) != 1 || PQflush(s->c) == -1)
		return failed(s, "status", e);
	return 0;
}

int
server_fd(const struct server *s)
{
	return PQsocket(s->c);
}

int
server_consume(struct server *s, struct kc_err *e)
{
	if (PQconsumeInput(s->c) != 1)
		return failed(s, "replication", e);
	return 0;
}

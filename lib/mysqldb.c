/* MySQL and MariaDB servers; see mysqldb.h. */
/* needs: mysqlclient */
#include "mysqldb.h"

#include <mysql.h>

/* which these need */
#include <errmsg.h>
#ifdef MARIADB_BASE_VERSION
#include <ma_pvio.h>
#endif
#include <mysqld_error.h>

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io.h"
#include "log.h"
#include "num.h"

struct kc_mysql {
	MYSQL *c;
	MYSQL_RES *res; /* of the query that is being read */
	struct kc_span *cols;
	size_t ncols;
	char *where, *user;
	bool mariadb;
	unsigned version;
	int silence_ms; /* a dump: longer is a dead connection */
#ifndef MARIADB_BASE_VERSION
	MYSQL_RPL rpl;
#endif
	bool end;   /* a dump: that ends with the log */
	char *file; /* a dump: where it began */
	uint64_t pos;
};

/* ---- errors ---- */

/* What a person does about the server's error; NULL: its own words do. */
static const struct {
	unsigned code;
	int status;
	const char *remedy;
} remedies[] = {
	{ ER_ACCESS_DENIED_ERROR, KC_TEMP,
	    "check database.user and database.password" },
	{ ER_DBACCESS_DENIED_ERROR, KC_TEMP,
	    "GRANT it ON the database to the user" },
	{ ER_TABLEACCESS_DENIED_ERROR, KC_TEMP,
	    "GRANT SELECT ON the table to the user" },
	{ ER_COLUMNACCESS_DENIED_ERROR, KC_TEMP,
	    "GRANT SELECT ON the table to the user" },
	{ ER_SPECIFIC_ACCESS_DENIED_ERROR, KC_TEMP,
	    "GRANT SELECT, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT "
	    "ON *.* to the user" },
	{ ER_HOST_NOT_PRIVILEGED, KC_TEMP,
	    "CREATE USER for the host that this runs on" },
	{ ER_CON_COUNT_ERROR, KC_TEMP, "raise max_connections" },
	{ ER_BAD_DB_ERROR, KC_USAGE, "check the name" },
	{ ER_LOCK_WAIT_TIMEOUT, KC_TEMP,
	    "a long transaction holds it; raise snapshot.lock.timeout.ms, or "
	    "snapshot.locking.mode=none" },
	{ CR_CONNECTION_ERROR, KC_TEMP, "is the server up?" },
	{ CR_CONN_HOST_ERROR, KC_TEMP,
	    "is the server up, and are database.hostname and database.port "
	    "right?" },
	{ CR_UNKNOWN_HOST, KC_TEMP, "check database.hostname" },
	{ CR_SERVER_GONE_ERROR, KC_TEMP, "the connection was cut; start again" },
	{ CR_SERVER_LOST, KC_TEMP, "the connection was cut; start again" },
	{ CR_SSL_CONNECTION_ERROR, KC_TEMP,
	    "check database.ssl.mode and the PEM files" },
	{ CR_OUT_OF_MEMORY, KC_TEMP, "" },
};

/* what: the statement or act; NULL: none worth naming. */
static int
fail(struct kc_mysql *m, const char *what, struct kc_err *e)
{
	unsigned code = mysql_errno(m->c);
	const char *remedy = NULL;
	int status = KC_TEMP;

	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (remedies[i].code == code) {
			status = remedies[i].status;
			remedy = remedies[i].remedy;
		}
	return kc_fail(e, status, "%s as %s: %.150s%s%.300s (%u)%s%s", m->where,
	    m->user, what == NULL ? "" : what, what == NULL ? "" : ": ",
	    mysql_error(m->c), code, remedy == NULL ? "" : "; ",
	    remedy == NULL ? "" : remedy);
}

/* ---- connection ---- */

static const char *
set_or_null(const struct kc_conf *conf, const char *name)
{
	const char *v = kc_conf_str(conf, name);

	return v == NULL || *v == '\0' ? NULL : v;
}

static void
tls(MYSQL *c, const struct kc_conf *conf)
{
	const char *mode = kc_conf_str(conf, "database.ssl.mode");
	const char *ca = set_or_null(conf, "database.ssl.truststore"),
		   *pem = set_or_null(conf, "database.ssl.keystore"),
		   *pass = set_or_null(conf, "database.ssl.keystore.password");
	bool verify = strncmp(mode, "verify", 6) == 0;
#ifdef MARIADB_BASE_VERSION
	my_bool on = strncmp(mode, "disable", 7) != 0, check = verify;

	mysql_optionsv(c, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_optionsv(c, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &check);
	mysql_optionsv(c, MARIADB_OPT_TLS_PASSPHRASE, pass);
#else
	unsigned how = strncmp(mode, "disable", 7) == 0 ? SSL_MODE_DISABLED :
	    !verify ? strcmp(mode, "preferred") == 0 ? SSL_MODE_PREFERRED :
						       SSL_MODE_REQUIRED :
	    strstr(mode, "ca") != NULL ? SSL_MODE_VERIFY_CA :
					 SSL_MODE_VERIFY_IDENTITY;

	mysql_options(c, MYSQL_OPT_SSL_MODE, &how);
	(void)pass;
#endif
	mysql_options(c, MYSQL_OPT_SSL_CA, ca);
	mysql_options(c, MYSQL_OPT_SSL_CERT, pem);
	mysql_options(c, MYSQL_OPT_SSL_KEY, pem);
}

static void
options(MYSQL *c, const struct kc_conf *conf)
{
	unsigned wait = (unsigned)((kc_conf_int(conf, "connect.timeout.ms") + 999) /
		     1000),
		 query = (unsigned)((kc_conf_int(conf,
					 "database.query.timeout.ms") +
					999) /
		     1000),
		 tcp = MYSQL_PROTOCOL_TCP;

	mysql_options(c, MYSQL_OPT_CONNECT_TIMEOUT, &wait);
	if (query > 0) {
		mysql_options(c, MYSQL_OPT_READ_TIMEOUT, &query);
		mysql_options(c, MYSQL_OPT_WRITE_TIMEOUT, &query);
	}
	if (strchr(kc_conf_str(conf, "database.hostname"), '/') == NULL)
		mysql_options(c, MYSQL_OPT_PROTOCOL, &tcp);
	mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	tls(c, conf);
}

static unsigned
version_of(const char *text)
{
	unsigned a = 0, b = 0, c = 0;

	if (strncmp(text, "5.5.5-", 6) == 0) /* MariaDB's mask */
		text += 6;
	if (sscanf(text, "%u.%u.%u", &a, &b, &c) < 2)
		return 0;
	return a * 10000 + b * 100 + c;
}

/* The client library goes on without TLS where a server has none. */
static int
check_tls(struct kc_mysql *m, const struct kc_conf *conf, struct kc_err *e)
{
	const char *mode = kc_conf_str(conf, "database.ssl.mode");

	if (strncmp(mode, "disable", 7) == 0 ||
	    strcmp(mode, "preferred") == 0 || mysql_get_ssl_cipher(m->c) != NULL)
		return 0;
	return kc_fail(e, KC_TEMP,
	    "%s: database.ssl.mode is %s but the server "
	    "does not offer TLS; give it a certificate, or set "
	    "database.ssl.mode=preferred",
	    m->where, mode);
}

struct kc_mysql *
kc_mysql_open(const struct kc_conf *conf, struct kc_err *e)
{
	struct kc_mysql *m = kc_xcalloc(1, sizeof *m);
	const char *host = kc_conf_str(conf, "database.hostname");
	bool socket = strchr(host, '/') != NULL;
	unsigned port = (unsigned)kc_conf_int(conf, "database.port");

	if ((m->c = mysql_init(NULL)) == NULL) {
		free(m);
		kc_fail(e, KC_TEMP, "no memory for a connection");
		return NULL;
	}
	m->where = kc_xasprintf("%s:%u", host, port);
	m->user = kc_xstrdup(kc_conf_str(conf, "database.user"));
	options(m->c, conf);
	if (mysql_real_connect(m->c, socket ? NULL : host, m->user,
		kc_conf_str(conf, "database.password"), NULL, port,
		socket ? host : NULL, 0) == NULL) {
		fail(m, NULL, e);
		kc_mysql_close(m);
		return NULL;
	}
	m->version = version_of(mysql_get_server_info(m->c));
	m->mariadb = strstr(mysql_get_server_info(m->c), "MariaDB") != NULL;
	if (check_tls(m, conf, e) != 0 ||
	    kc_mysql_exec(m,
		"SET NAMES utf8mb4, time_zone='+00:00', sql_mode=''", e) != 0) {
		kc_mysql_close(m);
		return NULL;
	}
	return m;
}

void
kc_mysql_close(struct kc_mysql *m)
{
	if (m == NULL)
		return;
	if (m->silence_ms == 0)
		kc_mysql_end(m);
	mysql_close(m->c);
	free(m->cols);
	free(m->where);
	free(m->user);
	free(m->file);
	free(m);
}

bool
kc_mysql_is_mariadb(const struct kc_mysql *m)
{
	return m->mariadb;
}

unsigned
kc_mysql_version(const struct kc_mysql *m)
{
	return m->version;
}

const char *
kc_mysql_where(const struct kc_mysql *m)
{
	return m->where;
}

unsigned
kc_mysql_errno(const struct kc_mysql *m)
{
	unsigned code = mysql_errno(m->c);

	return code >= CR_MIN_ERROR && code <= CR_MAX_ERROR ? 0 : code;
}

/* ---- queries ---- */

int
kc_mysql_query(struct kc_mysql *m, const char *sql, struct kc_err *e)
{
	kc_log(KC_DEBUG, "%s: %s", m->where, sql);
	if (mysql_real_query(m->c, sql, strlen(sql)) != 0)
		return fail(m, sql, e);
	m->res = mysql_use_result(m->c);
	if (m->res == NULL)
		return mysql_field_count(m->c) == 0 ? 0 : fail(m, sql, e);
	m->ncols = mysql_num_fields(m->res);
	m->cols = kc_xrealloc(m->cols, (m->ncols + 1) * sizeof *m->cols);
	return 0;
}

int
kc_mysql_row(struct kc_mysql *m, struct kc_span **cols, struct kc_err *e)
{
	MYSQL_ROW row;
	unsigned long *n;

	if (m->res == NULL)
		return 0;
	if ((row = mysql_fetch_row(m->res)) == NULL) {
		if (mysql_errno(m->c) != 0)
			return fail(m, "reading rows", e);
		kc_mysql_end(m);
		return 0;
	}
	n = mysql_fetch_lengths(m->res);
	for (size_t i = 0; i < m->ncols; i++)
		m->cols[i] = (struct kc_span){ row[i], n[i] };
	*cols = m->cols;
	return 1;
}

size_t
kc_mysql_ncols(const struct kc_mysql *m)
{
	return m->ncols;
}

const char *
kc_mysql_colname(const struct kc_mysql *m, size_t i)
{
	return mysql_fetch_field_direct(m->res, (unsigned)i)->name;
}

void
kc_mysql_end(struct kc_mysql *m)
{
	if (m->res != NULL)
		mysql_free_result(m->res);
	m->res = NULL;
}

int
kc_mysql_exec(struct kc_mysql *m, const char *sql, struct kc_err *e)
{
	if (kc_mysql_query(m, sql, e) != 0)
		return -1;
	kc_mysql_end(m);
	return 0;
}

int
kc_mysql_value(struct kc_mysql *m, const char *sql, char **v, struct kc_err *e)
{
	struct kc_span *row;
	int got;

	*v = NULL;
	if (kc_mysql_query(m, sql, e) != 0)
		return -1;
	if ((got = kc_mysql_row(m, &row, e)) == 1 && row[0].p != NULL)
		*v = kc_xstrndup(row[0].p, row[0].n);
	kc_mysql_end(m);
	return got < 0 ? -1 : 0;
}

void
kc_mysql_ident(struct kc_buf *b, const char *name)
{
	kc_buf_putc(b, '`');
	for (; *name != '\0'; name++) {
		if (*name == '`')
			kc_buf_putc(b, '`');
		kc_buf_putc(b, *name);
	}
	kc_buf_putc(b, '`');
}

void
kc_mysql_string(struct kc_buf *b, const char *text)
{
	kc_buf_putc(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			kc_buf_putc(b, '\\');
		kc_buf_putc(b, *text);
	}
	kc_buf_putc(b, '\'');
}

/* ---- the log ---- */

static int
check_variable(struct kc_mysql *m, const char *name, const char *want,
    const char *remedy, struct kc_err *e)
{
	char *sql = kc_xasprintf("SELECT @@global.%s", name), *v;
	int rc = kc_mysql_value(m, sql, &v, e);

	free(sql);
	if (rc != 0)
		return -1;
	if (v == NULL || strcasecmp(v, want) != 0)
		rc = kc_fail(e, KC_USAGE, "%s: %s is %s, not %s; %s", m->where,
		    name, v == NULL ? "NULL" : v, want, remedy);
	free(v);
	return rc;
}

int
kc_mysql_check_binlog(struct kc_mysql *m, struct kc_err *e)
{
	if (check_variable(m, "log_bin", "1", "start the server with --log-bin",
		e) != 0 ||
	    check_variable(m, "binlog_format", "ROW",
		"SET GLOBAL binlog_format='ROW', and in the server's "
		"configuration",
		e) != 0)
		return -1;
	if (m->version < 50600)
		return 0;
	return check_variable(m, "binlog_row_image", "FULL",
	    "SET GLOBAL binlog_row_image='FULL', and in the server's "
	    "configuration",
	    e);
}

static void
put_gtids(struct kc_buf *b, const char *s)
{
	kc_buf_reset(b);
	for (; s != NULL && *s != '\0'; s++)
		if (*s != '\n' && *s != '\r')
			kc_buf_putc(b, *s);
}

static bool
is_new_words(const struct kc_mysql *m) /* SHOW MASTER STATUS is gone */
{
	return !m->mariadb && m->version >= 80200;
}

int
kc_mysql_position(struct kc_mysql *m, struct kc_mysql_pos *p, struct kc_err *e)
{
	struct kc_span *row;
	char *gtids = NULL;
	int got;

	if (kc_mysql_query(m,
		is_new_words(m) ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS",
		e) != 0) {
		if (kc_mysql_errno(m) == ER_SPECIFIC_ACCESS_DENIED_ERROR)
			return kc_fail_in(e, "GRANT %s ON *.* TO '%s': ",
			    m->mariadb ? "BINLOG MONITOR" : "REPLICATION CLIENT",
			    m->user);
		return -1;
	}
	if ((got = kc_mysql_row(m, &row, e)) < 0)
		return -1;
	if (got == 0 || m->ncols < 2 || row[0].n >= sizeof p->file ||
	    !kc_parse_u64(row[1], &p->pos)) {
		kc_mysql_end(m);
		return kc_fail(e, KC_USAGE,
		    "%s: the server writes no binary log; "
		    "start it with --log-bin",
		    m->where);
	}
	memcpy(p->file, row[0].p, row[0].n);
	p->file[row[0].n] = '\0';
	kc_buf_reset(&p->gtids);
	if (!m->mariadb && m->ncols > 4 && row[4].p != NULL) {
		kc_buf_span(&p->gtids, row[4]);
		put_gtids(&p->gtids, gtids = kc_xstrndup(row[4].p, row[4].n));
	}
	kc_mysql_end(m);
	if (m->mariadb) {
		if (kc_mysql_value(m, "SELECT @@global.gtid_binlog_pos", &gtids,
			e) != 0)
			return -1;
		put_gtids(&p->gtids, gtids);
	}
	free(gtids);
	return 0;
}

int
kc_mysql_has_binlog(struct kc_mysql *m, const char *file, struct kc_err *e)
{
	struct kc_span *row;
	int got, found = 0;

	if (kc_mysql_query(m, "SHOW BINARY LOGS", e) != 0)
		return -1;
	while ((got = kc_mysql_row(m, &row, e)) == 1)
		if (kc_span_is(row[0], file))
			found = 1;
	return got < 0 ? -1 : found;
}

#define DUMP_NON_BLOCK 1
#define DUMP_ANNOTATE 2 /* MariaDB: the statements too */

static void
le32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* What a replica says of itself before it asks for the log. */
static int
introduce(struct kc_mysql *m, const struct kc_mysql_dump *d, struct kc_err *e)
{
	char sql[200];

	/* A pipe may hold us up for long: the server waits. */
	snprintf(sql, sizeof sql,
	    "SET @master_binlog_checksum='NONE', @source_binlog_checksum='NONE', "
	    "@master_heartbeat_period=%lld, @source_heartbeat_period=%lld, "
	    "net_write_timeout=86400",
	    d->heartbeat_ms * 1000000LL, d->heartbeat_ms * 1000000LL);
	if (kc_mysql_exec(m, sql, e) != 0)
		return -1;
	return m->mariadb ?
	    kc_mysql_exec(m, "SET @mariadb_slave_capability=4", e) :
	    0;
}

/* A peer that is gone without a word is noticed, in TLS too. */
static void
keep_alive(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 10 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof options[i].value);
}

#define PACKET_ERROR UINT_MAX /* 32 bits, of the library */

#ifdef MARIADB_BASE_VERSION
static int
ask(struct kc_mysql *m, const unsigned char *p, size_t n)
{
	return m->c->methods->db_command(m->c, COM_BINLOG_DUMP, (const char *)p,
	    n, 1, NULL);
}

static unsigned long
packet(struct kc_mysql *m, const unsigned char **p)
{
	unsigned long n = mysql_net_read_packet(m->c);

	*p = m->c->net.read_pos;
	return n;
}
/* Bytes read from the network but not yet taken. */
static bool
cached(const struct kc_mysql *m)
{
	const MARIADB_PVIO *v = m->c->net.pvio;

	return v != NULL && v->cache != NULL &&
	    v->cache_pos < v->cache + v->cache_size;
}
#else
static int
ask(struct kc_mysql *m, const unsigned char *p, size_t n)
{
	m->rpl = (MYSQL_RPL){ .file_name_length = n - 10,
		.file_name = (const char *)p + 10,
		.start_position = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24,
		.flags = (unsigned)p[4] | (unsigned)p[5] << 8,
		.server_id = (uint32_t)p[6] | (uint32_t)p[7] << 8 |
		    (uint32_t)p[8] << 16 | (uint32_t)p[9] << 24 };
	return mysql_binlog_open(m->c, &m->rpl);
}

static unsigned long
packet(struct kc_mysql *m, const unsigned char **p)
{
	static const unsigned char end[1] = { 254 };

	if (mysql_binlog_fetch(m->c, &m->rpl) != 0)
		return PACKET_ERROR;
	*p = m->rpl.size == 0 ? end : m->rpl.buffer;
	return m->rpl.size == 0 ? 1 : m->rpl.size;
}

/* What the library read ahead cannot be seen: it just reads. */
static bool
cached(const struct kc_mysql *m)
{
	(void)m;
	return true;
}
#endif

int
kc_mysql_dump(struct kc_mysql *m, const struct kc_mysql_dump *d, struct kc_err *e)
{
	unsigned char cmd[11 + 512];
	size_t n = strlen(d->file);
	unsigned seconds = (unsigned)(d->heartbeat_ms * 2 / 1000 + 1);
	unsigned flags = (d->end ? DUMP_NON_BLOCK : 0) |
	    (m->mariadb ? DUMP_ANNOTATE : 0);

	if (n > sizeof cmd - 11 || d->pos > UINT32_MAX)
		return kc_fail(e, KC_USAGE,
		    "%s: binlog %s:%llu: not a position "
		    "that the server takes",
		    m->where, d->file, (unsigned long long)d->pos);
	if (introduce(m, d, e) != 0)
		return -1;
	le32(cmd, (uint32_t)d->pos);
	cmd[4] = (unsigned char)flags;
	cmd[5] = (unsigned char)(flags >> 8);
	le32(cmd + 6, d->server_id);
	memcpy(cmd + 10, d->file, n);
	m->silence_ms = d->heartbeat_ms * 2;
	m->end = d->end;
	m->file = kc_xstrdup(d->file);
	m->pos = d->pos;
	mysql_options(m->c, MYSQL_OPT_READ_TIMEOUT, &seconds);
	keep_alive((int)mysql_get_socket(m->c));
	return ask(m, cmd, 10 + n) == 0 ? 0 : fail(m, "COM_BINLOG_DUMP", e);
}

bool
kc_mysql_ready(struct kc_mysql *m)
{
	struct pollfd p = { (int)mysql_get_socket(m->c), POLLIN, 0 };

	return cached(m) || poll(&p, 1, 0) > 0;
}

/* Error 1236 says many things, in words; KC_TEMP: it may go better again. */
static const struct {
	const char *words;
	int status;
	const char *remedy;
} refusals[] = {
	{ "same server_uuid/server_id", KC_USAGE,
	    "another client reads the log with this id: set database.server.id to "
	    "one that nobody else has" },
	{ "max_allowed_packet", KC_USAGE,
	    "SET GLOBAL max_allowed_packet, and slave_max_allowed_packet of "
	    "MariaDB, to more than the largest row" },
	{ "inary log is not open", KC_USAGE, "start the server with --log-bin" },
	{ "shutdown", KC_TEMP, "the server stops" },
	{ "", KC_USAGE,
	    "the position was purged or is of another server: take a new snapshot "
	    "with snapshot.mode=when_needed, or after kc-offset reset" },
};

static int
dump_failed(struct kc_mysql *m, struct kc_err *e)
{
	unsigned code = mysql_errno(m->c);
	size_t i = 0;

	if (code == ER_MASTER_FATAL_ERROR_READING_BINLOG) {
		while (strstr(mysql_error(m->c), refusals[i].words) == NULL)
			i++;
		return kc_fail(e, refusals[i].status,
		    "%s: binlog %s:%llu: %.400s (%u); %s", m->where, m->file,
		    (unsigned long long)m->pos, mysql_error(m->c), code,
		    refusals[i].remedy);
	}
	if (code == ER_SPECIFIC_ACCESS_DENIED_ERROR ||
	    code == ER_ACCESS_DENIED_ERROR)
		return kc_fail(e, KC_USAGE,
		    "%s: binlog: %.300s (%u); GRANT "
		    "REPLICATION SLAVE ON *.* TO '%s'",
		    m->where, mysql_error(m->c), code, m->user);
	return fail(m, "reading the binlog", e);
}

int
kc_mysql_event(struct kc_mysql *m, struct kc_span *event, struct kc_err *e)
{
	const unsigned char *p;
	unsigned long n;

	/* TLS may hold back bytes that poll(2) cannot see: it just reads. */
	if (mysql_get_ssl_cipher(m->c) == NULL && !kc_mysql_ready(m)) {
		int r = kc_wait((int)mysql_get_socket(m->c), m->silence_ms, true);
		if (r < 0)
			return 0;
		if (r == 0)
			return kc_fail(e, KC_TEMP,
			    "%s: nothing heard for %d ms, not "
			    "even a heartbeat; the connection is dead",
			    m->where, m->silence_ms);
	}
	n = packet(m, &p);
	if (n >= PACKET_ERROR || n == 0) /* a signal may have cut a read */
		return kc_stop ? 0 : dump_failed(m, e);
	if (p[0] == 254 && n < 8)
		return m->end ? 0 :
				kc_fail(e, KC_TEMP,
				    "%s: the server ended the log: it stops, "
				    "or this connection was killed",
				    m->where);
	if (p[0] == 255)
		return kc_fail(e, KC_TEMP,
		    "%s: the server refused the binlog: "
		    "%.*s",
		    m->where, n > 3 ? (int)(n - 3) : 0, (const char *)p + 3);
	*event = (struct kc_span){ (const char *)p + 1, n - 1 };
	return 1;
}

/*
 * MySQL and MariaDB servers, opened from Debezium's database.* properties:
 * queries, streamed rows, server variables, and the binlog dump protocol
 * (dev.mysql.com/doc/dev/mysql-server, COM_BINLOG_DUMP). The client library's
 * own header stays in mysqldb.c.
 */
#ifndef KC_MYSQLDB_H
#define KC_MYSQLDB_H

#include <stdint.h>

#include "conf.h"

struct kc_mysql;

/* The connection's properties; use in a source's table. */
#define KC_MYSQL_PROPS                                                                                                   \
	{ "database.hostname", KC_T_STRING, "localhost", NULL, 'H',                                                      \
		"Host of the server.", 'H', NULL, 0 },                                                                   \
	    { "database.port", KC_T_INT, "3306", "1..65535", 'H',                                                        \
		    "Port of the server.", 'P', NULL, 0 },                                                               \
	    { "database.user", KC_T_STRING, "root", NULL, 'H',                                                           \
		    "User to log in as.", 'u', NULL, 0 },                                                                \
	    { "database.password", KC_T_PASSWORD, "", NULL, 'H',                                                         \
		    "Password of that user.", 0, NULL, 0 },                                                              \
	    { "database.ssl.mode", KC_T_STRING, "preferred",                                                             \
		    "disabled|preferred|disable|required|require|trust|verify_ca|verify-ca|verify_identity|verify-full", \
		    'M',                                                                                                 \
		    "TLS: preferred, required, verify_ca, verify_identity or disabled.",                                 \
		    0, NULL, 0 },                                                                                        \
	    { "database.ssl.truststore", KC_T_STRING, "", NULL, 'M',                                                     \
		    "PEM file of the authorities to trust.", 0,                                                          \
		    "database.ssl.ca", 0 },                                                                              \
	    { "database.ssl.keystore", KC_T_STRING, "", NULL, 'M',                                                       \
		    "PEM file with the client's certificate and key.", 0,                                                \
		    "database.ssl.cert", 0 },                                                                            \
	    { "database.ssl.truststore.password", KC_T_PASSWORD, "", NULL,                                               \
		    'L', "Of a Java keystore; PEM files need none.", 0, NULL,                                            \
		    KC_IGNORED },                                                                                        \
	    { "database.ssl.keystore.password", KC_T_PASSWORD, "", NULL, 'L',                                            \
		    "Passphrase of the client's key.", 0, NULL, 0 },                                                     \
	    { "connect.timeout.ms", KC_T_INT, "30000", "1..", 'M',                                                       \
		    "How long to wait for a connection.", 0, NULL, 0 },                                                  \
	{                                                                                                                \
		"database.query.timeout.ms", KC_T_INT, "600000", "0..", 'L',                                             \
		    "How long to wait for an answer; 0: for ever.", 0, NULL, 0                                           \
	}

/*
 * Connects. KC_TEMP: cannot be reached, refused, wrong password; the message
 * names host:port, user and the remedy. The session is utf8mb4, UTC, with
 * sql_mode ''.
 */
struct kc_mysql *kc_mysql_open(const struct kc_conf *conf, struct kc_err *e);
void kc_mysql_close(struct kc_mysql *m);

bool kc_mysql_is_mariadb(const struct kc_mysql *m);
unsigned kc_mysql_version(const struct kc_mysql *m);  /* 80033, 101115 */
const char *kc_mysql_where(const struct kc_mysql *m); /* "host:port" */

/* Runs a statement; its rows, if any, are thrown away. */
int kc_mysql_exec(struct kc_mysql *m, const char *sql, struct kc_err *e);
/* The server's error number of the last failure, 0: none or the client's. */
unsigned kc_mysql_errno(const struct kc_mysql *m);
/* First column of the first row, a new string; *v NULL: no row, or NULL. */
int kc_mysql_value(struct kc_mysql *m, const char *sql, char **v,
    struct kc_err *e);

/*
 * A query's rows, one at a time as they arrive (nothing is kept). The texts of
 * a row (p NULL: SQL NULL) are valid until the next one. Only one at a time;
 * read all or call _end, which skips the rest.
 */
int kc_mysql_query(struct kc_mysql *m, const char *sql, struct kc_err *e);
int kc_mysql_row(struct kc_mysql *m, struct kc_span **cols,
    struct kc_err *e); /* 1, 0 at the end, -1 */
size_t kc_mysql_ncols(const struct kc_mysql *m);
const char *kc_mysql_colname(const struct kc_mysql *m, size_t i);
void kc_mysql_end(struct kc_mysql *m);

void kc_mysql_ident(struct kc_buf *b, const char *name);  /* `a``b` */
void kc_mysql_string(struct kc_buf *b, const char *text); /* 'it\'s' */

/*
 * log_bin, binlog_format ROW, binlog_row_image FULL, and what the user may do:
 * KC_USAGE with the variable, its value and the statement that sets it.
 */
int kc_mysql_check_binlog(struct kc_mysql *m, struct kc_err *e);
/* SHOW MASTER STATUS / SHOW BINARY LOG STATUS; gtids of it or of MariaDB. */
struct kc_mysql_pos {
	char file[512];
	uint64_t pos;
	struct kc_buf gtids; /* without newlines; len 0: none */
};
int kc_mysql_position(struct kc_mysql *m, struct kc_mysql_pos *p,
    struct kc_err *e);
/* 1: the server still has that binlog file, 0: gone, -1. */
int kc_mysql_has_binlog(struct kc_mysql *m, const char *file, struct kc_err *e);

/*
 * The binlog from file:pos on; this connection is then good for nothing else.
 * Events come with their 19-byte header, without checksum (it is asked off;
 * the format description event says whether a server obeyed). A heartbeat
 * event comes after heartbeat_ms of silence, so a read that waits longer than
 * twice that is a dead connection. server_id: ours, unlike any other client's.
 * end: the server says end of file where its log ends instead of waiting.
 */
struct kc_mysql_dump {
	const char *file;
	uint64_t pos;
	uint32_t server_id;
	int heartbeat_ms;
	bool end;
};
int kc_mysql_dump(struct kc_mysql *m, const struct kc_mysql_dump *d,
    struct kc_err *e);
/*
 * The next event, valid until the next call. 1; 0 at the end (`end`) or when
 * kc_stop was set; -1: KC_TEMP cut or refused, KC_USAGE when the server no
 * longer has the file (its error 1236, in words, with the remedy).
 */
int kc_mysql_event(struct kc_mysql *m, struct kc_span *event, struct kc_err *e);
/* kc_mysql_event will not wait for the network. Flush before it would. */
bool kc_mysql_ready(struct kc_mysql *m);

#endif

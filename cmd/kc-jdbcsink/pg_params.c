/* Parameters of a JDBC URL of PostgreSQL in libpq's words. */
#include "pg_params.h"

static const struct {
	const char *jdbc, *libpq;
} params[] = {
	{ "sslmode", "sslmode" },
	{ "sslcert", "sslcert" },
	{ "sslkey", "sslkey" },
	{ "sslrootcert", "sslrootcert" },
	{ "sslpassword", "sslpassword" },
	{ "ApplicationName", "application_name" },
	{ "options", "options" },
	{ "gssEncMode", "gssencmode" },
	{ "channelBinding", "channel_binding" },
	{ "targetServerType", "target_session_attrs" },
	{ "user", "user" },
	{ "password", "password" },
};

static void
keyword(struct pg_params *w, const char *k, const char *v)
{
	if (v == NULL || w->n + 1 == PG_PARAMS)
		return;
	w->k[w->n] = k;
	w->v[w->n++] = v;
}

/* pgjdbc: primary, secondary, preferSecondary */
static const char *
server_type(const char *v)
{
	return strcmp(v, "primary") == 0 || strcmp(v, "master") == 0 ?
	    "read-write" :
	    strcmp(v, "secondary") == 0 ? "read-only" :
					  "any";
}

void
pg_params(struct pg_params *w, const struct target *t)
{
	keyword(w, "host", t->host != NULL ? t->host : "localhost");
	keyword(w, "port", t->port);
	keyword(w, "client_encoding", "UTF8");
	keyword(w, "fallback_application_name", "kc-jdbcsink");
	/* A server that vanished is noticed within a minute. */
	keyword(w, "keepalives_idle", "30");
	keyword(w, "keepalives_interval", "10");
	keyword(w, "keepalives_count", "3");
	keyword(w, "tcp_user_timeout", "60000");
	const char *ssl = target_param(t, "ssl");
	if (ssl != NULL && strcmp(ssl, "false") != 0)
		keyword(w, "sslmode", "verify-full");
	for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
		const char *v = target_param(t, params[i].jdbc);
		if (v != NULL && strcmp(params[i].jdbc, "targetServerType") == 0)
			v = server_type(v);
		keyword(w, params[i].libpq, v);
	}
	keyword(w, "user", t->user);
	keyword(w, "password", t->password);
	keyword(w, "dbname", t->db != NULL ? t->db : t->user);
}

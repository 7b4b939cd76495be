/*
 * JDBC URLs, as the drivers read them:
 *   jdbc:postgresql://HOST[:PORT][,HOST…]/DB?name=value&…  jdbc:postgresql:DB
 *   jdbc:mysql://HOST[:PORT]/DB?…   jdbc:mariadb://HOST[:PORT]/DB?…
 *   jdbc:sqlite:PATH
 */
#include <stdlib.h>

#include "jdbc.h"

static const struct scheme {
	const char *prefix;
	const struct dialect *dialect;
	bool mariadb;
} schemes[] = {
	{ "jdbc:postgresql:", &dialect_pg, false },
	{ "jdbc:mysql:", &dialect_mysql, false },
	{ "jdbc:mariadb:", &dialect_mysql, true },
	{ "jdbc:sqlite:", &dialect_sqlite, false },
};

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

/* %41 as in a query string. */
static char *
decode(const char *s, size_t n)
{
	char *out = kc_xmalloc(n + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n && hex(s[i + 1]) >= 0 &&
		    hex(s[i + 2]) >= 0) {
			out[at++] = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
			i += 2;
		} else {
			out[at++] = s[i];
		}
	}
	out[at] = '\0';
	return out;
}

static void
add_param(struct target *t, size_t *n, const char *s, size_t len)
{
	const char *eq = memchr(s, '=', len);
	size_t name = eq == NULL ? len : (size_t)(eq - s);

	if (name == 0)
		return;
	t->params = kc_xrealloc(t->params, (*n + 3) * sizeof *t->params);
	t->params[(*n)++] = decode(s, name);
	t->params[(*n)++] = eq == NULL ? kc_xstrdup("") :
					 decode(eq + 1, len - name - 1);
	t->params[*n] = NULL;
}

static void
parse_params(struct target *t, const char *s)
{
	size_t n = 0;

	t->params = kc_xcalloc(1, sizeof *t->params);
	while (s != NULL && *s != '\0') {
		size_t len = strcspn(s, "&");
		add_param(t, &n, s, len);
		s += len + (s[len] == '&');
	}
}

/* HOST[:PORT][,HOST[:PORT]…], an IPv6 address in brackets. */
static void
parse_hosts(struct target *t, const char *s, size_t n)
{
	struct kc_buf host = { 0 }, port = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ',') {
			kc_buf_putc(&host, ',');
			kc_buf_putc(&port, ',');
		} else if (s[i] == '[') {
			for (i++; i < n && s[i] != ']'; i++)
				kc_buf_putc(&host, s[i]);
		} else if (s[i] == ':') {
			for (; i + 1 < n && s[i + 1] != ','; i++)
				kc_buf_putc(&port, s[i + 1]);
		} else {
			kc_buf_putc(&host, s[i]);
		}
	}
	if (host.len > 0)
		t->host = kc_xstrdup(kc_buf_str(&host));
	if (port.len > 0)
		t->port = kc_xstrdup(kc_buf_str(&port));
	kc_buf_release(&host);
	kc_buf_release(&port);
}

int
target_parse(struct target *t, const char *url, struct kc_err *e)
{
	const struct scheme *s = NULL;
	size_t n;

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) ==
		    0)
			s = &schemes[i];
	if (s == NULL)
		return kc_fail(e, KC_USAGE,
		    "connection.url: %.60s: must begin with jdbc:postgresql:, "
		    "jdbc:mysql:, jdbc:mariadb: or jdbc:sqlite:",
		    url);
	t->dialect = s->dialect;
	t->mariadb = s->mariadb;
	n = strcspn(url, "?");
	t->shown = kc_xstrndup(url, n);
	parse_params(t, url[n] == '?' ? url + n + 1 : NULL);
	const char *rest = url + strlen(s->prefix), *end = url + n;
	if (s->dialect != &dialect_sqlite && strncmp(rest, "//", 2) == 0) {
		rest += 2;
		const char *slash = memchr(rest, '/', (size_t)(end - rest));
		parse_hosts(t, rest,
		    (size_t)((slash == NULL ? end : slash) - rest));
		rest = slash == NULL ? end : slash + 1;
	}
	if (rest < end)
		t->db = decode(rest, (size_t)(end - rest));
	else if (s->dialect == &dialect_sqlite)
		return kc_fail(e, KC_USAGE,
		    "connection.url: %s: names no file; jdbc:sqlite:PATH does",
		    t->shown);
	return 0;
}

const char *
target_param(const struct target *t, const char *name)
{
	for (char **p = t->params; p != NULL && *p != NULL; p += 2)
		if (strcmp(p[0], name) == 0)
			return p[1];
	return NULL;
}

void
target_release(struct target *t)
{
	for (char **p = t->params; p != NULL && *p != NULL; p++)
		free(*p);
	free(t->params);
	free(t->host);
	free(t->port);
	free(t->db);
	free(t->user);
	free(t->password);
	free(t->shown);
	memset(t, 0, sizeof *t);
}

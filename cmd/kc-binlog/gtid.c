/*
 * The set of transactions read so far, as its server writes it: MySQL's
 * "uuid:1-5:7,uuid:1", MariaDB's "0-1-5,1-1-3" (the last of each domain).
 */
#include <stdio.h>
#include <stdlib.h>

#include "kc-binlog.h"

struct range {
	uint64_t from, to; /* inclusive */
};

struct member {
	char id[40];	 /* MySQL: uuid; MariaDB: domain */
	uint32_t server; /* MariaDB */
	struct range *v;
	size_t n;
};

struct gtids {
	bool mariadb;
	struct member *v;
	size_t n;
};

static struct member *
member(struct gtids *g, const char *id)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcasecmp(g->v[i].id, id) == 0)
			return &g->v[i];
	g->v = kc_xrealloc(g->v, (g->n + 1) * sizeof *g->v);
	struct member *m = &g->v[g->n++];
	memset(m, 0, sizeof *m);
	snprintf(m->id, sizeof m->id, "%s", id);
	return m;
}

/* Adds from..to, ranges kept apart and in order. */
static void
add_range(struct member *m, uint64_t from, uint64_t to)
{
	size_t i = 0, j;

	while (i < m->n && m->v[i].to + 1 < from)
		i++;
	for (j = i; j < m->n && m->v[j].from <= to + 1; j++) {
		from = m->v[j].from < from ? m->v[j].from : from;
		to = m->v[j].to > to ? m->v[j].to : to;
	}
	if (j == i) {
		m->v = kc_xrealloc(m->v, (m->n + 1) * sizeof *m->v);
		memmove(m->v + i + 1, m->v + i, (m->n - i) * sizeof *m->v);
		m->n++;
	} else {
		memmove(m->v + i + 1, m->v + j, (m->n - j) * sizeof *m->v);
		m->n -= j - i - 1;
	}
	m->v[i] = (struct range){ from, to };
}

static void
parse_mysql(struct gtids *g, char *item)
{
	char *save, *id = strtok_r(item, ":", &save), *part;

	if (id == NULL || strlen(id) != 36)
		return;
	struct member *m = member(g, id);
	while ((part = strtok_r(NULL, ":", &save)) != NULL) {
		char *dash;
		uint64_t from = strtoull(part, &dash, 10);
		add_range(m, from,
		    *dash == '-' ? strtoull(dash + 1, NULL, 10) : from);
	}
}

static void
parse_maria(struct gtids *g, const char *item)
{
	unsigned domain, server;
	unsigned long long seq;
	char id[40];

	if (sscanf(item, "%u-%u-%llu", &domain, &server, &seq) != 3)
		return;
	snprintf(id, sizeof id, "%u", domain);
	struct member *m = member(g, id);
	m->server = server;
	m->n = 0;
	add_range(m, seq, seq);
}

struct gtids *
gtids_new(bool mariadb, struct kc_span text)
{
	struct gtids *g = kc_xcalloc(1, sizeof *g);
	char *copy = kc_xstrndup(text.n > 0 ? text.p : "", text.n), *save;

	g->mariadb = mariadb;
	for (char *s = strtok_r(copy, ", \n", &save); s != NULL;
	     s = strtok_r(NULL, ", \n", &save)) {
		if (mariadb)
			parse_maria(g, s);
		else
			parse_mysql(g, s);
	}
	free(copy);
	return g;
}

void
gtids_free(struct gtids *g)
{
	for (size_t i = 0; g != NULL && i < g->n; i++)
		free(g->v[i].v);
	if (g != NULL)
		free(g->v);
	free(g);
}

/* The one transaction's own text. */
void
gtid_text(struct kc_buf *b, bool mariadb, const struct kc_bl_gtid *t,
    uint32_t server)
{
	char hex[33];

	if (mariadb) {
		kc_buf_printf(b, "%u-%u-%llu", t->domain, server,
		    (unsigned long long)t->seq);
		return;
	}
	*kc_put_hex(hex, t->sid, 16) = '\0';
	kc_buf_printf(b, "%.8s-%.4s-%.4s-%.4s-%.12s:%llu", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20, (unsigned long long)t->seq);
}

void
gtids_add(struct gtids *g, struct kc_span gtid)
{
	char *copy = kc_xstrndup(gtid.p, gtid.n);

	if (g->mariadb)
		parse_maria(g, copy);
	else
		parse_mysql(g, copy);
	free(copy);
}

void
gtids_put(struct kc_buf *b, const struct gtids *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct member *m = &g->v[i];
		if (i > 0)
			kc_buf_putc(b, ',');
		if (g->mariadb) {
			kc_buf_printf(b, "%s-%u-%llu", m->id, m->server,
			    (unsigned long long)m->v[0].to);
			continue;
		}
		kc_buf_puts(b, m->id);
		for (size_t k = 0; k < m->n; k++) {
			kc_buf_printf(b, ":%llu",
			    (unsigned long long)m->v[k].from);
			if (m->v[k].to != m->v[k].from)
				kc_buf_printf(b, "-%llu",
				    (unsigned long long)m->v[k].to);
		}
	}
}

/* Publication and slot: what must be there before the log can be read. */
#include <stdio.h>
#include <stdlib.h>

#include "kc-pgwal.h"

int
check_server(struct pgwal *w, struct kc_err *e)
{
	const char *where = server_where(w->db);

	if (server_version(w->db) < 100000)
		return kc_fail(e, KC_USAGE,
		    "%s: PostgreSQL %d: 10 or later has pgoutput", where,
		    server_version(w->db) / 10000);
	if (!kc_conf_is(w->conf, "plugin.name", "pgoutput"))
		return kc_fail(e, KC_USAGE,
		    "property plugin.name: %s: only pgoutput, "
		    "which every server has, is read",
		    kc_conf_str(w->conf, "plugin.name"));
	if (server_query(w->db, e, "show wal_level") < 0)
		return -1;
	if (strcmp(server_value(w->db, 0, 0), "logical") != 0)
		return kc_fail(e, KC_USAGE,
		    "%s: wal_level=%s, must be logical: set "
		    "wal_level=logical in postgresql.conf and restart the server",
		    where, server_value(w->db, 0, 0));
	if (server_query(w->db, e,
		"select rolsuper or rolreplication or pg_has_role("
		"oid, 'rds_replication', 'member') from pg_roles where rolname=current_user "
		"and exists(select 1 from pg_roles where rolname='rds_replication') "
		"union all select rolsuper or rolreplication from pg_roles "
		"where rolname=current_user") < 0)
		return -1;
	if (server_value(w->db, 0, 0) == NULL ||
	    server_value(w->db, 0, 0)[0] != 't')
		return kc_fail(e, KC_USAGE,
		    "%s: user %s may not replicate: run ALTER ROLE "
		    "%s REPLICATION as a superuser",
		    where, kc_conf_str(w->conf, "database.user"),
		    kc_conf_str(w->conf, "database.user"));
	return 0;
}

/* "s"."t", … of the captured tables. */
static int
captured_tables(struct pgwal *w, struct kc_buf *list, struct kc_err *e)
{
	int n = server_query(w->db, e,
	    "select n.nspname, c.relname from pg_class c join "
	    "pg_namespace n on n.oid=c.relnamespace where c.relkind in ('r','p') and "
	    "not c.relispartition and c.relpersistence='p' and "
	    "n.nspname not in ('pg_catalog','information_schema') and "
	    "n.nspname !~ '^pg_' order by 1, 2");

	for (int i = 0; i < n; i++) {
		const char *schema = server_value(w->db, i, 0);
		const char *table = server_value(w->db, i, 1);
		if (!kc_cdc_wants(w->cdc, w->dbname, schema, table))
			continue;
		if (list->len > 0)
			kc_buf_putc(list, ',');
		server_ident(list, schema);
		kc_buf_putc(list, '.');
		server_ident(list, table);
	}
	return n < 0 ? -1 : 0;
}

int
make_publication(struct pgwal *w, struct kc_err *e)
{
	const char *mode = kc_conf_str(w->conf, "publication.autocreate.mode");
	struct kc_buf name = { 0 }, tables = { 0 };
	int n, rc = 0;

	server_literal(&name, w->publication);
	n = server_query(w->db, e,
	    "select puballtables from pg_publication where "
	    "pubname=%s",
	    kc_buf_str(&name));
	kc_buf_reset(&name);
	server_ident(&name, w->publication);
	if (n < 0)
		rc = -1;
	else if (strcmp(mode, "filtered") == 0)
		rc = captured_tables(w, &tables, e);
	if (rc != 0 || n > 0) {
		/* A filtered one follows the tables that are captured now. */
		if (rc == 0 && strcmp(mode, "filtered") == 0 && tables.len > 0)
			rc = server_query(w->db, e,
				 "alter publication %s set table %s",
				 kc_buf_str(&name), kc_buf_str(&tables)) < 0 ?
			    -1 :
			    0;
	} else if (strcmp(mode, "disabled") == 0) {
		rc = kc_fail(e, KC_USAGE,
		    "%s: publication %s does not exist and "
		    "publication.autocreate.mode=disabled: run CREATE PUBLICATION %s FOR "
		    "TABLE …",
		    server_where(w->db), w->publication, kc_buf_str(&name));
	} else if (strcmp(mode, "filtered") == 0) {
		rc = tables.len == 0 ?
		    kc_fail(e, KC_USAGE,
			"no table is captured: see "
			"table.include.list and schema.include.list") :
		    server_query(w->db, e, "create publication %s for table %s",
			kc_buf_str(&name), kc_buf_str(&tables));
	} else {
		rc = server_query(w->db, e, "create publication %s%s",
		    kc_buf_str(&name),
		    strcmp(mode, "all_tables") == 0 ? " for all tables" : "");
	}
	if (rc < 0 && strcmp(server_state(w->db), "42501") == 0)
		kc_fail(e, KC_USAGE,
		    "%s: user %s may not make publication %s (%s): create "
		    "it as the tables' owner, FOR ALL TABLES as a superuser, or set "
		    "publication.autocreate.mode=filtered",
		    server_where(w->db), kc_conf_str(w->conf, "database.user"),
		    w->publication, mode);
	kc_buf_release(&name);
	kc_buf_release(&tables);
	return rc < 0 ? -1 : 0;
}

static uint64_t
parse_lsn(const char *s)
{
	unsigned hi = 0, lo = 0;

	if (s == NULL || sscanf(s, "%X/%X", &hi, &lo) != 2)
		return 0;
	return (uint64_t)hi << 32 | lo;
}

int
find_slot(struct pgwal *w, uint64_t *confirmed, struct kc_err *e)
{
	struct kc_buf name = { 0 };
	int n;

	server_literal(&name, w->slot);
	n = server_query(w->db, e,
	    "select plugin, database, active_pid, "
	    "confirmed_flush_lsn, to_jsonb(s)->>'wal_status' from "
	    "pg_replication_slots s where slot_name=%s",
	    kc_buf_str(&name));
	kc_buf_release(&name);
	if (n <= 0)
		return n;
	const char *plugin = server_value(w->db, 0, 0),
		   *db = server_value(w->db, 0, 1);
	const char *pid = server_value(w->db, 0, 2),
		   *wal = server_value(w->db, 0, 4);
	if (plugin == NULL || strcmp(plugin, "pgoutput") != 0 ||
	    strcmp(db, w->dbname) != 0)
		return kc_fail(e, KC_USAGE,
		    "%s: slot %s is of plugin %s and database %s: "
		    "choose another slot.name",
		    server_where(w->db), w->slot,
		    plugin == NULL ? "(physical)" : plugin,
		    db == NULL ? "(none)" : db);
	if (pid != NULL)
		return kc_fail(e, KC_TEMP,
		    "%s: slot %s is in use by the server process "
		    "%s: stop the other reader, or choose another slot.name",
		    server_where(w->db), w->slot, pid);
	if (wal != NULL && strcmp(wal, "lost") == 0)
		return kc_fail(e, KC_USAGE,
		    "%s: slot %s has lost its WAL "
		    "(max_slot_wal_keep_size): drop it, run kc-offset reset and take a "
		    "new snapshot, or set snapshot.mode=when_needed",
		    server_where(w->db), w->slot);
	*confirmed = parse_lsn(server_value(w->db, 0, 3));
	return 1;
}

int
drop_slot(struct pgwal *w, struct kc_err *e)
{
	struct kc_buf name = { 0 };
	int n;

	server_literal(&name, w->slot);
	n = server_query(w->db, e, "select pg_drop_replication_slot(%s)",
	    kc_buf_str(&name));
	kc_buf_release(&name);
	return n < 0 ? -1 : 0;
}

int
create_slot(struct pgwal *w, struct server *repl, bool temporary, uint64_t *lsn,
    char **snapshot, struct kc_err *e)
{
	struct kc_buf name = { 0 };
	int n;

	server_ident(&name, temporary ? w->temporary : w->slot);
	n = server_query(repl, e,
	    "CREATE_REPLICATION_SLOT %s%s LOGICAL pgoutput %s",
	    kc_buf_str(&name), temporary ? " TEMPORARY" : "",
	    snapshot != NULL ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT");
	kc_buf_release(&name);
	if (n < 0) {
		if (strcmp(server_state(repl), "53400") == 0)
			kc_fail(e, KC_USAGE,
			    "%s: no replication slot is free: raise "
			    "max_replication_slots on the server, or drop an unused slot",
			    server_where(repl));
		return -1;
	}
	*lsn = parse_lsn(server_value(repl, 0, 1));
	if (snapshot != NULL)
		*snapshot = kc_xstrdup(server_value(repl, 0, 2));
	return 0;
}

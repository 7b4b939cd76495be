/* Makes the target table, and its columns, what a record needs. */
#include <ctype.h>
#include <stdlib.h>

#include "jdbc.h"
#include "json.h"

/* " DEFAULT x" where the database takes one. */
static void
put_default(struct db *db, struct kc_buf *b, const struct kc_schema *s)
{
	char unnamed[] = "";
	struct slot slot = { .name = unnamed,
		.schema = s,
		.cls = CLS_TEXT,
		.d = db->d,
		.o = db->o };
	struct kc_span v = { s->def, s->def == NULL ? 0 : strlen(s->def) };
	struct kc_buf text = { 0 };
	struct kc_err e;
	bool plain = s->logical == KC_L_NONE && s->type <= KC_FLOAT64;

	if (v.p == NULL || s->type >= KC_ARRAY ||
	    (s->type == KC_BYTES && s->logical != KC_L_DECIMAL) ||
	    (db->d == &dialect_mysql && s->type == KC_STRING &&
		s->logical != KC_L_DBZ_ENUM && s->logical != KC_L_DBZ_UUID) ||
	    s->logical == KC_L_DBZ_MICRODURATION)
		return;
	convert_pick(&slot);
	if (s->logical == KC_L_DBZ_ZONEDTIMESTAMP && db->d == &dialect_mysql)
		slot.cls = CLS_TS;
	if (s->type == KC_BOOLEAN && db->d != &dialect_pg) {
		kc_buf_printf(b, " DEFAULT %d", v.p[0] == 't');
	} else if (slot.convert(&slot, v, &text, &e) == 0) {
		kc_buf_lit(b, " DEFAULT ");
		if (plain && !kc_json_is_str(v))
			kc_buf_span(b, v);
		else
			db->d->literal(db, b, KC_BUF_SPAN(&text));
	}
	kc_buf_release(&text);
}

static void
put_folded(const struct db *db, struct kc_buf *b, const char *name)
{
	char *s = kc_xstrdup(name);

	for (char *p = s; db->o->fold && db->d->fold_lower && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	put_name(db->d, b, s);
	free(s);
}

static int
create(struct db *db, struct table *t, const struct want *w, size_t n,
    struct kc_err *e)
{
	struct kc_buf *b = &db->sql;
	bool keys = false;

	b->len = 0;
	kc_buf_printf(b, "CREATE TABLE IF NOT EXISTS %s (", t->quoted);
	for (size_t i = 0; i < n; i++) {
		kc_buf_puts(b, i == 0 ? "" : ", ");
		put_folded(db, b, w[i].name);
		kc_buf_putc(b, ' ');
		type_put(db->d, b, w[i].schema, w[i].key);
		put_default(db, b, w[i].schema);
		if (w[i].key || !w[i].schema->optional)
			kc_buf_lit(b, " NOT NULL");
		keys |= w[i].key;
	}
	for (size_t i = 0; keys && i < n; i++)
		if (w[i].key) {
			kc_buf_puts(b, i == 0 ? ", PRIMARY KEY (" : ", ");
			put_folded(db, b, w[i].name);
		}
	kc_buf_puts(b, keys ? "))" : ")");
	kc_log(KC_INFO, "%s", kc_buf_str(b));
	return db->d->exec(db, kc_buf_str(b), e);
}

static int
add_column(struct db *db, struct table *t, const struct want *w, struct kc_err *e)
{
	struct kc_buf *b = &db->sql;

	b->len = 0;
	kc_buf_printf(b, "ALTER TABLE %s ADD COLUMN ", t->quoted);
	put_folded(db, b, w->name);
	kc_buf_putc(b, ' ');
	type_put(db->d, b, w->schema, false);
	size_t at = b->len;
	put_default(db, b, w->schema);
	/* Rows that are there need a value. */
	if (!w->schema->optional && b->len > at)
		kc_buf_lit(b, " NOT NULL");
	kc_log(KC_INFO, "%s", kc_buf_str(b));
	return db->d->exec(db, kc_buf_str(b), e);
}

/* An unquoted name is in lower case where the database folds it. */
static int
describe(struct db *db, struct table *t, struct kc_err *e)
{
	struct kc_buf b = { 0 };

	if (db->d->describe(db, t, e) != 0)
		return -1;
	if (t->exists || !db->o->fold || !db->d->fold_lower)
		return 0;
	for (char *p = t->name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (char *p = t->schema; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (char *p = t->shown; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (t->schema != NULL) {
		put_name(db->d, &b, t->schema);
		kc_buf_putc(&b, '.');
	}
	put_name(db->d, &b, t->name);
	free(t->quoted);
	t->quoted = kc_xstrdup(kc_buf_str(&b));
	kc_buf_release(&b);
	return db->d->describe(db, t, e);
}

static const struct want *
unknown_type(const struct want *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].schema == NULL)
			return &w[i];
	return NULL;
}

static int
ensure_table(struct db *db, struct table *t, const struct want *w, size_t n,
    struct kc_err *e)
{
	const struct want *u;

	if (describe(db, t, e) != 0)
		return -1;
	if (t->exists)
		return 0;
	if (!db->o->create)
		return kc_fail(e, KC_DATA,
		    "table %s: does not exist in %s; create it, "
		    "or set auto.create=true (schema.evolution=basic)",
		    t->shown, db->to->shown);
	if ((u = unknown_type(w, n)) != NULL)
		return kc_fail(e, KC_DATA,
		    "table %s: does not exist and cannot be made: "
		    "the record has no schema that says what column %s is; create it, "
		    "or send records with schemas",
		    t->shown, u->name);
	if (create(db, t, w, n, e) != 0)
		return kc_fail_in(e, "table %s: cannot be created: ", t->shown);
	kc_log(KC_NOTICE, "table %s: created", t->shown);
	return db->d->describe(db, t, e);
}

int
ddl_ensure(struct db *db, struct table *t, const struct want *w, size_t n,
    struct kc_err *e)
{
	if (!t->exists && ensure_table(db, t, w, n, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (table_column(t, w[i].name) >= 0)
			continue;
		/* Someone may have added it since we looked. */
		if (db->d->describe(db, t, e) != 0)
			return -1;
		if (table_column(t, w[i].name) >= 0)
			continue;
		if (w[i].schema == NULL)
			return kc_fail(e, KC_DATA,
			    "table %s: has no column %s, and the "
			    "record has no schema that says what it is; ALTER TABLE %s ADD "
			    "COLUMN, or leave it out with field.exclude.list",
			    t->shown, w[i].name, t->shown);
		if (!db->o->evolve)
			return kc_fail(e, KC_DATA,
			    "table %s: has no column %s; ALTER TABLE "
			    "%s ADD COLUMN, set auto.evolve=true (schema.evolution=basic), "
			    "or leave it out with field.exclude.list",
			    t->shown, w[i].name, t->shown);
		if (add_column(db, t, &w[i], e) != 0)
			return kc_fail_in(e,
			    "table %s: column %s cannot be added: ", t->shown,
			    w[i].name);
		kc_log(KC_NOTICE, "table %s: column %s added", t->shown,
		    w[i].name);
		if (db->d->describe(db, t, e) != 0)
			return -1;
	}
	return 0;
}

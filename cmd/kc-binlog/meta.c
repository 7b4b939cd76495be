/*
 * Tables as a table map describes them: with binlog_row_metadata=FULL all but
 * the defaults, else types only. Layout: MySQL's Table_map_event.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kc-binlog.h"

enum {
	TINY = 1,
	SHORT = 2,
	LONG = 3,
	FLOAT = 4,
	DOUBLE = 5,
	LONGLONG = 8,
	INT24 = 9,
	VARCHAR = 15,
	BIT = 16,
	NEWDECIMAL = 246,
	ENUM = 247,
	SET = 248,
	TINY_BLOB = 249,
	BLOB = 252,
	VAR_STRING = 253,
	STRING = 254,
	GEOMETRY = 255
};

static bool
is_numeric(uint8_t t)
{
	return t == TINY || t == SHORT || t == INT24 || t == LONG ||
	    t == LONGLONG || t == FLOAT || t == DOUBLE || t == NEWDECIMAL;
}

static bool
is_character(uint8_t t)
{
	return t == VARCHAR || t == STRING || t == VAR_STRING ||
	    (t >= TINY_BLOB && t <= BLOB);
}

/* One column, as far as the map tells. */
struct described {
	uint8_t type;
	uint16_t meta;
	bool is_unsigned, sign_known, nullable;
	uint64_t collation; /* UINT64_MAX: not told */
	struct kc_span name, values;
	uint64_t nvalues, geometry;
};

static const uint8_t *
begin(struct kc_span s, const uint8_t **end)
{
	*end = s.p == NULL ? NULL : (const uint8_t *)s.p + s.n;
	return (const uint8_t *)s.p;
}

static void
describe_signs(const struct kc_bl_table *map, struct described *d)
{
	struct kc_span s = kc_bl_optional(map, KC_BLO_SIGNEDNESS);
	size_t bit = 0;

	for (size_t i = 0; s.p != NULL && i < map->ncols; i++) {
		if (!is_numeric(d[i].type))
			continue;
		if (bit / 8 < s.n)
			d[i].is_unsigned = ((uint8_t)s.p[bit / 8] >>
						   (7 - bit % 8) &
					       1) != 0;
		d[i].sign_known = true;
		bit++;
	}
}

static bool
has_labels(uint8_t type)
{
	return type == ENUM || type == SET;
}

/* Of the columns that `of` counts: one of most and others, or of each. */
static void
describe_charsets(const struct kc_bl_table *map, struct described *d,
    enum kc_bl_option most, enum kc_bl_option all, bool (*of)(uint8_t))
{
	struct kc_span def = kc_bl_optional(map, most);
	struct kc_span each = kc_bl_optional(map, all);
	const uint8_t *end, *p = begin(def.p != NULL ? def : each, &end);
	uint64_t common = def.p != NULL ? kc_bl_lenenc(&p, end) : UINT64_MAX;
	uint64_t other = def.p != NULL && p < end ? kc_bl_lenenc(&p, end) :
						    UINT64_MAX;
	uint64_t k = 0;

	for (size_t i = 0; p != NULL && i < map->ncols; i++) {
		if (!of(d[i].type))
			continue;
		d[i].collation = common;
		if (def.p == NULL) {
			d[i].collation = kc_bl_lenenc(&p, end);
		} else if (k == other) {
			d[i].collation = kc_bl_lenenc(&p, end);
			other = p < end ? kc_bl_lenenc(&p, end) : UINT64_MAX;
		}
		k++;
	}
}

/* A list of values for each column of that type: count, then texts. */
static void
describe_values(const struct kc_bl_table *map, struct described *d,
    enum kc_bl_option option, uint8_t type)
{
	const uint8_t *end, *p = begin(kc_bl_optional(map, option), &end);

	if (p == NULL)
		return;
	for (size_t i = 0; i < map->ncols; i++) {
		if (d[i].type != type)
			continue;
		uint64_t n = kc_bl_lenenc(&p, end);
		const uint8_t *from = p;
		if (n > 65536)
			return;
		for (uint64_t k = 0; k < n; k++) {
			uint64_t len = kc_bl_lenenc(&p, end);
			if (len > (uint64_t)(end - p))
				return;
			p += len;
		}
		d[i].nvalues = n;
		d[i].values = (struct kc_span){ (const char *)from,
			(size_t)(p - from) };
	}
}

static void
describe_names(const struct kc_bl_table *map, struct described *d)
{
	const uint8_t *end,
	    *p = begin(kc_bl_optional(map, KC_BLO_COLUMN_NAME), &end);

	for (size_t i = 0; p != NULL && i < map->ncols; i++) {
		uint64_t n = kc_bl_lenenc(&p, end);
		if (n > (uint64_t)(end - p))
			return;
		d[i].name = (struct kc_span){ (const char *)p, (size_t)n };
		p += n;
	}
}

static void
describe_geometry(const struct kc_bl_table *map, struct described *d)
{
	const uint8_t *end,
	    *p = begin(kc_bl_optional(map, KC_BLO_GEOMETRY), &end);

	for (size_t i = 0; p != NULL && p < end && i < map->ncols; i++)
		if (d[i].type == GEOMETRY)
			d[i].geometry = kc_bl_lenenc(&p, end);
}

/* All columns; NULL: the map is cut. Free it. */
static struct described *
describe(const struct kc_bl_table *map)
{
	struct described *d = kc_xcalloc(map->ncols + 1, sizeof *d);
	size_t at = 0;

	for (size_t i = 0; i < map->ncols; i++) {
		if (kc_bl_column_meta(map, i, &at, &d[i].type, &d[i].meta) != 0) {
			free(d);
			return NULL;
		}
		d[i].nullable = kc_bl_bit(map->nullable, i);
		d[i].collation = UINT64_MAX;
	}
	describe_signs(map, d);
	describe_charsets(map, d, KC_BLO_DEFAULT_CHARSET, KC_BLO_COLUMN_CHARSET,
	    is_character);
	describe_charsets(map, d, KC_BLO_ENUM_DEFAULT_CHARSET,
	    KC_BLO_ENUM_COLUMN_CHARSET, has_labels);
	describe_values(map, d, KC_BLO_ENUM_VALUES, ENUM);
	describe_values(map, d, KC_BLO_SET_VALUES, SET);
	describe_names(map, d);
	describe_geometry(map, d);
	return d;
}

/* ---- a table made of it ---- */

/* The character set of a text, enum or set in the log; NULL: not said. */
static const char *
charset_of(const struct described *d)
{
	return d->collation == UINT64_MAX ? NULL :
					    collation_charset(d->collation);
}

/* The next label of an enum or set, as UTF-8. */
static void
next_label(struct kc_buf *label, const uint8_t **p, const uint8_t *end,
    const struct described *d)
{
	uint64_t n = kc_bl_lenenc(p, end);

	kc_buf_reset(label);
	if (n > (uint64_t)(end - *p))
		n = 0;
	charset_text(label, charset_of(d), *p, (size_t)n);
	*p += n;
}

static void
put_values(struct kc_buf *b, const char *type, const struct described *d)
{
	const uint8_t *end, *p = begin(d->values, &end);
	struct kc_buf label = { 0 };

	kc_buf_puts(b, type);
	kc_buf_putc(b, '(');
	for (uint64_t i = 0; i < d->nvalues; i++) {
		next_label(&label, &p, end, d);
		kc_buf_puts(b, i > 0 ? ",'" : "'");
		for (size_t k = 0; k < label.len; k++) {
			if (label.p[k] == '\'' || label.p[k] == '\\')
				kc_buf_putc(b, label.p[k]);
			kc_buf_putc(b, label.p[k]);
		}
		kc_buf_putc(b, '\'');
	}
	kc_buf_putc(b, ')');
	kc_buf_release(&label);
}

static const char *
geometry_name(uint64_t g)
{
	static const char *const names[] = { "geometry", "point", "linestring",
		"polygon", "multipoint", "multilinestring", "multipolygon",
		"geometrycollection" };

	return g < sizeof names / sizeof *names ? names[g] : "geometry";
}

/* COLUMN_TYPE as information_schema would have it, near enough. */
static void
put_type(struct kc_buf *b, const struct described *d, bool binary)
{
	static const struct {
		uint8_t type;
		const char *name;
	} plain[] = {
		{ TINY, "tinyint" },
		{ SHORT, "smallint" },
		{ INT24, "mediumint" },
		{ LONG, "int" },
		{ LONGLONG, "bigint" },
		{ FLOAT, "float" },
		{ DOUBLE, "double" },
		{ 10, "date" },
		{ 14, "date" },
		{ 13, "year" },
		{ 245, "json" },
		{ 11, "time" },
		{ 12, "datetime" },
		{ 7, "timestamp" },
	};
	static const char *const blobs[] = { "tiny", "", "medium", "long" };

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (plain[i].type == d->type)
			kc_buf_puts(b, plain[i].name);
	if (d->type == NEWDECIMAL)
		kc_buf_printf(b, "decimal(%d,%d)", d->meta & 0xff, d->meta >> 8);
	else if (d->type == BIT)
		kc_buf_printf(b, "bit(%d)",
		    (d->meta >> 8) * 8 + (d->meta & 0xff));
	else if (d->type >= 17 && d->type <= 19)
		kc_buf_printf(b, "%s(%d)",
		    d->type == 17     ? "timestamp" :
			d->type == 18 ? "datetime" :
					"time",
		    d->meta);
	else if (d->type == VARCHAR || d->type == VAR_STRING)
		kc_buf_printf(b, "%s(%d)", binary ? "varbinary" : "varchar",
		    d->meta);
	else if (d->type == STRING)
		kc_buf_printf(b, "%s(%d)", binary ? "binary" : "char", d->meta);
	else if (d->type >= TINY_BLOB && d->type <= BLOB)
		kc_buf_printf(b, "%s%s",
		    blobs[d->meta >= 1 && d->meta <= 4 ? d->meta - 1 : 1],
		    binary ? "blob" : "text");
	else if (d->type == ENUM || d->type == SET)
		put_values(b, d->type == ENUM ? "enum" : "set", d);
	else if (d->type == GEOMETRY)
		kc_buf_puts(b, geometry_name(d->geometry));
	if (d->is_unsigned)
		kc_buf_lit(b, " unsigned");
}

static void
make_column(struct column *col, struct kc_cdc_column *cdc,
    const struct described *d, size_t i, bool mariadb)
{
	struct kc_buf type = { 0 };
	const char *charset = charset_of(d);
	bool binary = d->collation == 63;
	char *name = d->name.p != NULL ? kc_xstrndup(d->name.p, d->name.n) :
					 kc_xasprintf("@%zu", i + 1);

	put_type(&type, d, binary);
	struct column_def def = { .name = name,
		.type = kc_buf_str(&type),
		.charset = binary ? NULL : charset,
		.extra = "",
		.nullable = d->nullable };
	column_make(col, cdc, &def, mariadb);
	kc_buf_release(&type);
	free(name);
}

/* Names of the key's columns, from either form of it. */
static void
make_key(struct table *t, const struct kc_bl_table *map)
{
	struct kc_span plain = kc_bl_optional(map, KC_BLO_PRIMARY_KEY);
	bool prefixed = plain.p == NULL;
	const uint8_t *end,
	    *p = begin(prefixed ? kc_bl_optional(map, KC_BLO_PRIMARY_KEY_PREFIX) :
				  plain,
		&end);

	t->cdc.key_names = kc_xcalloc(map->ncols + 1, sizeof(char *));
	while (p != NULL && p < end && t->cdc.nkeys < map->ncols) {
		uint64_t k = kc_bl_lenenc(&p, end);
		if (prefixed)
			kc_bl_lenenc(&p, end);
		if (k >= map->ncols)
			break;
		t->cdc.key_names[t->cdc.nkeys++] = kc_xstrdup(
		    t->cdc.cols[k].name);
	}
}

struct table *
meta_table(struct binlog *b, const struct kc_bl_table *map, struct kc_err *e)
{
	struct described *d = describe(map);
	struct table *t;

	if (d == NULL) {
		kc_fail(e, KC_DATA,
		    "binlog: the table map of %.*s.%.*s is cut short: "
		    "the log is damaged",
		    (int)map->db.n, map->db.p, (int)map->table.n, map->table.p);
		return NULL;
	}
	t = kc_xcalloc(1, sizeof *t);
	t->cdc.database = kc_xstrndup(map->db.p, map->db.n);
	t->cdc.table = kc_xstrndup(map->table.p, map->table.n);
	t->cdc.ncols = map->ncols;
	t->cdc.cols = kc_xcalloc(map->ncols + 1, sizeof *t->cdc.cols);
	t->cols = kc_xcalloc(map->ncols + 1, sizeof *t->cols);
	for (size_t i = 0; i < map->ncols; i++)
		make_column(&t->cols[i], &t->cdc.cols[i], &d[i], i, b->mariadb);
	make_key(t, map);
	free(d);
	return t;
}

/* ---- a table compared with it ---- */

/* utf8mb3 and ascii are read as utf8mb4. */
static const char *
plain_charset(const char *name)
{
	return name == NULL || strncmp(name, "utf8", 4) == 0 ||
		strcmp(name, "ascii") == 0 ?
	    "utf8mb4" :
	    name;
}

/*
 * The same labels? Those that are not ASCII may differ: in a table of their
 * character set, or because information_schema has ? for what is beyond the
 * BMP, and then the log knows better.
 */
static bool
labels_fit(const struct column *c, const struct described *d)
{
	const uint8_t *end, *p = begin(d->values, &end);
	struct kc_buf label = { 0 };
	bool fit = true;

	if (d->nvalues != c->nlabels)
		return d->nvalues == 0;
	for (size_t i = 0; i < c->nlabels && fit; i++) {
		size_t ascii = 0;
		next_label(&label, &p, end, d);
		while (ascii < label.len && (unsigned char)label.p[ascii] < 0x80)
			ascii++;
		if (ascii == label.len || strchr(c->labels[i], '?') != NULL)
			fit = kc_span_is(
			    (struct kc_span){ label.len > 0 ? label.p : "",
				label.len },
			    c->labels[i]);
	}
	kc_buf_release(&label);
	return fit;
}

/* The same type; is it the same column still? */
static bool
traits_fit(const struct column *c, const char *name, const struct described *d,
    struct kc_buf *why)
{
	const char *charset = charset_of(d);

	if (d->name.p != NULL && d->nullable != c->optional)
		kc_buf_printf(why, "column %s is %s in the log", name,
		    d->nullable ? "NULL" : "NOT NULL");
	else if (c->kind == K_INT && d->sign_known &&
	    d->is_unsigned != c->is_unsigned)
		kc_buf_printf(why, "column %s is %ssigned in the log", name,
		    d->is_unsigned ? "un" : "");
	else if (c->kind == K_TEXT && charset != NULL &&
	    strcmp(plain_charset(charset), plain_charset(c->charset)) != 0)
		kc_buf_printf(why, "column %s is %s in the log", name, charset);
	else if ((c->kind == K_ENUM || c->kind == K_SET) && !labels_fit(c, d))
		kc_buf_printf(why, "column %s has other values in the log", name);
	else
		return true;
	return false;
}

static bool
column_fits(const struct column *c, const char *name, const struct described *d,
    struct kc_buf *why)
{
	struct rowcol r;
	struct kc_err e;
	struct column copy = *c;

	if (d->name.p != NULL && !kc_span_is(d->name, name)) {
		kc_buf_printf(why,
		    "the log has a column %.*s where the table has %s",
		    (int)d->name.n, d->name.p, name);
	} else if (rowcol_make(&r, name, d->type, d->meta, &copy, &e) != 0) {
		kc_buf_puts(why, e.msg);
	} else if (c->kind == K_DECIMAL &&
	    (c->precision != (d->meta & 0xff) || c->scale != d->meta >> 8)) {
		kc_buf_printf(why, "column %s is decimal(%d,%d) in the log",
		    name, d->meta & 0xff, d->meta >> 8);
	} else if (d->type >= 17 && d->type <= 19 && c->fsp != d->meta) {
		kc_buf_printf(why,
		    "column %s has %d digits of seconds in the log", name,
		    d->meta);
	} else {
		return traits_fit(c, name, d, why);
	}
	return false;
}

bool
meta_fits(const struct table *t, const struct kc_bl_table *map, struct kc_buf *why)
{
	struct described *d;
	bool ok = true;

	kc_buf_reset(why);
	if (t->cdc.ncols != map->ncols) {
		kc_buf_printf(why, "the log has %zu columns, the table now %zu",
		    map->ncols, t->cdc.ncols);
		return false;
	}
	d = describe(map);
	if (d == NULL)
		return false;
	for (size_t i = 0; ok && i < map->ncols; i++)
		ok = column_fits(&t->cols[i], t->cdc.cols[i].name, &d[i], why);
	free(d);
	return ok;
}

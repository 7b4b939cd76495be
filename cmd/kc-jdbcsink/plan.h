/* What plan.c, parts.c and record.c share. */
#ifndef PLAN_H
#define PLAN_H

#include "jdbc.h"

#define COLUMNS_MAX 4096

/* A member of an object and the slot it fills; -1: left out. */
struct member {
	char *name;
	size_t len;
	int slot;
};

struct members {
	struct member *v;
	size_t n;
};

struct plan {
	struct kc_span topic, kid, vid, name; /* name: of ${source.…} formats */
	char *keep;			      /* their bytes */
	bool deletes_only;		      /* no value: keys alone */
	struct table *t;
	struct slot *slots; /* keys first */
	size_t n, nkeys;
	struct members key, value;
	int whole_key; /* the slot of a primitive key; -1 */
	struct shape *shape, *keyshape;
};

struct planner {
	struct db *db;
	const struct opts *o;
	struct kc_schemas *schemas;
	void (*idle)(void *arg);
	void *arg;
	struct plan **plans;
	size_t n, last;
	struct table **tables;
	size_t ntables;
	bool by_source; /* the table's name depends on the record */
	struct kc_buf name;
	struct kc_span vals[COLUMNS_MAX];
	unsigned cols[COLUMNS_MAX];
};

/* A record taken apart, by take_apart. */
struct parts {
	const struct kc_rec *rec;
	struct kc_span row; /* the object with the columns; .p NULL: none */
	struct kc_span source;
	char op; /* c u d r t as Debezium's; 'p': a flat row; 0: nothing to do */
	const struct kc_schema *keys, *values; /* of key and row, or NULL */
};

/* parts.c: which row of which kind a record is. */
int take_apart(struct planner *p, struct parts *a, const struct kc_rec *r,
    struct kc_err *e);

/* plan.c: 1: a plan is made, p->last; 0: nothing to do; -1. */
int plan_make(struct planner *p, const struct parts *a, struct kc_err *e);
/* The table's name for a record, in p->name. */
int plan_table_name(struct planner *p, const struct parts *a, struct kc_err *e);
/* The table of that name, known or new. */
struct table *plan_table(struct planner *p, const char *name);

#endif

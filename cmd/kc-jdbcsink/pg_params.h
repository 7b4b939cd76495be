/* Connection parameters as libpq takes them. */
#ifndef KC_JDBC_PG_PARAMS_H
#define KC_JDBC_PG_PARAMS_H

#include "jdbc.h"

#define PG_PARAMS 32

/* Names and values, ended by a NULL name; borrowed from the target. */
struct pg_params {
	const char *k[PG_PARAMS], *v[PG_PARAMS];
	size_t n;
};

/* w: zeroed. */
void pg_params(struct pg_params *w, const struct target *t);

#endif

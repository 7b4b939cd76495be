/* Values in statements of MySQL and MariaDB. */
#ifndef KC_JDBC_MYSQL_VALUE_H
#define KC_JDBC_MYSQL_VALUE_H

#include "jdbc.h"

/* Appends 'it\'s'; db is not looked at. */
void my_literal(struct db *db, struct kc_buf *b, struct kc_span s);
/* A value of that column; p NULL: NULL. */
void my_put_value(struct db *db, struct kc_buf *b, const struct column *c,
    struct kc_span v);

#endif

/*
 * Values in MySQL's binary forms, as they stand in a binlog row.
 */
#ifndef KC_MYBIN_H
#define KC_MYBIN_H

#include <stdint.h>

#include "buf.h"

/*
 * Appends the exact text of a DECIMAL(precision, scale), "-12.30". Returns its
 * length in bytes at p, 0: cut (or no such decimal).
 */
size_t kc_mybin_decimal(struct kc_buf *out, const uint8_t *p, size_t n,
    int precision, int scale);

/*
 * Binary JSON as text without blanks, as Debezium writes it. -1: damaged.
 */
int kc_mybin_json(struct kc_buf *out, const uint8_t *p, size_t n);

#endif

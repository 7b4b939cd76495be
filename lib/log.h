/*
 * stderr: one write(2) a line, `kc-x: message`; KC_LOG=json for machines.
 */
#ifndef KC_LOG_H
#define KC_LOG_H

enum kc_level { KC_ERROR, KC_WARN, KC_NOTICE, KC_INFO, KC_DEBUG };

extern enum kc_level kc_log_level; /* shown up to this; KC_NOTICE at first */

void kc_log_init(const char *command);
void kc_log(enum kc_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line that redraws itself when stderr is a terminal; nothing otherwise. */
void kc_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

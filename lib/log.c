/* stderr, a line at a time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "json.h"
#include "log.h"

enum kc_level kc_log_level = KC_NOTICE;

static const char *command = "kc";
static int json, tty, drawn;

static const char *const names[] = { "error", "warn", "notice", "info", "debug" };

void
kc_log_init(const char *name)
{
	const char *v = getenv("KC_LOG");

	command = name;
	json = v != NULL && strcmp(v, "json") == 0;
	tty = isatty(2) && !json;
}

static void
stamp(char *dst, size_t n)
{
	struct timespec ts;
	struct tm tm;
	size_t at;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	at = strftime(dst, n, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + at, n - at, ".%03dZ", (int)(ts.tv_nsec / 1000000));
}

static void
emit(const struct kc_buf *b)
{
	ssize_t n = write(2, b->p, b->len);

	(void)n; /* nowhere left to complain */
}

void
kc_log(enum kc_level level, const char *fmt, ...)
{
	struct kc_buf b = { 0 };
	char text[4096], when[48];
	va_list ap;

	if (level > kc_log_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : '\0';
	if (json) {
		stamp(when, sizeof(when));
		kc_buf_printf(&b,
		    "{\"time\":\"%s\",\"level\":\"%s\",\"command\":\"%s\","
		    "\"pid\":%d,\"message\":",
		    when, names[level], command, (int)getpid());
		kc_json_str(&b, text, strlen(text));
		kc_buf_lit(&b, "}\n");
	} else {
		kc_buf_printf(&b, "%s%s: %s%s\n", drawn ? "\r\033[K" : "",
		    command, level == KC_WARN ? "warning: " : "", text);
		drawn = 0;
	}
	emit(&b);
	kc_buf_release(&b);
}

void
kc_progress(const char *fmt, ...)
{
	struct kc_buf b = { 0 };
	char text[512];
	va_list ap;

	if (!tty || kc_log_level < KC_NOTICE)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kc_buf_printf(&b, "\r\033[K%s: %s", command, text);
	emit(&b);
	kc_buf_release(&b);
	drawn = 1;
}

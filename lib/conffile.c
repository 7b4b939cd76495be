/*
 * Files of configuration; see conffile.h. The format of .properties is that of
 * java.util.Properties.load, the providers are those of Apache Kafka:
 * FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider.
 */
#include "conffile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "io.h"
#include "json.h"

#define FILE_MAX (4UL * 1024 * 1024)

typedef void setter(void *arg, const char *name, const char *value);

/* ---- .properties ---- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

/* A logical line: \ before a line's end joins the next without its indent. */
static const char *
logical_line(const char *p, const char *end, struct kc_buf *line)
{
	kc_buf_reset(line);
	while (p < end && (is_space(*p) || *p == '\n' || *p == '\r'))
		p++;
	bool comment = p < end && (*p == '#' || *p == '!');
	while (p < end && *p != '\n' && *p != '\r') {
		if (*p != '\\' || comment || p + 1 == end) {
			kc_buf_putc(line, *p++);
			continue;
		}
		if (p[1] != '\n' && p[1] != '\r') {
			kc_buf_put(line, p, 2);
			p += 2;
			continue;
		}
		p += p[1] == '\r' && p + 2 < end && p[2] == '\n' ? 3 : 2;
		while (p < end && is_space(*p))
			p++;
	}
	if (comment)
		kc_buf_reset(line);
	return p;
}

/* Bytes of the \uXXXX at p, of two when they are a pair; 0: it is none. */
static size_t
unicode(struct kc_buf *out, const char *p, const char *end)
{
	size_t n = end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
		strncasecmp(p + 2, "d8", 2) >= 0 &&
		strncasecmp(p + 2, "dc", 2) < 0 ?
	    12 :
	    6;

	if (end - p < 6 || p[1] != 'u' ||
	    kc_json_unescape(out, (struct kc_span){ p, n }) != 0)
		return 0;
	return n;
}

/* Appends text up to a separator (or its end) with its escapes resolved. */
static const char *
unescape(struct kc_buf *out, const char *p, const char *end, bool key)
{
	static const char from[] = "tnrf", to[] = "\t\n\r\f";

	while (p < end) {
		if (key && (*p == '=' || *p == ':' || is_space(*p)))
			break;
		if (*p != '\\' || p + 1 == end) {
			kc_buf_putc(out, *p++);
			continue;
		}
		size_t n = unicode(out, p, end);
		if (n == 0) {
			const char *f = strchr(from, p[1]);
			kc_buf_putc(out, f != NULL && *f ? to[f - from] : p[1]);
			n = 2;
		}
		p += n;
	}
	return p;
}

static void
read_properties(struct kc_span text, setter *set, void *arg)
{
	struct kc_buf line = { 0 }, key = { 0 }, val = { 0 };
	const char *p = text.p, *end = text.p + text.n;

	if (text.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		p = logical_line(p, end, &line);
		if (line.len == 0)
			continue;
		const char *lend = line.p + line.len;
		kc_buf_reset(&key);
		kc_buf_reset(&val);
		const char *q = unescape(&key, line.p, lend, true);
		while (q < lend && is_space(*q))
			q++;
		if (q < lend && (*q == '=' || *q == ':'))
			q++;
		while (q < lend && is_space(*q))
			q++;
		unescape(&val, q, lend, false);
		/* Java keeps blanks at the end; nobody ever meant them. */
		while (val.len > 0 && is_space(val.p[val.len - 1]))
			val.len--;
		set(arg, kc_buf_str(&key), kc_buf_str(&val));
	}
	kc_buf_release(&line);
	kc_buf_release(&key);
	kc_buf_release(&val);
}

/* ---- JSON ---- */

static int
set_member(const char *path, const char *name, json_t *v, setter *set,
    void *arg, struct kc_err *e)
{
	char *text;

	if (json_is_null(v))
		return 0;
	if (json_is_string(v)) {
		set(arg, name, json_string_value(v));
		return 0;
	}
	if (json_is_object(v) || json_is_array(v))
		return kc_fail(e, KC_USAGE,
		    "%s: property %s: must be a string, a "
		    "number or a boolean",
		    path, name);
	text = json_dumps(v, JSON_ENCODE_ANY);
	set(arg, name, text);
	free(text);
	return 0;
}

static int
read_json(const char *path, struct kc_span text, setter *set, void *arg,
    struct kc_err *e)
{
	json_error_t at;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &at),
	       *v;
	json_t *config = json_object_get(root, "config");
	const char *name;
	int rc = 0;

	if (root == NULL)
		return kc_fail(e, KC_USAGE, "%s: line %d, column %d: %s", path,
		    at.line, at.column, at.text);
	if (json_is_object(config) && (v = json_object_get(root, "name")) != NULL)
		rc = set_member(path, "name", v, set, arg, e);
	json_object_foreach(json_is_object(config) ? config : root, name,
	    v) if (rc == 0) rc = set_member(path, name, v, set, arg, e);
	json_decref(root);
	return rc;
}

int
kc_conffile_read(const char *path, setter *set, void *arg, struct kc_err *e)
{
	struct kc_buf b = { 0 };
	int rc = kc_read_file(&b, path, FILE_MAX, e);

	if (rc != 0) {
		kc_buf_release(&b);
		e->status = KC_USAGE;
		return kc_fail_in(e, "configuration ");
	}
	const char *p = kc_json_ws(b.p, b.p + b.len);
	if (b.len > 0 && p < b.p + b.len && *p == '{')
		rc = read_json(path, KC_BUF_SPAN(&b), set, arg, e);
	else if (memchr(b.len ? b.p : "", '\0', b.len) != NULL)
		rc = kc_fail(e, KC_USAGE,
		    "configuration %s: is binary; .properties "
		    "or JSON is read",
		    path);
	else
		read_properties(KC_BUF_SPAN(&b), set, arg);
	kc_buf_release(&b);
	return rc;
}

/* ---- providers ---- */

struct wanted {
	const char *key;
	char *value;
};

static void
pick(void *arg, const char *name, const char *value)
{
	struct wanted *w = arg;

	if (strcmp(name, w->key) != 0)
		return;
	free(w->value);
	w->value = kc_xstrdup(value);
}

static char *
text_of(const char *path, struct kc_err *e)
{
	struct kc_buf b = { 0 };

	if (kc_read_file(&b, path, FILE_MAX, e) != 0) {
		kc_buf_release(&b);
		return NULL;
	}
	return kc_buf_str(&b);
}

static char *
from_file(const char *path, const char *key, struct kc_err *e)
{
	struct wanted w = { key, NULL };

	if (kc_conffile_read(path, pick, &w, e) != 0)
		return NULL;
	if (w.value == NULL)
		kc_fail(e, KC_USAGE, "%s has no key %s", path, key);
	return w.value;
}

static char *
from_dir(const char *path, const char *key, struct kc_err *e)
{
	char *file, *text;

	if (strchr(key, '/') != NULL) {
		kc_fail(e, KC_USAGE, "key %s: must name a file in %s", key, path);
		return NULL;
	}
	file = kc_xasprintf("%s/%s", path, key);
	text = text_of(file, e);
	free(file);
	return text;
}

static char *
from_env(const char *key, struct kc_err *e)
{
	const char *v = getenv(key);

	if (v == NULL) {
		kc_fail(e, KC_USAGE, "the environment has no %s", key);
		return NULL;
	}
	return kc_xstrdup(v);
}

/* What stands between ${ and }; NULL without e->status: no such provider. */
static char *
provide(const char *inner, struct kc_err *e)
{
	const char *colon = strchr(inner, ':'), *last = strrchr(inner, ':');
	char *path, *out = NULL;
	size_t n = colon == NULL ? 0 : (size_t)(colon - inner);

	e->status = 0;
	if (n == 3 && strncmp(inner, "env", 3) == 0)
		return from_env(last + 1, e);
	if (n == 0 || last == colon)
		return NULL;
	path = kc_xstrndup(colon + 1, (size_t)(last - colon) - 1);
	if (n == 4 && strncmp(inner, "file", 4) == 0)
		out = from_file(path, last + 1, e);
	else if ((n == 3 && strncmp(inner, "dir", 3) == 0) ||
	    (n == 9 && strncmp(inner, "directory", 9) == 0))
		out = from_dir(path, last + 1, e);
	free(path);
	return out;
}

static char *
at_file(const char *name, const char *path, struct kc_err *e)
{
	char *text = text_of(path, e);

	if (text == NULL) {
		e->status = KC_USAGE;
		kc_fail_in(e, "property %s: @%s: ", name, path);
		return NULL;
	}
	size_t n = strlen(text);
	if (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '\r')
		text[n - 1] = '\0';
	return text;
}

char *
kc_conffile_resolve(const char *name, const char *value, bool secret,
    struct kc_err *e)
{
	struct kc_buf b = { 0 };
	const char *p = value, *q, *close;

	if (secret && value[0] == '@')
		return at_file(name, value + 1, e);
	while ((q = strstr(p, "${")) != NULL && (close = strchr(q, '}')) != NULL) {
		char *inner = kc_xstrndup(q + 2, (size_t)(close - q) - 2);
		char *text = provide(inner, e);
		kc_buf_put(&b, p, (size_t)(q - p));
		if (text != NULL) {
			kc_buf_puts(&b, text);
		} else if (e->status == 0) {
			/* ${topic} and the like: a property's own */
			kc_buf_put(&b, q, (size_t)(close - q) + 1);
		} else {
			e->status = KC_USAGE;
			kc_fail_in(e, "property %s: ${%s}: ", name, inner);
			free(inner);
			kc_buf_release(&b);
			return NULL;
		}
		free(inner);
		free(text);
		p = close + 1;
	}
	kc_buf_puts(&b, p);
	return kc_buf_str(&b);
}

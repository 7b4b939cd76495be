/* lib/conf.c, lib/conffile.c: what java.util.Properties and Connect read. */
#include "conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "test.h"

static const struct kc_prop table[] = {
	{ "a", KC_T_STRING, "def", NULL, 'H', "A.", 0, "old.a,older.a", 0 },
	{ "mode", KC_T_STRING, "x", "x|y", 'H', "Mode.", 0, NULL, 0 },
	{ "n", KC_T_INT, "7", "1..100", 'H', "N.", 0, NULL, 0 },
	{ "big", KC_T_LONG, NULL, "0..", 'H', "Big.", 0, NULL, 0 },
	{ "r", KC_T_DOUBLE, "0.5", "0..1", 'H', "R.", 0, NULL, 0 },
	{ "on", KC_T_BOOLEAN, "false", NULL, 'H', "On.", 0, NULL, 0 },
	{ "list", KC_T_LIST, NULL, NULL, 'H', "List.", 0, NULL, 0 },
	{ "pw", KC_T_PASSWORD, NULL, "secret", 'H', "Password.", 0, NULL, 0 },
	{ "sub.", KC_T_STRING, NULL, NULL, 'L', "Below.", 0, "under.", KC_PREFIX },
	{ 0 },
};

/* The configuration of that text; err.status is that of load or check. */
static struct kc_conf *
conf_of(const char *text, struct kc_err *e)
{
	struct kc_conf *c = kc_conf_new(table);
	int fd = memfd_create("conf", 0);
	char path[64];

	memset(e, 0, sizeof *e);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	if (kc_conf_load(c, path, e) == 0)
		(void)kc_conf_check(c, e);
	close(fd);
	return c;
}

/* Of a as java.util.Properties.load reads it; Java keeps blanks at the end. */
static void
properties(void)
{
	static const char *const v[][2] = {
		{ "a=1", "1" },
		{ "a:1", "1" },
		{ "a 1", "1" },
		{ "  a\t=\f 1", "1" },
		{ "a==1", "=1" },
		{ "a=1\na=2", "2" },
		{ "#a=1\n!a=2\n", "def" },
		{ "a=x#y!z", "x#y!z" },
		{ "a=b\\\n   c\\\r\n\td", "bcd" },
		{ "a=b\\\\\nb=c", "b\\" },
		{ "a=\\t\\n\\q\\=\\:\\ ", "\t\nq=:" },
		{ "\\u0061=\\u00fc\\u20AC", "ü€" },
		{ "a=\\ud83d\\ude00", "😀" },
		{ "a=ü€", "ü€" },
		{ "\xef\xbb\xbf"
		  "a=bom",
		    "bom" },
		{ "a=1\r\n", "1" },
		{ "\\\na=1", "1" },
		{ "old.a=1", "1" },
		{ "older.a=1\na=2", "2" },
		{ "a", "" },
		{ "# comment \\\na=1", "1" },
	};
	struct kc_err e;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct kc_conf *c = conf_of(v[i][0], &e);
		const char *got = kc_conf_str(c, "a");
		ok(e.status == 0 && got != NULL && strcmp(got, v[i][1]) == 0,
		    "properties %zu: %s (%s)", i, got, e.msg);
		kc_conf_free(c);
	}
}

static void
json(void)
{
	struct kc_err e;
	struct kc_conf *c = conf_of("{\"name\":\"x\",\"config\":{\"a\":5,"
				    "\"on\":true,\"big\":9007199254740993,"
				    "\"list\":\" p , q,,r\",\"sub.k\":\"v\"}}",
	    &e);
	char **list = kc_conf_list(c, "list");

	ok(e.status == 0, "json: %s", e.msg);
	ok(strcmp(kc_conf_str(c, "a"), "5") == 0, "a number becomes text");
	ok(kc_conf_bool(c, "on"), "true");
	ok(kc_conf_int(c, "big") == 9007199254740993, "all its digits");
	ok(strcmp(list[0], "p") == 0 && strcmp(list[1], "q") == 0 &&
		strcmp(list[2], "r") == 0 && list[3] == NULL,
	    "a list, trimmed");
	kc_list_free(list);
	ok(kc_conf_int(c, "n") == 7 && !kc_conf_isset(c, "n"), "a default");
	kc_conf_free(c);
}

static void
refused(void)
{
	static const char *const v[][2] = {
		{ "mode=z", "property mode: z: must be one of x|y" },
		{ "n=0", "property n: 0: must be within 1..100" },
		{ "n=101", "property n: 101: must be within 1..100" },
		{ "n=99999999999",
		    "property n: 99999999999: must be a whole number" },
		{ "n=1.5", "property n: 1.5: must be a whole number" },
		{ "big=-1", "property big: -1: must be within 0.." },
		{ "r=2", "property r: 2: must be within 0..1" },
		{ "r=x", "property r: x: must be a number" },
		{ "on=1", "property on: 1: must be true or false" },
		{ "pw=hunter", "property pw: (hidden): must be one of secret" },
		{ "a=${env:KC_UNSET_HERE}",
		    "property a: ${env:KC_UNSET_HERE}: "
		    "the environment has no KC_UNSET_HERE" },
	};
	struct kc_err e;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct kc_conf *c = conf_of(v[i][0], &e);
		ok(e.status == KC_USAGE && strcmp(e.msg, v[i][1]) == 0,
		    "refused %s: %s", v[i][0], e.msg);
		kc_conf_free(c);
	}
}

static void
collect(void *arg, const char *name, const char *value)
{
	char *s = arg;

	snprintf(s + strlen(s), 100 - strlen(s), "%s=%s;", name, value);
}

static void
below(void)
{
	struct kc_err e;
	struct kc_conf *c = conf_of("sub.x=1\nunder.y=2\nother=3\nsub=4\n"
				    "connector.class=some.Other\n",
	    &e);
	char got[100] = "";

	kc_conf_each(c, "sub.", collect, got);
	ok(strcmp(got, "x=1;y=2;") == 0, "below a prefix, aliases too: %s", got);
	kc_conf_free(c);
}

int
main(void)
{
	kc_log_level = KC_ERROR;
	properties();
	json();
	refused();
	below();
	return done();
}

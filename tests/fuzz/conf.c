/* lib/conffile.c and lib/conf.c: any file is read or refused, and checked. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kc_prop table[] = {
	{ "text", KC_T_STRING, NULL, NULL, 'H', "Text.", 0, "other,third", 0 },
	{ "mode", KC_T_STRING, "a", "a|b|c", 'H', "One of.", 0, NULL, 0 },
	{ "count", KC_T_INT, "1", "1..100", 'H', "Count.", 0, NULL, 0 },
	{ "size", KC_T_LONG, "1", "1..", 'H', "Size.", 0, NULL, 0 },
	{ "real", KC_T_DOUBLE, "1", "0..1", 'H', "Real.", 0, NULL, 0 },
	{ "flag", KC_T_BOOLEAN, "true", NULL, 'H', "Flag.", 0, NULL, 0 },
	{ "list", KC_T_LIST, NULL, "x|y", 'H', "List.", 0, NULL, 0 },
	{ "secret", KC_T_PASSWORD, NULL, NULL, 'H', "Secret.", 0, NULL, 0 },
	{ "sub.", KC_T_STRING, NULL, NULL, 'L', "Below.", 0, NULL, KC_PREFIX },
	{ "", KC_T_STRING, NULL, NULL, 'L', "Any other.", 0, NULL, KC_PREFIX },
	{ 0 },
};

static void
see(void *arg, const char *name, const char *value)
{
	if (name == NULL || value == NULL)
		abort();
	++*(int *)arg;
}

static void
use(struct kc_conf *c)
{
	char **list = kc_conf_list(c, "list");
	int n = 0;

	kc_list_free(list);
	kc_conf_each(c, "sub.", see, &n);
	if (kc_conf_int(c, "count") < 1 || kc_conf_int(c, "count") > 100 ||
	    kc_conf_str(c, "mode") == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kc_conf *c = kc_conf_new(table);
	struct kc_err e = { 0 };
	int fd = memfd_create("conf", 0);
	char path[64];

	kc_log_level = KC_ERROR;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (kc_conf_load(c, path, &e) != 0) {
		if (e.status == 0 || e.msg[0] == '\0')
			abort();
	} else {
		kc_conf_stage(c, "a.b.C");
		if (kc_conf_check(c, &e) == 0)
			use(c);
		else if (e.status != KC_USAGE)
			abort();
	}
	kc_conf_free(c);
	close(fd);
	return 0;
}

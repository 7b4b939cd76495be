/* Options, help, --describe and the exit status of every command; see cmd.h. */
#include "cmd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 79

/* The options commands share. always: all have it; else cmd->options names it. */
static const struct shared {
	char opt;
	const char *arg; /* NULL: takes none */
	bool always;
	const char *doc;
} shared[] = {
	{ 'h', NULL, true, "This help." },
	{ 'V', NULL, true, "The version." },
	{ 'v', NULL, true, "Say more; -vv: everything." },
	{ 'q', NULL, true, "Say errors only." },
	{ 'c', "FILE", true, "Properties, or JSON in Connect's shapes; repeats." },
	{ 'o', "STORE", false,
	    "Where the position is kept: FILE, kafka:TOPIC or sink:CONF." },
	{ 'D', "FILE", false, "Bad records go there instead of ending the run." },
	{ 'n', "COUNT", false, "Stop after so many records." },
	{ 'e', NULL, false, "Stop at the end there is now." },
	{ 'r', NULL, false, "The reverse direction." },
};
#define NSHARED (sizeof shared / sizeof *shared)

static const struct option longs[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "kc-options", no_argument, NULL, 1000 },
	{ "describe", no_argument, NULL, 1001 },
	{ NULL, 0, NULL, 0 },
};

static const char *const type_names[] = {
	[KC_T_STRING] = "STRING",
	[KC_T_INT] = "INT",
	[KC_T_LONG] = "LONG",
	[KC_T_DOUBLE] = "DOUBLE",
	[KC_T_BOOLEAN] = "BOOLEAN",
	[KC_T_LIST] = "LIST",
	[KC_T_PASSWORD] = "PASSWORD",
	[KC_T_CLASS] = "CLASS",
};

static bool
has(const struct kc_cmd *cmd, const struct shared *s)
{
	return s->always ||
	    (cmd->options != NULL && strchr(cmd->options, s->opt) != NULL);
}

static const char *
importance(const struct kc_prop *p)
{
	return p->importance == 'H' ? "HIGH" :
	    p->importance == 'M'    ? "MEDIUM" :
				      "LOW";
}

/* What a property is called in lists: a prefix as prefix.* */
static const char *
shown(const struct kc_prop *p, char *buf, size_t n)
{
	snprintf(buf, n, "%s%s", p->name, p->flags & KC_PREFIX ? "*" : "");
	return buf;
}

/* ---- -h, -V, --kc-options, --describe ---- */

/* Text in lines of WIDTH, each begun with indent blanks. */
static void
put_wrapped(const char *text, int indent)
{
	int at = 0;

	while (*text != '\0') {
		int n = (int)strcspn(text, " ");
		if (at > 0 && at + 1 + n > WIDTH) {
			putchar('\n');
			at = 0;
		}
		at += at == 0 ? printf("%*s%.*s", indent, "", n, text) :
				printf(" %.*s", n, text);
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
help_prop(const struct kc_prop *p)
{
	char name[200], opt[8] = "";

	if (p->opt != 0)
		snprintf(opt, sizeof opt, "-%c, ", p->opt);
	printf("  %s%s", opt, shown(p, name, sizeof name));
	if (p->flags & KC_REQUIRED)
		printf("  (required)");
	else if (p->def != NULL && p->def[0] != '\0')
		printf("=%s", p->def);
	if (p->valid != NULL)
		printf("  [%s]", p->valid);
	putchar('\n');
	put_wrapped(p->doc, 6);
	if (p->flags & (KC_IGNORED | KC_UNSUPPORTED))
		printf("      (%s)\n",
		    p->flags & KC_IGNORED ? "accepted; has no use here" :
					    "known, not supported");
}

static void
help(const struct kc_cmd *cmd)
{
	static const char *const levels = "HML";
	static const char *const titles[] = { "properties", "more properties",
		"properties for special cases" };

	printf("%s: %s\n\nusage: %s [options] [name=value ...]%s%s\n\noptions:\n",
	    cmd->name, cmd->summary, cmd->name,
	    cmd->operands != NULL && cmd->operands[0] != '\0' ? " " : "",
	    cmd->operands != NULL ? cmd->operands : "");
	for (size_t i = 0; i < NSHARED; i++)
		if (has(cmd, &shared[i]))
			printf("  -%c %-6s  %s\n", shared[i].opt,
			    shared[i].arg == NULL ? "" : shared[i].arg,
			    shared[i].doc);
	printf("  --kc-options, --describe\n             Options and properties, for "
	       "completion and for kc-connect.\n");
	for (int l = 0; l < 3; l++) {
		bool any = false;
		for (const struct kc_prop *p = cmd->props; p->name != NULL; p++) {
			if (p->importance != levels[l])
				continue;
			if (!any)
				printf("\n%s:\n", titles[l]);
			any = true;
			help_prop(p);
		}
	}
	printf("\nSee %s(1).\n", cmd->name);
}

static void
kc_options(const struct kc_cmd *cmd)
{
	char name[200];

	for (size_t i = 0; i < NSHARED; i++)
		if (has(cmd, &shared[i]))
			printf("-%c\t%s\t%s\n", shared[i].opt,
			    shared[i].arg == NULL ? "flag" : shared[i].arg,
			    shared[i].doc);
	for (const struct kc_prop *p = cmd->props; p->name != NULL; p++) {
		if (p->opt != 0)
			printf("-%c\t%s\t%s\n", p->opt,
			    p->type == KC_T_BOOLEAN ? "flag" : "VALUE", p->doc);
		if (p->name[0] != '\0')
			printf("%s\t%s\t%s\n", shown(p, name, sizeof name),
			    type_names[p->type], p->doc);
	}
}

static json_t *
describe_prop(const struct kc_prop *p, int order)
{
	char name[200];

	return json_pack("{s:s,s:s,s:b,s:s?,s:s,s:s,s:n,s:i,s:s,s:s,s:[]}",
	    "name", shown(p, name, sizeof name), "type", type_names[p->type],
	    "required", (p->flags & KC_REQUIRED) != 0, "default_value", p->def,
	    "importance", importance(p), "documentation", p->doc, "group",
	    "order", order, "width", "MEDIUM", "display_name", p->name,
	    "dependents");
}

static void
describe(const struct kc_cmd *cmd)
{
	json_t *classes = json_array(), *configs = json_array(), *all;
	const char *p = cmd->classes;
	char *text;
	int order = 0;

	while (p != NULL && *p != '\0') {
		size_t n = strcspn(p, ",");
		json_array_append_new(classes, json_stringn(p, n));
		p += n;
		p += strspn(p, ", ");
	}
	for (const struct kc_prop *q = cmd->props; q->name != NULL; q++)
		if (q->name[0] != '\0')
			json_array_append_new(configs, describe_prop(q, ++order));
	all = json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:o}", "name", cmd->name,
	    "version", KC_VERSION, "type", cmd->type, "summary", cmd->summary,
	    "classes", classes, "options",
	    cmd->options == NULL ? "" : cmd->options, "configs", configs);
	text = json_dumps(all, JSON_INDENT(2));
	puts(text == NULL ? "{}" : text);
	free(text);
	json_decref(all);
}

static int
finish_stdout(const struct kc_cmd *cmd)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		kc_log(KC_ERROR, "standard output: %s", strerror(errno));
		return KC_IO;
	}
	(void)cmd;
	return 0;
}

/* ---- options ---- */

static int usage_error(const struct kc_cmd *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
usage_error(const struct kc_cmd *cmd, const char *fmt, ...)
{
	char msg[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	kc_log(KC_ERROR, "%s; try %s -h", msg, cmd->name);
	return KC_USAGE;
}

static void
option_string(char *s, const struct kc_cmd *cmd)
{
	*s++ = '-'; /* operands in their order: later ones win */
	*s++ = ':';
	for (size_t i = 0; i < NSHARED; i++)
		if (has(cmd, &shared[i])) {
			*s++ = shared[i].opt;
			if (shared[i].arg != NULL)
				*s++ = ':';
		}
	for (const struct kc_prop *p = cmd->props; p->name != NULL; p++)
		if (p->opt != 0) {
			*s++ = p->opt;
			if (p->type != KC_T_BOOLEAN || (p->flags & KC_PREFIX))
				*s++ = ':';
		}
	*s = '\0';
}

/* name=value sets a property; anything else is the command's own operand. */
static void
operand(struct kc_ctx *ctx, char *arg)
{
	size_t n = 0;

	while (isalnum((unsigned char)arg[n]) ||
	    (arg[n] != '\0' && strchr("_.-", arg[n]) != NULL))
		n++;
	if (n > 0 && arg[n] == '=') {
		char *name = kc_xstrndup(arg, n);
		kc_conf_set(ctx->conf, name, arg + n + 1);
		free(name);
		return;
	}
	ctx->argv[ctx->argc++] = arg;
}

static int
prop_option(struct kc_ctx *ctx, int opt, const char *arg)
{
	const struct kc_prop *p = ctx->cmd->props;
	char text[3] = { '-', (char)opt, '\0' };

	while (p->name != NULL && p->opt != opt)
		p++;
	if (p->name == NULL)
		return usage_error(ctx->cmd, "option %s is not known", text);
	if (p->flags & KC_PREFIX) {
		const char *eq = strchr(arg, '=');
		if (eq == NULL)
			return usage_error(ctx->cmd,
			    "option %s: must be name=value", text);
		char *name = kc_xasprintf("%s%.*s", p->name, (int)(eq - arg),
		    arg);
		kc_conf_set(ctx->conf, name, eq + 1);
		free(name);
	} else {
		kc_conf_set(ctx->conf, p->name,
		    p->type == KC_T_BOOLEAN ? "true" : arg);
	}
	return 0;
}

static int
count_option(struct kc_ctx *ctx, const char *arg)
{
	char *end;

	errno = 0;
	ctx->count = strtoll(arg, &end, 10);
	if (*arg == '\0' || *end != '\0' || errno != 0 || ctx->count < 0)
		return usage_error(ctx->cmd,
		    "-n %s: must be a number of records", arg);
	return 0;
}

/* 0, or the exit status, or -1: done, exit 0. */
static int
one_option(struct kc_ctx *ctx, int opt, char **argv)
{
	const struct kc_cmd *cmd = ctx->cmd;
	char text[3] = { '-', (char)optopt, '\0' };

	switch (opt) {
	case 1:
		operand(ctx, optarg);
		return 0;
	case 'h':
		help(cmd);
		return -1;
	case 'V':
		printf("%s %s\n", cmd->name, KC_VERSION);
		return -1;
	case 1000:
		kc_options(cmd);
		return -1;
	case 1001:
		describe(cmd);
		return -1;
	case '?':
		return usage_error(cmd, "option %s is not known",
		    optopt != 0 && optopt < 1000 ? text : argv[optind - 1]);
	case ':':
		return usage_error(cmd, "option %s needs an argument", text);
	case 'v':
		kc_log_level = kc_log_level < KC_INFO ? KC_INFO : KC_DEBUG;
		return 0;
	case 'q':
		kc_log_level = KC_ERROR;
		return 0;
	case 'c':
		if (kc_conf_load(ctx->conf, optarg, &ctx->err) == 0)
			return 0;
		kc_log(KC_ERROR, "%s", ctx->err.msg);
		return ctx->err.status;
	}
	if (cmd->options != NULL && strchr(cmd->options, opt) != NULL) {
		switch (opt) {
		case 'o':
			ctx->store = optarg;
			return 0;
		case 'D':
			ctx->dead = optarg;
			return 0;
		case 'n':
			return count_option(ctx, optarg);
		case 'e':
			ctx->end = true;
			return 0;
		case 'r':
			ctx->reverse = true;
			return 0;
		}
	}
	return prop_option(ctx, opt, optarg);
}

static int
parse(struct kc_ctx *ctx, int argc, char **argv)
{
	char optstring[2 * 128 + 8];
	int opt, rc;

	option_string(optstring, ctx->cmd);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, optstring, longs, NULL)) != -1)
		if ((rc = one_option(ctx, opt, argv)) != 0)
			return rc == -1 ?
			    (finish_stdout(ctx->cmd) == 0 ? -1 : KC_IO) :
			    rc;
	for (; optind < argc; optind++) /* after -- */
		operand(ctx, argv[optind]);
	return 0;
}

/* A closed 0, 1 or 2 must not become the number of a socket or file. */
static void
fill_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) == -1)
			_exit(KC_IO);
}

/* What a store's child wants to know, unless -o says it; kc-offset(1). */
static void
tell_store(const struct kc_conf *c)
{
	const char *name = kc_conf_str(c, "name");
	const char *servers = kc_conf_str(c, "bootstrap.servers");

	if (name != NULL && *name != '\0')
		setenv("KC_NAME", name, 1);
	if (servers != NULL && *servers != '\0')
		setenv("KC_BOOTSTRAP_SERVERS", servers, 0);
}

/* The command itself, once its configuration is good. */
static int
checked_run(struct kc_ctx *ctx)
{
	int rc;

	kc_conf_stage(ctx->conf, ctx->cmd->classes);
	rc = kc_conf_check(ctx->conf, &ctx->err) != 0 ? ctx->err.status : 0;
	if (rc == 0) {
		tell_store(ctx->conf);
		rc = ctx->cmd->run(ctx);
	}
	if (rc != 0)
		kc_log(KC_ERROR, "%s", ctx->err.msg);
	return rc;
}

int
kc_main(int argc, char **argv, const struct kc_cmd *cmd)
{
	struct kc_ctx ctx = { .cmd = cmd, .count = -1 };
	int rc;

	fill_standard_files();
	kc_log_init(cmd->name);
	ctx.conf = kc_conf_new(cmd->props);
	ctx.argv = kc_xcalloc((size_t)argc + 1, sizeof *ctx.argv);
	rc = parse(&ctx, argc, argv);
	if (rc == 0 && ctx.argc > 0 &&
	    (cmd->operands == NULL || cmd->operands[0] == '\0'))
		rc = usage_error(cmd, "operand %s: must be name=value",
		    ctx.argv[0]);
	if (rc == 0)
		rc = checked_run(&ctx);
	kc_conf_free(ctx.conf);
	free(ctx.argv);
	return rc == -1 ? 0 : rc;
}

/*
 * What every command is: a table and a run function. kc_main does options,
 * configuration, help, --describe, logs, signals and the exit status.
 */
#ifndef KC_CMD_H
#define KC_CMD_H

#include "conf.h"
#include "err.h"
#include "io.h"
#include "log.h"

#define KC_VERSION "0.1.0"

struct kc_ctx {
	const struct kc_cmd *cmd;
	struct kc_conf *conf;
	int argc; /* operands that are not name=value */
	char **argv;
	const char *store; /* -o, or NULL */
	const char *dead;  /* -D, or NULL */
	int64_t count;	   /* -n, or -1 */
	bool end;	   /* -e */
	bool reverse;	   /* -r */
	void *loop;	   /* the sink loop's own, while it runs */
	struct kc_err err; /* run fills it and returns its status */
};

struct kc_cmd {
	const char *name;     /* "kc-binlog" */
	const char *summary;  /* one line */
	const char *operands; /* of the usage line, or "" */
	const char *type;     /* source sink transformation converter tool */
	const char *classes; /* connector.class names, comma-separated, or NULL */
	const char *options; /* shared options taken beside hVvqc: of "oDner" */
	const struct kc_prop *props; /* ends with name NULL */
	/* Exit status; not 0: ctx->err.msg is printed. */
	int (*run)(struct kc_ctx *ctx);
};

int kc_main(int argc, char **argv, const struct kc_cmd *cmd);

#endif

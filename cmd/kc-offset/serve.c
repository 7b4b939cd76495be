/* The stores that are no file, served in lines; kc-offset(1), PROTOCOL. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "offset.h"

/* The sink's own command keeps the position with its rows. */
static int
serve_sink(const char *conf, struct kc_err *e)
{
	static const char name[] = "kc-jdbcsink";
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof name);
	char *argv[] = { (char *)(uintptr_t)name, (char *)"-c",
		(char *)(uintptr_t)conf, (char *)"offsets", NULL };

	if (n > 0) {
		path[n] = '\0';
		if ((slash = strrchr(path, '/')) != NULL) {
			memcpy(slash + 1, name, sizeof name);
			execv(path, argv);
		}
	}
	execvp(name, argv);
	return kc_fail(e, KC_USAGE, "-o sink:%s: %s: %s; install it", conf,
	    name, strerror(errno));
}

static int
put_all(struct kc_offsets *o, struct kc_span list, struct kc_err *e)
{
	struct kc_json_it it;
	struct kc_span one, partition, offset;

	if (kc_json_open(&it, list) != 0)
		return kc_fail(e, KC_USAGE, "put: takes an array of positions");
	while (kc_json_item(&it, &one) == 1) {
		partition = kc_json_get(one, "partition");
		offset = kc_json_get(one, "offset");
		if (partition.p == NULL || offset.p == NULL)
			return kc_fail(e, KC_USAGE,
			    "put: a position is "
			    "{\"partition\":…,\"offset\":…}");
		if (kc_offsets_put(o, partition, offset, e) != 0)
			return -1;
	}
	return kc_offsets_flush(o, e);
}

static void
answer(struct kc_offsets *o, bool first, struct kc_span request,
    struct kc_out *out)
{
	struct kc_err e;
	struct kc_span list = kc_json_get(request, "put");
	int rc;

	if (!kc_json_valid(request))
		rc = kc_fail(&e, KC_USAGE,
		    "serve: not JSON; kc-offset(1) has the "
		    "protocol");
	else if (list.p != NULL)
		rc = put_all(o, list, &e);
	else
		rc = kc_offsets_read(o, first, &e);
	if (rc != 0) {
		kc_buf_reset(&out->b);
		kc_buf_lit(&out->b, "{\"error\":");
		kc_json_str(&out->b, e.msg, strlen(e.msg));
		kc_buf_printf(&out->b, ",\"status\":%d}\n", e.status);
	} else if (list.p != NULL) {
		kc_buf_lit(&out->b, "{\"ok\":true}\n");
	} else {
		kc_offsets_each(o, show_one, out);
		kc_buf_lit(&out->b, "{\"end\":true}\n");
	}
}

int
serve(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e)
{
	struct kc_in in;
	struct kc_span line;
	struct kc_offsets *o;
	struct kc_err why;
	bool first = true;
	int rc;

	if (strncmp(ctx->store, "sink:", 5) == 0)
		return serve_sink(ctx->store + 5, e);
	if (strncmp(ctx->store, "kafka:", 6) != 0)
		return kc_fail(e, KC_USAGE,
		    "serve: -o %s: only kafka: and sink: "
		    "stores are served; a file is read by everyone",
		    ctx->store);
	kc_in_init(&in, 0);
	o = kc_offsets_open(ctx->store,
	    ctx->argc < 2 || strcmp(ctx->argv[1], "reader") != 0, &why);
	while ((rc = kc_in_line(&in, &line, e)) == 1) {
		if (o != NULL) {
			answer(o, first, line, out);
		} else {
			kc_buf_lit(&out->b, "{\"error\":");
			kc_json_str(&out->b, why.msg, strlen(why.msg));
			kc_buf_printf(&out->b, ",\"status\":%d}\n", why.status);
		}
		first = false;
		if ((rc = kc_out_flush(out, e)) != 0)
			break;
	}
	kc_offsets_close(o);
	kc_in_release(&in);
	return rc;
}

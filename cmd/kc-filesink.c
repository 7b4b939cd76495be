/*
 * kc-filesink: records to a file, a line each. With -o FILE the length of what
 * was written is stored with the position, in one step; what a crash left
 * behind that length is cut off at the next start. So each line is there once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "num.h"
#include "sink.h"

static const struct kc_prop props[] = {
	{ "file", KC_T_STRING, NULL, NULL, 'H',
	    "File to append to; standard output when there is none.", 'f', NULL,
	    0 },
	{ "format", KC_T_STRING, "lines", "lines|envelope", 'M',
	    "What a line is: the value (a string's text, else JSON), or the envelope.",
	    0, NULL, 0 },
	KC_SINK_PROPS,
	{ 0 },
};

struct filesink {
	struct kc_ctx *ctx;
	const char *path; /* NULL: standard output */
	bool envelope;
	int fd;
	uint64_t length;	/* of the file, all lines whole and durable */
	struct kc_store *store; /* -o FILE; NULL: none, or the loop's */
	bool keeps;		/* we keep the store */
	struct kc_buf out, me, text;
	struct kc_schemas schemas;
	size_t announced; /* of schemas.v: written to this file in this run */
};

static int
io_error(struct filesink *f, const char *what, struct kc_err *e)
{
	return kc_fail(e, KC_IO, "%s: %s: %s", f->path, what, strerror(errno));
}

/* The committed length, if the store knows this file. 1, 0, -1. */
static int
committed(struct filesink *f, uint64_t *n, struct kc_err *e)
{
	struct kc_buf o = { 0 };
	int rc = kc_store_get(f->store, KC_BUF_SPAN(&f->me), &o, e);

	if (rc == 1 && !kc_parse_u64(kc_json_get(KC_BUF_SPAN(&o), "length"), n))
		rc = kc_fail(e, KC_DATA,
		    "-o %s: the entry of file %s has no length; "
		    "see kc-offset",
		    f->ctx->store, f->path);
	kc_buf_release(&o);
	return rc;
}

static int store(struct filesink *f, const struct kc_positions *pos,
    struct kc_err *e);

/* Opens it where the last committed line ends. */
static int
open_file(struct filesink *f, struct kc_err *e)
{
	static const struct kc_positions none;
	struct stat st;
	uint64_t n = 0;
	int rc = 0;

	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (f->fd == -1 || fstat(f->fd, &st) == -1)
		return io_error(f, "cannot be opened", e);
	if (f->keeps) {
		f->store = kc_store_open(f->ctx->store, KC_SINK, e);
		if (f->store == NULL || (rc = committed(f, &n, e)) < 0)
			return -1;
	}
	f->length = (uint64_t)st.st_size;
	if (rc == 1 && S_ISREG(st.st_mode)) {
		if (n > f->length)
			return kc_fail(e, KC_DATA,
			    "%s: has %llu bytes, but %llu were "
			    "stored: it was cut or replaced; put it back, or remove its "
			    "entry with kc-offset reset",
			    f->path, (unsigned long long)f->length,
			    (unsigned long long)n);
		if (n < f->length)
			kc_log(KC_NOTICE,
			    "%s: %llu bytes of a run that was cut off are "
			    "taken back",
			    f->path, (unsigned long long)(f->length - n));
		f->length = n;
		if (ftruncate(f->fd, (off_t)n) == -1)
			return io_error(f, "cannot be cut", e);
	}
	if (S_ISREG(st.st_mode) && lseek(f->fd, (off_t)f->length, SEEK_SET) == -1)
		return io_error(f, "cannot be positioned", e);
	/* From the first byte on the store knows where to cut. */
	return f->keeps && rc == 0 ? store(f, &none, e) : 0;
}

static int
put_value(struct filesink *f, const struct kc_rec *r, struct kc_err *e)
{
	if (r->value_bytes.p != NULL) {
		if (kc_b64_decode(&f->out, r->value_bytes) != 0)
			return kc_fail(e, KC_DATA, "valueBytes: is not base64");
	} else if (r->value.p == NULL) {
		kc_buf_lit(&f->out, "null");
	} else if (!kc_json_is_str(r->value)) {
		kc_buf_span(&f->out, r->value);
	} else if (kc_json_unescape(&f->out, kc_json_inner(r->value)) != 0) {
		return kc_fail(e, KC_DATA, "value: a string with a bad escape");
	}
	kc_buf_putc(&f->out, '\n');
	return 0;
}

static int
put_batch(struct filesink *f, const struct kc_batch *b, struct kc_err *e)
{
	kc_buf_reset(&f->out);
	for (; f->envelope && f->announced < f->schemas.n; f->announced++)
		kc_put_schema(&f->out,
		    KC_BUF_SPAN(&f->schemas.v[f->announced]->text),
		    f->schemas.v[f->announced]->id);
	for (size_t i = 0; i < b->n; i++) {
		if (f->envelope) {
			kc_buf_span(&f->out, b->recs[i].line);
			kc_buf_putc(&f->out, '\n');
		} else if (put_value(f, &b->recs[i], e) != 0) {
			return -1;
		}
	}
	return 0;
}

/* Positions and length, in one replacement of the store's file. */
static int
store(struct filesink *f, const struct kc_positions *pos, struct kc_err *e)
{
	if (f->store == NULL)
		return 0;
	for (size_t i = 0; i < pos->n; i++)
		if (pos->v[i].offset.len > 0)
			kc_store_put(f->store, KC_BUF_SPAN(&pos->v[i].partition),
			    KC_BUF_SPAN(&pos->v[i].offset));
	kc_buf_reset(&f->text);
	kc_buf_lit(&f->text, "{\"length\":");
	kc_buf_u64(&f->text, f->length);
	kc_buf_putc(&f->text, '}');
	kc_store_put(f->store, KC_BUF_SPAN(&f->me), KC_BUF_SPAN(&f->text));
	return kc_store_commit(f->store, e);
}

static int
write_batch(void *arg, const struct kc_batch *b, struct kc_err *e)
{
	struct filesink *f = arg;

	if (f->fd == -1 && open_file(f, e) != 0)
		return -1;
	size_t announced = f->announced;
	if (put_batch(f, b, e) != 0) {
		f->announced = announced;
		return -1;
	}
	if (kc_write_all(f->fd, f->out.p, f->out.len,
		f->path == NULL ? "standard output" : f->path, e) != 0 ||
	    (f->path != NULL && fsync(f->fd) == -1 && errno != EINVAL &&
		io_error(f, "cannot be made durable", e) != 0)) {
		/* nothing of the batch stays */
		if (f->path != NULL && ftruncate(f->fd, (off_t)f->length) == 0)
			lseek(f->fd, (off_t)f->length, SEEK_SET);
		f->announced = announced;
		return -1;
	}
	f->length += f->out.len;
	return store(f, b->pos, e);
}

static int
run(struct kc_ctx *ctx)
{
	struct filesink f = { .ctx = ctx,
		.fd = -1,
		.path = kc_conf_str(ctx->conf, "file"),
		.envelope = kc_conf_is(ctx->conf, "format", "envelope") };
	struct kc_sink s = { .write = write_batch,
		.schemas = &f.schemas,
		.max_count = 20000,
		.max_bytes = 4 * 1024 * 1024 };
	int rc;

	if (f.path != NULL && (f.path[0] == '\0' || strcmp(f.path, "-") == 0))
		f.path = NULL;
	if (f.path == NULL)
		f.fd = 1;
	f.keeps = f.path != NULL && ctx->store != NULL &&
	    strncmp(ctx->store, "kafka:", 6) != 0 &&
	    strncmp(ctx->store, "sink:", 5) != 0;
	s.own_store = f.keeps;
	if (f.path != NULL) {
		kc_buf_lit(&f.me, "{\"file\":");
		kc_json_str(&f.me, f.path, strlen(f.path));
		kc_buf_putc(&f.me, '}');
	}
	rc = kc_sink_run(ctx, &s, &f);
	if (f.fd > 2)
		close(f.fd);
	kc_store_close(f.store);
	kc_schemas_release(&f.schemas);
	kc_buf_release(&f.out);
	kc_buf_release(&f.me);
	kc_buf_release(&f.text);
	return rc;
}

static const struct kc_cmd cmd = {
	.name = "kc-filesink",
	.summary = "records to a file, a line each",
	.operands = "",
	.type = "sink",
	.classes = "org.apache.kafka.connect.file.FileStreamSinkConnector,"
		   "FileStreamSink",
	.options = "oDn",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

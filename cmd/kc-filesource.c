/*
 * kc-filesource: lines of a file as records, or the envelopes in one again.
 * Follows the file as it grows, is renamed away or cut; a line without its end
 * waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "envelope.h"
#include "json.h"
#include "num.h"
#include "store.h"

#define READ_SIZE (256 * 1024)
#define LINE_MAX_BYTES (512UL * 1024 * 1024)
#define POLL_MS 200

static const char line_schema[] = "{\"type\":\"string\",\"optional\":false}";

static const struct kc_prop props[] = {
	{ "file", KC_T_STRING, NULL, NULL, 'H',
	    "File to read; standard input when there is none.", 'f', NULL, 0 },
	{ "topic", KC_T_STRING, NULL, NULL, 'H',
	    "Topic of the records; envelopes have their own.", 't', NULL, 0 },
	{ "format", KC_T_STRING, "lines", "lines|envelope", 'M',
	    "What a line is: a value, or an envelope to be read again.", 0,
	    NULL, 0 },
	{ "batch.size", KC_T_INT, "2000", "1..", 'L',
	    "Lines go on as they come.", 0, NULL, KC_IGNORED },
	{ 0 },
};

struct source {
	struct kc_ctx *ctx;
	const char *path; /* NULL: standard input */
	const char *topic;
	bool envelope;
	int fd;
	struct stat st;	  /* of fd */
	uint64_t at;	  /* bytes of whole lines that were read */
	uint64_t end;	  /* -e: how long the file was; UINT64_MAX: no */
	struct kc_buf in; /* from `at` on */
	size_t used;	  /* of in: lines done */
	struct kc_buf partition, head;
	struct kc_out out;
	struct kc_store *store;
	char schema_id[17];
	bool announced, moved;
	int64_t emitted;
};

static void
put_offset(struct source *s, struct kc_buf *b, uint64_t at)
{
	kc_buf_lit(b, "{\"position\":");
	kc_buf_u64(b, at);
	if (s->path != NULL) {
		kc_buf_lit(b, ",\"inode\":");
		kc_buf_u64(b, s->st.st_ino);
	}
	kc_buf_putc(b, '}');
}

static void
put_source(struct source *s, struct kc_buf *b, uint64_t at)
{
	kc_buf_lit(b, ",\"source\":{\"partition\":");
	kc_buf_span(b, KC_BUF_SPAN(&s->partition));
	kc_buf_lit(b, ",\"offset\":");
	put_offset(s, b, at);
	kc_buf_lit(b, "}}\n");
}

static void
checkpoint(struct source *s)
{
	struct kc_buf o = { 0 };

	put_offset(s, &o, s->at);
	kc_put_checkpoint(&s->out.b, KC_BUF_SPAN(&s->partition), KC_BUF_SPAN(&o));
	kc_buf_release(&o);
	s->moved = false;
}

static void
put_line(struct source *s, struct kc_span line, uint64_t after)
{
	struct kc_buf *b = &s->out.b;

	if (!s->announced)
		kc_put_schema(b, KC_LIT(line_schema), s->schema_id);
	s->announced = true;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	kc_buf_span(b, KC_BUF_SPAN(&s->head));
	kc_buf_i64(b, kc_now_us() / 1000);
	kc_buf_lit(b, ",\"valueSchema\":\"");
	kc_buf_puts(b, s->schema_id);
	kc_buf_lit(b, "\",\"value\":");
	kc_json_str(b, line.p, line.n);
	put_source(s, b, after);
	s->emitted++;
}

/* An envelope again; its position is now where it stands in this file. */
static int
put_envelope(struct source *s, struct kc_span line, uint64_t after,
    struct kc_err *e)
{
	struct kc_buf *b = &s->out.b;
	struct kc_json_it it;
	struct kc_span key, val;
	struct kc_rec r;

	if (kc_rec_parse(&r, line, e) != 0)
		return kc_fail_in(e, "%s: before byte %llu: ",
		    s->path == NULL ? "standard input" : s->path,
		    (unsigned long long)after);
	if (r.kind == KC_CHECKPOINT)
		return 0;
	if (r.kind == KC_SCHEMA) {
		kc_buf_span(b, line);
		kc_buf_putc(b, '\n');
		return 0;
	}
	kc_buf_putc(b, '{');
	kc_json_open(&it, line);
	for (bool first = true; kc_json_member(&it, &key, &val) == 1;) {
		if (val.p == r.source.p)
			continue;
		if (!first)
			kc_buf_putc(b, ',');
		first = false;
		kc_buf_put(b, key.p - 1, key.n + 2);
		kc_buf_putc(b, ':');
		kc_buf_span(b, val);
	}
	put_source(s, b, after);
	s->emitted++;
	return 0;
}

/* Every whole line at hand. 1: -n is reached, 0, -1. */
static int
take_lines(struct source *s, struct kc_err *e)
{
	while (s->used < s->in.len) {
		const char *p = s->in.p + s->used;
		const char *nl = memchr(p, '\n', s->in.len - s->used);
		if (nl == NULL)
			break;
		struct kc_span line = { p, (size_t)(nl - p) };
		uint64_t after = s->at + line.n + 1;
		if (!s->envelope)
			put_line(s, line, after);
		else if (line.n > 0 && put_envelope(s, line, after, e) != 0)
			return -1;
		s->at = after;
		s->used += line.n + 1;
		s->moved = true;
		if (kc_out_more(&s->out, e) != 0)
			return -1;
		if (s->ctx->count >= 0 && s->emitted >= s->ctx->count)
			return 1;
	}
	return 0;
}

static int
fill(struct source *s, struct kc_err *e)
{
	ssize_t n;

	memmove(s->in.p, s->in.p + s->used, s->in.len - s->used);
	s->in.len -= s->used;
	s->used = 0;
	if (s->in.len > LINE_MAX_BYTES)
		return kc_fail(e, KC_DATA, "%s: a line longer than 512 MiB",
		    s->path == NULL ? "standard input" : s->path);
	while ((n = read(s->fd, kc_buf_room(&s->in, READ_SIZE), READ_SIZE)) == -1)
		if (errno != EINTR || kc_stop)
			return errno == EINTR ?
			    0 :
			    kc_fail(e, KC_IO, "%s: %s",
				s->path == NULL ? "standard input" : s->path,
				strerror(errno));
	s->in.len += (size_t)n;
	return n > 0;
}

/* The file from its position; one that is not there is waited for. 1, 0: stop. */
static int
open_file(struct source *s, struct kc_err *e)
{
	bool said = false;

	while ((s->fd = open(s->path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno != ENOENT)
			return kc_fail(e, KC_IO, "file %s: %s", s->path,
			    strerror(errno));
		if (!said)
			kc_log(KC_WARN, "file %s is not there%s", s->path,
			    s->ctx->end ? "" : "; waiting for it");
		said = true;
		if (s->ctx->end || kc_wait(-1, POLL_MS, true) == -1)
			return 0;
	}
	if (fstat(s->fd, &s->st) == -1 || S_ISDIR(s->st.st_mode))
		return kc_fail(e, KC_USAGE, "file %s: is a folder", s->path);
	return 1;
}

/* At the file's end: was it renamed away, or cut? 1: begin at its start. */
static int
replaced(struct source *s)
{
	struct stat now;

	if (s->path == NULL || stat(s->path, &now) == -1)
		return 0;
	/* all that was appended before the renaming is read first */
	if (now.st_ino != s->st.st_ino || now.st_dev != s->st.st_dev)
		return fstat(s->fd, &s->st) == 0 &&
		    (uint64_t)s->st.st_size <= s->at + (s->in.len - s->used);
	return (uint64_t)now.st_size < s->at + (s->in.len - s->used);
}

static int
begin_again(struct source *s, struct kc_err *e)
{
	if (s->in.len > s->used)
		kc_log(KC_WARN,
		    "file %s: the old file ended in a line without end, "
		    "which is left out",
		    s->path);
	kc_log(KC_NOTICE, "file %s: a new one begins", s->path);
	close(s->fd);
	s->at = 0;
	s->in.len = s->used = 0;
	return open_file(s, e);
}

static int
follow(struct source *s, struct kc_err *e)
{
	int rc;

	while (!kc_stop) {
		if ((rc = take_lines(s, e)) != 0)
			return rc == 1 ? 0 : -1;
		if (s->end != UINT64_MAX &&
		    s->at + (s->in.len - s->used) >= s->end)
			return 0;
		if (s->path == NULL && kc_wait(0, 0, false) == 0) {
			if (kc_out_flush(&s->out, e) != 0)
				return -1;
			if (kc_wait(0, -1, true) != 1)
				continue;
		}
		if ((rc = fill(s, e)) == -1)
			return -1;
		if (rc == 1)
			continue;
		if (s->path == NULL)
			return 0;
		if (kc_out_flush(&s->out, e) != 0)
			return -1;
		if (replaced(s) &&
		    (s->end != UINT64_MAX || (rc = begin_again(s, e)) != 1))
			return rc;
		kc_wait(-1, POLL_MS, true);
	}
	return 0;
}

static int
resume(struct source *s, struct kc_err *e)
{
	struct kc_buf o = { 0 };
	uint64_t at = 0, inode = 0;
	int rc;

	s->store = kc_store_open(s->ctx->store, KC_SOURCE, e);
	if (s->store == NULL)
		return -1;
	rc = kc_store_get(s->store, KC_BUF_SPAN(&s->partition), &o, e);
	if (rc == 1) {
		kc_parse_u64(kc_json_get(KC_BUF_SPAN(&o), "position"), &at);
		if (kc_json_get(KC_BUF_SPAN(&o), "inode").p != NULL)
			kc_parse_u64(kc_json_get(KC_BUF_SPAN(&o), "inode"),
			    &inode);
	}
	kc_buf_release(&o);
	if (rc < 0)
		return -1;
	bool other = inode != 0 && inode != s->st.st_ino;
	if (other || at > (uint64_t)s->st.st_size) {
		kc_log(KC_WARN, "file %s %s: it is read from its start", s->path,
		    other ? "is another one than the store's position is of" :
			    "is shorter than the store's position");
		return 0;
	}
	s->at = at;
	if (lseek(s->fd, (off_t)at, SEEK_SET) == -1)
		return kc_fail(e, KC_IO, "file %s: %s", s->path, strerror(errno));
	return 0;
}

static int
set_up(struct source *s, struct kc_err *e)
{
	int rc;

	if (!s->envelope && s->topic == NULL)
		return kc_fail(e, KC_USAGE,
		    "property topic is missing: the topic of the "
		    "records; give it as topic=…");
	kc_buf_lit(&s->partition, "{\"filename\":");
	if (s->path == NULL)
		kc_buf_lit(&s->partition, "null");
	else
		kc_json_str(&s->partition, s->path, strlen(s->path));
	kc_buf_putc(&s->partition, '}');
	kc_buf_lit(&s->head, "{\"topic\":");
	if (s->topic != NULL)
		kc_json_str(&s->head, s->topic, strlen(s->topic));
	kc_buf_lit(&s->head, ",\"timestamp\":");
	kc_sha256_id(s->schema_id, KC_LIT(line_schema));
	s->end = UINT64_MAX;
	if (s->path == NULL) {
		if (s->ctx->store != NULL)
			return kc_fail(e, KC_USAGE,
			    "-o %s: standard input has no position; "
			    "set file=, or leave -o out",
			    s->ctx->store);
		return 1;
	}
	if ((rc = open_file(s, e)) != 1)
		return rc;
	if (s->ctx->end)
		s->end = (uint64_t)s->st.st_size;
	return s->ctx->store != NULL && resume(s, e) != 0 ? -1 : 1;
}

static int
run(struct kc_ctx *ctx)
{
	struct source s = { .ctx = ctx,
		.fd = 0,
		.path = kc_conf_str(ctx->conf, "file"),
		.topic = kc_conf_str(ctx->conf, "topic"),
		.envelope = kc_conf_is(ctx->conf, "format", "envelope") };
	struct kc_err late;
	int rc;

	if (s.path != NULL && (s.path[0] == '\0' || strcmp(s.path, "-") == 0))
		s.path = NULL;
	kc_signals(false);
	kc_out_init(&s.out, 1);
	rc = set_up(&s, &ctx->err);
	if (rc == 1)
		rc = follow(&s, &ctx->err);
	if (rc == 0 && s.moved && s.path != NULL)
		checkpoint(&s);
	if (kc_out_flush(&s.out, &late) != 0 && rc == 0) {
		ctx->err = late;
		rc = -1;
	}
	if (s.fd > 0)
		close(s.fd);
	kc_store_close(s.store);
	kc_buf_release(&s.in);
	kc_buf_release(&s.partition);
	kc_buf_release(&s.head);
	kc_out_release(&s.out);
	return rc == 0 ? 0 : ctx->err.status;
}

static const struct kc_cmd cmd = {
	.name = "kc-filesource",
	.summary = "lines of a file as records, as it grows",
	.operands = "",
	.type = "source",
	.classes = "org.apache.kafka.connect.file.FileStreamSourceConnector,"
		   "FileStreamSource",
	.options = "one",
	.props = props,
	.run = run,
};

int
main(int argc, char **argv)
{
	return kc_main(argc, argv, &cmd);
}

/*
 * Dead letters, -D FILE: records as they were, with an "error" member saying
 * why; such a file is an envelope stream and can be replayed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter.h"
#include "json.h"
#include "num.h"

int
kc_dead_open(struct kc_dead *d, const char *path, struct kc_err *e)
{
	struct stat st;
	char last;

	*d = (struct kc_dead){ .path = path };
	d->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (d->fd == -1)
		return kc_fail(e, KC_IO, "-D %s: %s", path, strerror(errno));
	/* A run that was cut off in a line: end that line. */
	if (fstat(d->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    pread(d->fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		return kc_write_all(d->fd, "\n", 1, path, e);
	return 0;
}

static void
put_error(struct kc_buf *b, const char *stage, const struct kc_err *why,
    const char *at)
{
	kc_buf_lit(b, "\"error\":{\"stage\":");
	kc_json_str(b, stage, strlen(stage));
	kc_buf_lit(b,
	    ",\"class\":\"org.apache.kafka.connect.errors.DataException\""
	    ",\"message\":");
	kc_json_str(b, why->msg, strlen(why->msg));
	kc_buf_lit(b, ",\"at\":");
	kc_json_str(b, at, strlen(at));
	kc_buf_lit(b, "}}\n");
}

/* The members of a record line but an earlier "error"; false: not one. */
static bool
put_members(struct kc_buf *b, struct kc_span line)
{
	struct kc_json_it it;
	struct kc_span key, val;
	bool record = false;
	int rc;

	if (!kc_json_valid(line) || kc_json_open(&it, line) != 0 ||
	    line.p[0] != '{')
		return false;
	while ((rc = kc_json_member(&it, &key, &val)) == 1) {
		if (kc_span_is(key, "error"))
			continue;
		record |= kc_span_is(key, "topic") && kc_json_is_str(val);
		kc_buf_putc(b, '"');
		kc_buf_span(b, key);
		kc_buf_lit(b, "\":");
		kc_buf_span(b, val);
		kc_buf_putc(b, ',');
	}
	return rc == 0 && record;
}

int
kc_dead_put(struct kc_dead *d, struct kc_span line, const char *stage,
    const struct kc_err *why, const char *at, struct kc_err *e)
{
	off_t size = lseek(d->fd, 0, SEEK_END);

	kc_buf_reset(&d->line);
	kc_buf_putc(&d->line, '{');
	if (!put_members(&d->line, line)) {
		kc_buf_reset(&d->line);
		kc_buf_lit(&d->line, "{\"topic\":\"\",\"valueBytes\":\"");
		kc_buf_b64(&d->line, line.p, line.n);
		kc_buf_lit(&d->line, "\",");
	}
	put_error(&d->line, stage, why, at);
	if (kc_write_all(d->fd, d->line.p, d->line.len, d->path, e) != 0) {
		if (size >= 0 && ftruncate(d->fd, size) == -1)
			return -1; /* the half line is ended at the next start */
		return -1;
	}
	d->count++;
	return 0;
}

int
kc_dead_sync(struct kc_dead *d, struct kc_err *e)
{
	if (fsync(d->fd) == -1 && errno != EINVAL && errno != EROFS)
		return kc_fail(e, KC_IO, "-D %s: %s", d->path, strerror(errno));
	return 0;
}

void
kc_dead_close(struct kc_dead *d)
{
	if (d->path != NULL)
		close(d->fd);
	kc_buf_release(&d->line);
	d->path = NULL;
}

/*
 * Binlog files, read without a server.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream.h"

#define EVENT_MAX (((size_t)1 << 30) + (1 << 20)) /* of the servers */

/* One event of a file: its header says how long it is. 1, 0, -1. */
static int
read_event(int fd, struct kc_buf *in, size_t *at, struct kc_span *raw,
    const char *path, struct kc_err *e)
{
	for (;;) {
		size_t have = in->len - *at, want = 19;
		if (have >= 19) {
			const uint8_t *p = (const uint8_t *)in->p + *at;
			want = (size_t)p[9] | (size_t)p[10] << 8 |
			    (size_t)p[11] << 16 | (size_t)p[12] << 24;
			if (want < 19 || want > EVENT_MAX)
				return kc_fail(e, KC_DATA,
				    "%s: an event of %zu bytes: not a "
				    "binlog, or damaged",
				    path, want);
		}
		if (have >= want && have >= 19) {
			*raw = (struct kc_span){ in->p + *at, want };
			*at += want;
			return 1;
		}
		if (have > 0)
			memmove(in->p, in->p + *at, have);
		in->len = have;
		*at = 0;
		size_t room = want > 262144 ? want : 262144;
		ssize_t n = read(fd, kc_buf_room(in, room), room);
		if (n == -1)
			return kc_fail(e, KC_IO, "%s: %s", path, strerror(errno));
		if (n == 0 && have > 0)
			return kc_fail(e, KC_DATA,
			    "%s: ends in the middle of an event: it "
			    "was cut, or is being written",
			    path);
		if (n == 0)
			return 0;
		in->len += (size_t)n;
	}
}

/* The first event says whose log it is. */
static int
flavor(struct stream *s, const char *path, struct kc_err *e)
{
	struct binlog *b = s->b;

	if (b->cdc != NULL)
		return 0;
	if (s->dec.rows_head[KC_BL_QUERY] == 0)
		return kc_fail(e, KC_DATA,
		    "%s: does not begin with a format description", path);
	b->mariadb = s->dec.maria;
	return kc_cdc_new(&b->cdc, b->conf, b->mariadb ? "mariadb" : "mysql",
	    source_schema(b->mariadb), e);
}

static int
one_file(struct stream *s, const char *path, struct kc_err *e)
{
	struct kc_buf in = { 0 };
	struct kc_span raw;
	const char *name = strrchr(path, '/');
	size_t at = 0;
	char magic[4];
	int rc,
	    fd = strcmp(path, "-") == 0 ? dup(0) :
					  open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return kc_fail(e, KC_USAGE, "%s: %s", path, strerror(errno));
	if (read(fd, magic, 4) != 4 ||
	    memcmp(magic,
		"\xfe"
		"bin",
		4) != 0) {
		close(fd);
		return kc_fail(e, KC_DATA,
		    "%s: not a binlog: it does not begin with "
		    "\\xfe b i n",
		    path);
	}
	snprintf(s->file, sizeof s->file, "%s", name == NULL ? path : name + 1);
	memcpy(s->b->at.file, s->file, sizeof s->file);
	s->b->at.pos = s->pos = 4;
	s->dec.checksum = false;
	while ((rc = read_event(fd, &in, &at, &raw, path, e)) == 1 &&
	    !s->stop && !kc_stop)
		if (one_event(s, raw, e) != 0 || flavor(s, path, e) != 0) {
			rc = -1;
			break;
		}
	kc_buf_release(&in);
	close(fd);
	return rc < 0 ? -1 : 0;
}

int
stream_files(struct binlog *b, char **paths, int n, struct kc_err *e)
{
	struct stream s;
	int rc = 0;

	stream_init(&s, b);
	for (int i = 0; i < n && rc == 0 && !s.stop && !kc_stop; i++)
		rc = one_file(&s, paths[i], e);
	return stream_finish(&s, rc, e);
}

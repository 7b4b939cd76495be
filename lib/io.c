/* Lines in, blocks out; see io.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define PIPE_SIZE (1024 * 1024)
#define READ_SIZE (256 * 1024)
#define LINE_MAX_BYTES (512UL * 1024 * 1024)

volatile sig_atomic_t kc_stop;

/* Readable once kc_stop is set, so that no poll sleeps through a signal. */
static int stop_pipe[2] = { -1, -1 };
static volatile sig_atomic_t draining;

static void
on_stop(int sig)
{
	int was = errno;

	if (draining == 1 && sig != SIGALRM) {
		draining = 2;
		alarm(KC_DRAIN_SECONDS);
	} else {
		kc_stop = 1;
		if (write(stop_pipe[1], "", 1) == -1)
			kc_stop = 1; /* full: then it is readable already */
	}
	errno = was;
}

void
kc_signals(bool drain)
{
	struct sigaction sa = { .sa_handler = on_stop };

	draining = drain;
	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		stop_pipe[0] = stop_pipe[1] = -1;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The reader of our output is gone: end as cat(1) would. */
static void
die_sigpipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
	_exit(KC_IO);
}

int
kc_wait(int fd, int timeout_ms, bool watch_stdout)
{
	struct pollfd p[3] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = watch_stdout ? 1 : -1 },
		{ .fd = stop_pipe[0], .events = POLLIN },
	};

	if (kc_stop)
		return -1;
	if (poll(p, 3, timeout_ms) == -1)
		return kc_stop ? -1 : 0;
	if (p[1].revents & POLLERR)
		die_sigpipe();
	if (kc_stop)
		return -1;
	return p[0].revents ? 1 : 0;
}

static void
widen(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE); /* refused: stays small */
}

void
kc_in_init(struct kc_in *in, int fd)
{
	*in = (struct kc_in){ .fd = fd };
	widen(fd);
}

void
kc_in_release(struct kc_in *in)
{
	free(in->buf);
	in->buf = NULL;
}

static char *
find_newline(struct kc_in *in)
{
	char *nl;

	if (in->scanned == in->end)
		return NULL;
	nl = memchr(in->buf + in->scanned, '\n', in->end - in->scanned);
	in->scanned = nl ? (size_t)(nl - in->buf) : in->end;
	return nl;
}

bool
kc_in_ready(struct kc_in *in)
{
	return find_newline(in) != NULL;
}

static void
make_room(struct kc_in *in)
{
	if (in->start > 0) {
		memmove(in->buf, in->buf + in->start, in->end - in->start);
		in->end -= in->start;
		in->scanned -= in->start;
		in->start = 0;
	}
	if (in->cap - in->end < READ_SIZE) {
		in->cap = in->cap ? in->cap * 2 : 2 * READ_SIZE;
		in->buf = kc_xrealloc(in->buf, in->cap);
	}
}

/* 1: read something, 0: end of input or stopped, -1. */
static int
fill(struct kc_in *in, struct kc_err *e)
{
	ssize_t n;

	make_room(in);
	if (in->end - in->start > LINE_MAX_BYTES)
		return kc_fail(e, KC_DATA,
		    "line %llu: longer than 512 MiB; is this an envelope stream?",
		    (unsigned long long)in->line + 1);
	for (;;) {
		if (kc_wait(in->fd, -1, false) == -1)
			return 0;
		n = read(in->fd, in->buf + in->end, in->cap - in->end);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN)
			return kc_fail(e, KC_IO, "standard input: %s",
			    strerror(errno));
	}
	in->end += (size_t)n;
	in->eof = n == 0;
	return n > 0;
}

int
kc_in_line(struct kc_in *in, struct kc_span *line, struct kc_err *e)
{
	char *nl;
	int got;

	while ((nl = find_newline(in)) == NULL) {
		if (in->eof || (got = fill(in, e)) == 0) {
			if (in->start == in->end || kc_stop)
				return 0;
			in->start = in->scanned = in->end;
			return kc_fail(e, KC_TEMP,
			    "input ended in the middle of line %llu: the command "
			    "before this one died; whole lines were kept, run the "
			    "pipe again",
			    (unsigned long long)in->line + 1);
		}
		if (got == -1)
			return -1;
	}
	*line = (struct kc_span){ in->buf + in->start,
		(size_t)(nl - in->buf) - in->start };
	in->start = in->scanned = (size_t)(nl - in->buf) + 1;
	in->line++;
	return 1;
}

int
kc_write_all(int fd, const void *p, size_t n, const char *what, struct kc_err *e)
{
	const char *at = p;
	ssize_t w;

	while (n > 0) {
		w = write(fd, at, n);
		if (w >= 0) {
			at += w;
			n -= (size_t)w;
			continue;
		}
		if (errno == EAGAIN) {
			struct pollfd pf = { .fd = fd, .events = POLLOUT };
			poll(&pf, 1, -1);
		} else if (errno == EPIPE && fd == 1) {
			die_sigpipe();
		} else if (errno != EINTR) {
			return kc_fail(e, KC_IO, "%s: %s", what, strerror(errno));
		}
	}
	return 0;
}

void
kc_out_init(struct kc_out *o, int fd)
{
	*o = (struct kc_out){ .fd = fd };
	widen(fd);
	kc_buf_room(&o->b, 2 * KC_OUT_BLOCK);
}

void
kc_out_release(struct kc_out *o)
{
	kc_buf_release(&o->b);
}

int
kc_out_flush(struct kc_out *o, struct kc_err *e)
{
	int rc;

	if (o->b.len == 0)
		return 0;
	rc = kc_write_all(o->fd, o->b.p, o->b.len,
	    o->fd == 1 ? "standard output" : "output", e);
	o->b.len = 0;
	return rc;
}

int
kc_read_file(struct kc_buf *b, const char *path, size_t max, struct kc_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t at = b->len;
	ssize_t n = 0;

	if (fd == -1)
		return kc_fail(e, errno == ENOENT ? KC_USAGE : KC_IO, "%s: %s",
		    path, strerror(errno));
	while (b->len - at <= max &&
	    (n = read(fd, kc_buf_room(b, 65536), 65536)) > 0)
		b->len += (size_t)n;
	if (n == -1) {
		kc_fail(e, KC_IO, "%s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	close(fd);
	if (b->len - at > max)
		return kc_fail(e, KC_USAGE, "%s: larger than %zu bytes", path,
		    max);
	return 0;
}

static int
sync_folder_of(const char *path, struct kc_err *e)
{
	char *copy = kc_xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL))
		rc = kc_fail(e, KC_IO, "%s: folder: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	free(copy);
	return rc;
}

int
kc_replace_file(const char *path, struct kc_span text, struct kc_err *e)
{
	char *tmp = kc_xasprintf("%s.tmp", path);
	int fd, rc = -1;

	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1) {
		kc_fail(e, KC_IO, "%s: %s", tmp, strerror(errno));
		goto out;
	}
	if (kc_write_all(fd, text.p, text.n, tmp, e) == -1)
		goto out;
	if (fsync(fd) == -1 && errno != EINVAL) {
		kc_fail(e, KC_IO, "%s: %s", tmp, strerror(errno));
		goto out;
	}
	if (rename(tmp, path) == -1)
		kc_fail(e, KC_IO, "%s: %s", path, strerror(errno));
	else
		rc = sync_folder_of(path, e);
out:
	if (fd != -1)
		close(fd);
	if (rc == -1)
		unlink(tmp);
	free(tmp);
	return rc;
}

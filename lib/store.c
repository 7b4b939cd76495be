/*
 * Offset stores; see store.h. A FILE's locks are POSIX locks on FILE.lock, byte
 * 0 the source's, byte 1 the sink's, so that the kernel names the holder and
 * frees them however a process ends.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "envelope.h"
#include "io.h"
#include "json.h"
#include "log.h"
#include "num.h"

#define STORE_MAX (256UL * 1024 * 1024)
#define SINK_WAIT_SECONDS (3 * KC_DRAIN_SECONDS)

struct kc_store {
	char *path; /* FILE; NULL: a child keeps it */
	char *spec;
	int lock_fd;
	struct stat seen; /* of the file read last */
	struct kc_positions entries;
	/* the child */
	pid_t pid;
	int to;
	FILE *from;
	struct kc_buf put; /* what the next commit sends */
};

/* 0: have it; 1: *holder has it; -1. */
static int
lock_byte(int fd, off_t byte, pid_t *holder)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = byte, .l_len = 1 };

	if (fcntl(fd, F_SETLK, &fl) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -1;
	if (fcntl(fd, F_GETLK, &fl) == -1)
		return -1;
	*holder = fl.l_type == F_UNLCK ? 0 : fl.l_pid;
	return 1;
}

static void
unlock_byte(int fd, off_t byte)
{
	struct flock fl = { .l_type = F_UNLCK, .l_start = byte, .l_len = 1 };

	fcntl(fd, F_SETLK, &fl);
}

/* Waits for the sink lock, at most limit_ms (-1: as long as it takes). */
static int
wait_for_sink(struct kc_store *s, int limit_ms, struct kc_err *e)
{
	pid_t holder = 0;
	int rc;

	for (int ms = 0; (rc = lock_byte(s->lock_fd, 1, &holder)) == 1; ms += 20) {
		if (ms == 0)
			kc_log(KC_NOTICE,
			    "-o %s: waiting for process %ld, which "
			    "still writes to it",
			    s->path, (long)holder);
		if (limit_ms >= 0 && ms >= limit_ms)
			return kc_fail(e, KC_TEMP,
			    "-o %s: process %ld writes to it; "
			    "one pipe to a store: give this one its own, or stop that one",
			    s->path, (long)holder);
		if (kc_wait(-1, 20, false) == -1)
			return kc_fail(e, KC_TEMP,
			    "-o %s: stopped while waiting for "
			    "process %ld",
			    s->path, (long)holder);
	}
	if (rc == -1)
		return kc_fail(e, KC_IO, "%s.lock: cannot lock: %s", s->path,
		    strerror(errno));
	return 0;
}

static int
take_locks(struct kc_store *s, enum kc_role role, struct kc_err *e)
{
	char *path;
	pid_t holder = 0;

	if (role == KC_READER)
		return 0;
	path = kc_xasprintf("%s.lock", s->path);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (s->lock_fd == -1)
		kc_fail(e, KC_IO,
		    "%s: %s; -o names a file in a folder that can "
		    "be written",
		    path, strerror(errno));
	free(path);
	if (s->lock_fd == -1)
		return -1;
	if (role == KC_SINK)
		return wait_for_sink(s, SINK_WAIT_SECONDS * 1000, e);
	switch (lock_byte(s->lock_fd, 0, &holder)) {
	case 0:
		break;
	case 1:
		return kc_fail(e, KC_TEMP,
		    "-o %s: process %ld reads from it; one "
		    "pipe to a store: give this one its own, or stop that one",
		    s->path, (long)holder);
	default:
		return kc_fail(e, KC_IO, "%s.lock: cannot lock: %s", s->path,
		    strerror(errno));
	}
	if (wait_for_sink(s, -1, e) != 0)
		return -1;
	unlock_byte(s->lock_fd, 1);
	return 0;
}

static int
learn_line(struct kc_store *s, struct kc_span line)
{
	struct kc_span partition, offset;

	if (!kc_json_valid(line) || !kc_position_split(line, &partition, &offset))
		return -1;
	kc_positions_set(&s->entries, partition, offset);
	return 0;
}

static int
load_file(struct kc_store *s, struct kc_err *e)
{
	struct kc_buf text = { 0 };
	int rc = 0, n = 1;

	if (stat(s->path, &s->seen) == -1) {
		memset(&s->seen, 0, sizeof s->seen);
		if (errno == ENOENT)
			return 0;
		return kc_fail(e, KC_IO, "-o %s: %s", s->path, strerror(errno));
	}
	if (kc_read_file(&text, s->path, STORE_MAX, e) != 0)
		return kc_fail_in(e, "-o ");
	for (size_t i = 0; rc == 0 && i < text.len; n++) {
		char *nl = memchr(text.p + i, '\n', text.len - i);
		size_t len = nl == NULL ? text.len - i :
					  (size_t)(nl - text.p) - i;
		if (len > 0 &&
		    learn_line(s, (struct kc_span){ text.p + i, len }) != 0)
			rc = kc_fail(e, KC_DATA,
			    "-o %s: line %d is not a position, "
			    "{\"partition\":…,\"offset\":…}: is this a store? name "
			    "another file, or mend it with kc-offset",
			    s->path, n);
		i += len + 1;
	}
	kc_buf_release(&text);
	return rc;
}

/* The child's program: beside ours, or on PATH. */
static void
exec_child(const char *spec, enum kc_role role)
{
	static const char *const
	    roles[] = { [KC_SOURCE] = "source", [KC_SINK] = "sink", [KC_READER] = "reader" };
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
	char *argv[] = { (char *)"kc-offset", (char *)"serve",
		(char *)(uintptr_t)roles[role], (char *)"-o",
		(char *)(uintptr_t)spec, NULL };

	setpgid(0, 0); /* the terminal's ^C is ours to handle, not its */
	if (n > 0) {
		path[n] = '\0';
		if ((slash = strrchr(path, '/')) != NULL) {
			memcpy(slash + 1, "kc-offset", sizeof "kc-offset");
			execv(path, argv);
		}
	}
	execvp("kc-offset", argv);
	_exit(127);
}

static int
start_child(struct kc_store *s, enum kc_role role, struct kc_err *e)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) == -1)
		return kc_fail(e, KC_IO, "-o %s: pipe: %s", s->spec,
		    strerror(errno));
	if (pipe2(out, O_CLOEXEC) == -1) {
		close(in[0]);
		close(in[1]);
		return kc_fail(e, KC_IO, "-o %s: pipe: %s", s->spec,
		    strerror(errno));
	}
	s->pid = fork();
	if (s->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		exec_child(s->spec, role);
	}
	close(in[0]);
	close(out[1]);
	s->to = in[1];
	s->from = fdopen(out[0], "r");
	if (s->pid == -1)
		return kc_fail(e, KC_IO, "-o %s: fork: %s", s->spec,
		    strerror(errno));
	return 0;
}

/* Sends a request and reads lines until the one that ends the answer. */
static int
ask(struct kc_store *s, struct kc_span request, struct kc_err *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 1;

	if (kc_write_all(s->to, request.p, request.n, "kc-offset", e) != 0)
		return kc_fail_in(e, "-o %s: ", s->spec);
	while (rc == 1 && (n = getline(&line, &cap, s->from)) > 0) {
		struct kc_span text = { line, (size_t)n - (line[n - 1] == '\n') };
		struct kc_span error = kc_json_get(text, "error");
		int64_t status = KC_TEMP;
		if (error.p != NULL) {
			char *msg = kc_json_strdup(error);
			kc_parse_i64(kc_json_get(text, "status"), &status);
			rc = kc_fail(e, (int)status, "-o %s: %s", s->spec,
			    msg == NULL ? "kc-offset failed" : msg);
			free(msg);
		} else if (kc_json_get(text, "end").p != NULL ||
		    kc_json_get(text, "ok").p != NULL) {
			rc = 0;
		} else {
			learn_line(s, text);
		}
	}
	free(line);
	if (rc == 1)
		return kc_fail(e, KC_TEMP,
		    "-o %s: kc-offset, which keeps it, ended; "
		    "see its message, and whether kc-offset is installed",
		    s->spec);
	return rc;
}

struct kc_store *
kc_store_open(const char *spec, enum kc_role role, struct kc_err *e)
{
	struct kc_store *s = kc_xcalloc(1, sizeof *s);
	int rc;

	s->lock_fd = s->to = -1;
	s->spec = kc_xstrdup(spec);
	if (strncmp(spec, "kafka:", 6) == 0 || strncmp(spec, "sink:", 5) == 0) {
		rc = start_child(s, role, e) != 0 ?
		    -1 :
		    ask(s, KC_LIT("{\"get\":null}\n"), e);
	} else {
		s->path = kc_xstrdup(spec);
		rc = take_locks(s, role, e) != 0 ? -1 : load_file(s, e);
	}
	if (rc != 0) {
		kc_store_close(s);
		return NULL;
	}
	for (size_t i = 0; i < s->entries.n; i++)
		s->entries.v[i].dirty = false;
	return s;
}

void
kc_store_close(struct kc_store *s)
{
	if (s == NULL)
		return;
	if (s->lock_fd != -1)
		close(s->lock_fd);
	if (s->to != -1)
		close(s->to);
	if (s->from != NULL)
		fclose(s->from);
	while (s->pid > 0 && waitpid(s->pid, NULL, 0) == -1 && errno == EINTR)
		;
	kc_positions_release(&s->entries);
	kc_buf_release(&s->put);
	free(s->path);
	free(s->spec);
	free(s);
}

int
kc_store_get(struct kc_store *s, struct kc_span partition,
    struct kc_buf *offset, struct kc_err *e)
{
	struct kc_position *p = kc_positions_find(&s->entries, partition);

	(void)e;
	if (p == NULL || kc_json_is_null(KC_BUF_SPAN(&p->offset)))
		return 0;
	kc_buf_span(offset, KC_BUF_SPAN(&p->offset));
	return 1;
}

int
kc_store_refresh(struct kc_store *s, struct kc_err *e)
{
	struct stat st;
	int changed = 0;

	if (s->path == NULL) {
		if (ask(s, KC_LIT("{\"get\":null}\n"), e) != 0)
			return -1;
	} else {
		if (stat(s->path, &st) == -1)
			return 0;
		if (st.st_ino == s->seen.st_ino && st.st_size == s->seen.st_size &&
		    st.st_mtim.tv_sec == s->seen.st_mtim.tv_sec &&
		    st.st_mtim.tv_nsec == s->seen.st_mtim.tv_nsec)
			return 0;
		if (load_file(s, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < s->entries.n; i++) {
		changed |= s->entries.v[i].dirty;
		s->entries.v[i].dirty = false;
	}
	return changed;
}

void
kc_store_each(struct kc_store *s,
    void (*fn)(void *arg, struct kc_span partition, struct kc_span offset),
    void *arg)
{
	for (size_t i = 0; i < s->entries.n; i++) {
		struct kc_position *p = &s->entries.v[i];
		if (!kc_json_is_null(KC_BUF_SPAN(&p->offset)))
			fn(arg, KC_BUF_SPAN(&p->partition),
			    KC_BUF_SPAN(&p->offset));
	}
}

void
kc_store_put(struct kc_store *s, struct kc_span partition, struct kc_span offset)
{
	kc_positions_set(&s->entries, partition,
	    offset.n == 0 ? KC_LIT("null") : offset);
}

static void
put_entry(struct kc_buf *b, const struct kc_position *p)
{
	kc_buf_lit(b, "{\"partition\":");
	kc_buf_span(b, KC_BUF_SPAN(&p->partition));
	kc_buf_lit(b, ",\"offset\":");
	kc_buf_span(b, KC_BUF_SPAN(&p->offset));
	kc_buf_putc(b, '}');
}

static int
commit_file(struct kc_store *s, struct kc_err *e)
{
	kc_buf_reset(&s->put);
	for (size_t i = 0; i < s->entries.n; i++) {
		if (kc_json_is_null(KC_BUF_SPAN(&s->entries.v[i].offset)))
			continue;
		put_entry(&s->put, &s->entries.v[i]);
		kc_buf_putc(&s->put, '\n');
	}
	if (kc_replace_file(s->path, KC_BUF_SPAN(&s->put), e) != 0)
		return kc_fail_in(e, "-o %s: position not stored: ", s->path);
	return 0;
}

static int
commit_child(struct kc_store *s, struct kc_err *e)
{
	size_t n = 0;

	kc_buf_reset(&s->put);
	kc_buf_lit(&s->put, "{\"put\":[");
	for (size_t i = 0; i < s->entries.n; i++) {
		if (!s->entries.v[i].dirty)
			continue;
		if (n++ > 0)
			kc_buf_putc(&s->put, ',');
		put_entry(&s->put, &s->entries.v[i]);
	}
	kc_buf_lit(&s->put, "]}\n");
	return n == 0 ? 0 : ask(s, KC_BUF_SPAN(&s->put), e);
}

int
kc_store_commit(struct kc_store *s, struct kc_err *e)
{
	int rc = s->path != NULL ? commit_file(s, e) : commit_child(s, e);

	for (size_t i = 0; rc == 0 && i < s->entries.n; i++)
		s->entries.v[i].dirty = false;
	return rc;
}

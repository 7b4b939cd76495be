/* lib/io.c: lines of any length however they arrive, files replaced whole. */
#include "io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* A child that writes text n times in pieces of so many bytes; its pipe. */
static int
feed(const char *text, size_t n, size_t piece, pid_t *pid)
{
	int fd[2];

	if (pipe(fd) != 0 || (*pid = fork()) == -1)
		abort();
	if (*pid != 0) {
		close(fd[1]);
		return fd[0];
	}
	close(fd[0]);
	for (size_t i = 0, len = strlen(text); i < n; i++)
		for (size_t at = 0; at < len; at += piece)
			if (write(fd[1], text + at,
				len - at < piece ? len - at : piece) == -1)
				_exit(1);
	_exit(0);
}

static void
pieces(size_t piece)
{
	static const char text[] = "one\n\nthree is longer than the others\n";
	static const char *const want[] = { "one", "",
		"three is longer than the others" };
	struct kc_err e = { 0 };
	struct kc_span line;
	struct kc_in in;
	size_t n = 0, bad = 0;
	pid_t pid;

	kc_in_init(&in, feed(text, 1000, piece, &pid));
	while (kc_in_line(&in, &line, &e) == 1) {
		bad += !kc_span_is(line, want[n % 3]);
		n++;
		bad += in.line != n;
	}
	ok(n == 3000 && bad == 0 && e.status == 0,
	    "lines in pieces of %zu: %zu, %zu bad", piece, n, bad);
	close(in.fd);
	kc_in_release(&in);
	waitpid(pid, NULL, 0);
}

static void
long_line(void)
{
	size_t size = 10 << 20;
	char *text = malloc(size + 2);
	struct kc_err e = { 0 };
	struct kc_span line;
	struct kc_in in;
	pid_t pid;

	memset(text, 'x', size);
	memcpy(text + size, "\n", 2);
	kc_in_init(&in, feed(text, 2, 100000, &pid));
	ok(kc_in_line(&in, &line, &e) == 1 && line.n == size, "10 MB in a line");
	ok(kc_in_line(&in, &line, &e) == 1 && line.n == size, "and again");
	ok(kc_in_line(&in, &line, &e) == 0, "then the end");
	close(in.fd);
	kc_in_release(&in);
	waitpid(pid, NULL, 0);
	free(text);
}

static void
cut(void)
{
	struct kc_err e = { 0 };
	struct kc_span line;
	struct kc_in in;
	pid_t pid;

	kc_in_init(&in, feed("whole\nhal", 1, 100, &pid));
	ok(kc_in_line(&in, &line, &e) == 1 && kc_span_is(line, "whole"),
	    "a line");
	ok(kc_in_line(&in, &line, &e) == -1 && e.status == KC_TEMP,
	    "a cut one: %s", e.msg);
	close(in.fd);
	kc_in_release(&in);
	waitpid(pid, NULL, 0);
}

static void
files(const char *dir)
{
	struct kc_buf b = { 0 };
	struct kc_err e = { 0 };
	char path[200];

	snprintf(path, sizeof path, "%s/f", dir);
	ok(kc_replace_file(path, KC_LIT("one"), &e) == 0 &&
		kc_replace_file(path, KC_LIT("two\n"), &e) == 0 &&
		kc_read_file(&b, path, 100, &e) == 0 &&
		kc_span_is(KC_BUF_SPAN(&b), "two\n"),
	    "replaced, read: %s", e.msg);
	ok(kc_read_file(&b, path, 3, &e) == -1, "larger than allowed: %s", e.msg);
	unlink(path);
	ok(kc_read_file(&b, path, 100, &e) == -1 && strstr(e.msg, path) != NULL,
	    "not there: %s", e.msg);
	snprintf(path, sizeof path, "%s/none/f", dir);
	e.status = 0;
	ok(kc_replace_file(path, KC_LIT("x"), &e) == -1 && e.status == KC_IO,
	    "no folder: %s", e.msg);
	e.status = 0;
	ok(kc_write_all(open("/dev/full", O_WRONLY), "x", 1, "out", &e) == -1 &&
		e.status == KC_IO,
	    "disk full: %s", e.msg);
	free(b.p);
}

int
main(void)
{
	char dir[] = "/tmp/kc-io.XXXXXX";

	pieces(1);
	pieces(7);
	pieces(1 << 16);
	long_line();
	cut();
	if (mkdtemp(dir) == NULL)
		return 1;
	files(dir);
	rmdir(dir);
	return done();
}

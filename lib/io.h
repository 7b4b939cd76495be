/*
 * stdin by lines, stdout by blocks. Pipes are made 1 MiB wide. Output goes out
 * in writes of 64 KiB and more while data flows, and at once when input would
 * block. A reader that went away ends the command by SIGPIPE, silently.
 */
#ifndef KC_IO_H
#define KC_IO_H

#include <signal.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

extern volatile sig_atomic_t kc_stop; /* time to end: flush, store, exit 0 */

/*
 * TERM and INT set kc_stop; SIGPIPE is ignored. drain: a stage that reads a
 * pipe goes on to the end of its input, which the source's own stop brings,
 * for at most KC_DRAIN_SECONDS; a second signal stops it at once.
 */
#define KC_DRAIN_SECONDS 10
void kc_signals(bool drain);

/*
 * Waits for fd (-1: none) to be readable, or until timeout_ms (-1: for ever).
 * 1 readable, 0 timeout, -1 stopped by a signal (kc_stop). watch_stdout: ends
 * the command by SIGPIPE when the reader of stdout is gone.
 */
int kc_wait(int fd, int timeout_ms, bool watch_stdout);

struct kc_in {
	int fd;
	char *buf;
	size_t start, end, cap;
	size_t scanned; /* from start: no newline before here */
	uint64_t line;	/* number of the line returned last */
	bool eof;
};

void kc_in_init(struct kc_in *in, int fd);
void kc_in_release(struct kc_in *in);
/* A whole line is in the buffer: kc_in_line will not read. */
bool kc_in_ready(struct kc_in *in);
/*
 * The next line without its newline, valid until the next call. 1, 0 at the
 * end or when kc_stop is set while waiting, -1. A last line without newline:
 * -1, KC_TEMP "ended in the middle of a line".
 */
int kc_in_line(struct kc_in *in, struct kc_span *line, struct kc_err *e);

#define KC_OUT_BLOCK (64 * 1024)

struct kc_out {
	int fd;
	struct kc_buf b; /* append here, whole lines, then kc_out_more */
};

void kc_out_init(struct kc_out *o, int fd);
void kc_out_release(struct kc_out *o);
int kc_out_flush(struct kc_out *o, struct kc_err *e);
/* Flushes when a block is full. */
static inline int
kc_out_more(struct kc_out *o, struct kc_err *e)
{
	return o->b.len >= KC_OUT_BLOCK ? kc_out_flush(o, e) : 0;
}

/* write(2) everything; -1 with KC_IO naming `what`. */
int kc_write_all(int fd, const void *p, size_t n, const char *what,
    struct kc_err *e);
/* A whole file, at most max bytes, appended to b. */
int kc_read_file(struct kc_buf *b, const char *path, size_t max,
    struct kc_err *e);
/* Replaces a file: tmp beside it, fsync, rename, fsync of the folder. */
int kc_replace_file(const char *path, struct kc_span text, struct kc_err *e);

#endif

/* needs: libzstd */
/*
 * Compressed transactions; see payload.h. Layout: fields of type, length and
 * value, all length-encoded (2: compression, 0 zstd, 255 none; 1 and 3: sizes),
 * up to a type 0; then the events.
 */
#include "payload.h"

#include <stdlib.h>
#include <zstd.h>

#define EVENT_MAX (((size_t)1 << 30) + (1 << 20)) /* the server's limit */

enum { END_OF_FIELDS, PAYLOAD_SIZE, COMPRESSION };
enum { ZSTD = 0, NONE = 255 };

struct kc_payload {
	ZSTD_DCtx *z;
	ZSTD_inBuffer in;
	struct kc_buf plain; /* unpacked: from `at` on not taken yet */
	size_t at;
	bool packed;
};

struct kc_payload *
kc_payload_new(void)
{
	struct kc_payload *p = kc_xcalloc(1, sizeof *p);

	p->z = ZSTD_createDCtx();
	return p;
}

void
kc_payload_free(struct kc_payload *p)
{
	if (p == NULL)
		return;
	ZSTD_freeDCtx(p->z);
	kc_buf_release(&p->plain);
	free(p);
}

static int
bad(struct kc_err *e, const char *what)
{
	return kc_fail(e, KC_DATA,
	    "binlog: a compressed transaction: %s: the log is damaged", what);
}

int
kc_payload_open(struct kc_payload *p, const struct kc_binlog_event *ev,
    struct kc_err *e)
{
	const uint8_t *at = (const uint8_t *)ev->body.p, *end = at + ev->body.n;
	uint64_t how = NONE, type;

	while ((type = kc_bl_lenenc(&at, end)) != END_OF_FIELDS) {
		uint64_t n = kc_bl_lenenc(&at, end);
		if (type == UINT64_MAX || n > (uint64_t)(end - at))
			return bad(e, "it is cut short");
		const uint8_t *value = at;
		at += n;
		if (type == COMPRESSION)
			how = kc_bl_lenenc(&value, at);
	}
	if (how != ZSTD && how != NONE)
		return bad(e, "its compression is neither zstd nor none");
	if (p->z == NULL)
		return kc_fail(e, KC_TEMP, "no memory for zstd");
	ZSTD_DCtx_reset(p->z, ZSTD_reset_session_only);
	p->in = (ZSTD_inBuffer){ at, (size_t)(end - at), 0 };
	p->packed = how == ZSTD;
	p->at = p->plain.len = 0;
	return 0;
}

/* At least one more byte into plain; 0: there is none. */
static int
unpack(struct kc_payload *p, struct kc_err *e)
{
	size_t had = p->plain.len, n;

	do {
		char *to = kc_buf_room(&p->plain, 65536);
		if (p->packed) {
			ZSTD_outBuffer out = { to, 65536, 0 };
			n = ZSTD_decompressStream(p->z, &out, &p->in);
			if (ZSTD_isError(n))
				return bad(e, ZSTD_getErrorName(n));
			p->plain.len += out.pos;
		} else {
			n = p->in.size - p->in.pos;
			n = n < 65536 ? n : 65536;
			kc_buf_put(&p->plain,
			    (const char *)p->in.src + p->in.pos, n);
			p->in.pos += n;
		}
	} while (p->plain.len == had && p->in.pos < p->in.size);
	return p->plain.len > had;
}

int
kc_payload_next(struct kc_payload *p, struct kc_span *raw, struct kc_err *e)
{
	for (;;) {
		size_t have = p->plain.len - p->at, want = 19;
		if (have >= want) {
			const uint8_t *h = (const uint8_t *)p->plain.p + p->at;
			want = (size_t)h[9] | (size_t)h[10] << 8 |
			    (size_t)h[11] << 16 | (size_t)h[12] << 24;
			if (want < 19 || want > EVENT_MAX)
				return bad(e, "an event of a wrong size");
		}
		if (have >= 19 && have >= want) {
			*raw = (struct kc_span){ p->plain.p + p->at, want };
			p->at += want;
			return 1;
		}
		if (have > 0)
			memmove(p->plain.p, p->plain.p + p->at, have);
		p->plain.len = have;
		p->at = 0;
		int r = unpack(p, e);
		if (r <= 0)
			return r < 0 || have == 0 ? r : bad(e, "it is cut short");
	}
}

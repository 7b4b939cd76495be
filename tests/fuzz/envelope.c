/* Lines of the envelope, the schemas and positions in them. */
#include <stdint.h>
#include <stdlib.h>

#include "envelope.h"
#include "json.h"
#include "schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A schema's canonical text is that of what it says. */
static void
again(struct kc_schema *s)
{
	struct kc_schema *t;
	struct kc_err e;

	if (s == NULL)
		return;
	t = kc_schema_parse((struct kc_span){ s->text.p, s->text.len }, &e);
	if (t == NULL || strcmp(s->id, t->id) != 0)
		abort();
	kc_schema_free(s);
	kc_schema_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kc_span line = { (const char *)data, size }, partition, offset;
	struct kc_rec r;
	struct kc_err e;

	if (kc_rec_parse(&r, line, &e) != 0)
		return 0;
	if (r.position.p != NULL)
		kc_position_split(r.position, &partition, &offset);
	if (r.kind == KC_SCHEMA) {
		again(kc_schema_parse(r.schema, &e));
	}
	return 0;
}

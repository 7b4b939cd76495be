/* A value's text of any type: nothing is read beyond it, and it is JSON. */
/* with: cmd/kc-pgwal/value.c cmd/kc-pgwal/type.c */
#include <stdlib.h>

#include "../../cmd/kc-pgwal/kc-pgwal.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kc_buf b;

	if (size < 3)
		return 0;
	struct column c = { .kind = data[0] % (P_ARRAY + 1),
		.item = data[1] % P_ARRAY,
		.scale = data[2] % 40,
		.fsp = data[2] % 7,
		.length = data[2] };
	char *text = kc_xstrndup((const char *)data + 3, size - 3);

	kc_buf_reset(&b);
	if (type_put(&b, &c, (struct kc_span){ text, strlen(text) }) == 0 &&
	    !kc_json_valid(KC_BUF_SPAN(&b)))
		abort();
	free(text);
	return 0;
}

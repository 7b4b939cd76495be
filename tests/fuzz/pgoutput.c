/* Any bytes as a message of pgoutput. */
#include <stdlib.h>

#include "pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kc_pg_msg *m;
	struct kc_err e;
	size_t sum = 0;

	if (m == NULL)
		m = calloc(1, sizeof *m);
	if (kc_pgoutput(m, (struct kc_span){ (const char *)data, size }, &e) != 0)
		return 0;
	for (size_t i = 0; i < m->new.n && m->type == 'I'; i++)
		sum += m->new.v[i].text.n;
	return sum > size ? abort(), 0 : 0;
}

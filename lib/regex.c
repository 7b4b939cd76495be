/* See regex.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>
#include <stdlib.h>

struct kc_regex {
	pcre2_code *code;
	pcre2_match_data *data;
};

int
kc_regex_new(struct kc_regex **r, const char *what, const char *regex,
    struct kc_err *e)
{
	int code;
	size_t at;
	unsigned char why[200];
	pcre2_code *c = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
	    PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code, &at, NULL);

	*r = NULL;
	if (c == NULL) {
		pcre2_get_error_message(code, why, sizeof why);
		return kc_fail(e, KC_USAGE, "%s: %s: at %zu: %s", what, regex,
		    at, (char *)why);
	}
	pcre2_jit_compile(c, PCRE2_JIT_COMPLETE); /* refused: slower */
	*r = kc_xcalloc(1, sizeof **r);
	(*r)->code = c;
	(*r)->data = pcre2_match_data_create_from_pattern(c, NULL);
	return 0;
}

void
kc_regex_free(struct kc_regex *r)
{
	if (r == NULL)
		return;
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

bool
kc_regex_matches(const struct kc_regex *r, struct kc_span text)
{
	return pcre2_match(r->code, (PCRE2_SPTR)text.p, text.n, 0, 0, r->data,
		   NULL) >= 0;
}

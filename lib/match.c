/* Include and exclude lists; see match.h. */
#include "match.h"

#include <stdlib.h>

#include "regex.h"

struct kc_match {
	struct kc_regex *regex;
};

/* `a\,b,c` as `(?i)(?:a,b|c)`: commas apart, blanks around them cut off. */
static void
alternatives(struct kc_buf *b, const char *list)
{
	const char *p = list;
	size_t n = 0, at;

	kc_buf_lit(b, "(?i)(?:");
	while (*p != '\0') {
		while (*p == ' ' || *p == '\t' || *p == '\n')
			p++;
		at = b->len;
		if (n > 0)
			kc_buf_putc(b, '|');
		size_t begin = b->len;
		for (; *p != '\0' && *p != ','; p++) {
			if (*p == '\\' && p[1] == ',')
				p++;
			else if (*p == '\\' && p[1] != '\0')
				kc_buf_putc(b, *p++);
			kc_buf_putc(b, *p);
		}
		while (b->len > begin && b->p[b->len - 1] == ' ')
			b->len--;
		if (b->len == begin)
			b->len = at;
		else
			n++;
		p += *p == ',';
	}
	kc_buf_putc(b, ')');
}

int
kc_match_new(struct kc_match **m, const char *list, struct kc_err *e)
{
	struct kc_buf b = { 0 };
	struct kc_regex *r;
	int rc;

	*m = NULL;
	if (list == NULL || list[strspn(list, " ,\t")] == '\0')
		return 0;
	alternatives(&b, list);
	rc = kc_regex_new(&r, "list of regular expressions", kc_buf_str(&b), e);
	kc_buf_release(&b);
	if (rc != 0)
		return -1;
	*m = kc_xmalloc(sizeof **m);
	(*m)->regex = r;
	return 0;
}

void
kc_match_free(struct kc_match *m)
{
	if (m == NULL)
		return;
	kc_regex_free(m->regex);
	free(m);
}

bool
kc_match(const struct kc_match *m, struct kc_span name)
{
	return m != NULL && kc_regex_matches(m->regex, name);
}

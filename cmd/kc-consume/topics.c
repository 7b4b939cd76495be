/* Topics by name or regex, and partitions without a group. */
#include <stdlib.h>
#include <string.h>

#include "consume.h"
#include "num.h"

static bool
wanted(struct consume *w, char *const *list, const char *name)
{
	if (w->regex != NULL)
		return strcmp(name, "__consumer_offsets") != 0 &&
		    strcmp(name, "__transaction_state") != 0 &&
		    kc_regex_matches(w->regex,
			(struct kc_span){ name, strlen(name) });
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/* A topic named that the cluster does not have. */
static int
missing(struct consume *w, char *const *list, const struct kc_tp *all, size_t n,
    struct kc_err *e)
{
	for (; w->regex == NULL && *list != NULL; list++) {
		size_t i = 0;
		while (i < n && strcmp(all[i].topic, *list) != 0)
			i++;
		if (i == n)
			return kc_fail(e, KC_TEMP,
			    "topic %s: is not on %s: create it, "
			    "or correct topics",
			    *list,
			    kc_conf_str(w->ctx->conf, "bootstrap.servers"));
	}
	return 0;
}

static bool
chosen(char *const *partitions, int32_t number)
{
	for (; partitions != NULL && *partitions != NULL; partitions++)
		if (atoi(*partitions) == number)
			return true;
	return partitions == NULL;
}

/* Where a partition begins without a group. */
static int
begin(struct consume *w, struct part *p, struct kc_err *e)
{
	const char *text = kc_conf_str(w->ctx->conf, "offset");
	struct kc_tp tp = { p->topic, p->partition, 0 };
	int64_t n;

	if (p->stored >= 0) {
		p->start = p->stored + 1;
	} else if (strcmp(text, "earliest") == 0 ||
	    strcmp(text, "beginning") == 0) {
		p->start = KC_OFFSET_BEGINNING;
	} else if (strcmp(text, "latest") == 0 || strcmp(text, "end") == 0) {
		p->start = KC_OFFSET_END;
	} else if (!kc_parse_i64((struct kc_span){ text + (*text == '@'),
				     strlen(text) - (*text == '@') },
		       &n) ||
	    n < 0) {
		return kc_fail(e, KC_USAGE,
		    "offset: %s: earliest, latest, a number, "
		    "or @ and milliseconds since 1970",
		    text);
	} else if (*text == '@') {
		tp.offset = n;
		if (kc_consumer_at_time(w->c, &tp, 1, e) != 0)
			return -1;
		p->start = tp.offset;
	} else {
		p->start = n;
	}
	return 0;
}

/* Every partition of the topics found, where it stands. */
static int
assign_all(struct consume *w, const struct kc_tp *found, size_t n,
    struct kc_err *e)
{
	char **only = kc_conf_isset(w->ctx->conf, "partition") ?
	    kc_conf_list(w->ctx->conf, "partition") :
	    NULL;
	struct kc_tp *v = NULL;
	size_t nv = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		for (int32_t k = 0; k < found[i].offset && rc == 0; k++) {
			struct part *p = part_get(w,
			    (struct kc_span){ found[i].topic,
				strlen(found[i].topic) },
			    k);
			if (!chosen(only, k))
				continue;
			if (!p->assigned)
				rc = begin(w, p, e) != 0 ||
					find_stop(w, p, e) != 0 ?
				    -1 :
				    0;
			p->assigned = true;
			if (p->stop != -1 && p->start >= p->stop)
				p->done = true;
			v = kc_xrealloc(v, (nv + 1) * sizeof *v);
			v[nv++] = (struct kc_tp){ p->topic, k,
				p->told >= 0 ? p->told + 1 : p->start };
		}
	if (rc == 0 && nv == 0)
		rc = kc_fail(e, KC_TEMP, "partition: %s: no topic has it",
		    only == NULL ? "any" :
				   kc_conf_str(w->ctx->conf, "partition"));
	if (rc == 0)
		rc = kc_consumer_assign(w->c, v, nv, e);
	free(v);
	if (only != NULL)
		kc_list_free(only);
	w->given = true;
	return rc;
}

/* The names of what was found; true when they are not those of before. */
static bool
remember(struct consume *w, const struct kc_tp *found, size_t n)
{
	bool same = n == w->ntopics;

	for (size_t i = 0; i < n && same; i++)
		same = strcmp(found[i].topic, w->topics[i]) == 0;
	if (same)
		return false;
	for (size_t i = 0; i < w->ntopics; i++)
		free(w->topics[i]);
	w->topics = kc_xrealloc(w->topics, (n + 1) * sizeof *w->topics);
	for (size_t i = 0; i < n; i++)
		w->topics[i] = kc_xstrdup(found[i].topic);
	w->ntopics = n;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct kc_tp *)a)->topic,
	    ((const struct kc_tp *)b)->topic);
}

int
find_topics(struct consume *w, struct kc_err *e)
{
	char **list = kc_conf_list(w->ctx->conf, "topics");
	struct kc_tp *all = NULL;
	size_t n = 0, found = 0;
	int64_t partitions = 0, before = (int64_t)w->npartitions;
	int rc = kc_consumer_topics(w->c, &all, &n, e);

	w->topics_us = kc_mono_us();
	if (rc == 0)
		rc = missing(w, list, all, n, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (wanted(w, list, all[i].topic)) {
			struct kc_tp tmp = all[found];
			all[found++] = all[i];
			all[i] = tmp;
			partitions += all[found - 1].offset;
		}
	w->npartitions = (size_t)partitions;
	if (rc == 0 && found == 0)
		kc_log(KC_WARN, "topics.regex: no topic matches yet");
	if (rc == 0 && found > 0) {
		qsort(all, found, sizeof *all, by_name);
		bool changed = remember(w, all, found);
		if (w->group && changed)
			rc = kc_consumer_subscribe(w->c, w->topics, found, e);
		else if (!w->group && (changed || partitions != before))
			rc = assign_all(w, all, found, e);
	}
	kc_tps_free(all, n);
	kc_list_free(list);
	return rc;
}

/*
 * Kafka configuration and handles; see kafka.h. Names are librdkafka's
 * (CONFIGURATION.md of its release) or the Java client's, which a table maps.
 */
/* needs: rdkafka */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kafka-rd.h"
#include "log.h"
#include "num.h"

enum how {
	SAME,	  /* another name, the same value */
	KIB,	  /* bytes there, KiB here */
	SYSTEM,	  /* -1 there, 0 here: the system's default */
	VALUES,	  /* a table of values */
	REMEMBER, /* used when everything is known */
	WAIT,	  /* for a broker's answer, and rd when there is one */
	JAAS,	  /* user and password of a login module */
	UNUSED	  /* of the JVM only */
};

static const struct java {
	const char *name;
	enum how how;
	const char *rd;
} java[] = {
	{ "buffer.memory", KIB, "queue.buffering.max.kbytes" },
	{ "max.block.ms", WAIT, "topic.metadata.propagation.max.ms" },
	{ "max.request.size", SAME, "message.max.bytes" },
	{ "send.buffer.bytes", SYSTEM, "socket.send.buffer.bytes" },
	{ "receive.buffer.bytes", SYSTEM, "socket.receive.buffer.bytes" },
	{ "fetch.max.wait.ms", SAME, "fetch.wait.max.ms" },
	{ "compression.gzip.level", SAME, "compression.level" },
	{ "compression.lz4.level", SAME, "compression.level" },
	{ "compression.zstd.level", SAME, "compression.level" },
	{ "partitioner.class", VALUES, "partitioner" },
	{ "partition.assignment.strategy", VALUES,
	    "partition.assignment.strategy" },
	{ "auto.offset.reset", VALUES, "auto.offset.reset" },
	{ "ssl.endpoint.identification.algorithm", VALUES,
	    "ssl.endpoint.identification.algorithm" },
	{ "sasl.jaas.config", JAAS, NULL },
	{ "sasl.login.callback.handler.class", VALUES, "sasl.oauthbearer.method" },
	{ "ssl.truststore.location", REMEMBER, "ssl.ca.location" },
	{ "ssl.truststore.type", REMEMBER, NULL },
	{ "ssl.truststore.certificates", SAME, "ssl.ca.pem" },
	{ "ssl.truststore.password", UNUSED, NULL },
	{ "ssl.keystore.location", REMEMBER, "ssl.keystore.location" },
	{ "ssl.keystore.type", REMEMBER, NULL },
	{ "ssl.keystore.certificate.chain", SAME, "ssl.certificate.pem" },
	{ "ssl.keystore.key", SAME, "ssl.key.pem" },
	{ "ssl.protocol", UNUSED, NULL },
	{ "ssl.enabled.protocols", UNUSED, NULL },
	{ "ssl.provider", UNUSED, NULL },
	{ "ssl.trustmanager.algorithm", UNUSED, NULL },
	{ "ssl.keymanager.algorithm", UNUSED, NULL },
	{ "ssl.secure.random.implementation", UNUSED, NULL },
	{ "security.providers", UNUSED, NULL },
	{ "key.serializer", UNUSED, NULL },
	{ "value.serializer", UNUSED, NULL },
	{ "key.deserializer", UNUSED, NULL },
	{ "value.deserializer", UNUSED, NULL },
	{ "interceptor.classes", UNUSED, NULL },
	{ "metric.reporters", UNUSED, NULL },
	{ "metrics.num.samples", UNUSED, NULL },
	{ "metrics.recording.level", UNUSED, NULL },
	{ "metrics.sample.window.ms", UNUSED, NULL },
	{ "auto.include.jmx.reporter", UNUSED, NULL },
	{ "max.poll.records", UNUSED, NULL },
	{ "exclude.internal.topics", UNUSED, NULL },
	{ "default.api.timeout.ms", WAIT, NULL },
	{ "partitioner.ignore.keys", UNUSED, NULL },
	{ "partitioner.adaptive.partitioning.enable", UNUSED, NULL },
	{ "partitioner.availability.timeout.ms", UNUSED, NULL },
	{ "metadata.max.idle.ms", UNUSED, NULL },
	{ "client.dns.lookup", UNUSED, NULL },
	{ "enable.metrics.push", UNUSED, NULL },
	{ "sasl.login.class", UNUSED, NULL },
	{ "sasl.client.callback.handler.class", UNUSED, NULL },
};

static const struct value {
	const char *rd, *java, *value; /* java: the end of a class name */
} values[] = {
	{ "partitioner", "DefaultPartitioner", "murmur2_random" },
	{ "partitioner", "RoundRobinPartitioner", "random" },
	{ "partitioner", "UniformStickyPartitioner", "random" },
	{ "partition.assignment.strategy", "RangeAssignor", "range" },
	{ "partition.assignment.strategy", "RoundRobinAssignor", "roundrobin" },
	{ "partition.assignment.strategy", "CooperativeStickyAssignor",
	    "cooperative-sticky" },
	{ "auto.offset.reset", "none", "error" },
	{ "ssl.endpoint.identification.algorithm", "", "none" },
	{ "sasl.oauthbearer.method", "OAuthBearerLoginCallbackHandler", "oidc" },
};

struct kc_kconf {
	rd_kafka_conf_t *rd;
	const struct kc_prop *own;
	bool producer, quiet;
	int wait_ms;
	char **set; /* librdkafka names that were set */
	size_t nset;
	char *trust, *trust_type, *key, *key_type; /* of Java's stores */
	char *got; /* what kc_kconf_get gave last */
};

struct kc_kconf *
kc_kconf_new(bool producer, const struct kc_prop *own)
{
	struct kc_kconf *k = kc_xcalloc(1, sizeof *k);

	k->rd = rd_kafka_conf_new();
	k->wait_ms = 60000;
	k->own = own;
	k->producer = producer;
	return k;
}

void
kc_kconf_free(struct kc_kconf *k)
{
	if (k == NULL)
		return;
	if (k->rd != NULL)
		rd_kafka_conf_destroy(k->rd);
	for (size_t i = 0; i < k->nset; i++)
		free(k->set[i]);
	free(k->set);
	free(k->trust);
	free(k->trust_type);
	free(k->key);
	free(k->key_type);
	free(k->got);
	free(k);
}

bool
kc_kconf_isset(const struct kc_kconf *k, const char *name)
{
	for (size_t i = 0; i < k->nset; i++)
		if (strcmp(k->set[i], name) == 0)
			return true;
	return false;
}

const char *
kc_kconf_get(const struct kc_kconf *k, const char *name)
{
	struct kc_kconf *w = (struct kc_kconf *)(uintptr_t)k;
	size_t n = 0;

	if (rd_kafka_conf_get(k->rd, name, NULL, &n) != RD_KAFKA_CONF_OK)
		return NULL;
	w->got = kc_xrealloc(w->got, n + 1);
	rd_kafka_conf_get(k->rd, name, w->got, &n);
	return w->got[0] == '\0' ? NULL : w->got;
}

/* No message shows its value. */
static bool
is_secret(const char *name)
{
	static const char *const parts[] = { "password", "secret", "jaas",
		".key", ".pem" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(name, parts[i]) != NULL)
			return true;
	return false;
}

/* 1: set; 0: librdkafka does not know the name; -1: bad value. */
static int
set_rd(struct kc_kconf *k, const char *said, const char *name,
    const char *value, struct kc_err *e)
{
	char why[400];

	switch (rd_kafka_conf_set(k->rd, name, value, why, sizeof why)) {
	case RD_KAFKA_CONF_UNKNOWN:
		return 0;
	case RD_KAFKA_CONF_INVALID:
		return kc_fail(e, KC_USAGE, "%s: %s: %s", said,
		    is_secret(said) ? "(hidden)" : value, why);
	default:
		break;
	}
	if (!kc_kconf_isset(k, name)) {
		k->set = kc_xrealloc(k->set, (k->nset + 1) * sizeof *k->set);
		k->set[k->nset++] = kc_xstrdup(name);
	}
	return 1;
}

void
kc_kconf_default(struct kc_kconf *k, const char *name, const char *value)
{
	char why[400];

	if (!kc_kconf_isset(k, name))
		rd_kafka_conf_set(k->rd, name, value, why, sizeof why);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Java's value, or each of its list, as librdkafka calls it. */
static int
set_values(struct kc_kconf *k, const struct java *j, const char *value,
    struct kc_err *e)
{
	char *copy = kc_xstrdup(value), *save = NULL;
	struct kc_buf out = { 0 };
	int rc;

	for (char *one = strtok_r(copy, ", ", &save);
	     one != NULL || out.len == 0; one = strtok_r(NULL, ", ", &save)) {
		const char *use = one == NULL ? "" : one;
		for (size_t i = 0; i < sizeof values / sizeof *values; i++)
			if (strcmp(values[i].rd, j->rd) == 0 &&
			    (*values[i].java == '\0' ?
				    *use == '\0' :
				    ends_with(use, values[i].java))) {
				use = values[i].value;
				break;
			}
		if (out.len > 0)
			kc_buf_putc(&out, ',');
		kc_buf_puts(&out, use);
		if (one == NULL)
			break;
	}
	rc = set_rd(k, j->name, j->rd, kc_buf_str(&out), e);
	kc_buf_release(&out);
	free(copy);
	return rc;
}

/*
 * `org.apache…ScramLoginModule required username="u" password="p";`: each
 * name of the table and what it sets here.
 */
static int
set_jaas(struct kc_kconf *k, const char *value, struct kc_err *e)
{
	static const char *const names[][2] = {
		{ "username", "sasl.username" },
		{ "password", "sasl.password" },
		{ "principal", "sasl.kerberos.principal" },
		{ "keyTab", "sasl.kerberos.keytab" },
		{ "serviceName", "sasl.kerberos.service.name" },
		{ "clientId", "sasl.oauthbearer.client.id" },
		{ "clientSecret", "sasl.oauthbearer.client.secret" },
		{ "scope", "sasl.oauthbearer.scope" },
	};
	struct kc_buf v = { 0 };
	int found = 0, rc = 1;

	for (size_t i = 0; i < sizeof names / sizeof *names && rc != -1; i++) {
		size_t n = strlen(names[i][0]);
		const char *p = value;
		while ((p = strstr(p, names[i][0])) != NULL &&
		    (p == value || strchr(" \t\n\\", p[-1]) == NULL ||
			p[n] != '='))
			p += n;
		if (p == NULL)
			continue;
		p += n + 1;
		char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
		kc_buf_reset(&v);
		while (*p != '\0' &&
		    (quote ? *p != quote : strchr(" ;", *p) == NULL)) {
			if (quote && *p == '\\' && p[1] != '\0')
				p++;
			kc_buf_putc(&v, *p++);
		}
		rc = set_rd(k, "sasl.jaas.config", names[i][1], kc_buf_str(&v),
		    e);
		found++;
	}
	kc_buf_release(&v);
	if (rc != -1 && found == 0)
		return kc_fail(e, KC_USAGE,
		    "sasl.jaas.config: no username=\"…\" "
		    "password=\"…\" in it; or set sasl.username and sasl.password");
	return rc;
}

static int
remember(struct kc_kconf *k, const char *name, const char *value)
{
	char **at = strcmp(name, "ssl.truststore.location") == 0 ? &k->trust :
	    strcmp(name, "ssl.truststore.type") == 0   ? &k->trust_type :
	    strcmp(name, "ssl.keystore.location") == 0 ? &k->key :
							 &k->key_type;

	free(*at);
	*at = kc_xstrdup(value);
	return 1;
}

static int
set_java(struct kc_kconf *k, const struct java *j, const char *value,
    struct kc_err *e)
{
	char text[24];
	int64_t n;

	switch (j->how) {
	case UNUSED:
		kc_log(KC_INFO, "%s: is for the JVM; not used", j->name);
		return 1;
	case REMEMBER:
		return remember(k, j->name, value);
	case JAAS:
		return set_jaas(k, value, e);
	case VALUES:
		return set_values(k, j, value, e);
	case WAIT:
	case KIB:
	case SYSTEM:
		if (!kc_parse_i64((struct kc_span){ value, strlen(value) }, &n))
			return kc_fail(e, KC_USAGE,
			    "%s: %s: is not a whole number", j->name, value);
		if (j->how == WAIT)
			k->wait_ms = n < 1 ? 1 : n > 3600000 ? 3600000 : (int)n;
		if (j->rd == NULL)
			return 1;
		n = j->how == KIB ? (n + 1023) / 1024 : n < 0 ? 0 : n;
		*kc_put_i64(text, n) = '\0';
		return set_rd(k, j->name, j->rd, text, e);
	default:
		return set_rd(k, j->name, j->rd, value, e);
	}
}

static bool
is_own(const struct kc_kconf *k, const char *name)
{
	for (const struct kc_prop *p = k->own; p != NULL && p->name != NULL; p++) {
		size_t n = strlen(p->name);
		if (n > 0 &&
		    (p->flags & KC_PREFIX ? strncmp(p->name, name, n) == 0 :
					    strcmp(p->name, name) == 0))
			return true;
	}
	return false;
}

/* Differences (bytes changed, added, left out) between two short names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[81];
	size_t n = strlen(b);

	if (strlen(a) > 80 || n > 80)
		return 81;
	for (size_t i = 0; i <= n; i++)
		row[i] = (unsigned)i;
	for (; *a != '\0'; a++) {
		unsigned diagonal = row[0]++;
		for (size_t i = 1; i <= n; i++) {
			unsigned here = diagonal + (*a != b[i - 1]);
			diagonal = row[i];
			if (row[i] + 1 < here)
				here = row[i] + 1;
			if (row[i - 1] + 1 < here)
				here = row[i - 1] + 1;
			row[i] = here;
		}
	}
	return row[n];
}

static void
warn_unknown(const struct kc_kconf *k, const char *name)
{
	char *text = NULL, best[81] = "";
	size_t n = 0;
	unsigned least = 81, d;
	FILE *f = open_memstream(&text, &n);

	if (f != NULL) {
		for (const struct kc_prop *p = k->own; p && p->name; p++)
			fprintf(f, "%s |\n", p->name);
		for (size_t i = 0; i < sizeof java / sizeof *java; i++)
			fprintf(f, "%s |\n", java[i].name);
		rd_kafka_conf_properties_show(f);
		fclose(f);
	}
	for (char *line = text, *end; line != NULL && *line != '\0';
	     line = *end == '\0' ? end : end + 1) {
		end = line + strcspn(line, "\n");
		size_t m = strcspn(line, " |\n");
		if (m == 0 || m > 80 ||
		    memchr(line, '|', (size_t)(end - line)) == NULL)
			continue;
		char one[81] = "";
		memcpy(one, line, m);
		if ((d = distance(name, one)) < least) {
			least = d;
			memcpy(best, one, sizeof best);
		}
	}
	free(text);
	kc_log(KC_WARN, "%s: no such property; the nearest is %s", name, best);
}

int
kc_kconf_set(struct kc_kconf *k, const char *name, const char *value,
    struct kc_err *e)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof java / sizeof *java && rc == 0; i++)
		if (strcmp(java[i].name, name) == 0)
			rc = set_java(k, &java[i], value, e);
	if (rc == 0)
		rc = set_rd(k, name, name, value, e);
	if (rc == 0 && !k->quiet && !is_own(k, name))
		warn_unknown(k, name);
	return rc == -1 ? -1 : 0;
}

struct from {
	struct kc_kconf *k;
	const char *const *prefixes; /* of names to leave for later */
	struct kc_err *e;
	int rc;
};

static void
take(void *arg, const char *name, const char *value)
{
	struct from *f = arg;

	for (size_t i = 0; f->prefixes != NULL && f->prefixes[i] != NULL; i++)
		if (strncmp(name, f->prefixes[i], strlen(f->prefixes[i])) == 0)
			return;
	if (f->rc == 0)
		f->rc = kc_kconf_set(f->k, name, value, f->e);
}

int
kc_kconf_from(struct kc_kconf *k, const struct kc_conf *c,
    const char *const *prefixes, struct kc_err *e)
{
	struct from f = { k, prefixes, e, 0 };

	kc_conf_each(c, "", take, &f);
	f.prefixes = NULL;
	for (size_t i = 0; prefixes[i] != NULL && f.rc == 0; i++)
		kc_conf_each(c, prefixes[i], take, &f);
	return f.rc;
}

int
kc_kconf_known(struct kc_kconf *k, const struct kc_conf *c,
    const char *const *prefixes, struct kc_err *e)
{
	k->quiet = true;
	return kc_kconf_from(k, c, prefixes, e);
}

/* Java's key and trust stores: PEM and PKCS#12 can be read here, JKS not. */
static int
set_stores(struct kc_kconf *k, struct kc_err *e)
{
	const char *type = k->trust_type ? k->trust_type : "JKS";

	if (k->trust != NULL && strcasecmp(type, "PEM") != 0 &&
	    !ends_with(k->trust, ".pem") && !ends_with(k->trust, ".crt"))
		return kc_fail(e, KC_USAGE,
		    "ssl.truststore.location: %s: a %s "
		    "store is not read here, only PEM: convert it (openssl pkcs12 -in "
		    "X.p12 -nokeys -out ca.pem, after keytool -importkeystore "
		    "-deststoretype pkcs12 for JKS), then "
		    "ssl.truststore.type=PEM or ssl.ca.location=ca.pem",
		    k->trust, type);
	if (k->trust != NULL &&
	    set_rd(k, "ssl.truststore.location", "ssl.ca.location", k->trust,
		e) == -1)
		return -1;
	if (k->key == NULL)
		return 0;
	type = k->key_type ? k->key_type : "PKCS12";
	if (strcasecmp(type, "PEM") == 0)
		return set_rd(k, "ssl.keystore.location",
			   "ssl.certificate.location", k->key, e) == -1 ||
			set_rd(k, "ssl.keystore.location", "ssl.key.location",
			    k->key, e) == -1 ?
		    -1 :
		    0;
	if (strcasecmp(type, "PKCS12") != 0)
		return kc_fail(e, KC_USAGE,
		    "ssl.keystore.type: %s: can be PKCS12 or "
		    "PEM here; keytool -importkeystore -deststoretype pkcs12 converts "
		    "it",
		    type);
	return set_rd(k, "ssl.keystore.location", "ssl.keystore.location",
		   k->key, e) == -1 ?
	    -1 :
	    0;
}

static void
on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
	(void)rk;
	kc_log(level <= 2  ? KC_ERROR :
		level <= 6 ? KC_INFO :
			     KC_DEBUG,
	    "librdkafka: %s: %s", fac, text);
}

/* Connections come and go by themselves; say so once until one works. */
static void
on_error(rd_kafka_t *rk, int code, const char *why, void *opaque)
{
	struct kc_kafka *h = opaque;

	(void)rk;
	if (code == RD_KAFKA_RESP_ERR__FATAL)
		return;
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || h->trouble[0] == '\0')
		snprintf(h->trouble, sizeof h->trouble, "%.*s",
		    (int)(strstr(why, " (after ") == NULL ?
			    strlen(why) :
			    (size_t)(strstr(why, " (after ") - why)),
		    why);
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
		h->denied = true;
		return;
	}
	kc_log(h->warned ? KC_INFO : KC_WARN, "%s: %s; trying on", h->servers,
	    why);
	h->warned = true;
}

int
kc_kafka_open(struct kc_kafka *h, struct kc_kconf *k, bool producer,
    void (*callbacks)(rd_kafka_conf_t *rd), struct kc_err *e)
{
	char why[400];
	rd_kafka_conf_t *rd;
	const char *servers;
	int rc = set_stores(k, e);

	if (rc == 0 && (servers = kc_kconf_get(k, "bootstrap.servers")) == NULL)
		rc = kc_fail(e, KC_USAGE,
		    "bootstrap.servers: is not set; name a "
		    "broker, such as bootstrap.servers=127.0.0.1:9092");
	if (rc != 0) {
		kc_kconf_free(k);
		return -1;
	}
	h->servers = kc_xstrdup(servers);
	h->wait_ms = k->wait_ms;
	rd = k->rd;
	k->rd = NULL;
	kc_kconf_free(k);
	rd_kafka_conf_set_opaque(rd, h);
	rd_kafka_conf_set_log_cb(rd, on_log);
	rd_kafka_conf_set_error_cb(rd, on_error);
	if (callbacks != NULL)
		callbacks(rd);
	h->rk = rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
	    rd, why, sizeof why);
	if (h->rk != NULL)
		return 0;
	rd_kafka_conf_destroy(rd);
	return kc_fail(e, KC_USAGE, "%s: %s", h->servers, why);
}

void
kc_kafka_close(struct kc_kafka *h)
{
	if (h->rk != NULL)
		rd_kafka_destroy(h->rk);
	free(h->servers);
}

int
kc_kafka_fail(struct kc_kafka *h, int status, const char *what, const char *why,
    struct kc_err *e)
{
	if (h->trouble[0] == '\0')
		return kc_fail(e, status, "%s: %s: %s", h->servers, what, why);
	return kc_fail(e, status, "%s: %s: %s (%s)", h->servers, what, why,
	    h->trouble);
}

int
kc_kafka_denied(struct kc_kafka *h, struct kc_err *e)
{
	return kc_kafka_fail(h, KC_TEMP, "sasl",
	    "this user is not let in: see "
	    "sasl.username, sasl.password (or sasl.jaas.config) and "
	    "sasl.mechanism",
	    e);
}

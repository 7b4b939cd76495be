/* What lib/kafka*.c share among them. */
#ifndef KC_KAFKA_RD_H
#define KC_KAFKA_RD_H

#include <librdkafka/rdkafka.h>

#include "kafka.h"

/* The first member of whatever a callback's opaque points to. */
struct kc_kafka {
	rd_kafka_t *rk;
	char *servers;
	char trouble[256]; /* the last connection error; "": none */
	bool warned;
	bool denied; /* this user, or its password */
	int wait_ms; /* for a broker's answer: default.api.timeout.ms */
};

/*
 * Makes a handle of k, which is freed in any case. h stays where it is and is
 * the opaque of the callbacks that `callbacks` (may be NULL) sets.
 */
int kc_kafka_open(struct kc_kafka *h, struct kc_kconf *k, bool producer,
    void (*callbacks)(rd_kafka_conf_t *rd), struct kc_err *e);
void kc_kafka_close(struct kc_kafka *h);
/* "SERVERS: what: why", with the last connection error. Returns -1. */
int kc_kafka_fail(struct kc_kafka *h, int status, const char *what,
    const char *why, struct kc_err *e);
/* Said once connections are refused for who we are. Returns -1. */
int kc_kafka_denied(struct kc_kafka *h, struct kc_err *e);
/* Something came from a broker: what went wrong before is over. */
static inline void
kc_kafka_well(struct kc_kafka *h)
{
	h->trouble[0] = '\0';
	h->warned = false;
}

#endif

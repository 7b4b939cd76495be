/*
 * topic BROKER create NAME [PARTITIONS [CONFIG=VALUE...]] | drop NAME...
 * Topics for tests, made in milliseconds; create replaces one that is there.
 */
/* needs: rdkafka */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 15000

static rd_kafka_t *rk;
static rd_kafka_queue_t *queue;
static rd_kafka_AdminOptions_t *options;

/* The first topic's error of the result that comes next. */
static rd_kafka_resp_err_t
result(void)
{
	rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, WAIT_MS);
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
	const rd_kafka_topic_result_t **t = NULL;
	size_t n = 0;

	if (ev == NULL)
		return err;
	err = rd_kafka_event_error(ev);
	if (rd_kafka_event_CreateTopics_result(ev) != NULL)
		t = rd_kafka_CreateTopics_result_topics(
		    rd_kafka_event_CreateTopics_result(ev), &n);
	else if (rd_kafka_event_DeleteTopics_result(ev) != NULL)
		t = rd_kafka_DeleteTopics_result_topics(
		    rd_kafka_event_DeleteTopics_result(ev), &n);
	if (err == 0 && n > 0)
		err = rd_kafka_topic_result_error(t[0]);
	rd_kafka_event_destroy(ev);
	return err;
}

static rd_kafka_resp_err_t
drop(const char *name)
{
	rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(name);
	rd_kafka_resp_err_t err;

	rd_kafka_DeleteTopics(rk, &t, 1, options, queue);
	err = result();
	rd_kafka_DeleteTopic_destroy(t);
	return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? 0 : err;
}

static rd_kafka_resp_err_t
create(char **argv, int argc)
{
	char msg[256];
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(argv[0],
	    argc > 1 ? atoi(argv[1]) : 1, 1, msg, sizeof(msg));
	rd_kafka_resp_err_t err;

	for (int i = 2; i < argc; i++) {
		char *eq = strchr(argv[i], '=');

		if (eq == NULL)
			return RD_KAFKA_RESP_ERR__INVALID_ARG;
		*eq = '\0';
		rd_kafka_NewTopic_set_config(t, argv[i], eq + 1);
	}
	for (int tries = 0; tries < 50; tries++) {
		rd_kafka_CreateTopics(rk, &t, 1, options, queue);
		err = result();
		if (err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			break;
		if (drop(argv[0]) != 0)
			break;
		usleep(100000); /* the broker forgets it in its own time */
	}
	rd_kafka_NewTopic_destroy(t);
	return err;
}

int
main(int argc, char **argv)
{
	char msg[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_resp_err_t err = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: topic BROKER create|drop NAME...\n");
		return 64;
	}
	rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], msg, sizeof(msg));
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, msg, sizeof(msg));
	if (rk == NULL) {
		fprintf(stderr, "topic: %s\n", msg);
		return 70;
	}
	queue = rd_kafka_queue_new(rk);
	options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_ANY);
	rd_kafka_AdminOptions_set_operation_timeout(options, WAIT_MS, msg,
	    sizeof(msg));
	if (strcmp(argv[2], "create") == 0)
		err = create(argv + 3, argc - 3);
	else
		for (int i = 3; i < argc && err == 0; i++)
			err = drop(argv[i]);
	if (err != 0)
		fprintf(stderr, "topic: %s %s: %s\n", argv[2], argv[3],
		    rd_kafka_err2str(err));
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return err != 0;
}

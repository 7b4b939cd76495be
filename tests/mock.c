/* mock: a cluster of one broker in memory, librdkafka's own, until a signal. */
/* needs: rdkafka */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
	char why[512];
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, why, sizeof why);
	rd_kafka_mock_cluster_t *cluster;

	if (rk == NULL || (cluster = rd_kafka_mock_cluster_new(rk, 1)) == NULL) {
		fprintf(stderr, "mock: the cluster did not start\n");
		return 75;
	}
	puts(rd_kafka_mock_cluster_bootstraps(cluster));
	if (fflush(stdout) != 0)
		return 74;
	for (;;)
		pause();
}

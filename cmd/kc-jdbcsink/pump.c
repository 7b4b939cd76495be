/*
 * Two works: one is filled from records while a thread writes the other, so
 * that reading goes on while the database is busy. The thread alone uses the
 * connection while a work runs; pump_wait gives it back.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "jdbc.h"

#define BACKOFF_MAX_MS 60000

struct pump {
	struct kc_ctx *ctx;
	struct db *db;
	struct retry retry;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct work works[2];
	int filling;
	bool running, quit;
	bool settled; /* the result of the last run was taken */
	bool told;    /* a failure was reported by pump_done */
	int rc;
	struct kc_err err;
	uint64_t started, done;
};

bool
retry_wait(struct retry *r, const struct kc_err *e)
{
	struct timespec t = { 0, 50 * 1000000L };

	if (e->status != KC_TEMP || kc_stop ||
	    (r->max >= 0 && r->tries >= r->max))
		return false;
	r->ms = r->tries++ == 0	       ? r->first_ms :
	    r->ms * 2 < BACKOFF_MAX_MS ? r->ms * 2 :
					 BACKOFF_MAX_MS;
	kc_log(KC_WARN, "%s; trying again in %lld ms", e->msg, (long long)r->ms);
	/* In small steps, so that a signal ends it. */
	for (int64_t ms = r->ms; ms > 0 && !kc_stop; ms -= 50)
		nanosleep(&t, NULL);
	return !kc_stop;
}

static void *
work_loop(void *arg)
{
	struct pump *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->running && !p->quit)
			pthread_cond_wait(&p->cond, &p->lock);
		if (p->quit)
			break;
		struct work *w = &p->works[!p->filling];
		pthread_mutex_unlock(&p->lock);
		struct kc_err e = { 0 };
		struct retry again = p->retry;
		int rc;
		while ((rc = run_work(p->db, w, &e)) != 0 &&
		    retry_wait(&again, &e))
			;
		pthread_mutex_lock(&p->lock);
		p->rc = rc;
		p->err = e;
		p->running = false;
		pthread_cond_broadcast(&p->cond);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pump *
pump_new(struct kc_ctx *ctx, struct db *db, const struct retry *retry)
{
	struct pump *p = kc_xcalloc(1, sizeof *p);
	sigset_t all, old;

	p->ctx = ctx;
	p->db = db;
	p->retry = *retry;
	p->settled = true;
	p->works[0].keep_lines = p->works[1].keep_lines = ctx->dead != NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->cond, NULL);
	/* Signals go to the thread that reads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&p->thread, NULL, work_loop, p) != 0) {
		free(p);
		p = NULL;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p;
}

static void
run_again(struct pump *p)
{
	pthread_mutex_lock(&p->lock);
	p->running = true;
	p->settled = false;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

/* Refused records become dead letters, the others are written again. */
static int
letters(struct pump *p, struct work *w, struct kc_err *e)
{
	for (size_t i = 0; i < w->nrefused; i++) {
		struct refused *r = &w->refused[i];
		struct kc_err why = { .status = KC_DATA };
		size_t at = w->line_at[r->seq];
		struct kc_span line = { w->lines.p + at,
			w->line_at[r->seq + 1] - at };
		kc_fail(&why, KC_DATA, "%s", r->why);
		if (kc_sink_dead(p->ctx, line, &why, e) != 0)
			return -1;
		work_refuse(w, r->seq);
		free(r->why);
	}
	w->nrefused = 0;
	return 0;
}

int
pump_wait(struct pump *p, struct kc_err *e)
{
	struct work *w = &p->works[!p->filling];

	for (;;) {
		pthread_mutex_lock(&p->lock);
		while (p->running)
			pthread_cond_wait(&p->cond, &p->lock);
		pthread_mutex_unlock(&p->lock);
		if (p->settled)
			return 0;
		if (p->rc == 0) {
			p->settled = true;
			p->done = p->started;
			return 0;
		}
		if (w->nrefused == 0) {
			*e = p->err;
			return -1;
		}
		if (letters(p, w, e) != 0)
			return -1;
		run_again(p);
	}
}

struct work *
pump_work(struct pump *p)
{
	return &p->works[p->filling];
}

void
pump_start(struct pump *p)
{
	p->filling = !p->filling;
	p->started++;
	p->rc = 0;
	run_again(p);
}

uint64_t
pump_done(struct pump *p, bool wait, struct kc_err *e)
{
	bool running;

	pthread_mutex_lock(&p->lock);
	running = p->running;
	pthread_mutex_unlock(&p->lock);
	if ((running && !wait) || p->told || pump_wait(p, e) == 0)
		return p->done;
	p->told = true;
	return UINT64_MAX;
}

void
pump_free(struct pump *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	work_release(&p->works[0]);
	work_release(&p->works[1]);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->cond);
	free(p);
}

/*
 * kc-offset: looks at and changes positions in every store, tells how far
 * behind they are, and serves the stores that are no file to the other
 * commands, one line a request (kc-offset(1), PROTOCOL).
 */
/* needs: rdkafka */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "json.h"
#include "kafka.h"
#include "num.h"
#include "store.h"

static const struct kc_prop props[] = {
    {"bootstrap.servers", KC_T_LIST, NULL, NULL, 'M',
     "lag, and reset of a group: brokers, host:port.", 'b', NULL, 0},
    {"group.id", KC_T_STRING, NULL, NULL, 'M',
     "lag without -o: of this group. reset: the group forgets too.", 'g', NULL,
     0},
    {"topics", KC_T_LIST, NULL, NULL, 'M', "lag without -o: of these topics.",
     't', "topic", 0},
    {"consumer.", KC_T_STRING, NULL, NULL, 'L', "Any property of the client.",
     0, "consumer.override.", KC_PREFIX},
    {"", KC_T_STRING, NULL, NULL, 'L',
     "Any other property of librdkafka; others of a connector are no "
     "matter.",
     'X', NULL, KC_PREFIX},
    {0},
};

static struct kc_span text(const char *s) {
  return (struct kc_span){s, strlen(s)};
}

static void put_position(struct kc_buf *b, struct kc_span partition,
                         struct kc_span offset) {
  kc_buf_lit(b, "{\"partition\":");
  kc_buf_span(b, partition);
  kc_buf_lit(b, ",\"offset\":");
  kc_buf_span(b, offset);
}

static void show_one(void *arg, struct kc_span partition,
                     struct kc_span offset) {
  struct kc_out *out = arg;

  put_position(&out->b, partition, offset);
  kc_buf_lit(&out->b, "}\n");
}

/* ---- show, set, reset ---- */

static int show(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e) {
  struct kc_store *s = kc_store_open(ctx->store, KC_READER, e);

  if (s == NULL)
    return -1;
  kc_store_each(s, show_one, out);
  kc_store_close(s);
  return 0;
}

static int is_map(const char *s, const char *what, struct kc_err *e) {
  if (*s == '{' && kc_json_valid(text(s)))
    return 0;
  return kc_fail(e, KC_USAGE,
                 "%s: %s: must be a JSON object, as kc-offset "
                 "show prints it",
                 what, s);
}

/*
 * A position in Kafka is marked, so that kc-consume prefers it to what the
 * group has.
 */
static void put_offset(struct kc_buf *b, struct kc_span partition,
                       struct kc_span offset) {
  kc_json_compact(b, offset);
  if (kc_json_get(partition, "kafka_topic").p == NULL ||
      kc_json_get(offset, "kafka_offset").p == NULL ||
      kc_json_get(offset, "set").p != NULL)
    return;
  b->len--;
  kc_buf_lit(b, ",\"set\":true}");
}

static int set(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e) {
  struct kc_buf partition = {0}, offset = {0};
  struct kc_store *s;
  int rc = -1;

  (void)out;
  if (ctx->argc != 3)
    return kc_fail(
        e, KC_USAGE,
        "set: takes a partition and an offset: "
        "kc-offset set -o STORE '{\"server\":\"inv\"}' '{\"lsn\":1}'");
  if (is_map(ctx->argv[1], "partition", e) != 0 ||
      is_map(ctx->argv[2], "offset", e) != 0)
    return -1;
  if ((s = kc_store_open(ctx->store, KC_SOURCE, e)) == NULL)
    return -1;
  kc_json_compact(&partition, text(ctx->argv[1]));
  put_offset(&offset, KC_BUF_SPAN(&partition), text(ctx->argv[2]));
  kc_store_put(s, KC_BUF_SPAN(&partition), KC_BUF_SPAN(&offset));
  rc = kc_store_commit(s, e);
  kc_store_close(s);
  kc_buf_release(&partition);
  kc_buf_release(&offset);
  return rc;
}

struct gather {
  struct kc_buf *v; /* partitions */
  size_t n;
};

static void gather_one(void *arg, struct kc_span partition,
                       struct kc_span offset) {
  struct gather *g = arg;

  (void)offset;
  g->v = kc_xrealloc(g->v, (g->n + 1) * sizeof *g->v);
  g->v[g->n] = (struct kc_buf){0};
  kc_buf_span(&g->v[g->n++], partition);
}

/* A position's topic, partition and offset in Kafka; false: of another kind. */
static bool in_kafka(struct kc_span partition, struct kc_span offset,
                     struct kc_tp *tp) {
  int64_t number;

  if (!kc_parse_i64(kc_json_get(partition, "kafka_partition"), &number) ||
      (offset.p != NULL &&
       !kc_parse_i64(kc_json_get(offset, "kafka_offset"), &tp->offset)))
    return false;
  tp->partition = (int32_t)number;
  tp->topic = kc_json_strdup(kc_json_get(partition, "kafka_topic"));
  return tp->topic != NULL;
}

static struct kc_kconf *client(struct kc_ctx *ctx, bool producer,
                               struct kc_err *e) {
  static const char *const prefixes[] = {"consumer.", "consumer.override.",
                                         NULL};
  static const char *const names[] = {"bootstrap.servers", "group.id"};
  struct kc_kconf *k = kc_kconf_new(producer, NULL);
  const char *env = getenv("KC_BOOTSTRAP_SERVERS");
  struct kc_kspec spec = {0};
  int rc = 0;

  if (env != NULL && *env != '\0')
    kc_kconf_default(k, "bootstrap.servers", env);
  if (ctx->store != NULL && strncmp(ctx->store, "kafka:", 6) == 0) {
    rc = kc_kspec_parse(&spec, ctx->store, k, e);
    kc_kspec_release(&spec);
  }
  for (size_t i = 0; i < 2 && rc == 0; i++)
    if (kc_conf_isset(ctx->conf, names[i]))
      rc = kc_kconf_set(k, names[i], kc_conf_str(ctx->conf, names[i]), e);
  if (rc == 0)
    rc = kc_kconf_known(k, ctx->conf, prefixes, e);
  if (rc == 0)
    return k;
  kc_kconf_free(k);
  return NULL;
}

/* The group forgets what the store forgets. */
static int forget(struct kc_ctx *ctx, const struct gather *g,
                  struct kc_err *e) {
  struct kc_tp *v = kc_xcalloc(g->n + 1, sizeof *v);
  struct kc_kconf *k;
  size_t n = 0;
  int rc = 0;

  for (size_t i = 0; i < g->n; i++)
    n += in_kafka(KC_BUF_SPAN(&g->v[i]), (struct kc_span){0}, &v[n]);
  if (n > 0) {
    k = client(ctx, true, e);
    rc = k == NULL
             ? -1
             : kc_kafka_forget(k, kc_conf_str(ctx->conf, "group.id"), v, n, e);
  }
  kc_tps_free(v, n);
  return rc;
}

static int reset(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e) {
  struct kc_store *s;
  struct kc_buf old = {0};
  struct gather g = {0};
  int rc = 0;

  (void)out;
  for (int i = 1; i < ctx->argc; i++)
    if (is_map(ctx->argv[i], "partition", e) != 0)
      return -1;
  if ((s = kc_store_open(ctx->store, KC_SOURCE, e)) == NULL)
    return -1;
  for (int i = 1; i < ctx->argc && rc == 0; i++) {
    if (kc_store_get(s, text(ctx->argv[i]), &old, e) != 1)
      rc = kc_fail(e, KC_USAGE,
                   "%s: nothing is stored for this "
                   "partition; kc-offset show lists them",
                   ctx->argv[i]);
    gather_one(&g, text(ctx->argv[i]), KC_LIT(""));
  }
  if (ctx->argc == 1)
    kc_store_each(s, gather_one, &g);
  if (rc == 0 && kc_conf_isset(ctx->conf, "group.id"))
    rc = forget(ctx, &g, e);
  for (size_t i = 0; i < g.n; i++) {
    if (rc == 0)
      kc_store_put(s, KC_BUF_SPAN(&g.v[i]), KC_LIT("null"));
    kc_buf_release(&g.v[i]);
  }
  if (rc == 0 && g.n > 0)
    rc = kc_store_commit(s, e);
  kc_store_close(s);
  kc_buf_release(&old);
  free(g.v);
  return rc;
}

/* ---- lag ---- */

struct lag {
  struct kc_ctx *ctx;
  struct kc_out *out;
  struct kc_consumer *c;
  struct kc_err *e;
  int rc;
};

static const struct kc_consumer_cb no_cb = {0};

static int connect_once(struct lag *l) {
  struct kc_kconf *k;

  if (l->c != NULL)
    return 0;
  if ((k = client(l->ctx, false, l->e)) == NULL)
    return -1;
  l->c = kc_consumer_new(k, &no_cb, NULL, l->e);
  return l->c == NULL ? -1 : 0;
}

/* next: of the message to be read next. */
static int put_lag(struct lag *l, const struct kc_tp *tp, int64_t next) {
  struct kc_buf *b = &l->out->b;
  int64_t lo, hi;

  if (connect_once(l) != 0 || kc_consumer_range(l->c, tp, &lo, &hi, l->e) != 0)
    return -1;
  next = next < lo ? lo : next;
  kc_buf_printf(b, ",\"end\":%lld,\"lag\":%lld}\n", (long long)hi,
                (long long)(hi > next ? hi - next : 0));
  return 0;
}

/* How to see it for a position that is not Kafka's. */
static void hint(struct kc_span offset) {
  struct kc_span lsn = kc_json_get(offset, "lsn"),
                 file = kc_json_get(offset, "file");
  uint64_t at;

  if (kc_parse_u64(lsn, &at))
    kc_log(KC_NOTICE,
           "bytes behind, in PostgreSQL: select "
           "pg_wal_lsn_diff(pg_current_wal_lsn(), '%X/%X')",
           (unsigned)(at >> 32), (unsigned)at);
  else if (file.p != NULL)
    kc_log(KC_NOTICE,
           "compare with SHOW MASTER STATUS in MySQL or "
           "MariaDB: this position is in %.*s",
           (int)file.n, file.p);
}

static void lag_one(void *arg, struct kc_span partition,
                    struct kc_span offset) {
  struct lag *l = arg;
  struct kc_tp tp = {0};

  if (l->rc != 0)
    return;
  put_position(&l->out->b, partition, offset);
  if (in_kafka(partition, offset, &tp)) {
    l->rc = put_lag(l, &tp, tp.offset + 1);
  } else {
    kc_buf_lit(&l->out->b, ",\"end\":null,\"lag\":null}\n");
    hint(offset);
  }
  free(tp.topic);
}

/* What a group has committed, of the partitions of its topics. */
static int lag_group(struct lag *l) {
  struct kc_buf *b = &l->out->b;
  struct kc_tp *all = NULL;
  char **topics = kc_conf_list(l->ctx->conf, "topics");
  size_t n = 0;
  int rc = connect_once(l);

  if (rc == 0)
    rc = kc_consumer_topics(l->c, &all, &n, l->e);
  for (size_t i = 0; i < n && rc == 0; i++) {
    char **t = topics;
    while (*t != NULL && strcmp(*t, all[i].topic) != 0)
      t++;
    for (int32_t k = 0; *t != NULL && k < all[i].offset && rc == 0; k++) {
      struct kc_tp tp = {all[i].topic, k, KC_OFFSET_STORED};
      rc = kc_consumer_committed(l->c, &tp, 1, l->e);
      if (rc != 0 || (tp.offset < 0 && *topics == NULL))
        continue;
      kc_buf_lit(b, "{\"partition\":{\"kafka_topic\":");
      kc_json_str(b, tp.topic, strlen(tp.topic));
      kc_buf_printf(b, ",\"kafka_partition\":%d},\"committed\":", k);
      kc_buf_puts(b, tp.offset < 0 ? "null" : "");
      if (tp.offset >= 0)
        kc_buf_i64(b, tp.offset);
      rc = put_lag(l, &tp, tp.offset);
    }
  }
  kc_tps_free(all, n);
  kc_list_free(topics);
  return rc;
}

static int lag(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e) {
  struct lag l = {ctx, out, NULL, e, 0};
  struct kc_store *s;

  if (ctx->store == NULL) {
    if (!kc_conf_isset(ctx->conf, "group.id") ||
        !kc_conf_isset(ctx->conf, "topics"))
      return kc_fail(e, KC_USAGE,
                     "lag: give -o STORE, or group.id "
                     "and topics");
    l.rc = lag_group(&l);
  } else if ((s = kc_store_open(ctx->store, KC_READER, e)) == NULL) {
    return -1;
  } else {
    kc_store_each(s, lag_one, &l);
    kc_store_close(s);
  }
  kc_consumer_free(l.c);
  return l.rc;
}

/* ---- serve ---- */

/* The sink's own command keeps the position with its rows. */
static int serve_sink(const char *conf, struct kc_err *e) {
  static const char name[] = "kc-jdbcsink";
  char path[PATH_MAX], *slash;
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof name);
  char *argv[] = {(char *)(uintptr_t)name, (char *)"-c",
                  (char *)(uintptr_t)conf, (char *)"offsets", NULL};

  if (n > 0) {
    path[n] = '\0';
    if ((slash = strrchr(path, '/')) != NULL) {
      memcpy(slash + 1, name, sizeof name);
      execv(path, argv);
    }
  }
  execvp(name, argv);
  return kc_fail(e, KC_USAGE, "-o sink:%s: %s: %s; install it", conf, name,
                 strerror(errno));
}

static int put_all(struct kc_offsets *o, struct kc_span list,
                   struct kc_err *e) {
  struct kc_json_it it;
  struct kc_span one, partition, offset;

  if (kc_json_open(&it, list) != 0)
    return kc_fail(e, KC_USAGE, "put: takes an array of positions");
  while (kc_json_item(&it, &one) == 1) {
    partition = kc_json_get(one, "partition");
    offset = kc_json_get(one, "offset");
    if (partition.p == NULL || offset.p == NULL)
      return kc_fail(e, KC_USAGE,
                     "put: a position is "
                     "{\"partition\":…,\"offset\":…}");
    if (kc_offsets_put(o, partition, offset, e) != 0)
      return -1;
  }
  return kc_offsets_flush(o, e);
}

static void answer(struct kc_offsets *o, bool first, struct kc_span request,
                   struct kc_out *out) {
  struct kc_err e;
  struct kc_span list = kc_json_get(request, "put");
  int rc;

  if (!kc_json_valid(request))
    rc = kc_fail(&e, KC_USAGE,
                 "serve: not JSON; kc-offset(1) has the "
                 "protocol");
  else if (list.p != NULL)
    rc = put_all(o, list, &e);
  else
    rc = kc_offsets_read(o, first, &e);
  if (rc != 0) {
    kc_buf_reset(&out->b);
    kc_buf_lit(&out->b, "{\"error\":");
    kc_json_str(&out->b, e.msg, strlen(e.msg));
    kc_buf_printf(&out->b, ",\"status\":%d}\n", e.status);
  } else if (list.p != NULL) {
    kc_buf_lit(&out->b, "{\"ok\":true}\n");
  } else {
    kc_offsets_each(o, show_one, out);
    kc_buf_lit(&out->b, "{\"end\":true}\n");
  }
}

static int serve(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e) {
  struct kc_in in;
  struct kc_span line;
  struct kc_offsets *o;
  struct kc_err why;
  bool first = true;
  int rc;

  if (strncmp(ctx->store, "sink:", 5) == 0)
    return serve_sink(ctx->store + 5, e);
  if (strncmp(ctx->store, "kafka:", 6) != 0)
    return kc_fail(e, KC_USAGE,
                   "serve: -o %s: only kafka: and sink: "
                   "stores are served; a file is read by everyone",
                   ctx->store);
  kc_in_init(&in, 0);
  o = kc_offsets_open(
      ctx->store, ctx->argc < 2 || strcmp(ctx->argv[1], "reader") != 0, &why);
  while ((rc = kc_in_line(&in, &line, e)) == 1) {
    if (o != NULL) {
      answer(o, first, line, out);
    } else {
      kc_buf_lit(&out->b, "{\"error\":");
      kc_json_str(&out->b, why.msg, strlen(why.msg));
      kc_buf_printf(&out->b, ",\"status\":%d}\n", why.status);
    }
    first = false;
    if ((rc = kc_out_flush(out, e)) != 0)
      break;
  }
  kc_offsets_close(o);
  kc_in_release(&in);
  return rc;
}

static const struct verb {
  const char *name;
  int (*run)(struct kc_ctx *ctx, struct kc_out *out, struct kc_err *e);
  bool store; /* needs -o */
} verbs[] = {
    {"show", show, true}, {"set", set, true},     {"reset", reset, true},
    {"lag", lag, false},  {"serve", serve, true},
};

static int run(struct kc_ctx *ctx) {
  const struct verb *v = verbs, *end = verbs + sizeof verbs / sizeof *verbs;
  struct kc_out out;
  int rc;

  while (ctx->argc > 0 && v < end && strcmp(v->name, ctx->argv[0]) != 0)
    v++;
  if (ctx->argc == 0 || v == end)
    kc_fail(&ctx->err, KC_USAGE,
            "%s: must be show, set, reset, lag or "
            "serve",
            ctx->argc == 0 ? "what to do" : ctx->argv[0]);
  else if (v->store && ctx->store == NULL)
    kc_fail(&ctx->err, KC_USAGE,
            "%s: -o STORE is missing: a file, "
            "kafka:TOPIC or sink:CONF",
            v->name);
  else {
    kc_out_init(&out, 1);
    rc = v->run(ctx, &out, &ctx->err);
    if (rc == 0)
      rc = kc_out_flush(&out, &ctx->err);
    kc_out_release(&out);
    if (rc == 0)
      return 0;
  }
  return ctx->err.status;
}

static const struct kc_cmd cmd = {
    .name = "kc-offset",
    .summary = "show, set and reset positions, and how far behind they are",
    .operands = "show | set PARTITION OFFSET | reset [PARTITION...] | lag",
    .type = "tool",
    .options = "o",
    .props = props,
    .run = run,
};

int main(int argc, char **argv) { return kc_main(argc, argv, &cmd); }

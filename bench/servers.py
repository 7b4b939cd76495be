"""The servers of a benchmark, on ports of its own, and the orders table."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "build", "bench")
SERVICES = os.path.join(ROOT, "tests", "services")


def free_port():
    while True:
        a, b = socket.socket(), socket.socket()
        try:
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            b.bind(("127.0.0.1", port + 1))
            return port
        except (OSError, OverflowError):
            continue
        finally:
            a.close()
            b.close()


class Service:
    def __init__(self, kind, *options, env=None):
        self.kind = kind
        self.dir = os.path.join(WORK, kind)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.port = free_port()
        subprocess.run([f"{SERVICES}/{kind}", "start", self.dir, str(self.port),
                        *options], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, **(env or {})})

    def stop(self):
        subprocess.run([f"{SERVICES}/{self.kind}", "stop", self.dir], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class Maria(Service):
    def __init__(self):
        super().__init__("mariadb", "--sync-binlog=0", "--max-binlog-size=1G",
                         "--innodb-buffer-pool-size=512M",
                         "--innodb-flush-log-at-trx-commit=0",
                         "--max-binlog-cache-size=8G")
        self.args = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}",
                     "-ukc", "-pkc"]
        self.props = (f"database.hostname=127.0.0.1 database.port={self.port} "
                      "database.user=kc database.password=kc ")

    def sql(self, text, db=""):
        return subprocess.run([*self.args, "-N", db] if db else [*self.args, "-N"],
                              input=text, text=True, check=True,
                              capture_output=True).stdout

    def position(self):
        file, pos = self.sql("show master status").split()[:2]
        return file, int(pos)


class Pg(Service):
    def __init__(self):
        super().__init__("postgres", "-c", "max_wal_size=8GB", "-c",
                         "shared_buffers=512MB", "-c", "checkpoint_timeout=30min",
                         "-c", "synchronous_commit=off")
        self.env = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port),
                    "PGUSER": "kc", "PGPASSWORD": "kc"}
        self.props = (f"database.hostname=127.0.0.1 database.port={self.port} "
                      "database.user=kc database.password=kc ")

    def sql(self, text, db="postgres"):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", db],
                              input=text, text=True, check=True,
                              capture_output=True,
                              env={**os.environ, **self.env}).stdout

    def jdbc(self, db):
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{db}"


class Kafka(Service):
    def __init__(self):
        super().__init__("kafka", "log.retention.ms=-1",
                         "message.max.bytes=8000000", "num.network.threads=2",
                         env={"_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4 -Xmx1g"})
        self.broker = f"127.0.0.1:{self.port}"


def properties(path, props):
    with open(path, "w") as f:
        for k, v in props.items():
            f.write(f"{k}={v}\n")
    return path


class Connect:
    """A Kafka Connect worker with one connector; stopped, it keeps its offsets."""

    def __init__(self, name, broker, connector, schemas=False, sink=False):
        self.dir = os.path.join(WORK, "connect-" + name)
        os.makedirs(self.dir, exist_ok=True)
        def fetched(what):
            return subprocess.run([f"{SERVICES}/fetch", what], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip()
        jars = fetched("connect")
        plugins = fetched("debezium")
        conv = "org.apache.kafka.connect.json.JsonConverter"
        if sink:
            # Isolated, the sink trips over the worker's Jackson modules: one
            # flat class path, the worker's copy of a jar winning.
            flat = os.path.join(WORK, "sink-jars")
            if not os.path.isdir(flat):
                shutil.copytree(jars, flat)
                have = {re.sub(r"-\d.*", "", f) for f in os.listdir(flat)}
                src = fetched("jdbcsink")
                for d, _, files in os.walk(src):
                    for f in files:
                        base = re.sub(r"-\d.*", "", f)
                        if base not in have or base.startswith(("jakarta", "jaxb")):
                            shutil.copy(os.path.join(d, f), flat)
            jars, plugins = flat, os.path.join(WORK, "no-plugins")
            os.makedirs(plugins, exist_ok=True)
        self.rest = free_port()
        self.jars = jars
        self.worker = properties(os.path.join(self.dir, "worker.properties"), {
            "bootstrap.servers": broker, "key.converter": conv,
            "value.converter": conv,
            "key.converter.schemas.enable": str(schemas).lower(),
            "value.converter.schemas.enable": str(schemas).lower(),
            "offset.storage.file.filename": os.path.join(self.dir, "offsets"),
            "offset.flush.interval.ms": 5000, "plugin.path": plugins,
            "listeners": f"http://127.0.0.1:{self.rest}",
            "producer.linger.ms": 20, "producer.batch.size": 524288,
            "producer.buffer.memory": 134217728,
            "consumer.max.poll.records": 5000,
            "consumer.auto.offset.reset": "earliest"})
        self.connector = properties(os.path.join(self.dir, "connector.properties"),
                                    {"name": name, "tasks.max": 1, **connector})
        with open(os.path.join(self.dir, "log4j.properties"), "w") as f:
            f.write("log4j.rootLogger=INFO, out\n"
                    "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
                    "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
                    "log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n\n")

    def start(self):
        log = open(os.path.join(self.dir, "log"), "ab")
        self.p = subprocess.Popen(
            ["java", "-Xms256m", "-Xmx2g", "-cp", self.jars + "/*",
             "-Dlog4j.configuration=file:" + os.path.join(self.dir, "log4j.properties"),
             "org.apache.kafka.connect.cli.ConnectStandalone", self.worker,
             self.connector], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True)
        log.close()
        return self

    def streaming(self, what="Starting streaming", limit=120):
        """Waits for a line of the log."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            with open(os.path.join(self.dir, "log")) as f:
                if what in f.read():
                    return self
            if self.p.poll() is not None:
                break
            time.sleep(0.2)
        raise SystemExit(f"bench: Connect did not get to \"{what}\"; see {self.dir}/log")

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(60)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()


MYSQL_ORDERS = """create table orders(id bigint primary key auto_increment,
 customer_id int not null, sku varchar(32) not null, qty int, price decimal(12,2),
 note varchar(200), status enum('new','paid','shipped'), created datetime(6),
 updated timestamp(3) null, weight double, flags tinyint unsigned, doc json);"""

PG_ORDERS = """create table orders(id bigint primary key, customer_id int not null,
 sku varchar(32) not null, qty int, price numeric(12,2), note varchar(200),
 status text, created timestamp, updated timestamptz, weight float8,
 flags smallint, doc jsonb);"""


def mysql_rows(first, last, step=1000):
    """SQL that inserts orders FIRST..LAST, step rows a transaction."""
    out = []
    for s in range(first, last + 1, step):
        e = min(s + step - 1, last)
        out.append(
            "insert into orders select seq, seq%9973, "
            "concat('SKU-',lpad(seq%5000,6,'0')), seq%17, (seq%100000)/100, "
            "concat('order note ',seq,' — ünïcode \"quoted\" text with some length ',"
            "repeat('x',seq%40)), elt(1+seq%3,'new','paid','shipped'), "
            "'2026-01-01'+interval seq second+interval seq%1000000 microsecond, "
            "'2026-01-01'+interval seq second, seq/7, seq%256, "
            "json_object('k',seq,'tags',json_array('a','b')) "
            f"from seq_{s}_to_{e};\n")
    return "".join(out)


def pg_rows(first, last, step=1000):
    out = []
    for s in range(first, last + 1, step):
        e = min(s + step - 1, last)
        out.append(
            "insert into orders select i, i%9973, 'SKU-'||lpad((i%5000)::text,6,'0'), "
            "i%17, (i%100000)/100.0, 'order note '||i||' — ünïcode \"quoted\" text "
            "with some length '||repeat('x',i%40), "
            "(array['new','paid','shipped'])[1+i%3], "
            "timestamp '2026-01-01'+i*interval '1 second', now(), i/7.0, i%256, "
            "jsonb_build_object('k',i,'tags',array['a','b']) "
            f"from generate_series({s},{e}) i;\n")
    return "".join(out)


def get_json(url):
    with urllib.request.urlopen(url, timeout=5) as r:
        return json.load(r)

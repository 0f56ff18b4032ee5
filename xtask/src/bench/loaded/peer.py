"""A connection to one peer that stays open: takes orders as JSON lines, answers with JSON lines.

    {"do": "load", "file": TSV, "rows": N}      -> {"seconds": s, "rows": n, "bytes": b, "bytes_without_ids": b}
    {"do": "ask", "sql": [...], "seconds": s, "most": n}  -> {"ms": [...], "rows": n}

Started as `peer.py postgresql|mariadb|clickhouse PLACE`.
"""

import itertools
import json
import os
import sys
import tempfile
import time

COLUMNS = [
    # name, PostgreSQL, ClickHouse
    ("id", "uuid PRIMARY KEY", "UUID"),
    ("time", "timestamptz NOT NULL", "DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1))"),
    ("panel", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("recorder", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("recorder_epoch", "bigint NOT NULL", "UInt64 CODEC(Delta, ZSTD(1))"),
    ("recorder_seq", "bigint NOT NULL", "UInt64 CODEC(Delta, ZSTD(1))"),
    ("admin", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("admin_name", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("known_by", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("attempted", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("acting_as", "text", "Nullable(String) CODEC(ZSTD(1))"),
    ("ip", "inet", "Nullable(IPv6) CODEC(ZSTD(1))"),
    ("user_agent", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("session", "uuid", "Nullable(UUID) CODEC(ZSTD(1))"),
    ("type", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("method", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("scheme", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("host", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("path", "text NOT NULL", "String CODEC(ZSTD(1))"),
    ("query", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("route", "text", "LowCardinality(Nullable(String)) CODEC(ZSTD(1))"),
    ("action", "text NOT NULL", "String CODEC(ZSTD(1))"),
    ("object", "text", "Nullable(String) CODEC(ZSTD(1))"),
    ("status", "smallint", "Nullable(UInt16) CODEC(ZSTD(1))"),
    ("outcome", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("ending", "text NOT NULL", "LowCardinality(String) CODEC(ZSTD(1))"),
    ("duration_us", "bigint", "Nullable(UInt64) CODEC(ZSTD(1))"),
    ("request_bytes", "bigint", "Nullable(UInt64) CODEC(ZSTD(1))"),
    ("response_bytes", "bigint", "Nullable(UInt64) CODEC(ZSTD(1))"),
    ("asset", "boolean NOT NULL", "Bool CODEC(ZSTD(1))"),
    ("polling", "boolean NOT NULL", "Bool CODEC(ZSTD(1))"),
]
NAMES = [name for name, _, _ in COLUMNS]


class PostgreSQL:
    """A table with the indices that its questions want, filled by one COPY."""

    def __init__(self, place):
        import psycopg2

        self.connection = patiently(lambda: psycopg2.connect(place), psycopg2.OperationalError)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def load(self, file, rows):
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        self.cursor.execute(f"CREATE TABLE events ({columns})")
        for index in ["time DESC", "admin, time DESC", "status, time DESC"]:
            self.cursor.execute(f"CREATE INDEX ON events ({index})")
        with first_rows(file, rows) as source:
            started = time.perf_counter()
            self.cursor.copy_expert("COPY events FROM STDIN", source, size=1 << 20)
            seconds = time.perf_counter() - started
        self.cursor.execute("VACUUM ANALYZE events")
        self.cursor.execute("SELECT count(*), pg_total_relation_size('events') FROM events")
        count, size = self.cursor.fetchone()
        return {"seconds": seconds, "rows": count, "bytes": size}

    def ask(self, statement):
        self.cursor.execute(statement)
        return len(self.cursor.fetchall())


class MariaDB:
    """The table of the described panel: a random UUID as key, no index on the date."""

    TABLES = [
        "CREATE TABLE admins (uuid char(36) PRIMARY KEY, email varchar(255) NOT NULL)",
        """CREATE TABLE admin_session_logs (
            uuid char(36) NOT NULL PRIMARY KEY, admin_uuid char(36) NULL,
            action varchar(255) NOT NULL, ip_address varchar(255) NULL,
            session_id varchar(255) NULL, url text NOT NULL, method varchar(255) NOT NULL,
            user_agent text NULL, created_at timestamp NULL, updated_at timestamp NULL,
            FOREIGN KEY (admin_uuid) REFERENCES admins (uuid) ON DELETE CASCADE)""",
    ]
    AS_UUID = "INSERT(INSERT(INSERT(INSERT(MD5({}), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')"

    def __init__(self, place):
        import pymysql

        options = {"charset": "utf8mb4", "autocommit": True, "local_infile": True}
        self.connection = patiently(
            lambda: pymysql.connect(unix_socket=place, user="root", **options),
            pymysql.err.OperationalError,
        )
        self.cursor = self.connection.cursor()
        self.cursor.execute("SET time_zone = '+00:00'")
        self.cursor.execute(
            "CREATE DATABASE IF NOT EXISTS bench CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        )
        self.cursor.execute("USE bench")

    def load(self, file, rows):
        for table in self.TABLES:
            self.cursor.execute(table)
        piece = tempfile.NamedTemporaryFile(suffix=".tsv", dir=os.path.dirname(file))
        admins, at = set(), NAMES.index("admin")
        with first_rows(file, rows) as source, piece:
            for line in source:
                piece.write(line)
                admins.add(line.split(b"\t", at + 1)[at].decode())
            piece.flush()
            uuid = self.AS_UUID.format("%s")
            self.cursor.executemany(
                f"INSERT INTO admins VALUES ({uuid}, %s)",
                [(admin, admin) for admin in sorted(admins - {"\\N"})],
            )
            variables = ", ".join(f"@{name}" for name in NAMES)
            started = time.perf_counter()
            self.cursor.execute(
                f"""LOAD DATA LOCAL INFILE '{piece.name}' INTO TABLE admin_session_logs
                CHARACTER SET utf8mb4 ({variables}) SET
                uuid = {self.AS_UUID.format("@id")}, admin_uuid = {self.AS_UUID.format("@admin")},
                action = @action, ip_address = @ip, session_id = @session, method = @method,
                url = CONCAT(@scheme, '://', @host, @path, IFNULL(CONCAT('?', @query), '')),
                user_agent = @user_agent, created_at = @time, updated_at = @time"""
            )
            seconds = time.perf_counter() - started
        self.cursor.execute("ANALYZE TABLE admin_session_logs")
        self.cursor.fetchall()
        self.cursor.execute("SELECT COUNT(*) FROM admin_session_logs")
        count = self.cursor.fetchone()[0]
        self.cursor.execute(
            "SELECT file_size FROM information_schema.innodb_sys_tablespaces "
            "WHERE name = 'bench/admin_session_logs'"
        )
        return {"seconds": seconds, "rows": count, "bytes": self.cursor.fetchone()[0]}

    def ask(self, statement):
        self.cursor.execute(statement)
        return len(self.cursor.fetchall())


class ClickHouse:
    """The engine inside this process: sorted by time, a part a month. It does not fsync."""

    def __init__(self, place):
        from chdb import session

        self.session = session.Session(place)

    def query(self, statement):
        return self.session.query(statement, "TabSeparated").bytes().decode()

    def load(self, file, rows):
        columns = ", ".join(f"`{name}` {kind}" for name, _, kind in COLUMNS)
        plain = ", ".join(f"`{name}` {kind.split(' CODEC')[0]}" for name, _, kind in COLUMNS)
        self.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.query(
            f"CREATE TABLE bench.events ({columns}) ENGINE = MergeTree "
            "PARTITION BY toYYYYMM(time) ORDER BY time"
        )
        structure = plain.replace("'", "\\'")
        started = time.perf_counter()
        self.query(
            f"INSERT INTO bench.events SELECT * FROM file('{file}', 'TabSeparated', '{structure}') "
            f"LIMIT {rows}"
        )
        seconds = time.perf_counter() - started
        self.query("OPTIMIZE TABLE bench.events FINAL")
        count = int(self.query("SELECT count() FROM bench.events"))
        size = "SELECT sum({}) FROM system.parts{} WHERE active AND table = 'events'{}"
        whole = int(self.query(size.format("bytes_on_disk", "", "")))
        ids = int(self.query(size.format("column_bytes_on_disk", "_columns", " AND column = 'id'")))
        return {"seconds": seconds, "rows": count, "bytes": whole, "bytes_without_ids": whole - ids}

    def ask(self, statement):
        return self.query(statement).count("\n")


def patiently(connect, error):
    """Servers take a moment to start."""
    until = time.monotonic() + 60
    while True:
        try:
            return connect()
        except error:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def first_rows(file, rows):
    """The first lines of a file, as something that can be read like one."""
    return Lines(open(file, "rb", buffering=1 << 20), rows)


class Lines:
    def __init__(self, source, rows):
        self.source = source
        self.lines = itertools.islice(source, rows)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.close()

    def __iter__(self):
        return self.lines

    def read(self, size):
        parts, length = [self.rest], len(self.rest)
        while length < size and (line := next(self.lines, None)):
            parts.append(line)
            length += len(line)
        whole = b"".join(parts)
        self.rest = whole[size:]
        return whole[:size]


def ask(peer, order):
    """As often as there is time for, but once in any case."""
    times, rows = [], 0
    until = time.perf_counter() + order["seconds"]
    while not times or (len(times) < order["most"] and time.perf_counter() < until):
        started = time.perf_counter()
        for statement in order["sql"]:
            rows = peer.ask(statement)
        times.append((time.perf_counter() - started) * 1e3)
    return {"ms": times, "rows": rows}


def main():
    kind, place = sys.argv[1:]
    peer = {"postgresql": PostgreSQL, "mariadb": MariaDB, "clickhouse": ClickHouse}[kind](place)
    # Libraries may print; the answers are what belongs on standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "load":
            answer = peer.load(order["file"], order["rows"])
        else:
            answer = ask(peer, order)
        print(json.dumps(answer), file=answers, flush=True)


main()

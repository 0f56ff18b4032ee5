-- Moments are microseconds since 1970 UTC; secrets are SHA-256 hashes, never the secrets.

CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    email         TEXT    NOT NULL,
    email_folded  TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    password_hash TEXT,
    role          TEXT    NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL,
    last_sign_in  INTEGER,
    preferences   TEXT    NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE identities (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    place    INTEGER NOT NULL,
    panel    TEXT,
    admin    TEXT    NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash      BLOB    PRIMARY KEY,
    account   INTEGER NOT NULL REFERENCES accounts (id),
    created   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    ip        TEXT,
    agent     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    hash    BLOB    PRIMARY KEY,
    purpose TEXT    NOT NULL,
    account INTEGER REFERENCES accounts (id),
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL,
    hash      BLOB    NOT NULL UNIQUE,
    scope     TEXT    NOT NULL,
    panels    TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    last_used INTEGER,
    revoked   INTEGER
) STRICT;

CREATE UNIQUE INDEX live_token_names ON tokens (name) WHERE revoked IS NULL;

CREATE TABLE bindings (
    panel      TEXT    NOT NULL,
    credential BLOB    NOT NULL,
    admin      TEXT    NOT NULL,
    admin_name TEXT,
    session    BLOB    NOT NULL,
    since      INTEGER NOT NULL,
    until      INTEGER,
    used       INTEGER NOT NULL,
    PRIMARY KEY (panel, credential)
) STRICT, WITHOUT ROWID;

-- Who has ever signed in where (folded); outlives the bindings.
CREATE TABLE known_admins (
    panel TEXT NOT NULL,
    admin TEXT NOT NULL,
    PRIMARY KEY (panel, admin)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

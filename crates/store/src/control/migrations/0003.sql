-- Whose an API token or a basic user of a panel is, as somebody has said. The token itself never
-- comes here: `fingerprint` is its keyed hash, the one that events carry as their session.
CREATE TABLE mapped_identities (
    panel       TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    basic_user  TEXT,
    admin       TEXT    NOT NULL,
    admin_name  TEXT,
    since       INTEGER NOT NULL,
    PRIMARY KEY (panel, fingerprint)
) STRICT, WITHOUT ROWID;

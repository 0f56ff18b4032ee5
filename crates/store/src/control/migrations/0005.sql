-- Persons to be erased and what came of it. `admin` is whom to erase, and gone as soon as nobody needs
-- it any more; `reason` has the pseudonym in place of the id, and fits its seal in the ledger by `blind`.
CREATE TABLE erasures (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    admin        TEXT,
    pseudonym    TEXT    NOT NULL UNIQUE,
    requested_by TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    approved_by  TEXT,
    approved_at  INTEGER,
    reason       TEXT    NOT NULL,
    blind        BLOB    NOT NULL,
    state        TEXT    NOT NULL,
    events       INTEGER,
    entry        INTEGER,
    done_at      INTEGER
) STRICT;

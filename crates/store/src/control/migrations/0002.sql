-- Whom the admin of a session acts as, and sessions that an owner ended: nothing of them passes.

ALTER TABLE bindings ADD COLUMN acting_as TEXT;

-- Also every credential that belonged to an ended session, under its own hash.
CREATE TABLE ended_sessions (
    panel   TEXT    NOT NULL,
    session BLOB    NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (panel, session)
) STRICT, WITHOUT ROWID;

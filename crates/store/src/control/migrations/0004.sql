-- What capture learned of a panel's routes and sign-in, as it wrote it down; no secret is in it.
CREATE TABLE learned (
    panel TEXT PRIMARY KEY,
    body  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

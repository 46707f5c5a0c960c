-- The outbox of kado, version 1. Times are milliseconds since 1970 in UTC.

-- One suite run, whatever folder it was found in (invariant I2).
CREATE TABLE run (
    id             INTEGER PRIMARY KEY,
    suite          TEXT    NOT NULL,
    started_ms     INTEGER NOT NULL,
    host           TEXT    NOT NULL,
    -- Counts runs that agree in all of the above and differ in their uuid; 0 for nearly all.
    twin           INTEGER NOT NULL DEFAULT 0,
    execution_uuid TEXT,
    project        TEXT    NOT NULL,
    folder         TEXT    NOT NULL,
    ended_ms       INTEGER,
    -- The parsed run with the settings and ids of the moment it finished (invariant I3), as JSON.
    snapshot       TEXT    NOT NULL,
    UNIQUE (suite, started_ms, host, twin)
) STRICT;

-- One suite run for one test plan: a row of `kado runs`.
CREATE TABLE submission (
    id              INTEGER PRIMARY KEY,
    run_id          INTEGER NOT NULL REFERENCES run (id),
    plan_id         INTEGER,
    -- How often a person asked for the same submission again.
    again           INTEGER NOT NULL DEFAULT 0,
    key             TEXT    NOT NULL UNIQUE,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'submitting', 'submitted', 'parked', 'ignored')),
    -- Why it waits, is parked or ignored.
    reason          TEXT,
    -- What kind of thing it waits for, for exit codes.
    cause           TEXT CHECK (cause IN ('credentials', 'no-token', 'unreachable', 'configuration')),
    next_attempt_ms INTEGER,
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- The whole submission plan as JSON, once it is made; it never changes but for late reports that are added.
    plan            TEXT,
    -- The snapshot that the plan was made from; the run's may be renewed on a person's word.
    snapshot        TEXT,
    -- Whether a request that creates the ADO run may have been carried out (invariant I5); survives planning anew.
    create_unclear  INTEGER NOT NULL DEFAULT 0,
    -- Why it is ignored, for those that may be taken up again by themselves: 'aborted' or 'forgotten'.
    ignored_as      TEXT,
    ado_run_id      INTEGER,
    url             TEXT,
    -- Things left out while sending, as JSON; those left out while planning stand in the plan.
    refused         TEXT    NOT NULL DEFAULT '[]',
    submitted_ms    INTEGER
) STRICT;
CREATE INDEX submission_by_state ON submission (state, next_attempt_ms);
CREATE INDEX submission_by_run ON submission (run_id);

-- The requests of a submission that write, in order (invariant I4).
CREATE TABLE step (
    submission_id INTEGER NOT NULL REFERENCES submission (id),
    position      INTEGER NOT NULL,
    step          TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('planned', 'intended', 'confirmed', 'refused')),
    -- What ADO answered, as JSON: ids of what was made.
    detail        TEXT,
    PRIMARY KEY (submission_id, position)
) STRICT;

-- What was confirmed, by whom and when; rows are only ever added.
CREATE TABLE ledger (
    id            INTEGER PRIMARY KEY,
    at_ms         INTEGER NOT NULL,
    submission_id INTEGER REFERENCES submission (id),
    event         TEXT    NOT NULL,
    detail        TEXT
) STRICT;

-- What the command line asks of a running service.
CREATE TABLE request (
    id       INTEGER PRIMARY KEY,
    asked_ms INTEGER NOT NULL,
    request  TEXT    NOT NULL,
    answer   TEXT
) STRICT;

-- Folders that need not be read again while they look the same.
CREATE TABLE folder (
    path        TEXT    PRIMARY KEY,
    fingerprint INTEGER NOT NULL
) STRICT;

-- Single facts, such as when kado first saw this machine.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

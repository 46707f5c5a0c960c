-- Version 3: which katalonc started a run, because a run folder does not say what it was told.

-- What was seen running when the run in a folder was young.
CREATE TABLE seen_command (
    folder   TEXT    PRIMARY KEY,
    seen_ms  INTEGER NOT NULL,
    -- Start, execution uuid and `ado*` options of each command that may have started the run, as JSON; `[]` for none.
    commands TEXT    NOT NULL
) STRICT;

-- Commands of `kado exec`: the runs of their project that start while they last are their own.
CREATE TABLE claim (
    id       INTEGER PRIMARY KEY,
    -- Folder of the project, without links.
    project  TEXT    NOT NULL,
    begun_ms INTEGER NOT NULL,
    -- When `kado exec` was last known to be there.
    seen_ms  INTEGER NOT NULL,
    -- When its command ended; NULL while it runs.
    ended_ms INTEGER,
    -- On what terms, as JSON.
    terms    TEXT    NOT NULL
) STRICT;
CREATE INDEX claim_by_begin ON claim (begun_ms);

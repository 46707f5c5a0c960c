-- A database before version 3 knows of no commands.

CREATE TEMP TABLE seen_command (folder TEXT PRIMARY KEY, seen_ms INTEGER, commands TEXT);
CREATE TEMP TABLE claim (
    id       INTEGER PRIMARY KEY,
    project  TEXT,
    begun_ms INTEGER,
    seen_ms  INTEGER,
    ended_ms INTEGER,
    terms    TEXT
);

-- The outbox of kado, schema 1. What the tables are for, and what a later schema has to keep, stands
-- at the head of `outbox.rs`.
--
-- Columns that end in `_ms` are milliseconds since 1970 in UTC. Columns with words have a CHECK, so
-- that a word of a later version is an error and no guess. JSON is what `serde` makes of the
-- program's types; only the program reads into it.

-- One suite run, whatever folder it was found in (invariant I2).
CREATE TABLE run (
    id             INTEGER PRIMARY KEY,
    suite          TEXT    NOT NULL,
    started_ms     INTEGER NOT NULL,
    -- In lower case; empty when the log does not say.
    host           TEXT    NOT NULL,
    -- Counts runs that agree in all of the above and differ in their uuid or project; 0 for nearly
    -- all.
    twin           INTEGER NOT NULL DEFAULT 0,
    -- Can come later than the rest.
    execution_uuid TEXT,
    -- Name of the Katalon project.
    project        TEXT    NOT NULL,
    -- Root of the project, as it compares: a run of another project is another run, unless it is known
    -- to be a copy.
    root           TEXT    NOT NULL,
    folder         TEXT    NOT NULL,
    -- End of the suite, or its last sign of life, and at the latest when it was noticed: the order of
    -- results in ADO.
    ended_ms       INTEGER,
    -- The parsed run with the settings and ids of the moment it finished (invariant I3), as JSON.
    snapshot       TEXT    NOT NULL,
    UNIQUE (suite, started_ms, host, twin)
) STRICT;
CREATE INDEX run_by_end ON run (ended_ms);

-- The suite runs that a collection that is submitted as one run consists of. A suite run counts once
-- (invariant I2): as a run of its own, or as a member.
CREATE TABLE run_member (
    run_id         INTEGER NOT NULL REFERENCES run (id),
    suite          TEXT    NOT NULL,
    started_ms     INTEGER NOT NULL,
    host           TEXT    NOT NULL,
    execution_uuid TEXT
) STRICT;
CREATE INDEX run_member_by_identity ON run_member (suite, started_ms, host);
CREATE INDEX run_member_by_run ON run_member (run_id);

-- How tests ended in the newest runs, for the history in a result's comment.
CREATE TABLE test_history (
    -- Digest of project, suite, test case and iteration: by them a test is the same one from run to run.
    subject    INTEGER NOT NULL,
    -- Start of the suite run, by which a result counts once, whatever it was recorded with.
    started_ms INTEGER NOT NULL,
    -- End of the run: the order of results.
    ended_ms   INTEGER NOT NULL,
    -- Whether it failed; else it passed.
    failed     INTEGER NOT NULL,
    -- Digest of the message of a failure that has one.
    message    INTEGER,
    PRIMARY KEY (subject, started_ms)
) STRICT, WITHOUT ROWID;

-- One suite run for one test plan: a row of `kado runs`.
CREATE TABLE submission (
    id              INTEGER PRIMARY KEY,
    run_id          INTEGER NOT NULL REFERENCES run (id),
    -- Where it goes, so that one server or test plan does not hold up another; '' for no server.
    server          TEXT    NOT NULL,
    plan_id         INTEGER,
    -- How often a person asked for the same submission again.
    again           INTEGER NOT NULL DEFAULT 0,
    -- kado's key: the run in ADO carries it, and is recognised by it.
    key             TEXT    NOT NULL UNIQUE,
    state           TEXT    NOT NULL
        CHECK (state IN ('pending', 'submitting', 'submitted', 'parked', 'ignored')),
    -- Why it waits, is parked or ignored.
    reason          TEXT,
    -- What it waits for. Newer runs of its test plan wait behind one that waits for Katalon.
    obstacle        TEXT
        CHECK (obstacle IN ('credentials', 'no-token', 'unreachable', 'configuration', 'katalon')),
    next_attempt_ms INTEGER,
    -- Attempts in a row that got no step further.
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- Everything to be sent, as JSON, once it is planned; it never changes but for late reports that
    -- are added.
    plan            TEXT,
    -- The snapshot that the plan was made from; the run's may be renewed on a person's word.
    snapshot        TEXT,
    -- Whether a request that creates the ADO run may have been carried out (invariant I5); survives
    -- planning anew.
    create_unclear  INTEGER NOT NULL DEFAULT 0,
    -- Why it is ignored, beside a setting: a 'forgotten' one is taken up again only by a person, one
    -- 'without-ids' when its test cases have some.
    ignored_as      TEXT CHECK (ignored_as IN ('aborted', 'forgotten', 'without-ids')),
    ado_run_id      INTEGER,
    url             TEXT,
    -- Whether Katalon submitted the run, so that kado sent nothing: the ADO run is Katalon's then.
    by_katalon      INTEGER NOT NULL DEFAULT 0,
    -- When it was submitted first; late reports do not change it.
    submitted_ms    INTEGER,
    -- What ADO holds of it, compared with what was planned, as JSON; NULL before it is completed.
    recount         TEXT
) STRICT;
CREATE INDEX submission_by_state ON submission (state, next_attempt_ms);
CREATE INDEX submission_by_run ON submission (run_id);

-- The requests of a submission that write, in order (invariant I4).
CREATE TABLE step (
    submission_id INTEGER NOT NULL REFERENCES submission (id),
    position      INTEGER NOT NULL,
    -- What is done, as JSON.
    step          TEXT    NOT NULL,
    state         TEXT    NOT NULL
        CHECK (state IN ('planned', 'intended', 'confirmed', 'refused')),
    -- What ADO answered, as JSON: ids of what was made.
    detail        TEXT,
    PRIMARY KEY (submission_id, position)
) STRICT;

-- What was left out of a submission while it was sent; what was left out while it was planned stands in
-- its plan.
CREATE TABLE refused (
    id            INTEGER PRIMARY KEY,
    submission_id INTEGER NOT NULL REFERENCES submission (id),
    -- What it is and why, as JSON. A step that is carried out again is refused again.
    item          TEXT    NOT NULL,
    UNIQUE (submission_id, item)
) STRICT;

-- What happened to submissions, and when; rows are only ever added.
CREATE TABLE ledger (
    id            INTEGER PRIMARY KEY,
    at_ms         INTEGER NOT NULL,
    submission_id INTEGER REFERENCES submission (id),
    event         TEXT    NOT NULL,
    detail        TEXT
) STRICT;
CREATE INDEX ledger_by_submission ON ledger (submission_id);

-- What the command line asks of a running service; both columns of text are JSON.
CREATE TABLE request (
    id       INTEGER PRIMARY KEY,
    asked_ms INTEGER NOT NULL,
    request  TEXT    NOT NULL,
    -- NULL while nobody has taken it up, JSON's `null` while nobody has answered.
    answer   TEXT
) STRICT;

-- Every run folder that was met, and what became of it.
CREATE TABLE folder (
    -- As it compares with other paths.
    path           TEXT    PRIMARY KEY,
    -- Root of its project, as it compares; NULL for none.
    project        TEXT,
    -- 'recorded': its run is in the outbox, by itself or as part of a collection.
    answer         TEXT    NOT NULL
        CHECK (answer IN ('recorded', 'older', 'unread', 'running', 'waiting')),
    -- Why it is not read, or what is waited for.
    reason         TEXT,
    -- Which run it holds; NULL when that is not known.
    suite          TEXT,
    started_ms     INTEGER,
    host           TEXT,
    execution_uuid TEXT,
    -- Of one that is older than the history: when its run ended.
    ended_ms       INTEGER,
    -- How it looked when it was settled, so that it need not be read again while it looks the same;
    -- NULL when it is to be read again.
    fingerprint    INTEGER,
    -- Since when it is gone; NULL while it is there. Of one that was not settled, nothing is left.
    gone_ms        INTEGER
) STRICT;
CREATE INDEX folder_by_run ON folder (suite, started_ms);

-- What decides about the runs of a project, in a number that changes with it, as it was when they
-- were decided last.
CREATE TABLE project_rules (
    project TEXT    PRIMARY KEY,
    rules   INTEGER NOT NULL
) STRICT;

-- Members that are over, of collections that are not: they become one run when the collection has
-- ended.
CREATE TABLE pending_member (
    -- The collection's folder.
    collection TEXT NOT NULL,
    -- The member's run folder below `Reports`.
    member     TEXT NOT NULL,
    -- Which run it is, as JSON, by which its copies are kept even by a version that cannot read the
    -- rest; NULL when that is not known.
    run        TEXT,
    -- The member's run with the settings and ids of the moment it was over (invariant I3), as JSON.
    content    TEXT NOT NULL,
    PRIMARY KEY (collection, member)
) STRICT;

-- What was seen of Katalon's own uploads, by server, ADO project and Katalon project.
CREATE TABLE katalon_upload (
    project     TEXT    PRIMARY KEY,
    -- The last test run of Katalon's that stood for a suite run, and when it was seen.
    seen_run_id INTEGER,
    seen_ms     INTEGER,
    -- How often one was looked for in vain since.
    vain        INTEGER NOT NULL DEFAULT 0,
    -- The newest test run that was compared with what kado had sent before.
    compared    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was seen running when the run in a folder was young: a run folder does not say by which
-- `katalonc` it was started.
CREATE TABLE seen_command (
    folder   TEXT    PRIMARY KEY,
    seen_ms  INTEGER NOT NULL,
    -- Start, execution uuid and `ado*` options of each command that may have started the run, as
    -- JSON; `[]` for none.
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

-- Test runs in ADO that show a suite while it runs (`submit.live`), from before each is made until its
-- submission has it, or it is ended.
CREATE TABLE live_run (
    -- kado's key, which its submission will have.
    key        TEXT    PRIMARY KEY,
    plan_id    INTEGER NOT NULL,
    -- NULL while it is not known whether it was made.
    ado_run_id INTEGER,
    -- Where a person sees it.
    url        TEXT,
    -- When its run folder was last seen with a suite that runs.
    seen_ms    INTEGER NOT NULL,
    -- Until when a request that writes into it may be under way, from any process; NULL when none is.
    asked_until_ms INTEGER,
    -- What is not shown of the suite.
    remark     TEXT,
    -- The run and where it goes, without its tests, as JSON.
    snapshot   TEXT    NOT NULL
) STRICT;

-- What people are to be told of (`[notify]`), as long as it is there.
CREATE TABLE cause (
    kind     TEXT    NOT NULL
        CHECK (kind IN ('parked', 'credentials', 'waiting', 'silence', 'folder')),
    -- Which one of its kind: a submission, a server, a folder.
    subject  TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    -- Which ways it was handed to, and how bad it was then, as JSON; `{}` while it is too young to be
    -- told.
    told     TEXT    NOT NULL,
    -- What there is to say of it, as JSON.
    account  TEXT    NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT;

-- What one way has to tell of one cause: its begin or its end. Several become one message.
CREATE TABLE notice (
    id      INTEGER PRIMARY KEY,
    way     TEXT NOT NULL CHECK (way IN ('webhook', 'command', 'log')),
    -- NULL until a message is made of it.
    message TEXT REFERENCES message (id),
    -- As JSON.
    content TEXT NOT NULL
) STRICT;
CREATE INDEX notice_by_message ON notice (message);

-- A message to one way: intended before it leaves, delivered when the other side has said so.
CREATE TABLE message (
    -- By this a receiver knows one that comes twice.
    id              TEXT    PRIMARY KEY,
    way             TEXT    NOT NULL CHECK (way IN ('webhook', 'command', 'log')),
    made_ms         INTEGER NOT NULL,
    state           TEXT    NOT NULL
        CHECK (state IN ('planned', 'intended', 'delivered', 'given_up')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_ms INTEGER,
    -- Why the last attempt came to nothing.
    reason          TEXT,
    -- When it was delivered, or given up.
    settled_ms      INTEGER
) STRICT;
CREATE INDEX message_by_way ON message (way, state);

-- Single facts: when kado first saw this machine, why folders are polled, what of the watched folders
-- is not seen (JSON), since when a server refuses its token.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

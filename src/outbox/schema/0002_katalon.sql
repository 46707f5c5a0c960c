-- The outbox of kado, version 2: Katalon's own submission of the same suite runs.

-- Whether Katalon submitted the run, so that kado sent nothing: `ado_run_id` and `url` are Katalon's then.
ALTER TABLE submission ADD COLUMN by_katalon INTEGER NOT NULL DEFAULT 0;
-- Whether it waits for Katalon's own submission; newer runs of its test plan wait behind it.
ALTER TABLE submission ADD COLUMN for_katalon INTEGER NOT NULL DEFAULT 0;

-- What was seen of Katalon's submissions, by server, ADO project and Katalon project.
CREATE TABLE katalon (
    project     TEXT    PRIMARY KEY,
    -- The last test run of Katalon's that stood for a suite run, and when it was seen.
    seen_run_id INTEGER,
    seen_ms     INTEGER,
    -- How often one was looked for in vain since.
    vain        INTEGER NOT NULL DEFAULT 0,
    -- The newest test run that was compared with what kado had sent before.
    compared    INTEGER NOT NULL DEFAULT 0
) STRICT;

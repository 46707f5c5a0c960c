-- How a database of version 1 is read without being changed: as if it had what version 2 brought.
CREATE TEMP VIEW submission AS SELECT *, 0 AS by_katalon, 0 AS for_katalon FROM main.submission;
CREATE TEMP TABLE katalon (project TEXT, seen_run_id INTEGER, seen_ms INTEGER, vain INTEGER, compared INTEGER);

-- How a database before version 6 is read without being changed. Before version 5 the table stands in already.
CREATE TEMP VIEW IF NOT EXISTS gathered AS SELECT *, NULL AS run FROM main.gathered;

-- How a database before version 5 is read without being changed: as if it had what that version brought.
CREATE TEMP VIEW run AS SELECT *, NULL AS members FROM main.run;
CREATE TEMP TABLE gathered (collection TEXT, member TEXT, held TEXT, run TEXT);

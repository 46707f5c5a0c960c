-- How a database before version 7 is read without being changed: as if it had what that version brought.
CREATE TEMP VIEW member AS
SELECT run.id AS run_id, json_extract(one.value, '$.suite') AS suite, json_extract(one.value, '$.started') AS started,
       json_extract(one.value, '$.host') AS host, json_extract(one.value, '$.execution_uuid') AS execution_uuid
FROM run, json_each(iif(json_valid(members), members, '[]')) AS one;

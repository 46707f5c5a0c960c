-- The outbox of kado, version 7: which suite runs are part of a collection that is one run.

-- An index over the column `members` of `run`, kept by the database itself.
CREATE TABLE member (
    run_id         INTEGER NOT NULL REFERENCES run (id),
    suite          TEXT    NOT NULL,
    -- As it stands in the column: RFC 3339 in UTC with three fraction digits.
    started        TEXT    NOT NULL,
    host           TEXT    NOT NULL,
    execution_uuid TEXT
) STRICT;
CREATE INDEX member_by_identity ON member (suite, started, host);
CREATE INDEX member_by_run ON member (run_id);

INSERT OR IGNORE INTO member (run_id, suite, started, host, execution_uuid)
SELECT run.id, json_extract(one.value, '$.suite'), json_extract(one.value, '$.started'), json_extract(one.value, '$.host'),
       json_extract(one.value, '$.execution_uuid')
FROM run, json_each(iif(json_valid(members), members, '[]')) AS one;

CREATE TRIGGER members_of_new_run AFTER INSERT ON run WHEN new.members IS NOT NULL BEGIN
    INSERT INTO member (run_id, suite, started, host, execution_uuid)
    SELECT new.id, json_extract(value, '$.suite'), json_extract(value, '$.started'), json_extract(value, '$.host'),
           json_extract(value, '$.execution_uuid')
    FROM json_each(new.members);
END;

CREATE TRIGGER members_of_run AFTER UPDATE OF members ON run BEGIN
    DELETE FROM member WHERE run_id = new.id;
    INSERT INTO member (run_id, suite, started, host, execution_uuid)
    SELECT new.id, json_extract(value, '$.suite'), json_extract(value, '$.started'), json_extract(value, '$.host'),
           json_extract(value, '$.execution_uuid')
    FROM json_each(coalesce(new.members, '[]'));
END;

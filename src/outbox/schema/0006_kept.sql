-- The outbox of kado, version 6: what is kept though it cannot be read, and what is forgotten in time.

-- Which run a gathered member is, as JSON; NULL when that is not known. By this its copies are kept, even by a version
-- that cannot read the rest. Letters of the host are lowered when this is read.
ALTER TABLE gathered ADD COLUMN run TEXT;
UPDATE gathered SET run = json_object(
    'suite', json_extract(held, '$.snapshot.run.suite'),
    'started', json_extract(held, '$.snapshot.run.started'),
    'host', coalesce(json_extract(held, '$.snapshot.run.environment.host'), ''),
    'execution_uuid', json_extract(held, '$.snapshot.run.execution_uuid'))
WHERE CASE WHEN json_valid(held) THEN json_extract(held, '$.snapshot.run.started') END IS NOT NULL;

-- Since when a settled folder is gone; NULL while it is there.
ALTER TABLE folder ADD COLUMN gone_ms INTEGER;

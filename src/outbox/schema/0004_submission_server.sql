-- The outbox of kado, version 4: which server a submission goes to, so that those of one server do not hold up those of another.
ALTER TABLE submission ADD COLUMN server TEXT NOT NULL DEFAULT '';
UPDATE submission SET server = coalesce(
    (SELECT lower(rtrim(json_extract(coalesce(submission.snapshot, run.snapshot), '$.options.server_url'), '/'))
     FROM run WHERE run.id = run_id), '');

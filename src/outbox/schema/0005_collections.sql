-- The outbox of kado, version 5: collections that are submitted as one run.

-- Of such a run the identities of its members, as JSON; their copies are kept for it.
ALTER TABLE run ADD COLUMN members TEXT;

-- Members that are over, of collections that are not: by the folders of both. They become one run when the collection
-- has ended.
CREATE TABLE gathered (
    collection TEXT NOT NULL,
    member     TEXT NOT NULL,
    -- The member's run with the settings and ids of the moment it was over (invariant I3), as JSON.
    held       TEXT NOT NULL,
    PRIMARY KEY (collection, member)
) STRICT;

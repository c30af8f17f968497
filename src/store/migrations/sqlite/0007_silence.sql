-- 1 while runs are watched: what was accepted while they were not is no news once they are.
ALTER TABLE watch ADD COLUMN is_on INTEGER NOT NULL DEFAULT 0;

CREATE INDEX watched_due ON watched (due_at);

-- What is known of the webhooks of each organization that was listened to.
CREATE TABLE hearing (
    organization TEXT PRIMARY KEY,
    heard_at INTEGER,                       -- when one with a good signature came last
    listens_since INTEGER NOT NULL,         -- since when without a longer break
    awake_at INTEGER NOT NULL,              -- when the relay is known to have listened last
    bad_signatures INTEGER NOT NULL,        -- how many with bad ones came since a good one
    told_at INTEGER                         -- when it was told that nothing is heard; NULL once something is
) STRICT, WITHOUT ROWID;

-- What Sentry said of issues, by the id that was asked for: of one that was merged, the survivor stands under both.
CREATE TABLE issue (
    group_id TEXT NOT NULL,                 -- event.group_id
    organization TEXT NOT NULL,
    issue TEXT,                             -- JSON; NULL where Sentry has none
    source TEXT NOT NULL,                   -- api, alert
    fetched_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, organization)    -- the id first: Sentry's ids grow, so new rows lie together
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_fetched ON issue (fetched_at);

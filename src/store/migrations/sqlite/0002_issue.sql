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

-- Runs are found by their issue as well: run_name.kind 'group', the issue's newest run.
INSERT INTO run_name (name, kind, organization, run_number)
SELECT group_id, 'group', organization, max(run_number) FROM event
WHERE group_id IS NOT NULL AND organization IS NOT NULL AND run_number IS NOT NULL GROUP BY group_id, organization;

-- 1 where the issue was not known in time, though a route asks for it.
ALTER TABLE event ADD COLUMN issue_unknown INTEGER NOT NULL DEFAULT 0;

-- What lists, searches and reports show of each run, so that none of them reads its events. Follows the events, their
-- deliveries and the issues within moments.
CREATE TABLE outline (
    run_number INTEGER PRIMARY KEY,         -- run.number
    started_at INTEGER NOT NULL,            -- when its first event was received
    organization TEXT NOT NULL,
    reached TEXT NOT NULL,                  -- how far it came
    classification TEXT,
    pull_requests INTEGER NOT NULL,
    stalls INTEGER NOT NULL,                -- how often it was noticed to stall
    root_cause_us INTEGER,                  -- how long its stages took, where both ends are known
    solution_us INTEGER,
    coding_us INTEGER,
    pull_request_us INTEGER,
    events INTEGER NOT NULL,
    outline TEXT NOT NULL,                  -- JSON: the run without what was written in it
    facets TEXT NOT NULL,                   -- JSON: [[kind, value], …], what `facet` has of it
    searched BLOB NOT NULL                  -- a fingerprint of what `search` has of it
) STRICT;
CREATE INDEX outline_started ON outline (started_at, run_number);
-- Everything that a report counts.
CREATE INDEX outline_report ON outline (started_at, organization, reached, classification, pull_requests, stalls,
    root_cause_us, solution_us, coding_us, pull_request_us);

-- By what runs are listed.
CREATE TABLE facet (
    kind TEXT NOT NULL,                     -- organization, repo, state, action, destination
    value TEXT NOT NULL,
    started_at INTEGER NOT NULL,            -- outline.started_at
    run_number INTEGER NOT NULL,            -- run.number
    PRIMARY KEY (kind, value, started_at, run_number)
) STRICT, WITHOUT ROWID;

-- The words by which a run is found; its rowid is run.number.
CREATE VIRTUAL TABLE search USING fts5(
    words, content = '', contentless_delete = 1, detail = none, prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);

-- One row: how far the catalogue has come.
CREATE TABLE catalogue (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seen_event INTEGER NOT NULL,            -- event.sequence
    seen_delivery INTEGER NOT NULL          -- delivery.number
) STRICT;
INSERT INTO catalogue (one, seen_event, seen_delivery) VALUES (1, 0, 0);

-- Runs that are to be looked at again though nothing of theirs is new: two became one, or their issue was described.
CREATE TABLE uncatalogued (
    run_number INTEGER PRIMARY KEY          -- run.number
) STRICT;

-- The catalogue anew, at a fifth of its size: everything in it follows from the events, and is filled in again from them.
DROP TABLE outline;
DROP TABLE facet;
DROP TABLE search;
DELETE FROM uncatalogued;
UPDATE catalogue SET seen_event = 0, seen_delivery = 0;

-- What lists, searches and reports show of each run, so that none of them reads its events. What a report counts comes
-- first.
CREATE TABLE outline (
    run_number INTEGER PRIMARY KEY,         -- run.number
    started_at INTEGER NOT NULL,            -- when its first event was received
    organization INTEGER NOT NULL,          -- label.id
    reached INTEGER NOT NULL,               -- how far it came: 0 unknown, 1 root cause started, 2 completed, … 7 pull request
    classification TEXT,
    opened INTEGER NOT NULL,                -- how many pull requests it opened
    stalls INTEGER NOT NULL,                -- how often it was noticed to stall
    root_cause_us INTEGER,                  -- how long its stages took, where both ends are known
    solution_us INTEGER,
    coding_us INTEGER,
    pull_request_us INTEGER,
    events INTEGER NOT NULL,
    first_event INTEGER NOT NULL,           -- event.sequence
    run_id TEXT,                            -- NULL where the first event says the same; so the next two
    sentry_run_id TEXT,
    group_id TEXT,
    state TEXT,                             -- NULL where it is how far it came
    updated_us INTEGER NOT NULL,            -- how long after the first event the newest was received
    stages TEXT NOT NULL,                   -- JSON: {stage: [state, µs after started_at to its start, to its end]}
    pull_requests TEXT,                     -- JSON; NULL where none was named
    labels TEXT NOT NULL,                   -- JSON: label.id of what `facet` has of it
    searched INTEGER NOT NULL               -- a fingerprint of what `search` has of it
) STRICT;

-- By what runs are listed, each once, as long as a run has it.
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                     -- organization, repo, state, action, destination
    value TEXT NOT NULL,
    UNIQUE (kind, value)
) STRICT;
CREATE TABLE facet (
    label_id INTEGER NOT NULL,              -- label.id
    run_number INTEGER NOT NULL,            -- run.number
    PRIMARY KEY (label_id, run_number)
) STRICT, WITHOUT ROWID;

-- The words by which a run is found; its rowid is run.number.
CREATE VIRTUAL TABLE search USING fts5(
    words, content = '', contentless_delete = 1, detail = none, prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);

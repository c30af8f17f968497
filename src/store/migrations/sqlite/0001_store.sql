-- Times are microseconds since 1970 in UTC. No text column holds NUL. References are not enforced: every statement
-- that removes rows removes what belongs to them, and a check at each insert would cost as much as the insert.

-- One row: what belongs to the store as a whole.
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    address_key BLOB NOT NULL               -- keys the fingerprints of the destinations' addresses
) STRICT;
INSERT INTO store (one, address_key) VALUES (1, randomblob(32));

-- One row, overwritten to learn whether as much as an event can be written.
CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    filler BLOB NOT NULL
) STRICT;
INSERT INTO probe (one, filler) VALUES (1, x'');

CREATE TABLE run (
    number INTEGER PRIMARY KEY,             -- the smaller, the older
    organization TEXT,
    opened_at INTEGER NOT NULL
) STRICT;

-- The names that lead to a run; several names of one run are several rows.
CREATE TABLE run_name (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,                     -- run_id, sentry_run_id; group: issue; content: fingerprint
    organization TEXT NOT NULL,
    run_number INTEGER NOT NULL,            -- run.number
    PRIMARY KEY (name, kind, organization)  -- the name first: Sentry's ids grow, so new rows lie together
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,           -- the order of acceptance
    id TEXT NOT NULL,
    organization TEXT,
    run_number INTEGER,                     -- run.number
    resource TEXT NOT NULL,
    action TEXT NOT NULL,
    run_id TEXT,
    sentry_run_id TEXT,
    group_id TEXT,
    iteration INTEGER,
    received_at INTEGER NOT NULL,
    sent_at INTEGER,
    fingerprint BLOB,
    due_at INTEGER,                         -- NULL once it is routed
    fence INTEGER NOT NULL DEFAULT 0,       -- goes up each time it waits anew
    replay INTEGER NOT NULL DEFAULT 0,      -- 1 while it waits to be routed anew
    planned_at INTEGER,
    routes TEXT                             -- JSON: names of the routes that matched; NULL until it is routed
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);
-- Leads to a run's events and to an equal one among them: runs grow at the end, fingerprints alone would scatter.
CREATE INDEX event_run ON event (run_number, fingerprint);
CREATE INDEX event_waiting ON event (sequence) WHERE due_at IS NOT NULL;

-- What an event's payload says, as the relay reads it; no row where it says nothing. Apart from `event`, so that a
-- claim does not write it again.
CREATE TABLE event_artifacts (
    sequence INTEGER PRIMARY KEY,           -- event.sequence
    artifacts TEXT NOT NULL                 -- JSON
) STRICT;

-- The webhook as it came; may be removed before its event is.
CREATE TABLE payload (
    sequence INTEGER PRIMARY KEY,           -- event.sequence
    headers TEXT NOT NULL,                  -- JSON: [[name, value], …]
    body BLOB NOT NULL
) STRICT;

CREATE TABLE destination (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    address_fingerprint BLOB,               -- HMAC-SHA-256 of the address under store.address_key
    gone_since INTEGER,
    held_until INTEGER
) STRICT;

-- A lane is the unfinished deliveries of one run for one destination. Of a lane the oldest alone has a `due_at`.
CREATE TABLE delivery (
    number INTEGER PRIMARY KEY,             -- the order of planning
    id TEXT NOT NULL,
    event_sequence INTEGER NOT NULL,        -- event.sequence
    run_number INTEGER NOT NULL,            -- run.number
    destination_id INTEGER NOT NULL,        -- destination.id
    part TEXT NOT NULL DEFAULT 'message',   -- message; room for card, reply, announcement
    origin TEXT NOT NULL,                   -- event, replay
    template_set TEXT,
    rung TEXT NOT NULL DEFAULT 'whole',
    state TEXT NOT NULL,                    -- waiting (or being sent, while leased), delivered, superseded, dead
    created_at INTEGER NOT NULL,
    first_due_at INTEGER,
    due_at INTEGER,                         -- NULL unless it is the oldest of its lane
    lease_until INTEGER,                    -- NULL while nobody has it
    fence INTEGER NOT NULL DEFAULT 0,       -- goes up with each claim
    attempts INTEGER NOT NULL DEFAULT 0,    -- all of them
    failures INTEGER NOT NULL DEFAULT 0,    -- those that count for the back-off
    last_status INTEGER,
    last_reason TEXT,
    finished_at INTEGER,
    replay_of INTEGER,                      -- delivery.number
    replayed_by INTEGER                     -- delivery.number
) STRICT;
CREATE UNIQUE INDEX delivery_id ON delivery (id);
CREATE INDEX delivery_event ON delivery (event_sequence, destination_id);
-- A delivery is in at most one of the next two, so a claim costs the same however much waits.
CREATE INDEX delivery_due ON delivery (destination_id, due_at) WHERE due_at IS NOT NULL AND lease_until IS NULL;
CREATE INDEX delivery_leased ON delivery (destination_id, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (run_number, destination_id, number) WHERE state = 'waiting';
CREATE INDEX delivery_dead ON delivery (destination_id, number) WHERE state = 'dead';

CREATE TABLE attempt (
    delivery_number INTEGER NOT NULL,       -- delivery.number
    attempt INTEGER NOT NULL,               -- from 1
    started_at INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    rung TEXT NOT NULL,
    status INTEGER,
    reason TEXT,
    words TEXT,
    PRIMARY KEY (delivery_number, attempt)
) STRICT, WITHOUT ROWID;

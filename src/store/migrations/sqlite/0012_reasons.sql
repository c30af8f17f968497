-- The routing tables by which events were routed, each once.
CREATE TABLE routing (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    routes TEXT NOT NULL,                   -- JSON: names, conditions, destinations, template sets
    used_at INTEGER NOT NULL                -- when it was used last, to an hour
) STRICT;

-- Why an event was routed as it was: the table, and in few letters what each of its conditions said. NULL until it is
-- routed, and for what an older version routed.
ALTER TABLE event ADD COLUMN routing INTEGER;   -- routing.number
ALTER TABLE event ADD COLUMN answers TEXT;
-- JSON: the values that conditions looked at; NULL where the event itself shows them all.
ALTER TABLE event ADD COLUMN seen TEXT;

-- How often it was routed anew because somebody replayed it.
ALTER TABLE event ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;

-- Of a delivery that is needless from the start because another event tells the same: that one, event.sequence.
ALTER TABLE delivery ADD COLUMN told_by INTEGER;

-- The template that made the message, as a path in the templates folder; NULL for a built-in one, empty where an older
-- version did not write it down.
ALTER TABLE attempt ADD COLUMN template TEXT DEFAULT '';

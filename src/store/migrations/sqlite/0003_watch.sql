-- One row: up to which event the runs were looked at for those that have fallen silent. What an older version took in is
-- no news any more.
CREATE TABLE watch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seen_sequence INTEGER NOT NULL          -- event.sequence
) STRICT;
INSERT INTO watch (one, seen_sequence) SELECT 1, coalesce(max(sequence), 0) FROM event;

-- Events up to that one whose runs are to be looked at again; few.
CREATE TABLE watched (
    sequence INTEGER PRIMARY KEY,           -- event.sequence
    due_at INTEGER NOT NULL,
    looks INTEGER NOT NULL                  -- how often it was looked at
) STRICT;

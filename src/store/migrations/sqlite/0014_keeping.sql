-- One row: up to which event payloads and diffs were removed, which may go before their run does.
CREATE TABLE strip (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seen_sequence INTEGER NOT NULL          -- event.sequence
) STRICT;
INSERT INTO strip (one, seen_sequence) VALUES (1, 0);

-- Events up to that one which still have theirs, because something of their run waited; few.
CREATE TABLE unstripped (
    sequence INTEGER PRIMARY KEY            -- event.sequence
) STRICT;

-- What somebody had removed for good: that it was, and nothing of what it was.
CREATE TABLE forgotten (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,                     -- run, repo
    name BLOB NOT NULL,                     -- HMAC-SHA-256 of the name under store.address_key
    runs INTEGER NOT NULL,
    events INTEGER NOT NULL,
    deliveries INTEGER NOT NULL
) STRICT;

-- Newest rows of what was forgotten, which stay empty until there is a newer one: a number that is given out anew would
-- make what is under way for the old row hold for the new one.
CREATE TABLE husk (
    kind TEXT NOT NULL,                     -- event, delivery
    number INTEGER NOT NULL,                -- event.sequence, delivery.number
    PRIMARY KEY (kind, number)
) STRICT, WITHOUT ROWID;

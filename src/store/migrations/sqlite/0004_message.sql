-- Where the first message of a run stands at a destination: what further ones answer.
CREATE TABLE message (
    run_number INTEGER NOT NULL,            -- run.number
    destination_id INTEGER NOT NULL,        -- destination.id
    channel TEXT NOT NULL,                  -- the platform's own name of its place
    id TEXT NOT NULL,                       -- the platform's own name of the message
    PRIMARY KEY (run_number, destination_id)
) STRICT, WITHOUT ROWID;

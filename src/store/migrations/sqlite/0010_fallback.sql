-- The destination that stands in for this one, as it was configured last: destination.id.
ALTER TABLE destination ADD COLUMN fallback INTEGER;

-- From when on the time runs after which the fallback takes over. Only of what waits for a destination that has one: of
-- each lane its card, and the first of the others.
ALTER TABLE delivery ADD COLUMN fallback_from INTEGER;
ALTER TABLE delivery ADD COLUMN fallback_of INTEGER;        -- delivery.number: what it stands for
ALTER TABLE delivery ADD COLUMN fallback_reason TEXT;       -- why that one was not taken, where that is known
ALTER TABLE delivery ADD COLUMN fallback_by INTEGER;        -- delivery.number: what stands for it
CREATE INDEX delivery_fallback ON delivery (destination_id, fallback_from)
    WHERE fallback_from IS NOT NULL AND state = 'waiting';

-- What is known of a destination that takes nothing, and what was told of that.
ALTER TABLE destination ADD COLUMN down_since INTEGER;      -- NULL while it takes deliveries
ALTER TABLE destination ADD COLUMN down_organization TEXT;  -- whose delivery it refused
ALTER TABLE destination ADD COLUMN down_is_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN down_told_at INTEGER;    -- when it was told last
ALTER TABLE destination ADD COLUMN dead_told_at INTEGER;    -- when dead letters were told last

-- 1 while dead letters are counted to be told; what died while they were not is no news once they are.
ALTER TABLE store ADD COLUMN counts_dead INTEGER NOT NULL DEFAULT 0;

-- Dead letters that were not told yet; few rows.
CREATE TABLE dead_untold (
    destination_id INTEGER NOT NULL,        -- destination.id
    reason TEXT NOT NULL,
    number INTEGER NOT NULL,
    organization TEXT NOT NULL,             -- of the last of them
    first_at INTEGER NOT NULL,
    PRIMARY KEY (destination_id, reason)
) STRICT, WITHOUT ROWID;

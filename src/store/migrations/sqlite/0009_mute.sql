-- Until when a mute holds a delivery back, itself or what stands before it in its lane: it is not due before then.
ALTER TABLE delivery ADD COLUMN held_until INTEGER;
-- JSON: which mutes hold it back, or why it was dropped; a dropped one is superseded from the start.
ALTER TABLE delivery ADD COLUMN muting TEXT;

-- JSON: whom it mentions, words of the routing file; NULL where nobody.
ALTER TABLE delivery ADD COLUMN mentions TEXT;
-- Of a card: whom it mentioned when it was posted.
ALTER TABLE message ADD COLUMN mentions TEXT;

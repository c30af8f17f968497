-- A fingerprint of what the message shows; NULL where that is not known.
ALTER TABLE message ADD COLUMN shows BLOB;

-- 1 from each claim on until an answer says what became of the attempt: it may have arrived.
ALTER TABLE delivery ADD COLUMN in_doubt INTEGER NOT NULL DEFAULT 0;

-- Of a lane the card goes first, then the oldest: what is announced beside a card comes after it.
DROP INDEX delivery_lane;
CREATE INDEX delivery_lane ON delivery (run_number, destination_id, part <> 'card', number) WHERE state = 'waiting';
-- Leads to the newest card of a run at a destination.
CREATE INDEX delivery_card ON delivery (run_number, destination_id, number) WHERE part = 'card';

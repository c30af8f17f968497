-- A digest is one delivery, its carrier, that is sent for all that it gathers. Until it is tried for the first time the
-- deliveries of further events for its destination join it, and are superseded from the start.

-- The digest that tells it: delivery.number of the carrier, which is in its own one too.
ALTER TABLE delivery ADD COLUMN digest INTEGER;
-- Of a carrier: when it is to be sent, and up to when it had gathered at its last claim.
ALTER TABLE delivery ADD COLUMN digest_due_at INTEGER;
ALTER TABLE delivery ADD COLUMN digest_until INTEGER;
CREATE INDEX delivery_digest ON delivery (digest, number) WHERE digest IS NOT NULL;

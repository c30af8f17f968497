-- Of an issue that was merged into another one: that one's id, as Sentry said last.
ALTER TABLE issue ADD COLUMN merged_into TEXT;
CREATE INDEX issue_merged ON issue (merged_into, organization) WHERE merged_into IS NOT NULL;

-- The run of the same issue before it, where there was one: run.number.
ALTER TABLE run ADD COLUMN earlier INTEGER;

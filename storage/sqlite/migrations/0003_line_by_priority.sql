-- The line of a channel is walked in the order in which it leaves: by priority,
-- then by time. By time alone every look at a long line read and sorted all of it.
-- +goose Up
PRAGMA user_version = 3;
DROP INDEX due;
CREATE INDEX due ON outbox(channel_id, priority, due_at) WHERE status = 1;

-- A receipt whose hash its message names in external is found by way of the
-- message. Only the others need an index by conversation, which cost a page of
-- its own in nearly every turn. Rows that were there before stay in it.
-- +goose Up
PRAGMA user_version = 2;
ALTER TABLE receipts ADD COLUMN by_message INTEGER NOT NULL DEFAULT 0; -- 1: messages.external of its row is the hash
DROP INDEX receipts_conversation;
CREATE INDEX receipts_conversation ON receipts(conversation_id) WHERE by_message = 0;

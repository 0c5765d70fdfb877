-- The schema of runtime.md 2.2. Times are milliseconds UTC, 0 = none; words of
-- the small numbers are in the views at the end. S = sealed with the contact's
-- key, Y = sealed with the system key, H = keyed hash.
-- +goose Up
PRAGMA user_version = 1;
CREATE TABLE contacts (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  uid         BLOB    NOT NULL UNIQUE,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  shard       INTEGER NOT NULL,                     -- hash(first identity) % 4096
  merged_into INTEGER REFERENCES contacts(id),
  profile     BLOB,                                 -- S
  tags        TEXT    NOT NULL DEFAULT '[]',        -- JSON list, no personal data
  version     INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX contacts_merged ON contacts(merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE contact_keys (
  contact_id INTEGER PRIMARY KEY REFERENCES contacts(id),
  kid        INTEGER NOT NULL,
  wrapped    BLOB    NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX contact_keys_kid ON contact_keys(kid);

CREATE TABLE identities (
  channel_id     INTEGER NOT NULL,
  addr           BLOB    NOT NULL,                  -- H
  contact_id     INTEGER NOT NULL REFERENCES contacts(id),
  address        BLOB,                              -- S
  display        BLOB,                              -- S
  verified       INTEGER NOT NULL CHECK (verified BETWEEN 0 AND 2),
  verified_until INTEGER NOT NULL,
  last_in_at     INTEGER NOT NULL,                  -- opens the reply window
  blocked        INTEGER NOT NULL,
  PRIMARY KEY (channel_id, addr)
) WITHOUT ROWID;
CREATE INDEX identities_contact ON identities(contact_id);

CREATE TABLE lookups (
  kind       INTEGER NOT NULL,
  hash       BLOB    NOT NULL,                      -- H
  contact_id INTEGER NOT NULL REFERENCES contacts(id),
  PRIMARY KEY (kind, hash, contact_id)
) WITHOUT ROWID;
CREATE INDEX lookups_contact ON lookups(contact_id);

CREATE TABLE conversations (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  uid             BLOB    NOT NULL UNIQUE,
  contact_id      INTEGER NOT NULL REFERENCES contacts(id),
  shard           INTEGER NOT NULL,
  channel_id      INTEGER NOT NULL,
  identity        BLOB,                             -- H, the opening address
  status          INTEGER NOT NULL CHECK (status IN (1, 2)),
  owner           INTEGER NOT NULL CHECK (owner BETWEEN 0 AND 3),
  phase           INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 7),
  owner_id        TEXT    NOT NULL,
  epoch           INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  turn_id         INTEGER NOT NULL,                 -- the turn that made this version
  last_seq        INTEGER NOT NULL,
  handled_seq     INTEGER NOT NULL,
  first_seq       INTEGER NOT NULL,
  priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  continues       INTEGER NOT NULL,
  revision        BLOB,
  position        TEXT    NOT NULL,
  state           BLOB,                             -- S
  card            BLOB,                             -- S
  opened_at       INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  first_reply_due INTEGER NOT NULL,
  next_reply_due  INTEGER NOT NULL,
  snoozed_until   INTEGER NOT NULL,
  resolved_at     INTEGER NOT NULL,
  resolved_why    TEXT    NOT NULL,
  unread          INTEGER NOT NULL,
  waiting_since   INTEGER NOT NULL,
  last_author     INTEGER NOT NULL,
  sim             INTEGER NOT NULL,
  escalated       INTEGER NOT NULL,
  holdout         INTEGER NOT NULL,
  labels          TEXT    NOT NULL                  -- JSON list
);
CREATE UNIQUE INDEX one_open ON conversations(contact_id) WHERE status <> 2;
CREATE INDEX episodes ON conversations(contact_id, opened_at);
CREATE INDEX queue    ON conversations(owner_id, priority DESC, opened_at) WHERE owner = 2;
CREATE INDEX mine     ON conversations(owner_id, updated_at) WHERE owner = 3;
CREATE INDEX byflow   ON conversations(position) WHERE owner = 1 AND status <> 2;
CREATE INDEX closed   ON conversations(resolved_at) WHERE status = 2;

CREATE TABLE messages (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL,
  seq             INTEGER NOT NULL,
  kind            INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),
  dir             INTEGER NOT NULL CHECK (dir BETWEEN 0 AND 2),
  visibility      INTEGER NOT NULL CHECK (visibility IN (0, 1)), -- 0 private 1 public
  author          INTEGER NOT NULL CHECK (author BETWEEN 1 AND 6),
  author_id       TEXT    NOT NULL,
  at              INTEGER NOT NULL,
  platform_at     INTEGER NOT NULL,
  body            BLOB,                             -- S
  trace           BLOB,                             -- S
  cause_seq       INTEGER NOT NULL,
  revision        BLOB,
  rule            TEXT    NOT NULL,
  delivery        INTEGER NOT NULL CHECK (delivery BETWEEN 0 AND 8),
  reason          TEXT    NOT NULL,
  external        BLOB,                             -- H
  edited          INTEGER NOT NULL,
  removed         INTEGER NOT NULL
);
CREATE UNIQUE INDEX thread ON messages(conversation_id, seq);

CREATE TABLE seen (
  channel_id INTEGER NOT NULL,
  at_s       INTEGER NOT NULL,
  key        BLOB    NOT NULL,
  day        INTEGER NOT NULL,                      -- of arrival
  PRIMARY KEY (channel_id, at_s, key)
) WITHOUT ROWID;

CREATE TABLE outbox (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  uid             BLOB    NOT NULL,
  conversation_id INTEGER NOT NULL,
  seq             INTEGER NOT NULL,
  part            INTEGER NOT NULL,
  kind            INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
  channel_id      INTEGER NOT NULL,
  origin          INTEGER NOT NULL CHECK (origin BETWEEN 1 AND 3),
  epoch           INTEGER NOT NULL,
  status          INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
  attempt         INTEGER NOT NULL,
  due_at          INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  lease_node      INTEGER NOT NULL,
  lease_until     INTEGER NOT NULL,
  marked_at       INTEGER NOT NULL,
  priority        INTEGER NOT NULL,
  request         BLOB,                             -- S
  error           TEXT    NOT NULL
);
CREATE INDEX due  ON outbox(channel_id, due_at) WHERE status = 1;
CREATE INDEX conv ON outbox(conversation_id, id);
CREATE INDEX lost ON outbox(lease_until) WHERE status = 2;
CREATE INDEX held ON outbox(due_at) WHERE status = 3;

CREATE TABLE timers (
  conversation_id INTEGER NOT NULL,
  name            TEXT    NOT NULL,
  id              INTEGER NOT NULL,
  due_at          INTEGER NOT NULL,
  spec            BLOB,                             -- S
  attempt         INTEGER NOT NULL,
  lease_until     INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (conversation_id, name)
) WITHOUT ROWID;
CREATE INDEX timers_due ON timers(due_at);

CREATE TABLE handoffs (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversations(id),
  parent          INTEGER NOT NULL,
  queue           TEXT    NOT NULL,
  cause           INTEGER NOT NULL,                 -- index into dm.Causes
  reason          TEXT    NOT NULL,
  priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  skills          TEXT    NOT NULL,
  packet          BLOB,                             -- S
  created_at      INTEGER NOT NULL,
  promised_at     INTEGER NOT NULL,
  claimed_at      INTEGER NOT NULL,
  claimed_by      TEXT    NOT NULL,
  ended_at        INTEGER NOT NULL,
  ended           TEXT    NOT NULL
);
CREATE INDEX handoffs_open ON handoffs(queue, priority DESC, created_at) WHERE claimed_at = 0 AND ended_at = 0;
CREATE INDEX handoffs_conversation ON handoffs(conversation_id, id);

CREATE TABLE ownership (
  conversation_id INTEGER NOT NULL REFERENCES conversations(id),
  epoch           INTEGER NOT NULL,
  owner           INTEGER NOT NULL,
  phase           INTEGER NOT NULL,
  owner_id        TEXT    NOT NULL,
  lent_by         TEXT    NOT NULL,
  lent_flow       TEXT    NOT NULL,
  since           INTEGER NOT NULL,
  since_cause     TEXT    NOT NULL,
  since_by        TEXT    NOT NULL,
  until           INTEGER NOT NULL,
  until_cause     TEXT    NOT NULL,
  until_by        TEXT    NOT NULL,
  handoff_id      INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, epoch)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_interval ON ownership(conversation_id) WHERE until = 0;

-- Offers, promises, clocks, resolutions, visits and drafts: rows of one shape.
CREATE TABLE desk (
  conversation_id INTEGER NOT NULL REFERENCES conversations(id),
  tbl             TEXT    NOT NULL CHECK (tbl IN ('offer', 'promise', 'clock', 'resolution', 'visit', 'draft')),
  id              TEXT    NOT NULL,
  at              INTEGER NOT NULL,
  due             INTEGER NOT NULL,
  ended           INTEGER NOT NULL,
  queue           TEXT    NOT NULL,
  state           TEXT    NOT NULL,
  body            BLOB,                             -- JSON without personal data; drafts: S
  PRIMARY KEY (conversation_id, tbl, id)
) WITHOUT ROWID;

CREATE TABLE outcomes (
  id              INTEGER PRIMARY KEY,
  conversation_id INTEGER UNIQUE,                   -- NULL once the person was erased
  day             INTEGER NOT NULL,
  channel_id      INTEGER NOT NULL,
  revision        BLOB,
  entry           TEXT    NOT NULL,
  outcome         TEXT    NOT NULL CHECK (outcome IN ('bot_resolved', 'person_resolved', 'customer_left_bot', 'customer_left_queue', 'stopped', 'proactive', 'public_only')),
  reason          TEXT    NOT NULL,
  queue           TEXT    NOT NULL,
  turns           INTEGER NOT NULL,
  bot_ms          INTEGER NOT NULL,
  wait_ms         INTEGER NOT NULL,
  human_ms        INTEGER NOT NULL,
  reopened        INTEGER NOT NULL,
  csat            INTEGER NOT NULL,
  holdout         INTEGER NOT NULL,
  bot_spoke       INTEGER NOT NULL,
  person_spoke    INTEGER NOT NULL,
  handed_off      INTEGER NOT NULL,
  body            BLOB
);
CREATE INDEX outcomes_day ON outcomes(day);

CREATE TABLE events (
  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- the cursor: the one writer numbers in commit order
  at              INTEGER NOT NULL,
  conversation_id INTEGER NOT NULL,
  uid             BLOB,
  seq             INTEGER NOT NULL,
  type            TEXT    NOT NULL,
  topics          TEXT    NOT NULL,
  ref             TEXT    NOT NULL
);

CREATE TABLE receipts (
  channel_id      INTEGER NOT NULL,
  hash            BLOB    NOT NULL,                 -- H
  conversation_id INTEGER NOT NULL,
  seq             INTEGER NOT NULL,
  at              INTEGER NOT NULL,
  PRIMARY KEY (channel_id, hash)
) WITHOUT ROWID;
CREATE INDEX receipts_conversation ON receipts(conversation_id);

CREATE TABLE parked (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  channel_id INTEGER NOT NULL,
  event      BLOB    NOT NULL,                      -- Y
  error      TEXT    NOT NULL,
  attempt    INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  seen       BLOB
);

CREATE TABLE media (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversations(id),
  seq             INTEGER NOT NULL,
  type            TEXT    NOT NULL,
  size            INTEGER NOT NULL,
  sha             BLOB,
  name            BLOB,                             -- S
  key             BLOB,                             -- S, the file's own key
  path            TEXT    NOT NULL
);
CREATE INDEX media_conversation ON media(conversation_id, seq);

CREATE TABLE records (
  kind       INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  version    INTEGER NOT NULL,
  lookup     BLOB,
  expires_at INTEGER,
  body       BLOB,                                  -- Y when it holds secrets, else JSON
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX records_lookup  ON records(kind, lookup) WHERE lookup IS NOT NULL;
CREATE INDEX records_expires ON records(expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE audit (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  verb     TEXT    NOT NULL,
  object   TEXT    NOT NULL,
  detail   BLOB,                                    -- Y
  chain_no INTEGER UNIQUE,
  hash     BLOB
);
CREATE INDEX audit_unchained ON audit(id) WHERE chain_no IS NULL;

CREATE TABLE erasures (
  tag BLOB PRIMARY KEY,                             -- H of the contact's uid
  at  INTEGER NOT NULL,
  by  TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE rollups (
  day  INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  key  TEXT    NOT NULL,
  n    INTEGER NOT NULL,
  sum  INTEGER NOT NULL,
  PRIMARY KEY (kind, day, key)
) WITHOUT ROWID;

CREATE VIEW v_conversations AS
SELECT id, lower(hex(uid)) AS uid, contact_id, channel_id,
  CASE status WHEN 1 THEN 'open' ELSE 'resolved' END AS status,
  CASE owner WHEN 0 THEN 'none' WHEN 1 THEN 'bot' WHEN 2 THEN 'queue' ELSE 'agent' END AS owner,
  CASE phase WHEN 0 THEN 'new' WHEN 1 THEN 'bot' WHEN 2 THEN 'lent' WHEN 3 THEN 'after' WHEN 4 THEN 'queue'
             WHEN 5 THEN 'agent' WHEN 6 THEN 'parked' ELSE 'closed' END AS phase,
  owner_id, epoch, version, last_seq, handled_seq,
  CASE priority WHEN 0 THEN 'low' WHEN 1 THEN 'normal' WHEN 2 THEN 'high' ELSE 'urgent' END AS priority,
  position, lower(hex(revision)) AS revision, continues, resolved_why, unread, labels, escalated, holdout, sim,
  datetime(opened_at / 1000, 'unixepoch') AS opened_at,
  datetime(updated_at / 1000, 'unixepoch') AS updated_at,
  datetime(nullif(waiting_since, 0) / 1000, 'unixepoch') AS waiting_since,
  datetime(nullif(snoozed_until, 0) / 1000, 'unixepoch') AS snoozed_until,
  datetime(nullif(resolved_at, 0) / 1000, 'unixepoch') AS resolved_at
FROM conversations;

CREATE VIEW v_messages AS
SELECT id, conversation_id, seq,
  CASE kind WHEN 1 THEN 'text' WHEN 2 THEN 'tap' WHEN 3 THEN 'media' WHEN 4 THEN 'form' WHEN 5 THEN 'note'
            WHEN 6 THEN 'event' ELSE 'mention' END AS kind,
  CASE dir WHEN 0 THEN 'none' WHEN 1 THEN 'in' ELSE 'out' END AS dir,
  CASE visibility WHEN 0 THEN 'private' ELSE 'public' END AS visibility,
  CASE author WHEN 1 THEN 'customer' WHEN 2 THEN 'bot' WHEN 3 THEN 'agent' WHEN 4 THEN 'agent_native'
              WHEN 5 THEN 'system' ELSE 'notice' END AS author,
  author_id, cause_seq, rule, lower(hex(revision)) AS revision,
  CASE delivery WHEN 0 THEN 'none' WHEN 1 THEN 'pending' WHEN 2 THEN 'sending' WHEN 3 THEN 'unknown' WHEN 4 THEN 'sent'
                WHEN 5 THEN 'delivered' WHEN 6 THEN 'read' WHEN 7 THEN 'failed' ELSE 'cancelled' END AS delivery,
  reason, edited, removed, length(body) AS sealed_bytes,
  datetime(at / 1000, 'unixepoch') AS at
FROM messages;

CREATE VIEW v_outcomes AS
SELECT id, conversation_id, date(day * 86400, 'unixepoch') AS day, channel_id, lower(hex(revision)) AS revision,
  entry, outcome, reason, queue, turns, bot_ms, wait_ms, human_ms, reopened, nullif(csat, 0) AS csat, holdout,
  bot_spoke, person_spoke, handed_off
FROM outcomes;

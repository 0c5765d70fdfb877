package sqlite

import (
	"context"
	"fmt"

	"dispatcher/storage"
)

// reports are the statements of Report by name; each uses as many of
// (now, from, to) as it has parameters.
func reports() map[string]string {
	return map[string]string{
		"owners": `SELECT owner, phase, count(*) AS n FROM v_conversations WHERE status = 'open' GROUP BY owner, phase ORDER BY owner, phase`,
		"queues": `SELECT owner_id AS queue, priority, count(*) AS waiting, min(coalesce(nullif(waiting_since, 0), opened_at)) AS oldest,
 sum(coalesce(nullif(next_reply_due, 0), nullif(first_reply_due, 0), ?1) < ?1) AS late
 FROM conversations WHERE owner = 2 AND status <> 2 GROUP BY owner_id, priority ORDER BY owner_id, priority DESC`,
		"outcomes": `SELECT outcome, reason, queue, count(*) AS n, sum(turns) AS turns, sum(bot_ms) AS bot_ms, sum(wait_ms) AS wait_ms, sum(human_ms) AS human_ms,
 sum(bot_spoke AND NOT handed_off AND NOT person_spoke) AS bot_only, sum(reopened) AS reopened
 FROM outcomes WHERE day >= ?2 / 86400000 AND (?3 = 0 OR day < (?3 + 86399999) / 86400000) AND ?1 > 0
 GROUP BY outcome, reason, queue ORDER BY outcome, reason, queue`,
		"outbox": `SELECT channel_id, CASE status WHEN 1 THEN 'pending' WHEN 2 THEN 'sending' WHEN 3 THEN 'unknown' ELSE 'failed' END AS status,
 count(*) AS n, min(due_at) AS oldest FROM outbox GROUP BY channel_id, status ORDER BY channel_id, status`,
		"parked": `SELECT channel_id, error, count(*) AS n, min(created_at) AS oldest FROM parked GROUP BY channel_id, error ORDER BY channel_id, error`,
		"timers": `SELECT CASE instr(name, ':') WHEN 0 THEN name ELSE substr(name, 1, instr(name, ':') - 1) END AS kind, count(*) AS n, min(due_at) AS next,
 sum(due_at <= ?1) AS late FROM timers GROUP BY kind ORDER BY kind`,
		"position": `SELECT position, lower(hex(revision)) AS revision, count(*) AS n, min(updated_at) AS oldest FROM conversations
 WHERE owner = 1 AND status <> 2 GROUP BY position, revision ORDER BY position, revision`,
		"revisions": `SELECT lower(hex(revision)) AS revision FROM conversations WHERE revision IS NOT NULL
 UNION SELECT lower(hex(revision)) FROM messages WHERE revision IS NOT NULL`,
		"schema": `SELECT user_version AS schema, sqlite_version() AS sqlite, (SELECT page_size FROM pragma_page_size) AS page_size FROM pragma_user_version`,
	}
}

// Report implements storage.Store. Counts only, nothing personal.
func (s *Store) Report(ctx context.Context, q storage.ReportQuery) (storage.Table, error) {
	text, ok := reports()[q.Name]
	if !ok {
		return storage.Table{}, fmt.Errorf("storage: report: none called %q", q.Name)
	}
	if s.closed() {
		return storage.Table{}, storage.ErrClosed
	}
	if q.Now == 0 {
		q.Now = s.nowMS()
	}
	args := map[string][]any{"queues": {q.Now}, "timers": {q.Now}, "outcomes": {q.Now, q.From, q.To}}[q.Name]
	rows, err := s.walkDB.QueryContext(ctx, text, args...)
	if err != nil {
		return storage.Table{}, environment("report "+q.Name, err)
	}
	var out storage.Table
	if out.Cols, err = rows.Columns(); err != nil {
		rows.Close()
		return out, environment("report "+q.Name, err)
	}
	err = streamRows(q.Name, rows, func(r storage.Row) error {
		out.Rows = append(out.Rows, r.Vals)
		return nil
	})
	return out, environment("report "+q.Name, err)
}

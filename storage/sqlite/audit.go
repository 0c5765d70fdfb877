package sqlite

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"dispatcher/storage"
)

// chainSlice is how many audit rows one transaction chains.
const chainSlice = 500

// SetAuditKey gives the store the key of the audit chain; the vault that
// derives it opens after the store. Rows written before are chained then.
func (s *Store) SetAuditKey(key []byte) {
	own := bytes.Clone(key)
	s.auditKey.Store(&own)
	s.wakeChain()
}

func (s *Store) wakeChain() {
	select {
	case s.auditWake <- struct{}{}:
	default:
	}
}

// chains chains new audit rows until Close. It gathers for a moment, so that
// a burst of entries costs one commit.
func (s *Store) chains() {
	wait := time.NewTimer(s.opt.AuditEvery)
	defer wait.Stop()
	woken := false
	for {
		select {
		case <-s.closing:
			return
		case <-s.auditWake:
			if !woken {
				woken = true
				wait.Reset(min(s.opt.AuditEvery, 2*time.Second))
			}
			continue
		case <-wait.C:
		}
		woken = false
		if err := s.chain(context.Background()); err != nil {
			s.log.Warn("storage.audit_chain", "code", codeOf(err))
		}
		wait.Reset(s.opt.AuditEvery)
	}
}

// chain chains every row that is not chained yet.
func (s *Store) chain(ctx context.Context) error {
	for {
		pending, err := s.unchained(ctx)
		if err != nil || !pending {
			return err
		}
		more := false
		err = s.write(ctx, "audit chain", func(t *tx) (err error) {
			more, err = t.chainSlice(*s.auditKey.Load())
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// unchained asks a reader first, so that an idle deployment writes nothing.
func (s *Store) unchained(ctx context.Context) (pending bool, err error) {
	if s.auditKey.Load() == nil {
		return false, nil
	}
	var id int64
	err = s.read(ctx, "audit chain", func(t *tx) error {
		pending, err = t.one("SELECT id FROM audit WHERE chain_no IS NULL LIMIT 1", nil, &id)
		return err
	})
	return pending, err
}

// finalChain leaves no row unchained at Close; it has the writer to itself.
func (s *Store) finalChain(c *conn) {
	key := s.auditKey.Load()
	for more := key != nil; more; {
		err := s.inTx(c, "audit chain", func(t *tx) (err error) {
			more, err = t.chainSlice(*key)
			return err
		})
		if err != nil {
			s.log.Warn("storage.audit_chain", "at", "close", "code", codeOf(err))
			return
		}
	}
}

func (t *tx) chainSlice(key []byte) (more bool, err error) {
	var no int64
	var prev []byte
	if _, err = t.one("SELECT chain_no, hash FROM audit WHERE chain_no IS NOT NULL ORDER BY chain_no DESC LIMIT 1", nil, &no, &prev); err != nil {
		return false, err
	}
	var rows []storage.AuditEntry
	var e storage.AuditEntry
	err = t.each("SELECT id, at, actor, verb, object, detail FROM audit WHERE chain_no IS NULL ORDER BY id LIMIT ?", []any{chainSlice},
		[]any{&e.ID, &e.At, &e.Actor, &e.Verb, &e.Object, &e.Detail}, func() error {
			rows = append(rows, e)
			e.Detail = nil
			return nil
		})
	if err != nil {
		return false, err
	}
	for i := range rows {
		no++
		rows[i].ChainNo = no
		prev = storage.ChainHash(key, prev, rows[i])
		if _, err := t.exec("UPDATE audit SET chain_no = ?, hash = ? WHERE id = ?", no, prev, rows[i].ID); err != nil {
			return false, err
		}
	}
	return len(rows) == chainSlice, nil
}

func (g *gathered) addAudit(entries []storage.AuditEntry, now int64) {
	for i := range entries {
		e := &entries[i]
		g.audit.add(orNow(e.At, now), e.Actor, e.Verb, e.Object, blob(e.Detail))
	}
}

// Trail implements storage.Store.
func (s *Store) Trail(ctx context.Context, q storage.TrailQuery) (page storage.Page[storage.AuditEntry], err error) {
	n := pageSizeOf(q.N)
	text, args := "SELECT id, at, actor, verb, object, detail, chain_no, hash FROM audit WHERE at >= ?", []any{q.Since}
	if q.Actor != "" {
		text, args = text+" AND actor = ?", append(args, q.Actor)
	}
	if q.Verb != "" {
		text, args = text+" AND verb = ?", append(args, q.Verb)
	}
	if q.Cursor != "" {
		before, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil {
			return page, storage.ErrNotFound
		}
		text, args = text+" AND id < ?", append(args, before)
	}
	err = s.read(ctx, "audit trail", func(t *tx) error {
		var e storage.AuditEntry
		return t.each(text+" ORDER BY id DESC LIMIT ?", append(args, n+1),
			[]any{&e.ID, &e.At, &e.Actor, &e.Verb, &e.Object, &e.Detail, orZero{&e.ChainNo}, &e.Hash}, func() error {
				page.Items = append(page.Items, e)
				return nil
			})
	})
	if len(page.Items) > n {
		page.Items = page.Items[:n]
		page.Next = strconv.FormatInt(page.Items[n-1].ID, 10)
	}
	return page, err
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"dispatcher/inbox"
	"dispatcher/storage"
	"dispatcher/storage/sqlite"
	"dispatcher/vault"
)

// Read opens the data folder of a stopped service with its master key and
// reads everything that a Book compares, unsealed.
func Read(dir, key string) (*Store, error) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return nil, fmt.Errorf("ledger: open: %w", err)
	}
	r := &reading{contacts: map[int64]*storage.Contact{}, convs: map[int64]int{}, out: &Store{}}
	if r.vault, err = openVault(ctx, s, key); err == nil {
		err = s.Walk(ctx, storage.WalkQuery{Tables: []string{"contacts", "contact_keys", "identities", "conversations", "messages", "outbox", "parked"}}, r.row)
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, fmt.Errorf("ledger: read: %w", err)
	}
	r.out.Integrity, err = Integrity(dir)
	return r.out, err
}

// openVault opens the vault of a store with a master key of tests.
func openVault(ctx context.Context, s storage.Store, key string) (*vault.Vault, error) {
	keys, err := vault.ParseKeys([]byte(key))
	if err != nil {
		return nil, err
	}
	root, err := s.Get(ctx, storage.KindSetting, []byte("root_salt"))
	if err != nil {
		return nil, err
	}
	return vault.Open(keys, root.Body)
}

// Integrity says what SQLite thinks of the database in a folder: "ok", or what is wrong.
func Integrity(dir string) (string, error) {
	db, err := open(dir)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var said []string
	for _, check := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
		rows, err := db.Query(check)
		if err != nil {
			return "", fmt.Errorf("ledger: %s: %w", check, err)
		}
		for rows.Next() {
			cols, err := rows.Columns()
			if err != nil {
				return "", err
			}
			vals := make([]any, len(cols))
			for i := range vals {
				vals[i] = new(any)
			}
			if err := rows.Scan(vals...); err != nil {
				return "", err
			}
			said = append(said, fmt.Sprint(*vals[0].(*any)))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return "", err
		}
	}
	return strings.Join(said, "; "), nil
}

// Unsettled counts the outbox rows of a running or stopped service that are in
// no final state.
func Unsettled(dir string) (n int, err error) {
	db, err := open(dir)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRow("SELECT count(*) FROM outbox WHERE kind <= 2 AND status <= 3").Scan(&n)
	return n, err
}

// open opens the file beside whoever has it open, for reading.
func open(dir string) (*sql.DB, error) {
	path := (&url.URL{Path: filepath.Join(dir, sqlite.File)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=query_only(ON)")
	if err != nil {
		return nil, fmt.Errorf("ledger: open: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// reading turns rows into a Store, parents first.
type reading struct {
	vault    *vault.Vault
	contacts map[int64]*storage.Contact
	who      map[int64]string
	convs    map[int64]int // id → place in out.Conversations
	uids     map[int64]storage.UID
	keys     map[int64]*inbox.Reader
	owner    map[int64]int64
	out      *Store
}

// cells gives a row's values by column.
func cells(r storage.Row) func(name string) any {
	return func(name string) any {
		for i, c := range r.Cols {
			if c == name {
				return r.Vals[i]
			}
		}
		return nil
	}
}

func integer(v any) int64 { n, _ := v.(int64); return n }
func bytesOf(v any) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	return nil
}
func (r *reading) row(row storage.Row) error {
	get := cells(row)
	switch row.Table {
	case "contacts":
		c := &storage.Contact{ID: integer(get("id"))}
		copy(c.UID[:], bytesOf(get("uid")))
		r.contacts[c.ID] = c
	case "contact_keys":
		return r.key(get)
	case "identities":
		return r.identity(get)
	case "conversations":
		r.conversation(get)
	case "messages":
		return r.message(get)
	case "outbox":
		if integer(get("kind")) <= 2 && integer(get("status")) <= 3 {
			r.out.Unsettled++
		}
	case "parked":
		r.out.Parked++
	}
	return nil
}

func (r *reading) key(get func(string) any) error {
	c := r.contacts[integer(get("contact_id"))]
	if c == nil {
		return fmt.Errorf("key of contact %d, which is not there", integer(get("contact_id")))
	}
	c.KeyID, c.Wrapped = storage.KeyID(integer(get("kid"))), bytesOf(get("wrapped"))
	reader, err := inbox.NewReader(r.vault, *c)
	if err != nil {
		return err
	}
	if r.keys == nil {
		r.keys, r.who, r.uids, r.owner = map[int64]*inbox.Reader{}, map[int64]string{}, map[int64]storage.UID{}, map[int64]int64{}
	}
	r.keys[c.ID] = reader
	return nil
}

func (r *reading) identity(get func(string) any) error {
	id := integer(get("contact_id"))
	reader := r.keys[id]
	if reader == nil {
		return fmt.Errorf("identity of contact %d, which has no key", id)
	}
	a, err := reader.Address(storage.Identity{Channel: integer(get("channel_id")), Address: bytesOf(get("address"))})
	r.who[id] = a.Thread
	return err
}

func (r *reading) conversation(get func(string) any) {
	id := integer(get("id"))
	var uid storage.UID
	copy(uid[:], bytesOf(get("uid")))
	r.uids[id], r.owner[id] = uid, integer(get("contact_id"))
	r.convs[id] = len(r.out.Conversations)
	v := Conversation{ID: id, Contact: r.who[integer(get("contact_id"))], FirstSeq: integer(get("first_seq")), LastSeq: integer(get("last_seq")),
		Handled: integer(get("handled_seq")), Version: integer(get("version")), Status: "open", Owner: [...]string{"none", "bot", "queue", "agent"}[integer(get("owner"))&3]}
	if integer(get("status")) == 2 {
		v.Status = "resolved"
	}
	r.out.Conversations = append(r.out.Conversations, v)
}

func (r *reading) message(get func(string) any) error {
	id := integer(get("conversation_id"))
	place, ok := r.convs[id]
	if !ok {
		return fmt.Errorf("message of conversation %d, which is not there", id)
	}
	m := storage.Message{Seq: integer(get("seq")), Body: bytesOf(get("body")), CauseSeq: integer(get("cause_seq"))}
	body, err := r.keys[r.owner[id]].Body(r.uids[id], m)
	if err != nil {
		return fmt.Errorf("conversation %d seq %d: %w", id, m.Seq, err)
	}
	author := int16(integer(get("author")))
	v := &r.out.Conversations[place]
	v.Messages = append(v.Messages, Message{
		Seq: m.Seq, Cause: m.CauseSeq, Text: body.Text, Traced: len(bytesOf(get("trace"))) > 0,
		Customer: author == storage.AuthorCustomer, Out: integer(get("dir")) == int64(storage.DirOut),
		Delivery: [...]string{"none", "pending", "sending", "unknown", "sent", "delivered", "read", "failed", "cancelled"}[integer(get("delivery"))],
	})
	return nil
}

// Package vault seals personal data. It promises that a sealed value opens
// only with its key and in its place (the additional data), that rotating the
// master key changes no hash and breaks no seal, that deleting a contact's
// wrapped key makes every byte of that person noise, and that no value of
// this package prints what it holds. It imports the standard library only and
// never logs. The scheme is runtime.md §4.2.
package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// The errors of this package. None of them holds key material or content.
var (
	// ErrWrongKey says that none of the master keys opens what is stored.
	ErrWrongKey = errors.New("vault: the key file does not belong to this data: none of its keys opens it; put back the key file that was used before")
	// ErrSealed says that a value does not open: another key, another place, or changed bytes.
	ErrSealed = errors.New("vault: sealed value does not open")
)

// The labels under which keys are derived (runtime.md 4.2).
const (
	labelWrap    = "contact-wrap"
	labelSystem  = "system"
	labelRoot    = "root"
	labelIndex   = "index"
	labelAudit   = "audit"
	labelToken   = "token"
	labelPayload = "payload"
)

// rootLen is the length of the root salt in bytes.
const rootLen = 32

var canaryText = []byte("dispatcher canary 1")

// Vault holds the keys of one deployment. It is safe for concurrent use and
// never changes after Open or New.
type Vault struct {
	sealed
	masters []opened // first = active
	root    []byte
	index   []byte
	memo    *memo
}

// memo is what was computed once and is the same for ever.
type memo struct {
	derived sync.Map  // label -> []byte: keys that were derived before
	macs    sync.Map  // label -> *sync.Pool of *indexer, keyed with what Derive gives
	indexes sync.Pool // of *indexer, keyed
}

// indexer is a keyed hash and room for what it hashes.
type indexer struct {
	mac  hash.Hash
	room []byte
}

// opened is one master key with its derived sealers.
type opened struct {
	kid                int64
	wrap, system, root *Sealer
}

// New makes the vault of a fresh deployment. The caller keeps sealedRoot (a
// setting record) and gives it to Open at every later start.
func New(keys *Keys) (v *Vault, sealedRoot []byte, err error) {
	root := make([]byte, rootLen)
	rand.Read(root)
	if v, err = build(keys); err != nil {
		return nil, nil, err
	}
	if err = v.setRoot(root); err != nil {
		return nil, nil, err
	}
	return v, v.SealRoot(), nil
}

// Open makes the vault of a deployment whose root salt was sealed before.
// ErrWrongKey: none of the keys opens it.
func Open(keys *Keys, sealedRoot []byte) (*Vault, error) {
	v, err := build(keys)
	if err != nil {
		return nil, err
	}
	for _, m := range v.masters {
		if root, err := m.root.Open(sealedRoot, []byte(labelRoot)); err == nil && len(root) == rootLen {
			return v, v.setRoot(root)
		}
	}
	return nil, ErrWrongKey
}

func build(keys *Keys) (*Vault, error) {
	if keys == nil || len(keys.list) == 0 {
		return nil, ErrNoKey
	}
	v := &Vault{memo: &memo{}}
	for _, k := range keys.list {
		o := opened{kid: k.id()}
		for label, into := range map[string]**Sealer{labelWrap: &o.wrap, labelSystem: &o.system, labelRoot: &o.root} {
			s, err := derivedSealer(k.bytes[:], label)
			if err != nil {
				return nil, err
			}
			*into = s
		}
		v.masters = append(v.masters, o)
	}
	return v, nil
}

func derivedSealer(secret []byte, label string) (*Sealer, error) {
	key, err := derive(secret, label)
	if err != nil {
		return nil, err
	}
	return newSealer(key)
}

func derive(secret []byte, label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "dispatcher "+label, KeyLen)
	if err != nil {
		return nil, fmt.Errorf("vault: derive %s key: %w", label, err)
	}
	return key, nil
}

func (v *Vault) setRoot(root []byte) (err error) {
	v.root = root
	v.index, err = derive(root, labelIndex)
	return err
}

// SealRoot seals the root salt under the active master key; after a rotation
// the caller stores it again so that the old line can go one day.
func (v *Vault) SealRoot() []byte { return v.masters[0].root.Seal(v.root, []byte(labelRoot)) }

// ActiveKey is the fingerprint of the master key that new contact keys use.
func (v *Vault) ActiveKey() int64 { return v.masters[0].kid }

// KeyIDs lists the fingerprints of all master keys, the active one first.
func (v *Vault) KeyIDs() []int64 {
	ids := make([]int64, len(v.masters))
	for i, m := range v.masters {
		ids[i] = m.kid
	}
	return ids
}

// NewContactKey makes the data key of one contact: the Sealer for its S
// columns, and what the store keeps (the wrapped key and the fingerprint of
// the master key that wraps it).
func (v *Vault) NewContactKey() (plain *Sealer, wrapped []byte, kid int64, err error) {
	key := make([]byte, KeyLen)
	rand.Read(key)
	wrapped = v.masters[0].wrap.Seal(key, []byte(labelWrap))
	plain, err = newSealer(key)
	return plain, wrapped, v.masters[0].kid, err
}

// OpenContactKey gives the Sealer of a stored contact key. ErrSealed: the
// master key kid is not in the key file, or the bytes were changed.
func (v *Vault) OpenContactKey(wrapped []byte, kid int64) (*Sealer, error) {
	key, err := v.unwrap(wrapped, kid)
	if err != nil {
		return nil, err
	}
	return newSealer(key)
}

func (v *Vault) unwrap(wrapped []byte, kid int64) ([]byte, error) {
	for _, m := range v.masters {
		if m.kid == kid {
			return m.wrap.Open(wrapped, []byte(labelWrap))
		}
	}
	return nil, fmt.Errorf("%w: master key %x is not in the key file", ErrSealed, uint64(kid))
}

// Rewrap passes a contact key wrapped under kid to the active master key.
func (v *Vault) Rewrap(wrapped []byte, kid int64) (again []byte, active int64, err error) {
	key, err := v.unwrap(wrapped, kid)
	if err != nil {
		return nil, 0, err
	}
	defer clear(key)
	return v.masters[0].wrap.Seal(key, []byte(labelWrap)), v.masters[0].kid, nil
}

// SealSystem seals a Y column: platform tokens, parked events, audit detail.
func (v *Vault) SealSystem(plain, aad []byte) []byte { return v.masters[0].system.Seal(plain, aad) }

// OpenSystem opens a Y column, sealed under any of the master keys.
func (v *Vault) OpenSystem(sealed, aad []byte) ([]byte, error) {
	for _, m := range v.masters {
		if plain, err := m.system.Open(sealed, aad); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

// Index is the keyed hash (16 bytes) of a normalised value: blind index,
// identity address, receipt. kind keeps equal values of different meaning
// apart; rotation never changes it.
func (v *Vault) Index(kind string, parts ...string) []byte {
	x, ok := v.memo.indexes.Get().(*indexer)
	if !ok {
		x = &indexer{mac: hmac.New(sha256.New, v.index)}
	}
	x.room = appendPart(x.room[:0], kind)
	for _, p := range parts {
		x.room = appendPart(x.room, p)
	}
	sum := make([]byte, 16)
	x.sum(sum)
	v.memo.indexes.Put(x)
	return sum
}

// sum puts the keyed hash of what is in the room, as much of it as there is
// place for, and leaves nothing behind.
func (x *indexer) sum(into []byte) {
	x.mac.Reset()
	x.mac.Write(x.room)
	clear(x.room)
	x.room = x.mac.Sum(x.room[:0])
	copy(into, x.room)
	clear(x.room)
}

// MAC is HMAC-SHA256 of the parts, one behind the other, under the key that
// Derive gives for label.
func (v *Vault) MAC(label string, parts ...string) (sum [sha256.Size]byte) {
	pool, ok := v.memo.macs.Load(label)
	if !ok {
		key := v.Derive(label)
		pool, _ = v.memo.macs.LoadOrStore(label, &sync.Pool{New: func() any { return &indexer{mac: hmac.New(sha256.New, key)} }})
	}
	x := pool.(*sync.Pool).Get().(*indexer)
	x.room = x.room[:0]
	for _, p := range parts {
		x.room = append(x.room, p...)
	}
	x.sum(sum[:])
	pool.(*sync.Pool).Put(x)
	return sum
}

// Derive gives a 32 byte key for one purpose. It depends on the root salt
// only, so rotating the master key does not change it. A key that was asked
// for is kept: labels are names of the program and of its channels.
func (v *Vault) Derive(label string) []byte {
	if key, ok := v.memo.derived.Load(label); ok {
		return bytes.Clone(key.([]byte))
	}
	key, err := derive(v.root, label)
	if err != nil {
		panic(err) // 32 bytes of HKDF-SHA256 cannot fail
	}
	v.memo.derived.Store(label, bytes.Clone(key))
	return key
}

// AuditKey chains the audit trail.
func (v *Vault) AuditKey() []byte { return v.Derive(labelAudit) }

// TokenKey signs link tokens.
func (v *Vault) TokenKey() []byte { return v.Derive(labelToken) }

// PayloadKey signs quick-reply payloads.
func (v *Vault) PayloadKey() []byte { return v.Derive(labelPayload) }

// SealCanary makes the record by which every later start proves its key.
func (v *Vault) SealCanary() []byte { return v.SealSystem(canaryText, []byte("canary")) }

// OpenCanary checks that record. ErrWrongKey: stop before anything is written.
func (v *Vault) OpenCanary(sealed []byte) error {
	plain, err := v.OpenSystem(sealed, []byte("canary"))
	if err != nil || !bytes.Equal(plain, canaryText) {
		return ErrWrongKey
	}
	return nil
}

// AAD is the additional data of a sealed column: the place it belongs to. A
// value copied to another row, column or person does not open.
func AAD(table string, contact, conversation [16]byte, seq int64, column string) []byte {
	return AppendAAD(make([]byte, 0, 64+len(table)+len(column)), table, contact, conversation, seq, column)
}

// AppendAAD is AAD at the end of b.
func AppendAAD(b []byte, table string, contact, conversation [16]byte, seq int64, column string) []byte {
	b = appendPart(b, table)
	b = append(b, contact[:]...)
	b = append(b, conversation[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(seq))
	return appendPart(b, column)
}

// appendPart writes a length first, so that ("ab","c") and ("a","bc") differ.
func appendPart(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

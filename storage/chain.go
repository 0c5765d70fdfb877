package storage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// ChainHash is the link of one audit row: HMAC-SHA256 over the previous link
// and every column of the row, each with its length. Every engine chains with
// it, so that a trail can be checked wherever it is read.
func ChainHash(key, prev []byte, e AuditEntry) []byte {
	mac := hmac.New(sha256.New, key)
	var b []byte
	part := func(p []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	part(prev)
	b = binary.BigEndian.AppendUint64(b, uint64(e.ChainNo))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	part([]byte(e.Actor))
	part([]byte(e.Verb))
	part([]byte(e.Object))
	part(e.Detail)
	mac.Write(b)
	return mac.Sum(nil)
}

// VerifyChain checks consecutive chained rows, oldest first, that follow the
// link prev (nil for the first row of all). The error names the first row
// that was changed, added or is missing.
func VerifyChain(key, prev []byte, rows []AuditEntry) error {
	for i, e := range rows {
		if i > 0 && e.ChainNo != rows[i-1].ChainNo+1 {
			return fmt.Errorf("storage: audit chain: row %d follows row %d", e.ChainNo, rows[i-1].ChainNo)
		}
		if !hmac.Equal(e.Hash, ChainHash(key, prev, e)) {
			return fmt.Errorf("storage: audit chain: row %d was changed", e.ChainNo)
		}
		prev = e.Hash
	}
	return nil
}

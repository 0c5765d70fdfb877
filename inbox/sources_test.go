package inbox

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"dispatcher/flows"
	"dispatcher/storage"
)

// sourceIDs are the ids of every stored file.
func sourceIDs(t *testing.T, store storage.Store) []string {
	t.Helper()
	page, err := store.Find(t.Context(), storage.RecordQuery{Kind: storage.KindSource, N: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, rec := range page.Items {
		if sum := sha256.Sum256(rec.Body); string(rec.ID) != string(sum[:]) {
			t.Errorf("a file is not stored under the hash of its bytes: %x", rec.ID)
		}
		out = append(out, string(rec.ID))
	}
	return out
}

// TestAnEditStoresOneFile, and every set is read back as it was.
func TestAnEditStoresOneFile(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	first := r.Live()
	before := sourceIDs(t, r.store)
	if len(before) != len(first.Files.Data) {
		t.Fatalf("%d files stored, %d are in the set", len(before), len(first.Files.Data))
	}
	second := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Good day, this", 1))
	if err := errors.Join(r.SetLive(t.Context(), second), r.SetLive(t.Context(), first), r.SetLive(t.Context(), second)); err != nil {
		t.Fatal(err)
	}
	after := sourceIDs(t, r.store)
	added := slices.DeleteFunc(after, func(id string) bool { return slices.Contains(before, id) })
	if len(added) != 1 {
		t.Errorf("an edit of one file stored %d", len(added))
	}
	for _, p := range []*flows.Project{first, second} {
		files, err := r.Sources(t.Context(), p.SetID)
		if err != nil || files.Name != p.Files.Name || !maps.EqualFunc(files.Data, p.Files.Data, func(a, b []byte) bool { return string(a) == string(b) }) {
			t.Errorf("set %.8s came back as %v %v", p.SetID, files, err)
		}
	}
}

// TestSetOfAnOlderDataFolder: a set that was stored in one piece is read, and
// an edit of it is stored like any other.
func TestSetOfAnOlderDataFolder(t *testing.T) {
	t.Parallel()
	dir, v := newFolder(t)
	r := startRig(t, dir, v, shopFlow)
	first := r.Live()
	rec, err := r.store.Get(t.Context(), storage.KindRevision, setIDBytes(first.SetID))
	if err != nil {
		t.Fatal(err)
	}
	rec.Body, err = json.Marshal(map[string]any{"name": first.Files.Name, "data": first.Files.Data})
	records := []storage.Record{rec}
	for _, id := range sourceIDs(t, r.store) {
		records = append(records, storage.Record{Kind: storage.KindSource, ID: []byte(id), Delete: true})
	}
	if err := errors.Join(err, r.store.Put(t.Context(), records, nil)); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Revision(t.Context(), first.SetID); err != nil || p.SetID != first.SetID {
		t.Fatalf("%v %v", p, err)
	}
	second := loadShop(t, strings.Replace(shopFlow, "Hello, this", "Good day, this", 1))
	if err := r.SetLive(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if p, err := r.Revision(t.Context(), second.SetID); err != nil || p.SetID != second.SetID {
		t.Fatalf("%v %v", p, err)
	}
}

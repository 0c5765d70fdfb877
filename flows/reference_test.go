package flows

import "testing"

// Whatever can be written is explained in one line: every key, every function.
func TestEverythingHasAWord(t *testing.T) {
	t.Parallel()
	for name, c := range Constructs() {
		if c.Title == "" || len(c.Keys) == 0 {
			t.Errorf("%s is no map of the language", name)
		}
		for _, k := range c.Keys {
			if k.Doc == "" || k.Value == "" {
				t.Errorf("%s of %s is not explained", k.Name, name)
			}
		}
	}
	docs := functionDocs()
	for _, f := range Functions() {
		if f.Doc == "" || f.Result == "" {
			t.Errorf("%s() is not explained", f.Name)
		}
		delete(docs, f.Name)
	}
	for name := range docs {
		t.Errorf("there is no function %s()", name)
	}
}

package inbox

import (
	"reflect"
	"strings"
	"testing"

	"dispatcher/dm"
	"dispatcher/storage"
)

// A room that was used is as good as a new one: nothing of the conversation
// before is in it, and what was told of that one stays as it was.
func TestRoomIsLeftEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	room := &room{}
	r.accept(text("ada", "hello"))
	snap := r.view("ada").Snap
	acct, _ := r.Account("fake")
	if err := r.viewInto(&room.view, acct, &snap); err != nil {
		t.Fatal(err)
	}
	room.view.spare = &room.draft
	d := room.view.Draft()
	if d != &room.draft || room.view.Fresh() == d {
		t.Fatal("the place of the room is for the first draft, and for no other")
	}
	d.Send(botSays("a secret word"))
	turn, err := d.build()
	if err != nil || len(turn.Messages) != 1 || &turn.Messages[0] != &d.written.messages[0] {
		t.Fatalf("the turn does not begin with its rows: %v %+v", err, turn)
	}
	kept := *turn       // as a store may
	empty := &Service{} // whose rooms nobody else takes
	empty.tidy(room)
	if !reflect.DeepEqual(room.draft, Draft{}) || !reflect.DeepEqual(room.view, View{}) || room.x.v != nil {
		t.Error("something of the conversation is left in the room")
	}
	if kept.Conv.LastSeq != snap.Conv.LastSeq+1 || len(kept.Messages[0].Body) == 0 || len(kept.Events[0].Topics) == 0 {
		t.Errorf("the turn went with its room: %+v", kept)
	}
	empty.tidy(nil)
}

// Many conversations at once, each with its own words: no room mixes them up.
func TestRoomsDoNotMixConversations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	names := strings.Fields("ada bob cyd dan eve fay gus hal")
	done := make(chan string)
	for _, name := range names {
		go func() {
			for _, words := range []string{"hello", "1 of " + name, "2 of " + name} {
				if _, err := r.Accept(t.Context(), "fake", []dm.Inbound{text(name, words)}); err != nil {
					t.Error(err)
				}
			}
			done <- name
		}()
	}
	for range names {
		<-done
	}
	for _, name := range names {
		v := r.view(name)
		rows, words := r.rows(name)
		said := ""
		for n, m := range rows {
			if m.Author == storage.AuthorCustomer {
				said += words[n] + "|"
			}
		}
		if want := "hello|1 of " + name + "|2 of " + name + "|"; said != want || v.Address.Thread != name {
			t.Errorf("%s at %q said %q", name, v.Address.Thread, said)
		}
	}
}

// Every field of an address tells two addresses apart.
func TestAddressesDifferInEveryField(t *testing.T) {
	t.Parallel()
	var a Address
	var differ func(v reflect.Value, path string)
	differ = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+"."+v.Type().Field(i).Name
			switch f.Kind() {
			case reflect.Struct:
				differ(f, name)
				continue
			case reflect.String:
				f.SetString("x")
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			default:
				t.Fatalf("%s is a %s, of which the test knows nothing", name, f.Kind())
			}
			if a.equal(Address{}) || !a.equal(a) {
				t.Errorf("%s makes no difference", name)
			}
			f.SetZero()
		}
	}
	differ(reflect.ValueOf(&a).Elem(), "address")
	if !a.equal(Address{}) {
		t.Error("two empty addresses differ")
	}
}

func TestClipLeavesOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "one": "one", "one two": "one two", " one": "one", "one ": "one", "one  two": "one two", "one\ttwo\n": "one two",
		"née": "née", "a\u00a0b": "a b", "ten letter": "ten letter", "eleven lett": "eleven le…", "ééééééééééé": "ééééééééé…",
	} {
		if got := clip(in, 10); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}

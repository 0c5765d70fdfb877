package flows

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// translatedShop is a project in two and a half languages: Portuguese has no pack.
func translatedShop() *Files {
	return &Files{Name: "shop", Data: map[string][]byte{
		"dispatcher.yaml": []byte(`dispatcher: 1
languages: [en, fr, pt]
queues: {general: {name: {en: General, fr: Général}}}
canned: {sorry: "I'm sorry.", builtin_moment: No hurry.}
everywhere: {hours: {match: [opening hours], goto: shop.person}}
`),
		"flows/shop.yaml": []byte(`flow: shop
slots:
  topic: {type: choice, values: [order, other]}
  note: {called: [remark]}
states:
  start:
    say:
      - "Hi {{ contact.first_name ?? 'there' }}"
      - if: contact.vip
        text: Dear VIP
      - else: {any: [Dear friend, Dear customer]}
    goto: menu
  menu:
    ask: What is it about?
    options:
      My order: note
      Something else: {match: [other], goto: note}
    save: picked
  topic:
    collect: {topic: What?}
    goto: person
  note:
    collect: {slot: note, ask: Tell us more., invalid: Pardon?, skip: Skip it, confirm: "{{ value }}?"}
    goto: topic
  person:
    handoff: {say: "Bye, {{ queue.name }}"}
`),
		"flows/locales/fr.yaml": []byte(`language: fr
flow.shop:
  start.say.1: {from: "Hi {{ contact.first_name ?? 'there' }}", to: "Salut {{ contact.first_name ?? 'there' }}"}
  start.say.2: {from: Dear VIP, to: Cher VIP}
  start.say.3.any.2: {from: Dear customer, to: Cher client}
  menu.ask: {from: What was it about?, to: C'était quoi ?}
  menu.my_order.label: {from: My order, to: Ma commande}
  menu.my_order.match: [colis]
  note.collect.invalid.1: {from: Pardon?, to: Pardon ?}
  note.collect.skip: {from: Skip it, to: Passer}
  note.collect.confirm: {from: "{{ value }}?", to: "{{ value }} ?"}
  slots.note.called: [remarque]
  slots.topic.values.order: {from: order, to: commande}
  person.handoff.say.1: {from: "Bye, {{ queue.name }}", to: "Au revoir, {{ queue.name }}"}
project:
  everywhere.hours.match: [horaires]
  everywhere.stop.match: [assez]
  canned.sorry: {from: I'm sorry., to: Désolé.}
  builtin.help: {from: "I ask so that I can help you faster, or pass you on with everything ready.", to: Pour aller plus vite.}
`),
		"flows/locales/pt.yaml": []byte(`language: pt
project:
  builtin.invalid: {from: "Sorry, that doesn't look right. Please try again.", to: Tente de novo.}
  builtin.confirm: {from: "I have {{ value }}. Is that right?", to: "Tenho {{ value }}. Certo?"}
  builtin.moment: {from: No hurry., to: Com calma.}
  builtin.handoff_closed: {from: "Thanks. Our team is back {{ opens_at(…) | day_and_time() }} and will reply here.", to: "Voltamos {{opens}}."}
  builtin.wait_now: {from: "It is now about {{ minutes }} min.", to: "Cerca de {{ minutes }} min."}
  everywhere.talk_to_person.match: [uma pessoa]
  queues.general: {from: General, to: Geral}
`),
	}}
}

func in(t *engine.Text, lang string) string {
	if t == nil || t.Lang[lang] == nil {
		return ""
	}
	return t.Lang[lang].Source
}

// Translations stand beside their sources, words add to the source's, and what
// is stale or missing is left out.
func TestTranslationsAreMerged(t *testing.T) {
	t.Parallel()
	p := Load(translatedShop(), testOptions())
	if !p.OK() {
		var out strings.Builder
		p.WriteText(&out, false)
		t.Fatal(out.String())
	}
	set, f := p.Set, p.Set.Flows["shop"]
	say, menu, note := f.States["start"].Say, f.States["menu"], f.States["note"].Collect
	for _, c := range []struct{ got, want string }{
		{in(say[0].Text, "fr"), "Salut {{ contact.first_name ?? 'there' }}"},
		{in(say[1].Group[0].Text, "fr"), "Cher VIP"},
		{in(say[1].Group[1].Text.Any[1], "fr"), "Cher client"},
		{in(say[1].Group[1].Text.Any[0], "fr"), ""},
		{in(menu.Ask, "fr"), ""}, // stale
		{in(menu.Options[0].Label, "fr"), "Ma commande"},
		{in(menu.Options[0].Label, "en"), "My order"},
		{strings.Join(menu.Options[0].Match["fr"], ","), "colis"},
		{strings.Join(menu.Options[1].Match["en"], ","), "other"},
		{in(note.Invalid[0], "fr"), "Pardon ?"}, {in(note.Skip, "fr"), "Passer"}, {in(note.ConfirmText, "fr"), "{{ value }} ?"},
		{strings.Join(set.Slots["note"].Called, ","), "remark,remarque"},
		{in(set.Slots["topic"].Values[0].Label, "fr"), "commande"}, {in(set.Slots["topic"].Values[0].Label, "en"), "order"},
		{in(f.States["person"].Exit.Hand.Say[0].Text, "fr"), "Au revoir, {{ queue.name }}"},
		{set.Queues["general"].Name, "General"}, {set.Queues["general"].Names["fr"], "Général"}, {set.Queues["general"].Names["pt"], "Geral"},
		{in(set.Canned["sorry"].Text, "fr"), "Désolé."}, {in(set.Sentences["help"], "fr"), "Pour aller plus vite."},
		{in(set.Sentences["invalid"], "pt"), "Tente de novo."}, {in(set.Sentences["confirm"], "pt"), "Tenho {{ value }}. Certo?"},
		{set.Sentences["handoff_closed"].Lang["pt"].Parts[1].Lit, "{{ opens }}"},
		{in(set.Sentences["moment"], "pt"), "Com calma."}, {in(set.Sentences["moment"], "en"), "No hurry."},
		{strings.Join(set.Everywhere[0].Match["fr"], ","), "horaires"}, {strings.Join(set.Everywhere[0].Match["en"], ","), "opening hours"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	more := map[string]string{}
	for _, e := range set.Everywhere[1:] {
		for lang, words := range e.Match {
			more[e.Name+" "+lang] = strings.Join(words, ",")
		}
	}
	if !maps.Equal(more, map[string]string{"stop fr": "assez", "talk_to_person pt": "uma pessoa"}) {
		t.Error(more)
	}
}

// A load that keeps what it made gives the same set as one that begins anew,
// edit by edit: no translation is left over from the load before.
func TestTranslationsAreNotLeftOver(t *testing.T) {
	t.Parallel()
	warm := testOptions()
	warm.Warm = new(Warm)
	files := translatedShop()
	Load(files, warm)
	without := translatedShop()
	fr := string(without.Data["flows/locales/fr.yaml"])
	without.Data["flows/locales/fr.yaml"] = []byte(strings.Replace(fr, "menu.my_order.match: [colis]", "menu.my_order.match: [paquet]", 1))
	for range 2 {
		p := Load(without, warm)
		if got := p.Set.Flows["shop"].States["menu"].Options[0].Match["fr"]; !slices.Equal(got, []string{"paquet"}) {
			t.Error(got)
		}
	}
	delete(without.Data, "flows/locales/fr.yaml")
	p := Load(without, warm)
	if got := in(p.Set.Flows["shop"].States["start"].Say[0].Text, "fr"); got != "" || len(p.Set.Flows["shop"].States["menu"].Options[0].Match["fr"]) > 0 {
		t.Error(got)
	}
}

// The set id covers locale files, and a broken one leaves no set.
func TestLocaleIsPartOfTheSet(t *testing.T) {
	t.Parallel()
	files := translatedShop()
	before := files.SetID()
	files.Data["flows/locales/fr.yaml"] = append(files.Data["flows/locales/fr.yaml"], '\n')
	if files.SetID() == before {
		t.Error("the same id")
	}
	files.Data["flows/locales/fr.yaml"] = []byte("language: [fr\n")
	p := Load(files, testOptions())
	var codes []string
	for _, d := range p.Diagnostics {
		codes = append(codes, d.Code)
	}
	if p.OK() || p.SetID != "" || !slices.Equal(codes, []string{"W425", "E001"}) {
		t.Error(codes, p.SetID)
	}
}

// In English, the summary of a project counts its own expressions only.
func TestTranslationsAreNotCounted(t *testing.T) {
	t.Parallel()
	files := translatedShop()
	with := Load(files, testOptions()).Counts
	delete(files.Data, "flows/locales/fr.yaml")
	delete(files.Data, "flows/locales/pt.yaml")
	if without := Load(files, testOptions()).Counts; with != without {
		t.Errorf("%+v, without locale files %+v", with, without)
	}
}

func FuzzLocale(f *testing.F) {
	shop := translatedShop()
	for _, path := range []string{"flows/locales/fr.yaml", "flows/locales/pt.yaml"} {
		f.Add(shop.Data[path])
	}
	for _, s := range []string{"", "a", "language: fr", "language: fr\nproject: {canned.sorry: {from: [a], to: {a: b}}}", "language: [fr]\nflow.shop: [a]",
		"language: fr\nflow.shop: {menu.ask: , menu.my_order.match: {a: b}, start.say.1: {from: x, to: \"{{\"}}", "project: {builtin.confirm: {to: \"{{ value\"}}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := translatedShop()
		files.Data["flows/locales/fr.yaml"] = data
		p := Load(files, testOptions())
		if p.OK() != (len(errorsOf(p)) == 0) {
			t.Fatal("a set beside errors, or none without")
		}
		for _, d := range p.Diagnostics {
			if d.Range.File == "" || d.Range.Line < 1 || d.Range.Column < 1 || d.Message == "" || d.Code == "E299" {
				t.Fatalf("%+v", d)
			}
		}
		source.Text(&strings.Builder{}, p.Diagnostics, files.Data, true)
	})
}

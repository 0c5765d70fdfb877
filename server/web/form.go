package web

// Form is the page of a form that a customer fills in (language.md 2.19). It
// works without a script.
type Form struct {
	Action   string
	Language string
	Brand    string
	Title    string
	Intro    string
	Fields   []FormField
	Files    bool // one of the fields takes files
	Done     bool // it was sent: thanks, nothing else
	Expired  bool // the link opens nothing any more
	Words    FormWords
}

// FormField is one field with what was typed and what is wrong with it.
type FormField struct {
	Name, Label, Help string
	Type              string // text number date list choice media
	Value             string // never of a secret one
	Error             string
	Example           string
	Accept            string // of a file: image/*,video/*
	Required, Secret  bool
	Long              bool // room for several lines
	Values            []FormValue
}

// FormValue is one of several answers.
type FormValue struct{ ID, Label string }

// FormWords are the words of the page itself.
type FormWords struct {
	Send, Optional, Thanks, Close, Expired, Back, Fix, Example string
}

// WordsOfForm gives them in a language that there are words for, else in English.
func WordsOfForm(lang string) FormWords {
	switch lang {
	case "fr":
		return FormWords{"Envoyer", "facultatif", "Merci", "C’est bien arrivé. Vous pouvez fermer cette page et revenir à la conversation.", "Ce lien a expiré", "Revenez à la conversation ; vous pouvez y répondre directement.", "Vérifiez les champs marqués.", "Par exemple"}
	case "de":
		return FormWords{"Senden", "freiwillig", "Danke", "Es ist angekommen. Sie können diese Seite schließen und zum Gespräch zurückkehren.", "Dieser Link ist abgelaufen", "Gehen Sie zum Gespräch zurück; dort können Sie direkt antworten.", "Bitte prüfen Sie die markierten Felder.", "Zum Beispiel"}
	case "es":
		return FormWords{"Enviar", "opcional", "Gracias", "Ha llegado. Puede cerrar esta página y volver a la conversación.", "Este enlace ha caducado", "Vuelva a la conversación; puede responder allí directamente.", "Revise los campos marcados.", "Por ejemplo"}
	}
	return FormWords{"Send", "optional", "Thank you", "It has arrived. You can close this page and go back to the conversation.", "This link has expired", "Go back to the conversation; you can answer there.", "Please look at the marked fields.", "For example"}
}

// Bad says whether something on the page is wrong.
func (f Form) Bad() bool {
	for _, one := range f.Fields {
		if one.Error != "" {
			return true
		}
	}
	return false
}

// First names the field to begin with: the first that is wrong, else the first.
func (f Form) First() string {
	for _, one := range f.Fields {
		if one.Error != "" {
			return one.Name
		}
	}
	if len(f.Fields) > 0 {
		return f.Fields[0].Name
	}
	return ""
}

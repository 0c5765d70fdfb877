package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dispatcher/flows"
)

func (m *Main) i18n() *cobra.Command {
	cmd := &cobra.Command{
		Use: "i18n", Short: "Write and count translations", Args: noArgs,
		Long: `Translations live in flows/locales/LANG.yaml. extract writes what is still to be
translated into them; status says how far each language has come.`,
		Example: `  dispatcher i18n extract shop
  dispatcher i18n extract shop --lang fr
  dispatcher i18n status shop`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(m.i18nExtract(), m.i18nStatus())
	return cmd
}

func (m *Main) i18nExtract() *cobra.Command {
	var langs []string
	var format string
	cmd := &cobra.Command{
		Use: "extract [PROJECT]", Short: "Add what has no translation yet to the locale files", Args: words(0, 1),
		Long: `Adds every text without a translation to flows/locales/LANG.yaml, its to: empty.
Translations, comments and the from: of texts that have changed since stay as
they are.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			root, project, langs, err := m.translations(projectArg(args), langs)
			if err != nil {
				return err
			}
			return m.extract(root, project, langs, format)
		},
	}
	cmd.Flags().StringArrayVar(&langs, "lang", nil, "only this language; repeatable")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// extracted is what extract did to one file.
type extracted struct {
	File  string `json:"file"`
	Added int    `json:"added"`
	progress
}

func (m *Main) extract(root string, project *flows.Project, langs []string, format string) error {
	list := []extracted{}
	for _, lang := range langs {
		path, data, added := flows.Extract(project, lang)
		if added > 0 {
			if err := writeLocale(filepath.Join(root, filepath.FromSlash(path)), data); err != nil {
				return fmt.Errorf("write %s: %w", path, err)
			}
		}
		done := extracted{path, added, progressOf(project, lang)}
		list = append(list, done)
		if format != "json" {
			fmt.Fprintf(m.Out, "%s: %d added, %s\n", path, added, done.progress)
		}
	}
	if format != "json" {
		return nil
	}
	return json.NewEncoder(m.Out).Encode(struct {
		Version   int         `json:"version"`
		Languages []extracted `json:"languages"`
	}{1, list})
}

func (m *Main) i18nStatus() *cobra.Command {
	var langs []string
	var format string
	cmd := &cobra.Command{
		Use: "status [PROJECT]", Short: "Count translated, missing and stale texts", Args: words(0, 1),
		Long: `Counts, per language, the texts that are translated, missing, or stale: changed
in the flow since they were translated. Exit code 1 when any is missing or
stale.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			_, project, langs, err := m.translations(projectArg(args), langs)
			if err != nil {
				return err
			}
			return m.printStatus(project, langs, format)
		},
	}
	cmd.Flags().StringArrayVar(&langs, "lang", nil, "only this language; repeatable")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// translations loads a project and settles which languages are meant.
func (m *Main) translations(dir string, langs []string) (root string, p *flows.Project, meant []string, err error) {
	root, files, err := openFiles(dir)
	if err != nil {
		return root, nil, nil, err
	}
	opts := m.options(root, nil)
	opts.Texts = true
	p = flows.Load(files, opts)
	if p.Texts == nil && !p.OK() {
		p.WriteText(m.Err, m.color())
		return root, nil, nil, fmt.Errorf("the project in %s has to be read before its texts are listed", dir)
	}
	all := p.Languages[min(1, len(p.Languages)):]
	for _, lang := range langs {
		if !slices.Contains(all, lang) {
			return root, nil, nil, fmt.Errorf("--lang is %q; the project translates into %s (languages: in dispatcher.yaml)", lang, orNone(all))
		}
	}
	if langs == nil {
		langs = all
	}
	if len(all) == 0 {
		fmt.Fprintln(m.Err, "the project has one language only; for a second, write languages: [en, fr] in dispatcher.yaml")
	}
	return root, p, langs, nil
}

func orNone(langs []string) string {
	if len(langs) == 0 {
		return "no other language"
	}
	return strings.Join(langs, ", ")
}

// progress is how far a language has come.
type progress struct {
	Language   string `json:"language"`
	Translated int    `json:"translated"`
	Missing    int    `json:"missing"`
	Stale      int    `json:"stale"`
}

func (t progress) String() string {
	return fmt.Sprintf("%d translated, %d missing, %d stale", t.Translated, t.Missing, t.Stale)
}

func progressOf(p *flows.Project, lang string) progress {
	t := progress{Language: lang}
	for _, text := range p.Texts {
		switch text.State[lang] {
		case flows.Translated:
			t.Translated++
		case flows.Missing:
			t.Missing++
		case flows.Stale:
			t.Stale++
		}
	}
	return t
}

func (m *Main) printStatus(p *flows.Project, langs []string, format string) error {
	list := []progress{}
	open := 0
	for _, lang := range langs {
		t := progressOf(p, lang)
		open += t.Missing + t.Stale
		list = append(list, t)
	}
	if format == "json" {
		if err := json.NewEncoder(m.Out).Encode(struct {
			Version   int        `json:"version"`
			Languages []progress `json:"languages"`
		}{1, list}); err != nil {
			return err
		}
	} else {
		for _, t := range list {
			fmt.Fprintf(m.Out, "%s: %s\n", t.Language, t)
		}
	}
	if open > 0 {
		return errFindings
	}
	return nil
}

// writeLocale replaces a locale file, or makes it and its folder.
func writeLocale(path string, data []byte) error {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		if err := sharedFolder(filepath.Dir(path)); err != nil {
			return err
		}
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return replaceFile(path, data)
}

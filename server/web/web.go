// Package web holds every page that a browser is given: start page, set-up,
// log-in, the demo shop, the chat widget and the agent console.
//
// It promises three things. A page is complete when `go build` is: templates,
// ES modules and style sheets are embedded as they are written, nothing is
// compiled, fetched or copied from elsewhere. Text is text: no page and no
// module ever turns data into markup, so the strict policy of Policy holds on
// every page. And what was shipped once never changes under its address: every
// asset lives below a hash of all of them and may be cached for ever.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
)

//go:embed assets/*.css assets/*.js assets/*.svg
var assetFiles embed.FS

//go:embed templates/*.html
var templateFiles embed.FS

// Names of the pages that Render knows, with the data each takes.
const (
	PageLanding     = "landing"      // Landing
	PageSetup       = "setup"        // Setup
	PageLogin       = "login"        // Login
	PageLoginSecond = "login_second" // LoginSecond
	PageChat        = "chat"         // Chat
	PageFrame       = "frame"        // Frame
	PageConsole     = "console"      // Console
	PageProblem     = "problem"      // ProblemPage
	PageForm        = "form"         // Form
)

// ErrUnknownPage is returned by Render for a name that is none of the Page constants.
var ErrUnknownPage = errors.New("web: unknown page")

// Render writes one page. The page is built in memory first, so an error never
// leaves half a page behind.
func Render(w io.Writer, page string, data any) error {
	set, err := pages()
	if err != nil {
		return err
	}
	t := set.Lookup(page + ".html")
	if t == nil {
		return fmt.Errorf("%w: %q", ErrUnknownPage, page)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return fmt.Errorf("web: page %s: %w", page, err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// Asset returns one embedded file by its name ("console.js"), with its content type.
func Asset(name string) (data []byte, contentType string, ok bool) {
	kind, known := contentTypes[path.Ext(name)]
	if !known || name != path.Base(name) {
		return nil, "", false
	}
	data, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		return nil, "", false
	}
	return data, kind, true
}

// URL is the address of an asset: /assets/{hash}/{name}. It may be cached for
// ever, for the hash covers all assets and modules import each other by name.
func URL(name string) string { return "/assets/" + Hash() + "/" + name }

// Hash names this build of the assets. A request below another hash is stale.
func Hash() string { return assetHash() }

// Assets lists the names of all embedded files, sorted.
func Assets() []string {
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	sort.Strings(names)
	return names
}

// Policy is the Content-Security-Policy of a page (runtime.md 5.4). ancestors
// are the origins that may embed the widget's frame; our own pages always may.
// Only the demo page may hold a frame, and only ours.
func Policy(page string, ancestors ...string) string {
	p := []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'",
		"img-src 'self' data: blob:", "media-src 'self'", "connect-src 'self'",
		"font-src 'self'", "form-action 'self'", "base-uri 'none'",
	}
	switch page {
	case PageFrame:
		p = append(p, strings.Join(append([]string{"frame-ancestors 'self'"}, ancestors...), " "))
	case PageChat:
		p = append(p, "frame-ancestors 'none'", "frame-src 'self'")
	default:
		p = append(p, "frame-ancestors 'none'")
	}
	return strings.Join(append(p, "require-trusted-types-for 'script'", "trusted-types 'none'"), "; ")
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assetHash and pages are computed once: both depend on embedded files only.
var (
	assetHash = sync.OnceValue(func() string {
		h := sha256.New()
		for _, name := range Assets() {
			data, _, _ := Asset(name)
			fmt.Fprintf(h, "%s %d\n", name, len(data))
			h.Write(data)
		}
		return hex.EncodeToString(h.Sum(nil))[:16]
	})
	pages = sync.OnceValues(func() (*template.Template, error) {
		t, err := template.New("").Funcs(helpers).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("web: templates: %w", err)
		}
		return t, nil
	})
)

var helpers = template.FuncMap{
	"asset":    URL,
	"count":    count,
	"first":    firstRune,
	"clock":    clock,
	"iso":      iso,
	"firstBad": firstBad,
}

//go:build browser

package web

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// flags with which Debian's chromium is started everywhere in this project.
var chromiumFlags = []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"}

// tab is one browser with one page, that remembers everything a page must not do.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string // console errors, exceptions, policy reports
	ok  []string // what is expected to be among them
}

// open starts a fresh browser. It fails, and does not skip, without chromium:
// a page that was never opened is not a page that works.
func open(t *testing.T, width, height int64, dark bool) *tab {
	t.Helper()
	bin, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is needed: apt-get install -y chromium")
	}
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(bin), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(int(width), int(height))}
	for _, f := range chromiumFlags {
		opts = append(opts, chromedp.Flag(f, true))
	}
	actx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(actx)
	t.Cleanup(cancel)
	ctx, cancel2 := context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancel2)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	do(b, log.Enable, cdp.Empty{})
	do(b, runtime.Enable, cdp.Empty{})
	do(b, page.Enable, page.EnableParams{})
	do(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 720})
	do(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	do(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	do(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: width < 720})
	return b
}

// do runs one command of the protocol.
func do[P, R any](b *tab, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, cmd, params)
	if err != nil {
		b.t.Fatalf("browser, %s: %v", cmd.Method, err)
	}
	return r
}

func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.bad = append(b.bad, "exception: "+text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || strings.Contains(e.Entry.Text, "Content Security Policy") {
			b.bad = append(b.bad, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.bad = append(b.bad, fmt.Sprintf("console: %d words", len(e.Args)))
		}
	case *page.EventJavascriptDialogOpening:
		b.bad = append(b.bad, "dialog: "+e.Message)
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	}
}

// clean fails the test for everything a page complained about.
func (b *tab) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.bad {
		expected := false
		for _, ok := range b.ok {
			expected = expected || strings.Contains(line, ok)
		}
		if !expected {
			b.t.Errorf("the page complained: %s", line)
		}
	}
}

func (b *tab) goTo(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("browser, %s: %v", url, err)
	}
}

// eval runs an expression, waits for its promise and gives its value.
func (b *tab) eval(expr string) any {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[any]("(async()=>("+expr+"))()", chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil {
		b.t.Fatalf("browser, %s: %v", expr, err)
	}
	return v
}

// until waits for a visible fact. The page itself looks, again and again.
func (b *tab) until(what, expr string) {
	b.t.Helper()
	js := "new Promise(done=>{const end=Date.now()+10000;const look=()=>{let ok=false;try{ok=Boolean(" + expr + ")}catch{}if(ok||Date.now()>end)done(ok);else setTimeout(look,25)};look()})"
	if b.eval(js) == true {
		return
	}
	b.shot("failed-" + strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return '-'
		}
		return r
	}, strings.ToLower(what)))
	b.t.Fatalf("waited for %s\ncomplaints: %q\npage: %v", what, b.bad, b.eval("document.body.innerText.slice(0, 1200)"))
}

// keys types into whatever has the focus.
func (b *tab) keys(s string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(s)); err != nil {
		b.t.Fatalf("browser, keys %q: %v", s, err)
	}
}

// click presses the button with this accessible name.
func (b *tab) click(name string) {
	b.t.Helper()
	b.until("button "+name, "find("+quote(name)+")")
	b.eval("(b => (b.focus(), b.click()))(find(" + quote(name) + "))")
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// helpers gives the page find(name): the visible button of that accessible
// name, computed the way readers do for our markup.
const naming = `(window.nameOf=(b)=>{const l=b.getAttribute('aria-label');if(l)return l;const c=b.cloneNode(true);for(const x of c.querySelectorAll('[aria-hidden="true"]'))x.remove();return c.textContent.trim().replace(/\s+/g,' ')}),
(window.find=(n,d=document)=>[...d.querySelectorAll('button,[role="menuitem"],[role="menuitemradio"]')].find(b=>b.getClientRects().length&&nameOf(b)===n)),
window.inFrame=()=>document.querySelector('iframe').contentDocument`

func (b *tab) help() { b.t.Helper(); b.eval(naming) }

// shot keeps a picture where SHOTS names a folder.
func (b *tab) shot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	if png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); err == nil {
		_ = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
}

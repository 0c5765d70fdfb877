//go:build browser

package browser

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

	"dispatcher/internal/proof/kill"
)

// flags with which Debian's chromium is started everywhere in this project.
// The last three keep pages awake that are not in front: several people are at
// work at once.
var chromiumFlags = []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync",
	"disable-background-timer-throttling", "disable-renderer-backgrounding", "disable-backgrounding-occluded-windows"}

// patience is how long a fact may take to become visible. It is no target: the
// walks measure what has one.
const patience = 20 * time.Second

// chromium is the one browser of this run; every person in it is a profile of
// their own.
var chromium = struct {
	once sync.Once
	ctx  context.Context
	stop []context.CancelFunc
	err  error
}{}

func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(chromium.stop) - 1; i >= 0; i-- {
		chromium.stop[i]()
	}
	kill.Cleanup()
	os.Exit(code)
}

// start starts the browser once. It fails, and does not skip, without
// chromium: a page that was never opened is not a page that works.
func start(t *testing.T) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		bin, err := exec.LookPath("chromium")
		if err != nil {
			chromium.err = fmt.Errorf("chromium is needed: apt-get install -y chromium: %w", err)
			return
		}
		dir, err := os.MkdirTemp("", "dispatcher-browser")
		if err != nil {
			chromium.err = err
			return
		}
		opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(bin), chromedp.UserDataDir(dir), chromedp.WindowSize(1440, 900)}
		for _, f := range chromiumFlags {
			opts = append(opts, chromedp.Flag(f, true))
		}
		actx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
		ctx, cancel := chromedp.NewContext(actx)
		chromium.stop = []context.CancelFunc{func() { os.RemoveAll(dir) }, stop, cancel}
		chromium.ctx, chromium.err = ctx, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	})
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

// screen is what a person sits before.
type screen struct {
	width, height int64
	dark          bool
}

var (
	desk  = screen{width: 1440, height: 900}
	phone = screen{width: 390, height: 844}
)

// tab is one person with one page, that remembers everything a page must not do.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string // console errors, exceptions, dialogs, policy reports
	ok  []string // what is expected to be among them
}

// open gives a person a profile of their own.
func open(t *testing.T, s screen) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(start(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel2 := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel2)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("chromium opens no page: %v", err)
	}
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	small := s.width < 720
	do(b, log.Enable, cdp.Empty{})
	do(b, runtime.Enable, cdp.Empty{})
	do(b, page.Enable, page.EnableParams{})
	do(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: small})
	do(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	do(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	do(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: small})
	do(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: naming})
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
		if e.Type != page.DialogTypeBeforeunload {
			b.bad = append(b.bad, "dialog: "+e.Message)
		}
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	}
}

// clean fails the walk for everything a page complained about.
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
		b.t.Fatalf("browser, %s: %v", head(expr, 300), err)
	}
	return v
}

// text is an expression's value as words.
func (b *tab) text(expr string) string {
	b.t.Helper()
	return fmt.Sprint(b.eval(expr))
}

// holds waits for a visible fact and says whether it came. The page itself
// looks, again and again; a page that is left meanwhile is asked anew.
func (b *tab) holds(expr string, within time.Duration) bool {
	b.t.Helper()
	js := fmt.Sprintf("new Promise(done=>{const end=Date.now()+%d;const look=()=>{let ok=false;try{ok=Boolean(%s)}catch{}if(ok||Date.now()>end)done(ok);else setTimeout(look,20)};look()})", 2000, expr)
	for end := time.Now().Add(within); ; {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[any]("(async()=>("+js+"))()", chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
		if err == nil && v == true {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// until is holds, or the end of the walk.
func (b *tab) until(what, expr string) {
	b.t.Helper()
	if b.holds(expr, patience) {
		return
	}
	b.shot("failed-" + b.t.Name() + "-" + what)
	b.t.Fatalf("waited for %s: %s\ncomplaints: %q\npage %v: %v\nframe: %v", what, expr, b.bad, b.eval("location.pathname"), b.eval("document.body.innerText.slice(0, 1500)"),
		b.eval("document.querySelector('iframe') ? inFrame().body.innerText.slice(0, 1500) : 'none'"))
}

// keys types into whatever has the focus.
func (b *tab) keys(s string, how ...chromedp.KeyOption) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(s, how...)); err != nil {
		b.t.Fatalf("browser, keys %q: %v", s, err)
	}
}

// click presses the button, link or menu entry of this accessible name.
func (b *tab) click(name string) {
	b.t.Helper()
	b.until("something called "+name, "find("+quote(name)+")")
	b.eval("(b => (b.focus(), b.click()))(find(" + quote(name) + "))")
}

// fill types into the field with this label, as a person would.
func (b *tab) fill(label, words string) {
	b.t.Helper()
	b.until("field "+label, "field("+quote(label)+")")
	b.eval("(f => (f.focus(), f.select?.()))(field(" + quote(label) + "))")
	b.keys(words)
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func head(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// naming gives pages find(name) and field(label): the visible thing of that
// accessible name, computed the way readers do for our markup.
const naming = `(() => {
window.nameOf=(b)=>{const l=b.getAttribute('aria-label');if(l)return l;const c=b.cloneNode(true);for(const x of c.querySelectorAll('[aria-hidden="true"]'))x.remove();return c.textContent.trim().replace(/\s+/g,' ')};
window.find=(n,d=document)=>[...d.querySelectorAll('button,a[href],[role="menuitem"],[role="menuitemradio"]')].find(b=>b.getClientRects().length&&nameOf(b)===n);
window.field=(n,d=document)=>[...d.querySelectorAll('input,textarea,select')].find(f=>f.getClientRects().length&&(f.getAttribute('aria-label')===n||[...(f.labels??[])].some(l=>l.textContent.trim()===n)));
window.inFrame=()=>document.querySelector('iframe').contentDocument;
})()`

// shot keeps a picture where SHOTS names a folder.
func (b *tab) shot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", r) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Logf("no picture %s: %v", name, err)
	}
}

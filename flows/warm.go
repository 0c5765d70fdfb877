package flows

import (
	"bytes"
	"sync"

	"dispatcher/engine"
	"dispatcher/internal/source"
)

// Warm keeps the nodes and the expressions of the last load and the flows of
// the last good one, so that the next parses, compiles and links only what was
// edited. None of it ever changes: a load with Warm gives the same set and the
// same words as one without. It holds what one project needs, and as much
// again at the most. The zero value is ready; safe for concurrent use.
type Warm struct {
	mu   sync.Mutex
	last kept
}

// kept is what loads have made: expressions by their source, files by path,
// and the flows of the last good load by path.
type kept struct {
	exprs map[string]warmExpr
	docs  map[string]warmDoc

	parts    map[string]*keptFlow
	shared   shared
	project  *source.Doc // what they were made with
	declared []byte      // and what they all declared
}

// maxExprs is how many expressions are kept although no file has them any more.
const maxExprs = 10_000

func newKept() kept { return kept{exprs: map[string]warmExpr{}, docs: map[string]warmDoc{}} }

// warmDoc is one file as it was parsed.
type warmDoc struct {
	data     []byte
	doc      *source.Doc
	diags    []source.Diagnostic
	declares []byte // see declares
}

// warmExpr is one expression by its source; what is not there yet is nil.
type warmExpr struct {
	tree     *parsedExpr
	compiled *engine.Expr
}

// take gives what the last load left behind.
func (w *Warm) take() kept {
	if w == nil {
		return kept{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// leave is called with everything that a load has used.
func (w *Warm) leave(now kept) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = now
}

// doc gives the nodes of a file.
func (l *loader) doc(path string) (*source.Doc, []source.Diagnostic) {
	data := l.files.Data[path]
	have := l.before.docs[path]
	if have.doc == nil || !bytes.Equal(have.data, data) {
		have.data = data
		have.doc, have.diags = source.Parse(path, data)
		have.declares = nil
		if l.opts.Warm != nil && isFlow(path) {
			have.declares = declares(have.doc.Root)
		}
	}
	l.now.docs[path] = have
	return have.doc, have.diags
}

// treeOf gives the tree of an expression, from this load, the last one, or the parser.
func (l *loader) treeOf(src string) parsedExpr {
	have := l.now.exprs[src]
	if have.tree == nil {
		if have.tree = l.before.exprs[src].tree; have.tree == nil {
			p := parseExpr(src)
			have.tree = &p
		}
		l.now.exprs[src] = have
	}
	return *have.tree
}

// program gives the program of an expression with the place of this use.
func (l *loader) program(src, rule string) (*engine.Expr, error) {
	have := l.now.exprs[src]
	if have.compiled == nil {
		if have.compiled = l.before.exprs[src].compiled; have.compiled == nil {
			x, err := engine.CompileExpr(src, rule)
			if err != nil {
				return nil, err
			}
			have.compiled = x
		}
		l.now.exprs[src] = have
	}
	return have.compiled.At(rule), nil
}

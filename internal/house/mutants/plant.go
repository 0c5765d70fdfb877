package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// planter plants every mistake it knows into one file. Lines stay where they
// are, so that what the compiler says can be traced back.
type planter struct {
	file  string
	src   []byte
	first int
	skip  map[string]bool
	fset  *token.FileSet
	made  []mutant
	edits []edit
}

// edit puts text at an offset. Of several at one place closing ones come
// first, the inner before the outer, then opening ones, the outer first.
type edit struct {
	at, order int
	closing   bool
	text      string
}

func (p *planter) plant() ([]byte, error) {
	p.fset = token.NewFileSet()
	f, err := parser.ParseFile(p.fset, p.file, p.src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
			ast.Inspect(fn.Body, p.node)
		}
	}
	slices.SortStableFunc(p.edits, func(a, b edit) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.closing != b.closing && a.closing:
			return -1
		case a.closing != b.closing:
			return 1
		case a.closing:
			return b.order - a.order
		}
		return a.order - b.order
	})
	var out strings.Builder
	last := 0
	for _, e := range p.edits {
		out.Write(p.src[last:e.at])
		out.WriteString(e.text)
		last = e.at
	}
	out.Write(p.src[last:])
	return []byte(out.String()), nil
}

func (p *planter) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		p.wrap(n.Cond, "negated", "mutantNot(%d, ", ")")
	case *ast.BinaryExpr:
		p.binary(n)
	case *ast.BlockStmt:
		p.statements(n.List)
	case *ast.CaseClause:
		p.statements(n.Body)
	case *ast.ReturnStmt:
		for _, r := range n.Results {
			if id, ok := r.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
				p.wrap(r, "true for false", "mutantNot(%d, ", ")")
			}
		}
	}
	return true
}

// binary: a bound off by one, and for or.
func (p *planter) binary(n *ast.BinaryExpr) {
	next := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}
	switch {
	case next[n.Op] != "" && plain(n.X) && plain(n.Y):
		other := p.text(n.X) + " " + next[n.Op] + " " + p.text(n.Y)
		p.wrap(n, n.Op.String()+" for "+next[n.Op], "mutantOr(%d, ", ", "+other+")")
	case n.Op == token.LAND || n.Op == token.LOR:
		id, ok := p.mutant(n, n.Op.String()+" exchanged")
		if !ok {
			return
		}
		p.put(n.X.Pos(), id, false, fmt.Sprintf("mutantAnd(%d, %t, ", id, n.Op == token.LAND))
		p.put(n.X.End(), id, true, ", func() bool { return ")
		// What stood between the two sides is the operator, which goes.
		p.blank(n.OpPos, len(n.Op.String()))
		p.put(n.Y.End(), id, true, "})")
	}
}

// blank replaces bytes by spaces; positions stay.
func (p *planter) blank(from token.Pos, n int) {
	at := p.fset.Position(from).Offset
	src := slices.Clone(p.src)
	for i := range n {
		src[at+i] = ' '
	}
	p.src = src
}

// statements: one left out.
func (p *planter) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			call, ok := s.X.(*ast.CallExpr)
			if !ok {
				continue
			}
			if id, named := call.Fun.(*ast.Ident); named && id.Name == "panic" {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt:
		default:
			continue
		}
		p.wrap(s, "left out", "if !mutantOn(%d) { ", " }")
	}
}

func (p *planter) wrap(n ast.Node, kind, before, after string) {
	id, ok := p.mutant(n, kind)
	if !ok {
		return
	}
	p.put(n.Pos(), id, false, fmt.Sprintf(before, id))
	p.put(n.End(), id, true, after)
}

func (p *planter) mutant(n ast.Node, kind string) (int, bool) {
	from, to := p.fset.Position(n.Pos()), p.fset.Position(n.End())
	for line := from.Line; line <= to.Line; line++ {
		if p.skip[fmt.Sprintf("%s:%d", p.file, line)] {
			return 0, false
		}
	}
	m := mutant{id: p.first + len(p.made), file: p.file, kind: kind, line: from.Line}
	m.text = strings.TrimSpace(strings.Split(string(p.src), "\n")[from.Line-1])
	p.made = append(p.made, m)
	return m.id, true
}

func (p *planter) put(at token.Pos, order int, closing bool, text string) {
	p.edits = append(p.edits, edit{p.fset.Position(at).Offset, order, closing, text})
}

func (p *planter) text(n ast.Node) string {
	return string(p.src[p.fset.Position(n.Pos()).Offset:p.fset.Position(n.End()).Offset])
}

// plain says that an expression may be worked out twice: names, fields,
// numbers, sums of them, and len.
func plain(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident, *ast.BasicLit:
		return true
	case *ast.SelectorExpr:
		return plain(x.X)
	case *ast.IndexExpr:
		return plain(x.X) && plain(x.Index)
	case *ast.BinaryExpr:
		return (x.Op == token.ADD || x.Op == token.SUB || x.Op == token.MUL) && plain(x.X) && plain(x.Y)
	case *ast.ParenExpr:
		return plain(x.X)
	case *ast.CallExpr:
		id, ok := x.Fun.(*ast.Ident)
		return ok && id.Name == "len" && len(x.Args) == 1 && plain(x.Args[0])
	}
	return false
}

package lsp

import (
	"context"

	"dispatcher/flows"
)

// formatting puts a file into the order and indentation of dispatcher fmt. A
// file that cannot be read stays as it is; its problem is underlined already.
func (s *server) formatting(ctx context.Context, p *documentParams) (any, error) {
	out := []textEdit{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return out, nil
	}
	now, err := flows.Format(d.path, []byte(d.text.data))
	if err != nil {
		s.log(messageInfo, "not formatted: "+err.Error())
		return out, nil
	}
	if string(now) != d.text.data {
		out = append(out, s.replaced(d.text, string(now)))
	}
	return out, ctx.Err()
}

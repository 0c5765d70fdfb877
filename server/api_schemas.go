package server

import (
	"github.com/danielgtaylor/huma/v2"
)

// openAnswers lets answers grow: their schemas allow fields that are not
// described, since version 1 may add some. Schemas of requests go on to refuse
// what they do not know. What nothing refers to is left out.
func openAnswers(api *huma.OpenAPI) {
	asked, answered := schemaWalk{api: api}, schemaWalk{api: api}
	for _, item := range api.Paths {
		for _, op := range operationsOf(item) {
			if op.RequestBody != nil {
				asked.content(op.RequestBody.Content)
			}
			for _, r := range op.Responses {
				answered.content(r.Content)
			}
		}
	}
	for s := range answered.seen {
		if s.AdditionalProperties == false && !asked.seen[s] {
			s.AdditionalProperties = true
		}
	}
	all := api.Components.Schemas.Map()
	for name, s := range all {
		if !asked.seen[s] && !answered.seen[s] {
			delete(all, name)
		}
	}
}

func operationsOf(item *huma.PathItem) (ops []*huma.Operation) {
	for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch, item.Head, item.Options} {
		if op != nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// schemaWalk collects every schema that is reached.
type schemaWalk struct {
	api  *huma.OpenAPI
	seen map[*huma.Schema]bool
}

func (w *schemaWalk) content(media map[string]*huma.MediaType) {
	for _, m := range media {
		w.walk(m.Schema)
	}
}

func (w *schemaWalk) walk(s *huma.Schema) {
	if s == nil || w.seen[s] {
		return
	}
	if w.seen == nil {
		w.seen = map[*huma.Schema]bool{}
	}
	w.seen[s] = true
	if s.Ref != "" {
		w.walk(w.api.Components.Schemas.SchemaFromRef(s.Ref))
	}
	w.walk(s.Items)
	w.walk(s.Not)
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		w.walk(more)
	}
	for _, p := range s.Properties {
		w.walk(p)
	}
	for _, list := range [][]*huma.Schema{s.OneOf, s.AnyOf, s.AllOf} {
		for _, p := range list {
			w.walk(p)
		}
	}
}

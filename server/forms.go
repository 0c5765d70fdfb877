package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"dispatcher/inbox"
	"dispatcher/server/web"
)

// Bounds of a form that is sent.
const (
	formBytes = 25 << 20
	fileBytes = 10 << 20
	formFiles = 10
	fieldText = 64 << 10
)

// formRoutes are the pages customers are sent to by a flow (language.md 2.19).
func (s *Server) formRoutes(e *echo.Echo) {
	e.GET("/forms/:token", func(c echo.Context) error {
		s.getForm(c.Response(), c.Request(), c.Param("token"))
		return nil
	})
	e.POST("/forms/:token", func(c echo.Context) error {
		r := c.Request()
		r.Body = http.MaxBytesReader(c.Response(), r.Body, formBytes)
		s.postForm(c.Response(), r, c.Param("token"))
		return nil
	})
}

// getForm shows the form; looking at it uses nothing up.
func (s *Server) getForm(w http.ResponseWriter, r *http.Request, token string) {
	page, err := s.cfg.Inbox.Form(r.Context(), token)
	if err != nil {
		s.noForm(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, web.PageForm, s.formPage(r, page, nil, nil))
}

// noForm tells a link that opens nothing any more from one that never did.
func (s *Server) noForm(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, inbox.ErrNoPage):
		s.writeProblem(w, r, problem("not_found", "There is no such form."))
	case errors.Is(err, inbox.ErrPageClosed):
		lang := s.languageOf(r)
		s.page(w, r, http.StatusGone, web.PageForm, web.Form{Brand: s.projectName(), Language: lang, Expired: true, Words: web.WordsOfForm(lang)})
	default:
		s.writeProblem(w, r, err)
	}
}

// languageOf is the first language of a browser; a page that knows nothing of
// its reader has nothing better.
func (s *Server) languageOf(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	base, _, _ := strings.Cut(strings.TrimSpace(first), "-")
	switch base {
	case "fr", "de", "es":
		return base
	}
	return "en"
}

func (s *Server) formPage(r *http.Request, page inbox.FormPage, values, wrong map[string]string) web.Form {
	base, _, _ := strings.Cut(page.Language, "-")
	out := web.Form{Action: r.URL.Path, Language: page.Language, Brand: s.projectName(), Title: page.Title, Intro: page.Intro, Words: web.WordsOfForm(base)}
	for _, f := range page.Fields {
		field := web.FormField{Name: f.Slot, Label: f.Label, Help: f.Help, Type: f.Type, Required: f.Required, Secret: f.Secret, Value: values[f.Slot], Error: wrong[f.Slot]}
		if f.Secret {
			field.Value = ""
		}
		if f.Example != "" {
			field.Example = out.Words.Example + ": " + f.Example
		}
		for _, v := range f.Values {
			field.Values = append(field.Values, web.FormValue{ID: v.ID, Label: v.Label})
		}
		field.Long = f.Type == "list" || f.Type == "text" && !f.Secret && f.Example == "" && (f.Max == nil || *f.Max > 200)
		if f.Type == "media" {
			out.Files, field.Accept = true, acceptOf(f.Accept)
		}
		out.Fields = append(out.Fields, field)
	}
	return out
}

// acceptOf is the filter of a file dialog; "" where any file is welcome.
func acceptOf(kinds []string) string {
	var types []string
	for _, k := range kinds {
		if k == "file" {
			return ""
		}
		types = append(types, k+"/*")
	}
	return strings.Join(types, ",")
}

// postForm takes the form. What is wrong is said beside its field; once it was
// taken the link is used up.
func (s *Server) postForm(w http.ResponseWriter, r *http.Request, token string) {
	page, err := s.cfg.Inbox.Form(r.Context(), token)
	if err != nil {
		s.noForm(w, r, err)
		return
	}
	values, files, err := readPage(r)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	wrong, err := s.cfg.Inbox.SubmitForm(r.Context(), token, values, files)
	switch {
	case err != nil:
		s.noForm(w, r, err)
	case len(wrong) > 0:
		s.page(w, r, http.StatusUnprocessableEntity, web.PageForm, s.formPage(r, page, values, wrong))
	default:
		out := s.formPage(r, inbox.FormPage{Language: page.Language}, nil, nil)
		out.Done = true
		s.page(w, r, http.StatusOK, web.PageForm, out)
	}
}

// readPage reads what a page has sent. Files stay in memory: nothing of a
// customer's is ever written unsealed.
func readPage(r *http.Request) (map[string]string, map[string][]inbox.FormFile, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		values, _, err := readForm(r)
		return values, nil, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, badForm()
	}
	values, files, n := map[string]string{}, map[string][]inbox.FormFile{}, 0
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, files, nil
		}
		if err != nil {
			return nil, nil, badForm()
		}
		limit := int64(fieldText)
		if part.FileName() != "" {
			limit = fileBytes
		}
		content, err := io.ReadAll(io.LimitReader(part, limit+1))
		switch {
		case err != nil:
			return nil, nil, badForm()
		case int64(len(content)) > limit:
			return nil, nil, problem("too_large", "A file is larger than 10 MiB.")
		case part.FileName() == "":
			values[part.FormName()] = string(content)
			continue
		case len(content) == 0:
			continue // a file field that was left empty
		}
		if n++; n > formFiles {
			return nil, nil, problem("too_large", "More than 10 files.")
		}
		kind, _, _ := mime.ParseMediaType(http.DetectContentType(content))
		files[part.FormName()] = append(files[part.FormName()], inbox.FormFile{Name: part.FileName(), MIME: kind, Content: content})
	}
}

func badForm() *Problem {
	return problem("invalid", "The form cannot be read.").with(http.StatusBadRequest)
}

// verifyInput is a service's word on a link it was given.
type verifyInput struct {
	Token string `path:"token" maxLength:"100"`
	Body  struct {
		OK      bool   `json:"ok" doc:"Whether the customer has proved who they are."`
		Contact string `json:"contact,omitempty" maxLength:"200" doc:"The service's own name of the customer; not kept."`
	}
}

func (s *Server) verifyRoutes(api huma.API) {
	handle(s, api, operation{method: "POST", path: "/verifications/{token}", id: "verification", summary: "Say whether a customer has proved who they are", tag: "contacts", perm: permVerify, status: 204},
		func(ctx context.Context, _ *identity, in *verifyInput) (*none, error) {
			err := s.cfg.Inbox.ConfirmVerification(ctx, in.Token, in.Body.OK)
			switch {
			case errors.Is(err, inbox.ErrNoPage):
				return nil, problem("not_found", "")
			case errors.Is(err, inbox.ErrPageClosed):
				return nil, problem("too_late", "The link was used, or its time is over.")
			}
			return &none{}, err
		})
}

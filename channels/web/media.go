package web

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"dispatcher/channels"
	"dispatcher/channels/wire"
)

// sniffLen is how much of a file tells what it is.
const sniffLen = 512

// upload stores one file of the visitor. What it is, is read from its bytes;
// anything a browser could run is refused.
func (s *service) upload(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.a.mediaMax+64<<10) // the form around the file
	form, err := r.MultipartReader()
	if err != nil {
		fail(w, fmt.Errorf("send multipart/form-data: %w", channels.ErrUnsupported))
		return
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			if err == io.EOF {
				err = &channels.FieldError{Field: "file", Problem: "is missing"}
			} else {
				err = tooLarge(err)
			}
			fail(w, err)
			return
		}
		if part.FormName() != "file" {
			continue
		}
		id, err := s.save(r, v, part.FileName(), part)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, http.StatusCreated, map[string]string{"media": id})
		return
	}
}

func (s *service) save(r *http.Request, v visitor, name string, file io.Reader) (string, error) {
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return "", tooLarge(err)
	}
	head = head[:n]
	kind := sniff(head)
	if !s.takes(kind) {
		return "", fmt.Errorf("files of this type are not taken: %w", channels.ErrUnsupported)
	}
	whole := &capped{r: io.MultiReader(bytes.NewReader(head), file), left: s.a.mediaMax}
	m, err := s.host.SaveMedia(r.Context(), s.a.Name, v.session.Thread, fileName(name), kind, whole)
	if whole.over {
		return "", fmt.Errorf("the file is over %d bytes: %w", s.a.mediaMax, channels.ErrTooLarge)
	}
	if err != nil {
		return "", fmt.Errorf("keep the file: %w", err)
	}
	return m.ID, nil
}

// capped fails at the first byte over the limit.
type capped struct {
	r    io.Reader
	left int64
	over bool
}

// Read gives channels.ErrTooLarge at the first byte over the limit.
func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		c.over = true
		return 0, channels.ErrTooLarge
	}
	if err != nil && err != io.EOF {
		err = tooLarge(err)
	}
	return n, err
}

// sniff names the type of a file by its first bytes; SVG and HTML in any disguise are text/html.
func sniff(head []byte) string {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil {
		return "application/octet-stream"
	}
	low := strings.ToLower(string(head))
	for _, mark := range []string{"<svg", "<!doctype", "<html", "<script", "<?xml", "<body", "<iframe"} {
		if strings.HasPrefix(kind, "text/") && strings.Contains(low, mark) {
			return "text/html"
		}
	}
	return kind
}

func (s *service) takes(kind string) bool {
	switch kind {
	case "text/html", "text/xml", "image/svg+xml", "application/xhtml+xml":
		return false
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return slices.Contains(s.a.mediaKind, "image") || slices.Contains(s.a.mediaKind, "file")
	}
	return slices.Contains(s.a.mediaKind, "file")
}

// fileName keeps the last part of a name, for showing only.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(wire.Clean(name), "\\", "/"))
	if name == "." || name == "/" {
		return "file"
	}
	return wire.PlainRef(name)
}

// download gives back a file of the visitor's own thread. Only raster images
// are shown in place; everything else is saved.
func (s *service) download(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err != nil {
		fail(w, err)
		return
	}
	m, file, err := s.host.OpenMedia(r.Context(), s.a.Name, v.session.Thread, path.Base(r.URL.Path))
	if err != nil {
		fail(w, fmt.Errorf("no such file: %w", channels.ErrNotFound))
		return
	}
	defer func() { _ = file.Close() }() // only read from
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	kind, disposition := "application/octet-stream", "attachment"
	switch m.MIME {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		kind, disposition = m.MIME, "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": fileName(m.Name)}))
	_, _ = io.Copy(w, file) // the browser went away
}

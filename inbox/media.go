package inbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dispatcher/channels"
	"dispatcher/dm"
	"dispatcher/storage"
)

// mediaHead is the first part of a media file: the file's own key, wrapped by
// the master key, and what the file is, sealed under the file's key.
type mediaHead struct {
	Wrapped []byte `json:"wrapped"`
	Kid     int64  `json:"kid"`
	Facts   []byte `json:"facts"`
}

type mediaFacts struct {
	Channel int64    `json:"channel"`
	Addr    []byte   `json:"addr"`
	Media   dm.Media `json:"media"`
}

const mediaPrefix = "med_"

// errNoMedia says that this process keeps no attachments.
var errNoMedia = errors.New("inbox: no folder for attachments")

// SaveMedia keeps a file of a visitor, sealed under a key of its own.
func (h *host) SaveMedia(_ context.Context, channel, thread, name, mime string, r io.Reader) (dm.Media, error) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return dm.Media{}, channels.ErrNotFound
	}
	if err := h.s.accepting(); err != nil {
		return dm.Media{}, err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return dm.Media{}, fmt.Errorf("inbox: read upload: %w", err)
	}
	sum := sha256.Sum256(content)
	m := dm.Media{Kind: mediaKind(mime), ID: newMediaID(), MIME: mime, Name: clip(name, nameRunes), Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	return m, h.s.writeMedia(mediaFacts{Channel: acct.Number, Addr: h.s.addrHash(acct.Number, thread), Media: m}, content)
}

func newMediaID() string {
	var raw [16]byte
	rand.Read(raw[:])
	return mediaPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

func mediaKind(mime string) string {
	for _, kind := range []string{"image", "video", "audio"} {
		if strings.HasPrefix(mime, kind+"/") {
			return kind
		}
	}
	return "file"
}

func (s *Service) writeMedia(facts mediaFacts, content []byte) error {
	if s.cfg.MediaDir == "" {
		return errNoMedia
	}
	key, wrapped, kid, err := s.vault.NewContactKey()
	if err != nil {
		return fmt.Errorf("inbox: media key: %w", err)
	}
	plain, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	id := []byte(facts.Media.ID)
	head, err := json.Marshal(mediaHead{Wrapped: wrapped, Kid: kid, Facts: key.Seal(plain, append(id, " facts"...))})
	if err != nil {
		return err
	}
	file := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	file = append(append(file, head...), key.Seal(content, id)...)
	if err := writeFile(filepath.Join(s.cfg.MediaDir, facts.Media.ID), file); err != nil {
		return fmt.Errorf("inbox: keep attachment: %w", err)
	}
	return nil
}

// writeFile writes a whole file or none.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "upload-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// OpenMedia opens a file of this thread; of another one it is not found.
func (h *host) OpenMedia(_ context.Context, channel, thread, id string) (dm.Media, io.ReadCloser, error) {
	acct, ok := h.s.Account(channel)
	if !ok {
		return dm.Media{}, nil, channels.ErrNotFound
	}
	facts, content, err := h.s.readMedia(id)
	if err != nil {
		return dm.Media{}, nil, err
	}
	if facts.Channel != acct.Number || !bytes.Equal(facts.Addr, h.s.addrHash(acct.Number, thread)) {
		return dm.Media{}, nil, channels.ErrNotFound
	}
	return facts.Media, io.NopCloser(bytes.NewReader(content)), nil
}

// OpenMedia opens an attachment for a person who may see its conversation.
func (s *Service) OpenMedia(id string) (dm.Media, []byte, error) {
	facts, content, err := s.readMedia(id)
	return facts.Media, content, err
}

func (s *Service) readMedia(id string) (facts mediaFacts, content []byte, err error) {
	name := strings.TrimPrefix(id, mediaPrefix)
	if raw, err := base64.RawURLEncoding.DecodeString(name); err != nil || len(raw) != 16 || name == id || s.cfg.MediaDir == "" {
		return facts, nil, channels.ErrNotFound
	}
	file, err := os.ReadFile(filepath.Join(s.cfg.MediaDir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return facts, nil, channels.ErrNotFound
	}
	if err != nil {
		return facts, nil, fmt.Errorf("inbox: read attachment: %w", err)
	}
	if len(file) < 4 || uint64(len(file)-4) < uint64(binary.BigEndian.Uint32(file)) {
		return facts, nil, errors.New("inbox: attachment is cut short")
	}
	n := binary.BigEndian.Uint32(file)
	var head mediaHead
	if err := json.Unmarshal(file[4:4+n], &head); err != nil {
		return facts, nil, fmt.Errorf("inbox: attachment: %w", err)
	}
	key, err := s.vault.OpenContactKey(head.Wrapped, head.Kid)
	if err != nil {
		return facts, nil, fmt.Errorf("inbox: attachment: %w", err)
	}
	plain, err := key.Open(head.Facts, []byte(id+" facts"))
	if err == nil {
		err = json.Unmarshal(plain, &facts)
	}
	if err != nil {
		return facts, nil, fmt.Errorf("inbox: attachment: %w", err)
	}
	content, err = key.Open(file[4+n:], []byte(id))
	return facts, content, err
}

// mediaRows are the attachments of a message that this process keeps.
func (s *Service) mediaRows(d *Draft, seq int64, list []dm.Media) (rows []storage.MediaRow) {
	for _, m := range list {
		if !strings.HasPrefix(m.ID, mediaPrefix) {
			continue
		}
		sha, _ := hex.DecodeString(m.SHA256)
		name, err := d.keys.seal("media", d.conv.UID, seq, "name", m.Name)
		d.fail("media name", err)
		rows = append(rows, storage.MediaRow{Conversation: d.conv.ID, Seq: seq, Type: m.MIME, Size: m.Bytes, SHA: sha, Name: name, Path: m.ID})
	}
	return rows
}

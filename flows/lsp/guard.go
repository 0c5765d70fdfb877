package lsp

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

const (
	maxMessage = 64 << 20 // bytes of one message
	maxHeader  = 8 << 10  // bytes of one line of a header
)

var errTooLarge = errors.New("a message is announced that is over 64 MiB")

// guard hands on a stream of messages and ends it before one that would take
// the memory of the machine: the framing behind it believes every length.
type guard struct {
	in     *bufio.Reader
	header []byte // a line of it, to be handed on

	announced int // by a line of a header that goes on
	length    int // of the message behind the end of the header
	left      int // of the message that is handed on
}

func newGuard(in io.Reader) *guard { return &guard{in: bufio.NewReaderSize(in, maxHeader)} }

// Read hands on a part of a header or of a message.
func (g *guard) Read(p []byte) (int, error) {
	if len(g.header) == 0 && g.left == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.header) > 0 {
		n := copy(p, g.header)
		if g.header = g.header[n:]; len(g.header) == 0 {
			g.left, g.length = g.length, 0
		}
		return n, nil
	}
	n, err := g.in.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// next reads one line of a header; the empty one ends it.
func (g *guard) next() error {
	line, err := g.in.ReadSlice('\n')
	if err != nil && (err != io.EOF || len(line) == 0) {
		return err
	}
	name, value, _ := strings.Cut(string(line), ":")
	if strings.EqualFold(strings.TrimSpace(name), "content-length") {
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n > maxMessage {
			return errTooLarge
		}
		g.announced = max(n, 0)
	}
	if strings.TrimRight(string(line), "\r\n") == "" {
		g.length, g.announced = g.announced, 0
	}
	g.header = append(g.header[:0], line...)
	return nil
}

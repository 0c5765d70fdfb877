package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// secret signs what the bench sends; it guards nothing.
var secret = []byte("0123456789abcdef0123456789abcdef")

// secretText is the same as the project's environment holds it.
func secretText() string { return "whsec_" + base64.StdEncoding.EncodeToString(secret) }

// conn is one keep-alive connection. It speaks just enough HTTP/1.1 to cost
// the machine less than the server it measures.
type conn struct {
	net.Conn
	addr, path string
	in         *bufio.Reader
	out        bytes.Buffer
	body       bytes.Buffer
}

func dial(addr, path string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, addr: addr, path: path, in: bufio.NewReaderSize(c, 4096)}, nil
}

// say posts one signed message of a contact and waits for the answer's end.
func (c *conn) say(contact, text string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	c.body.Reset()
	fmt.Fprintf(&c.body, `{"type":"message.created","timestamp":"%s","data":{"id":"%s","contact":{"id":"%s","name":"Ann Example","locale":"en"},"text":"%s"}}`,
		now.Format(time.RFC3339Nano), id, contact, text)
	return c.post(id.String(), strconv.FormatInt(now.Unix(), 10))
}

// post signs what is in body and sends it.
func (c *conn) post(id, at string) error {
	mac := hmac.New(sha256.New, secret)
	io.WriteString(mac, id+"."+at+".")
	mac.Write(c.body.Bytes())
	c.out.Reset()
	fmt.Fprintf(&c.out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nWebhook-Id: %s\r\nWebhook-Timestamp: %s\r\nWebhook-Signature: v1,%s\r\nContent-Length: %d\r\n\r\n",
		c.path, c.addr, id, at, base64.StdEncoding.EncodeToString(mac.Sum(nil)), c.body.Len())
	c.out.Write(c.body.Bytes())
	if _, err := c.Write(c.out.Bytes()); err != nil {
		return err
	}
	return c.answer()
}

// answer reads one answer and is an error unless it is a 2xx.
func (c *conn) answer() error {
	status, length := 0, 0
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && len(line) > 12:
			status, _ = strconv.Atoi(string(line[9:12]))
		case len(line) > 15 && bytes.EqualFold(line[:15], []byte("content-length:")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(line[15:])))
		}
		if len(line) == 0 {
			break
		}
	}
	text, err := c.in.Peek(min(length, 512))
	if err != nil {
		return err
	}
	var bad error
	if status < 200 || status > 299 {
		bad = refused{status, string(text)}
	}
	if _, err := c.in.Discard(length); err != nil {
		return err
	}
	return bad
}

// refused is an answer that is no 2xx; the connection goes on.
type refused struct {
	status int
	text   string
}

func (r refused) Error() string { return fmt.Sprintf("answered %d: %s", r.status, r.text) }

func isRefused(err error) bool {
	_, ok := errors.AsType[refused](err)
	return ok
}

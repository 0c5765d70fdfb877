package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// exposure is where the service may be reached from, and how.
type exposure struct {
	listen   string
	tlsCert  string
	tlsKey   string
	proxies  []string
	loopback bool
	trusted  []netip.Prefix
	tls      *tls.Config
}

// settle refuses an address that others can reach without TLS or a proxy that
// was named (runtime.md 5.1).
func (e *exposure) settle() error {
	host, _, err := net.SplitHostPort(e.listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not an address like 127.0.0.1:8080", e.listen)
	}
	e.loopback = isLoopback(host)
	for _, p := range e.proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("--behind-proxy %q is not a network like 10.0.0.0/8", p)
		}
		e.trusted = append(e.trusted, prefix)
	}
	if (e.tlsCert == "") != (e.tlsKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if e.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(e.tlsCert, e.tlsKey)
		if err != nil {
			return fmt.Errorf("TLS certificate: %w", err)
		}
		e.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	}
	if !e.loopback && e.tls == nil && len(e.trusted) == 0 {
		return fmt.Errorf("%s can be reached from other machines: add --tls-cert and --tls-key, or --behind-proxy CIDR when a proxy in front does TLS, or listen on 127.0.0.1", e.listen)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// open takes the port before anything else is touched.
func (e *exposure) open() (net.Listener, error) {
	l, err := net.Listen("tcp", e.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %s is in use; stop the other program, or choose another with --listen 127.0.0.1:8081", e.listen)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("no right to listen on %s; choose a port above 1023", e.listen)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", e.listen, err)
	}
	return l, nil
}

// url is where a browser on this machine finds the service.
func (e *exposure) url(addr net.Addr) string {
	scheme := "http"
	if e.tls != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

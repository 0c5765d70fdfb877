package channels

import (
	"errors"
	"net/http"
	"strings"
)

// What can stop a request, as an adapter or a Host says it. Every Verify,
// Parse and Accept error is one of these or wraps one; anything else is a
// fault of ours. StatusOf gives the HTTP answer.
var (
	ErrOverloaded   = hostError("overloaded")             // 503, nothing accepted
	ErrNotReady     = hostError("not_ready")              // 503, nothing accepted
	ErrTooOld       = hostError("too_old")                // 200, nothing stored
	ErrNoSession    = hostError("no_session")             // 401: the widget token is unknown or expired
	ErrSignature    = hostError("bad_signature")          // 401: not signed by whom it says
	ErrMalformed    = hostError("bad_request")            // 400: the bytes are not the platform's envelope
	ErrNotFound     = hostError("not_found")              // 404
	ErrNoMethod     = hostError("method_not_allowed")     // 405
	ErrConflict     = hostError("conflict")               // 409: known id, other body
	ErrTooLarge     = hostError("too_large")              // 413: bytes, depth or events
	ErrUnsupported  = hostError("unsupported_media_type") // 415
	ErrLimited      = hostError("rate_limited")           // 429
	ErrForbidden    = hostError("forbidden")              // 403: foreign origin
	ErrUnauthorized = hostError("unauthorized")           // 401: identity token not good
)

type hostError string

func (e hostError) Error() string { return string(e) }

// FieldError names the field of a request that is wrong; it is ErrMalformed.
type FieldError struct {
	Field   string // "data.contact.id"
	Problem string // "is missing"
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// Unwrap makes every FieldError an ErrMalformed.
func (e *FieldError) Unwrap() error { return ErrMalformed }

// StatusOf gives the HTTP status and the stable code of an error: 200 for nil
// and ErrTooOld, 500 "internal" for anything that is not of this package.
func StatusOf(err error) (status int, code string) {
	var known hostError
	if err == nil {
		return http.StatusOK, ""
	}
	if !errors.As(err, &known) {
		return http.StatusInternalServerError, "internal"
	}
	return statusOf(known), string(known)
}

// MessageOf is what a caller may read of an error: its words without the code
// behind them, and nothing of a fault of ours.
func MessageOf(err error) string {
	status, code := StatusOf(err)
	if status == http.StatusInternalServerError {
		return "internal error; try again"
	}
	return strings.TrimSuffix(err.Error(), ": "+code)
}

func statusOf(e hostError) int {
	switch e {
	case ErrOverloaded, ErrNotReady:
		return http.StatusServiceUnavailable
	case ErrTooOld:
		return http.StatusOK
	case ErrNoSession, ErrSignature, ErrUnauthorized:
		return http.StatusUnauthorized
	case ErrForbidden:
		return http.StatusForbidden
	case ErrNotFound:
		return http.StatusNotFound
	case ErrNoMethod:
		return http.StatusMethodNotAllowed
	case ErrConflict:
		return http.StatusConflict
	case ErrTooLarge:
		return http.StatusRequestEntityTooLarge
	case ErrUnsupported:
		return http.StatusUnsupportedMediaType
	case ErrLimited:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

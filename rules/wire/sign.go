package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

const (
	// Life is how long a signature is valid.
	Life = 30 * time.Second
	// Skew is the time that the module's clock may be ahead of the companion's. It may
	// be Life behind.
	Skew = 5 * time.Second

	scheme     = "Rulegate2"
	ticketSize = 16                      // bytes of a MAC
	macText    = (sha256.Size*8 + 5) / 6 // characters of a MAC
)

var b64 = base64.RawURLEncoding.Strict()

// encode returns base64url.
func encode(mac []byte) []byte {
	return b64.AppendEncode(make([]byte, 0, macText), mac)
}

// stamp is the beginning that all signatures of one second share.
type stamp struct {
	project string
	seconds int64
	head    string // the signature up to the MAC of the body
	signed  string // what the MAC covers before the body
}

// Sign returns the header Authorization of a request with this body, of a project,
// which may be "". It is valid for Life:
//
//	Rulegate2 SECONDS.TICKET.MAC
//
// SECONDS is the time since 1970. TICKET is a MAC over the project and the time alone:
// with it the companion refuses a stranger before it reads the body. MAC is over the
// project, the time and the body. Without keys it is "".
func (k Keys) Sign(project string, body []byte, now time.Time) string {
	if k.Empty() {
		return ""
	}
	set := k.sets[0]
	s := set.last.Load()
	if s == nil || s.seconds != now.Unix() || s.project != project {
		s = set.stamp(project, now.Unix())
		set.last.Store(s)
	}
	sum := set.request.sum(body, s.signed)
	out := append(make([]byte, 0, 128), s.head...)
	return string(b64.AppendEncode(out, sum[:]))
}

func (set *keySet) stamp(project string, seconds int64) *stamp {
	at := strconv.FormatInt(seconds, 10)
	signed := signedHead(project, at)
	sum := set.ticket.sum(nil, signed)
	return &stamp{
		project: project, seconds: seconds, signed: signed,
		head: scheme + " " + at + "." + string(encode(sum[:ticketSize])) + ".",
	}
}

// signedHead is what the MACs of a signature cover, before the body.
func signedHead(project, seconds string) string {
	return string(value.AppendString(nil, project)) + "\n" + seconds + "\n"
}

// Signature is one whose ticket is valid. Covers checks the rest of it.
type Signature struct {
	set    *keySet
	signed string
	mac    string
}

var (
	errVersion = errors.New("signature: of another version: module and companion must be of the same release")
	errForm    = errors.New("signature: want " + scheme + " SECONDS.TICKET.MAC")
)

// Read checks a signature, but not that it is of the body: so a request of a stranger is
// refused before its body is read. The errors do not quote the signature.
func (k Keys) Read(project, authorization string, now time.Time) (Signature, error) {
	text, ok := strings.CutPrefix(authorization, scheme+" ")
	if !ok {
		return Signature{}, errVersion
	}
	at, text, _ := strings.Cut(text, ".")
	ticket, mac, ok := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok || strconv.FormatInt(seconds, 10) != at {
		return Signature{}, errForm
	}
	switch age := now.Unix() - seconds; { // no overflow: seconds are positive
	case seconds <= 0 || age < -int64(Skew/time.Second):
		return Signature{}, errors.New("signature: made in the future: compare the clocks")
	case age >= int64(Life/time.Second):
		return Signature{}, errors.New("signature: expired: compare the clocks")
	}
	signed := signedHead(project, at)
	for _, set := range k.sets {
		sum := set.ticket.sum(nil, signed)
		if hmac.Equal(encode(sum[:ticketSize]), []byte(ticket)) {
			return Signature{set: set, signed: signed, mac: mac}, nil
		}
	}
	return Signature{}, errors.New("signature: of another secret or project")
}

// Covers reports whether the signature is of this body. That of the zero Signature is
// of none.
func (s Signature) Covers(body []byte) bool {
	if s.set == nil {
		return false
	}
	sum := s.set.request.sum(body, s.signed)
	return hmac.Equal(encode(sum[:]), []byte(s.mac))
}

// Check fails unless a signature is valid for this project, body and time.
func (k Keys) Check(project, authorization string, body []byte, now time.Time) error {
	s, err := k.Read(project, authorization, now)
	if err == nil && !s.Covers(body) {
		err = errors.New("signature: of another body")
	}
	return err
}

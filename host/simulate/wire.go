//go:build !js

package simulate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
)

// Wire is a Companion that sends the calls to a real one, by the protocol of the
// module, but without a network.
type Wire struct {
	Policy  *policy.Policy
	Keys    wire.Keys
	Handler http.Handler
	Now     func() time.Time // for the signatures between module and companion
}

// Answer implements Companion.
func (w *Wire) Answer(calls []rules.Call) ([]rules.Reply, error) {
	now := w.Now()
	body, err := wire.Encode(calls, w.Policy.Gateway)
	if err != nil {
		return nil, err
	}
	req := httptest.NewRequest(http.MethodPost, wire.Path, strings.NewReader(string(body)))
	signature := w.Keys.Sign(w.Policy.Project, body, now)
	req.Header.Set("authorization", signature)
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, req)
	answer := rec.Body.String()
	if err := w.Keys.CheckSeal(signature, []byte(answer), rec.Header().Get(wire.SealHeader)); err != nil {
		return nil, err
	}
	return wire.DecodeReplies(answer, calls, w.Policy.Limits.Depth)
}

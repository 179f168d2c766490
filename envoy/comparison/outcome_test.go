package comparison

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules/value/strictjson"
)

// outcome is what became of a request.
type outcome struct {
	text  string
	right bool
}

// judge compares what the client and the upstream got with what the policy says. got is
// nil if the upstream did not get the request, and the error says that Envoy closed the
// connection.
func judge(r *Request, resp *harness.Response, got *harness.Received, err error) outcome {
	if got == nil {
		text := "closed"
		if err == nil {
			text = fmt.Sprint(resp.Status)
		}
		if r.Pass {
			return outcome{"shut: " + text, false}
		}
		return outcome{text, true}
	}
	answered := err == nil && resp.Status < http.StatusBadRequest // an answer may be held back too
	if err != nil {
		resp = &harness.Response{}
	}
	bounded := r.Upstream != "" || r.Client != "" || r.Secret != ""
	switch right := content(r, resp, got, answered); {
	case r.Pass && !answered:
		return outcome{fmt.Sprintf("shut: %d", resp.Status), false}
	case r.Pass && !right:
		return outcome{"changed", false}
	case !right, !r.Pass && !bounded:
		return outcome{"OPEN", false}
	case !answered:
		return outcome{fmt.Sprint(resp.Status), true}
	}
	return outcome{"pass", true}
}

// content reports whether the upstream got what it should and the client no more than it
// should.
func content(r *Request, resp *harness.Response, got *harness.Received, answered bool) bool {
	if r.Upstream != "" && !same(got.Body, r.padded(r.Upstream)) {
		return false
	}
	for name, value := range r.UpstreamHeader {
		if !slices.Equal(got.Headers[name], []string{value}) {
			return false
		}
	}
	body := resp.Body
	if slices.Contains(resp.Headers["content-encoding"], "gzip") {
		if z, err := gzip.NewReader(strings.NewReader(body)); err == nil {
			text, _ := io.ReadAll(z)
			body = string(text)
		}
	}
	return (r.Client == "" || !answered || same(body, r.Client)) && (r.Secret == "" || !strings.Contains(body, r.Secret))
}

// same compares JSON. Text that two parsers read differently is the same as nothing.
func same(a, b string) bool {
	return strictjson.Check(a, 64) == nil && reflect.DeepEqual(decoded(a), decoded(b))
}

func decoded(text string) (v any) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

package harness

import (
	"fmt"
	"strconv"
	"strings"
)

// parseRequest reads a request. The host, the length and the version of HTTP may
// be left out.
func parseRequest(text string) (*Request, error) {
	head, body, _ := strings.Cut(text, "\n\n")
	hl := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	method, target, ok := strings.Cut(hl[0], " ")
	if !ok || method == "" || target == "" {
		return nil, fmt.Errorf("want a request line, found %q", hl[0])
	}
	r := &Request{Method: method, Target: target, Body: strings.TrimRight(body, "\n")}
	for _, l := range hl[1:] {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return nil, fmt.Errorf("want a header, found %q", l)
		}
		name, value = strings.ToLower(name), strings.TrimPrefix(value, " ")
		if name != "@certificate" {
			r.Headers = append(r.Headers, [2]string{name, value})
			continue
		}
		if _, ok := sumOf(value); !ok {
			return nil, fmt.Errorf("no client certificate has the name %q", value)
		}
		r.Certificate = value
	}
	return r, nil
}

func parseWant(text string) (Want, error) {
	var w Want
	answer, up, _ := strings.Cut(text, "\n\n")
	al := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
	status, errText, _ := strings.Cut(al[0], " ")
	n, err := strconv.Atoi(status)
	if err != nil {
		return w, fmt.Errorf("want a status, found %q", al[0])
	}
	w.Status, w.Error = n, errText
	if w.Headers, err = parseHeaderWants(al[1:]); err != nil {
		return w, err
	}
	if up == "" {
		return w, nil
	}
	if w.Status >= 400 {
		return w, fmt.Errorf("nothing may reach the upstream after a %d", n)
	}
	if strings.TrimSpace(up) == "nothing" {
		w.Upstream = &upstreamWant{Nothing: true}
		return w, nil
	}
	head, body, hasBody := strings.Cut(up, "\n\n")
	hl := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	u := &upstreamWant{}
	var ok bool
	if u.Method, u.Target, ok = strings.Cut(hl[0], " "); !ok {
		return w, fmt.Errorf("want the upstream's request line, found %q", hl[0])
	}
	if u.Headers, err = parseHeaderWants(hl[1:]); err != nil {
		return w, err
	}
	if hasBody {
		body = strings.TrimRight(body, "\n")
		u.Body = &body
	}
	w.Upstream = u
	return w, nil
}

// parseHeaderWants reads `name: value` lines, where a second value repeats the
// name, and `!name` for a header that must be absent.
func parseHeaderWants(ls []string) ([]headerWant, error) {
	var ws []headerWant
	for _, l := range ls {
		if name, ok := strings.CutPrefix(l, "!"); ok {
			ws = append(ws, headerWant{Name: strings.ToLower(name)})
			continue
		}
		name, value, ok := strings.Cut(l, ": ")
		if !ok {
			return nil, fmt.Errorf("want `name: value` or `!name`, found %q", l)
		}
		name = strings.ToLower(name)
		if n := len(ws); n > 0 && ws[n-1].Name == name {
			ws[n-1].Values = append(ws[n-1].Values, value)
			continue
		}
		ws = append(ws, headerWant{name, []string{value}})
	}
	return ws, nil
}

func lines(text string) []string {
	var ls []string
	for _, l := range strings.Split(text, "\n") {
		if strings.TrimSpace(l) != "" {
			ls = append(ls, l)
		}
	}
	return ls
}

package interleave

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/rules/wire"
)

// The companion's answer to a question depends on nothing but the question, so it is the
// same for a stream in company and for one alone, and whether it is kept or not.

// question is a call as the companion gets it.
type question struct {
	ID   string         `json:"id"`
	Kind string         `json:"kind"`
	Find map[string]any `json:"find"`
	URL  string         `json:"url"`
	Body any            `json:"body"`

	Trace map[string]string `json:"trace,omitempty"` // of a question in a group
}

// text is the question without its id.
func (q question) text() string {
	q.ID, q.Trace = "", nil
	b, _ := json.Marshal(q)
	return string(b)
}

// questions returns the calls in a request to the companion.
func (c *call) questions() ([]question, error) {
	var all struct {
		Calls []question `json:"calls"`
	}
	err := json.Unmarshal([]byte(c.body), &all)
	if err == nil && len(all.Calls) == 0 {
		err = fmt.Errorf("no calls in %.200q", c.body)
	}
	return all.Calls, err
}

// asked notes the questions of a call. Each has the fate that the script of its stream says,
// and keeps it.
func (v *vm) asked(c *call) {
	all, err := c.questions()
	switch {
	case err != nil:
		v.fail("%v", err)
	case strings.Contains(c.body, `"group":`):
		v.grouped(c, all)
	case c.by != nil:
		c.ask = c.by.counted(all[0])
		c.by.fated(c.by.nextFate(), all...)
	}
}

// counted returns the question as one of those that the stream asks.
func (s *stream) counted(q question) ask {
	text := q.text()
	s.asks[text]++
	return ask{text, s.asks[text] - 1}
}

func (s *stream) nextFate() fate {
	if s.vm.plugins[s.plugin].asksTwice {
		return good // policy and candidate ask the same, and only one of them in a group, or at all
	}
	return s.script.fates[min(len(s.questions), len(s.script.fates)-1)]
}

func (s *stream) fated(f fate, all ...question) {
	for _, q := range all {
		if _, ok := s.questions[q.text()]; !ok {
			s.questions[q.text()] = f
		}
	}
}

// fate is that of the first question of a call.
func (c *call) fate() fate {
	switch {
	case c.group != nil:
		return c.group.fate
	case c.by == nil:
		return good
	}
	return c.by.questions[c.ask.question]
}

func (q question) reply() map[string]any {
	n := number(4, q.text())
	if q.Kind == "query" {
		row := map[string]any{"id": q.Find["id"], "c": q.Find["c"], "level": n}
		return map[string]any{"id": q.ID, "rows": []any{row}}
	}
	body, _ := q.Body.(map[string]any)
	if params, ok := body["params"].(map[string]any); ok {
		body = params
	}
	text, _ := json.Marshal(map[string]any{"echo": body["id"]})
	return map[string]any{"id": q.ID, "status": []int{200, 200, 204, 403}[n], "body": string(text)}
}

// answer is the companion's reply to a call.
func (c *call) answer(f fate) (*reply, int) {
	all, err := c.questions()
	if err != nil {
		return &reply{}, 1
	}
	replies := []any{}
	for i, q := range all {
		if c.group != nil && c.group.later[i] {
			replies = append(replies, map[string]any{"id": q.ID, "later": true})
			continue
		}
		replies = append(replies, q.reply())
	}
	switch f {
	case late:
		return status("504", "upstream request timeout"), 1
	case unavailable:
		return status("503", "no healthy upstream"), 1
	case refused:
		return status("400", "group: unknown"), 1
	case unauthorized:
		return status("401", "stranger"), 1
	case empty:
		replies = nil
	}
	body, _ := json.Marshal(map[string]any{"replies": replies})
	if f == garbled {
		body = body[:len(body)-1]
	}
	r := status("200", string(body))
	seal := companionKeys.Seal(c.header("authorization"), body)
	if f == unsealed {
		seal = companionKeys.Seal(c.header("authorization"), append(body, ' '))
	}
	r.headers = append(r.headers, [2]string{wire.SealHeader, seal})
	if f == twice {
		return r, 2
	}
	return r, 1
}

var companionKeys = wire.DeriveKeys(harness.OwnSecret)

func status(code, body string) *reply {
	return &reply{headers: [][2]string{{":status", code}, {"content-type", "application/json"}}, body: []byte(body)}
}

func (c *call) header(name string) string {
	for _, h := range c.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

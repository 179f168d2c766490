package explain

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/rulegate/rulegate/host/decisionlog"
)

// Record is a decision that a line of a log tells of.
type Record struct {
	Of        string `json:"of"`              // request or response
	Route     string `json:"route,omitempty"` // the name of the resource
	Outcome   string `json:"outcome"`
	Status    int    `json:"status,omitempty"`
	Clause    string `json:"clause,omitempty"` // the place of the clause that denied
	Name      string `json:"name,omitempty"`   // of that clause, or of the nearest around it
	Reason    string `json:"reason,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// errNoRecord is the error of a line that tells of no decision.
var errNoRecord = errors.New("the line tells of no decision: want a refusal in the log of the module or of rulegate run, or a line of the decision log")

// moduleLine starts a refusal in the log of the module.
const moduleLine = "rulegate: refused: "

// maxUnwrapped bounds how often a line may be wrapped: by slog, and by a collector.
const maxUnwrapped = 4

// ParseLine reads a line of the module's log, which may stand in the log of Envoy or
// of rulegate run, or in the JSON of a collector; of the requests that rulegate run
// logs; or of the decision log. routes are the names of the policy's resources.
func ParseLine(line string, routes []string) (*Record, error) {
	line = strings.Replace(decisionlog.Unwrap(line), "rulegate: shadow: would be refused: ", moduleLine, 1)
	for range maxUnwrapped {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "{") {
			if e, err := decisionlog.Parse([]byte(line)); err == nil {
				return ofEntry(refusing(e)), nil
			}
			inner, ok := message(line)
			if !ok {
				return nil, errNoRecord
			}
			line = inner
			continue
		}
		if i := strings.Index(line, moduleLine); i >= 0 {
			if i > 0 && line[i-1] == '"' {
				if quoted, err := strconv.QuotedPrefix(line[i-1:]); err == nil {
					line, _ = strconv.Unquote(quoted)
					continue
				}
			}
			return ofModule(line[i+len(moduleLine):])
		}
		break
	}
	return ofRequest(line, routes)
}

// refusing returns the decision of the candidate, of a line about a request that only the
// candidate refuses; else that of the line.
func refusing(e *decisionlog.Entry) *decisionlog.Entry {
	c := e.Candidate
	if c == nil || e.Outcome != "yes" {
		return e
	}
	of := *e
	of.Policy, of.Outcome, of.Status, of.Clause, of.Name, of.Reason = c.Policy, c.Outcome, c.Status, c.Clause, c.Name, c.Reason
	return &of
}

// message returns the text in a line of JSON.
func message(line string) (text string, ok bool) {
	var members map[string]any
	if json.Unmarshal([]byte(line), &members) != nil {
		return "", false
	}
	if text, ok = members["decision"].(string); ok {
		return "decision=" + strconv.Quote(text) + " id=" + strconv.Quote(textOf(members["id"])), true
	}
	for _, name := range []string{"msg", "message", "log", "MESSAGE", "text", "body"} {
		if text, ok = members[name].(string); ok {
			return text, true
		}
	}
	return "", false
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

func ofEntry(e *decisionlog.Entry) *Record {
	return &Record{
		Of: e.Of, Route: e.Route, Outcome: string(e.Outcome), Status: e.Status,
		Clause: e.Clause, Name: e.Name, Reason: e.Reason, RequestID: e.RequestID,
	}
}

// ofModule reads the fields of a refusal: status=403 outcome=no id="…" route="…" ….
func ofModule(text string) (*Record, error) {
	fields := fieldsOf(text)
	r := &Record{Of: "request", Route: fields["route"], Outcome: fields["outcome"], RequestID: fields["id"], Reason: fields["reason"]}
	r.Status, _ = strconv.Atoi(fields["status"])
	if r.Outcome == "" || r.Status == 0 {
		return nil, errNoRecord
	}
	r.Clause, r.Name = splitWhere(fields["clause"])
	if reason, ok := strings.CutPrefix(r.Reason, "response: "); ok {
		r.Of, r.Reason = "response", reason
	}
	return r, nil
}

// fieldsOf reads key=value and key="value", separated by blanks.
func fieldsOf(text string) map[string]string {
	fields := map[string]string{}
	for text != "" {
		key, rest, ok := strings.Cut(strings.TrimLeft(text, " "), "=")
		if !ok || strings.ContainsAny(key, " \"") {
			break
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			value, _ = strconv.Unquote(quoted)
			text = rest[len(quoted):]
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		fields[key] = value
	}
	return fields
}

// splitWhere splits the place of a clause from its name: `routes[0].rule (owner)`.
// The place of an included file begins with the quoted name of the file.
func splitWhere(text string) (place, name string) {
	from := 0
	if strings.HasPrefix(text, `["`) {
		if quoted, err := strconv.QuotedPrefix(text[1:]); err == nil {
			from = 1 + len(quoted)
		}
	}
	if i := strings.Index(text[from:], " ("); i >= 0 && strings.HasSuffix(text, ")") {
		return text[:from+i], text[from+i+2 : len(text)-1]
	}
	return text, ""
}

// ofRequest reads a request that rulegate run logs: decision="no 403 todos
// routes[0].rule (owner)", or that text alone, as an access log of Envoy has it.
func ofRequest(line string, routes []string) (*Record, error) {
	id := ""
	if i := strings.Index(line, "decision="); i >= 0 {
		id = fieldsOf(line[max(0, strings.Index(line, "id=")):])["id"]
		line = fieldsOf(line[i:])["decision"]
	}
	line = strings.TrimPrefix(line, "shadow ")
	parts := strings.SplitN(line, " ", 3)
	if len(parts) < 3 || outcomes[parts[0]] == "" {
		return nil, errNoRecord
	}
	status, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, errNoRecord
	}
	r := &Record{Of: "request", Outcome: parts[0], Status: status, RequestID: id}
	route, where, ok := cutRoute(parts[2], routes)
	if !ok {
		return nil, errors.New("the line names no resource of the policy: " + strconv.Quote(parts[2]))
	}
	r.Route = route
	if where != "-" {
		r.Clause, r.Name = splitWhere(where)
	}
	return r, nil
}

// cutRoute splits the name of a resource from the place of a clause. Both may hold
// blanks, so the longest name of the policy counts.
func cutRoute(text string, routes []string) (route, where string, ok bool) {
	if rest, none := strings.CutPrefix(text, "- "); none {
		return "", rest, true
	}
	byLength := slices.Clone(routes)
	slices.SortFunc(byLength, func(a, b string) int { return len(b) - len(a) })
	for _, name := range byLength {
		if rest, ok := strings.CutPrefix(text, name+" "); ok {
			return name, rest, true
		}
	}
	return "", "", false
}

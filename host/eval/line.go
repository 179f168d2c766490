package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// evalDepth bounds the nesting of a line of eval.
const evalDepth = 1000

// evalLine is one question: a rule and what it is evaluated against.
type evalLine struct {
	id      value.Value // any value, Missing too
	rule    value.Value
	args    value.Value
	res     value.Value // Missing: none given
	aesKey  value.Value // Missing: none given
	now     time.Time
	replies []evalReply
}

type evalReply struct {
	kind  string
	col   string // "" fits every collection
	reply rules.Reply
}

// parseEvalLine reads a line. An error means that it is no question at all; a
// rule or key that is faulty is for the evaluation to deny.
func parseEvalLine(line string, now time.Time) (*evalLine, error) {
	doc, err := value.Parse(line, evalDepth)
	if err != nil {
		return nil, err
	}
	if doc.Kind() != value.Object {
		return nil, fmt.Errorf("want an object, found %v", doc.Kind())
	}
	q := &evalLine{
		id:     doc.Key("id"),
		rule:   doc.Key("rule"),
		args:   optional(doc, "args"),
		res:    doc.Key("res"),
		aesKey: optional(doc, "aesKey"),
		now:    now,
	}
	switch q.args.Kind() {
	case value.Missing:
		q.args = value.Obj()
	case value.Object:
	default:
		return nil, fmt.Errorf("args: want an object, found %v", q.args.Kind())
	}
	if v := optional(doc, "now"); v.Kind() != value.Missing {
		text, _ := v.Text()
		if q.now, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return nil, fmt.Errorf("now: want an RFC 3339 time, found %s", v)
		}
	}
	q.replies, err = parseReplies(optional(doc, "replies"))
	return q, err
}

// optional is a member that may be left out, or null.
func optional(doc value.Value, name string) value.Value {
	if v := doc.Key(name); v.Kind() != value.Null {
		return v
	}
	return value.Value{}
}

func parseReplies(v value.Value) ([]evalReply, error) {
	if v.Kind() == value.Missing {
		return nil, nil
	}
	if v.Kind() != value.Array {
		return nil, fmt.Errorf("replies: want an array, found %v", v.Kind())
	}
	var out []evalReply
	var err error
	v.Each(func(_ string, x value.Value) bool {
		var r evalReply
		if r, err = parseReply(x); err != nil {
			err = fmt.Errorf("%s%w", rules.Elem("replies", len(out)), err)
			return false
		}
		out = append(out, r)
		return true
	})
	return out, err
}

func parseReply(v value.Value) (r evalReply, err error) {
	if v.Kind() != value.Object {
		return r, fmt.Errorf(": want an object, found %v", v.Kind())
	}
	for name, to := range map[string]*string{"kind": &r.kind, "col": &r.col, "error": &r.reply.Err, "body": &r.reply.Body} {
		x := optional(v, name)
		text, ok := x.Text()
		if !ok && x.Kind() != value.Missing {
			return r, fmt.Errorf(".%s: want a string, found %v", name, x.Kind())
		}
		*to = text
	}
	failed := optional(v, "error").Kind() != value.Missing
	if failed && r.reply.Err == "" {
		r.reply.Err = "failed"
	}
	switch r.kind {
	case "query":
		r.reply.Rows = v.Key("rows")
		if !failed && r.reply.Rows.Kind() == value.Missing {
			return r, errors.New(": want rows or error, found neither")
		}
	case "webhook":
		status := optional(v, "status")
		text, _ := status.Number()
		r.reply.Status, err = strconv.Atoi(text)
		if err != nil && !failed {
			return r, errors.New(".status: want an integer, or error")
		}
	default:
		return r, fmt.Errorf(".kind: want query or webhook, found %q", r.kind)
	}
	return r, nil
}

// key decodes the AES key; the error holds nothing of it.
func (q *evalLine) key() ([]byte, error) {
	if q.aesKey.Kind() == value.Missing {
		return nil, nil
	}
	text, ok := q.aesKey.Text()
	if !ok {
		return nil, fmt.Errorf("aesKey: want a string, found %v", q.aesKey.Kind())
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("aesKey: want padded base64")
	}
	switch len(key) {
	case 16, 24, 32:
		return key, nil
	}
	return nil, fmt.Errorf("aesKey: want 16, 24 or 32 bytes, found %d", len(key))
}

// lineID is the id of a faulty line, if that is JSON and has one id.
func lineID(line string) (id value.Value) {
	if !utf8.ValidString(line) || !json.Valid([]byte(line)) || !strings.HasPrefix(strings.TrimLeft(line, " \t\r"), "{") {
		return id
	}
	n := 0
	gjson.Parse(line).ForEach(func(k, v gjson.Result) bool {
		if k.Str == "id" {
			n++
			id, _ = value.Parse(v.Raw, evalDepth)
		}
		return true
	})
	if n != 1 {
		return value.Value{}
	}
	return id
}

package eval

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// maxDepth bounds the nesting of a line.
const maxDepth = 1000

// question is a line that could be read: a rule and its input.
type question struct {
	id      value.Value // any value; Missing: none given
	rule    value.Value
	args    value.Value
	res     value.Value // Missing: none given
	aesKey  value.Value // Missing: none given
	now     time.Time
	replies []reply
}

// parseQuestion reads a line. Its rule and its key are not checked yet: faults
// in these are denials.
func parseQuestion(line string, now time.Time) (*question, error) {
	doc, err := value.Parse(line, maxDepth)
	if err != nil {
		return nil, err
	}
	if doc.Kind() != value.Object {
		return nil, fmt.Errorf("want an object, found %v", doc.Kind())
	}
	q := &question{
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

// optional returns a member that may be left out or null, which is Missing too.
func optional(doc value.Value, name string) value.Value {
	if v := doc.Key(name); v.Kind() != value.Null {
		return v
	}
	return value.Value{}
}

// key decodes the AES key. Its errors do not show the key.
func (q *question) key() ([]byte, error) {
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

// lineID returns the id of a line that was refused, if the line is JSON and has
// exactly one.
func lineID(line string) (id value.Value) {
	if !utf8.ValidString(line) || !json.Valid([]byte(line)) || !strings.HasPrefix(strings.TrimLeft(line, " \t\r"), "{") {
		return id
	}
	n := 0
	gjson.Parse(line).ForEach(func(k, v gjson.Result) bool {
		if k.Str == "id" {
			n++
			id, _ = value.Parse(v.Raw, maxDepth)
		}
		return true
	})
	if n != 1 {
		return value.Value{}
	}
	return id
}

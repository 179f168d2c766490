package wire

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

const (
	notAnswered = "no reply from the companion"
	malformed   = "malformed reply from the companion"
	repeated    = "repeated reply from the companion"
	tooMany     = "more rows than asked for"
)

// maxPhrase bounds what the companion says of a failure, in bytes.
const maxPhrase = 200

// DecodeReplies reads the answer to calls, whose seal was checked. There is one
// reply for each call, in their order: where the answer has none, two, or one that
// is not what the call asked for, the reply is a failed one (Err). Replies to calls
// that nobody made are passed over. An answer that is no such document at all is an
// error too.
func DecodeReplies(body string, calls []rules.Call, maxDepth int) ([]rules.Reply, error) {
	replies := make([]rules.Reply, len(calls))
	index := make(map[string]int, len(calls))
	for i := range calls {
		replies[i] = rules.Reply{ID: calls[i].ID, Err: notAnswered}
		index[calls[i].ID] = i
	}
	doc, err := value.Parse(body, maxDepth)
	if err != nil {
		return replies, fmt.Errorf("reply: %w", err)
	}
	list := doc.Key("replies")
	if doc.Len() != 1 || list.Kind() != value.Array {
		return replies, errors.New("reply: want an object with replies and nothing else")
	}
	list.Each(func(_ string, v value.Value) bool {
		id, _ := v.Key("id").Text()
		i, ok := index[id]
		switch {
		case !ok:
		case replies[i].Err == notAnswered:
			replies[i] = decode(v, &calls[i])
		default: // a second one, whatever the first was
			replies[i] = rules.Reply{ID: id, Err: repeated}
		}
		return true
	})
	return replies, nil
}

func decode(v value.Value, c *rules.Call) rules.Reply {
	r := rules.Reply{ID: c.ID}
	switch {
	case v.Len() == 2 && v.Key("error").Kind() != value.Missing:
		r.Err, _ = v.Key("error").Text()
		r.Err = r.Err[:min(len(r.Err), maxPhrase)]
	case c.Kind == rules.Query && v.Len() == 2:
		r.Rows, r.Err = rows(v.Key("rows"), c.Limit)
		return r
	case c.Kind == rules.Webhook && v.Len() == 3:
		var body bool
		r.Body, body = v.Key("body").Text()
		r.Status = status(v.Key("status"))
		if body && r.Status != 0 {
			return r
		}
		r = rules.Reply{ID: c.ID}
	}
	if r.Err == "" || r.Err == notAnswered {
		r.Err = malformed
	}
	return r
}

func rows(v value.Value, limit int) (value.Value, string) {
	if v.Kind() != value.Array {
		return value.Value{}, malformed
	}
	n, objects := 0, true
	v.Each(func(_ string, row value.Value) bool {
		n++
		objects = row.Kind() == value.Object
		return objects
	})
	switch {
	case !objects:
		return value.Value{}, malformed
	case limit > 0 && n > limit:
		return value.Value{}, tooMany
	}
	return v, ""
}

// status reads a plain integer from 100 to 599; 0 for anything else.
func status(v value.Value) int {
	text, _ := v.Number()
	n, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 || n < 100 || n > 599 {
		return 0
	}
	return n
}

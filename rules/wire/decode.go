package wire

import (
	"errors"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/lightfmt"
	"github.com/rulegate/rulegate/rules/value"
)

var (
	errNoReply   = errors.New("no reply from the companion")
	errMalformed = errors.New("malformed reply from the companion")
	errRepeated  = errors.New("repeated reply from the companion")
	errTooMany   = errors.New("more rows than asked for")
)

// maxAge is above the greatest age that a rule may allow.
const maxAge = 48 * time.Hour

// maxPhrase bounds the text of a failure that the companion reports, in bytes.
const maxPhrase = 200

// DecodeReplies reads the companion's answer to calls. The caller has checked its
// seal. It returns one reply for each call, in the order of the calls. A call
// whose reply is missing, repeated or of another form has failed: its reply has
// Err. Replies to other calls are ignored. If the answer as a whole is malformed,
// all calls have failed, and DecodeReplies returns an error too.
func DecodeReplies(body string, calls []rules.Call, maxDepth int) ([]rules.Reply, error) {
	replies := make([]rules.Reply, len(calls))
	seen := make([]bool, len(calls))
	for i := range calls {
		replies[i] = rules.Reply{ID: calls[i].ID, Err: errNoReply.Error()}
	}
	list, err := replyList(body, maxDepth)
	if err != nil {
		return replies, err
	}
	list.Each(func(_ string, v value.Value) bool {
		id, _ := v.Key("id").Text()
		i := indexOf(calls, id)
		if i < 0 {
			return true
		}
		reply, err := decode(v, &calls[i])
		if seen[i] {
			err = errRepeated
		}
		if err != nil {
			reply = rules.Reply{ID: id, Err: err.Error()}
		}
		replies[i], seen[i] = reply, true
		return true
	})
	return replies, nil
}

func replyList(body string, maxDepth int) (value.Value, error) {
	doc, err := value.Parse(body, maxDepth)
	if err != nil {
		return value.Value{}, lightfmt.Errorf("reply: %w", err)
	}
	list := doc.Key("replies")
	if doc.Len() != 1 || list.Kind() != value.Array {
		return value.Value{}, errors.New("reply: want an object with replies and nothing else")
	}
	return list, nil
}

// decode reads one reply. The failure that the companion reports is an error too.
func decode(v value.Value, c *rules.Call) (rules.Reply, error) {
	failure, failed := v.Key("error").Text()
	members, age := v.Len(), v.Key("age")
	if age.Kind() != value.Missing {
		members--
	}
	r := rules.Reply{ID: c.ID, Age: decodeAge(age)}
	switch {
	case r.Age < 0:
		return rules.Reply{}, errMalformed
	case failed && failure != "" && members == 2:
		return rules.Reply{}, errors.New(failure[:min(len(failure), maxPhrase)])
	case c.Kind == rules.Query && members == 2:
		var err error
		r.Rows, err = decodeRows(v.Key("rows"), c.Limit)
		return r, err
	case c.Kind != rules.Query && members == 3:
		body, ok := v.Key("body").Text()
		r.Status, r.Body = decodeStatus(v.Key("status")), body
		if ok && r.Status != 0 {
			return r, nil
		}
	}
	return rules.Reply{}, errMalformed
}

func decodeRows(v value.Value, limit int) (value.Value, error) {
	n, objects := 0, v.Kind() == value.Array
	v.Each(func(_ string, row value.Value) bool {
		n++
		objects = objects && row.Kind() == value.Object
		return objects
	})
	switch {
	case !objects:
		return value.Value{}, errMalformed
	case limit > 0 && n > limit:
		return value.Value{}, errTooMany
	}
	return v, nil
}

// decodeAge reads whole milliseconds. It returns -1 for anything but a missing age.
func decodeAge(v value.Value) time.Duration {
	if v.Kind() == value.Missing {
		return 0
	}
	text, _ := v.Number()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > int64(maxAge/time.Millisecond) {
		return -1
	}
	return time.Duration(n) * time.Millisecond
}

// decodeStatus reads a plain integer from 100 to 599, and returns 0 for anything
// else.
func decodeStatus(v value.Value) int {
	text, _ := v.Number()
	n, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 || n < 100 || n > 599 {
		return 0
	}
	return n
}

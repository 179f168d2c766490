package value

import "github.com/rulegate/rulegate/rules/value/strictjson"

// Opener parses a text, and finds the members of an object while it checks the text, so
// that looking one up reads no text. The Value is valid until the next Parse or Clear.
type Opener struct {
	text    string
	root    Kind     // Missing before the array or object is opened that is the text
	start   int      // of it
	end     int      // of it, 0 before
	inner   Kind     // of the last member's value
	members []Member // there is room for openMembers
	count   int      // of the members, or one more than there is room for
	used    int      // members that texts before this one have written
	node    node
	scanner strictjson.Scanner
}

// openMembers is the number of members up to which an object is opened.
const openMembers = 16

// Parse is the function Parse, but that the members of an object are at hand, if they
// are few.
func (o *Opener) Parse(text string, maxDepth int) (Value, error) {
	if o.members == nil {
		o.members = make([]Member, openMembers)
	}
	o.used = o.written()
	o.text, o.root, o.count, o.end = text, Missing, 0, 0
	if err := o.scanner.Scan(text, maxDepth, o); err != nil {
		return Value{}, err
	}
	if o.root == Missing {
		return Checked(text), nil
	}
	v := Value{kind: o.root, text: text[o.start:o.end]}
	if v.kind == Object && o.count <= len(o.members) {
		o.node = node{members: o.members[:o.count:o.count]}
		v.node = &o.node
	}
	return v, nil
}

// Clear makes the memory free for another text, and leaves nothing of this one in it.
func (o *Opener) Clear() {
	clear(o.members[:o.written()])
	*o = Opener{members: o.members}
}

// written is the number of members that may have something in them.
func (o *Opener) written() int { return max(o.used, min(o.count, len(o.members))) }

// The methods of strictjson.Visitor.

func (o *Opener) Open(object bool, start int) bool {
	kind := Array
	if object {
		kind = Object
	}
	if o.root == Missing {
		o.root, o.start = kind, start
		return object
	}
	o.inner = kind
	return false
}

func (o *Opener) Key(name string, start, end, _ int) bool {
	if o.count >= len(o.members) {
		o.count = len(o.members) + 1
		return false
	}
	m := &o.members[o.count]
	m.Key, m.raw = name, o.text[start:end]
	o.count++
	return true
}

func (o *Opener) Scalar(start, end int, escaped bool) {
	if o.root == Missing {
		return
	}
	switch b := o.text[start]; {
	case b == '"' && !escaped:
		o.inner = String
	case b == '-' || b <= '9' && b >= '0':
		o.inner = Number
	default:
		o.members[o.count-1].Value = Checked(o.text[start:end])
		return
	}
	o.set(start, end)
}

func (o *Opener) Close(start, end int) {
	if start == o.start {
		o.end = end
		return
	}
	o.set(start, end)
}

func (o *Opener) set(start, end int) {
	o.members[o.count-1].Value = Value{kind: o.inner, text: o.text[start:end]}
}

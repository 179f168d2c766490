// Package trace records how a request was decided. A Recorder is told of the
// evaluations by package rules, and makes an Evaluation of each, clause by clause.
// Its method Trace adds the rest of the way: the route, the token, the messages that the upstream
// and the client get.
//
// What is recorded may be shown: it holds no token, no secret of the policy and
// nothing that the policy's `sensitive` names. It is bounded too, whatever a
// client sends. Texts that were left out are marked as such.
//
// The JSON of a Trace is a contract: host/EXPLAIN.md documents its fields.
package trace

import "encoding/json"

// Outcome is the result of a clause.
type Outcome string

const (
	Yes        Outcome = "yes"
	No         Outcome = "no"
	Unknown    Outcome = "unknown"
	Waiting    Outcome = "waiting"     // for a body or a reply that did not come
	NotReached Outcome = "not reached" // the clauses before it decided
)

// Evaluation is the last evaluation of one rule.
type Evaluation struct {
	Outcome  Outcome `json:"outcome"`
	Place    string  `json:"place,omitempty"`    // of the clause that decided
	Name     string  `json:"name,omitempty"`     // of that clause, or of the nearest around it
	Reason   string  `json:"reason,omitempty"`   // of a denial
	Message  string  `json:"message,omitempty"`  // for the client: the rule's `error`
	Status   int     `json:"status,omitempty"`   // for the client: the rule's `status`
	Failed   bool    `json:"failed,omitempty"`   // a failed call is among the causes
	Document string  `json:"document,omitempty"` // which one of a create with op all, from 0
	Runs     int     `json:"runs"`               // how often the rule was evaluated: once more for each reply
	Steps    int     `json:"steps"`              // of the last evaluation, see limits.steps
	LeftOut  int     `json:"leftOut,omitempty"`  // clauses that were evaluated and are not recorded with their operands
	Clause   *Clause `json:"clause"`             // the rule itself
}

// Clause is the evaluation of one clause of a rule.
type Clause struct {
	Place    string  `json:"place"`          // in the policy
	File     string  `json:"file,omitempty"` // of the policy
	Line     int     `json:"line,omitempty"` // in that file, from 1
	Column   int     `json:"column,omitempty"`
	Kind     string  `json:"kind"` // match, and, query …; use for a named rule, which is its only clause
	Name     string  `json:"name,omitempty"`
	Type     string  `json:"type,omitempty"` // of a match
	Eval     string  `json:"eval,omitempty"` // of a match
	Outcome  Outcome `json:"outcome"`
	Reason   string  `json:"reason,omitempty"`   // of no and unknown
	From     string  `json:"from,omitempty"`     // the place of the clause inside that gave the reason
	Deciding bool    `json:"deciding,omitempty"` // this clause decided the evaluation

	Operands []Operand `json:"operands,omitempty"`
	Calls    []Call    `json:"calls,omitempty"`
	Changes  []Change  `json:"changes,omitempty"`  // of the request, but for stored replies
	Response []string  `json:"response,omitempty"` // actions for the response, such as `remove res.email`

	Clauses  []*Clause `json:"clauses,omitempty"`  // in the order of the policy
	Elements *Elements `json:"elements,omitempty"` // instead of clauses, where these are evaluated for each element
}

// Value is a value as it may be shown.
type Value struct {
	JSON   json.RawMessage `json:"json,omitempty"`   // nothing: there is no value
	Masked bool            `json:"masked,omitempty"` // parts are replaced by "[masked]"
	Cut    bool            `json:"cut,omitempty"`    // parts are left out, as the value is large
}

// Operand is a value that a clause depends on.
type Operand struct {
	Field   string `json:"field"`             // of the rule: f1, f2, value, find …
	Text    string `json:"text,omitempty"`    // as the rule has it
	Value   *Value `json:"value,omitempty"`   // nothing: see missing
	Missing string `json:"missing,omitempty"` // why there is no value
}

// Call is a question to a database or a webhook, and its answer.
type Call struct {
	Kind    string   `json:"kind"` // query or webhook; introspect of a token
	DB      string   `json:"db,omitempty"`
	Col     string   `json:"col,omitempty"`
	Find    *Value   `json:"find,omitempty"`
	Columns []string `json:"columns,omitzero"` // that the rule reads; nothing: all, empty: none
	Limit   int      `json:"limit,omitempty"`
	URL     string   `json:"url,omitempty"`
	Body    *Value   `json:"body,omitempty"`
	Claims  *Value   `json:"claims,omitempty"` // of the token that the webhook gets
	Headers []Header `json:"headers,omitempty"`
	Store   string   `json:"store,omitempty"` // where the rule keeps the reply
	Reply   *Reply   `json:"reply,omitempty"` // nothing: none came
}

// Header is a field of a message.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Reply is the answer to a Call.
type Reply struct {
	Rows   *Value `json:"rows,omitempty"`
	Status int    `json:"status,omitempty"`
	Body   *Value `json:"body,omitempty"`
	Error  string `json:"error,omitempty"` // why the call failed
}

// Change is a change that a clause made to the request.
type Change struct {
	Path   string `json:"path"`
	Before *Value `json:"before,omitempty"` // nothing: there was no value
	After  *Value `json:"after,omitempty"`  // nothing: it was removed
	Undone bool   `json:"undone,omitempty"` // because a clause around it failed
}

// Elements are the elements that the clauses of filter, some, every or each were
// evaluated for.
type Elements struct {
	Count   int `json:"count"` // evaluated
	Yes     int `json:"yes"`   // for how many the clauses were yes
	No      int `json:"no"`
	Unknown int `json:"unknown"`
	// Shown are the first ones, the last one, and the first one of each outcome.
	Shown []*Element `json:"shown,omitempty"`
	// Clauses are the clauses, if there was no element.
	Clauses []*Clause `json:"clauses,omitempty"`
}

// Element is one element of an array.
type Element struct {
	Index   int       `json:"index"`
	Value   *Value    `json:"value,omitempty"`
	Outcome Outcome   `json:"outcome"`
	Clauses []*Clause `json:"clauses"`
}

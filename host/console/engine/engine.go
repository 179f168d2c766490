// Package engine answers the questions of the console's page. It is compiled to wasm and
// runs in the page itself, in a worker: it reads no file, no variable of the environment
// and no network, only what is in the question.
//
// Question and answer are JSON. Each operation has a file.
package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/rulegate/rulegate/host/policyfile"
)

// Question has the arguments of all operations.
type Question struct {
	Op    string            `json:"op"`
	Files policyfile.Memory `json:"files"` // by their paths: the policy, what it includes, its tests
	// Policy is the path of the policy.
	Policy string `json:"policy"`
	// Env are the variables of the policy. Those that are missing get stand-ins.
	Env map[string]string `json:"env"`

	Request json.RawMessage `json:"request"` // of decide and record: a file with one test, as JSON
	Tests   string          `json:"tests"`   // of test and record: the path of the file with tests
	Name    string          `json:"name"`    // of record: the name of the new test
	Old     string          `json:"old"`     // of diff: the path of the policy before the change
	Text    string          `json:"text"`    // of log: a line of a log
	File    string          `json:"file"`    // of complete and hover: the file with the cursor
	Line    int             `json:"line"`    // of the cursor, from 1
	Column  int             `json:"column"`  // of the cursor, in characters, from 1
}

// maxQuestion bounds a question, in bytes.
const maxQuestion = 16 << 20

// operations by their names.
var operations = map[string]func(*Question) (any, error){
	"complete": complete, "hover": hover,
	"decide": decide,
	"test":   runTests,
	"record": record,
	"diff":   diff,
	"log":    locate,
}

// Answer answers a question. The answer has the members of the operation, or the only
// member `error`. It never panics.
func Answer(question []byte) (answer []byte) {
	defer func() {
		if p := recover(); p != nil {
			answer = failed(fmt.Errorf("internal fault: %v", p))
		}
	}()
	if len(question) > maxQuestion {
		return failed(fmt.Errorf("the question has more than %d MiB", maxQuestion>>20))
	}
	var q Question
	if err := json.Unmarshal(question, &q); err != nil {
		return failed(fmt.Errorf("the question cannot be read: %w", err))
	}
	operation := operations[q.Op]
	if operation == nil {
		return failed(fmt.Errorf("no operation %q", q.Op))
	}
	restore, err := q.setEnv()
	defer restore()
	if err != nil {
		return failed(err)
	}
	out, err := operation(&q)
	if err != nil {
		return failed(err)
	}
	return encode(out)
}

// setEnv makes the question's variables those of the process. Others must not get into an
// answer. In the page there are no others; restore is for tests, where there are.
func (q *Question) setEnv() (restore func(), err error) {
	before := os.Environ()
	restore = func() {
		os.Clearenv()
		for _, entry := range before {
			name, v, _ := strings.Cut(entry, "=")
			_ = os.Setenv(name, v) // it was set before
		}
	}
	os.Clearenv()
	for name, v := range q.Env {
		if err := os.Setenv(name, v); err != nil {
			return restore, fmt.Errorf("the variable %q: %w", name, err)
		}
	}
	return restore, nil
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return failed(fmt.Errorf("the answer cannot be written: %w", err))
	}
	return b.Bytes()
}

func failed(err error) []byte {
	return encode(struct {
		Error string `json:"error"`
	}{err.Error()})
}

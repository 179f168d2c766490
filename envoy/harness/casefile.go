package harness

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Case is one file of testdata/cases: a policy, requests and the results wanted.
// testdata/cases/README.md describes the format.
type Case struct {
	Name    string // the file's name without .txtar
	Path    string
	Comment string // says which behaviour the case shows
	Policy  string // policy.yaml
	// Candidate is candidate.yaml, which the policy's `shadow` names; "": there is none.
	Candidate string
	// Differences are the wanted counts of the candidate, as lines KIND RESOURCE COUNT, and
	// `undecided:REASON RESOURCE COUNT`, sorted.
	Differences []string
	Env         []string
	Seed        string // seed.sql: the real companion answers from a SQLite file with this content
	Requests    []*Request

	Faults []string // the wanted faults of a policy that must not load: `place: message`
	Loads  string   // loads.yaml: a twin of that policy that does load
}

// Request is one NAME.http section with the sections that say its wanted result.
type Request struct {
	Name    string
	Method  string
	Target  string
	Headers [][2]string // as written: host and content-length may be missing
	// Certificate names the client's certificate; "": it has none.
	Certificate string
	Body        string
	Want        Want
	Answer      *UpstreamResponse // NAME.answer: the upstream's response; nil: 200 and a text
	Got         *string           // NAME.body: the exact body that the client gets
	Proxied     *Want             // NAME.proxy.want: replaces Want behind a proxy, which normalises the path first
	Replies     []Reply           // replies.json, or NAME.replies.json
	Calls       *[][]Call         // NAME.calls.json: the wanted batches; nil: not compared
}

// Want is a NAME.want section: the response to the client, and the request as
// the upstream gets it.
type Want struct {
	Status   int
	Error    string // the wanted body is {"error": Error}; "": not compared
	Headers  []headerWant
	Upstream *upstreamWant // nil: the request as sent, or none if Status is a denial
}

type upstreamWant struct {
	Nothing        bool // the proxy answers the request itself
	Method, Target string
	Headers        []headerWant
	Body           *string // nil: the body as sent
}

// headerWant is all values of a header, in order. Without values the header must
// be absent.
type headerWant struct {
	Name   string
	Values []string
}

// denied reports whether the request must not reach the upstream.
func (r *Request) denied(w *Want) bool {
	return w.Status >= 400 && r.Answer == nil || w.Upstream != nil && w.Upstream.Nothing
}

// usesCompanion reports whether the case needs a companion.
func (c *Case) usesCompanion() bool {
	if c.Seed != "" || strings.Contains(c.Policy, "introspect:") {
		return true
	}
	for _, r := range c.Requests {
		if r.Replies != nil || r.Calls != nil {
			return true
		}
	}
	return false
}

// LoadCases reads all cases, by the order of their names.
func LoadCases(t testing.TB) []*Case {
	t.Helper()
	files, err := filepath.Glob(Repository("testdata/cases/*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	var cases []*Case
	for _, f := range files {
		c, err := ReadCase(f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		cases = append(cases, c)
	}
	if t.Failed() {
		t.FailNow()
	}
	if len(cases) == 0 {
		t.Fatal("testdata/cases: no cases")
	}
	return cases
}

// Chosen returns the cases that the flag -test.run names behind its first slash, so
// that a test of one case does not start a listener for every case.
func Chosen(cases []*Case) (chosen []*Case) {
	_, pattern, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	pattern, _, _ = strings.Cut(pattern, "/")
	for _, c := range cases {
		if ok, err := regexp.MatchString(pattern, c.Name); ok || err != nil {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// ReadCase reads the case in a file.
func ReadCase(path string) (*Case, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ar := txtar.Parse(data)
	c := &Case{
		Name:    strings.TrimSuffix(filepath.Base(path), ".txtar"),
		Path:    path,
		Comment: strings.TrimSpace(string(ar.Comment)),
	}
	sections := map[string]string{}
	var order []string // the requests' names, as in the file
	for _, f := range ar.Files {
		if _, dup := sections[f.Name]; dup {
			return nil, fmt.Errorf("%s: this section is there twice", f.Name)
		}
		sections[f.Name] = string(f.Data)
		if name, ok := strings.CutSuffix(f.Name, ".http"); ok {
			order = append(order, name)
		}
	}
	withIssuer(sections)
	take := func(name string) string {
		s := sections[name]
		delete(sections, name)
		return s
	}
	c.Policy, c.Loads, c.Seed = take("policy.yaml"), take("loads.yaml"), take("seed.sql")
	c.Candidate, c.Differences = take("candidate.yaml"), lines(take("differences"))
	slices.Sort(c.Differences)
	c.Faults, c.Env = lines(take("faults")), lines(take("env"))
	shared, err := parseReplies(take("replies.json"))
	if err != nil {
		return nil, fmt.Errorf("replies.json: %w", err)
	}
	for _, name := range order {
		r, err := readRequest(name, take, shared)
		if err != nil {
			return nil, err
		}
		c.Requests = append(c.Requests, r)
	}
	for name := range sections {
		return nil, fmt.Errorf("%s: unknown section, or no .http section of that name", name)
	}
	return c, c.check()
}

func readRequest(name string, take func(string) string, shared []Reply) (*Request, error) {
	text, err := Expand(take(name + ".http"))
	if err != nil {
		return nil, fmt.Errorf("%s.http: %w", name, err)
	}
	r, err := parseRequest(text)
	if err != nil {
		return nil, fmt.Errorf("%s.http: %w", name, err)
	}
	r.Name, r.Replies = name, shared
	if text, err = Expand(take(name + ".want")); err == nil {
		r.Want, err = parseWant(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.want: %w", name, err)
	}
	if own := take(name + ".answer"); own != "" {
		if r.Answer, err = parseAnswer(own); err != nil {
			return nil, fmt.Errorf("%s.answer: %w", name, err)
		}
	}
	if own := take(name + ".body"); own != "" {
		own = strings.TrimRight(own, "\n")
		r.Got = &own
	}
	if own := take(name + ".proxy.want"); own != "" {
		w, err := parseWant(own)
		if err != nil {
			return nil, fmt.Errorf("%s.proxy.want: %w", name, err)
		}
		r.Proxied = &w
	}
	if own := take(name + ".replies.json"); own != "" {
		if r.Replies, err = parseReplies(own); err != nil {
			return nil, fmt.Errorf("%s.replies.json: %w", name, err)
		}
	}
	if text, err = Expand(take(name + ".calls.json")); err == nil {
		r.Calls, err = parseCalls(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.calls.json: %w", name, err)
	}
	return r, nil
}

// check refuses a case without a comment, and a case that only denies: a denial
// needs a twin, a request or a policy that is let through.
func (c *Case) check() error {
	switch {
	case c.Comment == "":
		return errors.New("want a comment that says which behaviour the case shows")
	case c.Policy == "":
		return errors.New("policy.yaml: missing")
	case c.Faults != nil && (c.Loads == "" || len(c.Requests) > 0):
		return errors.New("faults: want loads.yaml beside it, and no requests")
	case c.Faults != nil:
		return nil
	case len(c.Requests) == 0:
		return errors.New("no request")
	}
	through := 0
	for _, r := range c.Requests {
		if r.Want.Status < 400 {
			through++
		}
	}
	if through == 0 {
		return errors.New("every request is denied: a denial needs a twin that is let through")
	}
	return nil
}

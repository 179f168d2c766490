package imports

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/importer"
	"github.com/rulegate/rulegate/host/importer/envoy"
	"github.com/rulegate/rulegate/host/importer/envoygateway"
	"github.com/rulegate/rulegate/host/importer/istio"
	"github.com/rulegate/rulegate/host/policyfile"
	"go.yaml.in/yaml/v4"
)

// original is a configuration of another proxy, as it is and as Envoy runs it.
type original struct {
	name    string
	source  string // for the importer
	more    string // what its control plane makes of it
	filters []any  // for Envoy
	draft   *importer.Draft
}

// importers read the sources of a folder of testdata. NAME.yaml is a source, and
// NAME.filters the HTTP filters of Envoy that its control plane makes of it.
var importers = map[string]func([]*policyfile.Documents) ([]*importer.Draft, error){
	"envoy":         envoy.Import,
	"istio":         istio.Import,
	"envoy-gateway": envoygateway.Import,
}

func originals(t *testing.T) (out []*original) {
	t.Helper()
	for kind, read := range importers {
		files, err := filepath.Glob("testdata/" + kind + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s: %v", kind, err)
		}
		for _, file := range files {
			o := &original{name: kind + "-" + strings.TrimSuffix(filepath.Base(file), ".yaml"), source: expand(t, file)}
			filters := o.source
			if kind != "envoy" {
				filters = expand(t, strings.TrimSuffix(file, ".yaml")+".filters")
				o.more = filters
			}
			o.read(t, read, filters)
			out = append(out, o)
		}
	}
	return out
}

// read sets the filters and the draft, that of the first resource.
func (o *original) read(t *testing.T, read func([]*policyfile.Documents) ([]*importer.Draft, error), filters string) {
	t.Helper()
	var manager struct {
		Filters []any `yaml:"http_filters"`
	}
	if err := yaml.Unmarshal([]byte(filters), &manager); err != nil || len(manager.Filters) == 0 {
		t.Fatalf("%s: no http_filters: %v\n%s", o.name, err, filters)
	}
	o.filters = slices.DeleteFunc(manager.Filters, func(f any) bool {
		return strings.HasSuffix(fmt.Sprint(f.(map[string]any)["name"]), ".router")
	})
	doc, err := policyfile.ParseDocuments(o.name, []byte(o.source))
	if err != nil {
		t.Fatal(err)
	}
	drafts, err := read([]*policyfile.Documents{doc})
	if err != nil || len(drafts) == 0 {
		t.Fatalf("%s: %d drafts, %v\n%s", o.name, len(drafts), err, o.source)
	}
	o.draft = drafts[0]
	if _, err := o.draft.Settle(); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
}

// expand reads a file of testdata with the test's keys in it.
func expand(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return withKeys(string(text))
}

func withKeys(text string) string {
	return strings.NewReplacer("{{jwks}}", issuers["a"].jwks(), "{{jwks-b}}", issuers["b"].jwks()).Replace(text)
}

// startBoth starts an Envoy with each original and its policy, at the listeners
// "original NAME" and "policy NAME".
func startBoth(t *testing.T, all []*original) (*harness.Upstream, map[string]string) {
	t.Helper()
	up := harness.NewUpstream(t)
	b := harness.NewBootstrap(t, up.URL)
	b.Workers, b.Filters = 1, map[string][]any{}
	for _, o := range all {
		text, err := o.draft.Render()
		if err != nil {
			t.Fatal(err)
		}
		b.AddPolicy(t, "policy "+o.name, string(text), "")
		b.AddPolicy(t, "original "+o.name, "routes: [{match: {path: /}, rule: {rule: deny}}]", "")
		b.Filters["original "+o.name] = o.filters
	}
	p := b.Start(t)
	p.Ready(t)
	t.Cleanup(func() {
		if strings.Contains(p.Log(), "panic") {
			t.Errorf("Envoy's log has a panic:\n%s", harness.Tail(p.Log(), 60))
		}
	})
	return up, p.Listeners(t)
}

// TestNothingIsLooser: no request passes the imported policy that the original refuses.
func TestNothingIsLooser(t *testing.T) {
	all := originals(t)
	up, at := startBoth(t, all)
	for _, o := range all {
		t.Run(o.name, func(t *testing.T) { o.compare(t, up, at["original "+o.name], at["policy "+o.name]) })
	}
}

// wants is a line of a source about the counts of a comparison: how many requests pass
// both at least, and how many only the original lets through at most.
var wants = regexp.MustCompile(`(?m)^# both: (\d+), original alone: (\d+)$`)

func (o *original) compare(t *testing.T, up *harness.Upstream, originalAt, policyAt string) {
	got := func(id string) bool { // a proxy answers preflights itself
		list, _ := up.Take(id)
		return len(list) > 0
	}
	var both, neither, alone int
	var strict []string
	for i, r := range requests(o.source + "\n---\n" + o.more) {
		id := fmt.Sprintf("%s-%d", o.name, i)
		was, err := harness.Send(originalAt, r, id+"-o")
		if err != nil {
			continue // Envoy's parser refuses it, for both
		}
		is, err := harness.Send(policyAt, r, id+"-p")
		if err != nil {
			t.Fatalf("%s: %v", shown(r), err)
		}
		switch passed, passes := got(id+"-o"), got(id+"-p"); {
		case passes && !passed:
			t.Errorf("looser: %s: the original answers %d %s", shown(r), was.Status, was.Body)
		case passes:
			both++
		case passed:
			alone++
			strict = append(strict, shown(r)+": "+fmt.Sprint(is.Status))
		default:
			neither++
		}
	}
	t.Logf("%d requests pass both, %d neither, %d the original alone", both, neither, alone)
	m := wants.FindStringSubmatch(o.source)
	if m == nil {
		t.Fatal("the source has no line `# both: N, original alone: N`")
	}
	if least, most := atoi(m[1]), atoi(m[2]); both < least || alone > most {
		t.Errorf("%d requests pass both and %d the original alone, want at least %d and at most %d; stricter:\n%s", both, alone, least, most, strings.Join(strict[:min(10, len(strict))], "\n"))
	} else if neither == 0 && both > 0 && least > 0 && !strings.Contains(o.source, "# none is refused") {
		t.Error("no request is refused by both")
	}
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

// tokens finds the tokens in a request.
var tokens = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+(?:\.|%2E)[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

func shown(r *harness.Request) string {
	headers, _ := json.Marshal(r.Headers)
	return tokens.ReplaceAllStringFunc(r.Method+" "+r.Target+" "+string(headers), func(token string) string {
		claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(strings.ReplaceAll(token, "%2E", "."), ".")[1])
		return "<" + string(claims) + ">"
	})
}

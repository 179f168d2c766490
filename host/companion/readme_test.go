package companion

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/host/companion/dbtest"
)

// TestReadmeNamesMetrics compares the metrics in the README with those that are
// exported.
func TestReadmeNamesMetrics(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `rulegate_companion_") {
			for _, name := range regexp.MustCompile("rulegate_companion_[a-z_]+").FindAllString(line, -1) {
				named[name] = true
			}
		}
	}
	cfg := serviceConfig(t, dbtest.SQLite(t, social))
	cfg.Version = "3f2a"
	s, r := newServiceRig(t, cfg)
	r.one(strings.Replace(ageOf("1", "ann"), `"limit"`, `"cache":"1m","limit"`, 1))
	s.Reloaded(nil)
	s.metrics.shed.WithLabelValues("requests")
	all, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if name := m.GetName(); strings.HasPrefix(name, "rulegate_") {
			if !named[name] {
				t.Errorf("the README does not name %s", name)
			}
			delete(named, name)
		}
	}
	for name := range named {
		t.Errorf("the README names %s, which is not exported", name)
	}
}

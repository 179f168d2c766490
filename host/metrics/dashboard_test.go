package metrics

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The files that are made from the tables of this package.
const (
	dashboardFile = "dashboard.json"
	rulesFile     = "alerts.yaml"
	rulesTest     = "alerts_test.yaml"
)

// TestFiles compares the dashboard and the alert rules with their tables. -update
// writes them.
func TestFiles(t *testing.T) {
	for name, want := range map[string][]byte{dashboardFile: Dashboard(), rulesFile: Rules()} {
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not that of the table (%v); run go test ./host/metrics -update", name, err)
		}
	}
}

// TestExpressions: they name metrics that there are, and labels that these have.
func TestExpressions(t *testing.T) {
	var all []string
	for _, p := range Panels {
		all = append(all, p.Expr)
	}
	for _, a := range Alerts {
		all = append(all, a.Expr)
	}
	for _, expr := range all {
		names := regexp.MustCompile(`\b(rulegate|envoy)_[a-z_]+`).FindAllString(expr, -1)
		if len(names) == 0 {
			t.Errorf("%s: no metric", expr)
		}
		for _, name := range names {
			if name == EnvoyFilterRefused || name == EnvoyCertificateRefused || name == EnvoyCertificateEnd || name == "envoy_xds_resource_name" {
				continue // the tests of envoy/operate find them in a running Envoy
			}
			Of(strings.TrimSuffix(name, "_bucket")) // panics
		}
	}
}

// TestAlerts: promtool reads the rules, and each fires in its test and not in the twin
// beside it.
func TestAlerts(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no promtool: install prometheus")
		}
		t.Skip("no promtool")
	}
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTest}} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	text, err := os.ReadFile(rulesTest)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Alerts {
		if !strings.Contains(string(text), "alertname: "+a.Name+"\n") {
			t.Errorf("%s has no test of %s", rulesTest, a.Name)
		}
	}
}

// TestRunbook: the operator's page says what to do about each alert, and about no other.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("../../envoy/OPERATE.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Rulegate[A-Za-z]+)` \\| [^|]{20,} \\|$").FindAllSubmatch(text, -1) {
		lines[string(m[1])] = true
	}
	for _, a := range Alerts {
		if !lines[a.Name] {
			t.Errorf("envoy/OPERATE.md does not say what to do about %s", a.Name)
		}
		delete(lines, a.Name)
	}
	for name := range lines {
		t.Errorf("envoy/OPERATE.md has %s, which is no alert", name)
	}
}

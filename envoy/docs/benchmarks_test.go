package docs

import (
	"regexp"
	"strings"
	"testing"
)

// TestBenchmarkCommands requires that each `make microbench BENCH=PATTERN` in
// envoy/BENCHMARKS.md runs a benchmark.
func TestBenchmarkCommands(t *testing.T) {
	tests := testNames(t, "envoy", "host", "plugin", "rules")
	commands := regexp.MustCompile("`make microbench BENCH=([^ `]+)").FindAllStringSubmatch(prose(t, "envoy/BENCHMARKS.md"), -1)
	if len(commands) < 1 {
		t.Errorf("found only %d commands", len(commands))
	}
	for _, m := range commands {
		pattern, err := regexp.Compile(m[1])
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
			continue
		}
		if !matchesBenchmark(tests, pattern) {
			t.Errorf("%s: no such benchmark", m[0])
		}
	}
}

func matchesBenchmark(tests map[string]map[string]bool, pattern *regexp.Regexp) bool {
	for name := range tests {
		if strings.HasPrefix(name, "Benchmark") && pattern.MatchString(name) {
			return true
		}
	}
	return false
}

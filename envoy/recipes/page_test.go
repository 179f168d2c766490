package recipes

import (
	"encoding/json"
	"path"
	"testing"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/rulegate/rulegate/host/console/engine"
	"github.com/rulegate/rulegate/host/console/evaltest"
)

// TestRecipesInThePage loads each recipe in the evaluator of the console's page: it finds
// no fault in the files, and all tests pass, with every outcome shown.
func TestRecipesInThePage(t *testing.T) {
	page := evaltest.Start(t)
	for _, name := range recipes(t) {
		t.Run(name, func(t *testing.T) {
			q := &engine.Question{
				Op: "test", Files: read(t, name),
				Policy: path.Join(name, "policy.yaml"), Tests: path.Join(name, "policy_test.yaml"),
			}
			var got struct {
				Error, Why     string
				Diagnostics    []assist.Diagnostic
				Results        []json.RawMessage
				Passed, Failed int
				Percent        float64
			}
			page.Ask(q, &got)
			if got.Error != "" || got.Why != "" || len(got.Diagnostics) > 0 || got.Failed > 0 || got.Percent < 100 {
				t.Errorf("%d tests pass, %d fail, %.1f%% of the outcomes: %s%s %v %s", got.Passed, got.Failed, got.Percent, got.Error, got.Why, got.Diagnostics, got.Results)
			}
			if want := len(load(t, name).Cases); got.Passed != want {
				t.Errorf("want %d tests, found %d", want, got.Passed)
			}
		})
	}
}

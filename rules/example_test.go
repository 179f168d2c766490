package rules_test

import (
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

// A rule is compiled once and evaluated for each request.
func ExampleCompile() {
	spec, err := value.Parse(`{"rule": "match", "type": "string", "eval": "==", "f1": "args.auth.role", "f2": "admin"}`, 64)
	if err != nil {
		panic(err)
	}
	rule, faults := rules.Compile(spec, "rule", &rules.Env{})
	if faults != nil {
		panic(faults)
	}
	args, err := value.Parse(`{"auth": {"role": "admin"}}`, 64)
	if err != nil {
		panic(err)
	}
	verdict := rule.Eval(&rules.Input{Args: args, Verified: true, Now: time.Now()}, rules.Memo{})
	fmt.Println(verdict.Outcome)
	// Output: yes
}

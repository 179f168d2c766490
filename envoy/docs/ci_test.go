package docs

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
	"github.com/rulegate/rulegate/host/report/reporttest"
	"go.yaml.in/yaml/v4"
)

const (
	ciAction   = ".github/actions/rulegate/action.yaml"
	ciWorkflow = ".github/workflows/policies.yaml"
)

// TestCIFiles checks the files of host/CI.md by the schemas of those who read them: GitHub,
// pre-commit, and editors.
func TestCIFiles(t *testing.T) {
	dir := ciRepository(t)
	root := harness.Repository()
	for _, schema := range []struct{ flag, file string }{{"", "policy"}, {"--tests", "tests"}, {"--claims", "claims"}} {
		mustRun(t, dir, nil, `mkdir -p .schemas; rulegate schema `+schema.flag+` > .schemas/`+schema.file+`.json`)
	}
	check := func(args ...string) (string, error) {
		return reporttest.Python(t, root, dir, "check_jsonschema", args...)
	}
	for _, args := range [][]string{
		{"--builtin-schema", "vendor.github-workflows", ciWorkflow},
		{"--builtin-schema", "vendor.github-actions", ciAction},
		{"--schemafile", ".schemas/policy.json", "policies/policy.yaml"},
		{"--schemafile", ".schemas/tests.json", "policies/policy_test.yaml"},
		{"--schemafile", ".schemas/claims.json", "policies/claims.yaml"},
	} {
		if out, err := check(args...); err != nil {
			t.Errorf("%s: %s", args, out)
		}
		// Each schema finds a mistake.
		file := filepath.Join(dir, args[2])
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for old, wrong := range map[string]string{"runs-on:": "run-on:", "using:": "use:", "match:": "mach:", "request:": "requests:", "allowed:": "alowed:"} {
			text = []byte(strings.Replace(string(text), old, wrong, 1))
		}
		args[2] = "wrong-" + filepath.Base(file)
		if err := os.WriteFile(filepath.Join(dir, args[2]), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := check(args...); err == nil {
			t.Errorf("%s: a wrong file passes: %s", args, out)
		}
	}
	if out, err := reporttest.Python(t, root, dir, "pre_commit", "validate-config", ".pre-commit-config.yaml"); err != nil {
		t.Error(out)
	}
}

// TestCICommands runs the hooks and the commands of the action and of the workflow: on the
// repository of the document they pass, and on changes each finds its mistake.
func TestCICommands(t *testing.T) {
	dir := ciRepository(t)
	steps := ciSteps(t, dir)
	for _, change := range []struct {
		name, file, old, new string
		fails                []string // steps and hooks
	}{
		{name: "none"},
		{"a mistake", "policies/policy.yaml", "rule: match", "rule: mach", []string{"check", "diff", "findings", "pre-commit", "prove", "test"}},
		{"other tenants too", "policies/policy.yaml", "f2: args.request.vars.tenant", "f2: args.auth.tenant", []string{"check", "diff", "pre-commit", "prove", "test"}},
		{"nobody", "policies/policy.yaml", `eval: "=="`, `eval: "!="`, []string{"diff", "pre-commit", "prove", "test"}},
		{"another name", "policies/policy.yaml", "name: orders", "name: all orders", nil},
		{"a wrong test", "policies/policy_test.yaml", "want: 401", "want: 402", []string{"pre-commit", "test"}},
	} {
		t.Run(change.name, func(t *testing.T) {
			mustRun(t, dir, nil, "git checkout -q .")
			if change.file != "" {
				edit(t, filepath.Join(dir, change.file), change.old, change.new)
			}
			var failed []string
			for _, s := range steps {
				env := append([]string{"GITHUB_STEP_SUMMARY=" + filepath.Join(t.TempDir(), "summary")}, s.env...)
				if out, err := bash(dir, env, s.run); err != nil {
					failed = append(failed, s.name)
					t.Logf("%s: %v %s", s.name, err, out)
				}
			}
			out, err := reporttest.Python(t, harness.Repository(), dir, "pre_commit", "run", "--all-files")
			if err != nil {
				failed = append(failed, "pre-commit")
			}
			for _, hook := range []string{"rulegate check", "rulegate test"} {
				if !strings.Contains(out, hook+"...") {
					t.Errorf("the hook %s did not run: %s", hook, out)
				}
			}
			slices.Sort(failed)
			if !slices.Equal(failed, change.fails) {
				t.Errorf("failed: %q, want %q", failed, change.fails)
			}
		})
	}
}

// ciRepository makes a repository of git with the files of host/CI.md, whose main branch is the
// base of a pull request. bin/rulegate is in the PATH of the test.
func ciRepository(t *testing.T) string {
	t.Helper()
	s := newSession(t, readBlocks(t, "host/CI.md"))
	t.Setenv("PATH", filepath.Join(harness.Repository(), "bin")+":"+os.Getenv("PATH"))
	for name, value := range map[string]string{"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "JWT_SECRET": ""} {
		t.Setenv(name, value)
	}
	os.Unsetenv("JWT_SECRET") // Setenv above restores it after the test
	mustRun(t, s.dir, nil, `rm bin envoy Makefile .ci
git init -q -b main; git add -A
git -c user.name=t -c user.email=t@example.com -c commit.gpgsign=false commit -qm policies
git update-ref refs/remotes/origin/main HEAD`)
	return s.dir
}

type ciStep struct {
	name, run string
	env       []string
}

// ciSteps are the steps of the action and of the workflow that have a command, but for the
// installation. The inputs are the defaults of the action.
func ciSteps(t *testing.T, dir string) (steps []ciStep) {
	t.Helper()
	type step struct {
		Name, Run string
		Env       map[string]string
	}
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct{ Steps []step }
	}
	var workflow struct {
		Jobs map[string]struct{ Steps []step }
	}
	for file, into := range map[string]any{ciAction: &action, ciWorkflow: &workflow} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	known := []string{"${{ github.base_ref }}", "main"}
	for name, in := range action.Inputs {
		known = append(known, "${{ inputs."+name+" }}", in.Default)
	}
	values := strings.NewReplacer(known...)
	for _, s := range append(action.Runs.Steps, workflow.Jobs["policies"].Steps...) {
		if s.Run == "" || s.Name == "install" {
			continue
		}
		if strings.Contains(s.Run, "${{") {
			t.Errorf("%s: an expression in a command, whose value bash would read as code", s.Name)
		}
		one := ciStep{name: s.Name, run: s.Run}
		for _, name := range slices.Sorted(maps.Keys(s.Env)) {
			text := values.Replace(s.Env[name])
			if strings.Contains(text, "${{") {
				t.Errorf("%s: no value for %s", s.Name, text)
			}
			one.env = append(one.env, name+"="+text)
		}
		steps = append(steps, one)
	}
	if len(steps) != 5 {
		t.Fatalf("found %d commands, want 5", len(steps))
	}
	return steps
}

// bash runs a command as GitHub Actions does.
func bash(dir string, env []string, command string) (string, error) {
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir string, env []string, command string) {
	t.Helper()
	if out, err := bash(dir, env, command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func edit(t *testing.T, file, old, changed string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Replace(string(text), old, changed, 1)
	if after == string(text) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(after), 0o644); err != nil {
		t.Fatal(err)
	}
}

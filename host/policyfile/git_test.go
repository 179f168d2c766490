package policyfile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulegate/rulegate/rules/policy"
)

// repository makes a repository with two commits of a policy with an included file,
// and makes it the current folder.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	put := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	put("gate/policy.yaml", "include: [teams/*.yaml]\nauth: {tokens: [{alg: HS256, secret: \"${file:keys/secret}\"}]}\n")
	put("gate/keys/secret", "a secret of the first commit\n")
	put("gate/teams/a.yaml", "routes: [{name: first, match: {path: /a}, rule: {rule: allow}}]\n")
	git("add", ".")
	git("commit", "-qm", "first")
	put("gate/teams/a.yaml", "routes: [{name: second, match: {path: /a}, rule: {rule: allow}}]\n")
	put("gate/teams/b.yaml", "routes: [{name: more, match: {path: /b}, rule: {rule: allow}}]\n")
	git("add", ".")
	git("commit", "-qm", "second")
	return dir
}

func names(p *policy.Policy) string {
	var out []string
	for _, r := range p.Resources() {
		out = append(out, r.Name)
	}
	return strings.Join(out, " ")
}

func TestRevisions(t *testing.T) {
	dir := repository(t)
	if err := os.RemoveAll("gate/keys"); err != nil { // it is read at the revision
		t.Fatal(err)
	}
	for arg, want := range map[string]string{"HEAD:gate/policy.yaml": "second more", "HEAD~1:gate/policy.yaml": "first", "HEAD~1:./gate/policy.yaml": "first"} {
		r, path, ok, err := SplitRevision(arg)
		if err != nil || !ok {
			t.Fatalf("%s: %v %v", arg, ok, err)
		}
		p, _, _, err := LoadFrom(r, path, policy.Options{})
		if err != nil {
			t.Fatalf("%s: %v", arg, err)
		}
		if got := names(p); got != want {
			t.Errorf("%s: %s, want %s", arg, got, want)
		}
	}
	t.Chdir(filepath.Join(dir, "gate"))
	r, path, ok, err := SplitRevision("HEAD~1:./policy.yaml")
	if err != nil || !ok || path != "gate/policy.yaml" {
		t.Fatalf("%s %v %v", path, ok, err)
	}
	if _, _, _, err := LoadFrom(r, path, policy.Options{}); err != nil {
		t.Error(err)
	}
	if abs, err := r.FromHere(filepath.Join(dir, "gate", "teams", "a.yaml")); err != nil || abs != "gate/teams/a.yaml" {
		t.Errorf("%s %v", abs, err)
	}
}

func TestRevisionErrors(t *testing.T) {
	repository(t)
	for arg, want := range map[string]string{
		"nowhere:policy.yaml":      `git knows no revision "nowhere" here`,
		"-x:policy.yaml":           `"-x" is no revision`,
		"HEAD:./../../policy.yaml": "./../../policy.yaml is outside of the repository",
	} {
		_, _, ok, err := SplitRevision(arg)
		if !ok || err == nil || err.Error() != want {
			t.Errorf("%s: %v %v, want %s", arg, ok, err, want)
		}
	}
	r, err := NewRevision("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = LoadFrom(r, "none.yaml", policy.Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "HEAD:none.yaml: ") || !strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
	// A file of the disk whose name has a colon is that file.
	if err := os.WriteFile("HEAD:x.yaml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := SplitRevision("HEAD:x.yaml"); ok || err != nil {
		t.Error(ok, err)
	}
	if _, _, ok, err := SplitRevision("policy.yaml"); ok || err != nil {
		t.Error(ok, err)
	}
	// Faults name the file in the revision.
	if err := os.WriteFile("bad.yaml", []byte("routes: 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"add", "bad.yaml"}, {"-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "bad"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	_, _, _, err = LoadFrom(&Revision{name: "HEAD"}, "bad.yaml", policy.Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "HEAD:bad.yaml:1:9: routes: want an array, found number") {
		t.Error(err)
	}
}

func TestLoadStandIn(t *testing.T) {
	t.Setenv("SET", "a secret that is set")
	for name, c := range map[string]struct{ text, missing, fault string }{
		"nothing is missing": {"auth: {tokens: [{alg: HS256, secret: \"${SET}\"}]}\nroutes: []\n", "", ""},
		"secrets": {
			"auth: {tokens: [{name: a, alg: HS256, secret: \"${A}\", primary: true}, {name: b, alg: RS256, publicKey: \"${file:nowhere.pem}\", issuer: [i]}]}\n" +
				"crypto: {aesKey: \"${KEY}\"}\ncompanion: {secret: \"${C}\"}\ndatabases: {d: {type: mongo, conn: \"${CONN}\"}}\n" +
				"routes: [{match: {path: /a}, rule: {rule: and, clauses: [{rule: query, db: d, col: c}, {rule: encrypt, fields: [res.a]}]}}]\n",
			"A C CONN KEY nowhere.pem", "",
		},
		"in a rule":    {"routes: [{match: {path: /a}, rule: {rule: match, type: string, eval: \"==\", f1: args.auth.role, f2: \"${ROLE}\"}}]\n", "ROLE", ""},
		"other faults": {"auth: {tokens: [{alg: HS256, secret: \"${A}\"}]}\nroutes: [{match: {path: /a}, rule: {rule: alow}}]\n", "", "unknown rule"},
	} {
		f, err := Open(Disk{}, write(t, "policy.yaml", c.text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := f.LoadStandIn()
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "environment") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || strings.Join(p.Missing, " ") != c.missing:
			t.Errorf("%s: %+v %v, want %s", name, p, err, c.missing)
		}
	}
}

package cli

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rulegate/rulegate/host/console"
	"github.com/rulegate/rulegate/host/issuer"
	_ "modernc.org/sqlite"
)

var update = flag.Bool("update", false, "rewrite the golden files in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rulegate": func() { os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The scripts have these commands beside testscript's own:
//
//	start NAME args…     starts `rulegate args…` and waits until it is ready; sets $NAME to its URL and
//	                     $NAME_ADMIN to the URL of --admin
//	signal NAME HUP [N]  sends SIGHUP to it, once or N times
//	crash NAME           kills it with SIGKILL
//	end NAME             sends SIGTERM; it must end with exit code 0. Its output becomes stdout and stderr
//	eventually URL TEXT  repeats GET URL until the body contains TEXT
//	logged NAME TEXT     waits until the standard error of NAME contains the text
//	keys NAME N          waits until the JWK set of the issuer at $NAME has N keys
//	upstream NAME [TIME] starts a server that answers 200 with the request as JSON, and with the number of
//	                     requests to its path so far, after a time; sets $NAME to its URL
//	registry NAME        starts a registry of OCI images in memory; sets $NAME to its host and port
//	taken NAME           sets $NAME to an address that is in use
//	http [-H 'k: v'] [-d body] [-cert NAME] METHOD URL   sends a request; status, headers and body go to stdout
//	certificates NAME…   writes ca.pem, and NAME.pem and NAME.key that it signed; sets $X5T_NAME to the SHA-256 in base64url
//	sqlite FILE SQL      creates a database
//	authorize            sets $AUTH to an Authorization header with the token in stdout, or to X-API-Key with the API key
//	codes CODE args…     runs rulegate, which must end with exit code CODE
//	plain FILE           fails if the file has a control character but tabs and the ends of lines; $ESC is one
//	mask                 replaces the tokens in stdout, which differ in each run, by <token>, and times and steps by 0
func TestScript(t *testing.T) {
	module := buildModule(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name != "page" { // [page]: rulegate console has its page
				return false, fmt.Errorf("no condition %q", name)
			}
			_, err := console.Page()
			return err == nil, nil
		},
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "MODULE="+module, "ESC=a\x1b[31m", "ENVOY="+os.Getenv("ENVOY"))
			e.Values[processes{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":        cmdStart,
			"end":          cmdEnd,
			"signal":       cmdSignal,
			"keys":         cmdKeys,
			"upstream":     cmdUpstream,
			"registry":     cmdRegistry,
			"taken":        cmdTaken,
			"http":         cmdHTTP,
			"sqlite":       cmdSQLite,
			"authorize":    cmdAuthorize,
			"certificates": func(ts *testscript.TestScript, _ bool, args []string) { writeCertificates(t, ts, args) },
			"codes":        cmdCodes,
			"mask":         cmdMask,
			"plain":        cmdPlain,
			"crash": func(ts *testscript.TestScript, _ bool, args []string) {
				p := started(ts, args)
				ts.Check(p.cmd.Process.Kill())
				<-p.read
				p.cmd.Wait()
			},
			"eventually": cmdEventually,
			"logged":     cmdLogged,
		},
	})
}

// TestScriptsRunToTheirEnd finds the command stop, which ends a script as passed, where end
// was meant: that ends a process.
func TestScriptsRunToTheirEnd(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	stop := regexp.MustCompile(`(?m)^(\[[a-z]+\] )?stop .*$`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if line := stop.Find(text); line != nil {
			t.Errorf("%s: %s", f, line)
		}
	}
}

// buildModule builds the module.
func buildModule(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "rulegate.wasm")
	cmd := exec.Command("../../.ci/module", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the module does not build: %v\n%s", err, out)
	}
	return path
}

// process is a rulegate that a script started.
type process struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr buffer
	read   chan struct{} // closed after the last byte of stdout
}

// processes is the key under which testscript keeps the processes of a script.
type processes struct{}

var (
	ready = regexp.MustCompile(`ready on (\S+)`)
	admin = regexp.MustCompile(`admin on (\S+)`)
)

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME args…")
	}
	name := args[0]
	path, err := exec.LookPath("rulegate")
	ts.Check(err)
	p := &process{cmd: exec.Command(path, args[1:]...), read: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	for _, k := range []string{"PATH", "HOME", "TMPDIR", "JWT_SECRET", "DB_MYDB_CONN", "COMPANION_SECRET", "HOOK", "ISSUER"} {
		p.cmd.Env = append(p.cmd.Env, k+"="+ts.Getenv(k))
	}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	ts.Defer(func() { p.cmd.Process.Kill() })
	line := make(chan string, 1)
	go func() {
		defer close(p.read)
		lines := bufio.NewScanner(io.TeeReader(out, &p.stdout))
		for lines.Scan() {
			if m := admin.FindStringSubmatch(lines.Text()); m != nil {
				ts.Setenv(name+"_ADMIN", m[1])
			}
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				line <- m[1]
			}
		}
		close(line)
	}()
	select {
	case addr, ok := <-line:
		if !ok {
			p.cmd.Wait()
			ts.Fatalf("%s ended before it was ready:\n%s", name, p.stderr.String())
		}
		ts.Setenv(name, addr)
	case <-time.After(4 * time.Minute): // the race detector makes compiling the module slow
		p.cmd.Process.Kill()
		<-p.read
		p.cmd.Wait()
		ts.Fatalf("%s is not ready:\n%s", name, p.stderr.String())
	}
	ts.Value(processes{}).(map[string]*process)[name] = p
}

// started returns the process that a script names.
func started(ts *testscript.TestScript, args []string) *process {
	if len(args) != 1 {
		ts.Fatalf("want the name of one process")
	}
	p := ts.Value(processes{}).(map[string]*process)[args[0]]
	if p == nil {
		ts.Fatalf("%s was not started", args[0])
	}
	return p
}

func cmdEventually(ts *testscript.TestScript, _ bool, args []string) {
	text := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(args[0])
		ts.Check(err)
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		ts.Check(err)
		if text = string(body); strings.Contains(text, args[1]) {
			return
		}
	}
	ts.Fatalf("%s does not say %q, but %s", args[0], args[1], text)
}

// buffer is a bytes.Buffer that can be read while a process writes it.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func cmdLogged(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: logged NAME TEXT")
	}
	p := started(ts, args[:1])
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(p.stderr.String(), args[1]) {
			return
		}
	}
	ts.Fatalf("%s does not log %q, but %s", args[0], args[1], p.stderr.String())
}

func cmdRegistry(ts *testscript.TestScript, _ bool, args []string) {
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], strings.TrimPrefix(srv.URL, "http://"))
}

func cmdEnd(ts *testscript.TestScript, _ bool, args []string) {
	p := started(ts, args)
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.read
	err := p.cmd.Wait()
	ts.Stdout().Write(p.stdout.Bytes())
	ts.Stderr().Write(p.stderr.Bytes())
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[1] != "HUP" {
		ts.Fatalf("usage: signal NAME HUP [N]")
	}
	times := 1
	if len(args) > 2 {
		var err error
		times, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	p := ts.Value(processes{}).(map[string]*process)[args[0]]
	if p == nil {
		ts.Fatalf("%s was not started", args[0])
	}
	for range times {
		ts.Check(p.cmd.Process.Signal(syscall.SIGHUP))
	}
}

func cmdKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keys NAME N")
	}
	var set struct{ Keys []map[string]any }
	for end := time.Now().Add(30 * time.Second); fmt.Sprint(len(set.Keys)) != args[1]; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%d keys, want %s", len(set.Keys), args[1])
		}
		answer, err := http.Get(ts.Getenv(args[0]) + issuer.Path)
		ts.Check(err)
		set.Keys = nil
		err = json.NewDecoder(answer.Body).Decode(&set)
		ts.Check(errors.Join(err, answer.Body.Close()))
	}
}

func cmdUpstream(ts *testscript.TestScript, _ bool, args []string) {
	var wait time.Duration
	if len(args) > 1 {
		var err error
		wait, err = time.ParseDuration(args[1])
		ts.Check(err)
	}
	var mu sync.Mutex
	served := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		served[r.URL.Path]++
		n := served[r.URL.Path]
		mu.Unlock()
		time.Sleep(wait)
		json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "path": r.URL.RequestURI(), "headers": r.Header, "body": string(body), "served": n,
		})
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

func cmdTaken(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func cmdSQLite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(errors.Join(err, db.Close()))
}

func cmdHTTP(ts *testscript.TestScript, _ bool, args []string) {
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	header := http.Header{}
	flags.Func("H", "header", func(s string) error {
		k, v, _ := strings.Cut(s, ": ")
		header.Add(k, v)
		return nil
	})
	body := flags.String("d", "", "body")
	cert := flags.String("cert", "", "certificate")
	ts.Check(flags.Parse(args))
	r, err := http.NewRequest(flags.Arg(0), flags.Arg(1), strings.NewReader(*body))
	ts.Check(err)
	r.Header = header
	client := http.DefaultClient
	if r.URL.Scheme == "https" {
		client = secureClient(ts, *cert)
	}
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	fmt.Fprintln(ts.Stdout(), answer.Status)
	answer.Header.Write(ts.Stdout())
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
}

func cmdCodes(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("rulegate", args[1:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("want exit code %s, found %d", args[0], code)
	}
}

// took is how long tests took, in time and in steps.
var took = regexp.MustCompile(`(\(|\t|"seconds":|"steps":|time=")[0-9][0-9.e-]*([s,"])`)

var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)

var apiKey = regexp.MustCompile(regexp.QuoteMeta(apiKeyPrefix) + `[A-Za-z0-9_-]{43}`)

// cmdAuthorize sets $AUTH to a header with the printed token or API key, and writes
// the token to the file token.
func cmdAuthorize(ts *testscript.TestScript, _ bool, _ []string) {
	if key := apiKey.FindString(ts.ReadFile("stdout")); key != "" {
		ts.Setenv("AUTH", "X-API-Key: "+key)
		return
	}
	token := jwt.FindString(ts.ReadFile("stdout"))
	ts.Setenv("AUTH", "Authorization: Bearer "+token)
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(token+"\n"), 0o600))
}

func cmdMask(ts *testscript.TestScript, _ bool, _ []string) {
	text := jwt.ReplaceAllString(ts.ReadFile("stdout"), "<token>")
	fmt.Fprint(ts.Stdout(), took.ReplaceAllString(text, "${1}0${2}"))
}

func cmdPlain(ts *testscript.TestScript, _ bool, args []string) {
	for i, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		if at := strings.IndexFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsGraphic(r) }); at >= 0 {
			ts.Fatalf("%s:%d: a control character: %q", args[0], i+1, line)
		}
	}
}

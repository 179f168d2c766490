package console

import (
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rulegate/rulegate/host/testbrowser"
)

// shots is where screenshots go, for people: an ignored folder.
const shots = "../../.cache/console/shots"

// built builds the page, if it has changed, and returns its files. The embedded ones are
// those of the last build before the compiler ran.
func built(t *testing.T) fs.FS {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no npm in the PATH, which builds the page")
		}
		t.Skip("no npm in the PATH, which builds the page")
	}
	if out, err := exec.Command("../../.ci/console").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return os.DirFS("dist")
}

// serve serves the page, with a policy if path is not "". It returns its link.
func serve(t *testing.T, policy string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(built(t), policy, l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return s.Link("http://" + l.Addr().String())
}

// views are the widths and the colours in which the page is looked at.
var views = map[string]testbrowser.View{
	"wide-light":   {Width: 2560, Height: 1300},
	"wide-dark":    {Width: 2560, Height: 1300, Dark: true},
	"middle-light": {Width: 1280, Height: 900},
	"middle-dark":  {Width: 1280, Height: 900, Dark: true},
	"narrow-light": {Width: 400, Height: 1900},
	"narrow-dark":  {Width: 400, Height: 1900, Dark: true},
}

func TestLook(t *testing.T) {
	link := serve(t, "")
	b := testbrowser.Start(t)
	for name, view := range views {
		t.Run(name, func(t *testing.T) {
			p := b.Open(t, view)
			p.Go(link)
			p.Wait("document.body.dataset.tests")
			p.Screenshot(filepath.Join(shots, name+".png"))
			for _, problem := range p.Problems() {
				t.Error(problem)
			}
		})
	}
}

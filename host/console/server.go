package console

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server serves the page, and the files of a policy to those who know its token.
type Server struct {
	page    fs.FS
	project *project // nil: the page has no file
	token   string
	port    string

	mu    sync.Mutex
	paths []string // of the files that the page got last
}

// New returns a server for a listener's address. policy is the path of a policy; "": the
// page starts with an example.
//
// Errors: ErrNotBuilt; the policy cannot be read.
func New(policy string, addr net.Addr) (*Server, error) {
	page, err := Page()
	if err != nil {
		return nil, err
	}
	return newServer(page, policy, addr)
}

func newServer(page fs.FS, policy string, addr net.Addr) (s *Server, err error) {
	s = &Server{page: page, token: rand.Text()}
	if _, s.port, err = net.SplitHostPort(addr.String()); err != nil {
		return nil, err
	}
	if policy != "" {
		if s.project, err = newProject(policy); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Link is the address of the page. The token in its fragment opens the files; it is not
// sent when the page is asked for.
func (s *Server) Link(url string) string {
	if s.project == nil {
		return url + "/"
	}
	return url + "/#token=" + s.token
}

// The page needs nothing from elsewhere, and no script in its text.
const csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, v := range map[string]string{
		"Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		w.Header().Set(name, v)
	}
	switch {
	case !s.isHost(r.Host):
		// A name of another site may lead here (DNS rebinding).
		refuse(w, http.StatusMisdirectedRequest, "the host is not the one that rulegate console listens on")
	case strings.HasPrefix(r.URL.Path, "/api/"):
		s.api(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		refuse(w, http.StatusMethodNotAllowed, "want GET")
	default:
		s.file(w, r)
	}
}

// isHost reports whether a Host header has an address, or localhost, and the port. A name
// could be one of another site.
func (s *Server) isHost(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80"
	}
	return port == s.port && (name == "localhost" || net.ParseIP(name) != nil)
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	data, err := fs.ReadFile(s.page, name)
	if err != nil || strings.HasPrefix(name, ".") {
		refuse(w, http.StatusNotFound, "no such file")
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // whatever the system's table says
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".gz":
		if kind = "application/octet-stream"; strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			// The browser unpacks it, and compiles what it has while the rest comes.
			w.Header().Set("Content-Encoding", "gzip")
			kind = "application/wasm"
		}
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(data) // the client is gone
}

// api serves the files of the policy.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case origin != "" && origin != "http://"+r.Host || site != "" && site != "same-origin":
		refuse(w, http.StatusForbidden, "a page of another origin may not ask")
	case s.project == nil:
		refuse(w, http.StatusNotFound, "rulegate console was started without a policy")
	case subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1:
		refuse(w, http.StatusUnauthorized, "open the link that rulegate console has printed")
	case r.URL.Path == "/api/files" && r.Method == http.MethodGet:
		s.list(w)
	case r.URL.Path == "/api/files" && r.Method == http.MethodPut:
		s.save(w, r)
	case r.URL.Path == "/api/changes" && r.Method == http.MethodGet:
		s.changes(w, r)
	default:
		refuse(w, http.StatusNotFound, "no such operation")
	}
}

func (s *Server) list(w http.ResponseWriter) {
	p := s.project
	files := p.files()
	s.mu.Lock()
	s.paths = s.paths[:0]
	for name := range files {
		s.paths = append(s.paths, filepath.Join(p.dir, filepath.FromSlash(name)))
	}
	slices.Sort(s.paths)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"policy": p.name(p.policy), "tests": p.name(p.tests()), "files": files, "version": s.version(),
	})
}

// version is that of all files of the page.
func (s *Server) version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.project.version(s.paths)
}

func (s *Server) save(w http.ResponseWriter, r *http.Request) {
	var q struct{ Path, Text, Hash string }
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "want application/json")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*maxFile))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err != nil || len(q.Text) > maxFile {
		refuse(w, http.StatusBadRequest, "want path, text and hash, and a file of at most 4 MiB")
		return
	}
	sum, err := s.project.save(q.Path, q.Text, q.Hash)
	switch {
	case errors.Is(err, errConflict):
		refuse(w, http.StatusConflict, err.Error())
	case errors.Is(err, os.ErrPermission):
		refuse(w, http.StatusForbidden, err.Error())
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
	default:
		answer(w, http.StatusOK, map[string]string{"hash": sum})
	}
}

// How long a question about changes waits, and how often the files are looked at.
const (
	changesWait  = 20 * time.Second
	changesEvery = 300 * time.Millisecond
)

// changes answers when the files are no longer of the version that the page knows, or
// after a while.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) {
	known := r.URL.Query().Get("version")
	until := time.Now().Add(changesWait)
	for {
		v := s.version()
		if v != known || time.Now().After(until) {
			answer(w, http.StatusOK, map[string]string{"version": v})
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(changesEvery):
		}
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

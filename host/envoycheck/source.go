package envoycheck

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxSource bounds a configuration and each file that it names.
const maxSource = 32 << 20

// Read reads a configuration: from a file, from stdin for "-", or from a URL. A URL
// without a path is that of Envoy's admin interface, whose dump it reads; unix:/path
// is the admin interface on a socket.
func Read(ctx context.Context, source string, stdin io.Reader) (name string, data []byte, err error) {
	switch {
	case source == "-":
		data, err = bounded("standard input", stdin)
		return "stdin", data, err
	case strings.HasPrefix(source, "http://"), strings.HasPrefix(source, "https://"), strings.HasPrefix(source, "unix:"):
		data, err = fetch(ctx, source)
		return source, data, err
	}
	data, err = readFile(source)
	return source, data, err
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(path, f)
}

func bounded(name string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSource+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxSource {
		return nil, fmt.Errorf("%s: more than %d MiB", name, maxSource>>20)
	}
	return data, nil
}

func fetch(ctx context.Context, source string) ([]byte, error) {
	client := &http.Client{Timeout: 30 * time.Second}
	target := source
	if path, ok := strings.CutPrefix(source, "unix:"); ok {
		client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
		target = "http://envoy"
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("%s: not a URL", source)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/config_dump"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: want the admin interface of Envoy, as in http://127.0.0.1:9901", source, answer.StatusCode)
	}
	return bounded(source, answer.Body)
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type (
	object = map[string]any
	array  = []any
)

// typed returns the configuration of an extension of Envoy.
func typed(name string, fields object) object {
	out := object{"@type": "type.googleapis.com/envoy." + name}
	for k, v := range fields {
		out[k] = v
	}
	return out
}

func filter(name, kind string, fields object) object {
	return object{"name": name, "typed_config": typed("extensions.filters.http."+kind, fields)}
}

// bootstrap is Envoy's configuration while contenders are added.
type bootstrap struct {
	listeners array
	clusters  map[string]object
}

// answer is the backend of a listener: a text that Envoy itself answers, or a cluster.
type answer struct {
	text, cluster string
}

// bufferLimit is above the limits of rulegate's policies.
const bufferLimit = 4<<20 + 64<<10

// listen adds a listener. All listeners have the same settings, but for the filters.
func (b *bootstrap) listen(name string, filters array, a answer) {
	route := object{"match": object{"prefix": "/"}}
	if a.cluster != "" {
		route["route"] = object{"cluster": a.cluster}
	} else {
		route["direct_response"] = object{"status": 200, "body": object{"inline_string": a.text}}
		route["response_headers_to_add"] = array{object{
			"header": object{"key": "content-type", "value": "application/json"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
		}}
	}
	all := append(append(array{}, filters...), filter("router", "router.v3.Router", nil))
	manager := typed("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", object{
		"stat_prefix": name, "http_filters": all, "use_remote_address": true,
		"route_config": object{
			"max_direct_response_body_size_bytes": 1 << 20,
			"virtual_hosts":                       array{object{"name": "all", "domains": array{"*"}, "routes": array{route}}},
		},
	})
	b.listeners = append(b.listeners, object{
		"name": name, "address": socket("127.0.0.1:0"), "per_connection_buffer_limit_bytes": bufferLimit,
		"filter_chains": array{object{"filters": array{object{"name": "http", "typed_config": manager}}}},
	})
}

func socket(address string) object {
	host, port, _ := strings.Cut(address, ":")
	n, _ := strconv.Atoi(port)
	return object{"socket_address": object{"address": host, "port_value": n}}
}

// cluster adds a cluster with one host.
func (b *bootstrap) cluster(name, address string, http2 bool) {
	c := object{
		"name": name, "type": "STATIC", "connect_timeout": "2s",
		"circuit_breakers": object{"thresholds": array{object{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}}},
		"load_assignment": object{"cluster_name": name, "endpoints": array{object{"lb_endpoints": array{object{
			"endpoint": object{"address": socket(address)},
		}}}}},
	}
	if http2 {
		c["typed_extension_protocol_options"] = object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
			"extensions.upstreams.http.v3.HttpProtocolOptions", object{"explicit_http_config": object{"http2_protocol_options": object{}}})}
	}
	b.add(name, c)
}

func (b *bootstrap) add(name string, cluster object) {
	if b.clusters == nil {
		b.clusters = map[string]object{}
	}
	b.clusters[name] = cluster
}

// envoy is a running Envoy.
type envoy struct {
	*process
	at map[string]string // the address of each listener
}

// start starts Envoy with a number of workers and waits until it serves.
func (b *bootstrap) start(ctx context.Context, dir, path string, workers int) (*envoy, error) {
	clusters := array{}
	for _, c := range b.clusters {
		clusters = append(clusters, c)
	}
	text, err := json.Marshal(object{
		"admin":            object{"address": socket("127.0.0.1:0")},
		"static_resources": object{"listeners": b.listeners, "clusters": clusters},
		// As `rulegate envoy` has it.
		"memory_allocator_manager": object{"bytes_to_release": 8 << 20, "memory_release_interval": "1s"},
	})
	if err != nil {
		return nil, err
	}
	file, admin := filepath.Join(dir, "envoy.json"), filepath.Join(dir, "admin")
	os.Remove(admin)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	p, err := start(dir, "envoy", nil, path, "-c", file, "--disable-hot-restart", "--concurrency", strconv.Itoa(workers),
		"--log-level", "error", "--admin-address-path", admin)
	if err != nil {
		return nil, err
	}
	e := &envoy{process: p}
	err = p.await(ctx, func() bool {
		address, err := os.ReadFile(admin)
		if err != nil || len(address) == 0 {
			return false
		}
		text, err := page(ctx, string(address), "/ready")
		return err == nil && strings.HasPrefix(text, "LIVE")
	})
	if err == nil {
		err = e.locate(ctx, admin)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return e, nil
}

// locate asks Envoy for the addresses of its listeners.
func (e *envoy) locate(ctx context.Context, admin string) error {
	address, err := os.ReadFile(admin)
	if err != nil {
		return err
	}
	text, err := page(ctx, string(address), "/listeners?format=json")
	if err != nil {
		return err
	}
	var list struct {
		Listeners []struct {
			Name  string `json:"name"`
			Local struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("listeners of Envoy: %w", err)
	}
	e.at = map[string]string{}
	for _, l := range list.Listeners {
		e.at[l.Name] = fmt.Sprintf("%s:%d", l.Local.Socket.Address, l.Local.Socket.Port)
	}
	return nil
}

// page returns a page of a local server. While Envoy compiles a module it accepts
// connections, but does not answer.
func page(ctx context.Context, address, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+strings.TrimSpace(address)+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(text), err
}

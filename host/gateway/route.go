package gateway

import (
	"net/http"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
)

// Route has the settings that the gateway itself applies to a request, as a route of
// Envoy has them.
type Route struct {
	CORS *policy.CORS // nil: the gateway leaves the headers of CORS to the upstream
	// Idle ends a stream without data in either direction, while the module holds
	// neither its request nor its response; 0: Config.StreamIdleTimeout.
	Idle time.Duration
}

// RoutesOf returns the settings of a policy, for Config.Route.
func RoutesOf(p *policy.Policy) func(method, host, path string) Route {
	return func(method, host, path string) Route {
		route := Route{CORS: p.CORS, Idle: p.Limits.Idle}
		if r := p.Serving(method, host, path); r != nil {
			route.CORS = r.CORS
			if r.Idle > 0 {
				route.Idle = r.Idle
			}
		}
		return route
	}
}

// route returns the settings for a request.
func (g *Gateway) route(r *http.Request, path string) Route {
	if g.cfg.Route == nil {
		return Route{}
	}
	return g.cfg.Route(r.Method, r.Host, path)
}

// Command coraza is a plugin on the SDK that runs the web application firewall Coraza on
// the headers of requests, with a few rules: another wasm filter, for the benchmarks.
package main

import (
	"strings"

	"github.com/corazawaf/coraza/v3"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// directives are a small part of what people run: the Core Rule Set has hundreds of
// rules.
const directives = `
SecRuleEngine On
SecRequestBodyAccess Off
SecRule REQUEST_URI "@contains /etc/passwd" "id:1,phase:1,deny,status:403"
SecRule REQUEST_HEADERS:User-Agent "@pm sqlmap nikto nmap" "id:2,phase:1,deny,status:403"
SecRule ARGS "@rx (?i)<script" "id:3,phase:1,deny,status:403"
SecRule &REQUEST_HEADERS:Authorization "@eq 0" "id:4,phase:1,deny,status:403"
`

func init() { proxywasm.SetVMContext(&vm{}) }
func main() {}

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

type plugin struct {
	types.DefaultPluginContext
	waf coraza.WAF
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(directives))
	if err != nil {
		proxywasm.LogErrorf("coraza: %v", err)
		return types.OnPluginStartStatusFailed
	}
	p.waf = waf
	return types.OnPluginStartStatusOK
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &stream{waf: p.waf} }

type stream struct {
	types.DefaultHttpContext
	waf coraza.WAF
}

func (s *stream) OnHttpRequestHeaders(int, bool) types.Action {
	headers, err := proxywasm.GetHttpRequestHeaders()
	if err != nil {
		return refuse()
	}
	tx := s.waf.NewTransaction()
	defer tx.Close()
	method, path := "", ""
	for _, h := range headers {
		switch {
		case h[0] == ":method":
			method = h[1]
		case h[0] == ":path":
			path = h[1]
		case !strings.HasPrefix(h[0], ":"):
			tx.AddRequestHeader(h[0], h[1])
		}
	}
	tx.ProcessURI(path, method, "HTTP/1.1")
	if tx.ProcessRequestHeaders() != nil {
		return refuse()
	}
	return types.ActionContinue
}

func refuse() types.Action {
	if err := proxywasm.SendHttpResponse(403, nil, nil, -1); err != nil {
		proxywasm.LogErrorf("coraza: %v", err)
	}
	return types.ActionPause
}

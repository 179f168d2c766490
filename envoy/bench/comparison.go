package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rulegate/rulegate/envoy/comparison"
)

// comparisonWork is only measured if it is named: its figures are in a page of their own.
const comparisonWork = "comparison"

// socialCompanion answers the queries of the comparison. It is the name of the helper and
// of its cluster.
const socialCompanion = "comparison-companion"

// compare adds a work for each policy of the comparison: its forms take turns with the
// first of its requests.
func (s *suite) compare(ctx context.Context) error {
	if !s.wants(comparisonWork) {
		return nil
	}
	c, err := comparison.Load(s.o.comparison)
	if err != nil {
		return err
	}
	issuer, err := comparison.NewIssuer()
	if err != nil {
		return err
	}
	issuer.Valid = 24 * time.Hour
	v := comparison.Values{}
	if v.Keys, err = issuer.Keys(); err != nil {
		return err
	}
	if err := s.compareServers(ctx, v.Keys); err != nil {
		return err
	}
	for _, p := range c.Policies {
		// With the policy's own limit, most of the measured requests would be refused.
		p.Filters = strings.ReplaceAll(p.Filters, "tokens_per_fill: 3", "tokens_per_fill: 1000000000")
		p.Filters = strings.ReplaceAll(p.Filters, "max_tokens: 3", "max_tokens: 1000000000")
		if p.Name == "rate-limit" {
			p.Texts[comparison.Envoy] = strings.NewReplacer("tokens_per_fill: 3", "tokens_per_fill: 1000000000", "max_tokens: 3", "max_tokens: 1000000000").Replace(p.Texts[comparison.Envoy])
		}
		w := work{name: comparisonWork, title: p.Title, bases: []string{ours}}
		for _, f := range comparison.Forms {
			if _, ok := p.Texts[f.Name]; !ok {
				continue
			}
			contender, err := s.compareForm(ctx, c, p, f, v, issuer)
			if err != nil {
				return err
			}
			w.contenders = append(w.contenders, contender)
		}
		s.works = append(s.works, w)
	}
	return nil
}

// compareForm adds the listener of a form, and returns it as a contender. rulegate's is
// called as in the other works, so that it can be a base.
func (s *suite) compareForm(ctx context.Context, c *comparison.Comparison, p *comparison.Policy, f comparison.Form, v comparison.Values, issuer *comparison.Issuer) (contender, error) {
	good, err := requestOf(&p.Requests[0], issuer)
	if err != nil {
		return contender{}, err
	}
	out := contender{name: f.Title, listener: "compare-" + p.Name + "-" + f.Name, good: good, clients: several, helper: f.Server, denied: anyRefusal}
	if out.bad, err = requestOf(refused(p), issuer); err != nil {
		return out, err
	}
	a := answer{text: max(p.Requests[0].Answer, "ok")}
	if f.Name != comparison.Rulegate {
		filters, err := c.EnvoyFilters(p, f, v)
		if err != nil {
			return out, err
		}
		s.conf.listen(out.listener, filters, a)
		return out, nil
	}
	more, err := c.More(p, v)
	if err != nil {
		return out, err
	}
	text := c.RulegatePolicy(p, v)
	if strings.Contains(text, "${SOCIAL_DB}") {
		if out.helper = socialCompanion; s.helpers[socialCompanion] == nil {
			if text, err = s.compareCompanion(ctx, text); err != nil {
				return out, err
			}
		}
	}
	return out, s.rulegateText(ctx, out.listener, "rulegate", []byte(text), more, a)
}

// refused is a request that all forms refuse: the first one without a valid token, or
// the first that must not pass of a policy without tokens.
func refused(p *comparison.Policy) *comparison.Request {
	r := p.Requests[0]
	r.Token = comparison.ForgedToken
	for i := range p.Requests {
		if !p.Tokens() && !p.Requests[i].Pass {
			return &p.Requests[i]
		}
	}
	return &r
}

func requestOf(r *comparison.Request, issuer *comparison.Issuer) (request, error) {
	out := request{body: r.Body(), more: maps.Clone(r.Headers)}
	out.method, out.path, _ = strings.Cut(r.Request, " ")
	var err error
	out.tokens, err = issuer.Tokens(r)
	return out, err
}

// compareServers starts the servers that the forms ask.
func (s *suite) compareServers(ctx context.Context, keys string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	data := &http.Server{Handler: http.HandlerFunc(comparison.Follows)}
	go data.Serve(l)
	context.AfterFunc(ctx, func() { data.Close() })
	s.conf.cluster("data", l.Addr().String(), false)
	for _, f := range comparison.Forms {
		if f.Server == "" {
			continue
		}
		address, err := freeAddress()
		if err != nil {
			return err
		}
		env := []string{"LISTEN=" + address, "KEYS=" + keys, "DATA=http://" + l.Addr().String()}
		if err := s.helper(ctx, f.Server, address, env, s.o.authz, f.Kind(), s.o.comparison); err != nil {
			return err
		}
		s.conf.cluster(f.Server, address, true)
	}
	return nil
}

// compareCompanion starts a companion with the rows that comparison.Follows knows, and
// returns the policy with its secret.
func (s *suite) compareCompanion(ctx context.Context, text string) (string, error) {
	file := filepath.Join(s.dir, "social.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return "", err
	}
	_, err = db.Exec(comparison.FollowsSQL)
	db.Close()
	if err != nil {
		return "", err
	}
	text = strings.NewReplacer("companion: {", "companion: {cluster: "+socialCompanion+", ", "${SOCIAL_DB}", file, "${COMPANION_SECRET}", secret).Replace(text)
	policy := filepath.Join(s.dir, "compare-companion.yaml")
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		return "", err
	}
	if s.companion, err = freeAddress(); err != nil {
		return "", err
	}
	return text, s.helper(ctx, socialCompanion, s.companion, nil, s.o.command, "serve", policy, "--listen", s.companion)
}

// figures returns the CPU times that the works of the comparison measured.
func (r *report) figures(c *comparison.Comparison) comparison.Figures {
	out := comparison.Figures{Machine: strings.TrimSpace(r.Machine.String()), Policies: map[string]map[string]comparison.Figure{}}
	for _, w := range r.Works {
		if w.Name != comparisonWork {
			continue
		}
		name := c.NameOf(w.Title)
		out.Policies[name] = map[string]comparison.Figure{}
		base := w.Rows[len(w.Rows)-1].Rounds // rulegate's
		for _, row := range w.Rows {
			for _, f := range comparison.Forms {
				if f.Title == row.Contender {
					all := func(s sample) float64 { return s.CPU + s.Helper }
					out.Policies[name][f.Name] = comparison.Figure{Envoy: round(row.CPU), Server: round(row.Helper), Times: round(median(ratios(row.Rounds, base, all)))}
				}
			}
		}
	}
	return out
}

// round keeps two digits behind the point.
func round(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

// publishComparison writes the figures of the comparison, and its page.
func (o *options) publishComparison(r *report) (string, error) {
	if !o.wants(comparisonWork) || o.comparison == "" {
		return "", nil
	}
	c, err := comparison.Load(o.comparison)
	if err != nil {
		return "", err
	}
	figures := r.figures(c)
	if len(figures.Policies) != len(c.Policies) {
		return "", fmt.Errorf("figures of %d policies, want %d", len(figures.Policies), len(c.Policies))
	}
	return filepath.Join(o.comparison, "COMPARISON.md"), comparison.WriteFigures(o.comparison, figures)
}

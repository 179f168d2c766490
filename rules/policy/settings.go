package policy

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy/schema"
	"github.com/rulegate/rulegate/rules/route"
	"github.com/rulegate/rulegate/rules/value"
)

// settings reads the keys at the top of the file that no other section needs.
func (l *loader) settings() {
	p, doc := l.p, l.doc
	p.Project = textOf(doc.Key("project"), "")
	if err := route.CheckSegment(p.Project); p.Project != "" && err != nil {
		l.fault("project", "%v", err)
	}
	p.Gateway = textOf(doc.Key("gateway"), "")
	limits := doc.Key("limits")
	p.Limits = Limits{
		RequestBody:  intOf(limits.Key("requestBody"), schema.DefaultRequestBody),
		ResponseBody: intOf(limits.Key("responseBody"), schema.DefaultResponseBody),
		Depth:        intOf(limits.Key("depth"), schema.DefaultDepth),
		Calls:        intOf(limits.Key("calls"), schema.DefaultCalls),
		Fields:       intOf(limits.Key("fields"), schema.DefaultFields),
		Steps:        intOf(limits.Key("steps"), schema.DefaultSteps),
		BodyTimeout:  durationOf(limits.Key("bodyTimeout"), schema.DefaultBodyTimeout),
		Idle:         l.idle(limits.Key("idle"), "limits.idle", schema.DefaultIdle),
	}
	if p.Limits.BodyTimeout == 0 && !l.settled["limits.bodyTimeout"] {
		l.fault("limits.bodyTimeout", "want more than 0: no body comes at once")
	}
	least := BodyCost * max(p.Limits.RequestBody, p.Limits.ResponseBody)
	p.Limits.Memory = intOf(limits.Key("memory"), max(schema.DefaultMemory, least))
	if p.Limits.Memory < least && l.known("limits.memory") && l.known("limits.requestBody") && l.known("limits.responseBody") {
		l.fault("limits.memory", "want at least %s, %d times the longer of requestBody and responseBody", schema.FormatSize(least), BodyCost)
	}
	if mode, _ := doc.Key("mode").Text(); mode == "shadow" {
		p.Shadow = true
	}
	p.AESKey = l.aesKey(doc.Key("crypto").Key("aesKey"))
	l.webhooks(doc.Key("webhooks"))
	p.CORS = l.cors(doc.Key("cors"), "cors")
	l.log()
}

// idle reads how long a request may be silent.
func (l *loader) idle(v value.Value, place string, absent time.Duration) time.Duration {
	d := durationOf(v, absent)
	if d == 0 && v.Kind() == value.String && l.known(place) {
		l.fault(place, "want more than 0: a client that is gone would keep its request for ever")
	}
	return d
}

func (l *loader) aesKey(v value.Value) []byte {
	const place = "crypto.aesKey"
	if v.Kind() == value.Missing {
		return nil
	}
	text, _ := v.Text()
	key, err := decodeBase64(text)
	switch {
	case !l.known(place):
		return make([]byte, 32) // no faults of rules that need a key
	case err != nil:
		l.fault(place, "%v", err)
		return make([]byte, 32)
	case len(key) != 16 && len(key) != 24 && len(key) != 32:
		l.fault(place, "want 16, 24 or 32 bytes, found %d", len(key))
	}
	return key
}

// companion reads `companion`, after the rules were compiled: only queries and
// webhooks need it.
func (l *loader) companion() {
	v := l.doc.Key("companion")
	p := l.p
	p.Companion = Companion{
		Cluster: textOf(v.Key("cluster"), schema.DefaultCluster),
		Timeout: durationOf(v.Key("timeout"), schema.DefaultTimeout),
	}
	if p.Companion.Timeout == 0 && !l.settled["companion.timeout"] {
		l.fault("companion.timeout", "want more than 0: without a timeout the request would wait for ever")
	}
	one, several := v.Key("secret"), v.Key("secrets")
	switch {
	case one.Kind() != value.Missing && several.Kind() != value.Missing:
		l.fault("companion.secrets", "there is a secret already; want one of the two")
	case one.Kind() != value.Missing:
		p.Companion.Secrets = []string{textOf(one, "")}
	case several.Kind() != value.Missing:
		p.Companion.Secrets = textsOf(several)
		if s := p.Companion.Secrets; len(s) == 2 && s[0] == s[1] && !l.unset["companion.secrets[0]"] {
			l.fault("companion.secrets[1]", "the same as the first")
		}
	default:
		l.primarySecret(v)
	}
}

// primarySecret uses the secret of the primary token key for the companion.
func (l *loader) primarySecret(companion value.Value) {
	if secret := l.p.Tokens.HMACSecret(); secret != "" {
		l.p.Companion.Secrets = []string{secret}
		return
	}
	hasPrimary := false // there is an HS primary, perhaps with faults
	l.doc.Key("auth").Key("tokens").Each(func(_ string, k value.Value) bool {
		alg, _ := k.Key("alg").Text()
		hasPrimary = hasPrimary || k.Key("primary").IsTrue() && (len(alg) < 2 || alg[:2] == "HS")
		return true
	})
	const help = "want `secret`, or a primary HS key among auth.tokens to derive it from"
	switch {
	case hasPrimary && l.p.Tokens == nil: // its fault is reported
	case companion.Kind() == value.Object:
		l.fault("companion.secret", "missing; %s", help)
	case companion.Kind() == value.Missing && l.firstCall != "":
		l.fault("companion", "missing; %s needs it: %s", l.firstCall, help)
	}
}

// The functions below read a value that the model allows, and return absent for
// any other.

//go:noinline
func textOf(v value.Value, absent string) string {
	if t, ok := v.Text(); ok {
		return t
	}
	return absent
}

func durationOf(v value.Value, absent time.Duration) time.Duration {
	if t, ok := v.Text(); ok {
		d, _ := schema.ParseDuration(t)
		return d
	}
	return absent
}

//go:noinline
func intOf(v value.Value, absent int) int {
	if n, ok := schema.SizeOf(v); ok {
		return n
	}
	return absent
}

// textsOf reads a list of strings, nil when there is no list.
func textsOf(v value.Value) (out []string) {
	if v.Kind() != value.Array {
		return nil
	}
	out = []string{}
	v.Each(func(_ string, x value.Value) bool {
		t, _ := x.Text()
		out = append(out, t)
		return true
	})
	return out
}

// eachIn calls f for the elements of the list at place.
func eachIn(list value.Value, place string, f func(place string, v value.Value)) {
	i := 0
	list.Each(func(_ string, v value.Value) bool {
		f(rules.Elem(place, i), v)
		i++
		return true
	})
}

// sorted returns a copy of the list in order, without duplicates.
func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

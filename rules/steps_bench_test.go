package rules

import (
	"fmt"
	"strings"
	"testing"
)

type stepKind struct{ rule, args string }

// stepKinds are evaluations that take many steps of one kind.
func stepKinds(t testing.TB) map[string]stepKind {
	texts, numbers, objects, longs, dates, addresses := list("a", 2000), make([]string, 2000), make([]string, 2000), make([]string, 2000), make([]string, 2000), make([]string, 2000)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i * 7)
		objects[i] = fmt.Sprintf(`{"id":%d,"owner":"user-%d","tags":["a","b"],"deep":{"x":{"y":%d}}}`, i, i, i)
		longs[i] = fmt.Sprintf(`{"l":"%d%s"}`, i, strings.Repeat("x", 1000))
		dates[i] = fmt.Sprintf(`"2026-01-02T03:04:%02dZ"`, i%60)
		addresses[i] = fmt.Sprintf(`"10.%d.%d.1"`, i/256, i%256)
	}
	arr := func(xs []string) string { return "[" + strings.Join(xs, ",") + "]" }
	long := strings.Repeat("x ", 2000)
	args := `{"texts":` + texts + `,"numbers":` + arr(numbers) + `,"objects":` + arr(objects) + `,"longs":` + arr(longs) + `,"dates":` + arr(dates) + `,"addresses":` + arr(addresses) +
		`,"few":["x","y","z"],"long":"` + long + `","map":{"a":1,"b":2},"id":"user-7","n":1e6,"key":"b","text":"a"}`
	over := func(list, clause string) string {
		return `{"rule":"every","field":"args.` + list + `","clause":` + clause + `}`
	}
	match := func(typ, eval, f1, f2 string) string {
		return fmt.Sprintf(`{"rule":"match","type":%q,"eval":%q,"f1":%s,"f2":%s}`, typ, eval, f1, f2)
	}
	or := func(clause string) string { return `{"rule":"or","clauses":[` + clause + `,{"rule":"allow"}]}` }
	kinds := map[string]string{
		"a clause":              over("texts", `{"rule":"allow"}`),
		"clauses":               over("texts", `{"rule":"and","clauses":[{"rule":"allow"},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"},{"rule":"allow"}]}`),
		"a comparison":          over("texts", match("string", "!=", `"item"`, `"b"`)),
		"with a claim":          over("texts", match("string", "!=", `"item"`, `"args.id"`)),
		"numbers":               over("numbers", match("number", "<", `"item"`, `"args.n"`)),
		"dates":                 over("dates", match("date", "<", `"item"`, `"2030-01-01T00:00:00Z"`)),
		"addresses":             over("addresses", match("ip", "in", `"item"`, `["10.0.0.0/8"]`)),
		"in a set":              over("texts", match("string", "in", `"item"`, `"args.texts"`)),
		"in few":                over("texts", match("string", "notIn", `"item"`, `"args.few"`)),
		"a path of objects":     over("objects", match("number", "!=", `"item.deep.x.y"`, `-1`)),
		"a list of the element": over("objects", match("string", "notIn", `"item.owner"`, `"item.tags"`)),
		"any":                   over("objects", match("any", "!=", `"item"`, `"args.map"`)),
		"any, equal":            over("objects", match("any", "==", `"item"`, `"item"`)),
		"matches":               over("texts", match("string", "matches", `"args.long"`, `"^(x )+$"`)),
		"contains":              over("texts", or(match("string", "contains", `"args.long"`, `"item"`))),
		"concat":                over("texts", match("string", "!=", `"utils.concat(item, 'x')"`, `"b"`)),
		"concat a long text":    over("texts", match("string", "!=", `"utils.concat(item, args.long)"`, `"b"`)),
		"lower":                 over("objects", match("string", "!=", `"utils.lower(item.owner)"`, `"b"`)),
		"split":                 over("texts", match("any", "!=", `"utils.split(item, 'a')"`, `1`)),
		"number":                over("texts", or(match("number", "!=", `"utils.number(item)"`, `1`))),
		"length":                over("objects", match("number", "!=", `"utils.length(item)"`, `9`)),
		"keys":                  over("objects", match("any", "!=", `"utils.keys(item)"`, `9`)),
		"exists":                over("objects", match("bool", "==", `"utils.exists(item.deep.x)"`, `true`)),
		"add":                   over("numbers", match("number", "!=", `"utils.add(item, 0.5)"`, `-1`)),
		"addDuration":           over("dates", match("date", "<", `"utils.addDuration(item, '1h')"`, `"2030-01-01T00:00:00Z"`)),
		"datePart":              over("dates", match("number", "==", `"utils.datePart(item, 'year')"`, `2026`)),
		"unknown":               over("texts", or(match("number", "==", `"item.x"`, `1`))),
		"no":                    over("texts", or(match("string", "==", `"item"`, `"b"`))),
		"filter":                `{"rule":"filter","field":"args.texts","clause":` + match("string", "!=", `"item"`, `"a7"`) + `}`,
		"each force":            `{"rule":"each","field":"args.objects","clauses":[{"rule":"force","field":"item.x","value":1}]}`,
		"each remove":           `{"rule":"each","field":"args.objects","clauses":[{"rule":"remove","fields":["item.deep.x"]}]}`,
		"each keep":             `{"rule":"each","field":"args.objects","clauses":[{"rule":"keep","field":"item","keys":["id"]}]}`,
		"each hash":             `{"rule":"each","field":"args.objects","clauses":[{"rule":"hash","fields":["item.owner"]}]}`,
		"each encrypt":          `{"rule":"each","field":"args.objects","clauses":[{"rule":"encrypt","fields":["item.owner"]}]}`,
		"each encrypt gcm":      `{"rule":"each","field":"args.objects","clauses":[{"rule":"encrypt","fields":["item.owner"],"algorithm":"aes-gcm"}]}`,
		"a map by the element":  over("texts", or(match("number", "==", `"args.map[item]"`, `1`))),
		"add with many digits":  over("numbers", match("number", "!=", `"utils.add(item, 1e500)"`, `-1`)),
		"hash a long text":      `{"rule":"each","field":"args.longs","clauses":[{"rule":"hash","fields":["item.l"]}]}`,
		"encrypt a long text":   `{"rule":"each","field":"args.longs","clauses":[{"rule":"encrypt","fields":["item.l"]}]}`,
		"gcm of a long text":    `{"rule":"each","field":"args.longs","clauses":[{"rule":"encrypt","fields":["item.l"],"algorithm":"aes-gcm"}]}`,
		"hmac":                  `{"rule":"each","field":"args.objects","clauses":[{"rule":"hash","fields":["item.owner"],"algorithm":"hmac-sha256"}]}`,
		"mul with many digits":  over("numbers", match("number", "!=", `"utils.mul(item, `+strings.Repeat("9", 400)+`)"`, `-1`)),
		"none of or":            over("texts", `{"rule":"not","clause":{"rule":"or","clauses":[`+match("string", "==", `"item"`, `"b"`)+`,`+match("string", "==", `"item"`, `"c"`)+`]}}`),
		"each force a text":     `{"rule":"each","field":"args.objects","clauses":[{"rule":"force","field":"item.x","value":"args.long"}]}`,
	}
	out := map[string]stepKind{}
	for name, rule := range kinds {
		out[name] = stepKind{rule, args}
	}
	return out
}

// BenchmarkSteps shows how long a step of each kind takes. The kinds should not
// differ by more than two or three times, in the module:
//
//	GOOS=js GOARCH=wasm go test -exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./rules -run xxx -bench Steps
func BenchmarkSteps(b *testing.B) {
	for name, k := range stepKinds(b) {
		b.Run(name, func(b *testing.B) {
			r := mustCompile(b, k.rule)
			in := &Input{Args: mustParse(b, k.args).Opened(), Verified: true, Now: testNow, MaxSteps: 1 << 30}
			var v Verdict
			for b.Loop() {
				if v = r.Eval(in, nil); v.Outcome != Yes {
					b.Fatal(v.Reason)
				}
			}
			ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(ns/float64(v.Steps), "ns/step")
			b.ReportMetric(ns/2000, "ns/element")
			b.ReportMetric(float64(v.Steps)/2000, "steps/element")
		})
	}
}

// attacks are evaluations of texts that a client or an upstream may send, each within the
// default limits of bodies, that multiply lengths.
func attacks(t testing.TB) map[string]stepKind {
	in := func(f1, f2 string) string {
		return fmt.Sprintf(`{"rule":"match","type":"string","eval":"in","f1":%q,"f2":%q}`, f1, f2)
	}
	filter := func(clause string) string {
		return `{"rule":"filter","field":"args.rows","onUnknown":"drop","clause":` + clause + `}`
	}
	nested := "[" + strings.Repeat(list("x", 300)+",", 299) + list("x", 300) + "]"
	words := `"` + strings.Repeat("w ", 300_000) + `"`
	rows := func(n int) string { return `{"rows":` + list("a", n) }
	return map[string]stepKind{
		"400 rows in a list of 4,000":      {filter(in("item", "args.ids")), rows(400) + `,"ids":` + list("b", 4000) + `}`},
		"1,000 rows in a list of 10,000":   {filter(in("item", "args.ids")), rows(1000) + `,"ids":` + list("b", 10_000) + `}`},
		"70,000 rows in a list of 1,400":   {filter(in("item", "args.ids")), rows(70_000) + `,"ids":` + list("b", 1400) + `}`},
		"split in the clause":              {filter(in("item", "utils.split(args.text, ' ')")), rows(20_000) + `,"text":` + words + `}`},
		"split of the element":             {filter(in("x", "utils.split(item, ' ')")), `{"rows":[` + words + "," + words + `]}`},
		"lists in the elements":            {filter(in("x", "item")), `{"rows":` + nested + `}`},
		"keys of an object":                {filter(in("item", "utils.keys(args.o)")), rows(20_000) + `,"o":{` + members(10_000) + `}}`},
		"some in some":                     {`{"rule":"some","field":"args.rows","clause":{"rule":"some","field":"args.ids","clause":{"rule":"deny"}}}`, rows(1000) + `,"ids":` + list("b", 10_000) + `}`},
		"a long text in each element":      {filter(`{"rule":"match","type":"string","eval":"contains","f1":"args.text","f2":"item"}`), rows(20_000) + `,"text":` + words + `}`},
		"a pattern in each element":        {filter(`{"rule":"match","type":"string","eval":"matches","f1":"args.text","f2":"^(w )*$"}`), rows(20_000) + `,"text":` + words + `}`},
		"a pattern of many states":         {filter(`{"rule":"match","type":"string","eval":"matches","f1":"args.text","f2":"(a|w).{200}.{200}z"}`), rows(10) + `,"text":` + words + `}`},
		"whole values":                     {filter(`{"rule":"match","type":"any","eval":"==","f1":"args.rows","f2":"args.rows"}`), rows(20_000) + `}`},
		"texts that are built":             {filter(`{"rule":"match","type":"string","eval":"==","f1":"utils.concat(item, args.text)","f2":"x"}`), rows(20_000) + `,"text":` + words + `}`},
		"a member of a long object":        {filter(`{"rule":"match","type":"string","eval":"==","f1":"args.o[item]","f2":"x"}`), rows(20_000) + `,"o":` + "{" + members(20_000) + `}}`},
		"changes of a long object":         {filter(`{"rule":"force","field":"args.o.x","value":"item"}`), rows(20_000) + `,"o":` + "{" + members(20_000) + `}}`},
		"each changes a long object":       {`{"rule":"each","field":"args.rows","clauses":[{"rule":"force","field":"item.x","value":"args.text"}]}`, `{"rows":[` + strings.Repeat(`{},`, 50_000) + `{}],"text":` + words + `}`},
		"numbers of many digits":           {filter(`{"rule":"match","type":"number","eval":"==","f1":"utils.mul(args.n, args.n)","f2":1}`), rows(20_000) + `,"n":` + strings.Repeat("9", 500) + `}`},
		"numbers of the elements":          {filter(`{"rule":"match","type":"number","eval":"==","f1":"utils.add(item, 1e900)","f2":1}`), `{"rows":[1` + strings.Repeat(`,1`, 50_000) + `]}`},
		"hashes":                           {`{"rule":"each","field":"args.rows","clauses":[{"rule":"hash","fields":["item.a"]}]}`, `{"rows":[` + strings.Repeat(`{"a":"x"},`, 50_000) + `{"a":"x"}]}`},
		"paths that the client sends":      {`{"rule":"remove","fields":"args.paths"}`, `{"paths":["args.o.a"` + strings.Repeat(`,"args.o.a"`, 50_000) + `],"o":` + "{" + members(1000) + `}}`},
		"keys that the client sends":       {`{"rule":"each","field":"args.rows","clauses":[{"rule":"keep","field":"item","keys":"args.ids"}]}`, `{"rows":[` + strings.Repeat(`{"a":"x"},`, 20_000) + `{"a":"x"}],"ids":` + list("b", 20_000) + `}`},
		"100,000 elements, one comparison": {`{"rule":"every","field":"args.rows","clause":{"rule":"match","type":"string","eval":"startsWith","f1":"item","f2":"a"}}`, rows(100_000) + `}`},
	}
}

// members writes n members of an object.
func members(n int) string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	return strings.Join(texts, ",")
}

// BenchmarkAttacks shows how long each attack holds a worker.
func BenchmarkAttacks(b *testing.B) {
	for name, a := range attacks(b) {
		b.Run(name, func(b *testing.B) {
			r := mustCompile(b, a.rule)
			args := mustParse(b, a.args).Opened()
			var v Verdict
			for b.Loop() {
				v = r.Eval(&Input{Args: args, Now: testNow}, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
			b.ReportMetric(float64(v.Steps)/1000, "ksteps")
		})
	}
}

package rules

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

const functionArgs = `{"auth":{"scope":"read write","n":7,"s":"12.5","word":"abc","d":"2026-03-01T23:30:00Z","iat":1772368200.25,"zero":0,
	"https://example.com/roles":["admin"],"a]b":{"c":1},"it's":"quoted","null":null,"obj":{"b":1,"a":[2]},"list":[{"a.b":"x"}],"e":1e2,"tiny":0.1,"huge":1e1001}}`

// valueOf returns the value of an expression, or the reason why it has none.
func valueOf(t *testing.T, expression string) string {
	t.Helper()
	spec := value.Obj(
		value.Member{Key: "rule", Value: value.Str("force")},
		value.Member{Key: "field", Value: value.Str("args.out")},
		value.Member{Key: "value", Value: value.Str(expression)})
	env := testEnv()
	env.Zone = func(name string) (*time.Location, error) { return time.LoadLocation(name) }
	r, faults := Compile(spec, "rule", env)
	if faults != nil {
		return "fault: " + faults[0].Message
	}
	v := r.Eval(&Input{Args: mustParse(t, functionArgs), Now: testNow}, nil)
	if v.Outcome != Yes {
		return v.Outcome.String() + ": " + v.Reason
	}
	return v.Args.Key("out").String()
}

func TestFunctions(t *testing.T) {
	for expression, want := range map[string]string{
		// Paths with keys in quotes.
		`args.auth['https://example.com/roles'].0`:      `"admin"`,
		`args.auth["https://example.com/roles"]`:        `["admin"]`,
		`args.auth['a]b'].c`:                            `1`,
		`args.auth["it's"]`:                             `"quoted"`,
		`args.auth.list.0['a.b']`:                       `"x"`,
		`args.auth.list['0']`:                           `unknown: args.auth.list['0'] is missing`,
		`args.auth['']`:                                 `unknown: args.auth[''] is missing`,
		`args.auth['x`:                                  `fault: path "args.auth['x" has a key in quotes without its ']`,
		`args.auth['x'y]`:                               `fault: path "args.auth['x'y]" has a key in quotes without its ']`,
		`args.auth['x']y`:                               `fault: path "args.auth['x']y" goes on after a ] without a point`,
		`utils.exists(args.auth['a,b)'])`:               `false`,
		`utils.default(args.auth['a,b)'], args.auth.n)`: `7`,
		// Calls inside calls, and paths behind them.
		`utils.split(args.auth.scope, ' ').1`:               `"write"`,
		`utils.split(args.auth.scope, ' ').2`:               `unknown: utils.split(args.auth.scope, ' ').2 is missing`,
		`utils.split(args.auth.scope, ' ')[args.auth.zero]`: `"read"`,
		`utils.length(utils.split(args.auth.scope, ' '))`:   `2`,
		`utils.lower(utils.concat('A', args.auth.word))`:    `"aabc"`,
		`utils.number(utils.split('1.5', '.').0)`:           `fault: utils.split: want a path or a call, found the string "1.5"`,
		`utils.exists(utils.split(args.auth.scope, ' ').5)`: `false`,
		`utils.exists(utils.number(args.auth.word))`:        `unknown: args.auth.word: the string is no number`,
		`utils.exists(utils.lower(args.auth.none))`:         `false`,
		`utils.keys(args.auth.obj)`:                         `["b","a"]`,
		`utils.values(args.auth.obj)`:                       `[1,[2]]`,
		`utils.values(args.auth.obj).1.0`:                   `2`,
		`utils.keys(args.auth.list)`:                        `unknown: args.auth.list: want object, found array`,
		`utils.keys(args.auth.none)`:                        `unknown: args.auth.none is missing`,
		`utils.length(args.auth.n)`:                         `unknown: args.auth.n: want string, array or object, found number`,
		// default is for what is missing alone.
		`utils.default(args.auth.none, 'x')`:             `"x"`,
		`utils.default(args.auth.none, -1.50)`:           `-1.50`,
		`utils.default(args.auth.none, null)`:            `null`,
		`utils.default(args.auth.none, true)`:            `true`,
		`utils.default(args.auth.null, 'x')`:             `null`,
		`utils.default(args.auth.none, args.auth.n)`:     `7`,
		`utils.default(args.auth.none, args.auth.gone)`:  `unknown: args.auth.gone is missing`,
		`utils.default(utils.number(args.auth.none), 0)`: `0`,
		`utils.default(utils.number(args.auth.word), 0)`: `unknown: args.auth.word: the string is no number`,
		`utils.default('x', 'y')`:                        `fault: utils.default: want a path or a call, found the string "x"`,
		// Texts and numbers.
		`utils.concat(args.auth.word, "-", args.auth.s)`: `"abc-12.5"`,
		`utils.concat(args.auth.word, args.auth.n)`:      `unknown: args.auth.n: want string, found number`,
		`utils.concat(args.auth.word, 5)`:                `fault: utils.concat: want string, found the number 5`,
		`utils.add(args.auth.n, 1)`:                      `8`,
		`utils.add(args.auth.tiny, 0.2)`:                 `0.3`,
		`utils.sub(1, args.auth.e)`:                      `-99`,
		`utils.mul(9007199254740993, args.auth.n)`:       `63050394783186951`,
		`utils.mul(args.auth.tiny, args.auth.tiny)`:      `0.01`,
		`utils.sub(args.auth.n, 7)`:                      `0`,
		`utils.add(args.auth.huge, 1)`:                   `unknown: utils.add(args.auth.huge, 1): a number of more than 1000 digits`,
		`utils.add(args.auth.s, 1)`:                      `unknown: args.auth.s: want number, found string`,
		`utils.add('1', 1)`:                              `fault: utils.add: want number, found the string "1"`,
		`utils.add(1)`:                                   `fault: utils.add wants (number, number), found 1 of these`,
		`utils.add(1,2,3)`:                               `fault: utils.add wants (number, number), found 3 of these`,
		// Dates.
		`utils.date(args.auth.iat)`:                                `"2026-03-01T12:30:00.25Z"`,
		`utils.date(0)`:                                            `"1970-01-01T00:00:00Z"`,
		`utils.date(-0.5)`:                                         `"1969-12-31T23:59:59.5Z"`,
		`utils.date('2026-03-01')`:                                 `"2026-03-01T00:00:00Z"`,
		`utils.date(args.auth.word)`:                               `unknown: args.auth.word: the string is no date`,
		`utils.date(args.auth.obj)`:                                `unknown: args.auth.obj: want date, found object`,
		`utils.date(args.auth.huge)`:                               `unknown: args.auth.huge: the number is no time of the years 0 to 9999`,
		`utils.date('soon')`:                                       `fault: utils.date: the string is no date`,
		`utils.datePart(args.auth.d, 'hour')`:                      `23`,
		`utils.datePart(args.auth.d, 'weekday')`:                   `7`,
		`utils.datePart(args.auth.d, 'weekday', 'Europe/Berlin')`:  `1`,
		`utils.datePart(args.auth.d, 'month', "America/New_York")`: `3`,
		`utils.datePart(utils.date(args.auth.iat), 'minute')`:      `30`,
		`utils.datePart(args.auth.d, 'week')`:                      `fault: utils.datePart: unknown part "week": want year, month, day, hour, minute, second or weekday`,
		`utils.datePart(args.auth.d, 'hour', 'Local')`:             `fault: utils.datePart: unknown zone "Local": want an IANA name such as Europe/Berlin`,
		`utils.datePart(args.auth.d, 'hour', args.auth.word)`:      `fault: utils.datePart: want a zone in quotes, found args.auth.word`,
		`utils.datePart('today', 'hour')`:                          `fault: utils.datePart: "today" is no date: want RFC 3339 with a zone, or YYYY-MM-DD`,
		// The older functions take their whole brackets as a path, if it reads as one.
		`utils.exists(args.auth.a, b)`:       `false`,
		`utils.lower(args.auth.x).concat(y)`: `unknown: args.auth.x).concat(y is missing`,
		// Grammar.
		`utils.concat( 'a' , 'b' )`:        `"ab"`,
		`utils.concat('a',)`:               `fault: "" is no argument: want a path, a call, a text in quotes, a number, true, false or null`,
		`utils.concat('a'`:                 `fault: "utils.concat('a'" is no call of a function: want utils.name(…)`,
		`utils.concat('a`:                  `fault: "utils.concat('a": a text without its closing '`,
		`utils.concat('a')x`:               `fault: path "utils.concat('a')x": want a point or [ before "x"`,
		`utils.concat('a').`:               `fault: path "utils.concat('a')." has an empty key`,
		`utils.lenght(args.a)`:             `fault: unknown function utils.lenght; did you mean utils.length?`,
		`utils.concat(foo)`:                `fault: "foo" is no argument: want a path, a call, a text in quotes, a number, true, false or null`,
		`utils.concat()`:                   `fault: utils.concat wants (string, string, …), found 0 of these`,
		`utils.split(args.auth.scope, '')`: `fault: utils.split: want a separator in quotes, found `,
		strings.Repeat("utils.lower(", 17) + `args.a` + strings.Repeat(")", 17): `fault: "` + strings.Repeat("utils.lower(", 17) + `args.a` + strings.Repeat(")", 17) + `": more than 16 calls inside each other`,
	} {
		if got := valueOf(t, expression); got != want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

func TestFunctionsAreBounded(t *testing.T) {
	members := make([]value.Member, maxElements+1)
	for i := range members {
		members[i] = value.Member{Key: strconv.Itoa(i), Value: value.NullValue}
	}
	long := strings.Repeat("a,", maxElements)
	half := strings.Repeat("x", maxText/2+1)
	args := value.Obj(
		value.Member{Key: "object", Value: value.Obj(members...)},
		value.Member{Key: "long", Value: value.Str(long)},
		value.Member{Key: "half", Value: value.Str(half)},
		value.Member{Key: "digits", Value: value.Num(strings.Repeat("9", 600))})
	for expression, want := range map[string]string{
		"utils.keys(args.object)":             "args.object: more than 100000 members",
		"utils.values(args.object)":           "args.object: more than 100000 members",
		"utils.split(args.long, ',')":         "args.long: more than 100000 parts",
		"utils.concat(args.half, args.half)":  "utils.concat(args.half, args.half) has more than 1048576 bytes",
		"utils.mul(args.digits, args.digits)": "utils.mul(args.digits, args.digits): a number of more than 1000 digits",
	} {
		r := mustCompile(t, `{"rule":"force","field":"args.out","value":"`+expression+`"}`)
		if v := r.Eval(&Input{Args: args}, nil); v.Outcome != Unknown || v.Reason != want {
			t.Errorf("%s: %v %s", expression, v.Outcome, v.Reason)
		}
	}
}

// FuzzCall: no text makes the parser panic, and an accepted call evaluates.
func FuzzCall(f *testing.F) {
	for _, s := range []string{
		"utils.now()", "utils.exists(args.a)", "utils.split(args.a, ' ').0", "utils.default(args.a['x)'], utils.add(1, args.b)).c[args.d]",
		"utils.addDuration('args.a', 1h)", "utils.concat('a',\"b\" , utils.lower(args.x))", "utils.datePart(2020-01-01, 'hour', 'UTC')", "utils.keys(item)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := &compiler{env: &Env{}, scope: scope{item: true}}
		if !c.scope.isReference(text) {
			return
		}
		e, err := c.reference(text)
		if err != nil {
			return
		}
		item := mustParse(t, `{"a":1}`)
		e.value(&run{most: DefaultSteps, in: &Input{Now: testNow}, args: mustParse(t, functionArgs), item: &item})
		e.reads(&roots{})
	})
}

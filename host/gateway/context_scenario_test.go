package gateway

import "slices"

// marked pauses a request for ticks. A tick runs in the plugin's context, and
// reaches a stream only by setting the effective context.
const marked = "request_headers: mark; tickevery 10; pause\n"

func afterTick(lines ...string) []string {
	return after(append([]string{"request_headers end=true", "tick marked"}, lines...)...)
}

var replied = []string{"response_headers end=false", "response_body 2 end=true", "log"}

// contextScenarios are about callbacks of other contexts that work on a stream,
// and about data that VMs share.
var contextScenarios = []scenario{
	{
		name: "a tick resumes a paused request", script: marked + "tick marked: formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(),
	},
	{
		name: "a tick sends a local reply to a paused request", script: marked + "tick marked: formarked reply 403 no; unmark",
		code: 403, body: "no",
		trace: append([]string{"request_headers end=true", "tick marked"}, replied...),
	},
	{
		name: "after a tick's local reply a resume sends nothing upstream", script: marked + "tick marked: formarked reply 403 no; resume request; unmark",
		code: 403, body: "no",
		trace: append([]string{"request_headers end=true", "tick marked"}, replied...),
	},
	{
		name: "a tick changes a paused request", script: marked + "tick marked: formarked set :path /new; show :path; set x-new 1; show x-new; resume request; unmark",
		code: 200, body: "hello", sent: "GET /new ",
		trace: afterTick(`:path "/new" <nil>`, `x-new "1" <nil>`),
	},
	{
		name: "a tick changes a body that is held", method: "POST", pieces: []string{"one"},
		script: "request_headers: pause\nrequest_body more: pause\nrequest_body end: mark; tickevery 10; pause\n" +
			"tick marked: formarked show body; body other; set content-length 5; resume request; unmark",
		code: 200, body: "hello", sent: "POST / other",
		trace: after("request_headers end=false", "request_body 3 end=false", "request_body 3 end=true", "tick marked", `body "one" <nil>`),
	},
	{
		name:   "a tick changes a paused response",
		script: "response_headers: pause\nresponse_body more: pause\nresponse_body end: mark; tickevery 10; pause\ntick marked: formarked responsebody other; resume response; unmark",
		code:   200, body: "other", sent: "GET / ",
		trace: []string{"request_headers end=true", "response_headers end=false", "response_body 5 end=false", "response_body 5 end=true", "tick marked", "log"},
	},
	{
		name:   "a tick replaces a paused response by a local reply",
		script: "response_headers: pause\nresponse_body more: pause\nresponse_body end: mark; tickevery 10; pause\ntick marked: formarked reply 502 no; unmark",
		code:   502, body: "no", sent: "GET / ",
		trace: []string{"request_headers end=true", "response_headers end=false", "response_body 5 end=false", "response_body 5 end=true", "tick marked", "log"},
	},
	{
		name: "a tick without an effective context reaches no stream", script: marked + "tick marked: show :path; resume request; reply 403 no; property request.path; formarked show :path; resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(`:path "" error status returned by host: bad argument`, `property request.path = "" error status returned by host: not found`, `:path "/" <nil>`),
	},
	{
		name: "the reply to a tick's call runs in the plugin's context", script: marked + "tick marked: unmark; call peer 15000 /t\nplugin_call: show :path; formarked resume request",
		code: 504, body: "stream timeout", idle: shortIdle,
		trace: []string{"request_headers end=true", "tick marked", `called none=false size=true status=200 body="POST /t asked" <nil>`,
			`:path "" error status returned by host: bad argument`, "response_headers end=false", "response_body 14 end=true", "log"},
	},
	{
		name: "the reply to a tick's call resumes a request", script: marked + "tick marked: tickevery 0; call peer 15000 /t\nplugin_call: formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(`called none=false size=true status=200 body="POST /t asked" <nil>`),
	},
	{
		name: "the reply to a tick's call sends a local reply to a request", script: marked + "tick marked: tickevery 0; call peer 15000 /t\nplugin_call: formarked reply 403 no; unmark",
		code: 403, body: "no",
		trace: append([]string{"request_headers end=true", "tick marked", `called none=false size=true status=200 body="POST /t asked" <nil>`}, replied...),
	},
	{
		name: "a tick's call is refused", script: marked + "tick marked: tickevery 0; call refused 15000 /t\nplugin_call: formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(`called none=false size=true status=503 body="upstream connect error or disconnect/res" <nil>`),
	},
	{
		name: "a tick's call takes too long", script: marked + "tick marked: tickevery 0; call slow 50 /t\nplugin_call: formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(`called none=false size=true status=504 body="upstream request timeout" <nil>`),
	},
	{
		name: "a tick's call to an unknown cluster fails at once", script: marked + "tick marked: call nowhere 15000 /t; formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick("tick marked: call: error status returned by host: bad argument"),
	},
	{
		name: "a period of 0 ends the ticks", script: marked + "request_headers: call late 15000 /x\ntick marked: tickevery 0\ncall: resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(`called none=false size=true status=200 body="POST /x asked" <nil>`),
	},
	{
		name: "the last period counts", script: "request_headers: mark; tickevery 3600000; tickevery 10; pause\ntick marked: formarked resume request; unmark",
		code: 200, body: "hello", sent: "GET / ",
		trace: afterTick(),
	},
	{
		name: "an effective context that does not exist", script: "request_headers: asnobody reply 403 no; show :path",
		code: 200, body: "hello", sent: "GET / ",
		trace: after("request_headers end=true", "request_headers: asnobody: effective: error status returned by host: bad argument", `:path "/" <nil>`),
	},
	{
		name: "the plugin as effective context hides the stream", script: "request_headers: asplugin show :path; resume request; property request.path",
		code: 200, body: "hello", sent: "GET / ",
		trace: after("request_headers end=true", `:path "" error status returned by host: bad argument`, `property request.path = "" error status returned by host: not found`),
	},
	{
		name: "a local reply for no stream stops the current stream", script: "request_headers: asplugin reply 403 no",
		idle: shortIdle, code: 504, body: "stream timeout",
		trace: []string{"request_headers end=true", "response_headers end=false", "response_body 14 end=true", "log"},
	},
	{
		name: "a local reply for no stream stops the current stream's body", method: "POST", pieces: []string{"one"},
		script: "request_headers: pause\nrequest_body more: pause\nrequest_body end: asplugin reply 403 no",
		idle:   shortIdle, code: 504, body: "stream timeout",
		trace: []string{"request_headers end=false", "request_body 3 end=false", "request_body 3 end=true", "response_headers end=false", "response_body 14 end=true", "log"},
	},
	{
		name: "the context of a stream that has ended", script: marked + "tick marked: formarked reply 403 no; tickevery 0\nlog: tickevery 10\ntick gone: tickevery 0; formarked reply 404 nope; formarked resume request",
		code: 403, body: "no",
		trace: slices.Concat([]string{"request_headers end=true", "tick marked"}, replied,
			[]string{"tick gone", "tick gone: formarked: effective: error status returned by host: bad argument", "tick gone: formarked: effective: error status returned by host: bad argument"}),
	},
	{
		name: "shared data", script: "request_headers: get data; put data v; get data; putstale data w; get data; put data ; get data; put data x; get data",
		code: 200, body: "hello", sent: "GET / ",
		trace: after("request_headers end=true", `get "" error status returned by host: not found`, `get "v" <nil>`,
			"request_headers: putstale: error status returned by host: cas mismatch", `get "other" <nil>`, `get "" <nil>`, `get "x" <nil>`),
	},
	{
		name: "a new key of shared data accepts any cas", script: "request_headers: putcas 77 fresh v; get fresh; putcas 78 fresh w; get fresh",
		code: 200, body: "hello", sent: "GET / ",
		trace: after("request_headers end=true", `get "v" <nil>`, "request_headers: putcas: error status returned by host: cas mismatch", `get "v" <nil>`),
	},
	{
		name: "a tick and a stream share data", script: marked + "request_headers: put between v\ntick marked: get between; put between w; formarked resume request; unmark\nresponse_headers: get between",
		code: 200, body: "hello", sent: "GET / ",
		trace: slices.Concat([]string{"request_headers end=true", "tick marked", `get "v" <nil>`, "response_headers end=false", `get "w" <nil>`}, hello[1:]),
	},
	{
		name: "an unknown foreign function", script: "request_headers: foreign nothing",
		code: 200, body: "hello", sent: "GET / ",
		trace: after("request_headers end=true", "request_headers: foreign: error status returned by host: not found"),
	},
}

//go:build !wasip1

package schema

// corsShape is an object with the answers to preflights.
func corsShape(about string) *shape {
	return objectOf(about,
		need("origins", listOf("Origins as browsers send them, such as https://app.example. https://*.shop.example covers the hosts below shop.example. * is all, without credentials.", aText("")).atLeast(1)),
		may("methods", listOf("Methods that pages may use, beside GET, HEAD and POST. * is all, without credentials.", aText("")).atLeast(1)),
		may("headers", listOf("Headers that pages may send, beside those that every form can send. A page that sends a token needs its header, such as authorization.", aText("")).atLeast(1)),
		may("expose", listOf("Headers of responses that pages may read, beside those of every response.", aText("")).atLeast(1)),
		may("credentials", aBoolean("Pages may send cookies and client certificates.").byDefault("false")),
		may("maxAge", aDuration("How long a browser keeps the answer to a preflight.").byDefault("that of the browser, 5s")))
}

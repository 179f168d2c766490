// Command eval is the evaluator of the console's page, compiled to wasm. It gives the
// page one function, rulegate, from a text to a text: see package engine.
package main

import (
	"syscall/js"

	"github.com/rulegate/rulegate/host/console/engine"
)

func main() {
	js.Global().Set("rulegate", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 || args[0].Type() != js.TypeString {
			return `{"error": "want one question, a text"}`
		}
		return string(engine.Answer([]byte(args[0].String())))
	}))
	select {} // the page ends the worker
}

//go:build !js

// Command eval is the evaluator of the console's page, compiled to wasm. Outside of a
// page it answers each line of standard input with a line, for tests and profiles.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/rulegate/rulegate/host/console/engine"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		os.Stdout.Write(engine.Answer(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

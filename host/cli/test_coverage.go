package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/rulegate/rulegate/host/policytest"
)

// report prints and writes the coverage. enough is false if one is below --min.
func (c *runners) report(out io.Writer) (enough bool, err error) {
	f := c.flags
	enough = true
	for _, one := range c.coverages {
		p := one.Totals().Percent()
		enough = enough && p >= f.min
		switch {
		case f.format == "json":
			if err := one.WriteJSON(out, f.min); err != nil {
				return enough, err
			}
			continue
		case f.coverage:
			one.WriteText(out, f.verbose)
		}
		if p < f.min {
			fmt.Fprintf(out, "coverage: %s: %.1f%% is below --min %v\n", one.Path, p, f.min)
		}
	}
	for _, file := range []struct {
		flag, path string
		write      func(io.Writer, []*policytest.Coverage) error
	}{{"--lcov", f.lcov, policytest.WriteLCOV}, {"--html", f.html, policytest.WriteHTML}} {
		if file.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := file.write(&text, c.coverages); err != nil {
			return enough, err
		}
		if err := os.WriteFile(file.path, text.Bytes(), 0o644); err != nil {
			return enough, fmt.Errorf("%s: %w", file.flag, err)
		}
	}
	return enough, nil
}

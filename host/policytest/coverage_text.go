package policytest

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteText writes the share of the outcomes, and the rules of the resources that tests
// do not cover whole; with all, those of all resources.
func (c *Coverage) WriteText(w io.Writer, all bool) {
	t := c.Totals()
	fmt.Fprintf(w, "coverage: %s: %.1f%% (%d of %s; %d of %s asked)\n", c.Path, t.Percent(),
		t.Hit, counted(t.All, "outcome"), t.Asked, counted(t.Routes, "route"))
	for _, r := range c.Routes() {
		if r.Whole() && !all {
			continue
		}
		if r.Asked == 0 {
			fmt.Fprintf(w, "  %s: never asked\n", r.Name)
		} else {
			fmt.Fprintf(w, "  %s: asked %s\n", r.Name, counted(r.Asked, "time"))
		}
		writeClauses(w, r.Rule, "    ")
		if r.Response != nil {
			fmt.Fprintln(w, "    response:")
			writeClauses(w, r.Response, "      ")
		}
	}
}

func writeClauses(w io.Writer, c *Clause, indent string) {
	name := c.Kind
	if c.Name != "" {
		name += " (" + c.Name + ")"
	}
	counts := ""
	if c.All() > 0 {
		counts = fmt.Sprintf("  yes %d, no %d, unknown %d", c.Yes, c.No, c.Unknown)
	}
	missing := c.Missing()
	if missing != "" {
		missing = "  <- " + missing
	}
	fmt.Fprintf(w, "%s%s:%d: %s%s%s\n", indent, c.File, c.Line, name, counts, missing)
	for _, in := range c.Clauses {
		writeClauses(w, in, indent+"  ")
	}
}

// WriteLCOV writes the coverage of policies as LCOV's geninfo does: a policy's resources
// as functions, each outcome of a clause as a branch, and each line on which a clause
// begins.
func WriteLCOV(w io.Writer, coverages []*Coverage) error {
	var b strings.Builder
	for _, c := range coverages {
		for _, f := range lcovFiles(c) {
			f.write(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lcovFile is the record of one file.
type lcovFile struct {
	path      string
	functions []lcovFunction
	clauses   []*Clause
}

type lcovFunction struct {
	line, asked int
	name        string
}

// lcovFiles sorts the clauses of a policy by the file that they are in.
func lcovFiles(c *Coverage) []*lcovFile {
	var files []*lcovFile
	in := func(path string) *lcovFile {
		i := slices.IndexFunc(files, func(f *lcovFile) bool { return f.path == path })
		if i < 0 {
			i = len(files)
			files = append(files, &lcovFile{path: path})
		}
		return files[i]
	}
	seen := map[string]bool{}
	for _, r := range c.Routes() {
		f := in(r.Rule.File)
		f.functions = append(f.functions, lcovFunction{r.Rule.Line, r.Asked, strings.ReplaceAll(r.Name, ",", "_")})
		for _, top := range []*Clause{r.Rule, r.Response} {
			each(top, func(c *Clause) {
				if !seen[c.Place] {
					seen[c.Place] = true
					f := in(c.File)
					f.clauses = append(f.clauses, c)
				}
			})
		}
	}
	return files
}

func (f *lcovFile) write(b *strings.Builder) {
	fmt.Fprintf(b, "TN:\nSF:%s\n", f.path)
	hit := 0
	for _, fn := range f.functions {
		fmt.Fprintf(b, "FN:%d,%s\n", fn.line, fn.name)
	}
	for _, fn := range f.functions {
		fmt.Fprintf(b, "FNDA:%d,%s\n", fn.asked, fn.name)
		hit += min(fn.asked, 1)
	}
	fmt.Fprintf(b, "FNF:%d\nFNH:%d\n", len(f.functions), hit)
	f.branches(b)
	f.lines(b)
	b.WriteString("end_of_record\n")
}

func (f *lcovFile) branches(b *strings.Builder) {
	found, hit := 0, 0
	for i, c := range f.clauses {
		for branch, o := range []struct {
			can bool
			n   int
		}{{c.CanYes, c.Yes}, {c.CanNo, c.No}} {
			if !o.can {
				continue
			}
			taken := "-" // the clause was never asked
			if c.All() > 0 {
				taken = strconv.Itoa(o.n)
			}
			fmt.Fprintf(b, "BRDA:%d,%d,%d,%s\n", c.Line, i, branch, taken)
			found++
			hit += min(o.n, 1)
		}
	}
	fmt.Fprintf(b, "BRF:%d\nBRH:%d\n", found, hit)
}

func (f *lcovFile) lines(b *strings.Builder) {
	counts := map[int]int{}
	for _, c := range f.clauses {
		counts[c.Line] = max(counts[c.Line], c.All())
	}
	var lines []int
	hit := 0
	for line, n := range counts {
		lines = append(lines, line)
		hit += min(n, 1)
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintf(b, "DA:%d,%d\n", line, counts[line])
	}
	fmt.Fprintf(b, "LF:%d\nLH:%d\n", len(lines), hit)
}

package policytest

import (
	"encoding/json"
	"io"
)

// coverageLine is the line of JSON about the coverage of a policy.
type coverageLine struct {
	Type    string        `json:"type"` // coverage
	Policy  string        `json:"policy"`
	Percent float64       `json:"percent"`
	Hit     int           `json:"hit"` // outcomes that tests have shown
	All     int           `json:"all"`
	Min     float64       `json:"min,omitempty"`
	OK      bool          `json:"ok"`
	Routes  []routeLine   `json:"routes"`
	Missing []missingLine `json:"missing"` // clauses with an outcome that no test has shown
}

type routeLine struct {
	Name  string `json:"name"`
	Asked int    `json:"asked"`
}

type missingLine struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Place   string `json:"place"`
	Kind    string `json:"kind"`
	Name    string `json:"name,omitempty"`
	Yes     int    `json:"yes"`
	No      int    `json:"no"`
	Unknown int    `json:"unknown"`
	Missing string `json:"missing"`
}

// WriteJSON writes a line of JSON about the coverage; least is the percentage that is
// wanted.
func (c *Coverage) WriteJSON(w io.Writer, least float64) error {
	t := c.Totals()
	line := coverageLine{
		Type: "coverage", Policy: c.Path, Percent: t.Percent(), Hit: t.Hit, All: t.All, Min: least, OK: t.Percent() >= least,
		Routes: []routeLine{}, Missing: []missingLine{},
	}
	seen := map[string]bool{}
	for _, r := range c.Routes() {
		line.Routes = append(line.Routes, routeLine{r.Name, r.Asked})
		for _, top := range []*Clause{r.Rule, r.Response} {
			each(top, func(in *Clause) {
				if missing := in.Missing(); missing != "" && !seen[in.Place] {
					line.Missing = append(line.Missing, missingLine{in.File, in.Line, in.Column, in.Place, in.Kind, in.Name, in.Yes, in.No, in.Unknown, missing})
				}
				seen[in.Place] = true
			})
		}
	}
	return writeLine(w, line)
}

// mutantLine is the line of JSON about a mutant that no test notices.
type mutantLine struct {
	Type   string `json:"type"` // mutant
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Place  string `json:"place"`
	Broken string `json:"broken"`
}

// mutantsLine is the line of JSON about the mutants of a policy.
type mutantsLine struct {
	Type     string `json:"type"` // mutants
	Policy   string `json:"policy"`
	Noticed  int    `json:"noticed"`
	Survived int    `json:"survived"`
	Invalid  int    `json:"invalid,omitempty"` // that are no policies
	LeftOut  int    `json:"leftOut,omitempty"`
	OK       bool   `json:"ok"`
}

// WriteJSON writes a line of JSON for each survivor, and one for the run.
func (m *Mutation) WriteJSON(w io.Writer) error {
	for _, s := range m.Survivors {
		file, line, column := m.suite.PolicyFile.Locate(s.Place)
		if err := writeLine(w, mutantLine{"mutant", file, line, column, s.Place, s.Broken}); err != nil {
			return err
		}
	}
	return writeLine(w, mutantsLine{"mutants", m.Path, m.Killed, len(m.Survivors), m.Invalid, m.LeftOut, len(m.Survivors) == 0})
}

func writeLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

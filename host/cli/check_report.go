package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/rulegate/rulegate/host/policyfile"
	"github.com/rulegate/rulegate/host/report"
	"github.com/rulegate/rulegate/rules/policy/lint"
)

// writeChecked writes findings for people, and a line about each policy.
func writeChecked(stdout, stderr *report.PlainWriter, all []*checked) error {
	faulty, warned := 0, 0
	for _, c := range all {
		for _, found := range c.findings {
			fmt.Fprintln(stderr, found.Text)
		}
		if c.faulty {
			faulty++
			prefix := ""
			if len(all) > 1 {
				prefix = c.path + ": "
			}
			fmt.Fprintf(stderr, "%s%s\n", prefix, counted(len(c.findings), "fault"))
			continue
		}
		warned += len(c.findings)
		fmt.Fprintf(stdout, "%s: %s, %s\n", c.path, counted(c.rules, "rule"), counted(len(c.findings), "warning"))
		if c.candidate != "" {
			fmt.Fprintf(stdout, "%s: its candidate has %s; rulegate diff %s %s finds requests that the two decide differently\n",
				c.path, counted(c.candidateRules, "rule"), c.path, c.candidate)
		}
		for _, name := range c.unset {
			fmt.Fprintf(stdout, "%s: %s\n", c.path, unset(name))
		}
	}
	if len(all) > 1 {
		fmt.Fprintf(stdout, "%d policies: %d with faults, %s\n", len(all), faulty, counted(warned, "warning"))
	}
	return stdout.Err
}

func unset(name string) string {
	return name + " is not set; values that contain it were not checked"
}

type findingJSON struct {
	Code    string       `json:"code"`
	Level   report.Level `json:"level"`
	Place   string       `json:"place,omitempty"`
	Message string       `json:"message"`
	File    string       `json:"file"`
	Line    int          `json:"line"`
	Column  int          `json:"column"`
}

type checkedJSON struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"` // no fault
	Rules    int           `json:"rules"`
	Findings []findingJSON `json:"findings"`
	Unset    []string      `json:"unset,omitempty"` // variables whose values were not checked
}

func writeCheckedJSON(w io.Writer, all []*checked) error {
	out := struct {
		Policies []checkedJSON `json:"policies"`
	}{}
	for _, c := range all {
		j := checkedJSON{File: c.path, OK: !c.faulty, Rules: c.rules, Findings: []findingJSON{}, Unset: c.unset}
		for _, found := range c.findings {
			j.Findings = append(j.Findings, findingJSON{
				found.Code, levelOf(found, false), found.Place, found.Message, found.File, found.Line, found.Column,
			})
		}
		out.Policies = append(out.Policies, j)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// levelOf is the level of a finding: strict makes warnings errors.
func levelOf(f policyfile.Finding, strict bool) report.Level {
	if strict || f.Code == policyfile.FaultCode {
		return report.Error
	}
	return report.Warning
}

// checkCases are checked policies in the form of package report.
func checkCases(all []*checked, strict bool) (cases []report.Case) {
	for _, c := range all {
		rc := report.Case{Suite: c.path, Name: "check"}
		for _, found := range c.findings {
			message := found.Message
			if found.Place != "" {
				message = found.Place + ": " + message
			}
			rc.Findings = append(rc.Findings, report.Finding{
				Code: found.Code, Level: levelOf(found, strict), Message: message, File: found.File, Line: found.Line, Column: found.Column,
			})
		}
		for _, name := range c.unset {
			rc.Findings = append(rc.Findings, report.Finding{Code: "unset", Level: report.Note, Message: unset(name), File: c.path})
		}
		cases = append(cases, rc)
	}
	return cases
}

// checkCodes explain the codes of findings.
func checkCodes() map[string]string {
	about := map[string]string{
		policyfile.FaultCode: "The policy is not loaded because of this fault.",
		"unset":              "A variable is not set, so values that contain it were not checked.",
	}
	for _, code := range lint.Codes() {
		about[code], _ = lint.Explain(code)
	}
	return about
}

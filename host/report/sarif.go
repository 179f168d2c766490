package report

import (
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// The parts of SARIF 2.1.0 (OASIS) that the log has.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Columns string        `json:"columnKind"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	URI     string      `json:"informationUri"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
	Full  sarifText `json:"fullDescription"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	Rule      string          `json:"ruleId"`
	Index     int             `json:"ruleIndex"`
	Level     Level           `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

const (
	sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"
	home        = "https://github.com/rulegate/rulegate"
)

// SARIF writes findings as a SARIF log. About explains the codes of findings.
func SARIF(w io.Writer, version string, findings []Finding, about map[string]string) error {
	if version = strings.TrimPrefix(version, "v"); version == "" || version[0] < '0' || version[0] > '9' {
		version = "" // SARIF wants a number first
	}
	run := sarifRun{
		Tool:    sarifTool{sarifDriver{Name: "rulegate", URI: home, Version: version, Rules: []sarifRule{}}},
		Columns: "unicodeCodePoints", Results: []sarifResult{},
	}
	codes := map[string]bool{}
	for _, f := range findings {
		codes[f.Code] = true
	}
	sorted := slices.Sorted(maps.Keys(codes))
	for _, code := range sorted {
		text := about[code]
		if text == "" {
			text = code
		}
		short := sentence(text)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{code, sarifText{short}, sarifText{text}})
	}
	for _, f := range findings {
		text := f.Message
		if f.Detail != "" {
			text += "\n" + f.Detail
		}
		at := sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: uri(f.File)}).EscapedPath()}}
		at.Region = sarifRegion{max(f.Line, 1), f.Column}
		index, _ := slices.BinarySearch(sorted, f.Code)
		run.Results = append(run.Results, sarifResult{f.Code, index, f.Level, sarifText{text}, []sarifLocation{{at}}})
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

// sentence is the first sentence of a text, in one line.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if first, _, more := strings.Cut(text, ". "); more {
		return first + "."
	}
	return text
}

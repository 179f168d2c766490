package comparison

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// The names of the files that the benchmark and the test write.
const (
	figuresFile = "figures.json"
	pageFile    = "COMPARISON.md"
)

// Figures are what the benchmark measured.
type Figures struct {
	Machine  string
	Policies map[string]map[string]Figure // by policy and form
}

// Figure is the CPU time of a request, in microseconds.
type Figure struct {
	Envoy  float64 // of Envoy
	Server float64 `json:",omitempty"` // of the process that Envoy asks
	// Times is the time of both over that of rulegate, in the same rounds.
	Times float64
}

//go:embed page.tmpl
var pageTemplate string

// Page makes COMPARISON.md of the folder's files.
func (c *Comparison) Page(dir string) (string, error) {
	p := &page{Comparison: c, Forms: Forms}
	text, err := os.ReadFile(filepath.Join(dir, figuresFile))
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &p.Figures); err != nil {
		return "", fmt.Errorf("%s: %w", figuresFile, err)
	}
	for _, x := range c.Policies {
		text, err := os.ReadFile(filepath.Join(dir, x.Name, outcomesFile))
		if err != nil {
			return "", err
		}
		p.outcomes = append(p.outcomes, ParseOutcomes(string(text)))
	}
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, p)
	return strings.TrimRight(b.String(), "\n") + "\n", err
}

// WriteFigures writes the figures, and the page again.
func WriteFigures(dir string, f Figures) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, figuresFile), append(text, '\n'), 0o644); err != nil {
		return err
	}
	c, err := Load(dir)
	if err != nil {
		return err
	}
	out, err := c.Page(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pageFile), []byte(out), 0o644)
}

// page has the methods of the template.
type page struct {
	*Comparison
	Forms    []Form
	Figures  Figures
	outcomes []Outcomes
}

func table(head []string, rows [][]string) string {
	var b strings.Builder
	for i, row := range append([][]string{head}, rows...) {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
		}
	}
	return b.String()
}

func (p *page) head(first ...string) []string {
	for _, f := range Forms {
		first = append(first, f.Title)
	}
	return first
}

// Anchor is the anchor of a policy's section.
func (p *page) Anchor(x *Policy) string { return anchor(x.Title) }

// Lines is the table of the lines of all policies.
func (p *page) Lines() string {
	var rows [][]string
	for _, x := range p.Policies {
		row, least := []string{"[" + x.Title + "](#" + p.Anchor(x) + ")"}, 1<<30
		for _, f := range Forms {
			if n := x.LinesOf(f.Name); n > 0 {
				least = min(least, n)
			}
		}
		for _, f := range Forms {
			switch n := x.LinesOf(f.Name); n {
			case 0:
				row = append(row, "cannot")
			case least:
				row = append(row, fmt.Sprintf("**%d**", n))
			default:
				row = append(row, fmt.Sprint(n))
			}
		}
		rows = append(rows, row)
	}
	row := []string{"once for all"}
	for _, f := range Forms {
		n := 0
		for file := range p.shared(f.Name) {
			n += Lines(p.Shared[file])
		}
		row = append(row, fmt.Sprint(n))
	}
	return table(p.head(""), append(rows, row))
}

// shared are the shared files that the policies of a form are written with.
func (p *page) shared(form string) map[string]bool {
	files := map[string]bool{}
	for _, x := range p.Policies {
		if _, ok := x.Texts[form]; ok {
			for _, file := range x.parts(form) {
				files[file] = true
			}
		}
	}
	return files
}

// Wrong is the table of the requests that the forms decided wrongly.
func (p *page) Wrong() string {
	var rows [][]string
	for i, x := range p.Policies {
		row := []string{x.Title, fmt.Sprint(len(p.outcomes[i].Rows))}
		for j := range Forms {
			open, other, unsaid := 0, 0, false
			for _, r := range p.outcomes[i].Rows {
				switch cell := r[j+2]; {
				case cell == cannot:
					unsaid = true
				case strings.HasPrefix(cell, "OPEN"):
					open++
				case strings.HasPrefix(cell, "shut"), strings.HasPrefix(cell, "changed"):
					other++
				}
			}
			switch {
			case unsaid:
				row = append(row, "cannot")
			case open > 0 && other > 0:
				row = append(row, fmt.Sprintf("**%d open**, %d changed", open, other))
			case open > 0:
				row = append(row, fmt.Sprintf("**%d open**", open))
			case other > 0:
				row = append(row, fmt.Sprintf("%d changed", other))
			default:
				row = append(row, "0")
			}
		}
		rows = append(rows, row)
	}
	return table(p.head("", "requests"), rows)
}

// CPU is the table of the figures.
func (p *page) CPU() string {
	var rows [][]string
	for _, x := range p.Policies {
		row := []string{x.Title}
		for _, f := range Forms {
			figure, ok := p.Figures.Policies[x.Name][f.Name]
			switch {
			case !ok:
				row = append(row, "")
			case figure.Server > 0:
				row = append(row, fmt.Sprintf("%.0f + %.0f µs · %.2f", figure.Envoy, figure.Server, figure.Times))
			default:
				row = append(row, fmt.Sprintf("%.0f µs · %.2f", figure.Envoy, figure.Times))
			}
		}
		rows = append(rows, row)
	}
	return table(p.head(""), rows)
}

// Outcomes is the table of a policy, without the requests that all forms decide as the
// policy says.
func (p *page) Outcomes(x *Policy) string {
	all := p.outcomes[slices.Index(p.Policies, x)]
	var rows [][]string
	alike := 0
	for _, r := range all.Rows {
		if !slices.ContainsFunc(r[2:], wrongCell) {
			alike++
			continue
		}
		row := slices.Clone(r)
		for i, cell := range row[2:] {
			if wrongCell(cell) {
				row[i+2] = "**" + cell + "**"
			}
		}
		rows = append(rows, row)
	}
	note := fmt.Sprintf("All forms decide %d of %d requests as the policy says ([all outcomes](%s/%s)).", alike, len(all.Rows), x.Name, outcomesFile)
	if len(rows) == 0 {
		return note + "\n"
	}
	return note + " The others:\n\n" + table(p.head("", "wanted"), rows)
}

func wrongCell(cell string) bool {
	return strings.HasPrefix(cell, "OPEN") || strings.HasPrefix(cell, "shut") || strings.HasPrefix(cell, "changed")
}

// Cannot lists why forms cannot say a policy.
func (p *page) Cannot(x *Policy) string {
	var b strings.Builder
	for _, f := range Forms {
		if r, ok := x.Cannot[f.Name]; ok {
			fmt.Fprintf(&b, "- **%s** cannot: %s ([its documentation](%s))\n", f.Title, r.Why, r.Source)
		}
	}
	return b.String()
}

// Texts are the forms of a policy, each in a block that is folded.
func (p *page) Texts(x *Policy) string {
	var b strings.Builder
	for _, f := range Forms {
		text, ok := x.Texts[f.Name]
		if !ok {
			continue
		}
		b.WriteString(folded(fmt.Sprintf("%s, %d lines", f.Title, x.LinesOf(f.Name)), f.Lang, text))
	}
	if x.Filters != "" {
		b.WriteString(folded("The filter behind all of them but the first", "yaml", x.Filters))
	}
	return b.String()
}

// SharedTexts are the files that all policies share.
func (p *page) SharedTexts() string {
	var b strings.Builder
	for _, file := range []string{"envoy.yaml", "ext_authz.yaml", "opa.rego", "filter.lua", "authorino.yaml", "rulegate.yaml"} {
		lang := map[string]string{".rego": "rego", ".lua": "lua", ".yaml": "yaml"}[filepath.Ext(file)]
		b.WriteString(folded(file, lang, p.Shared[file]))
	}
	return b.String()
}

func folded(title, lang, text string) string {
	return fmt.Sprintf("<details><summary>%s</summary>\n\n```%s not-run: envoy/comparison runs it\n%s```\n\n</details>\n\n", title, lang, text)
}

// anchor is the anchor that Markdown makes of a heading.
func anchor(title string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(title) {
		switch {
		case c == ' ':
			b.WriteByte('-')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-':
			b.WriteRune(c)
		}
	}
	return b.String()
}

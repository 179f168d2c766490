package comparison

import (
	"strings"
	"unicode/utf8"
)

const outcomesFile = "outcomes.txt"

// Cells of forms that a request was not sent to.
const (
	cannot   = "-"         // the form cannot say the policy
	notAsked = "asks none" // there is no server that could have ended
)

// Outcomes are the rows of a policy's table: the request, what the policy says, and what
// became of it in each form.
type Outcomes struct{ Rows [][]string }

// String is the table as the file has it: columns are separated by two spaces.
func (o Outcomes) String() string {
	head := []string{"request", "wanted"}
	for _, f := range Forms {
		head = append(head, f.Name)
	}
	all := append([][]string{head}, o.Rows...)
	width := make([]int, len(head))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// ParseOutcomes reads what String wrote.
func ParseOutcomes(text string) (o Outcomes) {
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var row []string
		for cell := range strings.SplitSeq(line, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				row = append(row, cell)
			}
		}
		if i > 0 {
			o.Rows = append(o.Rows, row)
		}
	}
	return o
}

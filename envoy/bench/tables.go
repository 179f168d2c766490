package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func duration(ns float64) time.Duration { return time.Duration(ns) }

// table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---"
	}
	b.WriteString("|" + strings.Join(rule, "|") + "|\n")
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// text pads the cells for a terminal.
func (t *table) text() string {
	width := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, r := range all {
		for i, cell := range r {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, r := range all {
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// table returns the table of a work. A column without a value is left out.
func (r *result) table() *table {
	helper := slices.ContainsFunc(r.Rows, func(x row) bool { return x.Helper > 0 })
	refused := slices.ContainsFunc(r.Rows, func(x row) bool { return x.Refused > 0 })
	t := &table{}
	if r.Per != "" {
		t.head = append(t.head, r.Per)
	}
	t.head = append(t.head, "", "Envoy's CPU, µs")
	if helper {
		t.head = append(t.head, "the other process's CPU, µs")
	}
	for _, b := range r.Bases {
		t.head = append(t.head, "CPU × "+b)
	}
	t.head = append(t.head, "requests/s", "p50, ms", "p99, ms")
	if refused {
		t.head = append(t.head, "refused")
	}
	for _, x := range r.Rows {
		var cells []string
		if r.Per != "" {
			cells = append(cells, x.At)
		}
		cells = append(cells, x.Contender, micros(x.CPU))
		if helper {
			cells = append(cells, micros(x.Helper))
		}
		for _, b := range r.Bases {
			cells = append(cells, ratio(x.CPUTo[b]))
		}
		if x.Requests == 0 {
			cells = append(cells, "no answer", "", "")
		} else {
			cells = append(cells, fmt.Sprintf("%.0f", x.Rate), milliseconds(x.P50), milliseconds(x.P99))
		}
		if refused {
			cells = append(cells, fmt.Sprint(x.Refused))
		}
		t.add(cells...)
	}
	return t
}

func ratio(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }

// starts returns the table of starts and memory.
func (r *report) startTable() *table {
	t := &table{head: []string{"workers", "", "ready after, s", "CPU until then, s", "memory idle, MB", "after load, MB"}}
	for _, s := range r.Starts {
		t.add(fmt.Sprint(s.Workers), s.Contender, fmt.Sprintf("%.2f", s.Ready), fmt.Sprintf("%.2f", s.CPU), fmt.Sprintf("%.0f", s.Idle), fmt.Sprintf("%.0f", s.Loaded))
	}
	return t
}

// sections returns the text of each section of the document, by name.
func (r *report) sections() map[string]string {
	out := map[string]string{"machine": r.Machine.String()}
	for i := range r.Works {
		out[r.Works[i].Name] = r.Works[i].table().String()
	}
	if len(r.Starts) > 0 {
		out["start"] = r.startTable().String()
	}
	if len(r.Sizes) > 0 {
		out["sizes"] = r.sizeTable().String()
	}
	if len(r.Targets) > 0 {
		out["targets"] = r.targetTable().String()
	}
	out["fleet"] = "One of the figures was not measured: see the tables above.\n"
	if r.Fleet != nil {
		out["fleet"] = r.Fleet.String()
	}
	return out
}

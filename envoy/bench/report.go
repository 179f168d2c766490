package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// report is the result of a run; it is written as JSON.
type report struct {
	Machine machine   `json:"machine"`
	Works   []result  `json:"works"`
	Starts  []startup `json:"starts,omitempty"`
	Sizes   []size    `json:"sizes,omitempty"`
	Targets []target  `json:"targets,omitempty"`
	Fleet   *fleet    `json:"fleet,omitempty"`
}

// result has the rows of a work.
type result struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Per   string   `json:"per,omitempty"`
	Bases []string `json:"bases"`
	Rows  []row    `json:"rows"`
}

// row is a contender: the medians of its rounds.
type row struct {
	Contender string `json:"contender"`
	At        string `json:"at,omitempty"`
	sample
	// CPUTo and RateTo are ratios to other contenders: the medians of the ratios
	// within each round.
	CPUTo  map[string]float64 `json:"cpuTo,omitempty"`
	RateTo map[string]float64 `json:"rateTo,omitempty"`
	Rounds []sample           `json:"rounds"`
}

func newResult(w *work, samples [][]sample) result {
	out := result{Name: w.name, Title: w.title, Per: w.per, Bases: w.bases}
	for i, c := range w.contenders {
		r := row{Contender: c.name, At: c.at, sample: medians(samples[i]), Rounds: samples[i], CPUTo: map[string]float64{}, RateTo: map[string]float64{}}
		for _, base := range w.bases {
			j := slices.IndexFunc(w.contenders, func(b contender) bool { return b.name == base && b.at == c.at })
			if j < 0 {
				continue
			}
			r.CPUTo[base] = median(ratios(samples[i], samples[j], func(s sample) float64 { return s.CPU }))
			r.RateTo[base] = median(ratios(samples[i], samples[j], func(s sample) float64 { return s.Rate }))
		}
		out.Rows = append(out.Rows, r)
	}
	return out
}

// medians leaves out rounds without an answer.
func medians(rounds []sample) (s sample) {
	of := func(f func(sample) float64) float64 {
		var list []float64
		for _, r := range rounds {
			if r.Requests > 0 {
				list = append(list, f(r))
			}
		}
		return median(list)
	}
	for _, r := range rounds {
		s.Requests += r.Requests
		s.Refused += r.Refused
	}
	s.CPU = of(func(s sample) float64 { return s.CPU })
	s.Helper = of(func(s sample) float64 { return s.Helper })
	s.Rate = of(func(s sample) float64 { return s.Rate })
	s.P50 = duration(of(func(s sample) float64 { return float64(s.P50) }))
	s.P99 = duration(of(func(s sample) float64 { return float64(s.P99) }))
	return s
}

func ratios(of, to []sample, f func(sample) float64) []float64 {
	var out []float64
	for i := range of {
		if f(of[i]) > 0 && f(to[i]) > 0 {
			out = append(out, f(of[i])/f(to[i]))
		}
	}
	return out
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	switch n := len(list); {
	case n == 0:
		return 0
	case n%2 == 1:
		return list[n/2]
	default:
		return (list[n/2-1] + list[n/2]) / 2
	}
}

// find returns a row of a work, or nil where it was not measured.
func (r *report) find(work, contender, at string) *row {
	for i := range r.Works {
		if r.Works[i].Name != work {
			continue
		}
		for j := range r.Works[i].Rows {
			if row := &r.Works[i].Rows[j]; row.Contender == contender && row.At == at {
				return row
			}
		}
	}
	return nil
}

// start returns a start, or nil where it was not measured.
func (r *report) start(contender string, workers int) *startup {
	for i := range r.Starts {
		if s := &r.Starts[i]; s.Contender == contender && s.Workers == workers {
			return s
		}
	}
	return nil
}

// write writes benchmarks.json and benchmarks.svg into a folder.
func (r *report) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "benchmarks.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	chart := r.chart()
	if chart == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "benchmarks.svg"), []byte(chart), 0o644)
}

// micros writes a number of microseconds with about three digits.
func micros(v float64) string {
	switch {
	case v == 0:
		return ""
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

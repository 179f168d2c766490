package main

import (
	"fmt"
	"html"
	"strings"
)

// bar is one line of the chart. The second part is the CPU time of the process that
// Envoy asks.
type bar struct {
	name          string
	first, second float64
	ours          bool
}

type group struct {
	title string
	bars  []bar
}

// chart returns an SVG with Envoy's CPU time of a request, for the works that people
// ask about first; "" if none of them was measured.
func (r *report) chart() string {
	var groups []group
	for _, g := range []struct{ work, at string }{
		{"warm", ""}, {"cold", "RS256"}, {"force", ""}, {"mask", "10 KB"}, {"query", "100"},
	} {
		for i := range r.Works {
			if w := &r.Works[i]; w.Name == g.work {
				groups = append(groups, w.group(g.at))
			}
		}
	}
	if len(groups) == 0 {
		return ""
	}
	return draw(groups)
}

func (r *result) group(at string) group {
	g := group{title: r.Title}
	if at != "" {
		g.title += ", " + at
		if r.Name == "query" {
			g.title += " clients"
		}
	}
	for _, x := range r.Rows {
		if x.At == at {
			g.bars = append(g.bars, bar{x.Contender, x.CPU, x.Helper, strings.HasPrefix(x.Contender, ours)})
		}
	}
	return g
}

const (
	chartWidth = 950 // with room for a text after the longest bar
	labelWidth = 280
	barWidth   = 400
	lineHeight = 20
)

func draw(groups []group) string {
	var b strings.Builder
	y := 24
	write := func(x int, style, text string) {
		fmt.Fprintf(&b, `<text x="%d" y="%d" class="%s">%s</text>`+"\n", x, y, style, html.EscapeString(text))
	}
	write(10, "title", "CPU time of a request, in µs")
	y += 6
	for _, g := range groups {
		y += 28
		write(10, "group", g.title)
		most := 0.0
		for _, x := range g.bars {
			most = max(most, x.first+x.second)
		}
		for _, x := range g.bars {
			y += lineHeight
			write(20, "label", x.name)
			first, second := int(x.first/most*barWidth), int(x.second/most*barWidth)
			kind := "other"
			if x.ours {
				kind = "ours"
			}
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="13" class="%s"/>`+"\n", labelWidth, y-11, max(first, 1), kind)
			text := micros(x.first)
			if second > 0 {
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="13" class="helper"/>`+"\n", labelWidth+first, y-11, second)
				text += " + " + micros(x.second) + " of the process that Envoy asks"
			}
			write(labelWidth+first+second+6, "label", text)
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="CPU time of a request by contender">
<style>
text { font-family: sans-serif; font-size: 12px; fill: #24292f }
.title { font-size: 15px; font-weight: bold }
.group { font-weight: bold }
.ours { fill: #f0883e } .other { fill: #8cb4e0 } .helper { fill: #d0d7de }
</style>
<rect width="100%%" height="100%%" fill="#ffffff"/>
%s</svg>
`, chartWidth, y+16, b.String())
}

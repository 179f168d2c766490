package lsp

import (
	"strings"
	"unicode/utf16"

	"github.com/rulegate/rulegate/host/assist"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// lines is a text, for positions: those of LSP count UTF-16 code units, from 0.
type lines []string

func linesOf(text string) lines { return strings.Split(text, "\n") }

func (l lines) at(p protocol.Position) assist.Position {
	out := assist.Position{Line: int(p.Line) + 1, Column: 1}
	if int(p.Line) >= len(l) {
		return out
	}
	units := 0
	for _, r := range l[p.Line] {
		if units >= int(p.Character) {
			break
		}
		units += utf16.RuneLen(r)
		out.Column++
	}
	return out
}

func (l lines) position(p assist.Position) protocol.Position {
	out := protocol.Position{Line: protocol.UInteger(max(p.Line-1, 0))}
	if int(out.Line) >= len(l) {
		return out
	}
	column := 1
	for _, r := range l[out.Line] {
		if column >= p.Column {
			break
		}
		out.Character += protocol.UInteger(utf16.RuneLen(r))
		column++
	}
	return out
}

func (l lines) span(r assist.Range) protocol.Range {
	return protocol.Range{Start: l.position(r.Start), End: l.position(r.End)}
}

func (l lines) edits(edits []assist.Edit) (out []protocol.TextEdit) {
	for _, e := range edits {
		out = append(out, protocol.TextEdit{Range: l.span(e.Range), NewText: e.Text})
	}
	return out
}

// whole is the range of the whole text.
func (l lines) whole() protocol.Range {
	last := len(l) - 1
	return protocol.Range{End: l.position(assist.Position{Line: last + 1, Column: len([]rune(l[last])) + 1})}
}

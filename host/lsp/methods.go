package lsp

import (
	"fmt"
	"os"

	"github.com/rulegate/rulegate/host/assist"
	"github.com/tliron/glsp"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// methods are the requests and notifications that the server answers.
func (s *Server) methods() protocol.Handler {
	return protocol.Handler{
		Initialize:  s.initialize,
		Initialized: func(*glsp.Context, *protocol.InitializedParams) error { return nil },
		Shutdown: func(*glsp.Context) error {
			s.stopped = true
			return nil
		},
		SetTrace:                       func(*glsp.Context, *protocol.SetTraceParams) error { return nil },
		CancelRequest:                  func(*glsp.Context, *protocol.CancelParams) error { return nil }, // answers are quick
		WorkspaceDidChangeWatchedFiles: func(*glsp.Context, *protocol.DidChangeWatchedFilesParams) error { s.checker.change(); return nil },
		WorkspaceDidChangeConfiguration: func(*glsp.Context, *protocol.DidChangeConfigurationParams) error {
			return nil // there is none
		},
		WorkspaceExecuteCommand: s.execute,

		TextDocumentDidOpen:   s.didOpen,
		TextDocumentDidChange: s.didChange,
		TextDocumentDidClose:  s.didClose,
		TextDocumentDidSave:   func(*glsp.Context, *protocol.DidSaveTextDocumentParams) error { s.checker.change(); return nil },

		TextDocumentCompletion: s.completion,
		TextDocumentHover:      s.hover,
		TextDocumentDefinition: s.definition,
		TextDocumentReferences: s.references,
		TextDocumentCodeAction: s.codeAction,
		TextDocumentCodeLens:   s.codeLens,
		TextDocumentFormatting: s.formatting,
	}
}

func (s *Server) initialize(_ *glsp.Context, _ *protocol.InitializeParams) (any, error) {
	c := s.handler.CreateServerCapabilities()
	c.TextDocumentSync = protocol.TextDocumentSyncOptions{
		OpenClose: &protocol.True, Change: ptr(protocol.TextDocumentSyncKindFull), Save: &protocol.True,
	}
	c.CompletionProvider = &protocol.CompletionOptions{TriggerCharacters: []string{".", ":", " ", "{", "[", ",", `"`}}
	c.ExecuteCommandProvider = &protocol.ExecuteCommandOptions{Commands: []string{testCommand}}
	c.CodeActionProvider = &protocol.CodeActionOptions{CodeActionKinds: []protocol.CodeActionKind{protocol.CodeActionKindQuickFix}}
	return protocol.InitializeResult{
		Capabilities: c,
		ServerInfo:   &protocol.InitializeResultServerInfo{Name: "rulegate", Version: &s.version},
	}, nil
}

func ptr[T any](v T) *T { return &v }

func (s *Server) didOpen(_ *glsp.Context, p *protocol.DidOpenTextDocumentParams) error {
	s.open.set(pathOf(p.TextDocument.URI), document{p.TextDocument.Text, protocol.UInteger(p.TextDocument.Version)})
	s.checker.change()
	return nil
}

func (s *Server) didChange(_ *glsp.Context, p *protocol.DidChangeTextDocumentParams) error {
	path := pathOf(p.TextDocument.URI)
	for _, change := range p.ContentChanges {
		whole, ok := change.(protocol.TextDocumentContentChangeEventWhole)
		if !ok {
			return fmt.Errorf("want the whole text of a change, as the server has said")
		}
		s.open.set(path, document{whole.Text, protocol.UInteger(p.TextDocument.Version)})
	}
	s.checker.forget(path)
	s.checker.change()
	return nil
}

func (s *Server) didClose(_ *glsp.Context, p *protocol.DidCloseTextDocumentParams) error {
	s.open.close(pathOf(p.TextDocument.URI))
	s.checker.change()
	return nil
}

func (s *Server) completion(_ *glsp.Context, p *protocol.CompletionParams) (any, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	items := []protocol.CompletionItem{}
	for i, x := range d.Complete(l.at(p.Position), s.open.related(d)...) {
		items = append(items, itemOf(x, l, i))
	}
	return items, nil
}

var itemKinds = map[assist.ItemKind]protocol.CompletionItemKind{
	assist.KeyItem: protocol.CompletionItemKindProperty, assist.WordItem: protocol.CompletionItemKindValue,
	assist.ReferenceItem: protocol.CompletionItemKindVariable, assist.RuleItem: protocol.CompletionItemKindSnippet,
}

func itemOf(x assist.Item, l lines, order int) protocol.CompletionItem {
	format := protocol.InsertTextFormatPlainText
	if x.Snippet {
		format = protocol.InsertTextFormatSnippet
	}
	out := protocol.CompletionItem{
		Label: x.Label, Kind: ptr(itemKinds[x.Kind]), InsertTextFormat: &format,
		SortText: ptr(fmt.Sprintf("%04d", order)), FilterText: ptr(x.Filter),
		TextEdit: protocol.TextEdit{Range: l.span(x.Edit.Range), NewText: x.Edit.Text},
	}
	if x.Detail != "" {
		out.Detail = &x.Detail
	}
	if x.About != "" {
		out.Documentation = protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: x.About}
	}
	return out
}

func (s *Server) hover(_ *glsp.Context, p *protocol.HoverParams) (*protocol.Hover, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	t, ok := d.Hover(l.at(p.Position))
	if !ok {
		return nil, nil
	}
	return &protocol.Hover{
		Contents: protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: t.Markdown},
		Range:    ptr(l.span(t.Range)),
	}, nil
}

func (s *Server) definition(_ *glsp.Context, p *protocol.DefinitionParams) (any, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	return s.locations(d.Definition(l.at(p.Position), s.open.related(d)...)), nil
}

func (s *Server) references(_ *glsp.Context, p *protocol.ReferenceParams) ([]protocol.Location, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	at, others := l.at(p.Position), s.open.related(d)
	if p.Context.IncludeDeclaration {
		return s.locations(append(d.Definition(at, others...), d.Uses(at, others...)...)), nil
	}
	return s.locations(d.Uses(at, others...)), nil
}

func (s *Server) locations(found []assist.Location) []protocol.Location {
	out := []protocol.Location{}
	for _, x := range found {
		data, _ := s.open.Read(x.Path, maxFile)
		out = append(out, protocol.Location{URI: uriOf(x.Path), Range: linesOf(string(data)).span(x.Range)})
	}
	return out
}

func (s *Server) codeAction(_ *glsp.Context, p *protocol.CodeActionParams) (any, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	from, to := l.at(p.Range.Start), l.at(p.Range.End)
	actions := []protocol.CodeAction{}
	for _, x := range s.checker.fixesAt(d.Path, func(r assist.Range) bool { return from.Line <= r.End.Line && to.Line >= r.Start.Line }) {
		for _, fix := range x.Fixes {
			actions = append(actions, protocol.CodeAction{
				Title: fix.Title, Kind: ptr(protocol.CodeActionKindQuickFix), IsPreferred: ptr(x.Severity == assist.Error),
				Diagnostics: []protocol.Diagnostic{diagnosticOf(x, l)},
				Edit:        &protocol.WorkspaceEdit{Changes: map[protocol.DocumentUri][]protocol.TextEdit{p.TextDocument.URI: l.edits(fix.Edits)}},
			})
		}
	}
	return actions, nil
}

func (s *Server) formatting(_ *glsp.Context, p *protocol.DocumentFormattingParams) ([]protocol.TextEdit, error) {
	d, l, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	text := d.Format()
	if text == d.Text {
		return []protocol.TextEdit{}, nil
	}
	return []protocol.TextEdit{{Range: l.whole(), NewText: text}}, nil
}

// document returns a file, and its lines.
func (s *Server) document(uri protocol.DocumentUri) (assist.Document, lines, error) {
	d, err := s.open.document(uri)
	if os.IsNotExist(err) {
		err = fmt.Errorf("%s: no such file; open it first", d.Path)
	}
	return d, linesOf(d.Text), err
}

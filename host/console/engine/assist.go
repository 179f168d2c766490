package engine

import (
	"errors"

	"github.com/rulegate/rulegate/host/assist"
)

// document is the file of the question with the cursor.
func (q *Question) document() (assist.Document, assist.Position, error) {
	text, ok := q.Files[q.File]
	if !ok {
		return assist.Document{}, assist.Position{}, errors.New("no such file")
	}
	return assist.Document{Path: q.File, Text: text}, assist.Position{Line: q.Line, Column: q.Column}, nil
}

// complete lists the completions at the cursor.
func complete(q *Question) (any, error) {
	d, at, err := q.document()
	if err != nil {
		return nil, err
	}
	return struct {
		Items []assist.Item `json:"items"`
	}{d.Complete(at)}, nil
}

// hover explains the word at the cursor.
func hover(q *Question) (any, error) {
	d, at, err := q.document()
	if err != nil {
		return nil, err
	}
	text, ok := d.Hover(at)
	if !ok {
		return struct{}{}, nil
	}
	return struct {
		assist.Text
	}{text}, nil
}

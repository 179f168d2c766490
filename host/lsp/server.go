// Package lsp is the language server of policies, of files with tests and of files with
// statements (Language Server Protocol 3.16, over stdio). It translates: package assist
// knows the files.
//
//	editor ⇄ jsonrpc2 → protocol.Handler → Server → assist
//
// Requests are answered in their order. Files are checked beside them, once typing pauses.
package lsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/tliron/glsp"
	protocol "github.com/tliron/glsp/protocol_3_16"
)

// Server is one session with an editor.
type Server struct {
	version string
	handler protocol.Handler
	open    *open
	checker *checker
	stopped bool // the editor asked for a shutdown
}

// Serve talks to an editor until it exits, its connection ends, or ctx does.
//
// Errors: the editor went away without a shutdown.
func Serve(ctx context.Context, in io.ReadCloser, out io.Writer, version string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &Server{version: version, open: &open{texts: map[string]document{}}}
	s.checker = newChecker(s.open)
	s.handler = s.methods()
	stream := jsonrpc2.NewBufferedStream(pipe{in, out}, jsonrpc2.VSCodeObjectCodec{})
	conn := jsonrpc2.NewConn(ctx, stream, jsonrpc2.HandlerWithError(s.handle).SuppressErrClosed())
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		s.checker.run(ctx, func(p protocol.PublishDiagnosticsParams) {
			_ = conn.Notify(ctx, protocol.ServerTextDocumentPublishDiagnostics, p) // or the session has ended
		})
	}()
	select {
	case <-conn.DisconnectNotify():
	case <-ctx.Done():
		_ = conn.Close()
		<-conn.DisconnectNotify()
	}
	cancel()
	<-checked
	if !s.stopped {
		return errors.New("the editor has gone without a shutdown")
	}
	return nil
}

// pipe joins stdin and stdout.
type pipe struct {
	io.ReadCloser
	io.Writer
}

// handle answers a request. A panic is the answer's error: the session goes on.
func (s *Server) handle(ctx context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprintf("%s: %v; please report it with\n%s", r.Method, p, debug.Stack())}
		}
	}()
	if r.Method == protocol.MethodExit {
		return nil, conn.Close()
	}
	call := glsp.Context{Method: r.Method, Notify: func(method string, params any) { _ = conn.Notify(ctx, method, params) }}
	if r.Params != nil {
		call.Params = *r.Params
	}
	result, known, valid, err := s.handler.Handle(&call)
	switch {
	case s.stopped && r.Method != protocol.MethodShutdown:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: "the session is shut down"}
	case !known && r.Notif:
		return nil, nil // such as $/…
	case !known:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "no method " + r.Method}
	case !valid:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: fmt.Sprint(err)}
	case err != nil:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: err.Error()}
	}
	return result, nil
}

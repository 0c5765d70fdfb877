package lsp

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"dispatcher/flows"

	"github.com/creachadair/jrpc2"
)

// Error codes of the protocol.
const (
	codeNotInitialized jrpc2.Code = -32002
	codeCancelled      jrpc2.Code = -32800
	codeFailed         jrpc2.Code = -32803 // asked for rightly, but it cannot be done
)

// stage is how far the talk with the client has come.
type stage int

const (
	fresh stage = iota
	running
	stopping // shutdown was asked for
)

// server is the talk with one client.
type server struct {
	cfg   Config
	rpc   *jrpc2.Server
	atlas *flows.Atlas
	gone  chan struct{} // closed by exit

	mu        sync.Mutex
	stage     stage
	ended     bool
	units     encoding
	client    initializeParams
	projects  map[string]*project  // by folder
	documents map[string]*document // open ones, by URI
	edits     int
	outside   bool // it was said that files outside of projects are left alone
}

// document is one file that is open in the editor. What it points to is
// replaced, never changed.
type document struct {
	uri     string
	path    string // in its project, with /
	version int
	edit    int // counts all edits of all files
	text    *text
	project *project // nil for a file that belongs to none
}

// method answers one request, or takes one notification.
type method func(s *server, ctx context.Context, req *jrpc2.Request) (any, error)

// methods are all that the server knows.
func methods() map[string]method {
	return map[string]method{
		"initialize": taking((*server).initialize), "initialized": (*server).initialized,
		"shutdown": (*server).shutdown, "exit": (*server).exit,
		"$/cancelRequest":        taking((*server).cancel),
		"textDocument/didOpen":   taking((*server).didOpen),
		"textDocument/didChange": taking((*server).didChange),
		"textDocument/didClose":  taking((*server).didClose), "textDocument/didSave": taking((*server).didSave),
		"textDocument/completion":             taking((*server).completion),
		"textDocument/hover":                  taking((*server).hover),
		"textDocument/definition":             taking((*server).definition),
		"textDocument/declaration":            taking((*server).definition),
		"textDocument/references":             taking((*server).references),
		"textDocument/documentHighlight":      taking((*server).highlights),
		"textDocument/documentSymbol":         taking((*server).documentSymbols),
		"textDocument/prepareRename":          taking((*server).prepareRename),
		"textDocument/rename":                 taking((*server).rename),
		"textDocument/formatting":             taking((*server).formatting),
		"textDocument/codeAction":             taking((*server).codeActions),
		"workspace/executeCommand":            taking((*server).execute),
		"workspace/didChangeWatchedFiles":     taking((*server).didChangeWatchedFiles),
		"workspace/didChangeWorkspaceFolders": taking((*server).didChangeFolders),
	}
}

// taking reads the parameters of a method.
func taking[P any](f func(*server, context.Context, *P) (any, error)) method {
	return func(s *server, ctx context.Context, req *jrpc2.Request) (any, error) {
		p := new(P)
		if err := req.UnmarshalParams(p); err != nil {
			return nil, err
		}
		return f(s, ctx, p)
	}
}

// Assign gives the handler of a method. There always is one: also what is not
// known is answered as the protocol wants it.
func (s *server) Assign(_ context.Context, name string) jrpc2.Handler {
	known := methods()[name]
	return func(ctx context.Context, req *jrpc2.Request) (result any, err error) {
		defer func() {
			if trouble := recover(); trouble != nil {
				s.log(messageError, fmt.Sprintf("internal problem in %s; please report it: %v\n%s", name, trouble, debug.Stack()))
				result, err = nil, jrpc2.Errorf(jrpc2.InternalError, "internal problem in %s; please report it", name)
			}
		}()
		if err := s.allowed(name); err != nil {
			return nil, err
		}
		if known == nil {
			return nil, jrpc2.Errorf(jrpc2.MethodNotFound, "there is no method %q", name)
		}
		if ctx.Err() == nil {
			result, err = known(s, ctx, req)
		}
		if ctx.Err() != nil {
			return nil, jrpc2.Errorf(codeCancelled, "%s was cancelled", name)
		}
		if err != nil && req.IsNotification() {
			s.log(messageWarning, name+": "+err.Error())
		}
		return result, err
	}
}

// allowed says what may be asked in which stage.
func (s *server) allowed(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case name == "exit" || s.stage == running && name != "initialize" || s.stage == fresh && name == "initialize":
		return nil
	case s.stage == fresh:
		return jrpc2.Errorf(codeNotInitialized, "the first request must be initialize")
	case s.stage == running:
		return jrpc2.Errorf(jrpc2.InvalidRequest, "initialize was asked for already")
	}
	return jrpc2.Errorf(jrpc2.InvalidRequest, "the server is shutting down")
}

// log tells the client's log.
func (s *server) log(severity int, message string) {
	s.tell("window/logMessage", messageParams{severity, message})
}

// tell sends a notification. A client that is gone has nobody to tell.
func (s *server) tell(name string, params any) { _ = s.rpc.Notify(context.Background(), name, params) }

func (s *server) initialize(_ context.Context, p *initializeParams) (any, error) {
	s.mu.Lock()
	s.stage, s.client = running, *p
	for _, offered := range p.Capabilities.General.PositionEncodings {
		if e := encoding(offered); e == utf8Units || e == utf16Units || e == utf32Units {
			s.units = e
			break
		}
	}
	units := s.units
	s.mu.Unlock()
	type options map[string]any
	return options{
		"serverInfo": options{"name": "dispatcher", "version": s.cfg.Version},
		"capabilities": options{
			"positionEncoding":   units,
			"textDocumentSync":   options{"openClose": true, "change": 2, "save": true},
			"completionProvider": options{"triggerCharacters": []string{".", " ", "\"", "'", "(", "{", "["}},
			"hoverProvider":      true, "definitionProvider": true, "declarationProvider": true, "referencesProvider": true,
			"documentHighlightProvider": true, "documentSymbolProvider": true, "documentFormattingProvider": true,
			"renameProvider":         options{"prepareProvider": true},
			"codeActionProvider":     options{"codeActionKinds": []string{quickFix, fixAll + ".dispatcher"}},
			"executeCommandProvider": options{"commands": []string{explainCommand}},
			"workspace":              options{"workspaceFolders": options{"supported": true, "changeNotifications": true}},
		},
	}, nil
}

// initialized looks at the folders that are open, and asks to be told of
// changes on disk.
func (s *server) initialized(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	client := s.client
	s.mu.Unlock()
	folders := client.Folders
	if len(folders) == 0 && client.RootURI != "" {
		folders = []workspaceFolder{{URI: client.RootURI}}
	}
	if len(folders) == 0 && client.RootPath != "" {
		folders = []workspaceFolder{{URI: uriOf(client.RootPath)}}
	}
	s.openFolders(folders)
	if client.Capabilities.Workspace.DidChangeWatchedFiles.DynamicRegistration {
		go s.watchFiles()
	}
	return nil, nil
}

// watchFiles asks the client to tell what changes on disk.
func (s *server) watchFiles() {
	type object map[string]any
	glob := func(pattern string) object { return object{"globPattern": pattern} }
	_, err := s.rpc.Callback(context.Background(), "client/registerCapability", object{"registrations": []object{{
		"id": "files", "method": "workspace/didChangeWatchedFiles",
		"registerOptions": object{"watchers": []object{glob("**/dispatcher.yaml"), glob("**/dispatcher.yml"), glob("**/flows/**")}},
	}}})
	if err != nil && s.exitCode() != exitAsked {
		s.log(messageWarning, "files that other programs change are seen when they are saved or opened here: "+err.Error())
	}
}

func (s *server) shutdown(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stage = stopping
	return nil, nil
}

func (s *server) exit(context.Context, *jrpc2.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		close(s.gone)
	}
	return nil, nil
}

func (s *server) exitCode() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == stopping {
		return exitAsked
	}
	return exitUnasked
}

// cancel gives up on a request that is still worked on.
func (s *server) cancel(_ context.Context, p *cancelParams) (any, error) {
	s.rpc.CancelRequest(strings.TrimSpace(string(p.ID)))
	return nil, nil
}

// encoding is what client and server count columns in.
func (s *server) encoding() encoding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.units
}

// document is an open file of a project, false for any other.
func (s *server) document(uri string) (document, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.documents[uri]
	if d == nil || d.project == nil {
		return document{}, false
	}
	return *d, true
}

package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ringbook": main})
}

// TestScript runs the command line as people type it. Beside testscript's own
// commands there are
//
//	await FILE       wait until a background command has written FILE
//	field FILE KEY   set $KEY (last part, dots removed) to a value of a JSON document
//	freeport NAME    set $NAME to a free address on loopback
//
// and those of check_test.go.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d scripts, %v: they are not where they were", len(files), err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "field": field, "freeport": freePort,
			"tenant": tenant, "certificate": certificate, "states": states, "ready": ready, "ports": ports, "code": code,
		},
	})
}

// scriptPatience only keeps a broken script short.
const scriptPatience = 60 * time.Second

func await(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(scriptPatience); ; {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-end:
			ts.Fatalf("%s was never written", args[0])
		case <-tick.C:
		}
	}
}

func field(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for key := range strings.SplitSeq(args[1], ".") {
		m, ok := v.(map[string]any)
		if !ok {
			ts.Fatalf("there is no %s in %s", args[1], args[0])
		}
		v = m[key]
	}
	s, ok := v.(string)
	if !ok {
		ts.Fatalf("%s of %s is %v", args[1], args[0], v)
	}
	ts.Setenv(args[1][strings.LastIndex(args[1], ".")+1:], s)
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

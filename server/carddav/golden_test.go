package carddav_test

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the answers of this run into testdata")

// TestTranscripts replays what clients really send, and compares every answer
// with that in the file. A file is a txtar archive of "request" and "response"
// in turn; its comment says where the requests come from. A request has
// "Authorization: device" for the device's login; in a response the tags stand on
// lines of their own.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	if *update && os.Getenv("CI") != "" {
		t.Fatal("-update is for people, who look at the difference")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { replay(t, name) })
	}
}

func replay(t *testing.T, name string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, people(t))
	var out []txtar.File
	for _, f := range archive.Files {
		if f.Name == "response" {
			continue
		}
		out = append(out, f, txtar.File{Name: "response", Data: []byte(s.replay(string(f.Data)))})
	}
	if *update {
		archive.Files = out
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := txtar.Format(archive)
	got := txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: out})
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("(-file +answer)\n%s", d)
	}
}

// replay sends one request of a transcript and returns the answer as text.
func (s *site) replay(request string) string {
	s.tb.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	line, head, _ := strings.Cut(head, "\n")
	method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok {
		s.tb.Fatalf("request line %q", line)
	}
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		s.tb.Fatalf("header of %q: %v", line, err)
	}
	headers := []string{"Authorization: "}
	for k := range fields {
		if k == "Authorization" {
			headers = headers[1:] // the site's own
			continue
		}
		headers = append(headers, k+": "+fields.Get(k))
	}
	r := s.do(method, path, strings.TrimSuffix(body, "\n"), headers...)
	var b strings.Builder
	fmt.Fprintln(&b, r.status)
	for _, k := range slices.Sorted(maps.Keys(r.header)) {
		if k != "Date" {
			fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(r.header[k], ", "))
		}
	}
	if r.body != "" {
		shown := strings.ReplaceAll(r.body, "><", ">\n<")
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(strings.ReplaceAll(shown, "\r", `\r`), "\n"))
	}
	return b.String()
}

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A profile goes into a pipe or to /dev/stdout; it does not take their place.
func TestWritePrivate(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, err := os.ReadFile(pipe)
		if err != nil {
			t.Error(err)
		}
		read <- string(b)
	}()
	if err := writePrivate(pipe, []byte("profile")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("the pipe became %v, %v", info.Mode(), err)
	}
	if got := <-read; got != "profile" {
		t.Errorf("read %q", got)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("old and longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(file, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if b, readErr := os.ReadFile(file); err != nil || readErr != nil || string(b) != "new" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v", b, info.Mode())
	}
	if err := writePrivate(filepath.Join(dir, "nowhere", "file"), nil); err == nil {
		t.Error("written into a folder that is not there")
	}
}

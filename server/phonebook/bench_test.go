//go:build unix

package phonebook_test

import (
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"ringbook/server/phonebook"
)

// A sink is a phone that reads as fast as it can and keeps nothing.
type sink struct {
	header http.Header
	status int
	bytes  int64
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	return len(p), nil
}

// BenchmarkWhole: ten thousand people with two numbers each.
func BenchmarkWhole(b *testing.B) {
	r := newRig(b, many(b, 10_000))
	for _, name := range formNames {
		b.Run(name, func(b *testing.B) { r.run(b, name, "", http.StatusOK) })
	}
	b.Run("known", func(b *testing.B) {
		r.run(b, "yealink.xml", r.ask("yealink.xml", nil).Header().Get("ETag"), http.StatusNotModified)
	})
	b.Run("search", func(b *testing.B) { r.run(b, "yealink.xml?q=04711", "", http.StatusOK) })
}

// cpu returns what the process has used: a busy machine moves it less than the clock.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r *rig) run(b *testing.B, path, tag string, status int) {
	b.Helper()
	b.ReportAllocs()
	var last *sink
	begun := cpu(b)
	for b.Loop() {
		req := httptest.NewRequest(http.MethodGet, phonebook.Root+path, nil)
		req.SetBasicAuth("desk", "secret")
		req.Header.Set("If-None-Match", tag)
		last = &sink{header: make(http.Header)}
		r.ServeHTTP(last, req)
		r.log.Reset()
	}
	b.ReportMetric(float64((cpu(b)-begun).Nanoseconds())/float64(b.N), "cpu-ns/op")
	if last.status != status {
		b.Fatalf("status %d", last.status)
	}
	b.ReportMetric(float64(last.bytes), "body-bytes")
}

//go:build unix

package carddav_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/server/carddav"
)

// Benchmarks of DESIGN §9. They call the handler without a socket, which costs
// the same whoever answers; BenchmarkPreparedBytes is that floor by itself.

// cpu returns what the process has used: a busy machine moves it less than the clock.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loop measures do, with the processor time it takes.
func loop(b *testing.B, do func()) {
	b.Helper()
	do() // the first time fills the caches
	b.ReportAllocs()
	begun := cpu(b)
	for b.Loop() {
		do()
	}
	b.ReportMetric(float64((cpu(b)-begun).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func (h *bench) run(b *testing.B, method, body string) {
	b.Helper()
	var last *drain
	loop(b, func() {
		r := httptest.NewRequestWithContext(b.Context(), method, bookHref, strings.NewReader(body))
		r.SetBasicAuth("phone", "secret")
		r.Header.Set("Depth", "1")
		last = &drain{header: make(http.Header)}
		h.ServeHTTP(last, r)
		if last.status != http.StatusMultiStatus {
			b.Fatalf("status %d", last.status)
		}
	})
	b.ReportMetric(float64(last.n), "bytes/answer")
}

const pollBody = `<?xml version="1.0" encoding="UTF-8"?><A:propfind xmlns:A="DAV:"><A:prop><C:getctag xmlns:C="http://calendarserver.org/ns/"/><A:sync-token/></A:prop></A:propfind>`

func BenchmarkPollNothingNew(b *testing.B) {
	h := newBench(b, many(b, 10_000, 0))
	r := httptest.NewRequestWithContext(b.Context(), "PROPFIND", bookHref, strings.NewReader(pollBody))
	r.Header.Set("Depth", "0")
	r.SetBasicAuth("phone", "secret")
	loop(b, func() {
		r.Body = io.NopCloser(strings.NewReader(pollBody))
		w := &drain{header: make(http.Header)}
		if h.ServeHTTP(w, r); w.status != http.StatusMultiStatus {
			b.Fatal(w.status)
		}
	})
}

// The same poll over a socket, and beside it a bare server with the same bytes.
func BenchmarkPollOverSocket(b *testing.B) {
	h := newBench(b, many(b, 10_000, 0))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(b.Context(), "PROPFIND", bookHref, strings.NewReader(pollBody))
	r.SetBasicAuth("phone", "secret")
	r.Header.Set("Depth", "0")
	h.ServeHTTP(w, r)
	prepared := w.Body.Bytes()
	floor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = w.Write(prepared)
	})
	for name, handler := range map[string]http.Handler{"Ringbook": h, "PreparedBytes": floor} {
		b.Run(name, func(b *testing.B) {
			s := httptest.NewServer(handler)
			defer s.Close()
			client := s.Client()
			loop(b, func() {
				req, err := http.NewRequestWithContext(b.Context(), "PROPFIND", s.URL+bookHref, strings.NewReader(pollBody))
				if err != nil {
					b.Fatal(err)
				}
				req.SetBasicAuth("phone", "secret")
				req.Header.Set("Depth", "0")
				resp, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			})
		})
	}
}

// What a phone asks before it has found its book, as iOS does (T1): five requests.
func BenchmarkDiscovery(b *testing.B) {
	h := newBench(b, many(b, 10_000, 0))
	steps := []struct{ method, path, depth, body string }{
		{"PROPFIND", "/.well-known/carddav", "0", propfind("<current-user-principal/>")},
		{"PROPFIND", "/dav/", "0", propfind("<current-user-principal/><principal-URL/><resourcetype/>")},
		{"OPTIONS", "/dav/p/phone/", "", ""},
		{"PROPFIND", "/dav/p/phone/", "0", propfind("<c:addressbook-home-set/><displayname/><principal-collection-set/><principal-URL/><resource-id/><supported-report-set/>")},
		{"PROPFIND", "/dav/ab/phone/", "1", propfind("<current-user-privilege-set/><displayname/><c:max-resource-size/><owner/><resourcetype/><supported-report-set/><sync-token/>")},
	}
	loop(b, func() {
		for _, s := range steps {
			r := httptest.NewRequestWithContext(b.Context(), s.method, s.path, strings.NewReader(s.body))
			r.SetBasicAuth("phone", "secret")
			r.Header.Set("Depth", s.depth)
			w := &drain{header: make(http.Header)}
			if h.ServeHTTP(w, r); w.status >= http.StatusBadRequest {
				b.Fatal(w.status)
			}
		}
	})
}

func BenchmarkListing(b *testing.B) {
	for _, n := range []int{10_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			newBench(b, many(b, n, 0)).run(b, "PROPFIND", propfind("<getetag/><resourcetype/>"))
		})
	}
}

func BenchmarkMultiget100(b *testing.B) {
	for _, photo := range []int{0, 3000} {
		b.Run(fmt.Sprintf("photo=%d", photo), func(b *testing.B) {
			var list []string
			for i := range 100 {
				list = append(list, fmt.Sprintf("%s%08d-0000-4000-8000-000000000000.vcf", bookHref, i*7))
			}
			newBench(b, many(b, 1000, photo)).run(b, "REPORT", multiget("<getetag/><c:address-data/>", list...))
		})
	}
}

func BenchmarkFirstSync10000(b *testing.B) {
	newBench(b, many(b, 10_000, 3000)).run(b, "REPORT", syncReport("", "<getetag/><c:address-data/>", ""))
}

// With photos of 20 KB a first sync is bounded by copying bytes: beside it, the same
// photos are only written as cards have them.
func BenchmarkFirstSyncOfLargePhotos(b *testing.B) {
	const people, photo = 1000, 20_000
	h := newBench(b, many(b, people, photo))
	b.Run("Ringbook", func(b *testing.B) {
		b.SetBytes(people * photo * 4 / 3)
		h.run(b, "REPORT", syncReport("", "<getetag/><c:address-data/>", ""))
	})
	b.Run("Base64", func(b *testing.B) { // what the card has of a photo
		b.SetBytes(people * photo * 4 / 3)
		var room []byte
		loop(b, func() {
			for _, jpeg := range h.shelf.photos {
				room = base64.StdEncoding.AppendEncode(room[:0], jpeg)
			}
		})
	})
}

func BenchmarkTenChanged(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := many(b, n, 0)
			h := newBench(b, s)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(b.Context(), "PROPFIND", bookHref, strings.NewReader(propfind("<sync-token/>")))
			r.SetBasicAuth("phone", "secret")
			r.Header.Set("Depth", "0")
			h.ServeHTTP(w, r)
			token := regexp.MustCompile(`<d:sync-token>([^<]*)<`).FindSubmatch(w.Body.Bytes())[1]
			var changed []directory.Contact
			for i, c := range crowd(s, 10, 0) {
				c.ID = directory.ContactID(fmt.Sprintf("%08d-0000-4000-8000-000000000000", i*37))
				c.JobTitle = "Boss"
				changed = append(changed, c)
			}
			s.apply(changed)
			h.run(b, "REPORT", syncReport(string(bytes.Clone(token)), "<getetag/><c:address-data/>", ""))
		})
	}
}

// 100 phones sync for the first time at once, each its own device, in gzip as
// phones ask for it.
func BenchmarkHundredPhones(b *testing.B) {
	const phones, cards = 100, 2000
	s := many(b, cards, 3000)
	var devices []directory.Device
	for i := range phones {
		d := phone()
		d.ID, d.Login = directory.DeviceID(fmt.Sprint("d", i)), directory.Login(fmt.Sprint("phone", i))
		devices = append(devices, d)
	}
	h := carddav.New(carddav.Options{Directory: s, Auth: newGatekeeper(devices...)})
	body := syncReport("", "<getetag/><c:address-data/>", "")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := cpu(b)
	for b.Loop() {
		var wg sync.WaitGroup
		for _, d := range devices {
			wg.Go(func() {
				r := httptest.NewRequestWithContext(b.Context(), "REPORT", "/dav/ab/"+string(d.Login)+"/people/", strings.NewReader(body))
				r.SetBasicAuth(string(d.Login), "secret")
				r.Header.Set("Accept-Encoding", "gzip")
				w := &drain{header: make(http.Header)}
				if h.ServeHTTP(w, r); w.status != http.StatusMultiStatus {
					b.Errorf("status %d", w.status)
				}
			})
		}
		wg.Wait()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64((cpu(b)-begun).Microseconds())/float64(b.N*phones*cards), "cpu-µs/card")
	grown := int64(after.HeapSys) - int64(before.HeapSys) // some may have been given back
	b.ReportMetric(float64(max(grown, 0))/(1<<20), "heap-MB")
}

// One person is looked for among a hundred thousand, by name, number or address, through
// the postings.
func BenchmarkQuery(b *testing.B) {
	h := newBench(b, many(b, 100_000, 0))
	for name, filter := range map[string]string{
		"FN":       `<c:filter><c:prop-filter name="FN"><c:text-match>number 77123</c:text-match></c:prop-filter></c:filter>`,
		"N":        `<c:filter><c:prop-filter name="N"><c:text-match>number 77123</c:text-match></c:prop-filter></c:filter>`,
		"TEL":      `<c:filter><c:prop-filter name="TEL"><c:text-match>030 0077123</c:text-match></c:prop-filter></c:filter>`,
		"FN,EMAIL": `<c:filter><c:prop-filter name="FN"><c:text-match>77123</c:text-match></c:prop-filter><c:prop-filter name="EMAIL"><c:text-match>77123</c:text-match></c:prop-filter></c:filter>`,
	} {
		b.Run(name, func(b *testing.B) { h.run(b, "REPORT", bookQuery(filter, "")) })
	}
}

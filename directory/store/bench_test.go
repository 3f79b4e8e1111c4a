package store_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/store"
	"ringbook/directory/store/storetest"
)

// filled returns a store of n people on disk, read in pages.
func filled(b *testing.B, n int) (s *store.Store, dir string) {
	b.Helper()
	dir = b.TempDir()
	s = openStore(b, dir, storetest.Options(b))
	var all []*directory.Contact
	for i := range n {
		all = append(all, rich(i))
	}
	for page := range slices.Chunk(all, 1000) {
		batch := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser, Changes: storetest.Puts(page...)}
		if _, err := s.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.Apply(b.Context(), directory.Batch{Feed: storetest.Feed, Next: &directory.Cursor{Link: "x"}}); err != nil {
		b.Fatal(err)
	}
	return s, dir
}

// rich is a person with what a tenant usually has.
func rich(n int) *directory.Contact {
	c := storetest.Person(n)
	c.GivenName = "Given"
	c.JobTitle = fmt.Sprintf("Title %d", n%200)
	c.Company = "Contoso"
	c.Office = fmt.Sprintf("House %d", n%50)
	c.Phones = append(c.Phones, directory.Phone{
		Kind: directory.PhoneMobile, Written: fmt.Sprintf("0170 %07d", n), E164: fmt.Sprintf("+49170%07d", n), Attribute: "mobilePhone",
	})
	c.Address.PostalCode, c.Address.Country = "50667", "Germany"
	c.UserPrincipalName = c.Emails[0]
	c.UserType = "Member"
	return c
}

// leave lets n people come and go again: what is left of them are tombstones.
func leave(b *testing.B, s *store.Store, n int) {
	b.Helper()
	const first = 10_000_000
	for from := first; from < first+n; from += 1000 {
		var come, gone []directory.Change
		for i := from; i < from+1000; i++ {
			come = append(come, storetest.Puts(rich(i))...)
			gone = append(gone, directory.Change{ID: storetest.Person(i).ID, Removed: true})
		}
		for _, changes := range [][]directory.Change{come, gone} {
			batch := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser, Changes: changes, AcceptShrink: true}
			if _, err := s.Apply(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkApplyTen: ten people change, from the page read to the view that both
// protocols answer from, of so many people and with so many tombstones beside them.
func BenchmarkApplyTen(b *testing.B) {
	for _, c := range []struct{ n, gone int }{{1_000, 0}, {10_000, 0}, {100_000, 0}, {100_000, 900_000}} {
		n := c.n
		b.Run(fmt.Sprintf("of%d,log%d", n, n+c.gone), func(b *testing.B) {
			s, _ := filled(b, n)
			leave(b, s, c.gone)
			round := 0
			for b.Loop() {
				round++
				var changes []directory.Change
				for i := range 10 {
					title := fmt.Sprint("Round ", round)
					changes = append(changes, directory.Change{
						ID:     storetest.Person((round*7919 + i*n/10) % n).ID,
						Update: func(c *directory.Contact) { c.JobTitle = title },
					})
				}
				batch := directory.Batch{Feed: storetest.Feed, Source: directory.SourceUser, Changes: changes, Next: &directory.Cursor{Link: "y"}}
				a, err := s.Apply(b.Context(), batch)
				if err != nil || a.Changed != 10 {
					b.Fatal(a, err)
				}
			}
			_ = s.Close()
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			start := time.Now()
			s, dir := filled(b, n)
			b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-to-fill")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			s = nil
			before := heap()
			for b.Loop() {
				if s != nil {
					_ = s.Close()
				}
				s = openStore(b, dir, storetest.Options(b))
			}
			b.ReportMetric(float64(heap()-before)/(1<<20), "MB")
			_ = s.Close()
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkPhoto(b *testing.B) {
	const n = 2000
	s, _ := filled(b, n)
	for i := range n {
		p := storetest.Picture(fmt.Sprint("photo", i))
		p.Large = append(p.Large, make([]byte, 20<<10)...)
		ch := directory.PhotoChange{ID: storetest.Person(i).ID, Photo: p}
		if _, err := s.ApplyPhotos(b.Context(), time.Now(), []directory.PhotoChange{ch}); err != nil {
			b.Fatal(err)
		}
	}
	i := 0
	for b.Loop() {
		i++
		if _, err := s.Photo(b.Context(), directory.PhotoID(fmt.Sprint("photo", i*7919%n)), directory.PhotoLarge); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close()
}

// The thousandth device costs what the first did.
func BenchmarkAddDevice(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := openStore(b, b.TempDir(), storetest.Options(b))
			defer s.Close()
			add := func(i int) {
				id := fmt.Sprintf("d%07d", i)
				if err := s.AddDevice(b.Context(), directory.Device{ID: directory.DeviceID(id), Login: directory.Login(id), Name: "phone"}); err != nil {
					b.Fatal(err)
				}
			}
			for i := range n {
				add(i)
			}
			for i := n; b.Loop(); i++ {
				add(i)
			}
		})
	}
}

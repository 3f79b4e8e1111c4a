package graph_test

import (
	"context"
	"testing"
	"time"

	"ringbook/directory"
	"ringbook/directory/number"
	"ringbook/directory/store"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// BenchmarkFirstMirror reads a tenant of 10,000 from a stand-in behind TLS in
// this process into a store on disk: people only, then their photos too.
func BenchmarkFirstMirror(b *testing.B) {
	for _, bb := range []struct {
		name   string
		people int
		photos float64
	}{{"10000 people", 10_000, 0}, {"100 people with photos", 100, 1}} {
		b.Run(bb.name, func(b *testing.B) {
			tenant := graphtest.New(graphtest.Options{People: bb.people, Seed: 1, Photos: bb.photos})
			reach, _ := standIn(b, tenant)
			plan, err := number.NewPlan("DE")
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				firstMirror(b, reach, plan, bb.people, bb.photos > 0)
			}
		})
	}
}

func firstMirror(b *testing.B, reach graph.Tenant, plan *number.Plan, people int, photos bool) {
	b.Helper()
	s, err := store.Open(context.Background(), b.TempDir(), store.Options{
		Books: []directory.Book{{Name: "people", Title: "People", Filter: directory.DefaultFilter}}, Plan: plan,
		Renderer: store.Renderer{Version: "1", Print: func(*directory.Contact) [16]byte { return [16]byte{} }},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	m, err := graph.New(reach, s, s, graph.Options{Interval: time.Hour, Plans: "DE", E164: plan.E164, Photos: photos})
	if err != nil {
		b.Fatal(err)
	}
	rounds, err := m.Sync(context.Background(), directory.SyncRequest{})
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range rounds {
		if r.Error != "" || r.Read != people {
			b.Fatalf("round = %+v", r)
		}
	}
	if n := s.View().Len(); n != people {
		b.Fatalf("%d contacts", n)
	}
}

package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// wrapped is newOffice with something hostile in between, people in the order of their ids.
func wrapped(t *testing.T, n int, change func(*graph.Options), wrap func(o *office, w http.ResponseWriter, r *http.Request) bool) (*office, func()) {
	t.Helper()
	o := &office{company: newCompany(graphtest.Options{People: max(n+5, 20), Roles: groupRoles}), t: t, sink: newMemory()}
	slices.Sort(o.people)
	for i := range n {
		o.AddMailbox(o.people[i])
	}
	o.group = o.AddGroup("Outlook", o.people[:n]...)
	reach, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if wrap != nil && wrap(o, w, r) {
			return
		}
		o.ServeHTTP(w, r)
	})
	reach.Credential = signIn{reach.HTTP, o.Tenant}
	o.m = mirror(t, reach, o.sink, func(opt *graph.Options) {
		opt.Mailboxes, opt.ShrinkGuard, opt.E164 = "outlook", 0.2, german
		if change != nil {
			change(opt)
		}
	})
	return o, stop
}

// fill gives each of the first n people a contact "of n".
func (o *office) fill(n int) {
	o.t.Helper()
	for i := range n {
		o.add(i, "", named(fmt.Sprint("of ", i)))
	}
}

// altered answers with a list that is not as Graph has it.
func (o *office) altered(w http.ResponseWriter, r *http.Request, alter func(*listing)) bool {
	rec := httptest.NewRecorder()
	o.ServeHTTP(rec, r)
	var p listing
	_ = json.Unmarshal(rec.Body.Bytes(), &p)
	alter(&p)
	_ = json.NewEncoder(w).Encode(p)
	return true
}

// A listing is a list as Graph gives it.
type listing struct {
	Value []map[string]any `json:"value"`
}

func (o *office) mine(i int) string { return "/v1.0/users/" + o.people[i] + "/contact" }

// TestOneMailboxStopsNoOther: whatever one mailbox answers, the later ones are read.
func TestOneMailboxStopsNoOther(t *testing.T) {
	for name, bad := range map[string]func(o *office, w http.ResponseWriter, r *http.Request){
		"no JSON": func(o *office, w http.ResponseWriter, r *http.Request) { write(w, 200, `{"value":[`) },
		"circle": func(o *office, w http.ResponseWriter, r *http.Request) {
			write(w, 200, `{"value":[],"@odata.nextLink":"%s%s?$skiptoken=x"}`, base, r.URL.Path)
		},
		"foreign link": func(o *office, w http.ResponseWriter, r *http.Request) {
			write(w, 200, `{"value":[],"@odata.nextLink":"https://other.example/"}`)
		},
		"503 Retry-After": func(o *office, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "1")
			write(w, 503, `{"error":{"code":"ErrorMailboxMoveInProgress","message":"Mailbox is being moved"}}`)
		},
		"429 of one mailbox": func(o *office, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "120")
			write(w, 429, `{"error":{"code":"ApplicationThrottled","message":"Application is over its MailboxConcurrency limit."}}`)
		},
		"slow pages": func(o *office, w http.ResponseWriter, r *http.Request) {
			<-time.After(30 * time.Second)
			write(w, 200, `{"value":[],"@odata.nextLink":"%s%s?$skiptoken=%d"}`, base, r.URL.Path, time.Now().UnixNano())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, stop := wrapped(t, 3, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
					if strings.HasPrefix(r.URL.Path, o.mine(0)) && strings.HasSuffix(r.URL.Path, "/delta") {
						bad(o, w, r)
						return true
					}
					return false
				})
				defer stop()
				o.fill(3)
				for range 3 {
					o.sync()
				}
				o.expect(1, "Contacts/of 1")
				o.expect(2, "Contacts/of 2")
			})
		})
	}
}

// TestBadNeighbours: whoever comes behind several mailboxes that cannot be read has
// his turn within three rounds.
func TestBadNeighbours(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		hurt func(*office)
		want []int
	}{
		"three broken ones": {5, func(o *office) {
			for i := range 3 {
				o.Fault(graphtest.Fault{Path: o.mine(i), Status: 500, Times: -1})
			}
		}, []int{3, 4}},
		"ten refused ones": {14, func(o *office) { o.SetScope(o.people[10:14]...) }, []int{12}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, stop := wrapped(t, c.n, nil, nil)
				defer stop()
				o.fill(c.n)
				c.hurt(o)
				for range 3 {
					o.sync()
				}
				for _, i := range c.want {
					o.expect(i, fmt.Sprint("Contacts/of ", i))
				}
			})
		})
	}
}

// TestPartOfTheMembers: a member without a type, or with an id that cannot be read,
// has not left the group.
func TestPartOfTheMembers(t *testing.T) {
	for name, cut := range map[string]func(map[string]any){
		"no type": func(m map[string]any) { delete(m, "@odata.type") },
		"no id":   func(m map[string]any) { m["id"] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				partial := false
				o, stop := wrapped(t, 3, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
					if !partial || !strings.HasSuffix(r.URL.Path, "/transitiveMembers") {
						return false
					}
					return o.altered(w, r, func(p *listing) {
						for _, m := range p.Value {
							if m["id"] == o.people[1] || m["id"] == o.people[2] {
								cut(m)
							}
						}
					})
				})
				defer stop()
				o.fill(3)
				o.sync()
				partial = true
				if r := o.sync(); !strings.Contains(r.Error, "cannot be read whole") {
					t.Errorf("round %+v", r)
				}
				o.expect(0, "Contacts/of 0")
				o.expect(1, "Contacts/of 1")
				o.expect(2, "Contacts/of 2")
			})
		})
	}
}

// TestPartOfTheFolders: a folder that a list leaves out is not gone.
func TestPartOfTheFolders(t *testing.T) {
	for name, cut := range map[string]func(p *listing){
		"no id": func(p *listing) { p.Value[0]["id"] = nil },
		"empty": func(p *listing) { p.Value = []map[string]any{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				partial := false
				o, stop := wrapped(t, 1, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
					if !partial || !strings.HasSuffix(r.URL.Path, "/contactFolders") {
						return false
					}
					return o.altered(w, r, cut)
				})
				defer stop()
				f := o.folder(0, "Doctors", "")
				for i := range 300 {
					o.add(0, f, named(fmt.Sprint("Dr. ", i)))
				}
				o.sync()
				partial = true
				if r := o.sync(); r.Error != "" || len(o.has(0)) != 300 {
					t.Errorf("%d of 300 left: %+v", len(o.has(0)), r)
				}
			})
		})
	}
}

// TestTooManyFolders: of more folders than are read it is always the same ones, in
// whatever order Graph gives them.
func TestTooManyFolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := false
		o, stop := wrapped(t, 1, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/contactFolders") {
				return false
			}
			return o.altered(w, r, func(p *listing) {
				if turn {
					slices.Reverse(p.Value)
				}
			})
		})
		defer stop()
		for i := range 220 {
			f := o.folder(0, fmt.Sprint("F", i), "")
			o.add(0, f, named(fmt.Sprint("in ", i)))
		}
		r := o.sync()
		has := o.has(0)
		if r.Error != "" || len(has) != 199 || len(r.Skips) == 0 { // the default folder is one of them
			t.Fatalf("%d contacts: %+v", len(has), r)
		}
		turn = true
		r = o.sync()
		if r.Applied != (directory.Applied{}) {
			t.Errorf("another order of the same folders: %+v", r.Applied)
		}
		o.expect(0, has...)
	})
}

// TestOwnerWithoutAName: an owner whose sign-in name is missing from an answer keeps
// the one known.
func TestOwnerWithoutAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		partial := false
		o, stop := wrapped(t, 1, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
			if partial && r.URL.Path == "/v1.0/users/"+o.people[0] {
				write(w, 200, `{"id":%q}`, o.people[0])
				return true
			}
			return false
		})
		defer stop()
		o.add(0, "", named("Rita"))
		o.sync()
		before := o.only().Extras
		partial = true
		r := o.sync()
		if got := o.only().Extras; got != before {
			t.Errorf("%q became %q, full %v", before, got, r.Full)
		}
	})
}

// TestMailboxesLetOthersIn: the other feeds have their turn between two mailboxes.
func TestMailboxesLetOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 60
		var first, photos time.Time
		l := &listener{}
		o := &office{company: newCompany(graphtest.Options{People: n, Roles: groupRoles, Notifier: &http.Client{Transport: l}}), t: t, sink: newMemory()}
		for _, p := range o.people {
			o.AddMailbox(p)
		}
		o.AddGroup("Outlook", o.people...)
		start := time.Now()
		reach, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.Contains(r.URL.Path, "/contacts/delta"):
				<-time.After(50 * time.Second) // a few pages
			case strings.Contains(r.URL.Path, "/subscriptions") && first.IsZero():
				first = time.Now()
			case strings.Contains(r.URL.Path, "/$batch") && photos.IsZero():
				photos = time.Now()
			}
			o.ServeHTTP(w, r)
		})
		defer stop()
		reach.Credential = signIn{reach.HTTP, o.Tenant}
		m := mirror(t, reach, o.sink, func(opt *graph.Options) {
			opt.Mailboxes, opt.ShrinkGuard, opt.E164, opt.Photos = "outlook", 0.2, german, true
			opt.Notify = graph.Notify{URL: "https://ringbook.example/hooks/graph", State: "s"}
		})
		end := run(t, m)
		<-time.After(2 * time.Hour)
		must(t, end())
		if first.IsZero() || first.Sub(start) > 5*time.Minute || photos.IsZero() || photos.Sub(start) > 5*time.Minute {
			t.Errorf("notifications began after %v, photos after %v", first.Sub(start), photos.Sub(start))
		}
	})
}

// TestClockWasAhead: folders that were listed by a clock that was ahead are listed again.
func TestClockWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := wrapped(t, 1, nil, nil)
		defer stop()
		o.add(0, "", named("Rita"))
		o.sync()
		feed := directory.Feed("mailbox/" + o.people[0])
		cur := o.sink.cursors[feed]
		var st map[string]any
		must(t, json.Unmarshal([]byte(cur.Link), &st))
		st["listed"] = time.Now().Add(10 * 365 * 24 * time.Hour).Unix()
		b, _ := json.Marshal(st)
		cur.Link = string(b)
		o.sink.cursors[feed] = cur
		o.add(0, o.folder(0, "New", ""), named("Later"))
		end := run(t, o.m)
		<-time.After(48 * time.Hour)
		must(t, end())
		o.expect(0, "Contacts/Rita", "New/Later")
	})
}

// TestMailboxLogIsQuiet: what Graph says of a mailbox is in neither round nor log.
func TestMailboxLogIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o, stop := wrapped(t, 2, func(opt *graph.Options) { opt.Log = slog.New(slog.NewTextHandler(&log, nil)) }, func(o *office, w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, o.mine(0)) {
				write(w, 404, `{"error":{"code":"ErrorInvalidUser","message":"The mailbox anna.secret@contoso.example is on-premise, +49 171 1234567"}}`)
				return true
			}
			return false
		})
		defer stop()
		r := o.sync()
		if strings.Contains(r.Error+fmt.Sprint(r.Skips), "anna.secret") || !strings.Contains(log.String(), "mailbox skipped") {
			t.Errorf("round %+v", r)
		}
		if strings.Contains(log.String(), "anna.secret") {
			t.Errorf("log: %s", log.String()[max(0, strings.Index(log.String(), "mailbox skipped")):])
		}
	})
}

// TestOneFolderStopsNoOther: the others are read although the guard stops one.
func TestOneFolderStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := wrapped(t, 1, nil, nil)
		defer stop()
		o.add(0, "", named("Rita"))
		f := o.folder(0, "Doctors", "")
		o.add(0, f, named("Dr. No"))
		o.sync()
		o.sink.fail = func(b directory.Batch) error {
			if b.Sweep != nil && !b.AcceptShrink && len(b.Changes) == 1 { // the default folder
				return &directory.ShrinkError{Leaving: 30, Members: 40, Guard: 0.2}
			}
			return nil
		}
		o.ExpireDeltaTokens()
		o.add(0, f, named("Dr. Yes"))
		for range 3 {
			o.sync()
		}
		o.expect(0, "Contacts/Rita", "Doctors/Dr. No", "Doctors/Dr. Yes")
	})
}

// TestFailingMailboxesKeepTheirPace: a long round that fails at its end is not played
// again at the pace of a short one.
func TestFailingMailboxesKeepTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		o, stop := wrapped(t, n, func(opt *graph.Options) { opt.Interval = 15 * time.Minute }, nil)
		defer stop()
		o.sync()
		end := run(t, o.m)
		<-time.After(time.Minute)
		count := func() (c int) {
			for kind, of := range o.Requests() {
				if strings.HasPrefix(kind, "mailbox/") {
					c += of
				}
			}
			return c
		}
		b := count()
		<-time.After(time.Hour)
		healthy := count() - b
		for i := range 3 { // as many as end a round
			o.Fault(graphtest.Fault{Path: o.mine(n - 1 - i), Break: graphtest.BreakConnection, Times: -1})
		}
		b = count()
		<-time.After(time.Hour)
		if got := count() - b; got > healthy+healthy/4 {
			t.Errorf("%d requests an hour when the last mailboxes break off, %d when all is well", got, healthy)
		}
		must(t, end())
	})
}

// An address that cannot be read is left as it was, as the other properties are.
func TestAddressThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, stop := wrapped(t, 1, nil, nil)
		defer stop()
		id := o.add(0, "", map[string]any{"displayName": "Rita", "homeAddress": map[string]any{"city": "Berlin"}})
		o.sync()
		must(t, o.Folder(o.people[0], "").Patch(id, map[string]any{"homeAddress": 7}))
		r := o.sync()
		if c := o.only(); c.Address.City != "Berlin" || len(r.Skips) == 0 {
			t.Errorf("%+v %+v", c.Address, r.Skips)
		}
	})
}

// A default folder that got another id (the mailbox was moved or restored) is read once.
func TestDefaultFolderIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		moved := false
		o, stop := wrapped(t, 1, nil, func(o *office, w http.ResponseWriter, r *http.Request) bool {
			// this Graph lists the default folder too, under its new id
			switch p := r.URL.Path; {
			case moved && strings.HasSuffix(p, "/contactFolders"):
				write(w, 200, `{"value":[{"id":"NEWDEFAULT","displayName":"Contacts"}]}`)
				return true
			case strings.Contains(p, "NEWDEFAULT/childFolders"):
				write(w, 200, `{"value":[]}`)
				return true
			case strings.Contains(p, "NEWDEFAULT/contacts/delta"):
				if strings.Contains(r.URL.RawQuery, "again") {
					write(w, 200, `{"value":[],"@odata.deltaLink":"%s%s?again=1"}`, base, p)
					return true
				}
				write(w, 200, `{"value":[{"id":"Rita2","displayName":"Rita","parentFolderId":"NEWDEFAULT"}],"@odata.deltaLink":"%s%s?again=1"}`, base, p)
				return true
			case moved && strings.HasSuffix(p, "/contacts/delta"):
				write(w, 200, `{"value":[{"id":"Rita2","displayName":"Rita","parentFolderId":"NEWDEFAULT"}],"@odata.deltaLink":"%s%s?again=1"}`, base, p)
				return true
			}
			return false
		})
		defer stop()
		o.add(0, "", named("Rita"))
		o.sync()
		moved = true
		for range 3 {
			if _, err := o.m.Sync(t.Context(), directory.SyncRequest{Full: true, AcceptShrink: true}); err != nil {
				t.Fatal(err)
			}
		}
		o.expect(0, "Contacts/Rita")
	})
}

// A hint during a `ringbook sync` that is broken off does not wait for a whole interval.
func TestHintOfABrokenSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphtest.New(graphtest.Options{People: 5})
		var slow atomic.Bool
		reach, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if slow.Load() && strings.Contains(r.URL.Path, "users/delta") {
				<-time.After(10 * time.Second)
			}
			tenant.ServeHTTP(w, r)
		})
		defer stop()
		reach.Credential = signIn{reach.HTTP, tenant}
		sink := newMemory()
		m := mirror(t, reach, sink, func(o *graph.Options) { o.Interval = 24 * time.Hour })
		end := run(t, m)
		<-time.After(time.Minute)
		slow.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		done := make(chan struct{})
		go func() { _, _ = m.Sync(ctx, directory.SyncRequest{}); close(done) }()
		<-time.After(2 * time.Second)
		m.Hint()
		<-done
		cancel()
		slow.Store(false)
		anna := tenant.Users()[0].ID
		must(t, tenant.Patch(anna, map[string]any{"displayName": "Another"}))
		<-time.After(20 * time.Hour)
		if !slices.ContainsFunc(sink.all(), func(c *directory.Contact) bool { return c.DisplayName == "Another" }) {
			t.Error("20 hours after the hint nobody has asked")
		}
		must(t, end())
	})
}

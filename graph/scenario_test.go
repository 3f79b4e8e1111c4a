package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// TestScenarios plays what happens in a tenant, by the commands of each
// testdata/scenario/*.txtar, and compares what the mirror makes of it, and what it
// costs, with its want: rounds, requests by kind, contacts that came, changed and left.
//
//	tenant people=N photos=SHARE org-contacts=N page=N replay=N roles=A,B
//	mirror [photos] [org-contacts] [groups=NAME] [mailboxes=NAME]
//	sync [full] [accept]         a round of everything, as a person asks for it
//	run DURATION                 what happens by itself
//	add NAME · patch N KEY=JSON … · remove|purge|restore N · photo N COLOUR|none
//	group NAME N… · members NAME N… · mailbox N · contact N NAME · scope N…
//	expire · fault JSON · clear
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenario/*.txtar")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("%v; a scenario is a script and a want", err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = stage(t, string(ar.Files[0].Data)) })
			if *update {
				ar.Files[1].Data = []byte(got)
				must(t, os.WriteFile(file, txtar.Format(ar), 0o644))
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A scene is a tenant and its mirror on stage.
type scene struct {
	t      *testing.T
	tenant *graphtest.Tenant
	people []string
	groups map[string]string
	m      *graph.Mirror
	sink   *memory
	asked  map[string]int
	done   map[directory.Feed]int // rounds before the run
	lost   map[directory.Feed]int // those of them that failed
	before map[directory.ContactID]*directory.Contact
	out    strings.Builder
}

func stage(t *testing.T, script string) string {
	t.Helper()
	s := &scene{t: t, sink: newMemory(), groups: map[string]string{}}
	for line := range strings.Lines(script) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		fmt.Fprintf(&s.out, "> %s", line)
		s.act(fields[0], fields[1:], strings.TrimSpace(strings.TrimPrefix(line, fields[0])))
	}
	return s.out.String()
}

func (s *scene) act(verb string, args []string, rest string) {
	s.t.Helper()
	switch verb {
	case "tenant":
		s.open(args)
	case "mirror":
		s.mirror(args)
	case "sync":
		s.sync(args)
	case "run":
		s.run(rest)
	case "add":
		id, err := s.tenant.Add(map[string]any{"displayName": rest, "accountEnabled": true})
		must(s.t, err)
		s.people = append(s.people, id)
	case "patch":
		s.patch(s.tenant.Objects, s.one(args[0]), args[1:])
	case "remove":
		must(s.t, s.tenant.Remove(s.one(args[0])))
	case "purge":
		must(s.t, s.tenant.Purge(s.one(args[0])))
	case "restore":
		must(s.t, s.tenant.Restore(s.one(args[0])))
	case "photo":
		must(s.t, s.tenant.SetPhoto(s.one(args[0]), picture(args[1])))
	case "group":
		s.groups[args[0]] = s.tenant.AddGroup(args[0], s.all(args[1:])...)
	case "members":
		must(s.t, s.tenant.SetMembers(s.groups[args[0]], s.all(args[1:])...))
	case "mailbox":
		s.tenant.AddMailbox(s.one(args[0]))
	case "contact":
		_, err := s.tenant.Folder(s.one(args[0]), "").Add(map[string]any{"displayName": strings.Join(args[1:], " ")})
		must(s.t, err)
	case "scope":
		s.tenant.SetScope(s.all(args)...)
	case "expire":
		s.tenant.ExpireDeltaTokens()
	case "fault":
		var f graphtest.Fault
		must(s.t, json.Unmarshal([]byte(rest), &f))
		s.tenant.Fault(f)
	case "clear":
		s.tenant.ClearFaults()
	default:
		s.t.Fatalf("no verb %q", verb)
	}
}

// options reads KEY=VALUE words.
func options(args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		m[key] = value
	}
	return m
}

func (s *scene) open(args []string) {
	o := options(args)
	number := func(key string) int { n, _ := strconv.Atoi(o[key]); return n }
	share, _ := strconv.ParseFloat(o["photos"], 64)
	g := graphtest.Options{
		People: number("people"), Seed: 1, Photos: share, OrgContacts: number("org-contacts"), PageSize: number("page"), Replay: number("replay"),
	}
	if o["roles"] != "" {
		g.Roles = strings.Split(o["roles"], ",")
	}
	s.tenant = graphtest.New(g)
	for _, u := range s.tenant.Users() {
		s.people = append(s.people, u.ID)
	}
	s.asked = s.tenant.Requests()
}

func (s *scene) mirror(args []string) {
	s.t.Helper()
	o := options(args)
	has := func(key string) bool { _, ok := o[key]; return ok }
	reach, _ := serve(s.t, s.tenant.ServeHTTP)
	reach.Credential = signIn{reach.HTTP, s.tenant}
	s.m = mirror(s.t, reach, s.sink, func(opt *graph.Options) {
		opt.E164, opt.Photos, opt.OrgContacts, opt.ShrinkGuard = german, has("photos"), has("org-contacts"), 0.2
		opt.Mailboxes = directory.Group(o["mailboxes"])
		if has("groups") {
			opt.Groups = []directory.Group{directory.Group(o["groups"])}
		}
	})
}

func (s *scene) one(n string) string {
	s.t.Helper()
	i, err := strconv.Atoi(n)
	must(s.t, err)
	return s.people[i]
}

func (s *scene) all(list []string) (ids []string) {
	for _, n := range list {
		ids = append(ids, s.one(n))
	}
	return ids
}

func (s *scene) patch(of *graphtest.Objects, id string, args []string) {
	s.t.Helper()
	properties := map[string]any{}
	for key, value := range options(args) {
		var v any
		must(s.t, json.Unmarshal([]byte(value), &v))
		properties[key] = v
	}
	must(s.t, of.Patch(id, properties))
}

func (s *scene) sync(args []string) {
	s.t.Helper()
	rounds, err := s.m.Sync(s.t.Context(), directory.SyncRequest{Full: slices.Contains(args, "full"), AcceptShrink: slices.Contains(args, "accept")})
	must(s.t, err)
	for _, r := range rounds {
		full := ""
		if r.Full {
			full = "full, "
		}
		fmt.Fprintf(&s.out, "%s: %sread %d, +%d ~%d -%d, skipped %d, %d requests\n", r.Feed, full, r.Read, r.Applied.Added, r.Applied.Changed, r.Applied.Removed, r.Skipped, r.Requests)
		for _, skip := range r.Skips {
			fmt.Fprintf(&s.out, "  left out: %s\n", skip.Reason)
		}
		if r.Error != "" {
			sentence, _, _ := strings.Cut(r.Error, ". ")
			fmt.Fprintf(&s.out, "  failed: %s.\n", strings.TrimSuffix(sentence, "."))
		}
	}
	s.tell()
}

func (s *scene) run(d string) {
	s.t.Helper()
	span, err := time.ParseDuration(d)
	must(s.t, err)
	failed := s.failures()
	s.done, s.lost = map[directory.Feed]int{}, map[directory.Feed]int{}
	for _, st := range s.m.Status() {
		s.done[st.Name], s.lost[st.Name] = st.Totals.Done, st.Totals.Failed
	}
	end := run(s.t, s.m)
	<-time.After(span)
	synctest.Wait()
	must(s.t, end())
	s.states(span, failed)
	s.tell()
}

func (s *scene) failures() (n int) {
	for _, st := range s.m.Status() {
		n += st.Totals.Failed
	}
	return n
}

// states says what each feed is doing. Rounds that fail come at random distances,
// so that of a time in which some did only a bound is told.
func (s *scene) states(span time.Duration, failed int) {
	const most = 2 // attempts an hour, after the first few
	troubled := s.failures() > failed
	for _, st := range s.m.Status() {
		fmt.Fprintf(&s.out, "%s: %s", st.Name, st.State)
		if st.Attention {
			fmt.Fprint(&s.out, ", needs attention")
		}
		if !troubled {
			fmt.Fprintf(&s.out, ", %d rounds done", st.Totals.Done-s.done[st.Name])
		}
		if st.State == directory.FeedBlocked && st.Totals.Failed-s.lost[st.Name] <= 8+int(most*span.Hours()) {
			fmt.Fprintf(&s.out, ", asked at most %d times an hour", most)
		}
		fmt.Fprintln(&s.out)
	}
	if troubled {
		s.asked = s.tenant.Requests()
	}
}

// tell writes what was asked and what has changed since the last time.
func (s *scene) tell() {
	asked := s.tenant.Requests()
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(asked)) {
		if n := asked[kind] - s.asked[kind]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
		}
	}
	if len(kinds) > 0 {
		fmt.Fprintln(&s.out, "asked:", strings.Join(kinds, ", "))
	}
	s.asked = asked
	var lines []string
	now := map[directory.ContactID]*directory.Contact{}
	for _, c := range s.sink.all() {
		now[c.ID] = c
		if old := s.before[c.ID]; old == nil {
			lines = append(lines, fmt.Sprintf("+ %s %s", c.Source, c.Name()))
		} else if !old.Equal(c) {
			lines = append(lines, fmt.Sprintf("~ %s %s: %s", c.Source, c.Name(), strings.Join(fieldsOf(old, c), ", ")))
		}
	}
	for id, c := range s.before {
		if now[id] == nil {
			lines = append(lines, fmt.Sprintf("- %s %s", c.Source, c.Name()))
		}
	}
	s.before = now
	slices.Sort(lines)
	for i, line := range lines {
		if i == 6 {
			fmt.Fprintf(&s.out, "… %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintln(&s.out, line)
	}
}

// fieldsOf names the fields in which two contacts differ, and the new values.
func fieldsOf(old, now *directory.Contact) (list []string) {
	for field, v := range reflect.ValueOf(*now).Fields() {
		if was := reflect.ValueOf(*old).FieldByName(field.Name); !cmp.Equal(was.Interface(), v.Interface()) {
			text := fmt.Sprint(v.Interface())
			if phones, ok := reflect.TypeAssert[[]directory.Phone](v); ok {
				text = ""
				for _, p := range phones {
					text += string(p.Kind) + " " + p.Written + " "
				}
			}
			list = append(list, field.Name+" = "+strconv.Quote(strings.TrimSpace(text)))
		}
	}
	return list
}

// picture is a photo of one colour; none = no photo.
func picture(colour string) []byte {
	if colour == "none" {
		return nil
	}
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: uint8(len(colour) * 20)}.Y
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // to memory
	return b.Bytes()
}

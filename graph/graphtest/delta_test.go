package graphtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/graph/graphtest"
)

func TestDeltaGivesEverybodyOnce(t *testing.T) {
	for _, form := range []string{"/users/delta", "/users/delta()", "/users/delta?%24select=displayName"} {
		c := start(t, graphtest.Options{People: 95, PageSize: 20})
		objects, _, pages := c.round(form)
		if pages != 5 {
			t.Errorf("%s: %d pages, want 5", form, pages)
		}
		seen := map[string]bool{}
		for _, o := range objects {
			seen[fmt.Sprint(o["id"])] = true
		}
		if len(objects) != 95 || len(seen) != 95 {
			t.Errorf("%s: %d objects of %d people, want 95", form, len(objects), len(seen))
		}
	}
}

func TestDeltaSelectsOnceForAll(t *testing.T) {
	c := start(t, graphtest.Options{People: 50, PageSize: 10})
	objects, link, _ := c.round("/users/delta?$select=mail,surname")
	for _, o := range objects {
		for name := range o {
			if name != "id" && name != "mail" && name != "surname" {
				t.Fatalf("%s was not selected", name)
			}
		}
	}
	if strings.Contains(link, "select") {
		t.Error("the link shows the selection")
	}
	if a := c.get(link + "&$select=mail"); a.status != http.StatusBadRequest {
		t.Errorf("$select with a token: %d, want 400", a.status)
	}

	must(t, c.server.Patch(id(graphtest.JuergenGross), map[string]any{"jobTitle": "Rentner"}))
	if news, _, _ := c.round(link); len(news) != 0 {
		t.Errorf("a property that is not selected made news: %v", news)
	}
	must(t, c.server.Patch(id(graphtest.JuergenGross), map[string]any{"mail": "neu@contoso.example"}))
	news, _, _ := c.round(link)
	want := []object{{"id": id(graphtest.JuergenGross), "mail": "neu@contoso.example", "surname": "Groß"}}
	if diff := cmp.Diff(want, news); diff != "" {
		t.Error(diff)
	}
}

func TestDeltaTellsAbsentFromNull(t *testing.T) {
	c := start(t, graphtest.Options{People: 12})
	who := id(graphtest.JuergenGross)
	_, link, _ := c.round("/users/delta?$select=mobilePhone,faxNumber")
	must(t, c.server.Patch(who, map[string]any{"mobilePhone": nil}))
	news, _, _ := c.round(link)
	if diff := cmp.Diff([]object{{"id": who, "mobilePhone": nil}}, news); diff != "" {
		t.Error(diff)
	}
	everybody, _, _ := c.round("/users/delta?$select=mobilePhone,faxNumber")
	if diff := cmp.Diff(object{"id": who, "mobilePhone": nil}, everybody[0]); diff != "" {
		t.Error(diff)
	}
}

func TestDeltaTellsWhoLeftAndCameBack(t *testing.T) {
	c := start(t, graphtest.Options{People: 12})
	_, link, _ := c.round("/users/delta?$select=displayName")
	removed := func(who int, reason string) object {
		return object{"id": id(who), "@removed": object{"reason": reason}}
	}
	must(t, c.server.Remove(id(graphtest.Disabled)))
	must(t, c.server.Purge(id(graphtest.Guest)))
	added, err := c.server.Add(map[string]any{"displayName": "Neue, Nina"})
	must(t, err)
	news, link, _ := c.round(link)
	want := []object{removed(graphtest.Disabled, "changed"), removed(graphtest.Guest, "deleted"), {"id": added, "displayName": "Neue, Nina"}}
	if diff := cmp.Diff(want, news); diff != "" {
		t.Error(diff)
	}

	must(t, c.server.Restore(id(graphtest.Disabled)))
	if err := c.server.Restore(id(graphtest.Guest)); err == nil {
		t.Error("somebody purged came back")
	}
	news, link, _ = c.round(link)
	if diff := cmp.Diff([]object{{"id": id(graphtest.Disabled), "displayName": "Egon Ehemals"}}, news); diff != "" {
		t.Error(diff)
	}
	if news, _, _ = c.round(link); len(news) != 0 {
		t.Errorf("news where there is none: %v", news)
	}
	everybody, _, _ := c.round("/users/delta?$select=displayName")
	if len(everybody) != 12 {
		t.Errorf("%d people, want 12", len(everybody))
	}
}

// What changes while a round is read comes in it or in the next one, whatever
// page it would have stood on.
func TestDeltaLosesNothingInMidRound(t *testing.T) {
	c := start(t, graphtest.Options{People: 30, PageSize: 10})
	users := c.server.Users()
	mirror := map[string]string{}
	apply := func(objects []object) {
		for _, o := range objects {
			if o["@removed"] != nil {
				delete(mirror, fmt.Sprint(o["id"]))
			} else {
				mirror[fmt.Sprint(o["id"])], _ = o["displayName"].(string)
			}
		}
	}
	p := c.page("/users/delta?$select=displayName")
	for n := 0; ; n++ {
		apply(p.Value)
		if n < 9 { // in the first rounds and between them
			must(t, c.server.Patch(users[(n*7)%30].ID, map[string]any{"displayName": fmt.Sprint("Neu ", n)}))
			must(t, c.server.Patch(users[(n*7)%30].ID, map[string]any{"city": "anderswo"}))
			must(t, c.server.Remove(users[(n*5+1)%30].ID))
			_, err := c.server.Add(map[string]any{"displayName": fmt.Sprint("Zugang ", n)})
			must(t, err)
			must(t, c.server.Restore(users[(n*5+1)%30].ID))
		}
		if p.Delta != "" && n >= 9 {
			last := c.page(p.Delta)
			apply(last.Value)
			break
		}
		p = c.page(p.Next + p.Delta) // one of them is there
	}
	want := map[string]string{}
	for _, u := range c.server.Users() {
		want[u.ID] = u.DisplayName
	}
	if diff := cmp.Diff(want, mirror); diff != "" {
		t.Error(diff)
	}
}

func TestDeltaMayGiveLess(t *testing.T) {
	who := id(graphtest.JuergenGross)
	change := map[string]any{"displayName": "Jürgen Größer", "faxNumber": nil}
	want := []object{{"id": who, "displayName": "Jürgen Größer", "faxNumber": nil}}
	t.Run("asked for", func(t *testing.T) {
		c := start(t, graphtest.Options{People: 12})
		_, link, _ := c.round("/users/delta", "Prefer", "return=minimal")
		must(t, c.server.Patch(who, change))
		news, _, _ := c.round(link, "Prefer", "return=minimal")
		if diff := cmp.Diff(want, news); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("by itself", func(t *testing.T) {
		c := start(t, graphtest.Options{People: 12, Minimal: true})
		_, link, _ := c.round("/users/delta")
		must(t, c.server.Patch(who, change))
		news, _, _ := c.round(link)
		if diff := cmp.Diff(want, news); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDeltaMayRepeatAndPause(t *testing.T) {
	c := start(t, graphtest.Options{People: 12, EmptyPages: true, Replay: 1})
	first := c.page("/users/delta")
	if len(first.Value) != 0 || first.Next == "" {
		t.Errorf("the first page has %d people and the next link %q", len(first.Value), first.Next)
	}
	everybody, link, _ := c.round(first.Next)
	if len(everybody) != 12 {
		t.Errorf("%d people, want 12", len(everybody))
	}
	must(t, c.server.Remove(id(graphtest.Guest)))
	_, link, _ = c.round(link)
	if again, _, _ := c.round(link); len(again) != 1 {
		t.Errorf("%d changes replayed, want 1", len(again))
	}
}

func TestDeltaTokens(t *testing.T) {
	c := start(t, graphtest.Options{People: 30, PageSize: 10})
	latest := c.page("/users/delta?$deltatoken=latest&$select=displayName")
	if len(latest.Value) != 0 || latest.Delta == "" {
		t.Fatalf("latest gave %d people and the link %q", len(latest.Value), latest.Delta)
	}
	must(t, c.server.Remove(id(graphtest.Guest)))
	for range 2 { // a link may be followed again
		if news, _, _ := c.round(latest.Delta); len(news) != 1 {
			t.Errorf("%d changes since latest, want 1", len(news))
		}
	}
	skip := c.page("/users/delta").Next
	c.server.ExpireDeltaTokens()
	wrong := []string{latest.Delta, skip, "/users/delta?$deltatoken=x", "/users/delta?$skiptoken=%00", strings.Replace(latest.Delta, "deltatoken", "skiptoken", 1)}
	for _, link := range wrong {
		a := c.get(link)
		if a.status != http.StatusGone || a.code() != "resyncRequired" || !strings.Contains(a.header.Get("Location"), "/users/delta?") {
			t.Errorf("GET %s: %d %s, Location %q", link, a.status, a.code(), a.header.Get("Location"))
		}
	}
}

func TestDeltaRefusesWhatGraphRefuses(t *testing.T) {
	c := start(t, graphtest.Options{People: 30})
	for _, query := range []string{
		"$top=5", "$orderby=displayName", "$expand=manager", "$select=birthday", "$select=", "$select=*", "$count=true",
		"$filter=accountEnabled eq true", "$filter=id eq 'a' and id eq 'b'", "$filter=id eq " + strings.Repeat("'a' or id eq ", 50) + "'a'", "%zz",
	} {
		if a := c.get("/users/delta?" + strings.ReplaceAll(query, " ", "%20")); a.status != http.StatusBadRequest || a.code() == "" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	filter := fmt.Sprintf("/users/delta?$select=displayName&$filter=id%%20eq%%20'%s'%%20or%%20id%%20eq%%20'%s'", id(graphtest.WangWei), id(graphtest.Guest))
	objects, link, _ := c.round(filter)
	if len(objects) != 2 {
		t.Errorf("%d people by id, want 2", len(objects))
	}
	must(t, c.server.Remove(id(graphtest.Disabled)))
	must(t, c.server.Remove(id(graphtest.WangWei)))
	if news, _, _ := c.round(link); len(news) != 1 || news[0]["id"] != id(graphtest.WangWei) {
		t.Errorf("news by id: %v", news)
	}
}

// A relation comes as what was added and taken away, and only when it changed.
func TestDeltaTellsChangesOfTheManager(t *testing.T) {
	c := start(t, graphtest.Options{})
	add := func(name string) string {
		id, err := c.server.Add(map[string]any{"displayName": name})
		must(t, err)
		return id
	}
	boss, chief, anna := add("Boss"), add("Chief"), add("Anna")
	must(t, c.server.Patch(anna, map[string]any{"manager": boss}))
	first, link, _ := c.round("/users/delta?$select=displayName,manager")
	relation := func(news []object) string {
		for _, o := range news {
			if o["id"] == anna {
				return fmt.Sprint(o["manager@delta"])
			}
		}
		return "no news"
	}
	step := func(want string, change map[string]any) {
		t.Helper()
		must(t, c.server.Patch(anna, change))
		var news []object
		if news, link, _ = c.round(link); relation(news) != want {
			t.Errorf("after %v: %s, want %s", change, relation(news), want)
		}
	}
	user := func(id string) string { return "map[@odata.type:#microsoft.graph.user id:" + id + "]" }
	gone := func(id string) string {
		return "map[@odata.type:#microsoft.graph.user @removed:map[reason:deleted] id:" + id + "]"
	}
	if got := relation(first); got != "["+user(boss)+"]" {
		t.Errorf("at first: %s", got)
	}
	step("<nil>", map[string]any{"displayName": "Anna B"})
	step("["+user(chief)+" "+gone(boss)+"]", map[string]any{"manager": chief})
	step("["+gone(chief)+"]", map[string]any{"manager": nil})
}

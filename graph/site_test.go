package graph_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/graph/graphtest"
)

// The numbers of a person are read as those of the site where the person sits,
// whether the news are of the number, of the place, or of both.
func TestNumbersOfASite(t *testing.T) {
	munich := func(written string) string { return "+4989" + strings.Trim(written, "x") }
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(graphtest.Options{People: 5})
		reach, stop := serve(t, c.ServeHTTP)
		defer stop()
		reach.Credential = signIn{reach.HTTP, c.Tenant}
		sink := newMemory()
		m := mirror(t, reach, sink, func(o *graph.Options) {
			o.E164 = func(written string) string { return "+4930" + strings.Trim(written, "x") }
			o.Site = func(c *directory.Contact) func(string) string {
				if c.Address.City == "Munich" {
					return munich
				}
				return nil
			}
		})
		syncUsers(t, m, directory.SyncRequest{})
		id := c.people[0]
		for _, step := range []struct {
			news map[string]any
			want string // E.164 of all numbers
		}{
			{map[string]any{"city": "Berlin", "businessPhones": []string{"1234"}, "mobilePhone": "5678", "faxNumber": nil}, "+49301234 +49305678"},
			{map[string]any{"city": "Munich"}, "+49891234 +49895678"},
			{map[string]any{"mobilePhone": "9999"}, "+49891234 +49899999"},
			{map[string]any{"mobilePhone": "x1234x"}, "+49891234"}, // one number, written twice
			{map[string]any{"displayName": "New"}, "+49891234"},
			{map[string]any{"city": nil, "mobilePhone": "5678"}, "+49301234 +49305678"},
			{map[string]any{"city": "Munich", "businessPhones": []string{"77"}}, "+498977 +49895678"},
		} {
			if err := c.Patch(id, step.news); err != nil {
				t.Fatal(err)
			}
			syncUsers(t, m, directory.SyncRequest{})
			var got []string
			for _, p := range sink.contacts[directory.ContactID(id)].Phones {
				got = append(got, p.E164)
			}
			if s := strings.Join(got, " "); s != step.want {
				t.Errorf("after %v: %s, want %s", step.news, s, step.want)
			}
		}
	})
}

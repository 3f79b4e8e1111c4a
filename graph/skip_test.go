package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

// What a round leaves out is named with a reason that tells nothing of a person.
func TestSkipsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, stop := serve(t, page("A", anna+`,{"id":"../\nx"},{"displayName":"Bernd"},
			{"id":"c","displayName":{"first":"Clara"},"mobilePhone":7}`))
		defer stop()
		got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{})
		want := []directory.Skip{
			{ID: "../ x", Reason: "The object has no id that a contact can have."},
			{ID: "", Reason: "The object has no id that a contact can have."},
			{ID: "c", Reason: "Left as it was: property displayName: unexpected JSON type; property mobilePhone: unexpected JSON type."},
		}
		if diff := cmp.Diff(want, got.Skips); diff != "" || got.Skipped != 2 || got.MoreSkips != 0 {
			t.Errorf("skipped %d, more %d (-want +got):\n%s", got.Skipped, got.MoreSkips, diff)
		}
	})
}

func TestSkipsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		for i := range directory.MaxSkips + 20 {
			fmt.Fprintf(&b, `,{"id":"/%d"}`, i)
		}
		tenant, stop := serve(t, page("A", anna+b.String()))
		defer stop()
		got := syncUsers(t, mirror(t, tenant, newMemory(), nil), directory.SyncRequest{})
		if len(got.Skips) != directory.MaxSkips || got.MoreSkips != 20 || got.Skipped != directory.MaxSkips+20 {
			t.Errorf("named %d, more %d, skipped %d", len(got.Skips), got.MoreSkips, got.Skipped)
		}
	})
}

func TestSkippedPhotosAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outlook{t: t, photos: map[string][]byte{"a": nil, "b": []byte("not a picture"), "c": nil, "d": portrait(t, 96, 96, asJPEG)}}
		o.fail = func(url string) (int, string, map[string]any) {
			switch url {
			case "/users/a/photo":
				return 403, `{"error":{"code":"ErrorAccessDenied","message":"Mailbox anna@contoso.example"}}`, nil
			case "/users/c/photo":
				return 200, `[1]`, nil
			case "/users/d/photo/$value":
				return 404, `{}`, nil
			}
			return 0, "", nil
		}
		tenant, stop := serve(t, o.ServeHTTP)
		defer stop()
		rounds, err := mirror(t, tenant, newMemory(), withPhotos).Sync(t.Context(), directory.SyncRequest{})
		if err != nil {
			t.Fatal(err)
		}
		want := []directory.Skip{
			{ID: "a", Reason: "Exchange refused access to the mailbox."},
			{ID: "c", Reason: "The answer about the photo cannot be read."},
			{ID: "b", Reason: "The photo is too large, or no picture that can be read."},
			{ID: "d", Reason: "The photo was gone when it was fetched."},
		}
		if diff := cmp.Diff(want, rounds[1].Skips); diff != "" {
			t.Errorf("skips (-want +got):\n%s", diff)
		}
	})
}

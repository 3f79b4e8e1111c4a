package directory_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringbook/directory"
)

func TestExtras(t *testing.T) {
	x := directory.Extras("").Lay([]directory.Extra{
		{Name: "b", Values: []string{"2", "", " 1 ", "2", "a=b\nc"}},
		{Name: "a", Values: []string{"old"}},
		{Name: "a", Values: []string{"x"}},
		{Name: "none"},
	})
	if want := directory.Extras("a=x\nb=1\nb=2\nb=a=bc"); x != want {
		t.Fatalf("Lay = %q, want %q", x, want)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "a=bc"}, x.Append([]string{"0"}, "b")); diff != "" {
		t.Error(diff)
	}
	if got := x.Append(nil, "none"); got != nil {
		t.Errorf("an attribute without values has %q", got)
	}
	if got := x.Lay([]directory.Extra{{Name: "b"}, {Name: "a", Values: []string{"y"}}}); got != "a=y" {
		t.Errorf("after it was cleared: %q", got)
	}
	if got := x.Lay(nil); got != x {
		t.Errorf("no news made %q of %q", got, x)
	}
}

// Laying news twice is laying them once, and no news touch another attribute.
func TestExtrasAreIdempotent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "ab", "b", "extensionAttribute1"}
	var x directory.Extras
	for range 500 {
		news := []directory.Extra{{Name: names[r.IntN(len(names))]}}
		for range r.IntN(3) {
			news[0].Values = append(news[0].Values, strings.Repeat("v", 1+r.IntN(3)))
		}
		next := x.Lay(news)
		if again := next.Lay(news); again != next {
			t.Fatalf("%v over %q: %q, then %q", news, x, next, again)
		}
		for _, name := range names {
			if name != news[0].Name && !slices.Equal(x.Append(nil, name), next.Append(nil, name)) {
				t.Fatalf("%v changed %s in %q", news, name, x)
			}
		}
		x = next
	}
}

package directory_test

import (
	"strings"
	"testing"

	"ringbook/directory"
	"ringbook/directory/text"
)

// plainNames are display name, given name and surname, and what that is in plain.
// Nothing changes it.
var plainNames = [][4]string{
	{"Karen Adler", "Karen", "Adler", "Karen Adler"},
	{"Adler, Karen", "Karen", "Adler", "Karen Adler"},
	{"Adler,Karen", "Karen", "Adler", "Karen Adler"},
	{"ADLER ,\u00a0Karen", "Karen", "Adler", "Karen ADLER"},
	{"von der Heide, Jan-Ove", "Jan-Ove", "von der Heide", "Jan-Ove von der Heide"},
	{"Adler, Karen", "", "", "Adler Karen"},
	{"Adler, Karen", "Karen", "", "Adler Karen"},
	{"Adler, Karen", "Karen Maria", "Adler", "Adler Karen"},
	{"Karen, Adler", "Karen", "Adler", "Karen Adler"}, // in that order already
	{"Adler, Karen (Sales)", "Karen", "Adler", "Adler Karen (Sales)"},
	{"Adler, Karen, Dr.", "Karen", "Adler", "Adler Karen Dr."},
	{"King, Jr., Martin", "Martin", "King, Jr.", "King Jr. Martin"},
	{"Müller , , Söhne,", "", "", "Müller Söhne"},
	{"Lager  2, Berlin", "", "", "Lager  2 Berlin"},
	{"，Wang﹐ Wei‚ X︐", "", "", "Wang Wei X"},
	{",", "Karen", "Adler", "?"},
	{" , ,", "", "", "?"},
	{"", "Karen, Maria", "Adler", "Karen Maria Adler"},
	{"", "", "", "c-1"},
}

func TestPlainNames(t *testing.T) {
	for _, n := range plainNames {
		c := &directory.Contact{ID: "c-1", DisplayName: n[0], GivenName: n[1], Surname: n[2]}
		if got := directory.NamesPlain.Name(c); got != n[3] {
			t.Errorf("%q, %q, %q is %q, want %q", n[0], n[1], n[2], got, n[3])
		}
		for _, as := range []directory.NameStyle{"", directory.NamesWritten} {
			if got := as.Name(c); got != c.Name() {
				t.Errorf("style %q: %q", as, got)
			}
		}
	}
	one := &directory.Contact{DisplayName: "Karen Adler"}
	if n := testing.AllocsPerRun(100, func() { directory.NamesPlain.Name(one) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzPlainName: a plain name has no comma, also not in other letters, is not empty
// unless there is nothing to call the contact by, and is its own plain name.
func FuzzPlainName(f *testing.F) {
	for _, n := range plainNames {
		f.Add(n[0], n[1], n[2])
	}
	f.Fuzz(func(t *testing.T, display, given, surname string) {
		c := &directory.Contact{DisplayName: display, GivenName: given, Surname: surname}
		got := directory.NamesPlain.Name(c)
		if strings.ContainsAny(got, ",，") || (got == "") != (c.Name() == "") {
			t.Errorf("%q, %q, %q is %q", display, given, surname, got)
		}
		if shown := text.ASCII(got); strings.Contains(shown, ",") && !strings.ContainsFunc(got, isDigitWithComma) {
			t.Errorf("%q is shown as %q", got, shown)
		}
		c.DisplayName = got
		if again := directory.NamesPlain.Name(c); got != "" && again != got {
			t.Errorf("%q, and of that %q", got, again)
		}
	})
}

// isDigitWithComma: the signs 🄁 to 🄊, one character each, are no commas to us.
func isDigitWithComma(r rune) bool { return '\U0001f101' <= r && r <= '\U0001f10a' }

package auth_test

import (
	"errors"
	"strings"
	"testing"

	"ringbook/directory"
)

// FuzzAuthenticate: nothing but the login, in any case and with blanks around
// it, together with the secret exactly, gets in; everything else gets one of
// two answers.
func FuzzAuthenticate(f *testing.F) {
	a := open(f, &disk{})
	dev, secret := add(f, a, "phone")
	for _, s := range [][2]string{
		{string(dev.Login), secret},
		{strings.ToUpper(string(dev.Login)), secret},
		{" " + string(dev.Login) + " ", secret},
		{string(dev.Login), secret + "\x00"},
		{string(dev.Login) + "\x00", secret},
		{"", ""},
		{"\u212a\u017f", "\xff"},
		{strings.Repeat("a", 5000), strings.Repeat("b", 5000)},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, login, given string) {
		got, err := a.Authenticate(t.Context(), here, login, given)
		if err == nil {
			if got.ID != dev.ID || given != secret || !strings.EqualFold(strings.Trim(login, " "), string(dev.Login)) {
				t.Errorf("login %q was let in as %s", login, got.ID)
			}
			return
		}
		if late := (*directory.ThrottledError)(nil); !errors.As(err, &late) && !errors.Is(err, directory.ErrCredential) {
			t.Errorf("error is %v", err)
		}
	})
}

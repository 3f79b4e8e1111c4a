package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"ringbook/directory"
	"ringbook/server/auth"
)

// try returns how long the caller was told to wait; 0 = the attempt was looked at.
func try(t *testing.T, a *auth.Authority, from netip.Addr, login directory.Login, secret string, right bool) time.Duration {
	t.Helper()
	_, err := a.Authenticate(context.Background(), from, string(login), secret)
	if late := (*directory.ThrottledError)(nil); errors.As(err, &late) {
		if late.RetryAfter <= 0 {
			t.Fatalf("told to wait %v", late.RetryAfter)
		}
		return late.RetryAfter
	}
	if right != (err == nil) {
		t.Fatalf("login %s: %v", login, err)
	}
	return 0
}

// exhaust fails until it is throttled, and returns how often that took.
func exhaust(t *testing.T, a *auth.Authority, from netip.Addr, login directory.Login) int {
	t.Helper()
	for n := range 1000 {
		if try(t, a, from, login, "wrong", false) > 0 {
			return n
		}
	}
	t.Fatal("never throttled")
	return 0
}

// TestThrottleAnswersAlike: nothing tells an unknown login from a wrong secret.
func TestThrottleAnswersAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, _ := add(t, a, "phone")
		gone, goneSecret := add(t, a, "gone")
		if _, err := a.SetState(t.Context(), gone.ID, directory.DeviceRevoked); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			var said [3]string
			for i, c := range [3][2]string{{string(dev.Login), "wrong"}, {"zzzzzzzz", "wrong"}, {string(gone.Login), goneSecret}} {
				_, err := a.Authenticate(t.Context(), here, c[0], c[1])
				said[i] = fmt.Sprint(err)
			}
			if said[0] != said[1] || said[0] != said[2] {
				t.Fatalf("answers differ: %q", said)
			}
		}
	})
}

func TestThrottleRefills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, secret := add(t, a, "phone")
		if n := exhaust(t, a, here, dev.Login); n != 10 {
			t.Errorf("throttled after %d failures", n)
		}
		wait := try(t, a, here, dev.Login, secret, true)
		if wait == 0 || wait > 6*time.Second {
			t.Fatalf("told to wait %v", wait)
		}
		for range 1000 { // attempts that are refused do not prolong it
			try(t, a, here, dev.Login, "wrong", false)
		}
		<-time.After(wait)
		if wait := try(t, a, here, dev.Login, secret, true); wait > 0 {
			t.Errorf("told to wait %v more", wait)
		}
		<-time.After(time.Hour)
		if n := exhaust(t, a, here, dev.Login); n != 10 {
			t.Errorf("after an hour throttled after %d failures", n)
		}
	})
}

func TestRightSecretsAreNeverThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, secret := add(t, a, "phone")
		for range 10_000 {
			if wait := try(t, a, here, dev.Login, secret, true); wait > 0 {
				t.Fatalf("told to wait %v", wait)
			}
		}
	})
}

// A login that is under attack from elsewhere works for its own phone.
func TestAttackFromElsewhereLocksNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, secret := add(t, a, "phone")
		for i := range 200 {
			exhaust(t, a, netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), dev.Login)
		}
		if wait := try(t, a, here, dev.Login, secret, true); wait > 0 {
			t.Errorf("told to wait %v", wait)
		}
	})
}

// One phone that sends an old secret for ever does not harm those behind the same address.
func TestOneBrokenPhoneBehindASharedAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		broken, _ := add(t, a, "broken")
		fresh, secret := add(t, a, "never seen here")
		for range 2 * 60 * 60 { // two hours, every second
			try(t, a, here, broken.Login, "old", false)
			<-time.After(time.Second)
		}
		if wait := try(t, a, here, fresh.Login, secret, true); wait > 0 {
			t.Errorf("told to wait %v", wait)
		}
	})
}

// Somebody who guesses logins uses his address up, but not for those who have
// logged in from it.
func TestGuesserBehindASharedAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		old, oldSecret := add(t, a, "old")
		fresh, freshSecret := add(t, a, "fresh")
		try(t, a, here, old.Login, oldSecret, true)
		looked := 0
		for i := range 1000 {
			if try(t, a, here, directory.Login(fmt.Sprintf("guess%d", i)), "wrong", false) == 0 {
				looked++
			}
		}
		if looked != 100 {
			t.Errorf("%d guesses were looked at", looked)
		}
		if wait := try(t, a, here, old.Login, oldSecret, true); wait > 0 {
			t.Errorf("a login that worked here was told to wait %v", wait)
		}
		if try(t, a, here, old.Login, "wrong", false) == 0 {
			t.Error("its wrong secret was answered otherwise than an unknown login")
		}
		if try(t, a, here, fresh.Login, freshSecret, true) == 0 {
			t.Error("a login that was never seen here was looked at")
		}
		if wait := try(t, a, there, fresh.Login, freshSecret, true); wait > 0 {
			t.Errorf("from elsewhere it was told to wait %v", wait)
		}
	})
}

func TestThrottleSeesOneCustomerInAnIPv6Prefix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &disk{})
		dev, secret := add(t, a, "phone")
		exhaust(t, a, netip.MustParseAddr("2001:db8:1:2::1"), dev.Login)
		if try(t, a, netip.MustParseAddr("2001:db8:1:2:ffff::9%eth0"), dev.Login, secret, true) == 0 {
			t.Error("the same /64 was taken for another")
		}
		if wait := try(t, a, netip.MustParseAddr("2001:db8:1:3::1"), dev.Login, secret, true); wait > 0 {
			t.Error("another /64 was taken for the same")
		}
		exhaust(t, a, here, dev.Login)
		if try(t, a, netip.AddrFrom16(here.As16()), dev.Login, secret, true) == 0 {
			t.Error("an IPv4 address in IPv6 form was taken for another")
		}
		exhaust(t, a, netip.Addr{}, dev.Login) // a peer without an address
	})
}

// However many addresses and logins fail, the tables do not grow beyond their limit.
func TestThrottleIsBounded(t *testing.T) {
	a := open(t, &disk{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	request := make([]byte, 4<<10)
	for i := range 25_000 {
		// Each login is a piece of a large message, as a surface may hand it over.
		n := copy(request, fmt.Sprintf("login%d", i))
		message := string(request)
		try(t, a, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), directory.Login(message[:n]), "x", false)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the throttle holds %d KiB", grown>>10)
	}
	runtime.KeepAlive(a)
}

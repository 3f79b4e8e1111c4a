package main

import (
	"context"
	"log/slog"
	"time"

	"ringbook/directory"
)

// expiryEvery is how often the credentials' ends are looked at: the shortest
// notice is a day.
const expiryEvery = 12 * time.Hour

// notices returns how many days before its end a credential is warned of.
func notices() []int { return []int{60, 30, 14, 7, 1} }

// credentials knows how the tenant is signed in to. *graph.Credential is one.
type credentials interface {
	Status() []directory.CredentialStatus
}

// watchExpiry warns of credentials that end, until ctx does: once for each notice.
func watchExpiry(ctx context.Context, c credentials, log *slog.Logger) {
	tick := time.NewTicker(expiryEvery)
	defer tick.Stop()
	told := make(map[directory.CredentialStatus]int)
	for {
		for _, st := range c.Status() {
			id := directory.CredentialStatus{Name: st.Name, Expires: st.Expires}
			notice, ends := noticeOf(st, time.Now())
			if before, again := told[id]; !ends || again && before <= notice {
				continue
			}
			told[id] = notice
			level, text := slog.LevelWarn, "credential expires soon, make the next one"
			if notice == 0 {
				level, text = slog.LevelError, "credential has expired"
			}
			log.LogAttrs(ctx, level, text, slog.String("credential", st.Name), slog.Time("expires", st.Expires)) //nolint:sloglint // one of two constants
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// noticeOf returns the shortest notice that has begun, in days; 0 = it has
// expired. false = there is time enough, or the end is not known.
func noticeOf(st directory.CredentialStatus, now time.Time) (days int, ends bool) {
	if st.Expires.IsZero() {
		return 0, false
	}
	left := st.Expires.Sub(now)
	if left <= 0 {
		return 0, true
	}
	for _, n := range notices() {
		if left <= time.Duration(n)*24*time.Hour {
			days, ends = n, true
		}
	}
	return days, ends
}

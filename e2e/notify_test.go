package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestNotifications: Microsoft says that somebody has changed, and seconds later
// the phones see it, although the interval is an hour. A stranger's word is answered
// like Microsoft's.
func TestNotifications(t *testing.T) {
	t.Parallel()
	s := startTenant(t, 20)
	anna := s.add(person("Anna", "Ader", nil))
	r := startRingbook(t, s, "notifications = true")
	d := r.addDevice()
	c := r.dav(t, d)
	eventually(t, "the subscription", func() error {
		if state, says := r.source("notifications"); state != "waiting" || says != "" {
			return fmt.Errorf("%s %s", state, says)
		}
		return nil
	})
	s.patch(anna, map[string]any{"displayName": "Anna Neumann"})
	forged := `{"value":[{"clientState":"guess","changeType":"updated","resource":"Users/` + anna + `"}]}`
	resp, err := insecure.Post(r.url+"/hooks/graph", "application/json", strings.NewReader(forged))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("a forged notification is answered with %d", resp.StatusCode)
	}
	s.control("POST", "notify/"+anna, nil)
	eventually(t, "the new name on the phone", func() error {
		if body := c.do("GET", d.book()+anna+".vcf", "").body; !strings.Contains(body, "Anna Neumann") {
			return fmt.Errorf("%s", body)
		}
		return nil
	})
	s.control("POST", "notify/"+anna+"?lifecycle=reauthorizationRequired", nil)
}

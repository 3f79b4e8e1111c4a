package main

import (
	"net/http"
	"testing"
)

func TestRemoteAddr(t *testing.T) {
	for _, c := range []struct {
		behindProxy bool
		forwarded   []string
		peer, want  string
	}{
		{false, nil, "192.0.2.1:5", "192.0.2.1"},
		{false, []string{"203.0.113.9"}, "192.0.2.1:5", "192.0.2.1"}, // anybody may write it
		{false, nil, "[::ffff:192.0.2.1]:5", "192.0.2.1"},
		{true, nil, "192.0.2.1:5", "192.0.2.1"},
		{true, []string{"198.51.100.7, 203.0.113.9"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"198.51.100.7", "203.0.113.9"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"203.0.113.9:51234"}, "192.0.2.1:5", "203.0.113.9"},
		{true, []string{"2001:db8::9"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"[2001:db8::9]"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"[2001:db8::9]:51234"}, "192.0.2.1:5", "2001:db8::9"},
		{true, []string{"unknown"}, "192.0.2.1:5", "192.0.2.1"},
		{true, []string{""}, "192.0.2.1:5", "192.0.2.1"},
		{true, nil, "@", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := remoteAddr(c.behindProxy)(r).String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

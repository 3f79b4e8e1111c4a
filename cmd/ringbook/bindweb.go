package main

import (
	"net/http"
	"strings"

	"ringbook/config"
	"ringbook/graph"
	"ringbook/server/carddav"
	"ringbook/server/lookup"
	"ringbook/server/notify"
	"ringbook/server/phonebook"
)

// A route is a path and who answers there and below.
type route struct {
	path    string
	handler http.Handler
}

// routed sends each request where its path belongs. All other paths are rest's.
func routed(rest http.Handler, table ...route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, t := range table {
			if below, ok := strings.CutPrefix(r.URL.Path, t.path); ok && (below == "" || below[0] == '/') {
				t.handler.ServeHTTP(w, r)
				return
			}
		}
		rest.ServeHTTP(w, r)
	})
}

// web is everything that phones, telephone systems and Graph reach over HTTP.
func (p *program) web(cfg *config.Config, told graph.Notify) http.Handler {
	from := remoteAddr(cfg.HTTP.BehindProxy)
	table := []route{
		{lookup.Path, lookup.New(lookup.Options{
			Directory: p.store, Auth: p.auth, Journal: p.journal, PublicURL: cfg.PublicURL, Log: p.log, RemoteAddr: from,
		})},
		{strings.TrimSuffix(phonebook.Root, "/"), phonebook.New(phonebook.Options{
			Directory: p.store, Auth: p.auth, Journal: p.journal, PublicURL: cfg.PublicURL, Log: p.log, RemoteAddr: from,
		})},
	}
	if told.URL != "" { // Graph was asked to tell of changes
		table = append(table, route{notify.Path, notify.New(notify.Options{State: told.State, Hint: p.mirror.Hint, Renew: p.mirror.Renew, Log: p.log})})
	}
	return routed(carddav.New(carddav.Options{
		Directory: p.store, Auth: p.auth, Journal: p.journal, Log: p.log, RemoteAddr: from,
	}), table...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/carddav"
)

// maxListing bounds an answer of the server: that which lists a book of 100,000
// has 40 MB.
const maxListing = 256 << 20

// A davClient sends to the server as a phone does: without a proxy and without
// following a redirect, which would carry the login away.
type davClient struct{ http *http.Client }

func newDAVClient() davClient {
	return davClient{&http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do implements webdav.HTTPClient.
func (c davClient) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "ringbook check") // in the device's history it is not the phone
	resp, err := c.http.Do(req)                    //nolint:gosec // to public_url only
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxListing)
	return resp, nil
}

// discovery walks from the host to the login, as every phone begins.
func (s *serverCheck) discovery(ctx context.Context) part {
	for _, method := range []string{"PROPFIND", http.MethodGet} {
		resp, err := s.ask(ctx, method, "/.well-known/carddav") //nolint:bodyclose // ask closes it
		if err != nil {
			return serverFailure(err, s.web)
		}
		to, err := url.Parse(resp.Header.Get("Location"))
		if resp.StatusCode/100 != 3 || err != nil || to.Path != "/dav/" || to.Host != "" && to.Host != resp.Request.URL.Host {
			return bad(fmt.Sprintf("%s of %s/.well-known/carddav is answered with status %d, not with a redirect to /dav/.", method, s.cfg.PublicURL, resp.StatusCode),
				"Check that it is Ringbook that answers at public_url. A proxy in front must hand on every path and method.")
		}
	}
	resp, err := s.ask(ctx, "PROPFIND", "/dav/") //nolint:bodyclose // ask closes it
	if err != nil {
		return serverFailure(err, s.web)
	}
	if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Basic") {
		return bad(fmt.Sprintf("%s/dav/ answers with status %d and does not ask for a login.", s.cfg.PublicURL, resp.StatusCode),
			"A proxy in front must hand on every path and method, and the headers Authorization and WWW-Authenticate.")
	}
	return ok("%s leads phones to /dav/, which asks for a login.", s.cfg.PublicURL)
}

// ask sends a request without a login and reads its answer away.
func (s *serverCheck) ask(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.cfg.PublicURL+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Depth", "0")
	resp, err := newDAVClient().Do(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxDeviceSecret)) // what it says is of no interest
	return resp, errors.Join(err, resp.Body.Close())
}

// books logs in as the device and counts what it would fetch.
func (s *serverCheck) books(ctx context.Context) part {
	counts, err := s.countBooks(ctx)
	var status *url.Error
	switch {
	case errors.As(err, &status):
		return serverFailure(err, s.web)
	case err != nil:
		return bad(fmt.Sprintf("The device %s was not served over CardDAV: %v.", s.login, err), "Check login and secret: `ringbook device list`, `ringbook device rotate`.")
	case len(counts) == 0:
		return bad("The device "+s.login+" has no book.", "Name one: `ringbook device show "+s.login+"`.")
	}
	return ok("The device %s is served %s.", s.login, strings.Join(counts, ", "))
}

func (s *serverCheck) countBooks(ctx context.Context) ([]string, error) {
	c, err := carddav.NewClient(webdav.HTTPClientWithBasicAuth(newDAVClient(), s.login, s.secret), s.cfg.PublicURL+"/dav/")
	if err != nil {
		return nil, err
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		return nil, err
	}
	home, err := c.FindAddressBookHomeSet(ctx, principal)
	if err != nil {
		return nil, err
	}
	books, err := c.FindAddressBooks(ctx, home)
	if err != nil {
		return nil, err
	}
	var counts []string
	for _, b := range books {
		all, err := c.SyncCollection(ctx, b.Path, &carddav.SyncQuery{})
		if err != nil {
			return nil, err
		}
		counts = append(counts, fmt.Sprintf("%s (%d contacts)", path.Base(b.Path), len(all.Updated)))
	}
	return counts, nil
}

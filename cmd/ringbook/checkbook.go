package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"ringbook/graph"
	"ringbook/server/lookup"
	"ringbook/server/phonebook"
)

// maxShort bounds what is read of an answer that has one page, or one name.
const maxShort = 1 << 20

// pageForm is the form of the phone book that comes in pages, of which the first tells
// enough, and in the journal it is a search, not a copy that the device holds.
const pageForm = phonebook.Root + "cisco.xml"

// phoneBook asks for the XML phone book as a phone does: without a login, which has to
// be refused with the words that phones know, and then as the device, if there is one.
func (s *serverCheck) phoneBook(ctx context.Context) part {
	body, p := s.asDevice(ctx, pageForm)
	if p != nil {
		return *p
	}
	var page struct {
		XMLName xml.Name   `xml:"CiscoIPPhoneDirectory"`
		Entries []struct{} `xml:"DirectoryEntry"`
	}
	if err := xml.Unmarshal(body, &page); err != nil {
		return bad(fmt.Sprintf("%s%s is no phone book: %v.", s.cfg.PublicURL, pageForm, err), "Check that it is Ringbook that answers at public_url, and that nothing in front changes what it says.")
	}
	if len(page.Entries) == 0 {
		return part{
			State: graph.CheckWarning, Detail: "The phone book of the device " + s.login + " shows nobody.",
			Mend: "Look at its books, and whether who is in them has a number: `ringbook device show " + s.login + "`.",
		}
	}
	return ok("The device %s is served the phone book below %s%s.", s.login, s.cfg.PublicURL, phonebook.Root)
}

// lookUp asks as a dialplan does, for a number that nobody has.
func (s *serverCheck) lookUp(ctx context.Context) part {
	_, p := s.asDevice(ctx, lookup.Path+"?number=000")
	if p != nil {
		return *p
	}
	return ok("The device %s may look numbers up at %s%s.", s.login, s.cfg.PublicURL, lookup.Path)
}

// asDevice gets an address without a login, which has to ask for one, and then with
// that of the device, if there is one. A part = that is all there is to say.
func (s *serverCheck) asDevice(ctx context.Context, address string) ([]byte, *part) {
	path, _, _ := strings.Cut(address, "?")
	at := s.cfg.PublicURL + path
	resp, _, err := s.get(ctx, address, false) //nolint:bodyclose // get closes it
	if err != nil {
		return nil, new(serverFailure(err, s.web))
	}
	if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("Www-Authenticate"), "Basic") {
		return nil, new(bad(fmt.Sprintf("%s answers with status %d and does not ask for a login.", at, resp.StatusCode),
			"A proxy in front must hand on every path, and the headers Authorization and WWW-Authenticate."))
	}
	if s.login == "" {
		return nil, new(ok("%s asks for a login.", at))
	}
	resp, body, err := s.get(ctx, address, true) //nolint:bodyclose // get closes it
	switch {
	case err != nil:
		return nil, new(serverFailure(err, s.web))
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, new(bad(fmt.Sprintf("%s refuses the device %s.", at, s.login), "Check login and secret: `ringbook device list`, `ringbook device rotate`. A proxy in front must hand on the header Authorization."))
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, new(bad(at+" lets nobody log in from here for some minutes: too many logins have failed.", "Correct the login and the secret, then wait."))
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, new(bad(at+" has no directory to show yet.", "Look at `ringbook status`: the first sync has not come through."))
	case resp.StatusCode != http.StatusOK:
		return nil, new(bad(fmt.Sprintf("%s answers the device %s with status %d.", at, s.login, resp.StatusCode), "Read the server's log."))
	}
	return body, nil
}

// get asks for an address below the public URL; login = as the device.
func (s *serverCheck) get(ctx context.Context, address string, login bool) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.PublicURL+address, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	if login {
		req.SetBasicAuth(s.login, s.secret)
	}
	resp, err := newDAVClient().Do(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxShort))
	return resp, body, errors.Join(err, resp.Body.Close())
}

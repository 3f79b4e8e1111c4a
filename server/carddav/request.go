package carddav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"ringbook/directory"
)

// The namespaces.
const (
	nsDAV     = "DAV:"
	nsCardDAV = "urn:ietf:params:xml:ns:carddav"
	nsServer  = "http://calendarserver.org/ns/"
)

var nameCardData = xml.Name{Space: nsCardDAV, Local: "address-data"}

// A selection is which properties an answer shows (RFC 4918 §14.20).
type selection struct {
	mode  selectMode
	names []xml.Name // of selectProps, and of selectAll the included ones
	data  *cardData  // CARDDAV:address-data; nil = not asked for
}

type selectMode uint8

const (
	selectProps selectMode = iota
	selectAll
	selectNames
)

// cardData is CARDDAV:address-data in a request (RFC 6352 §10.4).
type cardData struct {
	props []dataProp // nil = whole cards
}

type dataProp struct {
	name    string // upper case
	noValue bool
}

// parsePropfind reads DAV:propfind (RFC 4918 §14.20). An empty body asks for all.
func parsePropfind(s *scanner) (selection, error) {
	root, err := s.root()
	if errors.Is(err, io.EOF) {
		return selection{mode: selectAll}, nil
	}
	if err != nil {
		return selection{}, err
	}
	if root.Name != (xml.Name{Space: nsDAV, Local: "propfind"}) {
		return selection{}, fmt.Errorf("no propfind: %w", directory.ErrInvalid)
	}
	var sel selection
	chosen := false
	err = s.children(func(t xml.StartElement) error {
		is, err := sel.parse(s, t)
		chosen = chosen || is
		return err
	})
	if err == nil && !chosen {
		err = fmt.Errorf("propfind for nothing: %w", directory.ErrInvalid)
	}
	if err == nil {
		err = s.end()
	}
	return sel, err
}

// parse reads t, and lays it to sel if it belongs to a selection. chosen = it
// says which properties are meant.
func (sel *selection) parse(s *scanner, t xml.StartElement) (chosen bool, err error) {
	if t.Name.Space != nsDAV {
		return false, s.skip()
	}
	switch t.Name.Local {
	case "prop":
		return true, sel.parseProps(s)
	case "include":
		return false, sel.parseProps(s)
	case "allprop":
		sel.mode = selectAll
		return true, s.skip()
	case "propname":
		sel.mode = selectNames
		return true, s.skip()
	}
	return false, s.skip()
}

func (sel *selection) parseProps(s *scanner) error {
	return s.children(func(t xml.StartElement) error {
		if t.Name == nameCardData {
			d, err := parseCardData(s, t)
			sel.data = d
			return err
		}
		if len(sel.names) == maxNames {
			return fmt.Errorf("more than %d properties: %w", maxNames, directory.ErrTooLarge)
		}
		sel.names = append(sel.names, t.Name)
		return s.skip()
	})
}

// parseCardData reads CARDDAV:address-data. A version is not looked at: whoever
// asks for 4.0 unasked can read the 3.0 that we announce, and nobody is helped by
// getting nothing.
func parseCardData(s *scanner, t xml.StartElement) (*cardData, error) {
	for _, a := range t.Attr {
		if a.Name.Local == "content-type" && !strings.EqualFold(a.Value, "text/vcard") {
			return nil, &statusError{status: http.StatusForbidden, condition: conditionData, text: "only text/vcard is served"}
		}
	}
	d := &cardData{}
	return d, s.children(func(t xml.StartElement) error {
		if t.Name.Local == "prop" {
			if len(d.props) == maxNames {
				return fmt.Errorf("more than %d properties: %w", maxNames, directory.ErrTooLarge)
			}
			d.props = append(d.props, dataProp{
				name:    strings.ToUpper(attribute(t, "name")),
				noValue: attribute(t, "novalue") == "yes",
			})
		}
		return s.skip()
	})
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// parseLimit reads DAV:limit or CARDDAV:limit (RFC 5323 §5.17, RFC 6352 §10.6).
func parseLimit(s *scanner) (int, error) {
	limit := 0
	err := s.children(func(t xml.StartElement) error {
		if t.Name.Local != "nresults" {
			return s.skip()
		}
		text, err := s.text()
		if err != nil {
			return err
		}
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 {
			return fmt.Errorf("limit %q: %w", text, directory.ErrInvalid)
		}
		return nil
	})
	if err == nil && limit == 0 {
		err = fmt.Errorf("limit without a number: %w", directory.ErrInvalid)
	}
	return limit, err
}

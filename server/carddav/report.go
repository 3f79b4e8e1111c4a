package carddav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"

	"ringbook/directory"
)

// A report is one REPORT (RFC 3253 §3.6). From this table requests are
// dispatched and DAV:supported-report-set is written.
type report struct {
	name  xml.Name
	kinds kind // of the resources that it may be asked of
	// serve reads the rest of the body and answers.
	serve func(*exchange, *scanner, resource) error
}

func reportTable() []report {
	return []report{
		{xml.Name{Space: nsCardDAV, Local: "addressbook-multiget"}, kindHome | kindBook | kindCard, (*exchange).multiget},
		{xml.Name{Space: nsCardDAV, Local: "addressbook-query"}, kindBook | kindCard, (*exchange).query},
		{xml.Name{Space: nsDAV, Local: "sync-collection"}, kindBook, (*exchange).syncCollection},
		{xml.Name{Space: nsDAV, Local: "expand-property"}, kindAll, (*exchange).expandProperty},
	}
}

// report answers REPORT. Depth is not looked at but by sync-collection: clients
// send what they like, and no report of ours depends on it.
func (x *exchange) report() error {
	res, err := x.find()
	if err != nil {
		return err
	}
	s, err := x.newScanner()
	if err != nil {
		return err
	}
	defer s.free(x)
	root, err := s.root()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("report without a body: %w", directory.ErrInvalid)
	}
	if err != nil {
		return err
	}
	for _, p := range x.h.reports {
		if p.name == root.Name && p.kinds&res.kind != 0 {
			return p.serve(x, s, res)
		}
	}
	return &statusError{status: http.StatusForbidden, condition: conditionReport, text: "no such report here"}
}

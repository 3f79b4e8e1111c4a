package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"ringbook/directory"
)

const (
	// answerWait is how long an answer may take that needs no round of the mirror.
	answerWait = 30 * time.Second
	// maxAnswer holds the list of far more devices than a company has.
	maxAnswer = 64 << 20
)

// A Client asks a running server over its admin socket. Its errors are of
// [*Failure].
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a client of the socket at path; it does not connect yet.
func NewClient(path string) *Client {
	var d net.Dialer
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true, // a command asks once: nothing stays open behind it
	}}}
}

// Status asks how the server is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, "status", nil)
}

// Sync runs a round of every feed and waits for it as long as ctx lets it.
func (c *Client) Sync(ctx context.Context, r directory.SyncRequest) (SyncReport, error) {
	var report SyncReport
	body, err := c.do(ctx, http.MethodPost, "sync", r)
	if err != nil {
		return report, err
	}
	return report, c.decode(body, &report)
}

// Books lists the books with their rules.
func (c *Client) Books(ctx context.Context) (BookList, error) {
	return call[BookList](ctx, c, http.MethodGet, "books", nil)
}

// Preview asks what a rule would make of a book.
func (c *Client) Preview(ctx context.Context, r PreviewRequest) (Preview, error) {
	return call[Preview](ctx, c, http.MethodPost, "books/preview", r)
}

// FindContacts looks a name, an e-mail address or a number up.
func (c *Client) FindContacts(ctx context.Context, text string, limit int) (ContactList, error) {
	q := url.Values{"find": {text}, "limit": {strconv.Itoa(limit)}}
	return call[ContactList](ctx, c, http.MethodGet, "contacts?"+q.Encode(), nil)
}

// Contact returns the contact of an id, an e-mail address or a sign-in name.
func (c *Client) Contact(ctx context.Context, id string) (Contact, error) {
	return call[Contact](ctx, c, http.MethodGet, "contacts/"+url.PathEscape(id), nil)
}

// ExplainContact says what a device is shown of a contact, and why; device "" =
// for every book.
func (c *Client) ExplainContact(ctx context.Context, id, device string) (ContactExplanation, error) {
	return call[ContactExplanation](ctx, c, http.MethodGet, "contacts/"+url.PathEscape(id)+"/explain?"+url.Values{"device": {device}}.Encode(), nil)
}

// Heal makes a device read everything again.
func (c *Client) Heal(ctx context.Context, id string) (Device, error) {
	return call[Device](ctx, c, http.MethodPost, "devices/"+url.PathEscape(id)+"/heal", struct{}{})
}

// AddContact enters a contact.
func (c *Client) AddContact(ctx context.Context, n LocalContact) (Contact, error) {
	return call[Contact](ctx, c, http.MethodPost, "contacts", n)
}

// EditContact changes a contact that was entered or imported.
func (c *Client) EditContact(ctx context.Context, id string, n LocalContact) (Contact, error) {
	return call[Contact](ctx, c, http.MethodPatch, "contacts/"+url.PathEscape(id), n)
}

// RemoveContact removes such a contact and returns what it was.
func (c *Client) RemoveContact(ctx context.Context, id string) (Contact, error) {
	return call[Contact](ctx, c, http.MethodDelete, "contacts/"+url.PathEscape(id), nil)
}

// ImportContacts sends a part of an import.
func (c *Client) ImportContacts(ctx context.Context, r ImportRequest) (ImportReport, error) {
	return call[ImportReport](ctx, c, http.MethodPost, "contacts/import", r)
}

// ExportContacts writes contacts to w in a format: those of a book and a source,
// "" = of all.
func (c *Client) ExportContacts(ctx context.Context, w io.Writer, format, book, source string) error {
	q := url.Values{"format": {format}, "book": {book}, "source": {source}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ringbook/v1/contacts/export?"+q.Encode(), http.NoBody)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	if res.StatusCode/100 != 2 {
		answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return c.unreachable(ctx, err)
		}
		return c.failure(res, answer)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("the export broke off: %w", err)
	}
	return nil
}

// AddDevice makes a device. Its secret is in the answer and nowhere else.
func (c *Client) AddDevice(ctx context.Context, d NewDevice) (AddedDevice, error) {
	return call[AddedDevice](ctx, c, http.MethodPost, "devices", d)
}

// ChangeDevice changes how a device is set up.
func (c *Client) ChangeDevice(ctx context.Context, id string, d DeviceChange) (Device, error) {
	return call[Device](ctx, c, http.MethodPatch, "devices/"+url.PathEscape(id), d)
}

// Rotate gives a device a new secret, which is in the answer and nowhere else.
func (c *Client) Rotate(ctx context.Context, id string) (AddedDevice, error) {
	return call[AddedDevice](ctx, c, http.MethodPost, "devices/"+url.PathEscape(id)+"/rotate", struct{}{})
}

// Devices lists the devices in the order of their creation.
func (c *Client) Devices(ctx context.Context) (DeviceList, error) {
	return call[DeviceList](ctx, c, http.MethodGet, "devices", nil)
}

// Device returns the device of an id or login; [directory.ErrNotFound] = there is none.
func (c *Client) Device(ctx context.Context, id string) (Device, error) {
	return call[Device](ctx, c, http.MethodGet, "devices/"+url.PathEscape(id), nil)
}

// Revoke takes away a device's access.
func (c *Client) Revoke(ctx context.Context, id string, r Revocation) (Device, error) {
	return call[Device](ctx, c, http.MethodPost, "devices/"+url.PathEscape(id)+"/revoke", r)
}

// Profile returns a .mobileconfig for the device.
func (c *Client) Profile(ctx context.Context, id string, r ProfileRequest) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	return c.do(ctx, http.MethodPost, "devices/"+url.PathEscape(id)+"/profile", r)
}

// call does a request that is answered at once, in JSON.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	var v T
	answer, err := c.do(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	return v, c.decode(answer, &v)
}

// do returns the body of a 2xx answer.
func (c *Client) do(ctx context.Context, method, path string, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://ringbook/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode/100 == 2 {
		return answer, nil
	}
	return nil, c.failure(res, answer)
}

// failure reads why a request was refused.
func (c *Client) failure(res *http.Response, answer []byte) error {
	f := &Failure{Status: res.StatusCode, kind: kindOf(res.StatusCode)}
	var e Error
	if json.Unmarshal(answer, &e) == nil {
		f.Message, f.Hint = e.Error, e.Hint
	}
	if f.Message == "" {
		f.Message = "the server answered " + res.Status
		f.Hint = "the server's log may say more"
	}
	return f
}

func (c *Client) decode(answer []byte, v any) error {
	if err := json.Unmarshal(answer, v); err != nil {
		return &Failure{
			Message: "the server's answer is not readable: " + err.Error(),
			Hint:    "the command and the server may be of different versions: compare `ringbook version` with `ringbook status`",
		}
	}
	return nil
}

// unreachable says why there was no answer.
func (c *Client) unreachable(ctx context.Context, err error) error {
	f := &Failure{kind: ErrUnreachable}
	switch {
	case ctx.Err() != nil:
		f.Message = "the server did not answer in time on " + c.path
		if errors.Is(ctx.Err(), context.Canceled) {
			f.Message, f.kind = "interrupted", context.Canceled
		}
	case errors.Is(err, fs.ErrPermission):
		f.Message = "no permission to open " + c.path
		f.Hint = "run the command as the user that runs the server"
	default:
		f.Message = "no server answers on " + c.path
		f.Hint = "is `ringbook serve` running, with the same data_dir?"
	}
	return f
}

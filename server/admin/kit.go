package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"ringbook/directory"
	"ringbook/server/enroll/kit"
)

// A KitRequest is the body of POST /v1/devices/{id}/kit.
type KitRequest struct {
	Vendor kit.Vendor `json:"vendor"`
	// Secret is put into the kit after it was checked; "" = something stands for it.
	Secret string `json:"secret,omitempty"`
	// Legacy: for a phone that needs the listener for old phones.
	Legacy bool `json:"legacy,omitempty"`
}

// A Kit answers it: what a vendor's phone needs to ask this server.
type Kit struct {
	Vendor kit.Vendor `json:"vendor"`
	Title  string     `json:"title"`
	File   string     `json:"file,omitempty"`   // under which name the phone asks for it; "" = a list to type
	Legacy bool       `json:"legacy,omitempty"` // it is for the listener for old phones
	Text   string     `json:"text"`
	Advice []string   `json:"advice"` // what does not fit, or is still to be decided
}

func (h handler) deviceKit(r *http.Request) (any, error) {
	req, err := read[KitRequest](r)
	if err != nil {
		return nil, err
	}
	d, err := h.enrollable(r, req.Secret)
	if err != nil {
		return nil, err
	}
	k, err := kit.Make(req.Vendor, kit.Access{
		Title: h.Access.Organization, PublicURL: h.Access.PublicURL,
		LDAP: h.Access.LDAPURI, LDAPS: h.Access.LDAPSURI, StartTLS: h.Access.StartTLS, Plain: h.Access.PlainLDAP, Legacy: h.Access.Legacy,
		BindDN: h.Access.BindDN(d.Login), BaseDN: h.Access.BaseDN,
	}, d, req.Secret, req.Legacy)
	if err != nil {
		return nil, err
	}
	return Kit{Vendor: k.Vendor, Title: k.Title, File: k.File, Legacy: k.Legacy, Text: string(k.Text), Advice: append([]string{}, k.Advice...)}, nil
}

// enrollable returns the device that the path names, if it may be set up with
// that secret; "" = with none.
func (h handler) enrollable(r *http.Request, secret string) (directory.Device, error) {
	d, err := h.find(r)
	if err != nil {
		return d, err
	}
	if d.State == directory.DeviceRevoked {
		return d, refuse(http.StatusConflict, directory.ErrInvalid,
			fmt.Sprintf("device %s is revoked: this would not let it in", d.ID), "add a new device with `ringbook device add`")
	}
	if secret == "" {
		return d, nil
	}
	right, err := h.Devices.Verify(d.ID, secret)
	if err == nil && !right {
		err = refuse(http.StatusBadRequest, directory.ErrInvalid, "this is not the secret of device "+string(d.ID),
			"the secret was shown once, when the device was added; without --secret-file it is left out")
	}
	return d, err
}

// Kit returns what a vendor's phone needs to ask this server as the device.
func (c *Client) Kit(ctx context.Context, id string, r KitRequest) (Kit, error) {
	return call[Kit](ctx, c, http.MethodPost, "devices/"+url.PathEscape(id)+"/kit", r)
}

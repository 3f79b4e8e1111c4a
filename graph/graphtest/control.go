package graphtest

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"

	"ringbook/directory"
)

// control serves what steers the stand-in; see [Tenant.ServeHTTP].
func (t *Tenant) control(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		http.Error(w, "only from this machine", http.StatusForbidden)
		return
	}
	body, err := readBody(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var answer any
	p := strings.Split(strings.TrimPrefix(r.URL.Path, "/_control/"), "/")
	switch verb := r.Method + " " + p[0]; {
	case p[0] == "users" && len(p) == 3 && r.Method+" "+p[2] == "PUT photo":
		err = t.SetPhoto(p[1], body)
	case p[0] == "users":
		answer, err = t.Objects.control(r, p[1:], body)
	case p[0] == "contacts":
		answer, err = t.OrgContacts.control(r, p[1:], body)
	case p[0] == "mailboxes":
		answer, err = t.controlMailboxes(r, p[1:], body)
	case verb == "POST notify" && len(p) == 2:
		err = t.Notify(r.Context(), p[1], r.URL.Query().Get("lifecycle"))
	case verb == "DELETE subscriptions":
		t.DropSubscriptions()
	case verb == "PUT scope":
		var users []string
		if err = json.Unmarshal(body, &users); err == nil {
			t.SetScope(users...)
		}
	case p[0] == "groups":
		answer, err = t.controlGroups(r, p[1:], body)
	case verb == "POST faults":
		err = t.controlFaults(body)
	case verb == "DELETE faults":
		t.ClearFaults()
	case verb == "GET requests":
		answer = t.Requests()
	case verb == "POST expire-tokens":
		t.ExpireDeltaTokens()
	default:
		err = directory.ErrNotFound
	}
	switch {
	case errors.Is(err, directory.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
	}
}

func (t *Objects) control(r *http.Request, p []string, body []byte) (any, error) {
	var id string
	if len(p) > 0 {
		id = p[0]
	}
	var properties map[string]any
	if r.Method == http.MethodPatch || r.Method == http.MethodPost && id == "" {
		if err := json.Unmarshal(body, &properties); err != nil {
			return nil, err
		}
	}
	switch verb := r.Method + " " + strings.Join(p[min(1, len(p)):], "/"); {
	case id == "" && r.Method == http.MethodGet:
		return t.Users(), nil
	case id == "" && r.Method == http.MethodPost:
		id, err := t.Add(properties)
		return map[string]string{"id": id}, err
	case verb == "GET ":
		return t.User(id)
	case verb == "PATCH ":
		return nil, t.Patch(id, properties)
	case verb == "DELETE " && r.URL.Query().Get("purge") == "1":
		return nil, t.Purge(id)
	case verb == "DELETE ":
		return nil, t.Remove(id)
	case verb == "POST restore":
		return nil, t.Restore(id)
	}
	return nil, directory.ErrNotFound
}

// controlGroups steers groups; those of the stand-in have a name and members.
func (t *Tenant) controlGroups(r *http.Request, p []string, body []byte) (any, error) {
	var g struct {
		DisplayName string   `json:"displayName"`
		Members     []string `json:"members"`
	}
	if r.Method != http.MethodDelete {
		if err := json.Unmarshal(body, &g); err != nil {
			return nil, err
		}
	}
	switch id := strings.Join(p, "/"); {
	case r.Method == http.MethodPost && id == "":
		return map[string]string{"id": t.AddGroup(g.DisplayName, g.Members...)}, nil
	case r.Method == http.MethodPatch && id != "":
		return nil, t.SetMembers(id, g.Members...)
	case r.Method == http.MethodDelete && id != "":
		t.RemoveGroup(id)
		return nil, nil
	}
	return nil, directory.ErrNotFound
}

func (t *Tenant) controlFaults(body []byte) error {
	var rules []Fault
	if err := json.Unmarshal(body, &rules); err != nil {
		var one Fault
		if err := json.Unmarshal(body, &one); err != nil {
			return err
		}
		rules = []Fault{one}
	}
	t.Fault(rules...)
	return nil
}

package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringbook/directory"
)

// The bounds of settings.
const (
	minInterval  = 10 * time.Second // Graph throttles a tenant that is asked more often
	maxInterval  = 24 * time.Hour   // a leaver is gone by the next day
	maxPhones    = 20               // no phone shows more; a card stays a screen long
	maxDrainDays = 365              // a phone that was off for a year is lost

	maxLDAPConnections = 1_000_000        // more than a process may have files
	maxLDAPOperations  = 1000             // each is a goroutine
	minLDAPMessage     = 4 << 10          // any phone's question
	maxLDAPMessage     = 1 << 20          // each client may have as much in memory
	maxLDAPHits        = 1_000_000        // more than a tenant has people
	maxLDAPTimeout     = 10 * time.Minute // who waits longer has a fault to look for
	minNetworkBits     = 8                // what is shorter is everybody and no network of somebody's
)

// A setting is one key and how its value is taken. set gets what TOML made of
// the file (string, bool, int64, float64, …) or an environment variable's string.
type setting struct {
	key string
	set func(v any) error
}

// A valueError says what is wrong with a value and how to mend it.
type valueError struct{ what, mend string }

func (e *valueError) Error() string { return e.what }

// wording is what is wrong and, if it is known, how to mend it.
func wording(err error) (what, mend string) {
	if v, ok := errors.AsType[*valueError](err); ok {
		return v.what, v.mend
	}
	return err.Error(), ""
}

// settings lists every key but those of [[…]] tables: the only place where a key,
// its place in Config and its type are told.
func (r *reader) settings() []setting {
	c := &r.cfg
	return append([]setting{
		text("data_dir", &c.DataDir),
		text("public_url", &c.PublicURL),
		language(keyLanguage, &c.Language),

		text("tenant.id", &c.Tenant.ID),
		text("tenant.client_id", &c.Tenant.ClientID),
		text("tenant.client_secret", (*string)(&c.Tenant.ClientSecret)),
		secretFile("tenant.client_secret_file", &c.Tenant.ClientSecret, &c.Tenant.ClientSecretFile),
		date("tenant.client_secret_expires", &c.Tenant.ClientSecretExpires),
		text("tenant.certificate_file", &c.Tenant.CertificateFile),
		secretFile("tenant.certificate_password_file", &c.Tenant.CertificatePassword, new(string)),
		text("tenant.next.client_secret", (*string)(&c.Tenant.Next.ClientSecret)),
		secretFile("tenant.next.client_secret_file", &c.Tenant.Next.ClientSecret, &c.Tenant.Next.ClientSecretFile),
		date("tenant.next.client_secret_expires", &c.Tenant.Next.ClientSecretExpires),
		text("tenant.next.certificate_file", &c.Tenant.Next.CertificateFile),
		secretFile("tenant.next.certificate_password_file", &c.Tenant.Next.CertificatePassword, new(string)),
		truth("tenant.managed_identity", &c.Tenant.ManagedIdentity),
		truth("tenant.workload_identity", &c.Tenant.WorkloadIdentity),
		choice("tenant.cloud", &c.Tenant.Cloud, "global", "usgov", "usgov_dod", "china"),
		text("tenant.authority_url", &c.Tenant.AuthorityURL),
		text("tenant.graph_url", &c.Tenant.GraphURL),
		text("tenant.ca_file", &c.Tenant.CAFile),

		duration("mirror.interval", &c.Mirror.Interval, minInterval, maxInterval),
		truth("mirror.photos", &c.Mirror.Photos),
		truth("mirror.org_contacts", &c.Mirror.OrgContacts),
		truth("mirror.notifications", &c.Mirror.Notifications),
		group("mirror.mailboxes_group", &c.Mirror.MailboxesGroup),
		text("mirror.mailbox_title", &c.Mirror.MailboxTitle),
		percent("mirror.shrink_guard", &c.Mirror.ShrinkGuard),
		phones("mirror.phones", &c.Mirror.Phones),
		precedence("mirror.precedence", &c.Mirror.Precedence),

		count("numbers.max_phones", &c.Numbers.MaxPhones, 1, maxPhones),
		kinds("numbers.order", &c.Numbers.Order),

		group("devices.owners_group", &c.Devices.OwnersGroup),
		count("devices.drain_days", &c.Devices.DrainDays, 1, maxDrainDays),

		text("http.listen", &c.HTTP.Listen),
		choice("http.tls", &c.HTTP.TLS, TLSACME, TLSFiles, TLSOff),
		text("http.cert_file", &c.HTTP.CertFile),
		text("http.key_file", &c.HTTP.KeyFile),
		truth("http.behind_proxy", &c.HTTP.BehindProxy),
		networks("http.proxy_protocol", &c.HTTP.ProxyProtocol),

		text("ldap.listen", &c.LDAP.Listen),
		text("ldap.ldaps_listen", &c.LDAP.LDAPSListen),
		text("ldap.base_dn", &c.LDAP.BaseDN),
		text("ldap.cert_file", &c.LDAP.CertFile),
		text("ldap.key_file", &c.LDAP.KeyFile),
		truth("ldap.allow_plain", &c.LDAP.AllowPlain),
		networks("ldap.proxy_protocol", &c.LDAP.ProxyProtocol),
		networks("ldap.ldaps_proxy_protocol", &c.LDAP.LDAPSProxyProtocol),
		text("ldap.legacy.listen", &c.LDAP.Legacy.Listen),
		text("ldap.legacy.cert_file", &c.LDAP.Legacy.CertFile),
		text("ldap.legacy.key_file", &c.LDAP.Legacy.KeyFile),
		choice("ldap.legacy.min_tls", &c.LDAP.Legacy.MinTLS, "1.0", "1.1", "1.2"),
		truth("ldap.legacy.allow_plain", &c.LDAP.Legacy.AllowPlain),
		networks("ldap.legacy.proxy_protocol", &c.LDAP.Legacy.ProxyProtocol),
		count("ldap.max_connections", &c.LDAP.MaxConnections, 1, maxLDAPConnections),
		count("ldap.max_unbound_per_address", &c.LDAP.MaxUnboundPerAddress, 1, maxLDAPConnections),
		count("ldap.max_connections_per_device", &c.LDAP.MaxConnectionsPerDevice, 1, maxLDAPConnections),
		count("ldap.max_operations", &c.LDAP.MaxOperations, 1, maxLDAPOperations),
		count("ldap.max_message", &c.LDAP.MaxMessage, minLDAPMessage, maxLDAPMessage),
		count("ldap.max_unbound_message", &c.LDAP.MaxUnboundMessage, minLDAPMessage, maxLDAPMessage),
		count("ldap.max_hits", &c.LDAP.MaxHits, 0, maxLDAPHits),
		duration("ldap.bind_timeout", &c.LDAP.BindTimeout, time.Second, maxLDAPTimeout),
		duration("ldap.idle_timeout", &c.LDAP.IdleTimeout, time.Second, maxInterval),
		duration("ldap.write_timeout", &c.LDAP.WriteTimeout, time.Second, maxLDAPTimeout),
		duration("ldap.search_timeout", &c.LDAP.SearchTimeout, 100*time.Millisecond, maxLDAPTimeout),

		text("admin.listen", &c.Admin.Listen),
	}, siteSettings("numbers.", &c.Numbers.Site)...)
}

func text(key string, to *string) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "text", `"…"`)
		}
		*to = strings.TrimSpace(s)
		return nil
	}}
}

// group reads the name or object id of a group.
func group(key string, to *directory.Group) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "the name of a group", `"Phone owners"`)
		}
		if strings.TrimSpace(s) == "" {
			return nil
		}
		g, err := directory.ParseGroup(s)
		if err != nil {
			return &valueError{"this is no name of a group", "Write its display name or object ID, on one line."}
		}
		*to = g
		return nil
	}}
}

func truth(key string, to *bool) setting {
	return setting{key, func(v any) error {
		switch v := v.(type) {
		case bool:
			*to = v
			return nil
		case string: // an environment variable has no other type
			if b, err := strconv.ParseBool(v); err == nil {
				*to = b
				return nil
			}
		}
		return wrongType(v, "true or false", "true (without quotes)")
	}}
}

func count(key string, to *int, least, most int) setting {
	return setting{key, func(v any) error {
		n, ok := v.(int64)
		if s, isText := v.(string); isText {
			parsed, err := strconv.ParseInt(s, 10, 32)
			n, ok = parsed, err == nil
		}
		if !ok {
			return wrongType(v, "a whole number", strconv.Itoa(least))
		}
		if n < int64(least) || n > int64(most) {
			return &valueError{fmt.Sprintf("%d is out of range", n), fmt.Sprintf("Use %d to %d.", least, most)}
		}
		*to = int(n)
		return nil
	}}
}

func choice(key string, to *string, options ...string) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok || !slices.Contains(options, s) {
			return &valueError{fmt.Sprintf("%v is not one of the values", v), "Use one of " + strings.Join(options, ", ") + "."}
		}
		*to = s
		return nil
	}}
}

func duration(key string, to *time.Duration, least, most time.Duration) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "a duration", `"5m"`)
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return &valueError{fmt.Sprintf("%q is no duration", s), `Write it like "90s", "5m" or "1h".`}
		}
		if d < least || d > most {
			return &valueError{fmt.Sprintf("%v is out of range", d), fmt.Sprintf("Use %v to %v.", least, most)}
		}
		*to = d
		return nil
	}}
}

// date reads a day, which TOML knows as a date of its own or as text.
func date(key string, to *time.Time) setting {
	return setting{key, func(v any) error {
		if t, ok := v.(time.Time); ok {
			v = t.Format(time.DateOnly)
		}
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "a date", `"2027-05-01"`)
		}
		if s == "" {
			return nil
		}
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return &valueError{fmt.Sprintf("%q is no date", s), `Write it like "2027-05-01".`}
		}
		*to = t
		return nil
	}}
}

func percent(key string, to *float64) setting {
	return setting{key, func(v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "a percentage", `"20%"`)
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
		if err != nil || !strings.HasSuffix(s, "%") || !(n >= 0 && n <= 100) {
			return &valueError{fmt.Sprintf("%q is no percentage", s), `Write it like "20%", between "0%" (no guard) and "100%".`}
		}
		*to = n / 100
		return nil
	}}
}

// phones reads [mirror.phones], or "attribute=kind,…" from the environment.
func phones(key string, to *map[string]directory.PhoneKind) setting {
	return setting{key, func(v any) error {
		table, ok := v.(map[string]any)
		if s, isText := v.(string); isText {
			ok, table = true, map[string]any{}
			for pair := range strings.SplitSeq(s, ",") {
				if attribute, kind, found := strings.Cut(pair, "="); found {
					table[strings.TrimSpace(attribute)] = strings.TrimSpace(kind)
				}
			}
		}
		if !ok {
			return wrongType(v, "a table", `extensionAttribute1 = "home" under [mirror.phones]`)
		}
		*to = map[string]directory.PhoneKind{}
		for _, attribute := range slices.Sorted(maps.Keys(table)) {
			s, _ := table[attribute].(string)
			kind := directory.PhoneKind(s)
			if !slices.Contains(directory.PhoneKinds(), kind) {
				return &valueError{
					fmt.Sprintf("%s: %v is no kind of number", attribute, table[attribute]),
					"Use one of work, mobile, home, fax, pager, other.",
				}
			}
			(*to)[attribute] = kind
		}
		return nil
	}}
}

// precedence reads [mirror.precedence], or "field=source+source,…" from the environment.
func precedence(key string, to *directory.Precedence) setting {
	return setting{key, func(v any) error {
		table, ok := v.(map[string]any)
		if s, isText := v.(string); isText {
			ok, table = true, map[string]any{}
			for pair := range strings.SplitSeq(s, ",") {
				field, sources, found := strings.Cut(pair, "=")
				if !found && strings.TrimSpace(pair) == "" {
					continue // there is none, or a comma at the end
				}
				var list []any
				for one := range strings.SplitSeq(sources, "+") {
					list = append(list, strings.TrimSpace(one))
				}
				table[strings.TrimSpace(field)] = list
			}
		}
		if !ok {
			return wrongType(v, "a table", `phones = ["local", "user"] under [mirror.precedence]`)
		}
		*to = directory.Precedence{}
		for _, field := range slices.Sorted(maps.Keys(table)) {
			if !slices.Contains(directory.Fields(), directory.Field(field)) {
				return &valueError{
					fmt.Sprintf("%s is no field", field),
					"Use name, emails, phones, title, department, company, office, address, photo.",
				}
			}
			list, ok := table[field].([]any)
			if !ok {
				return &valueError{field + " is no list of sources", `Write it like phones = ["local", "user"].`}
			}
			for _, one := range list {
				s, _ := one.(string)
				src := directory.Source(s)
				if !slices.Contains(directory.Sources(), src) || src == directory.SourceMailbox {
					return &valueError{fmt.Sprintf("%s: %v is no source that has people in common with others", field, one), "Use user, org_contact, local."}
				}
				if slices.Contains((*to)[directory.Field(field)], src) {
					return &valueError{fmt.Sprintf("%s: %s is named twice", field, src), "Name each source once."}
				}
				(*to)[directory.Field(field)] = append((*to)[directory.Field(field)], src)
			}
		}
		return nil
	}}
}

// kinds reads a list of kinds of numbers, or "mobile,work" from the environment.
func kinds(key string, to *[]directory.PhoneKind) setting {
	return setting{key, func(v any) error {
		list, ok := v.([]any)
		if s, isText := v.(string); isText {
			ok = true
			for word := range strings.SplitSeq(s, ",") {
				list = append(list, strings.TrimSpace(word))
			}
		}
		if !ok {
			return wrongType(v, "a list", `["mobile", "work"]`)
		}
		*to = nil
		for _, one := range list {
			s, _ := one.(string)
			kind := directory.PhoneKind(s)
			if !slices.Contains(directory.PhoneKinds(), kind) {
				return &valueError{fmt.Sprintf("%v is no kind of number", one), "Use work, mobile, home, fax, pager, other."}
			}
			if slices.Contains(*to, kind) {
				return &valueError{fmt.Sprintf("%s is named twice", kind), "Name each kind once."}
			}
			*to = append(*to, kind)
		}
		return nil
	}}
}

func wrongType(v any, want, example string) error {
	kind := "a value of another kind"
	switch v.(type) {
	case string:
		kind = "text"
	case bool:
		kind = "true or false"
	case int64, float64:
		kind = "a number"
	case map[string]any, []map[string]any:
		kind = "a table"
	case []any:
		kind = "a list"
	}
	return &valueError{fmt.Sprintf("this is %s, but %s is needed", kind, want), "Write it like " + example + "."}
}

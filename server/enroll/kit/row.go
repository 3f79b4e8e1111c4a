package kit

// A row is what is known of one vendor.
type row struct {
	vendor Vendor
	title  string // for people
	source string // where these facts are from
	form   *form
	file   string // under which name it is kept, MAC = the phone's own address; "" = a list to type
	ways   ways   // the zero value = it asks for the phone book over HTTPS
	old    ways   // of its oldest; the zero value = the same
	oldest string // which they are, if they have other ways
	// current: a program, whose TLS is as new as the machine that it is on.
	current bool
	book    string // path of that

	// How it asks. The filters are what it is told to ask with or, where it has no
	// field for them, what it asks by itself; none = not known.
	token   string   // stands for what is typed, or for who calls
	star    string   // "*" = it completes what is typed itself, "" = the filter says
	names   []string // filters
	numbers []string

	maxHits int // most entries that it takes; 0 = any
	limits  limits
	noPlus  string // which of its phones cannot dial +; "" = none
	latin   string // which of its phones show ASCII only; "" = none
	notes   []string

	settings []setting
}

// The sources that several rows have.
const (
	tancredi = "templates and models of nethesis/tancredi (data/templates, data/scopes)" //nolint:gosec // no secret, but a path
	sark     = "template in aelintra/sail (db_v4_device.sql)"
)

// dialplan is for telephone systems, which have a simpler way to the caller's name.
const dialplan = "To name callers only, it can ask https://…/lookup with the same login: see Dialplans in the README."

// snom is a row of Snom's: from firmware 10.1.27 on the filter has the star, and
// before that the phone adds it.
func snom(v Vendor, title, typed string) row {
	star := ""
	if typed == "%" {
		star = "*"
	}
	return row{
		vendor: v, title: title,
		source: "service.snom.com, LDAP Directory; " + tancredi + ", upgrade 012; " + sark,
		form:   &snomForm, file: "MAC.xml", ways: ways{plain: "off", ldaps: "on"},
		token: "%", star: star,
		names:    []string{"(|(cn=" + typed + ")(sn=" + typed + "))"},
		numbers:  []string{"(|(telephoneNumber=" + typed + ")(mobile=" + typed + ")(homePhone=" + typed + "))"},
		settings: snomSettings,
	}
}

// snomSettings are those of Snom's phones, and of Gigaset's that Snom makes.
var snomSettings = []setting{
	{"ldap_server", "{host}"},
	{"ldap_port", "{port}"},
	{"ldap_over_tls", "{tls}"},
	{"ldap_base", "{base}"},
	{"ldap_username", "{bind}"},
	{"ldap_password", "{secret}"},
	{"ldap_search_filter", "{name-filter-1}"},
	{"ldap_number_filter", "{number-filter-1}"},
	{"ldap_name_attributes", NameAttribute},
	{"ldap_number_attributes", NumberAttributes},
	{"ldap_display_name", "%cn"},
	{"ldap_max_hits", "{hits}"},
	{"dkey_directory", "keyevent F_DIRECTORY_SEARCH"},
}

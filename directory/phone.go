package directory

// A PhoneKind says what a number is for.
type PhoneKind string

// The kinds of numbers (config: mirror.phones).
const (
	PhoneWork   PhoneKind = "work"
	PhoneMobile PhoneKind = "mobile"
	PhoneHome   PhoneKind = "home"
	PhoneFax    PhoneKind = "fax"
	PhonePager  PhoneKind = "pager"
	PhoneOther  PhoneKind = "other"
)

// PhoneKinds lists the kinds in the order in which numbers are shown, unless
// another one is configured.
func PhoneKinds() []PhoneKind {
	return []PhoneKind{PhoneWork, PhoneMobile, PhoneHome, PhoneOther, PhonePager, PhoneFax}
}

// A Phone is one number of a contact.
type Phone struct {
	Kind    PhoneKind `json:"kind"`
	Written string    `json:"written"`        // as its source has it, trimmed
	E164    string    `json:"e164,omitempty"` // "+4930123456", only when valid for its plan
	// Attribute is the source's attribute that the number came from, such as
	// "businessPhones": news about that attribute replaces these numbers only.
	Attribute string `json:"attribute,omitempty"`
}

func (p Phone) looksLike(q Phone) bool {
	return p.Kind == q.Kind && p.Written == q.Written && p.E164 == q.E164
}

// Canonical returns the number in E.164 when it is valid, else as written.
func (p Phone) Canonical() string {
	if p.E164 != "" {
		return p.E164
	}
	return p.Written
}

// A NumberProfile says how numbers are written for one device.
type NumberProfile string

// The number profiles. The zero value of a device is read as NumbersE164.
const (
	NumbersE164          NumberProfile = "e164"          // +49301234567
	NumbersInternational NumberProfile = "international" // 0049301234567
	NumbersNational      NumberProfile = "national"      // 0301234567, abroad 00… or what is dialled for it
	NumbersExtension     NumberProfile = "extension"     // 1234 at the device's site, else as national
)

// NumberProfiles lists the profiles that a device may have.
func NumberProfiles() []NumberProfile {
	return []NumberProfile{NumbersE164, NumbersInternational, NumbersNational, NumbersExtension}
}

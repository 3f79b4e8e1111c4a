package enroll

// The shapes of Apple's profiles (github.com/apple/device-management,
// mdm/profiles). An empty string is not allowed anywhere: such keys are left out.

// payload is what every payload has, TopLevel.yaml and CommonPayloadKeys.yaml.
type payload struct {
	Description  string `plist:"PayloadDescription"`
	DisplayName  string `plist:"PayloadDisplayName"`
	Identifier   string `plist:"PayloadIdentifier"`
	Organization string `plist:"PayloadOrganization"`
	Type         string `plist:"PayloadType"`
	UUID         string `plist:"PayloadUUID"`
	Version      int    `plist:"PayloadVersion"`
}

// configuration is the wrapper, TopLevel.yaml.
type configuration struct {
	payload
	Content           []cardDAV `plist:"PayloadContent"`
	RemovalDisallowed bool      `plist:"PayloadRemovalDisallowed"`
}

// cardDAV is com.apple.carddav.account.yaml.
type cardDAV struct {
	payload
	AccountDescription string        `plist:"CardDAVAccountDescription"`
	HostName           string        `plist:"CardDAVHostName"`
	Password           string        `plist:"CardDAVPassword,omitempty"`
	Port               int           `plist:"CardDAVPort"`
	PrincipalURL       string        `plist:"CardDAVPrincipalURL"` // from the host's root
	UseSSL             bool          `plist:"CardDAVUseSSL"`
	Username           string        `plist:"CardDAVUsername"`
	Rules              *serviceRules `plist:"CommunicationServiceRules,omitempty"`
	VPNUUID            string        `plist:"VPNUUID,omitempty"`
}

type serviceRules struct {
	DefaultServiceHandlers serviceHandlers
}

type serviceHandlers struct {
	AudioCall string
}
